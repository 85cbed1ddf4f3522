//! The tree itself: from a gfid to the object, by the names that the map has, verified by its handle.

use super::excludes::Excludes;
use super::map::{Map, MapError};
use gsyncd_core::id::{Entry, Gfid, Name};
use gsyncd_core::identity::{self, Scope};
use gsyncd_sys::at::Stat;
use gsyncd_sys::{Errno, Error, OFlags, at, handle};
use std::collections::HashMap;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Directories kept open.
const OPEN_LIMIT: usize = 256;
/// Directories one below the other that are walked; more is a loop.
const DEEPEST: usize = 2048;
/// Where a secondary of this program keeps its own things: never replicated from the root of a tree.
const OURS: &[u8] = b".gsyncd";

/// Where an object is.
pub enum Found {
    /// No name of it is known: it is not in the tree.
    Gone,
    /// It is not where it was; a name that is not known yet may have it.
    Moving,
    /// Here.
    Here(Place),
}

/// An object at one of its names.
pub struct Place {
    /// Its directory, open.
    pub dir: Arc<OwnedFd>,
    /// Its name there; empty for the root itself.
    pub name: Box<[u8]>,
    /// What it looks like.
    pub stat: Stat,
}

/// The tree.
pub struct Ground {
    root: Arc<OwnedFd>,
    device: u64,
    mount: u64,
    map: Arc<Map>,
    excludes: Excludes,
    open: Mutex<HashMap<Gfid, Arc<OwnedFd>>>,
}

/// The gfid of a name in an open directory; an empty name is the directory.
///
/// # Errors
/// ENOENT when nothing is there, or what the look says.
pub fn identify(dir: impl AsFd, name: &[u8]) -> Result<Gfid, Error> {
    let handle = handle::of(dir, name)?;
    Ok(identity::derive(Scope::Primary, handle.kind, &handle.bytes))
}

/// A failure of the map where only the tree's failures are known.
pub fn unreadable_map(error: &MapError) -> Error {
    tracing::error!(%error, "the session's map");
    Error::new("map", b"", Errno::IO)
}

