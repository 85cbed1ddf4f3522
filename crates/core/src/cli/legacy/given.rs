//! What is set for one run, beside the action (spec: glusterd-interface 3.1, 3.3).

use super::failure;
use crate::cli::tunables::{Role, SEED};
use crate::cli::words::{Value, Words, integer};
use crate::cli::{Common, Given, UsageError};
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt as _;

/// `-c` is never taken over: glusterd passes the template while there is no session yet, and the answer must be
/// the same for both (spec: glusterd-interface 2.5).
pub(super) fn common(words: &Words) -> Common {
    Common { debug: words.has("debug"), config_file: None, inet6: words.has("inet6"), given: tunables(words) }
}

/// What is set for this run: it wins over the config file (spec: glusterd-interface 3.3).
fn tunables(words: &Words) -> Vec<Given> {
    let set = |name: &'static str, value: Value| match value {
        Value::None => Some(Given { name, value: OsString::from("true") }),
        Value::Int => words.last(name).and_then(integer).map(|n| Given { name, value: n.to_string().into() }),
        Value::Path => words.last(name).map(|path| Given { name, value: absolute(path) }),
        Value::Text => words.last(name).map(|value| Given { name, value: value.to_owned() }),
    };
    let options = SEED.iter().filter(|option| option.role == Role::Tunable && words.has(option.name()));
    options.filter(|option| option.name() != "path").filter_map(|o| set(o.name(), o.value())).collect()
}

/// glusterd's children run in `/`, so that is what a path is relative to (spec: glusterd-interface 1.1).
fn absolute(path: &OsStr) -> OsString {
    if path.is_empty() || path == "-" || path.as_bytes().starts_with(b"/") {
        return path.to_owned();
    }
    let mut absolute = OsString::from("/");
    absolute.push(path);
    absolute
}

/// A log level that is given must be one (spec: glusterd-interface 3.3).
pub(super) fn check_level(words: &Words) -> Result<(), UsageError> {
    const LEVELS: [&str; 8] = ["CRITICAL", "FATAL", "ERROR", "WARN", "WARNING", "INFO", "DEBUG", "NOTSET"];
    let Some(level) = words.last("log-level") else { return Ok(()) };
    let is_one = level.to_str().is_some_and(|level| LEVELS.contains(&level.to_uppercase().as_str()));
    if is_one {
        return Ok(());
    }
    Err(failure(format_args!("cannot recognize log level \"{}\"", level.as_bytes().escape_ascii())))
}
