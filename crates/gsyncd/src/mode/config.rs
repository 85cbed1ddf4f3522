//! `config-check`, `config-set`, `config-reset`.

use super::machine::Machine;
use super::{old_session, session};
use crate::exit::{Failure, Outcome};
use crate::store::conf_file::{self, Format};
use gsyncd_core::cli::{Common, Session};
use gsyncd_core::conf::Generation;
use gsyncd_core::conf::change::{self, ConfigError};
use gsyncd_core::conf::options::canonical_name;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

/// Whether that is an option (with that value); needs no session.
///
/// # Errors
/// It is not.
pub fn check(name: &str, value: Option<&str>) -> Outcome {
    let machine = Machine::get();
    if machine.generation() == Generation::Seed {
        return old_session::check(name);
    }
    change::check(&machine.table, name, value, &is_executable)?;
    Ok(())
}

/// Sets an option in the session's file.
///
/// # Errors
/// The option or the value is refused, there is no session, or the file cannot be written.
pub fn set(session: &Session, common: &Common, name: &str, value: &str) -> Outcome {
    if Machine::get().generation() == Generation::Seed {
        return set_old(session, common, name, Some(value));
    }
    let loaded = existing(session, common, "config-set", name)?;
    let table = &Machine::get().table;
    conf_file::update::<ConfigError>(&loaded.config_file, Format::New, |document| {
        change::set(document, table, &loaded.facts, (name, value), &is_executable)
    })?;
    tracing::info!(config = name, value, "Config Set");
    Ok(())
}

/// Takes an option, or `all`, out of the session's file.
///
/// # Errors
/// As [`set`].
pub fn reset(session: &Session, common: &Common, name: &str) -> Outcome {
    if Machine::get().generation() == Generation::Seed {
        return set_old(session, common, name, None);
    }
    let loaded = existing(session, common, "config-reset", name)?;
    let table = &Machine::get().table;
    conf_file::update::<ConfigError>(&loaded.config_file, Format::New, |document| {
        change::reset(document, table, name)
    })?;
    tracing::info!(config = name, "Config Reset");
    Ok(())
}

/// `--config-set session-owner`: only the old generation keeps it (spec: glusterd-interface 3.7 rule 11).
///
/// # Errors
/// The file cannot be written.
pub fn set_owner(session: &Session, common: &Common, owner: &str) -> Outcome {
    match Machine::get().generation() {
        Generation::Seed => old_session::change(session, common, "session_owner", Some(owner)),
        Generation::Slave | Generation::Secondary => Ok(()),
    }
}

/// A checkpoint is told in the session's log (spec: glusterd-interface 3.3, step 11).
fn set_old(session: &Session, common: &Common, name: &str, value: Option<&str>) -> Outcome {
    old_session::change(session, common, name, value)?;
    if canonical_name(name) == "checkpoint" && session::load(session, common, "config-set").is_ok() {
        match value {
            Some(value) => tracing::info!("checkpoint {} set", value.escape_debug()),
            None => tracing::info!("checkpoint info was reset"),
        }
        tracing::info!("exiting.");
    }
    Ok(())
}

fn existing(session: &Session, common: &Common, label: &str, name: &str) -> Result<session::Loaded, Failure> {
    session::bring_up_to_date(session, common);
    let loaded = session::load(session, common, label)?;
    if loaded.config_file.exists() {
        return Ok(loaded);
    }
    Err(change::without_session(&Machine::get().table, name).into())
}

fn is_executable(path: &str) -> bool {
    fs::metadata(Path::new(path)).is_ok_and(|data| data.is_file() && data.permissions().mode() & 0o111 != 0)
}
