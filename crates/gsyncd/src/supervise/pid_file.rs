//! The pid file: glusterd asks "does it run" by a record lock on it and signals the group of the pid in it.

use std::fs::File;
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::Path;

use gsyncd_sys::lock::OfdLock;

/// A pid file that is locked for as long as this value (and process) lives. It is never unlinked here: a stale file
/// without a lock is normal, and glusterd removes it.
#[derive(Debug)]
pub struct PidFile {
    _lock: OfdLock,
}

/// How often the file may be replaced under us before that is an error.
const ATTEMPTS: usize = 20;

impl PidFile {
    /// Locks the file and writes this process's pid; `None` when another process has the lock.
    ///
    /// # Errors
    /// What opening, locking or writing says.
    pub fn take(path: &Path) -> io::Result<Option<PidFile>> {
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent)?;
        }
        for _ in 0..ATTEMPTS {
            let file = File::options().read(true).write(true).create(true).truncate(false).open(path)?;
            let Some(lock) = OfdLock::try_lock(file).map_err(|error| io::Error::other(error.to_string()))?
            else {
                return Ok(None);
            };
            // glusterd unlinks the file when it stops a session: a lock on an unlinked file would be seen by nobody.
            if is_still(lock.file(), path) {
                write_pid(lock.file())?;
                return Ok(Some(PidFile { _lock: lock }));
            }
        }
        Err(io::Error::other("the pid file is replaced all the time"))
    }
}

fn is_still(file: &File, path: &Path) -> bool {
    match (file.metadata(), std::fs::metadata(path)) {
        (Ok(ours), Ok(named)) => (ours.dev(), ours.ino()) == (named.dev(), named.ino()),
        _ => false,
    }
}

/// Written before the rest is cut off, so that a reader never finds the file empty once it had a pid.
fn write_pid(file: &File) -> io::Result<()> {
    let text = format!("{}\n", std::process::id());
    file.write_all_at(text.as_bytes(), 0)?;
    file.set_len(text.len() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_taken_once_and_holds_the_pid_alone() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("run/session.pid");
        std::fs::create_dir(directory.path().join("run")).unwrap();
        std::fs::write(&path, "123456789012345\n").unwrap();
        let taken = PidFile::take(&path).unwrap().unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), format!("{}\n", std::process::id()));
        assert!(PidFile::take(&path).unwrap().is_none());
        drop(taken);
        assert!(PidFile::take(&path).unwrap().is_some());
    }
}
