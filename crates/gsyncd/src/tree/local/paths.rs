//! Finds objects below the root: by the names that the index knows, each step checked against the object's handle, so
//! that nothing is ever followed out of the tree, and what somebody moved is not taken for what was there.

use super::access::Access;
use super::dirs::Dirs;
use super::index::Index;
use super::record::Record;
use super::strangers::Strangers;
use crate::tree::is_absent;
use gsyncd_core::id::{Entry, Gfid};
use gsyncd_core::identity::{Scope, derive, is_foreign};
use gsyncd_sys::handle::{self, FileHandle};
use gsyncd_sys::{Errno, Error, OFlags, Result, at};
use std::os::fd::OwnedFd;
use std::sync::Arc;

/// How deep directories may be.
const DEEPEST: usize = 4096;

/// The objects of one tree.
pub(super) struct Paths {
    pub(super) root: Arc<OwnedFd>,
    /// The id of the mount that the root is on: there is nothing of ours on others.
    pub(super) mount: u64,
    pub(super) index: Index,
    pub(super) strangers: Strangers,
    pub(super) dirs: Dirs,
    pub(super) access: Arc<Access>,
}

/// An object as the index or a look at a name knows it.
pub(super) struct Known {
    pub(super) handle: FileHandle,
    pub(super) names: Vec<Entry>,
}

/// True when an error of a look-up says that there is no such thing (a directory) at that name.
fn is_elsewhere(error: &Error) -> bool {
    is_absent(error) || matches!(error.errno, Errno::NOTDIR | Errno::LOOP)
}

