//! Plain directories as people write them: here, or on a host that ssh reaches (spec: glusterd-interface 5.1).
//!
//! `file:///path`, `ssh://[user@]host[:port]:file:///path`, and the sugared `/path`, `./path`, `host:/path`,
//! `user@host:/path`, `ssh://[user@]host[:port]:/path`. Paths are bytes; nothing in them is decoded.

use super::{is_host, is_user};
use std::ffi::OsStr;
use std::fmt;
use std::net::Ipv6Addr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Component, Path, PathBuf};

/// A directory somewhere.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Place {
    /// On this machine; may be relative.
    Here(PathBuf),
    /// On another one.
    There(Remote),
}

/// A directory on a host that ssh reaches.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Remote {
    /// The ssh user; None leaves it to ssh's configuration.
    pub user: Option<String>,
    /// Host name, alias of ssh's configuration, or address, an IPv6 one without brackets. Never starts with `-`.
    pub host: String,
    /// Port; None leaves it to ssh's configuration.
    pub port: Option<u16>,
    /// The directory; absolute.
    pub path: PathBuf,
}

/// What is replicated to where. A volume as the source has its place here, once it can be one.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Pair {
    /// From a directory to another one of this machine.
    Local {
        /// The primary's tree.
        source: PathBuf,
        /// The secondary's tree.
        target: PathBuf,
    },
    /// From a directory to one on another host.
    Ssh {
        /// The primary's tree.
        source: PathBuf,
        /// The secondary's tree.
        target: Remote,
    },
}

/// Why a word names no directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlaceError {
    /// The word, escaped.
    pub word: String,
    /// What is wrong with it.
    pub reason: &'static str,
}

impl fmt::Display for PlaceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "'{}': {}", self.word, self.reason)
    }
}

impl std::error::Error for PlaceError {}

type Parsed<T> = Result<T, &'static str>;

const NO_VOLUMES: &str = "this is a volume; volumes are replicated by `gluster volume geo-replication`";
const ABSOLUTE_THERE: &str =
    "after the host's colon the path must start with '/' (a local name with a colon: ./name)";

impl Place {
    /// Reads a word.
    ///
    /// # Errors
    /// A volume, an unknown scheme, a host or user that could be mistaken for an option, a remote path that is not
    /// absolute.
    pub fn parse(word: &OsStr) -> Result<Place, PlaceError> {
        parse(word.as_bytes()).map_err(|reason| PlaceError { word: shown(word), reason })
    }
}

impl Pair {
    /// Reads a source and a target.
    ///
    /// # Errors
    /// Those of [`Place::parse`], and a source on another host.
    pub fn parse(source: &OsStr, target: &OsStr) -> Result<Pair, PlaceError> {
        let Place::Here(from) = Place::parse(source)? else {
            let reason = "the source must be on this machine; start gsyncd where the source is";
            return Err(PlaceError { word: shown(source), reason });
        };
        Ok(match Place::parse(target)? {
            Place::Here(target) => Pair::Local { source: from, target },
            Place::There(target) => Pair::Ssh { source: from, target },
        })
    }

    /// The source.
    #[must_use]
    pub fn source(&self) -> &Path {
        match self {
            Pair::Local { source, .. } | Pair::Ssh { source, .. } => source,
        }
    }

    /// The target, for people.
    #[must_use]
    pub fn target_shown(&self) -> String {
        match self {
            Pair::Local { target, .. } => shown(target.as_os_str()),
            Pair::Ssh { target, .. } => target.to_string(),
        }
    }

    /// Name of the session's directory: readable, and another one for every other pair. Meaningful for absolute
    /// paths only.
    #[must_use]
    pub fn directory_name(&self) -> String {
        let (host, path, port) = match self {
            Pair::Local { target, .. } => (String::new(), target, None),
            Pair::Ssh { target, .. } => (target.login(), &target.path, target.port),
        };
        let mut hasher = blake3::Hasher::new();
        for part in [self.source().as_os_str().as_bytes(), host.as_bytes(), path.as_os_str().as_bytes()] {
            hasher.update(part).update(&[0]);
        }
        hasher.update(&port.unwrap_or(0).to_be_bytes());
        let hash: String = hasher.finalize().to_hex().chars().take(12).collect();
        let parts = [last_name(self.source()), sanitised(host.as_bytes()), last_name(path), hash];
        parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("-")
    }
}