impl Ground {
    /// Opens the tree's root and keeps it open: an unmounted file system cannot pose as an empty tree.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub fn open(root: &Path, map: Arc<Map>, excludes: Excludes) -> Result<Ground, Error> {
        let root = Arc::new(at::open_root(root.as_os_str().as_bytes())?);
        let device = at::stat_fd(&root)?.dev;
        let (_, mount) = handle::located(&root, b"")?;
        Ok(Ground { root, device, mount, map, excludes, open: Mutex::default() })
    }

    /// The root.
    #[must_use]
    pub fn root(&self) -> &Arc<OwnedFd> {
        &self.root
    }

    /// The map of this tree.
    #[must_use]
    pub fn map(&self) -> &Arc<Map> {
        &self.map
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Gfid, Arc<OwnedFd>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps an open directory for a while.
    pub fn keep_open(&self, gfid: Gfid, dir: &Arc<OwnedFd>) {
        let mut open = self.lock();
        if open.len() >= OPEN_LIMIT {
            open.clear();
        }
        open.insert(gfid, Arc::clone(dir));
    }

    /// A directory left the tree.
    pub fn forget(&self, gfid: Gfid) {
        self.lock().remove(&gfid);
    }

    /// An open directory; None when it is not where the map has it.
    ///
    /// # Errors
    /// Anything that leaves open where it is.
    pub fn dir(&self, gfid: Gfid) -> Result<Option<Arc<OwnedFd>>, Error> {
        self.dir_below(gfid, DEEPEST)
    }

    fn dir_below(&self, gfid: Gfid, depth: usize) -> Result<Option<Arc<OwnedFd>>, Error> {
        if gfid == Gfid::ROOT {
            return Ok(Some(Arc::clone(&self.root)));
        }
        if let Some(open) = self.lock().get(&gfid) {
            return Ok(Some(Arc::clone(open)));
        }
        let Some(depth) = depth.checked_sub(1) else { return Err(Error::new("openat2", b"", Errno::LOOP)) };
        for at in self.map.names(gfid).map_err(|error| unreadable_map(&error))? {
            let Some(parent) = self.dir_below(at.parent, depth)? else { continue };
            if let Some(open) = open_directory(&parent, at.name.as_bytes(), gfid)? {
                self.keep_open(gfid, &open);
                return Ok(Some(open));
            }
        }
        Ok(None)
    }

    /// Finds an object.
    ///
    /// # Errors
    /// Anything that leaves open where it is.
    pub fn find(&self, gfid: Gfid) -> Result<Found, Error> {
        if gfid == Gfid::ROOT {
            let stat = at::stat_fd(&self.root)?;
            return Ok(Found::Here(Place { dir: Arc::clone(&self.root), name: Box::default(), stat }));
        }
        let names = self.map.names(gfid).map_err(|error| unreadable_map(&error))?;
        for at in &names {
            if let Some(place) = self.holds(at, gfid)? {
                return Ok(Found::Here(place));
            }
        }
        Ok(if names.is_empty() { Found::Gone } else { Found::Moving })
    }

    /// The object at a name, if it is this one.
    ///
    /// # Errors
    /// Anything that leaves that open.
    pub fn holds(&self, at: &Entry, gfid: Gfid) -> Result<Option<Place>, Error> {
        let Some(dir) = self.dir(at.parent)? else { return Ok(None) };
        let name = at.name.as_bytes();
        let Some(stat) = stat_of(&dir, name)? else { return Ok(None) };
        match at::absent_is_none(identify(&dir, name))? {
            Some(held) if held == gfid => Ok(Some(Place { dir, name: name.into(), stat })),
            _ => Ok(None),
        }
    }

    /// As [`identify`], refusing what is mounted there: a bind mount shows an object under a name that it does not have.
    ///
    /// # Errors
    /// EXDEV for a mount point, else as [`identify`].
    pub fn identify_here(&self, dir: impl AsFd, name: &[u8]) -> Result<Gfid, Error> {
        let (handle, mount) = handle::located(dir, name)?;
        if mount != self.mount {
            return Err(Error::new("mount point", name, Errno::XDEV));
        }
        Ok(identity::derive(Scope::Primary, handle.kind, &handle.bytes))
    }

    /// True for what is mounted inside the tree: not followed.
    #[must_use]
    pub fn is_other_file_system(&self, stat: &Stat) -> bool {
        stat.dev != self.device
    }

    /// The path of a directory relative to the root, as the map has it.
    #[must_use]
    pub fn path(&self, dir: Gfid) -> Vec<u8> {
        let (mut parts, mut dir) = (Vec::new(), dir);
        while dir != Gfid::ROOT && parts.len() < DEEPEST {
            let Some(at) = self.map.names(dir).ok().and_then(|names| names.into_iter().next()) else { break };
            dir = at.parent;
            parts.push(at.name);
        }
        let parts: Vec<&[u8]> = parts.iter().rev().map(Name::as_bytes).collect();
        parts.join(&b'/')
    }

    /// True for a name that is not replicated: this program's own, or excluded. `path` is the directory's.
    #[must_use]
    pub fn leaves_out(
        &self,
        dir: Gfid,
        path: impl FnOnce() -> Vec<u8>,
        name: &[u8],
        is_directory: bool,
    ) -> bool {
        if dir == Gfid::ROOT && name == OURS {
            return true;
        }
        !self.excludes.is_empty() && self.excludes.leave_out(&join(path(), name), is_directory)
    }
}

/// A path one longer.
#[must_use]
pub fn join(mut path: Vec<u8>, name: &[u8]) -> Vec<u8> {
    if !path.is_empty() {
        path.push(b'/');
    }
    path.extend_from_slice(name);
    path
}

/// What a name looks like; None: nothing is there.
///
/// # Errors
/// Anything else.
pub fn stat_of(dir: impl AsFd, name: &[u8]) -> Result<Option<Stat>, Error> {
    at::stat_if_there(dir, name)
}

/// Opens a directory if the name holds this one. With O_PATH: to go through it needs less than to read it.
fn open_directory(parent: &OwnedFd, name: &[u8], gfid: Gfid) -> Result<Option<Arc<OwnedFd>>, Error> {
    match at::open_here(parent, name, OFlags::PATH | OFlags::DIRECTORY) {
        Ok(open) => Ok((identify(&open, b"")? == gfid).then(|| Arc::new(open))),
        Err(error) if matches!(error.errno, Errno::NOENT | Errno::NOTDIR | Errno::LOOP | Errno::XDEV) => {
            Ok(None)
        }
        Err(error) => Err(error),
    }
}
