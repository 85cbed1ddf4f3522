//! Handles of the directories that were used last.

use gsyncd_core::id::Gfid;
use std::collections::HashMap;
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// How many handles are kept.
const CAPACITY: usize = 256;

/// O_PATH handles, the least recently used given up first. Each was seen in its place during some batch; in the next
/// batch it has to be seen there again, as somebody may have moved it out of the tree.
#[derive(Default)]
pub(super) struct Dirs {
    batch: AtomicU64,
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    clock: u64,
    handles: HashMap<Gfid, Directory>,
}

struct Directory {
    fd: Arc<OwnedFd>,
    used: u64,
    seen_in: u64,
}

impl Dirs {
    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Another batch begins.
    pub(super) fn turn(&self) {
        self.batch.fetch_add(1, Ordering::Relaxed);
    }

    /// A handle, and whether it was seen in its place during this batch.
    pub(super) fn get(&self, gfid: Gfid) -> Option<(Arc<OwnedFd>, bool)> {
        let mut kept = self.lock();
        kept.clock += 1;
        let now = kept.clock;
        let directory = kept.handles.get_mut(&gfid)?;
        directory.used = now;
        Some((Arc::clone(&directory.fd), directory.seen_in == self.batch.load(Ordering::Relaxed)))
    }

    /// Keeps a handle that was seen in its place just now.
    pub(super) fn put(&self, gfid: Gfid, fd: Arc<OwnedFd>) {
        let mut kept = self.lock();
        kept.clock += 1;
        let used = kept.clock;
        if kept.handles.len() >= CAPACITY && !kept.handles.contains_key(&gfid) {
            let oldest = kept.handles.iter().min_by_key(|(_, directory)| directory.used);
            if let Some(oldest) = oldest.map(|(gfid, _)| *gfid) {
                kept.handles.remove(&oldest);
            }
        }
        let seen_in = self.batch.load(Ordering::Relaxed);
        kept.handles.insert(gfid, Directory { fd, used, seen_in });
    }

    /// Gives a handle up.
    pub(super) fn forget(&self, gfid: Gfid) {
        self.lock().handles.remove(&gfid);
    }
}
