//! `delete`: removes what a session left on this node. Everything that is gone already is fine.

use super::session;
use crate::exit::{Failure, Outcome};
use crate::store::pidfile;
use gsyncd_core::cli::{DeleteArgs, Session};
use gsyncd_core::conf::Settings;
use gsyncd_core::url::quote_plus;
use gsyncd_sys::{Errno, xattr};
use std::ffi::OsStr;
use std::fs;
use std::io::ErrorKind;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Component, Path, PathBuf};

/// Deletes a session that does not run.
///
/// # Errors
/// It runs, its file names a directory that is not its own (then nothing is removed), or something that exists cannot
/// be removed.
pub fn run(args: &DeleteArgs) -> Outcome {
    let settings = session::load(&args.session, &args.common, "delete")?.settings;
    let pid_file = settings.path("pid-file");
    if pidfile::is_running(&pid_file) {
        return Err(Failure::new("the session is running"));
    }
    let [working, own] =
        ["working-dir", "georep-session-working-dir"].map(|name| directory(&settings, name, &args.session));
    let (working, own) = (working?, own?);
    tracing::info!(session = %args.session.directory_name(), "deleting the session");
    if args.reset_sync_time {
        reset_sync_time(&settings, args)?;
    }
    remove_tree(&working)?;
    remove_all_that_begin(&pid_file)?;
    // Last, because a delete that failed before must be possible again: this holds the config.
    remove_tree(&own)
}

/// Sets each brick's stime back to "sync everything".
fn reset_sync_time(settings: &Settings, args: &DeleteArgs) -> Outcome {
    let prefix = settings.text("stime-xattr-prefix");
    if prefix.is_empty() {
        return Ok(());
    }
    for brick in &args.paths {
        let path = brick.as_os_str().as_bytes();
        tolerate(xattr::set(path, format!("{prefix}.stime").as_bytes(), &[0; 8]))?;
        tolerate(xattr::remove(path, format!("{prefix}.entry_stime").as_bytes()))?;
    }
    Ok(())
}

fn tolerate(result: gsyncd_sys::Result<()>) -> Outcome {
    match result {
        Err(error) if error.errno != Errno::NOENT && error.errno != Errno::NODATA => Err(error.into()),
        _ => Ok(()),
    }
}

/// The directory that a setting names, where it is one of the session: a tree that is not must not be lost by a
/// mistake in the file.
fn directory(settings: &Settings, name: &str, session: &Session) -> Result<PathBuf, Failure> {
    let path = settings.path(name);
    if is_own(&path, session) {
        return Ok(path);
    }
    Err(Failure::new(format!(
        "{name} is {}, which is no directory of the session {}: nothing is removed",
        path.display(),
        session.directory_name()
    )))
}

/// It ends in the session's name, or in what releases before 4.0 made of the volume and the secondary's address
/// (spec: glusterd-interface 2.2).
fn is_own(path: &Path, session: &Session) -> bool {
    let parts: Option<Vec<&OsStr>> = path.components().skip(1).map(normal).collect();
    let Some([.., parent, name]) = parts.as_deref() else { return false };
    let address_end = format!("%3Agluster%3A%2F%2F127.0.0.1%3A{}", quote_plus(&session.secondary.volume));
    let is_address = |name: &str| name.starts_with("ssh%3A%2F%2F") && name.ends_with(&address_end);
    path.is_absolute()
        && (**name == *session.directory_name()
            || (**parent == *session.primary && name.to_str().is_some_and(is_address)))
}

fn normal(part: Component<'_>) -> Option<&OsStr> {
    if let Component::Normal(name) = part { Some(name) } else { None }
}

fn remove_tree(path: &Path) -> Outcome {
    gone(path, fs::remove_dir_all(path))
}

/// The pid file and what is left beside it by a start that was killed (spec: glusterd-interface 3.6).
fn remove_all_that_begin(path: &Path) -> Outcome {
    let (Some(directory), Some(name)) = (path.parent(), path.file_name()) else { return Ok(()) };
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        if entry.file_name().as_bytes().starts_with(name.as_bytes()) {
            gone(&entry.path(), fs::remove_file(entry.path()))?;
        }
    }
    Ok(())
}

fn gone(path: &Path, result: std::io::Result<()>) -> Outcome {
    match result {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(Failure::new(format!("cannot remove {}: {error}", path.display())))
        }
        _ => Ok(()),
    }
}
