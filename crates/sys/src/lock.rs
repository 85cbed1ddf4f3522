//! File locks: three kinds that do not mean the same, so three types.
//!
//! * [`OfdLock`]: a record lock owned by the open file description. It conflicts with POSIX record locks of other
//!   processes (so glusterd's `lockf(F_TEST)` sees it) and survives a stray close of another descriptor of the file.
//! * [`PosixLock`]: a record lock owned by the process. Closing *any* descriptor of the file drops it.
//! * [`FlockGuard`]: `flock`, invisible to both of the above.
//!
//! Record locks cover the whole file: `l_start` 0, `l_len` 0 (spec: glusterd-interface 2.3).

use std::fs::File;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};

use rustix::fs::FlockOperation;
use rustix::io::Errno;

use crate::{Error, Result};

/// A write lock over a whole file that belongs to the open file description.
#[derive(Debug)]
pub struct OfdLock {
    file: File,
}

impl OfdLock {
    /// Takes the lock without waiting; `None` when somebody else has it. `file` must be open for writing.
    ///
    /// # Errors
    /// What `fcntl` says, but for a lock held by others.
    pub fn try_lock(file: File) -> Result<Option<OfdLock>> {
        let taken = not_busy("fcntl(F_OFD_SETLK)", ofd_call(file.as_fd(), libc::F_OFD_SETLK).map(|_| ()))?;
        Ok(taken.then_some(OfdLock { file }))
    }

    /// The locked file.
    #[must_use]
    pub fn file(&self) -> &File {
        &self.file
    }
}

/// A write lock over a whole file that belongs to the process.
///
/// It is lost when any descriptor of the same file is closed in this process, and is not inherited by children.
#[derive(Debug)]
pub struct PosixLock {
    file: File,
}

impl PosixLock {
    /// Takes the lock without waiting; `None` when somebody else has it. `file` must be open for writing.
    ///
    /// # Errors
    /// What `fcntl` says, but for a lock held by others.
    pub fn try_lock(file: File) -> Result<Option<PosixLock>> {
        let answer = rustix::fs::fcntl_lock(&file, FlockOperation::NonBlockingLockExclusive);
        Ok(not_busy("fcntl(F_SETLK)", answer)?.then_some(PosixLock { file }))
    }

    /// The locked file.
    #[must_use]
    pub fn file(&self) -> &File {
        &self.file
    }
}

/// An exclusive `flock`, released explicitly when dropped: children that were forked in between share it.
#[derive(Debug)]
pub struct FlockGuard {
    file: File,
}

impl FlockGuard {
    /// Takes the lock without waiting; `None` when somebody else has it.
    ///
    /// # Errors
    /// What `flock` says, but for a lock held by others.
    pub fn try_lock(file: File) -> Result<Option<FlockGuard>> {
        let answer = rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive);
        Ok(not_busy("flock", answer)?.then_some(FlockGuard { file }))
    }

    /// Takes the lock, waiting for as long as it takes.
    ///
    /// # Errors
    /// What `flock` says but EINTR.
    pub fn lock(file: File) -> Result<FlockGuard> {
        loop {
            match rustix::fs::flock(&file, FlockOperation::LockExclusive) {
                Ok(()) => return Ok(FlockGuard { file }),
                Err(Errno::INTR) => {}
                Err(errno) => return Err(Error::new("flock", b"", errno)),
            }
        }
    }

    /// The locked file.
    #[must_use]
    pub fn file(&self) -> &File {
        &self.file
    }
}

impl Drop for FlockGuard {
    fn drop(&mut self) {
        // Closing the file releases it too, unless a child still has the descriptor: then this is what does.
        let _ = rustix::fs::flock(&self.file, FlockOperation::Unlock);
    }
}

/// Whether anybody but this open file description holds a record lock on `file`: glusterd's "is it running" test.
///
/// # Errors
/// What `fcntl` says.
pub fn is_record_locked(file: BorrowedFd<'_>) -> Result<bool> {
    let found =
        ofd_call(file, libc::F_OFD_GETLK).map_err(|errno| Error::new("fcntl(F_OFD_GETLK)", b"", errno))?;
    Ok(i32::from(found.l_type) != libc::F_UNLCK)
}

fn not_busy(call: &'static str, answer: rustix::io::Result<()>) -> Result<bool> {
    match answer {
        Ok(()) => Ok(true),
        Err(Errno::AGAIN | Errno::ACCESS) => Ok(false),
        Err(errno) => Err(Error::new(call, b"", errno)),
    }
}

fn ofd_call(file: BorrowedFd<'_>, command: libc::c_int) -> rustix::io::Result<libc::flock> {
    let mut lock = libc::flock {
        l_type: libc::F_WRLCK as libc::c_short,
        l_whence: libc::SEEK_SET as libc::c_short,
        l_start: 0,
        l_len: 0,
        // Must be zero for the OFD commands, else EINVAL.
        l_pid: 0,
    };
    // SAFETY: the descriptor is borrowed, hence open; `lock` is a valid `struct flock` that outlives the call, and both
    // commands used here read and write nothing but it.
    let answer = unsafe { libc::fcntl(file.as_raw_fd(), command, &raw mut lock) };
    if answer == -1 { Err(last_errno()) } else { Ok(lock) }
}

pub(crate) fn last_errno() -> Errno {
    Errno::from_io_error(&std::io::Error::last_os_error()).unwrap_or(Errno::IO)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;
    use std::process::Command;

    /// What glusterd does: open read-write, `lockf(F_TEST)` from offset zero, in another process.
    fn others_see_it_locked(path: &Path) -> bool {
        let script = "import os,sys\nfd=os.open(sys.argv[1],os.O_RDWR)\n\
                      try: os.lockf(fd,os.F_TEST,0)\nexcept OSError: sys.exit(7)\n";
        let status = Command::new("python3").arg("-c").arg(script).arg(path).status().unwrap();
        assert!(matches!(status.code(), Some(0 | 7)), "{status}");
        status.code() == Some(7)
    }

    fn open(path: &Path) -> File {
        File::options().read(true).write(true).create(true).truncate(false).open(path).unwrap()
    }

    #[test]
    fn ofd_lock_is_seen_by_lockf_and_survives_a_stray_close() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("pid");
        let lock = OfdLock::try_lock(open(&path)).unwrap().unwrap();
        drop(open(&path));
        assert!(others_see_it_locked(&path));
        assert!(is_record_locked(open(&path).as_fd()).unwrap());
        assert!(OfdLock::try_lock(open(&path)).unwrap().is_none());
        drop(lock);
        assert!(!others_see_it_locked(&path));
    }

    #[test]
    fn posix_lock_is_lost_by_a_stray_close() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("lock");
        let lock = PosixLock::try_lock(open(&path)).unwrap().unwrap();
        assert!(others_see_it_locked(&path));
        drop(open(&path));
        assert!(!others_see_it_locked(&path));
        assert!(lock.file().metadata().is_ok());
    }

    #[test]
    fn flock_is_invisible_to_record_locks() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("lock");
        let lock = FlockGuard::try_lock(open(&path)).unwrap().unwrap();
        assert!(FlockGuard::try_lock(open(&path)).unwrap().is_none());
        assert!(!others_see_it_locked(&path));
        let clone = lock.file().try_clone().unwrap();
        drop(lock);
        assert!(FlockGuard::try_lock(open(&path)).unwrap().is_some(), "a shared descriptor kept it");
        drop(clone);
    }
}
