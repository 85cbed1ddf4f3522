//! `allow-network`: the networks from which sessions are accepted (spec: glusterd-interface 6.5). The old generation
//! enforces it; so does this program for both, since who sets it means it.

use crate::conf::Document;
use crate::conf::options::canonical_name;
use ipnet::IpNet;
use std::ffi::OsStr;
use std::net::IpAddr;

/// The setting in glusterd's template, in whatever section: it is the only file there that holds for all who come by
/// ssh, and the serving end has no session of its own to match sections by.
#[must_use]
pub fn configured(template: &Document) -> Option<&str> {
    let entries = template.sections().flat_map(|section| template.entries(section));
    entries.filter(|(key, _)| canonical_name(key) == "allow-network").last().map(|(_, value)| value)
}

/// The client's address: the first word of `SSH_CONNECTION`, else of `SSH_CLIENT`.
#[must_use]
pub fn client(ssh_connection: Option<&OsStr>, ssh_client: Option<&OsStr>) -> Option<String> {
    let first = |variable: &OsStr| variable.to_string_lossy().split_whitespace().next().map(str::to_owned);
    ssh_connection.and_then(first).or_else(|| ssh_client.and_then(first))
}

/// Whether a client may come in: `networks` are parted by commas, each an address or a network; no networks let
/// everybody in, and who has no address did not come by a network.
///
/// # Errors
/// The client is in none of them, or one of them or the address means nothing: a mistake must not open the door.
pub fn admit(networks: &str, client: Option<&str>) -> Result<(), String> {
    let mut names = networks.split(',').map(str::trim).filter(|name| !name.is_empty()).peekable();
    let (Some(_), Some(client)) = (names.peek(), client) else { return Ok(()) };
    let address = address(client).ok_or("client IP address is not allowed")?;
    let mut is_allowed = false;
    for name in names {
        let network = network(name).ok_or_else(|| {
            format!("allow-network: '{}' is neither a network nor an address", name.escape_debug())
        })?;
        is_allowed |= network.contains(&address);
    }
    if is_allowed { Ok(()) } else { Err("client IP address is not allowed".to_owned()) }
}

/// sshd on a socket of both families says `::ffff:192.0.2.1`; a link-local address comes with its interface.
fn address(text: &str) -> Option<IpAddr> {
    let text = text.split_once('%').map_or(text, |(address, _interface)| address);
    text.parse::<IpAddr>().ok().map(|address| address.to_canonical())
}

/// `192.0.2.0/24`, `192.0.2.0/255.255.255.0`, `192.0.2.1`; bits beyond the prefix do not matter.
fn network(text: &str) -> Option<IpNet> {
    match text.split_once('/') {
        Some((base, mask)) if mask.contains(['.', ':']) => {
            IpNet::with_netmask(address(base)?, mask.parse().ok()?).ok()
        }
        Some(_) => text.parse().ok(),
        None => address(text).map(IpNet::from),
    }
}

#[cfg(test)]
mod tests {
    use super::{admit, client, configured};
    use crate::conf::Document;
    use crate::testing::rows;
    use proptest::prelude::{any, proptest};
    use std::ffi::OsStr;

    /// networks, `SSH_CONNECTION`, `SSH_CLIENT`, yes or the refusal; `-` is a variable that is not set
    #[test]
    fn who_comes_in() {
        for row in rows("shell-networks.tsv") {
            let variable = |column: usize| Some(OsStr::new(&row[column])).filter(|text| *text != "-");
            let client = client(variable(1), variable(2));
            let outcome = admit(&row[0], client.as_deref()).err().unwrap_or_else(|| "yes".to_owned());
            assert_eq!(outcome, row[3], "{row:?}");
        }
    }

    #[test]
    fn the_setting_is_found_in_files_of_both_formats() {
        for (text, want) in [
            ("[vars]\nallow-network = 192.0.2.0/24\n", Some("192.0.2.0/24")),
            ("[__meta__]\nversion = 2.0\n[peersrx . .]\nallow_network = 192.0.2.1\n", Some("192.0.2.1")),
            (
                "[peersrx . .]\nallow_network = 192.0.2.1\n[peersrx .]\nallow_network = 192.0.2.2\n",
                Some("192.0.2.2"),
            ),
            ("[vars]\nssh-port = 22\n", None),
            ("", None),
        ] {
            assert_eq!(configured(&Document::parse_old(text.as_bytes())), want, "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_taken(networks in any::<String>(), client in any::<String>()) {
            let _outcome = admit(&networks, Some(&client));
        }
    }
}
