//! A bounded cache of directory handles, by gfid.
//!
//! A handle stays right when its directory is renamed, which a path would not.

use gsyncd_core::id::Gfid;
use std::collections::HashMap;
use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex, PoisonError};

/// How many handles are kept open at most.
const LIMIT: usize = 512;

/// Directory handles, least recently used ones dropped.
#[derive(Default)]
pub struct Handles {
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    open: HashMap<Gfid, (u64, Arc<OwnedFd>)>,
    clock: u64,
}

impl Handles {
    /// The handle of a directory, if it is open.
    pub fn get(&self, gfid: Gfid) -> Option<Arc<OwnedFd>> {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        inner.clock += 1;
        let now = inner.clock;
        let (used, handle) = inner.open.get_mut(&gfid)?;
        *used = now;
        Some(Arc::clone(handle))
    }

    /// Keeps a handle and gives it back to share.
    pub fn put(&self, gfid: Gfid, handle: OwnedFd) -> Arc<OwnedFd> {
        let handle = Arc::new(handle);
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        inner.clock += 1;
        let now = inner.clock;
        inner.open.insert(gfid, (now, Arc::clone(&handle)));
        if inner.open.len() > LIMIT {
            inner.drop_older_half();
        }
        handle
    }

    /// Forgets a handle whose directory turned out to be gone.
    pub fn forget(&self, gfid: Gfid) {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner).open.remove(&gfid);
    }
}

impl Inner {
    /// Halving now and then costs less than keeping an exact order.
    fn drop_older_half(&mut self) {
        let mut ages: Vec<u64> = self.open.values().map(|(used, _)| *used).collect();
        let middle = ages.len() / 2;
        let (_, &mut median, _) = ages.select_nth_unstable(middle);
        self.open.retain(|_, (used, _)| *used >= median);
    }
}

#[cfg(test)]
mod tests {
    use super::{Handles, LIMIT};
    use gsyncd_core::id::Gfid;

    #[test]
    fn is_bounded_and_keeps_the_recent() {
        let handles = Handles::default();
        for number in 0..=(LIMIT as u128) {
            let file = std::fs::File::open("/dev/null").unwrap();
            handles.put(Gfid(number.to_be_bytes()), file.into());
        }
        assert!(handles.get(Gfid((LIMIT as u128).to_be_bytes())).is_some());
        assert!(handles.get(Gfid(0u128.to_be_bytes())).is_none());
        assert!(handles.inner.lock().unwrap().open.len() <= LIMIT);
    }
}
