//! A directory still to be looked into.

use super::ground::{Ground, identify};
use super::watch::Watch;
use gsyncd_core::id::{Gfid, Name};
use gsyncd_sys::{Errno, Error, OFlags, at};
use std::os::fd::OwnedFd;
use std::sync::Arc;

/// Where it is, and who it was when it was met.
pub(super) struct Below {
    pub(super) gfid: Gfid,
    pub(super) parent: Arc<OwnedFd>,
    pub(super) name: Box<[u8]>,
    /// Relative to the root.
    pub(super) path: Vec<u8>,
}

impl Below {
    /// The root.
    pub(super) fn root(ground: &Ground) -> Below {
        Below { gfid: Gfid::ROOT, parent: Arc::clone(ground.root()), name: b"."[..].into(), path: Vec::new() }
    }

    /// Opens it to be listed, never what is mounted on it; from then on it is watched.
    ///
    /// # Errors
    /// ESTALE when the name has another one by now, or what opening says.
    pub(super) fn enter(&self, watch: Option<&Watch>) -> Result<Arc<OwnedFd>, Error> {
        let dir = at::open_here(&self.parent, &self.name, OFlags::RDONLY | OFlags::DIRECTORY)?;
        if self.gfid != Gfid::ROOT && identify(&dir, b"")? != self.gfid {
            return Err(Error::new("openat2", &self.name, Errno::STALE));
        }
        let dir = Arc::new(dir);
        if let Some(watch) = watch {
            watch.add(self.gfid, &dir);
        }
        Ok(dir)
    }
}

/// The names in a directory.
///
/// # Errors
/// Of reading; E2BIG with more than `most`.
pub(super) fn list(dir: &OwnedFd, most: usize) -> Result<Vec<Name>, Error> {
    let mut names = Vec::new();
    at::for_each_entry::<Error>(dir, b".", |entry| {
        if names.len() >= most {
            return Err(Error::new("readdir", b".", Errno::TOOBIG));
        }
        names.extend(Name::new(&entry.name));
        Ok(())
    })?;
    Ok(names)
}

/// Gone, or another since it was seen: its event or the next scan tells.
pub(super) fn is_gone(error: &Error) -> bool {
    matches!(error.errno, Errno::NOENT | Errno::NOTDIR | Errno::LOOP | Errno::STALE)
}
