//! From sections to the settings of one session (spec: glusterd-interface 4.3).

use super::peers::Peers;
use super::section::{Section, in_order};
use crate::conf::ini::Document;
use crate::conf::template::substitute;
use regex::bytes::{Regex, RegexBuilder};
use std::collections::BTreeMap;
use std::fmt;

/// The most memory that one expression may take when it is compiled.
const MAX_EXPRESSION_BYTES: usize = 1 << 20;

/// An expression that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadExpression {
    /// As it stands in the section's name, decoded.
    pub expression: String,
    /// Why.
    pub reason: String,
}

impl fmt::Display for BadExpression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "bad regular expression '{}': {}", self.expression.escape_debug(), self.reason)
    }
}

impl std::error::Error for BadExpression {}

/// What names in templates stand for, besides earlier settings.
pub struct Sources<'a> {
    /// The session's ends.
    pub peers: &'a Peers,
    /// The default of an option, by its name with `_`.
    pub default: &'a dyn Fn(&str) -> Option<String>,
    /// The value of an option on the command line, by its name with `_`.
    pub given: &'a dyn Fn(&str) -> Option<String>,
}

/// The settings of a session, keys with `_`: sections of expressions in their order, then the literal one; later ones
/// win. What a template names and nobody knows stays as it is.
///
/// # Errors
/// A section's expression that cannot be used.
pub fn flatten(
    document: &Document,
    sources: &Sources<'_>,
) -> Result<BTreeMap<String, String>, BadExpression> {
    let mut map = BTreeMap::new();
    flatten_onto(&mut map, document, sources)?;
    Ok(map)
}

/// As [`flatten`], over settings of another file.
///
/// # Errors
/// As [`flatten`].
pub fn flatten_onto(
    map: &mut BTreeMap<String, String>,
    document: &Document,
    sources: &Sources<'_>,
) -> Result<(), BadExpression> {
    let sections = in_order(document);
    for (name, section) in &sections {
        if let Section::Regex(expressions) = section
            && let Some(groups) = matches(expressions, &sources.peers.canonical())?
        {
            take(map, document, name, &groups, sources);
        }
    }
    for (name, section) in &sections {
        if matches!(section, Section::Literal(parts) if is_of(parts, sources.peers)) {
            take(map, document, name, &BTreeMap::new(), sources);
        }
    }
    Ok(())
}

/// Whether a literal section is the session's: by its addresses, or by its volumes.
#[must_use]
pub fn is_of(parts: &[String], peers: &Peers) -> bool {
    peers.canonical().iter().eq(parts.iter()) || peers.volumes().iter().eq(parts.iter())
}

/// Whether each of the expressions can be used.
///
/// # Errors
/// The first one that cannot.
pub fn check(expressions: &[String]) -> Result<(), BadExpression> {
    expressions.iter().try_for_each(|expression| compile(expression).map(|_| ()))
}

type Groups = BTreeMap<String, String>;

fn take(
    map: &mut BTreeMap<String, String>,
    document: &Document,
    section: &str,
    groups: &Groups,
    sources: &Sources<'_>,
) {
    for (key, value) in document.entries(section) {
        let lookup = |name: &str| {
            let from_peers = || sources.peers.value(name);
            let weaker = || groups.get(name).or_else(|| map.get(name)).cloned();
            from_peers().or_else(|| (sources.given)(name)).or_else(|| (sources.default)(name)).or_else(weaker)
        };
        let value = substitute(value, lookup);
        map.insert(key.replace('-', "_"), value);
    }
}

/// The groups of all matches, by their names in templates; None when the section is not of these addresses.
fn matches(expressions: &[String], addresses: &[&str]) -> Result<Option<Groups>, BadExpression> {
    if expressions.len() != addresses.len() {
        return Ok(None);
    }
    let mut groups = Groups::new();
    for (place, (expression, address)) in expressions.iter().zip(addresses).enumerate() {
        let regex = compile(expression)?;
        let Some(found) = regex.captures(address.as_bytes()) else { return Ok(None) };
        for (number, group) in found.iter().enumerate().skip(1) {
            let Some(group) = group else { continue };
            let text = String::from_utf8_lossy(group.as_bytes()).into_owned();
            groups.insert(format!("match{}_{number}", place + 1), text);
        }
    }
    Ok(Some(groups))
}

