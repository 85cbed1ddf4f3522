//! The option syntax that every glusterd speaks, from 3.7 to today (spec: glusterd-interface 1.4, 3.1 to 3.3, 3.7).
//! The words of all releases are in one table; where the generations differ, the later one decides.

mod actions;
mod addresses;
mod given;
mod settings;

use super::tunables::{Role, SEED};
use super::words::{Flag, Style, Words, split};
use super::{Command, RuleScope, Topic, UsageError, directory, text};
use crate::vocabulary::modern;
use actions::{
    agent, canonicalize_urls, delete, escape_urls, listen, monitor, monitor_status, normalize_urls, status,
    volume_uuid,
};
use settings::{config_check, config_get, config_get_all, config_reset, config_set, delete_rule, set_rule};
use std::ffi::OsString;

/// How an action's words become a command.
type Build = fn(&Words) -> Result<Command, UsageError>;

/// The actions in the order in which they are looked for (spec: glusterd-interface 3.7). `--config-set` takes its two
/// words itself, because the second one may be `--value=VALUE`.
const ACTIONS: &[(&str, Build)] = &[
    ("version", |_| Ok(Command::Version)),
    ("help", |_| Ok(Command::Help(Topic::All))),
    ("monitor", monitor),
    ("status-get", status),
    ("canonicalize-url", canonicalize_urls),
    ("normalize-url", normalize_urls),
    ("canonicalize-escape-url", escape_urls),
    ("config-get-all", config_get_all),
    ("verify", |_| Ok(Command::Verify)),
    ("secondaryvoluuid-get", volume_uuid),
    ("config-set-rx", |words| set_rule(words, "config-set-rx", RuleScope::Regex)),
    ("create", monitor_status),
    ("config-get", config_get),
    ("config-set", config_set),
    ("config-check", config_check),
    ("config-del", config_reset),
    ("delete", delete),
    ("config-set-glob", |words| set_rule(words, "config-set-glob", RuleScope::Glob)),
    ("config-del-glob", |words| delete_rule(words, "config-del-glob", RuleScope::Glob)),
    ("config-del-rx", |words| delete_rule(words, "config-del-rx", RuleScope::Regex)),
    ("listen", listen),
    ("agent", agent),
];

/// Reads glusterd's argv.
///
/// # Errors
/// Exit 2 for words that do not fit the table, exit 1 for missing positionals and malformed addresses.
pub(super) fn parse(argv: &[OsString]) -> Result<Command, UsageError> {
    let words = sort(argv)?;
    let chosen = ACTIONS.iter().find(|(name, _)| words.has(name));
    // an option of directories is known, but not what is meant
    let unknown = words.unknown.iter().find(|name| !directory::is_option(name));
    match (chosen, unknown) {
        (Some((_, build)), _) => build(&words),
        (None, Some(unknown)) => Err(UsageError::syntax(format!("no such option: {unknown}")).within("")),
        (None, None) => Err(UsageError::syntax("no action is given; see gsyncd --help")),
    }
}

/// The names of all options that argv gives, in order, in primary/secondary words.
///
/// # Errors
/// Those of [`parse`] that are about options.
pub(super) fn given(argv: &[OsString]) -> Result<Vec<&'static str>, UsageError> {
    Ok(sort(argv)?.names().collect())
}

/// The names of all actions, in the order in which they are looked for.
#[cfg(test)]
pub(super) fn actions() -> impl Iterator<Item = &'static str> {
    ACTIONS.iter().map(|(name, _)| *name)
}

/// Whether `name` (without dashes) is the name of an action or begins one, in either vocabulary.
pub(super) fn is_action(name: &[u8]) -> bool {
    let Ok(name) = std::str::from_utf8(name) else { return false };
    let name = modern(name);
    let mut actions = SEED.iter().filter(|option| option.role == Role::Action);
    !name.is_empty() && actions.any(|option| option.name().starts_with(&name))
}

fn sort(argv: &[OsString]) -> Result<Words, UsageError> {
    let flags: Vec<&'static Flag> = SEED.iter().map(|option| &option.flag).collect();
    split(argv, &flags, Style::Options).map_err(|error| error.within(""))
}

fn failure(message: impl std::fmt::Display) -> UsageError {
    UsageError::meaning(format!("failure: {message}"))
}

fn string(words: &Words, name: &str) -> Result<String, UsageError> {
    text(words.last(name).unwrap_or_default(), &format!("--{name}"))
}
