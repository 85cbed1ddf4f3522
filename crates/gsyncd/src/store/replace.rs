//! Changing a small file that others read at any time: lock, write beside it, rename
//! (spec: glusterd-interface 4.5, 8.1).

use crate::exit::Failure;
use gsyncd_sys::lock::{FlockGuard, OfdLock};
use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// The longest file of this kind, in bytes: more is damage.
const MAX_BYTES: u64 = 1 << 20;

/// How long a lock is waited for. Its holder may be stopped by SIGSTOP in the middle of a change, and glusterd
/// waits for us: after this time the change is made without the lock, which the rename makes harmless for readers.
const PATIENCE: Duration = Duration::from_secs(2);

/// What to do after a change besides renaming.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// The new content is on disk when the call returns.
    Synced,
    /// It may be lost in a crash of the machine.
    Relaxed,
}

/// Which lock keeps two changes of a file apart: the one that its other writers use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lock {
    /// `flock`: status files (spec: glusterd-interface 8.1).
    Flock,
    /// A record lock: config files (spec: glusterd-interface 4.5).
    Record,
}

/// The file's bytes, read without its lock; None when it does not exist.
///
/// # Errors
/// The file cannot be read, or is longer than any such file.
pub fn read(path: &Path) -> Result<Option<Vec<u8>>, Failure> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failure("open", path, &error)),
    };
    let mut bytes = Vec::new();
    file.take(MAX_BYTES + 1).read_to_end(&mut bytes).map_err(|error| failure("read", path, &error))?;
    if u64::try_from(bytes.len()).is_ok_and(|length| length > MAX_BYTES) {
        return Err(Failure::new(format!("{} is too long", path.display())));
    }
    Ok(Some(bytes))
}

/// As [`update_under`], with `flock`.
///
/// # Errors
/// As [`update_under`].
pub fn update<E: From<Failure>>(
    path: &Path,
    mode: u32,
    durability: Durability,
    change: impl FnOnce(&[u8]) -> Result<Option<Vec<u8>>, E>,
) -> Result<(), E> {
    update_under(Lock::Flock, path, mode, durability, change)
}

/// Replaces the file's content by what `change` makes of it (None: leave it) while its lock is held. The file is
/// made when it is missing, its directory never: the directory's existence has a meaning for glusterd.
///
/// # Errors
/// Those of `change`, and of every step on the file.
pub fn update_under<E: From<Failure>>(
    kind: Lock,
    path: &Path,
    mode: u32,
    durability: Durability,
    change: impl FnOnce(&[u8]) -> Result<Option<Vec<u8>>, E>,
) -> Result<(), E> {
    let _guard = lock(kind, path, mode)?;
    let before = read(path)?.unwrap_or_default();
    let Some(after) = change(&before)? else { return Ok(()) };
    replace(path, mode, durability, &after)?;
    Ok(())
}

/// Makes an empty file when there is none.
///
/// # Errors
/// It cannot be made; a missing directory is one reason.
pub fn create_empty(path: &Path, mode: u32) -> Result<(), Failure> {
    open(path, mode).map(|_file| ())
}

fn open(path: &Path, mode: u32) -> Result<File, Failure> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false).mode(mode);
    options.open(path).map_err(|error| failure("open", path, &error))
}

/// A lock that is held.
enum Held {
    Flock(FlockGuard),
    Record(OfdLock),
}

impl Held {
    fn try_lock(kind: Lock, file: File) -> Result<Option<Held>, Failure> {
        Ok(match kind {
            Lock::Flock => FlockGuard::try_lock(file)?.map(Held::Flock),
            Lock::Record => OfdLock::try_lock(file)?.map(Held::Record),
        })
    }

    fn file(&self) -> &File {
        match self {
            Held::Flock(guard) => guard.file(),
            Held::Record(lock) => lock.file(),
        }
    }
}

/// Locks the file that has the name now: the one opened may have been replaced while the lock was waited for.
fn lock(kind: Lock, path: &Path, mode: u32) -> Result<Option<Held>, Failure> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(held) = Held::try_lock(kind, open(path, mode)?)? {
            if is_current(held.file(), path) {
                return Ok(Some(held));
            }
            continue;
        }
        if Instant::now() >= deadline {
            tracing::warn!(path = %path.display(), "changing a file whose lock is held for too long");
            return Ok(None);
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn is_current(file: &File, path: &Path) -> bool {
    let (Ok(open), Ok(named)) = (file.metadata(), fs::metadata(path)) else { return false };
    (open.dev(), open.ino()) == (named.dev(), named.ino())
}

fn replace(path: &Path, mode: u32, durability: Durability, bytes: &[u8]) -> Result<(), Failure> {
    let temporary = temporary(path);
    // A process that was killed may have left one under our pid.
    let _ = fs::remove_file(&temporary);
    let written = write(&temporary, mode, durability, bytes)
        .and_then(|()| fs::rename(&temporary, path))
        .and_then(|()| if durability == Durability::Synced { sync_directory(path) } else { Ok(()) });
    written.map_err(|error| {
        let _ = fs::remove_file(&temporary);
        failure("write", path, &error)
    })
}

fn write(path: &Path, mode: u32, durability: Durability, bytes: &[u8]) -> std::io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(path)?;
    file.write_all(bytes)?;
    if durability == Durability::Synced { file.sync_all() } else { Ok(()) }
}

fn sync_directory(path: &Path) -> std::io::Result<()> {
    match path.parent() {
        Some(directory) => File::open(directory)?.sync_all(),
        None => Ok(()),
    }
}

fn temporary(path: &Path) -> PathBuf {
    // Threads of one process may change files of one directory at a time, but one file only under its lock.
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".tmp.{}", std::process::id()));
    PathBuf::from(name)
}

fn failure(action: &str, path: &Path, error: &std::io::Error) -> Failure {
    Failure::new(format!("cannot {action} {}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::{Durability, Lock, read, update, update_under};
    use crate::exit::Failure;
    use std::fs;

    fn append(path: &std::path::Path, text: &'static [u8]) {
        let change = |before: &[u8]| Ok::<_, Failure>(Some([before, text].concat()));
        update(path, 0o600, Durability::Synced, change).unwrap();
    }

    #[test]
    fn changes_build_on_each_other_and_leave_nothing_behind() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("x.status");
        append(&path, b"a");
        append(&path, b"b");
        assert_eq!(read(&path).unwrap().unwrap(), b"ab");
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
    }

    #[test]
    fn no_update_is_lost_between_threads() {
        for kind in [Lock::Flock, Lock::Record] {
            let directory = tempfile::tempdir().unwrap();
            let path = directory.path().join("x");
            let append = || {
                let change = |before: &[u8]| Ok::<_, Failure>(Some([before, b"x"].concat()));
                update_under(kind, &path, 0o600, Durability::Relaxed, change).unwrap();
            };
            std::thread::scope(|scope| {
                for _ in 0..4 {
                    scope.spawn(|| (0..20).for_each(|_| append()));
                }
            });
            assert_eq!(read(&path).unwrap().unwrap().len(), 80);
        }
    }

    #[test]
    fn the_directory_is_never_made() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("missing/x");
        let change = |_: &[u8]| Ok::<_, Failure>(Some(Vec::new()));
        assert!(update(&path, 0o600, Durability::Relaxed, change).is_err());
        assert!(!directory.path().join("missing").exists());
    }
}
