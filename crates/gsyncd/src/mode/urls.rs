//! `--normalize-url`, `--canonicalize-url`, `--canonicalize-escape-url` (spec: glusterd-interface 5).

use super::print;
use crate::exit::Outcome;
use gsyncd_core::cli::UrlStyle;
use gsyncd_core::url::{Resource, quote_plus};
use std::net::{IpAddr, ToSocketAddrs as _};

/// One line for each address: glusterd maps the lines back by their number.
///
/// # Errors
/// stdout is closed.
pub fn run(urls: &[Resource], style: UrlStyle, inet6: bool) -> Outcome {
    let resolve = |host: &str| if inet6 { None } else { resolve(host) };
    let user = user();
    let line = |url: &Resource| match style {
        UrlStyle::Normal => url.normalized(),
        UrlStyle::Canonical => url.canonical(&user, &resolve),
        UrlStyle::Escaped => quote_plus(&url.canonical(&user, &resolve)),
    };
    let lines: Vec<String> = urls.iter().map(line).collect();
    if lines.is_empty() { Ok(()) } else { print(&lines.join("\n")) }
}

/// The first IPv4 address of a host.
pub(super) fn resolve(host: &str) -> Option<IpAddr> {
    let addresses = (host, 0).to_socket_addrs().ok()?;
    addresses.map(|address| address.ip()).find(IpAddr::is_ipv4)
}

/// Who ssh would log in as when the address does not say: the user that runs this.
fn user() -> String {
    if gsyncd_sys::user::is_root() {
        return "root".to_owned();
    }
    let named = |name: &str| std::env::var(name).ok().filter(|user| !user.is_empty());
    named("USER").or_else(|| named("LOGNAME")).unwrap_or_else(|| "root".to_owned())
}
