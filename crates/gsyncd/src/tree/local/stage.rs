//! New versions of files, written beside the old ones: who reads a file sees one or the other, also after a crash.

use super::LocalTree;
use super::displaced::Displaced;
use super::handle::Open;
use super::record::Record;
use crate::tree::{Handle, Seen, is_absent};
use gsyncd_core::id::Gfid;
use gsyncd_core::truth::Kind;
use gsyncd_sys::{Errno, Error, OFlags, Result, at};
use std::os::fd::OwnedFd;
use std::sync::{Mutex, PoisonError};

/// Its name below the tree's own directory.
const NAME: &[u8] = b"stage";

/// Where new versions are written, each under its gfid.
pub(super) struct Stage {
    dir: OwnedFd,
    /// A directory gets its times back after each rename into it: one at a time, or they would be mixed up.
    publishing: Mutex<()>,
    displaced: Displaced,
}

/// So many files are made durable one by one.
const FEW: usize = 8;

impl Stage {
    /// Opens it, empty.
    pub(super) fn open(own: &OwnedFd) -> Result<Stage> {
        match at::mkdir(own, NAME, 0o700) {
            Err(error) if error.errno != Errno::EXIST => return Err(error),
            _ => {}
        }
        let dir = at::open(own, NAME, OFlags::PATH | OFlags::DIRECTORY)?;
        let mut left = Vec::new();
        at::for_each_entry::<Error>(&dir, b".", |entry| {
            left.push(entry.name);
            Ok(())
        })?;
        for name in left {
            at::unlink(&dir, &name)?;
        }
        Ok(Stage { dir, publishing: Mutex::new(()), displaced: Displaced::default() })
    }
}

impl LocalTree {
    pub(super) fn begin_version(&self, gfid: Gfid, seen: &Seen) -> Result<Option<Box<dyn Handle>>> {
        let access = &self.paths.access;
        // other links would keep the old version; who is not root cannot make a file of another owner
        if seen.nlink != 1 || (!access.is_root() && seen.uid != access.ids.0) {
            return Ok(None);
        }
        let _changing = access.change();
        let name = gfid.canonical();
        let created = match at::create(&self.stage.dir, &name, 0o600) {
            // one that failed before
            Err(error) if error.errno == Errno::EXIST => {
                at::unlink(&self.stage.dir, &name)?;
                at::create(&self.stage.dir, &name, 0o600)
            }
            outcome => outcome,
        };
        Ok(Some(Box::new(Open::file(created?, access, None))))
    }

    /// Makes new versions durable: few of them each, many with all that is not durable.
    pub(super) fn settle_versions(&self, staged: &[Gfid]) -> Result<()> {
        let access = &self.paths.access;
        if staged.len() > FEW {
            access.count(1);
            return at::sync_file_system(&self.file_system);
        }
        for gfid in staged {
            access.count(2);
            at::fsync(at::open(&self.stage.dir, &gfid.canonical(), OFlags::RDONLY)?)?;
        }
        Ok(())
    }

    pub(super) fn publish_version(&self, gfid: Gfid) -> Result<()> {
        let missing = || Error::new("publish", &gfid.canonical(), Errno::NOENT);
        let (dir, at, old) = self.paths.open_at(gfid)?.ok_or_else(missing)?;
        let name = gfid.canonical();
        let handle = self.paths.handle_at(&self.stage.dir, &name)?.ok_or_else(missing)?;
        // between the two calls its directory has the wrong times
        self.unsettled.note(at.parent)?;
        let access = &self.paths.access;
        let _changing = access.change();
        access.count(2);
        let timed = {
            let _turn = self.stage.publishing.lock().unwrap_or_else(PoisonError::into_inner);
            let before = at::stat_fd(&dir)?;
            access.within(&[&dir], || at::rename(&self.stage.dir, &name, &dir, at.name.as_bytes()))?;
            at::set_times_handle(&dir, before.atime, before.mtime)
        };
        self.stage.displaced.give_up(old);
        let record = Record { handle, kind: Kind::File.type_bits(), names: vec![at] };
        self.paths.index.bind(gfid, record)?;
        match timed {
            // somebody else's directory, or none any more
            Err(error) if is_absent(&error) || (error.errno == Errno::PERM && !access.is_root()) => Ok(()),
            outcome => outcome,
        }
    }
}
