//! Splitting argv by a table of flags: values, repeated flags, prefixes, clusters of letters, positionals anywhere.
//! One splitter for both generations, which differ in the words of their complaints.

use super::UsageError;
use crate::vocabulary::{modern, old};
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};

/// What a flag's value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Value {
    /// There is none: the flag is there or not.
    None,
    /// Any text.
    Text,
    /// A signed number: decimal, `0x…`, `0b…`, or octal with a leading 0.
    Int,
    /// A path: made absolute unless empty or `-`, where it is used.
    Path,
}

/// One flag of a table.
#[derive(Debug, Clone, Copy)]
pub(super) struct Flag {
    /// Long name without dashes, in primary/secondary words.
    pub(super) name: &'static str,
    /// One letter, or 0.
    pub(super) short: u8,
    /// How many words of value follow; with one, `--name=value` is the same.
    pub(super) words: u8,
    /// What the value is.
    pub(super) value: Value,
    /// What people see for the value, a word for each.
    pub(super) metavar: &'static str,
    /// One line for people.
    pub(super) help: &'static str,
    /// Not shown where room is short: used between programs only.
    pub(super) is_hidden: bool,
}

impl Flag {
    /// The same, kept from people.
    pub(super) const fn hidden(self) -> Flag {
        Flag { is_hidden: true, ..self }
    }

    /// The same with a short form.
    pub(super) const fn short(self, letter: u8) -> Flag {
        Flag { short: letter, ..self }
    }
}

/// A flag without a value.
pub(super) const fn switch(name: &'static str, help: &'static str) -> Flag {
    Flag { name, short: 0, words: 0, value: Value::None, metavar: "", help, is_hidden: false }
}

/// A flag with one value.
pub(super) const fn value(name: &'static str, metavar: &'static str, help: &'static str) -> Flag {
    Flag { name, short: 0, words: 1, value: Value::Text, metavar, help, is_hidden: false }
}

/// A flag with a number.
pub(super) const fn number(name: &'static str, help: &'static str) -> Flag {
    Flag { value: Value::Int, ..value(name, "N", help) }
}

/// Whose complaints are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    /// Python's optparse: the old generation's options.
    Options,
    /// Python's argparse: the subcommands.
    Subcommand,
}

/// argv, sorted.
#[derive(Debug, Default)]
pub(super) struct Words {
    found: Vec<(&'static str, Vec<OsString>)>,
    /// Words that are neither flags nor their values.
    pub(super) positionals: Vec<OsString>,
    /// Flags that are in no table, as written but without a value: glusterd may learn new ones.
    pub(super) unknown: Vec<String>,
}

impl Words {
    /// Whether the flag occurs.
    pub(super) fn has(&self, name: &str) -> bool {
        self.found.iter().any(|(found, _)| *found == name)
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

    /// The values of a flag's last occurrence.
    pub(super) fn last_values(&self, name: &str) -> &[OsString] {
        let occurrence = self.found.iter().rev().find(|(found, _)| *found == name);
        occurrence.map_or(&[], |(_, values)| values)
    }

    /// The names of all flags that occur, in order.
    pub(super) fn names(&self) -> impl Iterator<Item = &'static str> {
        self.found.iter().map(|(name, _)| *name)
    }
}

/// Sorts argv by the flags.
///
/// # Errors
/// Exit 2: a flag without its value or with one that it does not take, a bad number, an ambiguous prefix.
pub(super) fn split(argv: &[OsString], flags: &[&'static Flag], style: Style) -> Result<Words, UsageError> {
    let rest = argv.iter();
    let mut splitter = Splitter { flags, style, rest, words: Words::default(), shown: String::new() };
    while let Some(word) = splitter.rest.next() {
        let bytes = word.as_bytes();
        if bytes == b"--" {
            splitter.words.positionals.extend(splitter.rest.by_ref().cloned());
        } else if let Some(long) = bytes.strip_prefix(b"--") {
            splitter.long(long)?;
        } else if let Some(letters) = bytes.strip_prefix(b"-").filter(|letters| !letters.is_empty()) {
            splitter.letters(letters)?;
        } else {
            splitter.words.positionals.push(word.clone());
        }
    }
    Ok(splitter.words)
}

struct Splitter<'a> {
    flags: &'a [&'static Flag],
    style: Style,
    rest: std::slice::Iter<'a, OsString>,
    words: Words,
    /// The flag at hand, in the vocabulary in which it was written.
    shown: String,
}

