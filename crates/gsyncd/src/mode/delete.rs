//! `delete`: removes what a session left on this node. Everything that is gone already is fine.

use super::session;
use crate::exit::{Failure, Outcome};
use crate::store::pidfile;
use gsyncd_core::cli::DeleteArgs;
use gsyncd_core::conf::Settings;
use gsyncd_sys::{Errno, xattr};
use std::fs;
use std::io::ErrorKind;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Component, Path};

/// Deletes a session that does not run.
///
/// # Errors
/// It runs, or something that exists cannot be removed.
pub fn run(args: &DeleteArgs) -> Outcome {
    let settings = session::load(&args.session, &args.common, "delete")?.settings;
    let pid_file = settings.path("pid-file");
    if pidfile::is_running(&pid_file) {
        return Err(Failure::new("the session is running"));
    }
    tracing::info!(session = %args.session.directory_name(), "deleting the session");
    if args.reset_sync_time {
        reset_sync_time(&settings, args)?;
    }
    remove_tree(&settings.path("working-dir"))?;
    remove_all_that_begin(&pid_file)?;
    // Last, because a delete that failed before must be possible again: this holds the config.
    remove_tree(&settings.path("georep-session-working-dir"))
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

fn remove_tree(path: &Path) -> Outcome {
    let depth = path.components().filter(|part| matches!(part, Component::Normal(_))).count();
    // A setting that names `/` or `/var` is a mistake that must not cost the machine.
    if depth < 2 || !path.is_absolute() || path.components().any(|part| part == Component::ParentDir) {
        return Err(Failure::new(format!("{} is no directory of a session", path.display())));
    }
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
