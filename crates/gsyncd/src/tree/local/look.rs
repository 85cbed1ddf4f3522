//! What is there: looking, listing, opening.

use super::handle::Open;
use super::paths::Paths;
use super::{LocalTree, Purpose};
use crate::tree::{Handle, Holder, Seen, Tree, is_absent};
use gsyncd_core::id::{Entry, Gfid, Name};
use gsyncd_sys::{Errno, Error, OFlags, Result, at};
use std::os::fd::OwnedFd;

impl LocalTree {
    pub(super) fn who_holds(&self, at: &Entry) -> Result<Holder> {
        let Some(dir) = self.paths.directory(at.parent)? else { return Ok(Holder::NoParent) };
        if self.reserves(at) {
            return Ok(Holder::Free);
        }
        let Some(handle) = self.paths.handle_at(&dir, at.name.as_bytes())? else { return Ok(Holder::Free) };
        self.paths.meet(handle, at).map(Holder::Held)
    }

    pub(super) fn appearance(&self, gfid: Gfid) -> Result<Option<Seen>> {
        if gfid == Gfid::ROOT {
            return at::stat_fd(&self.paths.root).map(|stat| Some(stat.into()));
        }
        let Paths { access, .. } = &self.paths;
        self.paths.by_name(gfid, |dir, at, handle| {
            let name = at.name.as_bytes();
            if self.paths.handle_at(dir, name)?.as_ref() != Some(handle) {
                return Ok(None);
            }
            access.count(1);
            Ok(access.within(&[dir], || at::stat_if_there(dir, name))?.map(Seen::from))
        })
    }

    /// Calls `each` with every entry, and whether the index did not have it there.
    pub(super) fn list(&self, directory: Gfid, each: &mut dyn FnMut(Name, Gfid, bool) -> bool) -> Result<()> {
        let gone = || Error::new("opendir", &directory.canonical(), Errno::NOENT);
        let dir = self.paths.directory(directory)?.ok_or_else(gone)?;
        let mut names = Vec::new();
        self.paths.access.count(1);
        self.paths.access.within(&[&dir], || {
            names.clear();
            at::for_each_entry::<Error>(&*dir, b".", |entry| {
                names.extend(Name::new(&entry.name));
                Ok(())
            })
        })?;
        for name in names {
            let at = Entry { parent: directory, name };
            if self.reserves(&at) {
                continue;
            }
            match self.paths.handle_at(&dir, at.name.as_bytes()) {
                Ok(Some(handle)) => {
                    let (gfid, is_news) = self.paths.meet_news(handle, &at)?;
                    if !each(at.name, gfid, is_news) {
                        break;
                    }
                }
                // gone meanwhile; or a mount point, which is not ours
                Ok(None) => {}
                Err(error) if error.errno == Errno::XDEV => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Looks through directories that a former run left unsettled, so that known objects that it moved are known
    /// where they are. Returns the names that the index did not have.
    pub(super) fn meet_left(&self, mut open: Vec<Gfid>) -> Vec<Entry> {
        let mut news = Vec::new();
        // one may be found only after another was looked through
        loop {
            let before = open.len();
            open.retain(|parent| {
                let mut found = Vec::new();
                let read = self.list(*parent, &mut |name, _, is_news| {
                    found.extend(is_news.then_some(Entry { parent: *parent, name }));
                    true
                });
                news.append(&mut found);
                read.is_err()
            });
            if open.is_empty() || open.len() == before {
                return news;
            }
        }
    }

    pub(super) fn open_object(&self, gfid: Gfid, purpose: Purpose) -> Result<Box<dyn Handle>> {
        let found = if gfid == Gfid::ROOT {
            Some(at::open_path(&self.paths.root, b".")?)
        } else {
            self.paths.open(gfid)?
        };
        let place = found.ok_or_else(|| Error::new("open", &gfid.canonical(), Errno::NOENT))?;
        let access = &self.paths.access;
        Ok(Box::new(match purpose {
            Purpose::Attributes => Open::place(place, access),
            Purpose::Content => {
                let (fd, restore) = self.for_content(&place)?;
                Open::file(fd, access, restore)
            }
        }))
    }

    /// Opens a regular file for reading and writing; with the mode bits to be restored if they had to be widened.
    fn for_content(&self, place: &OwnedFd) -> Result<(OwnedFd, Option<u32>)> {
        self.paths.access.count(2);
        let stat = at::stat_fd(place)?;
        if !stat.is_file() {
            return Err(Error::new("open", b"", Errno::NXIO));
        }
        match reopen(place) {
            Err(error) if error.errno == Errno::ACCESS && !self.paths.access.is_root() => {
                let mode = stat.mode & 0o7777;
                at::chmod_handle(place, mode | 0o600)?;
                let opened = reopen(place);
                if opened.is_err() {
                    at::chmod_handle(place, mode)?;
                }
                Ok((opened?, Some(mode)))
            }
            outcome => Ok((outcome?, None)),
        }
    }

    /// Whether a foreign directory has anything in it that the index knows, or that may yet be met elsewhere.
    pub(super) fn has_known(&self, dir: &OwnedFd) -> Result<bool> {
        let mut open = vec![at::open_path(dir, b".")?];
        while let Some(dir) = open.pop() {
            let mut names = Vec::new();
            at::for_each_entry::<Error>(&dir, b".", |entry| {
                names.push(entry.name);
                Ok(())
            })?;
            for name in names {
                let Some(handle) = self.paths.handle_at(&dir, &name)? else { continue };
                if self.paths.index.owner(&handle)?.is_some() || is_linked(&dir, &name)? {
                    return Ok(true);
                }
                match at::open(&dir, &name, OFlags::PATH | OFlags::DIRECTORY) {
                    Ok(below) => open.push(below),
                    Err(error) if is_absent(&error) || error.errno == Errno::NOTDIR => {}
                    Err(error) => return Err(error),
                }
            }
        }
        Ok(false)
    }
}

/// Whether a file has other names: what is known of it may be known by these.
pub(super) fn is_linked(dir: &OwnedFd, name: &[u8]) -> Result<bool> {
    Ok(at::stat_if_there(dir, name)?.is_some_and(|stat| !stat.is_dir() && stat.nlink > 1))
}

/// Without a new access time where that may be.
fn reopen(place: &OwnedFd) -> Result<OwnedFd> {
    match at::reopen(place, OFlags::RDWR | OFlags::NOATIME) {
        Err(error) if error.errno == Errno::PERM => at::reopen(place, OFlags::RDWR),
        outcome => outcome,
    }
}
