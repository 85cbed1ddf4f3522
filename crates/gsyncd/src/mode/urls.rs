//! `--normalize-url`, `--canonicalize-url`.

use super::print;
use crate::exit::Outcome;
use gsyncd_core::url::Secondary;
use std::net::{IpAddr, ToSocketAddrs as _};

/// One line for each address.
///
/// # Errors
/// stdout is closed.
pub fn normalize(urls: &[Secondary]) -> Outcome {
    lines(urls.iter().map(Secondary::normalized))
}

/// One line for each address: glusterd maps the lines back by their number.
///
/// # Errors
/// stdout is closed.
pub fn canonicalize(urls: &[Secondary], inet6: bool) -> Outcome {
    lines(urls.iter().map(|url| url.canonical(|host| if inet6 { None } else { resolve(host) })))
}

fn lines(lines: impl Iterator<Item = String>) -> Outcome {
    let lines: Vec<String> = lines.collect();
    if lines.is_empty() { Ok(()) } else { print(&lines.join("\n")) }
}

/// The first IPv4 address of a host.
pub(super) fn resolve(host: &str) -> Option<IpAddr> {
    let addresses = (host, 0).to_socket_addrs().ok()?;
    addresses.map(|address| address.ip()).find(IpAddr::is_ipv4)
}