impl Remote {
    /// `[user@]host`, as ssh takes it.
    #[must_use]
    pub fn login(&self) -> String {
        match &self.user {
            Some(user) => format!("{user}@{}", self.host),
            None => self.host.clone(),
        }
    }
}

impl fmt::Display for Remote {
    /// The shortest form that is read back as the same (but for bytes that are no text).
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let host = if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() };
        let user = self.user.as_ref().map_or(String::new(), |user| format!("{user}@"));
        let path = shown(self.path.as_os_str());
        match self.port {
            Some(port) => write!(f, "ssh://{user}{host}:{port}:{path}"),
            None => write!(f, "{user}{host}:{path}"),
        }
    }
}

/// Whether a word that is no command's name is meant as a directory: it holds a `/` or is `.` or `..`, and is not
/// one of the forms of volumes.
#[must_use]
pub fn is_meant(word: &OsStr) -> bool {
    let bytes = word.as_bytes();
    if bytes.starts_with(b"/") || bytes.starts_with(b"./") || bytes.starts_with(b"../") {
        return true;
    }
    if let Some((scheme, body)) = scheme(bytes) {
        return scheme == b"file" || (scheme == b"ssh" && !is_volume_body(body) && body.contains(&b'/'));
    }
    let is_volume = bytes.starts_with(b":") || is_volume_body(bytes);
    matches!(bytes, b"." | b"..") || (bytes.contains(&b'/') && !is_volume)
}

/// A word for people: as it is when it is plain text, with escapes otherwise.
#[must_use]
pub fn shown(word: &OsStr) -> String {
    match word.to_str() {
        Some(text) if !text.chars().any(char::is_control) => text.to_owned(),
        _ => word.as_bytes().escape_ascii().to_string(),
    }
}

/// `host::volume`, which no path can be mistaken for: a `/` before the colons makes it one.
fn is_volume_body(bytes: &[u8]) -> bool {
    let colons = bytes.windows(2).position(|pair| pair == b"::");
    let in_brackets = bytes.contains(&b'[');
    colons.is_some_and(|at| !in_brackets && !bytes.iter().take(at).any(|&b| b == b'/'))
}

/// `scheme://rest`, the scheme in lower case.
fn scheme(bytes: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let at = bytes.windows(3).position(|three| three == b"://")?;
    let (name, rest) = bytes.split_at_checked(at)?;
    let is_word = !name.is_empty() && name.iter().all(|b| b.is_ascii_alphanumeric() || *b == b'_');
    is_word.then(|| (name.to_ascii_lowercase(), rest.get(3..).unwrap_or_default()))
}

fn parse(bytes: &[u8]) -> Parsed<Place> {
    if bytes.is_empty() {
        return Err("an empty word names no directory");
    }
    if bytes.contains(&0) {
        return Err("a path cannot hold a zero byte");
    }
    match scheme(bytes) {
        Some((scheme, body)) => match scheme.as_slice() {
            b"file" => Ok(Place::Here(file_body(body)?)),
            b"ssh" => Ok(Place::There(ssh_body(body)?)),
            b"gluster" => Err(NO_VOLUMES),
            _ => Err("unknown url scheme"),
        },
        None => sugared(bytes),
    }
}

/// As `scp` has it: a colon before the first `/` separates a host.
fn sugared(bytes: &[u8]) -> Parsed<Place> {
    let head = bytes.split(|&b| b == b'/').next().unwrap_or_default();
    if !head.contains(&b':') {
        return Ok(Place::Here(PathBuf::from(OsStr::from_bytes(bytes))));
    }
    if head.starts_with(b":") || is_volume_body(bytes) {
        return Err(NO_VOLUMES);
    }
    let (user, host, rest) = login(bytes)?;
    Ok(Place::There(Remote { user, host, port: None, path: inner(rest)? }))
}

