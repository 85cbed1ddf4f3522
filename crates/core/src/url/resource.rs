//! Addresses as the url actions take them (spec: glusterd-interface 5). What holds `host::volume` is read as releases
//! 4 and later read it (5.4), everything else by the grammar of the old generation (5.1).

use super::{Secondary, is_user};
use std::fmt;
use std::net::IpAddr;

/// How deep addresses may lie in each other. Nobody uses more than two; a bound keeps long words off the stack.
const MAX_DEPTH: u8 = 8;

/// What an address names, and how it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resource {
    /// What is named.
    pub target: Target,
    /// What follows `scheme://`, sugar inside it left as it was written.
    body: String,
}

/// What an address names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// A directory.
    File {
        /// Begins with `/`.
        path: String,
    },
    /// A volume.
    Gluster {
        /// A node of its cluster.
        host: String,
        /// Never empty.
        volume: String,
    },
    /// Something that ssh leads to.
    Ssh {
        /// The ssh user; None means the default.
        user: Option<String>,
        /// The host.
        host: String,
        /// What is there.
        inner: Box<Resource>,
    },
}

/// Why a word is no address; the texts are those of the old generation (spec: glusterd-interface 5.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ResourceError {
    /// A blank, one of `*?[`, or a control character.
    MalformedUrl,
    /// A scheme that is none of ours.
    UnknownScheme(String),
    /// What follows the scheme does not fit it.
    MalformedPath,
    /// Neither a scheme, nor a colon, nor a path.
    Unresolved(String),
}

impl fmt::Display for ResourceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ResourceError::MalformedUrl => f.write_str("malformed url"),
            ResourceError::UnknownScheme(scheme) => write!(f, "unknown url scheme {scheme}"),
            ResourceError::MalformedPath => f.write_str("malformed path"),
            ResourceError::Unresolved(url) => {
                write!(f, "cannot resolve sugared url '{}'", url.escape_debug())
            }
        }
    }
}

impl std::error::Error for ResourceError {}

type Parsed<T> = Result<T, ResourceError>;

impl Resource {
    /// Reads an address of either generation.
    ///
    /// # Errors
    /// The word is none.
    pub fn parse(word: &str) -> Parsed<Resource> {
        parse(word, 0)
    }

    /// The address with its scheme: the line of `--normalize-url`.
    #[must_use]
    pub fn normalized(&self) -> String {
        format!("{}://{}", self.scheme(), self.body)
    }

    /// The line of `--canonicalize-url`: hosts are addresses, ssh users are said. `resolve` gives a host's address;
    /// where it gives none the host stays as written, because a failure would block every command on the primary
    /// volume, for its other sessions too (REC in 5.4). `user` is the default where the address has the old form;
    /// that of `host::volume` is root.
    #[must_use]
    pub fn canonical(&self, user: &str, resolve: &dyn Fn(&str) -> Option<IpAddr>) -> String {
        let address = |host: &str| resolve(host).map_or_else(|| host.to_owned(), |ip| ip.to_string());
        match &self.target {
            Target::File { path } => format!("file://{path}"),
            // of a volume here the address is constant, whatever the resolver says
            Target::Gluster { host, volume } if host == "localhost" => {
                format!("gluster://127.0.0.1:{volume}")
            }
            Target::Gluster { host, volume } => format!("gluster://{}:{volume}", address(host)),
            Target::Ssh { user: named, host, inner } => {
                let default = if self.body.contains("::") { "root" } else { user };
                let user = named.as_deref().unwrap_or(default);
                format!("ssh://{user}@{}:{}", address(host), inner.canonical(user, resolve))
            }
        }
    }

    /// The secondary that the address names, when it is a volume behind ssh.
    #[must_use]
    pub fn secondary(&self) -> Option<Secondary> {
        let Target::Ssh { user, host, inner } = &self.target else { return None };
        let Target::Gluster { volume, .. } = &inner.target else { return None };
        let secondary =
            Secondary { user: user.clone(), host: host.clone(), volume: volume.clone(), uuid_suffix: None };
        Secondary::parse(&secondary.to_string()).is_ok().then_some(secondary)
    }

    /// What follows the scheme, as it was written: how messages name the address.
    #[must_use]
    pub fn body(&self) -> &str {
        &self.body
    }

    fn scheme(&self) -> &'static str {
        match self.target {
            Target::File { .. } => "file",
            Target::Gluster { .. } => "gluster",
            Target::Ssh { .. } => "ssh",
        }
    }
}

