//! The present truth about a plain directory.

use super::ground::{Found, Ground, Place, identify, stat_of, unreadable_map};
use crate::primary::view::{Opened, Sight, UNSETTLED, View, replicated_xattrs};
use gsyncd_core::id::{Entry, Gfid, Name, Stime};
use gsyncd_core::truth::{Kind, Xattr};
use gsyncd_sys::at::Stat;
use gsyncd_sys::{Errno, Error, OFlags, at, xattr};
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::time::Duration;

/// Facts from a plain directory. Where the map and the tree disagree nothing is said: an event about it is on its way.
pub struct DirectoryView {
    ground: Arc<Ground>,
    keeps_deleted: bool,
}

impl DirectoryView {
    /// Reads from `ground`; `keeps_deleted`: what is deleted here stays there.
    #[must_use]
    pub fn new(ground: Arc<Ground>, keeps_deleted: bool) -> DirectoryView {
        DirectoryView { ground, keeps_deleted }
    }

    /// The object's place; None when it is not in the tree.
    fn place(&self, gfid: Gfid) -> Result<Option<Place>, Error> {
        match self.ground.find(gfid)? {
            Found::Here(place) => Ok(Some(place)),
            Found::Gone => Ok(None),
            Found::Moving => Err(unsettled(b"")),
        }
    }
}

fn unsettled(name: &[u8]) -> Error {
    Error::new("look", name, UNSETTLED)
}

/// What an object is.
///
/// # Errors
/// When a symlink cannot be read.
pub fn kind_of(dir: impl AsFd, name: &[u8], stat: &Stat) -> Result<Kind, Error> {
    let device = (stat.rdev & 0xffff_ffff) as u32;
    Ok(match stat.type_bits() {
        0o010_000 => Kind::Fifo,
        0o020_000 => Kind::Char(device),
        0o040_000 => Kind::Directory,
        0o060_000 => Kind::Block(device),
        0o100_000 => Kind::File,
        0o120_000 => Kind::Symlink(at::readlink(dir, name)?),
        0o140_000 => Kind::Socket,
        _ => return Err(Error::new("fstatat", name, Errno::NOTSUP)),
    })
}

/// The replicated xattrs behind a path, sorted.
///
/// # Errors
/// Of reading.
pub fn xattrs_at(path: &[u8]) -> Result<Vec<Xattr>, Error> {
    let keys = xattr::list(path)?;
    replicated_xattrs(keys, |key| xattr::get(path, key))
}

/// The replicated xattrs of an open object, sorted.
///
/// # Errors
/// Of reading.
pub fn xattrs_of(fd: impl AsFd) -> Result<Vec<Xattr>, Error> {
    let keys = xattr::list_fd(&fd)?;
    replicated_xattrs(keys, |key| xattr::get_fd(&fd, key))
}

/// Opens a regular file for reading, leaving its access time alone where that is allowed.
///
/// # Errors
/// Of opening.
pub fn open_file(dir: impl AsFd, name: &[u8]) -> Result<OwnedFd, Error> {
    let flags = OFlags::RDONLY | OFlags::NONBLOCK;
    match at::open_here(&dir, name, flags | OFlags::NOATIME) {
        Err(error) if error.errno == Errno::PERM => at::open_here(&dir, name, flags),
        outcome => outcome,
    }
}

/// Opens what is at a place, if it is this file.
fn open_there(place: &Place, gfid: Gfid) -> Result<OwnedFd, Error> {
    let file = match open_file(&place.dir, &place.name) {
        Err(error) if matches!(error.errno, Errno::NOENT | Errno::LOOP) => {
            return Err(unsettled(&place.name));
        }
        outcome => outcome?,
    };
    if identify(&file, b"")? == gfid { Ok(file) } else { Err(unsettled(&place.name)) }
}

