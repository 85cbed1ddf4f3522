//! Makes changes of names durable.
//!
//! fsync of a directory does nothing on a brick. But fsync of any file commits the journal of the brick's
//! file system, and with it all that was changed there before. For that an unlinked file is kept open.
//!
//! Limit: on a volume of several bricks this reaches only the brick that has the file.

use gsyncd_sys::{OFlags, Result, at};
use std::os::fd::OwnedFd;
use std::sync::{Mutex, PoisonError};

/// The file, opened when it is needed for the first time.
#[derive(Default)]
pub(super) struct Barrier {
    file: Mutex<Option<(OwnedFd, u64)>>,
}

impl Barrier {
    /// Returns when all changes before are durable.
    pub(super) fn pass(&self, root: &OwnedFd) -> Result<()> {
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        let (fd, count) = match file.take() {
            Some((fd, count)) => (fd, count + 1),
            None => (open(root)?, 0),
        };
        // without a change the file would have nothing to commit
        let passed = at::write_all_at(&fd, &count.to_be_bytes(), 0).and_then(|()| at::fsync(&fd));
        if passed.is_ok() {
            *file = Some((fd, count));
        }
        passed
    }
}

/// Creates the file and takes its name away at once; the root keeps its times.
fn open(root: &OwnedFd) -> Result<OwnedFd> {
    let dot = at::open(root, b".", OFlags::RDONLY | OFlags::DIRECTORY)?;
    let before = at::stat_fd(&dot)?;
    let unique = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .map_or(0, |since| since.as_nanos());
    let name = format!(".gsyncd-barrier-{}-{unique:x}", std::process::id()).into_bytes();
    let fd = at::create(&dot, &name, 0o600)?;
    at::unlink(&dot, &name)?;
    at::set_times_fd(&dot, before.atime, before.mtime)?;
    Ok(fd)
}
