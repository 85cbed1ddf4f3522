//! Open objects of a Gluster volume.

use super::Mount;
use super::retry::patiently;
use crate::tree::{Handle, Seen};
use gsyncd_core::id::Gfid;
use gsyncd_core::truth::{TimeStamp, Xattr};
use gsyncd_sys::{Errno, Error, Result, at, xattr};
use std::os::fd::OwnedFd;
use std::sync::Arc;

/// A regular file, open for reading and writing.
pub(super) struct File {
    pub(super) fd: OwnedFd,
    pub(super) gfid: Gfid,
    pub(super) mount: Arc<Mount>,
}

/// Any object, by an O_PATH handle.
pub(super) struct Place {
    pub(super) fd: OwnedFd,
    pub(super) gfid: Gfid,
    pub(super) mount: Arc<Mount>,
}

/// Names the object in an error of a call that had no path.
fn of<T>(gfid: Gfid, outcome: Result<T>) -> Result<T> {
    outcome.map_err(|error| Error { path: gfid.to_string(), ..error })
}

/// The replicated xattrs of an open object. One that goes away meanwhile is left out.
fn xattrs(fd: &OwnedFd, mount: &Mount) -> Result<Vec<Xattr>> {
    let path = xattr::below(fd, b"");
    mount.count();
    Xattr::replicated(xattr::list_through(&path)?, |key| {
        mount.count();
        xattr::get_through(&path, key)
    })
}

/// The path through which a key can be written: default ACLs only by the second mount.
fn writable(fd: &OwnedFd, gfid: Gfid, mount: &Mount, key: &[u8]) -> Result<Vec<u8>> {
    if key == Xattr::ACL_DEFAULT {
        let gfids = mount.acl_gfids()?;
        let gfids = gfids.ok_or_else(|| Error::new("setxattr", key, Errno::OPNOTSUPP))?;
        return Ok(xattr::below(gfids, &gfid.canonical()));
    }
    Ok(xattr::below(fd, b""))
}

fn set_xattr(fd: &OwnedFd, gfid: Gfid, mount: &Mount, wanted: &Xattr) -> Result<()> {
    let path = writable(fd, gfid, mount, &wanted.key)?;
    mount.count();
    patiently(|| xattr::set_through(&path, &wanted.key, &wanted.value))?;
    // a mount that only says it did it is known to exist
    if *wanted.key == *Xattr::ACL_DEFAULT && xattr::get_through(&path, &wanted.key)?.is_none() {
        return Err(Error::new("setxattr", &wanted.key, Errno::IO));
    }
    Ok(())
}

fn remove_xattr(fd: &OwnedFd, gfid: Gfid, mount: &Mount, key: &[u8]) -> Result<()> {
    let path = writable(fd, gfid, mount, key)?;
    mount.count();
    match patiently(|| xattr::remove_through(&path, key)) {
        Err(error) if error.errno == Errno::NODATA => Ok(()),
        outcome => outcome,
    }
}

/// One counted call.
macro_rules! call {
    ($self:ident, $call:expr) => {{
        $self.mount.count();
        of($self.gfid, patiently(|| $call))
    }};
}

/// The methods that both sorts of handle have alike.
macro_rules! xattr_methods {
    () => {
        fn xattrs(&self) -> Result<Vec<Xattr>> {
            xattrs(&self.fd, &self.mount)
        }
        fn set_xattr(&self, wanted: &Xattr) -> Result<()> {
            set_xattr(&self.fd, self.gfid, &self.mount, wanted)
        }
        fn remove_xattr(&self, key: &[u8]) -> Result<()> {
            remove_xattr(&self.fd, self.gfid, &self.mount, key)
        }
    };
}

impl Handle for File {
    xattr_methods!();
    fn seen(&self) -> Result<Seen> {
        call!(self, at::stat_fd(&self.fd)).map(Seen::from)
    }
    fn set_owner(&self, uid: u32, gid: u32) -> Result<()> {
        call!(self, at::chown_fd(&self.fd, uid, gid))
    }
    fn set_mode(&self, mode: u32) -> Result<()> {
        call!(self, at::chmod_fd(&self.fd, mode))
    }
    fn set_times(&self, atime: TimeStamp, mtime: TimeStamp) -> Result<()> {
        call!(self, at::set_times_fd(&self.fd, atime.into(), mtime.into()))
    }
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> Result<usize> {
        self.mount.count();
        of(self.gfid, at::read_at(&self.fd, buffer, offset))
    }
    fn write_at(&self, bytes: &[u8], offset: u64) -> Result<()> {
        call!(self, at::write_all_at(&self.fd, bytes, offset))
    }
    fn truncate(&self, size: u64) -> Result<()> {
        call!(self, at::truncate(&self.fd, size))
    }
    fn punch_hole(&self, offset: u64, length: u64) -> Result<()> {
        call!(self, at::punch_hole(&self.fd, offset, length))
    }
    fn sync(&self) -> Result<()> {
        call!(self, at::fsync(&self.fd))
    }
    fn close(self: Box<Self>) -> Result<()> {
        let File { fd, gfid, mount } = *self;
        mount.count();
        of(gfid, at::close(fd))
    }
}

impl Place {
    /// Content cannot be reached this way.
    fn no_content<T>(&self, call: &'static str) -> Result<T> {
        Err(Error::new(call, &self.gfid.canonical(), Errno::BADF))
    }
}

impl Handle for Place {
    xattr_methods!();
    fn seen(&self) -> Result<Seen> {
        call!(self, at::stat_fd(&self.fd)).map(Seen::from)
    }
    fn set_owner(&self, uid: u32, gid: u32) -> Result<()> {
        call!(self, at::chown_handle(&self.fd, uid, gid))
    }
    fn set_mode(&self, mode: u32) -> Result<()> {
        call!(self, at::chmod_handle(&self.fd, mode))
    }
    fn set_times(&self, atime: TimeStamp, mtime: TimeStamp) -> Result<()> {
        call!(self, at::set_times_handle(&self.fd, atime.into(), mtime.into()))
    }
    fn read_at(&self, _: &mut [u8], _: u64) -> Result<usize> {
        self.no_content("pread")
    }
    fn write_at(&self, _: &[u8], _: u64) -> Result<()> {
        self.no_content("pwrite")
    }
    fn truncate(&self, _: u64) -> Result<()> {
        self.no_content("ftruncate")
    }
    fn punch_hole(&self, _: u64, _: u64) -> Result<()> {
        self.no_content("fallocate")
    }
    fn sync(&self) -> Result<()> {
        self.no_content("fsync")
    }
    fn close(self: Box<Self>) -> Result<()> {
        Ok(())
    }
}
