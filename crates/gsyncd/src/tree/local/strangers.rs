//! Where foreign objects were last met: the index does not know them.

use gsyncd_core::id::{Entry, Gfid};
use gsyncd_sys::handle::FileHandle;
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// How many are remembered at least; up to twice as many.
const CAPACITY: usize = 50_000;

/// Foreign objects by the gfids derived for them, those met last.
#[derive(Default)]
pub(super) struct Strangers {
    met: Mutex<Met>,
}

/// In two generations: when the newer one is full, the older one is forgotten.
#[derive(Default)]
struct Met {
    newer: HashMap<Gfid, (FileHandle, Entry)>,
    older: HashMap<Gfid, (FileHandle, Entry)>,
}

impl Strangers {
    fn lock(&self) -> MutexGuard<'_, Met> {
        self.met.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Remembers where one is.
    pub(super) fn put(&self, gfid: Gfid, handle: FileHandle, at: Entry) {
        let mut met = self.lock();
        if met.newer.len() >= CAPACITY {
            met.older = std::mem::take(&mut met.newer);
        }
        met.newer.insert(gfid, (handle, at));
    }

    /// Its handle and its place, if remembered.
    pub(super) fn get(&self, gfid: Gfid) -> Option<(FileHandle, Entry)> {
        let met = self.lock();
        met.newer.get(&gfid).or_else(|| met.older.get(&gfid)).cloned()
    }
}