impl Paths {
    /// The handle of what has a name; None: nothing has.
    pub(super) fn handle_at(&self, dir: &OwnedFd, name: &[u8]) -> Result<Option<FileHandle>> {
        self.access.count(1);
        match self.access.within(&[dir], || handle::located(dir, name)) {
            Ok((handle, mount)) if mount == self.mount => Ok(Some(handle)),
            Ok(_) => Err(Error::new("mount point", name, Errno::XDEV)),
            Err(error) if is_elsewhere(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The handle of an open object.
    pub(super) fn handle_of(&self, fd: &OwnedFd) -> Result<FileHandle> {
        self.access.count(1);
        handle::of(fd, b"")
    }

    /// What is known of an object; None: there is none.
    pub(super) fn known(&self, gfid: Gfid) -> Result<Option<Known>> {
        if !is_foreign(gfid) {
            let record = self.index.record(gfid)?;
            return Ok(record.map(|record| {
                let Record { handle, names, .. } = Record::clone(&record);
                Known { handle, names }
            }));
        }
        let Some((handle, at)) = self.strangers.get(gfid) else { return Ok(None) };
        // one that was taken over meanwhile has another gfid
        let is_foreign_still = self.index.owner(&handle)?.is_none();
        Ok(is_foreign_still.then(|| Known { handle, names: vec![at] }))
    }

    /// The gfid of what was met at a name: the index's, or one derived.
    pub(super) fn meet(&self, handle: FileHandle, at: &Entry) -> Result<Gfid> {
        self.meet_news(handle, at).map(|(gfid, _)| gfid)
    }

    /// As [`Paths::meet`]; true when the index did not have it there.
    pub(super) fn meet_news(&self, handle: FileHandle, at: &Entry) -> Result<(Gfid, bool)> {
        if let Some(gfid) = self.index.owner(&handle)? {
            return Ok((gfid, self.index.add_name(gfid, at)?));
        }
        let gfid = derive(Scope::Foreign, handle.kind, &handle.bytes);
        self.strangers.put(gfid, handle, at.clone());
        Ok((gfid, true))
    }

    /// An O_PATH handle of a directory; None: it is not where it was.
    pub(super) fn directory(&self, gfid: Gfid) -> Result<Option<Arc<OwnedFd>>> {
        let (mut below, mut chain) = (gfid, Vec::new());
        // up to one that was seen in its place
        let mut fd = loop {
            if below == Gfid::ROOT {
                break Arc::clone(&self.root);
            }
            if let Some((fd, true)) = self.dirs.get(below) {
                break fd;
            }
            let Some(known) = self.known(below)? else { return Ok(None) };
            let Some(at) = known.names.into_iter().next() else { return Ok(None) };
            let parent = at.parent;
            chain.push((below, known.handle, at));
            below = parent;
            if chain.len() > DEEPEST {
                return Ok(None);
            }
        };
        // and down again
        while let Some((gfid, handle, at)) = chain.pop() {
            let Some(next) = self.step(&fd, gfid, &handle, &at)? else { return Ok(None) };
            self.dirs.put(gfid, Arc::clone(&next));
            fd = next;
        }
        Ok(Some(fd))
    }

    /// One directory down: only to the very one that is meant.
    fn step(
        &self,
        parent: &OwnedFd,
        gfid: Gfid,
        handle: &FileHandle,
        at: &Entry,
    ) -> Result<Option<Arc<OwnedFd>>> {
        if let Some((fd, _)) = self.dirs.get(gfid) {
            if self.handle_at(parent, at.name.as_bytes())?.as_ref() == Some(handle) {
                return Ok(Some(fd));
            }
            self.dirs.forget(gfid);
            return Ok(None);
        }
        self.access.count(1);
        let flags = OFlags::PATH | OFlags::DIRECTORY;
        let opened = self.access.within(&[parent], || at::open(parent, at.name.as_bytes(), flags));
        match opened {
            Ok(fd) if self.handle_at(&fd, b"")?.as_ref() == Some(handle) => Ok(Some(Arc::new(fd))),
            Ok(_) => Ok(None),
            Err(error) if is_elsewhere(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The directory that a name is in.
    ///
    /// # Errors
    /// ENOENT when it is not there.
    pub(super) fn parent(&self, at: &Entry, call: &'static str) -> Result<Arc<OwnedFd>> {
        let parent = self.directory(at.parent)?;
        parent.ok_or_else(|| Error::new(call, at.name.as_bytes(), Errno::NOENT))
    }

    /// Calls with the names of an object until one is answered: `call` says None when the object is not there.
    pub(super) fn by_name<T>(
        &self,
        gfid: Gfid,
        mut call: impl FnMut(&Arc<OwnedFd>, &Entry, &FileHandle) -> Result<Option<T>>,
    ) -> Result<Option<T>> {
        let Some(known) = self.known(gfid)? else { return Ok(None) };
        let mut wrong = Vec::new();
        for at in known.names {
            let Some(parent) = self.directory(at.parent)? else { continue };
            match call(&parent, &at, &known.handle) {
                Ok(Some(found)) => {
                    for at in wrong {
                        self.index.forget_name(gfid, &at)?;
                    }
                    return Ok(Some(found));
                }
                Ok(None) => wrong.push(at),
                Err(error) if is_elsewhere(&error) => wrong.push(at),
                Err(error) => return Err(error),
            }
        }
        Ok(None)
    }

    /// A name that an object holds now, and its directory.
    pub(super) fn find(&self, gfid: Gfid) -> Result<Option<(Arc<OwnedFd>, Entry)>> {
        self.by_name(gfid, |parent, at, handle| {
            let is_there = self.handle_at(parent, at.name.as_bytes())?.as_ref() == Some(handle);
            Ok(is_there.then(|| (Arc::clone(parent), at.clone())))
        })
    }

    /// An O_PATH handle of an object.
    pub(super) fn open(&self, gfid: Gfid) -> Result<Option<OwnedFd>> {
        Ok(self.open_at(gfid)?.map(|(_, _, fd)| fd))
    }

    /// As [`Paths::find`] and [`Paths::open`].
    pub(super) fn open_at(&self, gfid: Gfid) -> Result<Option<(Arc<OwnedFd>, Entry, OwnedFd)>> {
        self.by_name(gfid, |parent, at, handle| {
            self.access.count(1);
            let fd = self.access.within(&[parent], || at::open_path(parent, at.name.as_bytes()))?;
            Ok((self.handle_of(&fd)? == *handle).then(|| (Arc::clone(parent), at.clone(), fd)))
        })
    }

    /// The names from the root down to a directory; None: it is not known where it is.
    pub(super) fn path(&self, directory: Gfid) -> Result<Option<Vec<Entry>>> {
        let (mut gfid, mut path) = (directory, Vec::new());
        while gfid != Gfid::ROOT {
            let Some(at) = self.known(gfid)?.and_then(|known| known.names.into_iter().next()) else {
                return Ok(None);
            };
            gfid = at.parent;
            path.push(at);
            if path.len() > DEEPEST {
                return Ok(None);
            }
        }
        path.reverse();
        Ok(Some(path))
    }
}