impl Splitter<'_> {
    fn long(&mut self, long: &[u8]) -> Result<(), UsageError> {
        let at = long.iter().position(|&b| b == b'=');
        let (name, attached) = match at.and_then(|at| long.split_at_checked(at)) {
            Some((name, value)) => (name, value.get(1..).map(|v| OsString::from_vec(v.to_vec()))),
            None => (long, None),
        };
        match self.lookup(name)? {
            Some(flag) => {
                self.shown = self.shown(flag, name);
                self.push(flag, attached)
            }
            None => {
                self.words.unknown.push(format!("--{}", name.escape_ascii()));
                Ok(())
            }
        }
    }

    /// `-N`, `-c FILE`, `-cFILE`, `-NcFILE`.
    fn letters(&mut self, letters: &[u8]) -> Result<(), UsageError> {
        let mut letters = letters;
        while let Some((&letter, after)) = letters.split_first() {
            letters = after;
            let flag = self.flags.iter().find(|flag| flag.short == letter && letter != 0);
            let Some(flag) = flag else {
                self.words.unknown.push(format!("-{}", [letter].escape_ascii()));
                continue;
            };
            self.shown = match self.style {
                Style::Options => format!("-{}", char::from(letter)),
                Style::Subcommand => self.shown(flag, flag.name.as_bytes()),
            };
            if flag.words == 0 {
                self.push(flag, None)?;
                continue;
            }
            let attached = (!after.is_empty()).then(|| OsString::from_vec(after.to_vec()));
            return self.push(flag, attached);
        }
        Ok(())
    }

    fn push(&mut self, flag: &'static Flag, attached: Option<OsString>) -> Result<(), UsageError> {
        if flag.words == 0 && attached.is_some() {
            return Err(self.complain_unwanted(&attached.unwrap_or_default()));
        }
        let mut values: Vec<OsString> = attached.into_iter().collect();
        while values.len() < usize::from(flag.words) {
            let next = self.next_value().ok_or_else(|| self.complain_missing(flag))?;
            values.push(next);
        }
        if flag.value == Value::Int
            && let Some(bad) = values.iter().find(|value| integer(value).is_none())
        {
            return Err(self.complain_number(bad));
        }
        self.words.found.push((flag.name, values));
        Ok(())
    }

    /// The old generation takes any word; a subcommand takes none that is one of its own flags.
    fn next_value(&mut self) -> Option<OsString> {
        let is_flag = |word: &OsString| {
            let name = word.as_bytes().strip_prefix(b"--").and_then(|name| std::str::from_utf8(name).ok());
            name.is_some_and(|name| self.flags.iter().any(|flag| flag.name == modern(name)))
        };
        let next = self.rest.as_slice().first()?;
        if self.style == Style::Subcommand && is_flag(next) {
            return None;
        }
        self.rest.next().cloned()
    }

    /// Exact name first, then an unambiguous prefix, as both generations' parsers take them.
    fn lookup(&self, name: &[u8]) -> Result<Option<&'static Flag>, UsageError> {
        let Ok(name) = std::str::from_utf8(name) else { return Ok(None) };
        let modern = modern(name);
        if let Some(exact) = self.flags.iter().find(|flag| flag.name == modern) {
            return Ok(Some(exact));
        }
        let begins = |flag: &&&'static Flag| {
            !name.is_empty() && (flag.name.starts_with(&modern) || old(flag.name).starts_with(name))
        };
        let found: Vec<&'static Flag> = self.flags.iter().filter(begins).copied().collect();
        match found.as_slice() {
            [] => Ok(None),
            [only] => Ok(Some(only)),
            several => Err(self.complain_ambiguous(name, several)),
        }
    }

    /// The whole name; argparse says the letter too.
    fn shown(&self, flag: &Flag, written: &[u8]) -> String {
        let name = long_name(flag, written);
        match (self.style, flag.short) {
            (Style::Options, _) | (_, 0) => name,
            (Style::Subcommand, letter) => format!("-{}/{name}", char::from(letter)),
        }
    }

    fn complain_ambiguous(&self, name: &str, several: &[&'static Flag]) -> UsageError {
        let mut names: Vec<String> = several.iter().map(|flag| long_name(flag, name.as_bytes())).collect();
        if self.style == Style::Options {
            names.sort();
        }
        let names = names.join(", ");
        let name = name.escape_debug();
        UsageError::syntax(match self.style {
            Style::Options => format!("ambiguous option: --{name} ({names}?)"),
            Style::Subcommand => format!("ambiguous option: --{name} could match {names}"),
        })
    }

    fn complain_missing(&self, flag: &Flag) -> UsageError {
        UsageError::syntax(match (self.style, flag.words) {
            (Style::Options, 1) => format!("{} option requires an argument", self.shown),
            (Style::Options, count) => format!("{} option requires {count} arguments", self.shown),
            (Style::Subcommand, _) => format!("argument {}: expected one argument", self.shown),
        })
    }

    fn complain_unwanted(&self, given: &OsStr) -> UsageError {
        let given = given.as_bytes().escape_ascii();
        UsageError::syntax(match self.style {
            Style::Options => format!("{} option does not take a value", self.shown),
            Style::Subcommand => format!("argument {}: ignored explicit argument '{given}'", self.shown),
        })
    }

    fn complain_number(&self, given: &OsStr) -> UsageError {
        let given = given.as_bytes().escape_ascii();
        UsageError::syntax(match self.style {
            Style::Options => format!("option {}: invalid integer value: '{given}'", self.shown),
            Style::Subcommand => format!("argument {}: invalid int value: '{given}'", self.shown),
        })
    }
}

/// `--name`, in the older vocabulary where `written` begins it in that one only.
fn long_name(flag: &Flag, written: &[u8]) -> String {
    let is_modern = flag.name.as_bytes().starts_with(written);
    if is_modern { format!("--{}", flag.name) } else { format!("--{}", old(flag.name)) }
}

/// A number as optparse reads it: blanks around, a sign, and a base by its first characters.
pub(super) fn integer(word: &OsStr) -> Option<i64> {
    let text = word.to_str()?.trim();
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let lower = digits.to_ascii_lowercase();
    let (digits, base) = match (lower.strip_prefix("0x"), lower.strip_prefix("0b")) {
        (Some(digits), _) => (digits, 16),
        (_, Some(digits)) => (digits, 2),
        _ if lower.len() > 1 && lower.starts_with('0') => (lower.as_str(), 8),
        _ => (lower.as_str(), 10),
    };
    if digits.is_empty() || !digits.chars().all(|digit| digit.is_digit(base)) {
        return None;
    }
    let number = i64::from_str_radix(digits, base).ok()?;
    Some(if negative { -number } else { number })
}
