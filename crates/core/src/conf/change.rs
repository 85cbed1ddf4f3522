//! `config-check`, `-set` and `-reset`: what is refused, how, and what is written (spec: glusterd-interface 4.10).

use super::generation::Generation;
use super::ini::{Document, VARS};
use super::options::{Access, Kind, canonical_name, canonical_value, is_other_kind, truth};
use super::settings::{Facts, Settings};
use super::table::{Check, Entry, Table, is_of_kind};
use std::fmt;

/// Why a config command fails. The names are echoed as received.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConfigError {
    /// No such option, or one that has no value.
    InvalidName(String),
    /// The option exists, the value is refused.
    InvalidValue {
        /// The option.
        name: String,
        /// The value.
        value: String,
    },
    /// The option exists and cannot be set (here, or at all).
    NotConfigurable(String),
}

impl ConfigError {
    /// The exit code of the command.
    #[must_use]
    pub fn exit(&self) -> u8 {
        match self {
            ConfigError::InvalidName(_) => 2,
            ConfigError::InvalidValue { .. } => 3,
            ConfigError::NotConfigurable(_) => 4,
        }
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ConfigError::InvalidName(name) => write!(f, "Invalid config name \"{name}\""),
            ConfigError::InvalidValue { name, value } => write!(f, "Invalid config value \"{name}={value}\""),
            ConfigError::NotConfigurable(name) => write!(f, "Not configurable \"{name}\""),
        }
    }
}

impl std::error::Error for ConfigError {}

/// Whether a path names an existing executable file: the one look at the world that validation needs.
pub type IsExecutable<'a> = &'a dyn Fn(&str) -> bool;

/// The longest value that is taken, in bytes. glusterd reads a line of settings into 4350 bytes; what is longer it takes
/// for two lines, the second of which has no name, and then it knows no setting of the session at all (spec:
/// glusterd-interface 2.6).
pub const VALUE_LIMIT_BYTES: usize = 4096;

/// Checks a name, and a value for it when one is given.
///
/// # Errors
/// [`ConfigError::InvalidName`] or [`ConfigError::InvalidValue`].
pub fn check<'a>(
    table: &'a Table,
    name: &str,
    value: Option<&str>,
    is_executable: IsExecutable<'_>,
) -> Result<&'a Entry, ConfigError> {
    let option = table.find(name).ok_or_else(|| ConfigError::InvalidName(name.to_owned()))?;
    let Some(value) = value else { return Ok(option) };
    if value.len() <= VALUE_LIMIT_BYTES && is_valid(option, &kept(option, name, value), is_executable) {
        return Ok(option);
    }
    Err(ConfigError::InvalidValue { name: name.to_owned(), value: value.to_owned() })
}

/// The value as it is kept: other words for a truth become `true` or `false`, where the table does not insist on these.
fn kept(option: &Entry, name: &str, value: &str) -> String {
    match truth(value) {
        Some(truth) if option.kind == Kind::Bool && option.check == Check::None => truth.to_string(),
        // In a file it counts as false; who types it is told.
        None if is_other_kind(name) => value.to_owned(),
        _ => canonical_value(name, value),
    }
}

/// Sets an option in the session's file; Ok(false) when that is its value already and nothing is to be written
/// (spec: glusterd-interface 4.9; numbers and truths are written all the same).
///
/// # Errors
/// Those of [`check`], and [`ConfigError::NotConfigurable`] for options that glusterd reckons with.
pub fn set(
    document: &mut Document,
    table: &Table,
    facts: &Facts,
    (name, value): (&str, &str),
    is_executable: IsExecutable<'_>,
) -> Result<bool, ConfigError> {
    let option = check(table, name, Some(value), is_executable)?;
    if option.access == Access::Fixed {
        return Err(ConfigError::NotConfigurable(name.to_owned()));
    }
    let value = kept(option, name, value);
    let settings = Settings::new(table, document, facts);
    if matches!(option.kind, Kind::Text | Kind::Path) && settings.get(&option.name) == Some(value.as_str()) {
        return Ok(false);
    }
    Ok(write(document, table.generation(), &option.name, &value))
}

/// Writes an option in the generation's words without judging it: for what the program itself keeps in the file.
pub fn write(document: &mut Document, generation: Generation, name: &str, value: &str) -> bool {
    let said = document
        .entries(VARS)
        .filter(|(key, _)| canonical_name(key) == name)
        .map(|(key, value)| canonical_value(key, value))
        .last();
    if said.as_deref() == Some(value) {
        return false;
    }
    document.set(VARS, &generation.spoken(name), value, |key| canonical_name(key) == name);
    true
}

