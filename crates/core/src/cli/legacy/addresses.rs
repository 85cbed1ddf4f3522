//! The addresses of a command line of the old syntax: how many there must be, and what fits together
//! (spec: glusterd-interface 3.2).

use super::failure;
use crate::cli::words::Words;
use crate::cli::{Session, UsageError, text};
use crate::url::{Resource, Target, is_volume};
use std::ffi::{OsStr, OsString};

const COUNT: &str =
    "error: incorrect number of arguments\n\nUsage: gsyncd [options...] <primary> <secondary>\n";

/// All addresses: `--resource-local` and `--resource-remote` come first.
pub(super) fn addresses(words: &Words) -> Result<Vec<OsString>, UsageError> {
    let named = |name: &'static str| words.last(name).map(OsStr::to_owned);
    let (local, remote) = (named("resource-local"), named("resource-remote"));
    if local.is_none() && remote.is_some() && words.positionals.is_empty() {
        return Err(failure("local resource unspecfied"));
    }
    let mut all = words.positionals.clone();
    if let Some(local) = local {
        all.insert(0, local);
    }
    if let Some(remote) = remote {
        all.insert(1.min(all.len()), remote);
    }
    Ok(all)
}

pub(super) fn pair(words: &Words) -> Result<Session, UsageError> {
    match addresses(words)?.as_slice() {
        [primary, secondary] => session(primary, secondary),
        [only] if is_about_settings(words) => Err(alone(only)),
        _ => Err(UsageError::meaning(COUNT)),
    }
}

/// Actions on settings may have fewer addresses (spec: glusterd-interface 3.2).
fn is_about_settings(words: &Words) -> bool {
    words.names().any(|name| name.starts_with("config-") && name != "config-file")
}

/// One address is that of a serving end; a secondary has none beside its own.
fn alone(word: &OsStr) -> UsageError {
    match resource(word) {
        Err(error) => error,
        Ok(only) if matches!(only.target, Target::Ssh { .. }) => cannot_work(&only, None),
        Ok(only) => failure(format_args!("{}: a serving end alone has no settings here", only.body())),
    }
}

fn cannot_work(local: &Resource, remote: Option<&Resource>) -> UsageError {
    failure(format_args!("{} cannot work with {}", local.body(), remote.map_or("None", Resource::body)))
}

fn resource(word: &OsStr) -> Result<Resource, UsageError> {
    Resource::parse(&text(word, "the address")?).map_err(failure)
}

/// A volume here, and one behind ssh.
fn session(primary: &OsStr, secondary: &OsStr) -> Result<Session, UsageError> {
    // releases 4 and later take the name with or without colons around it
    let local = match primary.to_str().map(|name| name.trim_matches(':')) {
        Some(name) if is_volume(name) => resource(OsStr::new(&format!(":{name}")))?,
        _ => resource(primary)?,
    };
    let remote = resource(secondary)?;
    let (Target::Gluster { volume, .. }, Some(secondary)) = (&local.target, remote.secondary()) else {
        return Err(cannot_work(&local, Some(&remote)));
    };
    if !is_volume(volume) {
        return Err(failure(format_args!("malformed primary volume '{}'", volume.escape_debug())));
    }
    Ok(Session { primary: volume.clone(), secondary })
}

/// One volume, for those that serve (spec: glusterd-interface 3.2).
pub(super) fn served(words: &Words) -> Result<(), UsageError> {
    let all = addresses(words)?;
    match all.as_slice() {
        [local] => {
            let local = resource(local)?;
            match local.target {
                Target::Ssh { .. } => Err(cannot_work(&local, None)),
                _ => Ok(()),
            }
        }
        [local, remote] => session(local, remote).map(drop),
        _ => Err(UsageError::meaning(COUNT)),
    }
}

pub(super) fn urls(words: &Words) -> Result<Vec<Resource>, UsageError> {
    addresses(words)?.iter().map(|word| resource(word)).collect()
}
