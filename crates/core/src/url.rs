//! The secondary's address as glusterd and people write it, and the two spellings printed back.
//!
//! Only the new generation's form is here, `[ssh://][user@]host::volume[:uuid]` (spec: glusterd-interface 1.3, 5.4).
//! Every spelling of one session parses to values that differ in `uuid_suffix` only.

pub mod place;

use std::fmt;
use std::net::IpAddr;

/// Where the secondary volume is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Secondary {
    /// The ssh user; None means the default, root.
    pub user: Option<String>,
    /// Host name or IPv4 address. Never starts with `-`, holds neither `/` nor blanks.
    pub host: String,
    /// Volume name. Never starts with `-`, holds neither `/` nor blanks.
    pub volume: String,
    /// The secondary volume's uuid that glusterd 3.8 and later appends to stored addresses.
    pub uuid_suffix: Option<String>,
}

/// Why an address was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UrlError {
    /// The address as received.
    pub url: String,
    /// What is wrong with it.
    pub reason: &'static str,
}

impl fmt::Display for UrlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "malformed secondary address '{}': {}", self.url.escape_debug(), self.reason)
    }
}

impl std::error::Error for UrlError {}

impl Secondary {
    /// Accepts `host::vol`, `user@host::vol`, `ssh://[user@]host::vol` and the latter with `:uuid`.
    ///
    /// # Errors
    /// Anything without exactly one `::`, or with a part that could be mistaken for an option or a path.
    pub fn parse(url: &str) -> Result<Secondary, UrlError> {
        let fail = |reason| UrlError { url: url.to_owned(), reason };
        let body = url.strip_prefix("ssh://").unwrap_or(url);
        let (place, rest) =
            body.split_once("::").ok_or_else(|| fail("it is not of the form host::volume"))?;
        if rest.contains("::") {
            return Err(fail("it holds more than one '::'"));
        }
        let (user, host) = match place.rsplit_once('@') {
            Some((user, host)) => (Some(user), host),
            None => (None, place),
        };
        let (volume, uuid_suffix) = match rest.split_once(':') {
            Some((volume, uuid)) => (volume, Some(uuid.to_owned())),
            None => (rest, None),
        };
        if user.is_some_and(|user| !is_user(user)) {
            return Err(fail("the user is not valid"));
        }
        if !is_host(host) {
            return Err(fail("the host is not valid"));
        }
        if !is_volume(volume) {
            return Err(fail("the volume name is not valid"));
        }
        Ok(Secondary {
            user: user.map(str::to_owned),
            host: host.to_owned(),
            volume: volume.to_owned(),
            uuid_suffix,
        })
    }

    /// The line that `--normalize-url` prints; the uuid is cut.
    #[must_use]
    pub fn normalized(&self) -> String {
        format!("ssh://{}::{}", self.login(), self.volume)
    }

    /// The line that `--canonicalize-url` prints. `resolve` gives the host's address; where it gives none the
    /// host stays as written, because a failure here would block every command on the primary volume, for its
    /// other sessions too (spec: glusterd-interface 5.4).
    #[must_use]
    pub fn canonical(&self, resolve: impl Fn(&str) -> Option<IpAddr>) -> String {
        let host = resolve(&self.host).map_or_else(|| self.host.clone(), |address| address.to_string());
        let user = self.user.as_deref().unwrap_or("root");
        format!("ssh://{user}@{host}:gluster://127.0.0.1:{}", self.volume)
    }

    /// `[user@]host`, as ssh takes it.
    #[must_use]
    pub fn login(&self) -> String {
        match &self.user {
            Some(user) => format!("{user}@{}", self.host),
            None => self.host.clone(),
        }
    }
}

impl fmt::Display for Secondary {
    /// `[user@]host::volume`, the form given to workers.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}::{}", self.login(), self.volume)
    }
}

/// Whether the text can be a volume name: it becomes part of paths and of argv, so no `/`, blank or leading `-`.
#[must_use]
pub fn is_volume(text: &str) -> bool {
    !text.is_empty()
        && !text.starts_with(['-', '.'])
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
}

fn is_host(text: &str) -> bool {
    is_volume(text)
}

fn is_user(text: &str) -> bool {
    !text.is_empty()
        && !text.starts_with('-')
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"_.-+$".contains(&b))
}

#[cfg(test)]
mod tests {
    use super::Secondary;
    use proptest::prelude::{any, proptest};
    use std::net::{IpAddr, Ipv4Addr};

    /// Columns: input, normalized or `!`, canonical.
    #[test]
    fn tables_of_the_specification() {
        let table = include_str!("../testdata/urls.txt");
        for line in table.lines().filter(|line| !line.starts_with('#') && !line.is_empty()) {
            let columns: Vec<&str> = line.split('|').map(str::trim).collect();
            let parsed = Secondary::parse(columns[0]);
            if columns[1] == "!" {
                assert!(parsed.is_err(), "{line}");
                continue;
            }
            let parsed = parsed.unwrap();
            assert_eq!(parsed.normalized(), columns[1], "{line}");
            let resolve = |host: &str| (host != "nowhere").then_some(IpAddr::V4(Ipv4Addr::LOCALHOST));
            assert_eq!(parsed.canonical(resolve), columns[2], "{line}");
        }
    }

    proptest! {
        #[test]
        fn what_parses_survives_its_own_normal_form(text in any::<String>()) {
            if let Ok(parsed) = Secondary::parse(&text) {
                let again = Secondary::parse(&parsed.normalized()).unwrap();
                assert_eq!(again, Secondary { uuid_suffix: None, ..parsed });
            }
        }
    }
}
