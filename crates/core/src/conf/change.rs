//! `config-check`, `-set` and `-reset`: what is refused, how, and what is written (spec: glusterd-interface 4.10).

use super::ini::{Document, VARS};
use super::options::{Access, Kind, OptionSpec, Validation, canonical_name, canonical_value, find};
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

/// Checks a name, and a value for it when one is given.
///
/// # Errors
/// [`ConfigError::InvalidName`] or [`ConfigError::InvalidValue`].
pub fn check(
    name: &str,
    value: Option<&str>,
    is_executable: IsExecutable<'_>,
) -> Result<&'static OptionSpec, ConfigError> {
    let option = find(name).ok_or_else(|| ConfigError::InvalidName(name.to_owned()))?;
    let Some(value) = value else { return Ok(option) };
    if is_valid(option, &canonical_value(name, value), is_executable) {
        return Ok(option);
    }
    Err(ConfigError::InvalidValue { name: name.to_owned(), value: value.to_owned() })
}

/// Sets an option in the session's file; Ok(false) when the file said so already.
///
/// # Errors
/// Those of [`check`], and [`ConfigError::NotConfigurable`] for options that glusterd reckons with.
pub fn set(
    document: &mut Document,
    name: &str,
    value: &str,
    is_executable: IsExecutable<'_>,
) -> Result<bool, ConfigError> {
    let option = check(name, Some(value), is_executable)?;
    if option.access == Access::Fixed {
        return Err(ConfigError::NotConfigurable(name.to_owned()));
    }
    Ok(write(document, option.name, &canonical_value(name, value)))
}

/// Writes an option without judging it: for what the program itself keeps in the file.
pub fn write(document: &mut Document, name: &str, value: &str) -> bool {
    let said = document
        .entries(VARS)
        .filter(|(key, _)| canonical_name(key) == name)
        .map(|(key, value)| canonical_value(key, value))
        .last();
    if said.as_deref() == Some(value) {
        return false;
    }
    document.set(VARS, name, value, |key| canonical_name(key) == name);
    true
}

/// Options that `config-reset all` keeps: a later `delete reset-sync-time` needs them, and nobody set them by hand.
const KEPT: [&str; 2] = ["stime-xattr-prefix", "primary-distribution-count"];

/// Takes an option, or `all`, out of the session's file; Ok(false) when it was not there.
///
/// # Errors
/// [`ConfigError::InvalidName`].
pub fn reset(document: &mut Document, name: &str) -> Result<bool, ConfigError> {
    if name == "all" {
        return Ok(document.remove(VARS, |key| !KEPT.contains(&canonical_name(key).as_str())));
    }
    let option = check(name, None, &|_| false)?;
    Ok(document.remove(VARS, |key| canonical_name(key) == option.name))
}

/// What set and reset answer while there is no session's file.
#[must_use]
pub fn without_session(name: &str) -> ConfigError {
    match find(name) {
        Some(option) if option.default.is_some() => ConfigError::NotConfigurable(name.to_owned()),
        _ => ConfigError::InvalidName(name.to_owned()),
    }
}

fn is_valid(option: &OptionSpec, value: &str, is_executable: IsExecutable<'_>) -> bool {
    // One line is one entry: a line break would smuggle in another one.
    if value.contains(['\n', '\r', '\0']) {
        return false;
    }
    let int = value.parse::<i64>().ok();
    let kind = match option.kind {
        Kind::Text => true,
        Kind::Int => int.is_some(),
        Kind::Bool => value == "true" || value == "false",
    };
    kind && match option.validation {
        Validation::None => true,
        Validation::UnixTime => int.is_some_and(is_after_1970),
        Validation::Range(low, high) => int.is_some_and(|int| (low..=high).contains(&int)),
        Validation::Choice(words) => words.contains(&value),
        Validation::Executable => value.contains('/') && is_executable(value),
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
    use crate::conf::Document;

    /// Columns: action, name, value, exit code; the same file all along.
    #[test]
    fn results_of_the_specification() {
        let mut document = Document::default();
        let is_executable = |path: &str| path == "/usr/bin/ssh";
        let table = include_str!("../../testdata/config-changes.txt");
        for line in table.lines().filter(|line| !line.starts_with('#') && !line.is_empty()) {
            let columns: Vec<&str> = line.split('|').map(str::trim).collect();
            let outcome = match columns[0] {
                "set" => set(&mut document, columns[1], columns[2], &is_executable),
                "reset" => reset(&mut document, columns[1]),
                "check" => check(columns[1], Some(columns[2]), &is_executable).map(|_| false),
                "name" => check(columns[1], None, &is_executable).map(|_| false),
                _ => Err(without_session(columns[1])),
            };
            let shown = match outcome {
                Ok(changed) => if changed { "changed" } else { "same" }.to_owned(),
                Err(error) => format!("{} {error}", error.exit()),
            };
            assert_eq!(shown, columns[3], "{line}");
        }
        assert_eq!(document.render(), b"[vars]\nstime-xattr-prefix = trusted.glusterfs.a.b\n");
    }
}
