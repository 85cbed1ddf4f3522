//! Open objects of a plain directory.

use super::access::Access;
use crate::tree::{Handle, Seen};
use gsyncd_core::truth::{TimeStamp, Xattr};
use gsyncd_sys::{Errno, Error, Result, at, xattr};
use std::cell::Cell;
use std::os::fd::OwnedFd;
use std::sync::Arc;

/// The set-user-id and set-group-id bits.
const SET_UID: u32 = 0o4000;
const SET_GID: u32 = 0o2000;

/// Any object. An O_PATH handle has no content.
pub(super) struct Open {
    fd: OwnedFd,
    access: Arc<Access>,
    /// For [`Access::Content`](crate::tree::Access::Content).
    content: bool,
    /// Mode bits to be put back at the end: they were widened to open it.
    restore: Cell<Option<u32>>,
    /// Set-id bits of an owner or group that could not be set.
    forbidden: Cell<u32>,
}

impl Open {
    /// A regular file, open for reading and writing.
    pub(super) fn file(fd: OwnedFd, access: &Arc<Access>, restore: Option<u32>) -> Open {
        let (restore, forbidden) = (Cell::new(restore), Cell::new(0));
        Open { fd, access: Arc::clone(access), content: true, restore, forbidden }
    }

    /// Any object, by an O_PATH handle.
    pub(super) fn place(fd: OwnedFd, access: &Arc<Access>) -> Open {
        let (restore, forbidden) = (Cell::new(None), Cell::new(0));
        Open { fd, access: Arc::clone(access), content: false, restore, forbidden }
    }

    /// The path of the object for calls on xattrs.
    fn path(&self) -> Vec<u8> {
        xattr::below(&self.fd, b"")
    }

    fn restore(&self) -> Result<()> {
        match self.restore.take() {
            Some(mode) => at::chmod_handle(&self.fd, mode),
            None => Ok(()),
        }
    }

    fn for_content(&self, call: &'static str) -> Result<&OwnedFd> {
        if self.content { Ok(&self.fd) } else { Err(Error::new(call, b"", Errno::BADF)) }
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        // a failure was reported by close, if that was called
        let _ = self.restore();
    }
}

impl Handle for Open {
    fn seen(&self) -> Result<Seen> {
        self.access.count(1);
        at::stat_fd(&self.fd).map(Seen::from)
    }

    fn set_owner(&self, uid: u32, gid: u32) -> Result<()> {
        let _changing = self.access.change();
        let error = match at::chown_handle(&self.fd, uid, gid) {
            Err(error) if error.errno == Errno::PERM && !self.access.is_root() => error,
            outcome => return outcome,
        };
        self.access.warn_owners(&error);
        self.forbidden.set(self.forbidden.get() | SET_UID);
        match at::chgrp_handle(&self.fd, gid) {
            Err(error) if error.errno == Errno::PERM => {
                self.forbidden.set(self.forbidden.get() | SET_GID);
                Ok(())
            }
            outcome => outcome,
        }
    }

    fn set_mode(&self, mode: u32) -> Result<()> {
        let _changing = self.access.change();
        self.restore.set(None);
        let mode = mode & !self.forbidden.get();
        if self.content { at::chmod_fd(&self.fd, mode) } else { at::chmod_handle(&self.fd, mode) }
    }

    fn set_times(&self, atime: TimeStamp, mtime: TimeStamp) -> Result<()> {
        let _changing = self.access.change();
        if self.content {
            return at::set_times_fd(&self.fd, atime.into(), mtime.into());
        }
        at::set_times_handle(&self.fd, atime.into(), mtime.into())
    }

    fn xattrs(&self) -> Result<Vec<Xattr>> {
        let path = self.path();
        self.access.count(1);
        Xattr::replicated(xattr::list_through(&path)?, |key| {
            self.access.count(1);
            self.access.within(&[&self.fd], || xattr::get_through(&path, key))
        })
    }

    fn set_xattr(&self, wanted: &Xattr) -> Result<()> {
        let _changing = self.access.change();
        let path = self.path();
        self.access.within(&[&self.fd], || xattr::set_through(&path, &wanted.key, &wanted.value))
    }

    fn remove_xattr(&self, key: &[u8]) -> Result<()> {
        let _changing = self.access.change();
        let path = self.path();
        match self.access.within(&[&self.fd], || xattr::remove_through(&path, key)) {
            Err(error) if error.errno == Errno::NODATA => Ok(()),
            outcome => outcome,
        }
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> Result<usize> {
        self.access.count(1);
        at::read_at(self.for_content("pread")?, buffer, offset)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> Result<()> {
        let _changing = self.access.change();
        at::write_all_at(self.for_content("pwrite")?, bytes, offset)
    }

    fn truncate(&self, size: u64) -> Result<()> {
        let _changing = self.access.change();
        at::truncate(self.for_content("ftruncate")?, size)
    }

    fn punch_hole(&self, offset: u64, length: u64) -> Result<()> {
        let _changing = self.access.change();
        at::punch_hole(self.for_content("fallocate")?, offset, length)
    }

    /// All is made durable at once when the primary asks for it.
    fn sync(&self) -> Result<()> {
        Ok(())
    }

    /// The kernel keeps no write back until the end here: what can fail has failed.
    fn close(self: Box<Self>) -> Result<()> {
        self.restore()
    }
}
