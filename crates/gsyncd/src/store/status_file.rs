//! The monitor's and the bricks' status files (spec: glusterd-interface 8.1, 8.2).

use super::replace::{self, Durability};
use crate::exit::Failure;
use gsyncd_core::status::{BrickStatus, brick_file_name, brick_of_file_name, former_brick_file_name};
use std::ffi::OsString;
use std::fs;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Path, PathBuf};

/// As the stock program's temporary files have it.
const MODE: u32 = 0o600;

/// Path of a brick's status file, beside the monitor's. A file by the name of releases 3 stays in use.
#[must_use]
pub fn brick_path(state_file: &Path, brick: &Path) -> PathBuf {
    let brick = brick.as_os_str().as_bytes();
    let path = state_file.with_file_name(brick_file_name(brick));
    let former = former_brick_file_name(brick).map(|name| state_file.with_file_name(name));
    former.filter(|former| former.exists() && !path.exists()).unwrap_or(path)
}

/// Makes the monitor's and a brick's files where they are missing, empty, as a look at the status does (spec:
/// glusterd-interface 8.4). Not where the session's directory is missing, whose existence has a meaning for glusterd;
/// that a file cannot be made is no reason not to tell the status.
pub fn create_missing(state_file: &Path, brick: &Path) {
    for path in [state_file.to_path_buf(), brick_path(state_file, brick)] {
        if !path.exists() {
            let _ = replace::create_empty(&path, MODE);
        }
    }
}

/// The bricks that have a status file beside the monitor's, sorted.
#[must_use]
pub fn bricks(state_file: &Path) -> Vec<PathBuf> {
    let entries = state_file.parent().and_then(|directory| fs::read_dir(directory).ok());
    let names =
        entries.into_iter().flatten().flatten().filter_map(|entry| entry.file_name().into_string().ok());
    let bricks = names.filter_map(|name| brick_of_file_name(&name));
    let mut bricks: Vec<PathBuf> = bricks.map(|brick| PathBuf::from(OsString::from_vec(brick))).collect();
    bricks.sort();
    bricks
}

/// The monitor's text; empty when there is none or it cannot be read. Never waits for a lock: a stopped worker
/// may hold it.
#[must_use]
pub fn read_monitor(path: &Path) -> String {
    let bytes = replace::read(path).ok().flatten().unwrap_or_default();
    String::from_utf8_lossy(&bytes).trim().to_owned()
}

/// Writes the monitor's text, exactly.
///
/// # Errors
/// The session's directory is missing, or any step on the file fails.
pub fn write_monitor(path: &Path, text: &str) -> Result<(), Failure> {
    let change = |_: &[u8]| Ok::<_, Failure>(Some(text.as_bytes().to_vec()));
    replace::update(path, MODE, Durability::Synced, change)
}

/// A brick's status; initial when there is no file or it is damaged. Never waits for a lock.
#[must_use]
pub fn read_brick(path: &Path) -> BrickStatus {
    BrickStatus::parse(&replace::read(path).ok().flatten().unwrap_or_default())
}

/// Changes a brick's status under the file's lock; an unchanged status is not written.
///
/// # Errors
/// The session's directory is missing, or any step on the file fails.
pub fn update_brick(path: &Path, change: impl FnOnce(&mut BrickStatus)) -> Result<(), Failure> {
    replace::update(path, MODE, Durability::Relaxed, |before| {
        let mut status = BrickStatus::parse(before);
        change(&mut status);
        let after = status.render();
        Ok::<_, Failure>((after != before).then_some(after))
    })
}

#[cfg(test)]
mod tests {
    use super::{brick_path, bricks, create_missing, read_brick, read_monitor, update_brick, write_monitor};
    use gsyncd_core::status::BrickStatus;
    use std::path::Path;

    #[test]
    fn statuses_come_back() {
        let directory = tempfile::tempdir().unwrap();
        let state = directory.path().join("monitor.status");
        assert_eq!(read_monitor(&state), "");
        write_monitor(&state, "Config Corrupted").unwrap();
        assert_eq!(std::fs::read(&state).unwrap(), b"Config Corrupted");
        let brick = brick_path(&state, Path::new("/b/1"));
        assert_eq!(brick.file_name().unwrap(), "brick_%2Fb%2F1.status");
        assert_eq!(read_brick(&brick), BrickStatus::default());
        update_brick(&brick, |status| status.failures += 2).unwrap();
        update_brick(&brick, |status| status.failures += 2).unwrap();
        assert_eq!(read_brick(&brick).failures, 4);
        assert_eq!(bricks(&state), [Path::new("/b/1")]);
    }

    #[test]
    fn a_brick_keeps_the_file_of_an_earlier_release() {
        let directory = tempfile::tempdir().unwrap();
        let state = directory.path().join("monitor.status");
        let brick = Path::new("/b~1");
        assert_eq!(brick_path(&state, brick).file_name().unwrap(), "brick_%2Fb~1.status");
        std::fs::write(directory.path().join("brick_%2Fb%7E1.status"), br#"{"failures": 3}"#).unwrap();
        assert_eq!(read_brick(&brick_path(&state, brick)).failures, 3);
        update_brick(&brick_path(&state, brick), |status| status.failures += 1).unwrap();
        assert_eq!(read_brick(&brick_path(&state, brick)).failures, 4);
        assert_eq!(bricks(&state), [brick]);
    }

    #[test]
    fn missing_files_are_made_but_no_directory() {
        let directory = tempfile::tempdir().unwrap();
        let state = directory.path().join("monitor.status");
        std::fs::write(&state, "Started").unwrap();
        create_missing(&state, Path::new("/b1"));
        assert_eq!(read_monitor(&state), "Started");
        assert_eq!(std::fs::read(brick_path(&state, Path::new("/b1"))).unwrap(), b"");
        create_missing(&directory.path().join("missing/monitor.status"), Path::new("/b1"));
        assert!(!directory.path().join("missing").exists());
    }
}