fn file_body(body: &[u8]) -> Parsed<PathBuf> {
    if body.starts_with(b"/") {
        return Ok(PathBuf::from(OsStr::from_bytes(body)));
    }
    Err("a file url is file:///path: three slashes")
}

/// `[user@]host:INNER` or `[user@]host:PORT:INNER`.
fn ssh_body(body: &[u8]) -> Parsed<Remote> {
    if is_volume_body(body) || find(body, b":gluster://").is_some() {
        return Err(NO_VOLUMES);
    }
    let (user, host, rest) = login(body)?;
    let colon = rest.iter().position(|&b| b == b':');
    let number = colon.and_then(|at| rest.split_at_checked(at)).filter(|(text, _)| is_number(text));
    let Some((text, inner_url)) = number else {
        return Ok(Remote { user, host, port: None, path: inner(rest)? });
    };
    let port = std::str::from_utf8(text).ok().and_then(|text| text.parse().ok()).filter(|port| *port != 0);
    let port = Some(port.ok_or("the port is not valid")?);
    Ok(Remote { user, host, port, path: inner(inner_url.get(1..).unwrap_or_default())? })
}

fn is_number(text: &[u8]) -> bool {
    !text.is_empty() && text.iter().all(u8::is_ascii_digit)
}

/// `[user@]host:` and what follows; the host of an IPv6 address in brackets.
fn login(bytes: &[u8]) -> Parsed<(Option<String>, String, &[u8])> {
    const FORM: &str = "it is not of the form [user@]host:/path";
    let head = bytes.split(|&b| b == b'/').next().unwrap_or_default();
    let at = head.iter().rposition(|&b| b == b'@');
    let (user, rest) = match at {
        Some(at) => (bytes.get(..at), bytes.get(at + 1..).unwrap_or_default()),
        None => (None, bytes),
    };
    let user = user.map(|user| text(user).filter(|user| is_user(user)).ok_or("the user is not valid"));
    let (host, rest) = match rest.strip_prefix(b"[") {
        Some(bracketed) => {
            let end = find(bracketed, b"]:").ok_or("a '[' without its ']:'")?;
            let host = text(bracketed.get(..end).unwrap_or_default()).filter(|host| is_address(host));
            (host.ok_or("what is in brackets is no IPv6 address")?, bracketed.get(end + 2..))
        }
        None => {
            let colon = rest.iter().position(|&b| b == b':').ok_or(FORM)?;
            let host = text(rest.get(..colon).unwrap_or_default()).filter(|host| is_host(host));
            (host.ok_or("the host is not valid")?, rest.get(colon + 1..))
        }
    };
    Ok((user.transpose()?, host, rest.unwrap_or_default()))
}

/// The directory's url on its host.
fn inner(bytes: &[u8]) -> Parsed<PathBuf> {
    let path = match scheme(bytes) {
        Some((scheme, body)) if scheme == b"file" => file_body(body)?,
        Some((scheme, _)) if scheme == b"gluster" => return Err(NO_VOLUMES),
        Some(_) => return Err("the other side's url must be file:///path"),
        None if bytes.starts_with(b"/") => PathBuf::from(OsStr::from_bytes(bytes)),
        None => return Err(ABSOLUTE_THERE),
    };
    // without doubled and closing slashes, so that every spelling is one session
    Ok(path.components().filter(|part| *part != Component::CurDir).collect())
}

/// An IPv6 address, with a zone perhaps.
fn is_address(text: &str) -> bool {
    let (address, zone) = text.split_once('%').unwrap_or((text, "x"));
    address.parse::<Ipv6Addr>().is_ok() && is_host(zone)
}

fn text(bytes: &[u8]) -> Option<String> {
    std::str::from_utf8(bytes).ok().map(str::to_owned)
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|window| window == needle)
}

