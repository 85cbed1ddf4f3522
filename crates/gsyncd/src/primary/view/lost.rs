//! Directories that the brick has lost the handle of.
//!
//! A brick removes and makes handles while it renames directories, and not always the right ones: GlusterFS 10.3
//! has living directories without a handle after renames over empty directories. They can still be found by name.

use gsyncd_core::id::{Entry, Gfid};
use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// How many places are remembered; more than that are forgotten and found again by a walk.
const PLACES_LIMIT: usize = 65_536;

/// What is known of such directories.
#[derive(Default)]
pub struct Lost {
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    /// Where directories without a handle were seen.
    places: HashMap<Gfid, Entry>,
    /// Directories that could not be reached and are not known to be gone.
    suspects: HashSet<Gfid>,
    /// Suspects that a walk over the whole brick did not meet.
    absent: HashSet<Gfid>,
}

impl Lost {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A directory without a handle was seen here.
    pub fn seen(&self, gfid: Gfid, at: &Entry) {
        let mut inner = self.lock();
        if inner.places.len() >= PLACES_LIMIT {
            inner.places.clear();
        }
        inner.places.insert(gfid, at.clone());
    }

    /// Where it was seen last.
    pub fn place(&self, gfid: Gfid) -> Option<Entry> {
        self.lock().places.get(&gfid).cloned()
    }

    /// Whether it was seen at all.
    pub fn is_known(&self, gfid: Gfid) -> bool {
        self.lock().places.contains_key(&gfid)
    }

    /// It cannot be reached: true when it is known to be gone, false when a walk has to tell.
    pub fn is_absent(&self, gfid: Gfid) -> bool {
        let mut inner = self.lock();
        if inner.absent.contains(&gfid) {
            return true;
        }
        inner.suspects.insert(gfid);
        false
    }

    /// Those that a walk is to look for.
    pub fn suspects(&self) -> HashSet<Gfid> {
        self.lock().suspects.clone()
    }

    /// A walk is done: what it was to look for, and what of that it met.
    pub fn walked(&self, suspects: &HashSet<Gfid>, met: &HashSet<Gfid>) {
        let mut inner = self.lock();
        if inner.absent.len() >= PLACES_LIMIT {
            inner.absent.clear();
        }
        for gfid in suspects {
            inner.suspects.remove(gfid);
            if !met.contains(gfid) {
                inner.absent.insert(*gfid);
            }
        }
    }
}
