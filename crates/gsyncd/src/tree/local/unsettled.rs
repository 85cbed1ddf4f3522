//! In which directories names changed since the index was stored last: after a crash the index is older than these, and
//! their times are perhaps those of the change.
//!
//! Each is written down before its first change, without waiting for the disk: it is there after a kill. The list is
//! as long as the changes are new; it is emptied after each commit.

use gsyncd_core::id::Gfid;
use gsyncd_sys::{Errno, Error, Result};
use std::collections::HashSet;
use std::fs::File;
use std::io::Read;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Its name below the tree's own directory.
const NAME: &str = "unsettled";
/// What one directory takes, in bytes.
const GFID_BYTES: usize = 16;

/// The list, in memory and in its file.
pub(super) struct Unsettled {
    file: File,
    lists: Mutex<Lists>,
}

#[derive(Default)]
struct Lists {
    /// Since the last commit began.
    fresh: HashSet<Gfid>,
    /// What is in the file beside them: a commit is under way, or a former process left them.
    before: HashSet<Gfid>,
    /// Length of the file in bytes.
    length: u64,
}

fn failed(error: &std::io::Error) -> Error {
    Error::new("unsettled", b"", Errno::from_io_error(error).unwrap_or(Errno::IO))
}

impl Unsettled {
    /// Opens the list in a directory, with what is there.
    pub(super) fn open(own: &Path) -> Result<Unsettled> {
        let mut options = File::options();
        options.read(true).write(true).create(true).truncate(false).mode(0o600);
        let mut file = options.open(own.join(NAME)).map_err(|error| failed(&error))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(|error| failed(&error))?;
        let before: HashSet<Gfid> = bytes.chunks_exact(GFID_BYTES).filter_map(Gfid::from_slice).collect();
        let length = (bytes.len() - bytes.len() % GFID_BYTES) as u64;
        Ok(Unsettled { file, lists: Mutex::new(Lists { fresh: HashSet::new(), before, length }) })
    }

    fn lock(&self) -> MutexGuard<'_, Lists> {
        self.lists.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What a former process left.
    pub(super) fn left(&self) -> Vec<Gfid> {
        self.lock().before.iter().copied().collect()
    }

    /// A name in a directory is about to change.
    pub(super) fn note(&self, directory: Gfid) -> Result<()> {
        let mut lists = self.lock();
        if !lists.fresh.insert(directory) || lists.before.contains(&directory) {
            return Ok(());
        }
        self.file.write_all_at(&directory.0, lists.length).map_err(|error| failed(&error))?;
        lists.length += GFID_BYTES as u64;
        Ok(())
    }

    /// A commit begins: it settles what is noted so far.
    pub(super) fn begin(&self) {
        let mut lists = self.lock();
        let fresh = std::mem::take(&mut lists.fresh);
        lists.before.extend(fresh);
    }

    /// The commit is done; what was noted meanwhile stays.
    pub(super) fn settle(&self) -> Result<()> {
        let mut lists = self.lock();
        let bytes: Vec<u8> = lists.fresh.iter().flat_map(|gfid| gfid.0).collect();
        lists.before.clear();
        lists.length = bytes.len() as u64;
        // first what stays, then the end: in between there is too much in it, never too little
        let written = self.file.write_all_at(&bytes, 0).and_then(|()| self.file.set_len(lists.length));
        written.map_err(|error| failed(&error))
    }
}