/// An expression of Python 2 over bytes: its end of text is `\Z`, and its flags may stand at the end.
fn compile(expression: &str) -> Result<Regex, BadExpression> {
    let (body, flags) = match expression.strip_suffix("(?ms)") {
        Some(body) => (body, true),
        None => (expression, false),
    };
    let built = RegexBuilder::new(&modern_end(body))
        .unicode(false)
        .multi_line(flags)
        .dot_matches_new_line(flags)
        .size_limit(MAX_EXPRESSION_BYTES)
        .build();
    built.map_err(|error| BadExpression {
        expression: expression.to_owned(),
        reason: error.to_string().lines().last().unwrap_or_default().trim().to_owned(),
    })
}

/// `\Z` as this crate writes it; a backslash that is itself escaped escapes nothing.
fn modern_end(text: &str) -> String {
    let mut result = String::with_capacity(text.len());
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        result.push(letter);
        if letter == '\\'
            && let Some(escaped) = letters.next()
        {
            result.push(if escaped == 'Z' { 'z' } else { escaped });
        }
    }
    result
}

#[cfg(test)]
mod tests {
    use super::{Sources, check, compile, flatten};
    use crate::cli::Session;
    use crate::conf::Document;
    use crate::conf::old::Peers;
    use crate::url::Secondary;
    use proptest::prelude::{any, proptest};
    use std::net::{IpAddr, Ipv4Addr};

    fn session() -> Session {
        Session { primary: "mvol".to_owned(), secondary: Secondary::parse("vm::svol").unwrap() }
    }

    /// Files of the table, each with what comes out (lines `key = value` after `=>`).
    fn flat(file: &str) -> String {
        let peers = Peers::of(&session(), |_| Some(IpAddr::V4(Ipv4Addr::LOCALHOST)));
        let sources = Sources {
            peers: &peers,
            default: &|name| (name == "local_id").then(String::new),
            given: &|name| (name == "iprefix").then(|| "/var".to_owned()),
        };
        match flatten(&Document::parse_old(file.as_bytes()), &sources) {
            Ok(map) => map.iter().map(|(key, value)| format!("{key} = {value}\n")).collect(),
            Err(error) => format!("{error}\n"),
        }
    }

    #[test]
    fn files_of_the_table() {
        let table = include_str!("../../../testdata/config-old-flatten.txt");
        let mut rows = 0;
        for row in table.split("\n=== ").skip(1) {
            let (title, rest) = row.split_once('\n').unwrap();
            let (file, want) = rest.split_once("=>\n").unwrap_or_else(|| panic!("{title}: no =>"));
            assert_eq!(flat(file).trim_end(), want.trim_end(), "{title}");
            rows += 1;
        }
        assert!(rows >= 20, "{rows}");
    }

    #[test]
    fn expressions_are_bounded_and_named() {
        let many = "(a{1000}){1000}".to_owned();
        for bad in ["(", "a(?=b)", "\\1", &many] {
            let error = check(&[".".to_owned(), bad.to_owned()]).unwrap_err();
            assert!(error.to_string().contains(bad.escape_debug().to_string().as_str()), "{error}");
        }
    }

    #[test]
    fn python_ends_and_flags_are_understood() {
        for (expression, text, want) in [
            ("\\Agluster\\:.*\\Z(?ms)", "gluster:x", true),
            ("\\Agluster\\Z(?ms)", "gluster:x", false),
            ("uste", "gluster", true),
            ("a\\\\Z", "a\\Z", true),
            ("\\_\\:", "_:", true),
        ] {
            assert_eq!(compile(expression).unwrap().is_match(text.as_bytes()), want, "{expression}");
        }
    }

    proptest! {
        #[test]
        fn any_file_is_taken(file in any::<String>()) {
            let _shown = flat(&file);
            let _shown = flat(&format!("[peersrx . .]\n{file}"));
            let _shown = flat(&format!("[peersrx {file} .]\nx = y\n"));
        }
    }
}