impl View for DirectoryView {
    fn holder(&self, at: &Entry) -> Result<Option<Gfid>, Error> {
        let Some(dir) = self.ground.dir(at.parent)? else {
            let names = self.ground.map().names(at.parent).map_err(|error| unreadable_map(&error))?;
            return if names.is_empty() { Ok(None) } else { Err(unsettled(at.name.as_bytes())) };
        };
        let Some(held) = at::absent_is_none(identify(&dir, at.name.as_bytes()))? else { return Ok(None) };
        let known = self.ground.map().entry(at).map_err(|error| unreadable_map(&error))?;
        if known.is_some_and(|known| known.gfid == held) {
            Ok(Some(held))
        } else {
            Err(unsettled(at.name.as_bytes()))
        }
    }

    fn sight(&self, gfid: Gfid) -> Result<Option<Sight>, Error> {
        let Some(Place { dir, name, stat }) = self.place(gfid)? else { return Ok(None) };
        let attributes = Sight::attributes_of(kind_of(&dir, &name, &stat)?, &stat);
        Ok(Some(Sight { attributes, names: stat.nlink }))
    }

    fn names(&self, gfid: Gfid) -> Result<Vec<Entry>, Error> {
        let known = self.ground.map().names(gfid).map_err(|error| unreadable_map(&error))?;
        for at in &known {
            // a name that is about to go, or below a directory that is moving: without it the rest is not the truth
            if self.ground.holds(at, gfid)?.is_none() {
                return Err(unsettled(at.name.as_bytes()));
            }
        }
        Ok(known)
    }

    fn xattrs(&self, gfid: Gfid) -> Result<Option<Vec<Xattr>>, Error> {
        let Some(place) = self.place(gfid)? else { return Ok(None) };
        if place.stat.type_bits() == 0o120_000 {
            return Ok(Some(Vec::new()));
        }
        if place.name.is_empty() {
            let path = xattr::below(&place.dir, b"");
            let keys = xattr::list_through(&path)?;
            return replicated_xattrs(keys, |key| xattr::get_through(&path, key)).map(Some);
        }
        let path = xattr::below(&place.dir, &place.name);
        match xattrs_at(&path) {
            Err(error) if error.errno == Errno::NOENT => Err(unsettled(&place.name)),
            outcome => outcome.map(Some),
        }
    }

    fn open(&self, gfid: Gfid) -> Result<Option<OwnedFd>, Error> {
        let Some(place) = self.place(gfid)? else { return Ok(None) };
        open_there(&place, gfid).map(Some)
    }

    fn file(&self, gfid: Gfid, limit_bytes: u64) -> Result<Option<Opened>, Error> {
        let Some(place) = self.place(gfid)? else { return Ok(None) };
        if !place.stat.is_file() || place.stat.size > limit_bytes {
            return Ok(None);
        }
        let file = open_there(&place, gfid)?;
        let stat = at::stat_fd(&file)?;
        let sight = Sight { attributes: Sight::attributes_of(Kind::File, &stat), names: stat.nlink };
        let xattrs = xattrs_of(&file)?;
        Ok(Some(Opened { sight, xattrs, file }))
    }

    fn list(&self, dir: Gfid, each: &mut dyn FnMut(Name, Gfid) -> Result<(), Error>) -> Result<(), Error> {
        for (name, known) in self.ground.map().children(dir).map_err(|error| unreadable_map(&error))? {
            each(name, known.gfid)?;
        }
        Ok(())
    }

    fn changed_at(&self, _gfid: Gfid) -> Result<Option<Stime>, Error> {
        Ok(None)
    }

    fn relearn(&self) -> Result<(), Error> {
        Ok(())
    }

    fn is_whole(&self) -> bool {
        true
    }

    fn statements_limit(&self) -> usize {
        2048
    }

    fn rename_window(&self) -> Duration {
        Duration::ZERO
    }

    fn keeps_deleted(&self) -> bool {
        self.keeps_deleted
    }

    fn leaves_alone(&self, at: &Entry) -> bool {
        let path = || self.ground.path(at.parent);
        let name = at.name.as_bytes();
        if self.ground.leaves_out(at.parent, path, name, true)
            || self.ground.leaves_out(at.parent, path, name, false)
        {
            return true;
        }
        let Ok(Some(dir)) = self.ground.dir(at.parent) else { return false };
        matches!(stat_of(&dir, name), Ok(Some(stat)) if self.ground.is_other_file_system(&stat))
    }
}
