//! Actions on settings: of a session, and of all sessions that match (spec: glusterd-interface 4.2, 4.4).

use super::addresses::{addresses, pair};
use super::given::common;
use super::{failure, string};
use crate::cli::words::Words;
use crate::cli::{Command, ConfigGetArgs, RuleArgs, RuleScope, Session, UsageError, text};
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt as _;
use std::path::PathBuf;

/// The session whose settings are asked for (spec: glusterd-interface 4.2).
fn asked_session(words: &Words) -> Result<Session, UsageError> {
    if addresses(words)?.is_empty() {
        return Err(failure("no peers given, cannot select matching options"));
    }
    pair(words)
}

pub(super) fn config_get_all(words: &Words) -> Result<Command, UsageError> {
    Ok(Command::ConfigGet(ConfigGetArgs {
        session: asked_session(words)?,
        common: common(words),
        name: None,
        show_defaults: true,
        only_value: false,
        use_underscore: true,
        json: false,
    }))
}

pub(super) fn config_get(words: &Words) -> Result<Command, UsageError> {
    Ok(Command::ConfigGet(ConfigGetArgs {
        session: asked_session(words)?,
        common: common(words),
        name: Some(string(words, "config-get")?),
        show_defaults: true,
        only_value: true,
        use_underscore: false,
        json: false,
    }))
}

/// The two words of the last occurrence.
fn two(words: &Words, name: &str) -> (OsString, OsString) {
    match words.last_values(name) {
        [first, second] => (first.clone(), second.clone()),
        _ => (OsString::new(), OsString::new()),
    }
}

/// glusterd 5 and later say `NAME --value=VALUE`, earlier ones `NAME VALUE`.
fn name_and_value(words: &Words, action: &str) -> Result<(String, OsString), UsageError> {
    let (name, value) = two(words, action);
    let value = match value.as_bytes().strip_prefix(b"--value=") {
        Some(value) => OsStr::from_bytes(value).to_owned(),
        None => value,
    };
    Ok((text(&name, "the option's name")?, value))
}

pub(super) fn set_rule(words: &Words, action: &str, scope: RuleScope) -> Result<Command, UsageError> {
    let (name, value) = name_and_value(words, action)?;
    // A glusterd does not start when this fails, so nothing is too strange.
    rule(words, scope, name, Some(value.to_string_lossy().into_owned()))
}

pub(super) fn delete_rule(words: &Words, action: &str, scope: RuleScope) -> Result<Command, UsageError> {
    rule(words, scope, string(words, action)?, None)
}

/// Without addresses it is for all sessions (spec: glusterd-interface 4.2).
fn rule(words: &Words, scope: RuleScope, name: String, value: Option<String>) -> Result<Command, UsageError> {
    let patterns = words.positionals.iter().map(|word| text(word, "a pattern"));
    let patterns = patterns.collect::<Result<Vec<String>, UsageError>>()?;
    let file = words.last("config-file").map(PathBuf::from);
    let args = if patterns.is_empty() {
        let all = vec![".".to_owned(), ".".to_owned()];
        RuleArgs { file, scope: RuleScope::Regex, patterns: all, name, value }
    } else {
        RuleArgs { file, scope, patterns, name, value }
    };
    Ok(Command::ConfigRule(args))
}

pub(super) fn config_set(words: &Words) -> Result<Command, UsageError> {
    let (name, value) = name_and_value(words, "config-set")?;
    let value = text(&value, "the option's value")?;
    if addresses(words)?.is_empty() {
        return rule(words, RuleScope::Regex, name, Some(value));
    }
    let (session, common) = (pair(words)?, common(words));
    if name.replace('_', "-") == "session-owner" {
        return Ok(Command::SessionOwner { session, common, owner: value });
    }
    Ok(Command::ConfigSet { session, common, name, value })
}

pub(super) fn config_check(words: &Words) -> Result<Command, UsageError> {
    Ok(Command::ConfigCheck { name: string(words, "config-check")?, value: None })
}

pub(super) fn config_reset(words: &Words) -> Result<Command, UsageError> {
    if addresses(words)?.is_empty() {
        return delete_rule(words, "config-del", RuleScope::Regex);
    }
    Ok(Command::ConfigReset {
        session: pair(words)?,
        common: common(words),
        name: string(words, "config-del")?,
    })
}