fn last_name(path: &Path) -> String {
    path.file_name().map_or_else(|| "root".to_owned(), |name| sanitised(name.as_bytes()))
}

/// Letters, digits and `._-` only, not too long, not hidden.
fn sanitised(bytes: &[u8]) -> String {
    const LONGEST: usize = 40;
    let plain = |b: &u8| if b.is_ascii_alphanumeric() || b"._-".contains(b) { char::from(*b) } else { '_' };
    bytes.iter().take(LONGEST).map(plain).collect::<String>().trim_start_matches(['.', '-']).to_owned()
}

#[cfg(test)]
mod tests {
    use super::{Pair, Place, is_meant, shown};
    use proptest::collection::vec;
    use proptest::prelude::{any, proptest};
    use std::ffi::{OsStr, OsString};
    use std::os::unix::ffi::OsStringExt as _;

    /// Columns: word, what it is (`!` and the reason's beginning when refused), whether it makes argv a directory's.
    #[test]
    fn forms() {
        let table = include_str!("../../testdata/places.txt");
        for line in table.lines().filter(|line| !line.starts_with('#') && !line.is_empty()) {
            let columns: Vec<&str> = line.split('|').map(str::trim).collect();
            let word = OsStr::new(columns[0]);
            let got = match Place::parse(word) {
                Ok(Place::Here(path)) => format!("here {}", path.display()),
                Ok(Place::There(remote)) => {
                    let port = remote.port.map_or(String::new(), |port| format!(" port {port}"));
                    format!("there {} {}{port}", remote.login(), remote.path.display())
                }
                Err(error) => format!("! {}", error.reason),
            };
            assert!(got.starts_with(columns[1]), "{line}: {got}");
            assert_eq!(is_meant(word).to_string(), columns[2], "{line}");
        }
    }

    #[test]
    fn every_pair_has_a_directory_of_its_own() {
        let name = |source: &str, target: &str| {
            Pair::parse(OsStr::new(source), OsStr::new(target)).unwrap().directory_name()
        };
        let first = name("/home/me/my docs", "geo@vault:/backup/docs");
        assert!(first.starts_with("my_docs-geo_vault-docs-"), "{first}");
        assert_eq!(first, name("/home/me/my docs", "ssh://geo@vault:file:///backup//docs/"));
        for (source, target) in [
            ("/home/me/my_docs", "geo@vault:/backup/docs"),
            ("/home/me/my docs", "vault:/backup/docs"),
            ("/home/me/my docs", "ssh://geo@vault:22:/backup/docs"),
            ("/home/me/my docs", "/geo@vault/backup/docs"),
        ] {
            assert_ne!(first, name(source, target));
        }
        assert!(name("/", "/.x").starts_with("root-x-"));
    }

    #[test]
    fn the_source_is_here() {
        let error = Pair::parse(OsStr::new("host:/a"), OsStr::new("/b")).unwrap_err();
        assert_eq!(
            error.to_string(),
            "'host:/a': the source must be on this machine; start gsyncd where the source is"
        );
    }

    proptest! {
        #[test]
        fn what_parses_is_read_back_from_what_is_shown(bytes in vec(any::<u8>(), 0..40)) {
            let word = OsString::from_vec(bytes);
            let _outcome = is_meant(&word);
            if let Ok(Place::There(remote)) = Place::parse(&word)
                && shown(remote.path.as_os_str()) == remote.path.to_string_lossy()
            {
                let again = Place::parse(OsStr::new(&remote.to_string())).unwrap();
                assert_eq!(again, Place::There(remote));
            }
        }

        #[test]
        fn remote_forms_are_read_back(text in "(ssh://)?([a-z]{1,3}@)?([a-z.]{1,5}|\\[::1\\]):([0-9]{1,4}:)?(file://)?/[a-z:/@]{0,9}") {
            if let Ok(Place::There(remote)) = Place::parse(OsStr::new(&text)) {
                let again = Place::parse(OsStr::new(&remote.to_string())).unwrap();
                assert_eq!(again, Place::There(remote));
            }
        }
    }
}