/// As a query string has it (`quote_plus` of Python 2, spec: glusterd-interface 4.2): a blank is `+`, `~` is escaped.
#[must_use]
pub fn quote_plus(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'_' | b'.' | b'-' => quoted.push(char::from(byte)),
            b' ' => quoted.push('+'),
            other => quoted.push_str(&format!("%{other:02X}")),
        }
    }
    quoted
}

fn parse(word: &str, depth: u8) -> Parsed<Resource> {
    if depth > MAX_DEPTH {
        return Err(ResourceError::MalformedPath);
    }
    if word.chars().any(char::is_control) {
        return Err(ResourceError::MalformedUrl);
    }
    if let Some((scheme, body)) = scheme_form(word) {
        return with_scheme(scheme, body, depth);
    }
    let full = desugar(word)?;
    let (scheme, body) = scheme_form(&full).ok_or(ResourceError::MalformedUrl)?;
    with_scheme(scheme, body, depth)
}

/// `scheme://body` where the body holds no blank and none of `*?[`.
fn scheme_form(word: &str) -> Option<(&str, &str)> {
    let (scheme, body) = word.split_once("://")?;
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let fits = !scheme.is_empty() && scheme.chars().all(is_word) && !body.contains([' ', '*', '?', '[']);
    fits.then_some((scheme, body))
}

fn desugar(word: &str) -> Parsed<String> {
    match word.split_once(':') {
        Some(("", _)) => Ok(format!("gluster://localhost{word}")),
        Some((head, rest)) if head.contains('@') || rest.contains([':', '/']) => Ok(format!("ssh://{word}")),
        Some(_) => Ok(format!("gluster://{word}")),
        None if word.starts_with('/') => Ok(format!("file://{}", plain_path(word))),
        None => Err(ResourceError::Unresolved(word.to_owned())),
    }
}

/// The path without `.`, `..` and empty parts.
fn plain_path(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            name => parts.push(name),
        }
    }
    format!("/{}", parts.join("/"))
}

fn with_scheme(scheme: &str, body: &str, depth: u8) -> Parsed<Resource> {
    match scheme.to_ascii_lowercase().as_str() {
        "file" => file(body),
        "gluster" => gluster(body),
        "ssh" => match body.split_once("::") {
            Some((login, _)) if !login.contains(':') => new_form(body),
            _ => ssh(body, depth),
        },
        _ => Err(ResourceError::UnknownScheme(scheme.to_owned())),
    }
}

fn file(body: &str) -> Parsed<Resource> {
    if !body.starts_with('/') {
        return Err(ResourceError::MalformedPath);
    }
    Ok(Resource { target: Target::File { path: body.to_owned() }, body: body.to_owned() })
}

fn gluster(body: &str) -> Parsed<Resource> {
    let (host, volume) = body.split_once(':').ok_or(ResourceError::MalformedPath)?;
    // `::volume` is `host::volume` without the host rather than a volume whose name begins with a colon
    if !is_host(host) || volume.is_empty() || volume.starts_with(':') {
        return Err(ResourceError::MalformedPath);
    }
    let target = Target::Gluster { host: host.to_owned(), volume: volume.to_owned() };
    Ok(Resource { target, body: body.to_owned() })
}

/// `[user@]host::volume[:uuid]`; the uuid is cut.
fn new_form(body: &str) -> Parsed<Resource> {
    let secondary = Secondary::parse(body).map_err(|_| ResourceError::MalformedPath)?;
    let inner = gluster(&format!("localhost:{}", secondary.volume))?;
    let body = secondary.to_string();
    let target = Target::Ssh { user: secondary.user, host: secondary.host, inner: Box::new(inner) };
    Ok(Resource { target, body })
}

/// `[user@]host:ADDRESS`.
fn ssh(body: &str, depth: u8) -> Parsed<Resource> {
    let (login, inner) = body.split_once(':').ok_or(ResourceError::MalformedPath)?;
    let (user, host) = match login.split_once('@') {
        Some((user, host)) => (Some(user), host),
        None => (None, login),
    };
    // what begins with a dash would be an option of ssh
    if user.is_some_and(|user| !is_old_user(user) || user.starts_with('-')) || !is_host(host) {
        return Err(ResourceError::MalformedPath);
    }
    let inner = Box::new(parse(inner, depth + 1)?);
    let target = Target::Ssh { user: user.map(str::to_owned), host: host.to_owned(), inner };
    Ok(Resource { target, body: body.to_owned() })
}

fn is_host(text: &str) -> bool {
    let is_end = |byte: Option<u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric());
    is_end(text.bytes().next())
        && is_end(text.bytes().last())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'.' || b == b'-')
}

fn is_old_user(text: &str) -> bool {
    is_user(text)
        || (!text.is_empty()
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+,-./=?^_`{|}~".contains(&b)))
}
