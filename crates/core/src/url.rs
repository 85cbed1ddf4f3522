//! The secondary's address as glusterd and people write it. All other addresses: [`Resource`], [`place`].
//!
//! Only the new generation's form is here, `[ssh://][user@]host::volume[:uuid]` (spec: glusterd-interface 1.3, 5.4).
//! Every spelling of one session parses to values that differ in `uuid_suffix` only.

pub mod place;
mod resource;

pub use resource::{Resource, ResourceError, Target, quote_plus};

use std::fmt;

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
    use super::{Resource, ResourceError, Secondary, quote_plus};
    use proptest::prelude::{any, proptest};
    use std::net::{IpAddr, Ipv4Addr};

    /// Columns: input, normalized or `! message`, canonical, canonical and escaped.
    #[test]
    fn tables_of_the_specification() {
        let table = include_str!("../testdata/urls.txt");
        let resolve = |host: &str| (host != "nowhere").then_some(IpAddr::V4(Ipv4Addr::LOCALHOST));
        for line in table.lines().filter(|line| !line.starts_with('#') && !line.is_empty()) {
            let (row, _section) = line.rsplit_once("  # ").expect(line);
            let columns: Vec<&str> = row.split('|').map(str::trim).collect();
            let parsed = match (Resource::parse(&columns[0].replace('␣', " ")), columns[1].strip_prefix("! "))
            {
                (Ok(parsed), None) => parsed,
                (Err(error), Some(message)) => {
                    assert_eq!(error.to_string(), message, "{line}");
                    continue;
                }
                (outcome, _) => panic!("{line}: {outcome:?}"),
            };
            assert_eq!(parsed.normalized(), columns[1], "{line}");
            let canonical = parsed.canonical("root", &resolve);
            assert_eq!(canonical, columns[2], "{line}");
            let escaped = columns.get(3).filter(|text| !text.is_empty());
            assert!(escaped.is_none_or(|escaped| quote_plus(&canonical) == *escaped), "{line}");
            assert_eq!(Resource::parse(&parsed.normalized()), Ok(parsed), "{line}");
        }
    }

    #[test]
    fn the_default_user_of_the_old_forms_is_who_runs_this() {
        let canonical = |url: &str| Resource::parse(url).unwrap().canonical("geo", &|_| None);
        assert_eq!(canonical("h:/x"), "ssh://geo@h:file:///x");
        assert_eq!(canonical("ssh://h:gluster://h:v"), "ssh://geo@h:gluster://h:v");
        assert_eq!(canonical("h::v"), "ssh://root@h:gluster://127.0.0.1:v");
        assert_eq!(
            canonical("localhost::v"),
            "ssh://root@localhost:gluster://127.0.0.1:v",
            "as with --inet6"
        );
    }

    #[test]
    fn addresses_in_addresses_have_an_end() {
        let long = "ssh://a:".repeat(10_000);
        assert_eq!(Resource::parse(&long), Err(ResourceError::MalformedPath));
    }

    proptest! {
        #[test]
        fn what_parses_survives_its_own_normal_form(text in any::<String>()) {
            if let Ok(parsed) = Resource::parse(&text) {
                assert_eq!(Resource::parse(&parsed.normalized()), Ok(parsed));
            }
            if let Ok(parsed) = Secondary::parse(&text) {
                let again = Secondary::parse(&parsed.to_string()).unwrap();
                assert_eq!(again, Secondary { uuid_suffix: None, ..parsed });
            }
        }

        #[test]
        fn words_that_are_nearly_addresses_do_not_panic(text in "(ssh://|gluster://|file://|[a-z@:/*.?\\[-]){0,12}") {
            if let Ok(parsed) = Resource::parse(&text) {
                assert!(parsed.canonical("root", &|_| None).contains("://"));
                assert_eq!(Resource::parse(&parsed.normalized()), Ok(parsed));
            }
        }
    }
}
