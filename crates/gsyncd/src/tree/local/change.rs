//! What changes names: creating, taking over, linking, renaming, removing. The tree first, then the index.

use super::LocalTree;
use super::handle::Open;
use super::record::Record;
use crate::tree::{Handle, Seen, Tree};
use gsyncd_core::id::{Entry, Gfid};
use gsyncd_core::truth::Kind;
use gsyncd_sys::handle::FileHandle;
use gsyncd_sys::{Errno, Error, OFlags, Result, at};
use std::os::fd::OwnedFd;

/// Permissions without set-id bits: these come when the owner is right.
const NO_SET_ID: u32 = 0o1777;
/// What an ordinary user needs of a directory until all is in it.
const OWNER_ALL: u32 = 0o700;

fn refuse<T>(call: &'static str, at: &Entry, errno: Errno) -> Result<T> {
    Err(Error::new(call, at.name.as_bytes(), errno))
}

impl LocalTree {
    /// Nothing is ever placed where the tree keeps its own things.
    fn check_reserved(&self, at: &Entry, call: &'static str) -> Result<()> {
        if self.reserves(at) { refuse(call, at, Errno::PERM) } else { Ok(()) }
    }

    pub(super) fn make(
        &self,
        at: &Entry,
        gfid: Gfid,
        kind: &Kind,
        mode: u32,
    ) -> Result<Option<Box<dyn Handle>>> {
        self.check_reserved(at, "create")?;
        if self.paths.index.record(gfid)?.is_some() && self.paths.find(gfid)?.is_some() {
            return refuse("create", at, Errno::EXIST);
        }
        let dir = self.paths.parent(at, "create")?;
        self.unsettled.note(at.parent)?;
        let access = &self.paths.access;
        let _changing = access.change();
        let file = access.within(&[&dir], || self.make_node(&dir, at.name.as_bytes(), kind, mode))?;
        let handle = match &file {
            Some(fd) => self.paths.handle_of(fd)?,
            None => match self.paths.handle_at(&dir, at.name.as_bytes())? {
                Some(handle) => handle,
                None => return refuse("create", at, Errno::NOENT),
            },
        };
        self.paths.dirs.forget(gfid);
        let record = Record { handle, kind: kind.type_bits(), names: vec![at.clone()] };
        self.paths.index.bind(gfid, record)?;
        Ok(file.map(|fd| -> Box<dyn Handle> { Box::new(Open::file(fd, access, None)) }))
    }

    /// Makes an object; a regular file is open then.
    fn make_node(&self, dir: &OwnedFd, name: &[u8], kind: &Kind, mode: u32) -> Result<Option<OwnedFd>> {
        let mode = mode & NO_SET_ID;
        match kind {
            Kind::File => return at::create(dir, name, mode).map(Some),
            Kind::Directory if self.paths.access.is_root() => at::mkdir(dir, name, mode),
            Kind::Directory => at::mkdir(dir, name, mode | OWNER_ALL),
            Kind::Symlink(target) => at::symlink(target, dir, name),
            Kind::Char(device) | Kind::Block(device) => {
                at::mknod(dir, name, kind.type_bits() | mode, u64::from(*device))
            }
            Kind::Fifo | Kind::Socket => at::mknod(dir, name, kind.type_bits() | mode, 0),
        }?;
        Ok(None)
    }

    pub(super) fn take_over(&self, at: &Entry, gfid: Gfid, kind: &Kind) -> Result<Option<Seen>> {
        if self.reserves(at) || (self.paths.index.record(gfid)?.is_some() && self.paths.find(gfid)?.is_some())
        {
            return Ok(None);
        }
        let dir = self.paths.parent(at, "adopt")?;
        let access = &self.paths.access;
        access.count(2);
        let opened = access.within(&[&dir], || at::open_path(&dir, at.name.as_bytes()));
        let Some(place) = at::absent_is_none(opened)? else { return Ok(None) };
        let Some(handle) = self.paths.handle_at(&place, b"")? else { return Ok(None) };
        let seen = Seen::from(at::stat_fd(&place)?);
        let fits = seen.is_kind(kind)
            && match kind {
                Kind::Symlink(target) => at::readlink(&place, b"")? == *target,
                _ => true,
            };
        let record = Record { handle, kind: kind.type_bits(), names: vec![at.clone()] };
        self.unsettled.note(at.parent)?;
        if !fits || !self.paths.index.bind_foreign(gfid, record)? {
            return Ok(None);
        }
        self.paths.dirs.forget(gfid);
        access.set_dirty();
        Ok(Some(seen))
    }

    pub(super) fn add_name(&self, gfid: Gfid, to: &Entry) -> Result<()> {
        self.check_reserved(to, "link")?;
        let target = self.paths.parent(to, "link")?;
        self.unsettled.note(to.parent)?;
        let Some((source, from)) = self.paths.find(gfid)? else { return refuse("link", to, Errno::NOENT) };
        let access = &self.paths.access;
        let _changing = access.change();
        access.within(&[&source, &target], || {
            at::link(&source, from.name.as_bytes(), &target, to.name.as_bytes())
        })?;
        self.paths.index.add_name(gfid, to).map(drop)
    }

