//! Handles of the directories that were used last.

use gsyncd_core::id::Gfid;
use gsyncd_sys::Result;
use std::collections::HashMap;
use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// How many handles are kept.
const CAPACITY: usize = 512;

/// O_PATH handles of `.gfid/<parent>`, the least recently used given up first.
#[derive(Default)]
pub(super) struct Parents {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    clock: u64,
    handles: HashMap<Gfid, (u64, Arc<OwnedFd>)>,
}

impl Parents {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The handle of a directory, if kept.
    pub(super) fn get(&self, gfid: Gfid) -> Option<Arc<OwnedFd>> {
        let mut state = self.lock();
        state.clock += 1;
        let now = state.clock;
        let (used, fd) = state.handles.get_mut(&gfid)?;
        *used = now;
        Some(Arc::clone(fd))
    }

    /// Opens and keeps a handle; the lock is not held meanwhile.
    pub(super) fn open(&self, gfid: Gfid, open: impl FnOnce() -> Result<OwnedFd>) -> Result<Arc<OwnedFd>> {
        let fd = Arc::new(open()?);
        let mut state = self.lock();
        state.clock += 1;
        let now = state.clock;
        if state.handles.len() >= CAPACITY {
            let oldest = state.handles.iter().min_by_key(|(_, (used, _))| *used).map(|(gfid, _)| *gfid);
            if let Some(oldest) = oldest {
                state.handles.remove(&oldest);
            }
        }
        state.handles.insert(gfid, (now, Arc::clone(&fd)));
        Ok(fd)
    }

    /// Gives a handle up.
    pub(super) fn forget(&self, gfid: Gfid) {
        self.lock().handles.remove(&gfid);
    }
}
