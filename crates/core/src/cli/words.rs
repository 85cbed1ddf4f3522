//! Splitting argv by a table of flags: values, repeated flags, prefixes, positionals anywhere.

use super::UsageError;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};

/// One flag of a table.
#[derive(Debug, Clone, Copy)]
pub(super) struct Flag {
    /// Long name without dashes, in primary/secondary words.
    pub(super) name: &'static str,
    /// One letter, or 0.
    pub(super) short: u8,
    /// How many words of value follow; with one, `--name=value` is the same.
    pub(super) arity: u8,
}

/// A flag without a value.
pub(super) const fn switch(name: &'static str) -> Flag {
    Flag { name, short: 0, arity: 0 }
}

/// A flag with one value.
pub(super) const fn value(name: &'static str) -> Flag {
    Flag { name, short: 0, arity: 1 }
}

/// A flag with a short form.
pub(super) const fn short(name: &'static str, short: u8, arity: u8) -> Flag {
    Flag { name, short, arity }
}

/// What to do with a flag that is in no table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unknown {
    /// Refuse, exit 2.
    Refuse,
    /// Skip the word: glusterd may learn new ones.
    Skip,
}

/// argv, sorted.
#[derive(Debug, Default)]
pub(super) struct Words {
    found: Vec<(&'static str, Vec<OsString>)>,
    /// Words that are neither flags nor their values.
    pub(super) positionals: Vec<OsString>,
}

impl Words {
    /// Whether the flag occurs.
    pub(super) fn has(&self, name: &str) -> bool {
        self.found.iter().any(|(found, _)| *found == name)
    }

    /// Names of the flags that occur, in order.
    pub(super) fn names(&self) -> Vec<&'static str> {
        self.found.iter().map(|(name, _)| *name).collect()
    }

    /// The last value of a flag.
    pub(super) fn last<'a>(&'a self, name: &'a str) -> Option<&'a OsStr> {
        self.all(name).last()
    }

    /// All values of a flag, in order.
    pub(super) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a OsStr> {
        self.found
            .iter()
            .filter(move |(found, _)| *found == name)
            .flat_map(|(_, values)| values)
            .map(OsString::as_os_str)
    }
}

/// Sorts argv by the tables.
///
/// # Errors
/// A flag without its value, an ambiguous prefix, and (with [`Unknown::Refuse`]) a flag that is in no table.
pub(super) fn split(argv: &[OsString], tables: &[&[Flag]], unknown: Unknown) -> Result<Words, UsageError> {
    let mut words = Words::default();
    let mut rest = argv.iter();
    while let Some(word) = rest.next() {
        let bytes = word.as_bytes();
        if bytes == b"--" {
            words.positionals.extend(rest.by_ref().cloned());
        } else if let Some(long) = bytes.strip_prefix(b"--") {
            take_long(long, tables, unknown, &mut rest, &mut words)?;
        } else if bytes.len() > 1 && bytes.first() == Some(&b'-') {
            take_short(bytes, tables, unknown, &mut rest, &mut words)?;
        } else {
            words.positionals.push(word.clone());
        }
    }
    Ok(words)
}

type Rest<'a> = std::slice::Iter<'a, OsString>;

fn take_long(
    long: &[u8],
    tables: &[&[Flag]],
    unknown: Unknown,
    rest: &mut Rest<'_>,
    words: &mut Words,
) -> Result<(), UsageError> {
    let (name, attached) = match long.iter().position(|&b| b == b'=').and_then(|at| long.split_at_checked(at))
    {
        Some((name, value)) => (name, value.get(1..).map(|v| OsString::from_vec(v.to_vec()))),
        None => (long, None),
    };
    match (lookup(name, tables)?, unknown) {
        (Some(flag), _) => push(flag, attached, rest, words),
        (None, Unknown::Skip) => Ok(()),
        (None, Unknown::Refuse) => {
            Err(UsageError::syntax(format!("unrecognized arguments: --{}", long.escape_ascii())))
        }
    }
}

fn take_short(
    word: &[u8],
    tables: &[&[Flag]],
    unknown: Unknown,
    rest: &mut Rest<'_>,
    words: &mut Words,
) -> Result<(), UsageError> {
    let letter = word.get(1).copied().unwrap_or_default();
    let flag = tables.iter().flat_map(|table| table.iter()).find(|flag| flag.short == letter && letter != 0);
    match (flag, unknown) {
        (Some(flag), _) => {
            let attached = word.get(2..).filter(|v| !v.is_empty()).map(|v| OsString::from_vec(v.to_vec()));
            push(flag, attached, rest, words)
        }
        (None, Unknown::Skip) => Ok(()),
        (None, Unknown::Refuse) => {
            Err(UsageError::syntax(format!("unrecognized arguments: {}", word.escape_ascii())))
        }
    }
}

fn push(
    flag: &Flag,
    attached: Option<OsString>,
    rest: &mut Rest<'_>,
    words: &mut Words,
) -> Result<(), UsageError> {
    let mut values: Vec<OsString> = Vec::new();
    if flag.arity > 0 {
        values.extend(attached);
    }
    while values.len() < usize::from(flag.arity) {
        let next = rest
            .next()
            .ok_or_else(|| UsageError::syntax(format!("argument --{}: expected a value", flag.name)))?;
        values.push(next.clone());
    }
    words.found.push((flag.name, values));
    Ok(())
}

/// Exact name first, then an unambiguous prefix, as both generations' parsers take them.
fn lookup<'a>(name: &[u8], tables: &[&'a [Flag]]) -> Result<Option<&'a Flag>, UsageError> {
    let Ok(name) = std::str::from_utf8(name) else { return Ok(None) };
    let modern = modern(name);
    let all = || tables.iter().flat_map(|table| table.iter());
    if let Some(exact) = all().find(|flag| flag.name == modern) {
        return Ok(Some(exact));
    }
    let mut matches = all().filter(|flag| !modern.is_empty() && flag.name.starts_with(&modern));
    match (matches.next(), matches.next()) {
        (Some(_), Some(_)) => Err(UsageError::syntax(format!("ambiguous option: --{name}"))),
        (only, _) => Ok(only),
    }
}

/// The flag in primary/secondary words.
pub(super) fn modern(name: &str) -> String {
    name.replace("master", "primary").replace("slave", "secondary")
}