    pub(super) fn move_name(&self, from: &Entry, to: &Entry) -> Result<()> {
        self.check_reserved(from, "rename")?;
        self.check_reserved(to, "rename")?;
        let (source, target) = (self.paths.parent(from, "rename")?, self.paths.parent(to, "rename")?);
        let Some(moved) = self.paths.handle_at(&source, from.name.as_bytes())? else {
            return refuse("rename", from, Errno::NOENT);
        };
        self.unsettled.note(to.parent)?;
        let _changing = self.paths.access.change();
        let displaced = self.rename_over(&source, from, &target, to, &moved)?;
        if let Some(gfid) = displaced {
            self.paths.index.drop_name(gfid, to)?;
            self.paths.dirs.forget(gfid);
        }
        match self.paths.index.owner(&moved)? {
            Some(gfid) => {
                self.paths.index.add_name(gfid, to)?;
                self.paths.index.forget_name(gfid, from)
            }
            None => self.paths.meet(moved, to).map(drop),
        }
    }

    /// Renames; what was there is replaced if the index knows it (then it is returned), else moved aside.
    fn rename_over(
        &self,
        source: &OwnedFd,
        from: &Entry,
        target: &OwnedFd,
        to: &Entry,
        moved: &FileHandle,
    ) -> Result<Option<Gfid>> {
        let (old, new) = (from.name.as_bytes(), to.name.as_bytes());
        let access = &self.paths.access;
        let mut free = access.within(&[source, target], || at::rename_noreplace(source, old, target, new));
        if free.as_ref().is_err_and(|error| error.errno == Errno::ACCESS) && !access.is_root() {
            // a directory that changes its parent is written to itself
            let directory = at::open(source, old, OFlags::PATH | OFlags::DIRECTORY)?;
            let places = [source, target, &directory];
            free = access.within(&places, || at::rename_noreplace(source, old, target, new));
        }
        match free {
            // a file system may not know how to do this
            Err(error) if matches!(error.errno, Errno::EXIST | Errno::INVAL) => {}
            outcome => return outcome.map(|()| None),
        }
        let mut displaced = None;
        if let Some(handle) = self.paths.handle_at(target, new)?
            && handle != *moved
        {
            displaced = self.paths.index.owner(&handle)?;
            if displaced.is_none() {
                self.put_aside(target, to)?;
            }
        }
        access.count(1);
        access.within(&[source, target], || at::rename(source, old, target, new))?;
        Ok(displaced)
    }

    /// Moves a foreign object aside, unless it is a directory with known objects in it.
    fn put_aside(&self, dir: &OwnedFd, at: &Entry) -> Result<()> {
        let place = at::open_path(dir, at.name.as_bytes())?;
        if at::stat_fd(&place)?.is_dir() && self.has_known(&place)? {
            return refuse("rmdir", at, Errno::NOTEMPTY);
        }
        self.aside.take(&self.paths, dir, at)
    }

    pub(super) fn remove_name(&self, at: &Entry) -> Result<()> {
        self.check_reserved(at, "unlink")?;
        let dir = self.paths.parent(at, "unlink")?;
        let name = at.name.as_bytes();
        let Some(handle) = self.paths.handle_at(&dir, name)? else {
            return refuse("unlink", at, Errno::NOENT);
        };
        let Some(gfid) = self.paths.index.owner(&handle)? else {
            if at::stat(&dir, name)?.is_dir() {
                return refuse("unlink", at, Errno::ISDIR);
            }
            return self.aside.take(&self.paths, &dir, at);
        };
        let _changing = self.paths.access.change();
        self.paths.access.within(&[&dir], || at::unlink(&dir, name))?;
        self.paths.index.drop_name(gfid, at)
    }

    pub(super) fn remove_directory(&self, at: &Entry) -> Result<()> {
        self.check_reserved(at, "rmdir")?;
        let dir = self.paths.parent(at, "rmdir")?;
        let name = at.name.as_bytes();
        let Some(handle) = self.paths.handle_at(&dir, name)? else {
            return refuse("rmdir", at, Errno::NOENT);
        };
        let Some(gfid) = self.paths.index.owner(&handle)? else {
            if !at::stat(&dir, name)?.is_dir() {
                return refuse("rmdir", at, Errno::NOTDIR);
            }
            return self.put_aside(&dir, at);
        };
        self.unsettled.note(at.parent)?;
        let _changing = self.paths.access.change();
        self.paths.access.within(&[&dir], || at::rmdir(&dir, name))?;
        self.paths.dirs.forget(gfid);
        self.paths.index.drop_name(gfid, at)
    }
}