/// Options that `config-reset all` keeps: a later `delete reset-sync-time` needs them, and nobody set them by hand.
const KEPT: [&str; 2] = ["stime-xattr-prefix", "primary-distribution-count"];

/// Takes an option, or `all`, out of the session's file; Ok(false) when it was not there.
///
/// # Errors
/// [`ConfigError::InvalidName`].
pub fn reset(document: &mut Document, table: &Table, name: &str) -> Result<bool, ConfigError> {
    if name == "all" {
        return Ok(document.remove(VARS, |key| !KEPT.contains(&canonical_name(key).as_str())));
    }
    let option = check(table, name, None, &|_| false)?;
    Ok(document.remove(VARS, |key| canonical_name(key) == option.name))
}

/// What set and reset answer while there is no session's file.
#[must_use]
pub fn without_session(table: &Table, name: &str) -> ConfigError {
    match table.find(name) {
        Some(option) if option.default.is_some() => ConfigError::NotConfigurable(name.to_owned()),
        _ => ConfigError::InvalidName(name.to_owned()),
    }
}

fn is_valid(option: &Entry, value: &str, is_executable: IsExecutable<'_>) -> bool {
    // One line is one entry: a line break would smuggle in another one.
    if value.contains(['\n', '\r', '\0']) {
        return false;
    }
    let int = value.parse::<i64>().ok();
    let kind = match option.kind {
        Kind::Text | Kind::Path => is_of_kind(option.kind, value),
        Kind::Int => int.is_some(),
        Kind::Bool => value == "true" || value == "false",
    };
    kind && match &option.check {
        Check::None => true,
        Check::Int => int.is_some(),
        Check::Bool => value == "true" || value == "false",
        Check::UnixTime => int.is_some_and(is_after_1970),
        Check::Range(low, high) => int.is_some_and(|int| (*low..=*high).contains(&int)),
        Check::Choice(words) => words.iter().any(|word| word == value),
        Check::Executable => value.contains('/') && is_executable(value),
    }
}

/// `0` is refused because "no checkpoint" is said by reset.
fn is_after_1970(seconds: i64) -> bool {
    const YEAR_SECONDS: i64 = 365 * 24 * 3600;
    seconds >= YEAR_SECONDS
}

#[cfg(test)]
mod tests {
    use super::{check, reset, set, without_session};
    use crate::conf::{Document, Facts, Generation, Table};

    /// Columns: action, name, value, exit code; the same file all along.
    fn play(generation: Generation, goldens: &str) -> String {
        let (mut document, table, facts) = (Document::default(), Table::of(generation), Facts::default());
        let is_executable = |path: &str| path == "/usr/bin/ssh";
        for line in goldens.lines().filter(|line| !line.starts_with('#') && !line.is_empty()) {
            let columns: Vec<&str> = line.split('|').map(str::trim).collect();
            let (name, value) = (columns[1], columns[2]);
            let outcome = match columns[0] {
                "set" => set(&mut document, &table, &facts, (name, value), &is_executable),
                "reset" => reset(&mut document, &table, name),
                "check" => check(&table, name, Some(value), &is_executable).map(|_| false),
                "name" => check(&table, name, None, &is_executable).map(|_| false),
                _ => Err(without_session(&table, name)),
            };
            let shown = match outcome {
                Ok(changed) => if changed { "changed" } else { "same" }.to_owned(),
                Err(error) => format!("{} {error}", error.exit()),
            };
            assert_eq!(shown, columns[3], "{line}");
        }
        String::from_utf8(document.render()).unwrap()
    }

    #[test]
    fn results_of_the_specification() {
        let goldens = include_str!("../../testdata/config-changes.txt");
        let file = play(Generation::Secondary, goldens);
        assert_eq!(file, "[vars]\nstime-xattr-prefix = trusted.glusterfs.a.b\n");
    }

    /// The file is written in the words of the glusterd that is there, whatever words were used.
    #[test]
    fn the_file_speaks_as_the_generation() {
        let goldens = "set | secondary-timeout | 60 | changed\nset | slave-timeout | 60 | same\n\
                       set | isolated-secondarys | a,b | changed\nset | primary-distribution-count | 2 | changed\n";
        let file = play(Generation::Slave, goldens);
        assert_eq!(
            file,
            "[vars]\nslave-timeout = 60\nisolated-slaves = a,b\nmaster-distribution-count = 2\n"
        );
    }
}
