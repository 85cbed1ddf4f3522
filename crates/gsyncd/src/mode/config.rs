//! `config-check`, `config-set`, `config-reset`.

use super::session;
use crate::exit::{Failure, Outcome};
use crate::store::conf_file;
use gsyncd_core::cli::{Common, Session};
use gsyncd_core::conf::change::{self, ConfigError};
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

/// Whether that is an option (with that value); needs no session.
///
/// # Errors
/// It is not.
pub fn check(name: &str, value: Option<&str>) -> Outcome {
    change::check(name, value, &is_executable)?;
    Ok(())
}

/// Sets an option in the session's file.
///
/// # Errors
/// The option or the value is refused, there is no session, or the file cannot be written.
pub fn set(session: &Session, common: &Common, name: &str, value: &str) -> Outcome {
    let file = existing(session, common, "config-set", name)?;
    conf_file::update::<ConfigError>(&file, |document| change::set(document, name, value, &is_executable))?;
    tracing::info!(config = name, value, "Config Set");
    Ok(())
}

/// Takes an option, or `all`, out of the session's file.
///
/// # Errors
/// As [`set`].
pub fn reset(session: &Session, common: &Common, name: &str) -> Outcome {
    let file = existing(session, common, "config-reset", name)?;
    conf_file::update::<ConfigError>(&file, |document| change::reset(document, name))?;
    tracing::info!(config = name, "Config Reset");
    Ok(())
}

fn existing(
    session: &Session,
    common: &Common,
    label: &str,
    name: &str,
) -> Result<std::path::PathBuf, Failure> {
    let loaded = session::load(session, common, label)?;
    if loaded.config_file.exists() {
        return Ok(loaded.config_file);
    }
    Err(change::without_session(name).into())
}

fn is_executable(path: &str) -> bool {
    fs::metadata(Path::new(path)).is_ok_and(|data| data.is_file() && data.permissions().mode() & 0o111 != 0)
}
