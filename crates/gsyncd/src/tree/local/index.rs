//! Which object is which: gfid ↔ handle and names, changes in memory over what the last commit left.
//!
//! A change is noted here after it was made in the tree, and stored after the tree is durable. So what is stored is
//! older than the tree after a crash, never newer; every use is checked against the real object.

use super::record::Record;
use super::store::{Identity, Layer, Snapshot, State, Store};
use gsyncd_core::id::{Entry, Gfid};
use gsyncd_sys::Result;
use gsyncd_sys::handle::FileHandle;
use std::panic::resume_unwind;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

/// With so many changes in memory they are stored without being asked.
const MOST_CHANGES: usize = 200_000;

/// The index of one tree.
pub(super) struct Index {
    store: Store,
    known: Mutex<Known>,
    /// One commit at a time.
    committing: Mutex<()>,
}

struct Known {
    /// Since the last commit began.
    fresh: Layer,
    /// What a commit under way is storing.
    frozen: Arc<Layer>,
    base: Arc<Snapshot>,
    state: State,
}

impl Known {
    fn changed_record(&self, gfid: Gfid) -> Option<&Option<Arc<Record>>> {
        self.fresh.records.get(&gfid).or_else(|| self.frozen.records.get(&gfid))
    }

    fn changed_owner(&self, handle: &FileHandle) -> Option<&Option<Gfid>> {
        self.fresh.handles.get(handle).or_else(|| self.frozen.handles.get(handle))
    }

    fn record(&self, gfid: Gfid) -> Result<Option<Arc<Record>>> {
        match self.changed_record(gfid) {
            Some(changed) => Ok(changed.clone()),
            None => Ok(self.base.record(gfid)?.map(Arc::new)),
        }
    }

    fn owner(&self, handle: &FileHandle) -> Result<Option<Gfid>> {
        match self.changed_owner(handle) {
            Some(changed) => Ok(*changed),
            None => self.base.owner(handle),
        }
    }

    fn remove(&mut self, gfid: Gfid) -> Result<()> {
        if let Some(record) = self.record(gfid)? {
            if self.owner(&record.handle)? == Some(gfid) {
                self.fresh.handles.insert(record.handle.clone(), None);
            }
            self.fresh.records.insert(gfid, None);
        }
        Ok(())
    }
}

impl Index {
    /// Opens what is in a directory, or makes it.
    pub(super) fn open(directory: &Path, identity: &Identity) -> Result<Index> {
        let (store, state) = Store::open(directory, identity)?;
        let base = Arc::new(store.snapshot()?);
        let known = Known { fresh: Layer::default(), frozen: Arc::default(), base, state };
        Ok(Index { store, known: Mutex::new(known), committing: Mutex::new(()) })
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn state(&self) -> State {
        self.lock().state
    }

    /// Reads what is stored without the lock: others would wait for the disk.
    pub(super) fn record(&self, gfid: Gfid) -> Result<Option<Arc<Record>>> {
        let base = {
            let known = self.lock();
            match known.changed_record(gfid) {
                Some(changed) => return Ok(changed.clone()),
                None => Arc::clone(&known.base),
            }
        };
        Ok(base.record(gfid)?.map(Arc::new))
    }

    /// The object with this handle; None: it is foreign.
    pub(super) fn owner(&self, handle: &FileHandle) -> Result<Option<Gfid>> {
        let base = {
            let known = self.lock();
            match known.changed_owner(handle) {
                Some(changed) => return Ok(*changed),
                None => Arc::clone(&known.base),
            }
        };
        base.owner(handle)
    }

    /// Says which object a gfid is from now on.
    pub(super) fn bind(&self, gfid: Gfid, record: Record) -> Result<()> {
        self.lock().bind(gfid, record)
    }

    /// As [`Index::bind`]; false when the object or the gfid is bound already.
    pub(super) fn bind_foreign(&self, gfid: Gfid, record: Record) -> Result<bool> {
        let mut known = self.lock();
        if known.owner(&record.handle)?.is_some() {
            return Ok(false);
        }
        known.bind(gfid, record)?;
        Ok(true)
    }

    /// Notes that the object has this name; a directory loses the one before. True when that is news.
    pub(super) fn add_name(&self, gfid: Gfid, at: &Entry) -> Result<bool> {
        self.change(gfid, |record| {
            if record.is_directory() {
                record.names.clear();
            }
            if !record.names.contains(at) {
                record.names.push(at.clone());
            }
        })
    }

    /// Notes that the object does not have this name (any more).
    pub(super) fn forget_name(&self, gfid: Gfid, at: &Entry) -> Result<()> {
        self.change(gfid, |record| record.names.retain(|name| name != at)).map(drop)
    }

    /// Notes that the object lost this name by our doing: with the last one it is gone.
    pub(super) fn drop_name(&self, gfid: Gfid, at: &Entry) -> Result<()> {
        let mut known = self.lock();
        let Some(record) = known.record(gfid)? else { return Ok(()) };
        if record.names.iter().all(|name| name == at) {
            return known.remove(gfid);
        }
        let mut record = Record::clone(&record);
        record.names.retain(|name| name != at);
        known.fresh.records.insert(gfid, Some(Arc::new(record)));
        Ok(())
    }

    fn change(&self, gfid: Gfid, change: impl FnOnce(&mut Record)) -> Result<bool> {
        let mut known = self.lock();
        let Some(record) = known.record(gfid)? else { return Ok(false) };
        let mut changed = Record::clone(&record);
        change(&mut changed);
        let is_news = changed != *record;
        if is_news {
            known.fresh.records.insert(gfid, Some(Arc::new(changed)));
        }
        Ok(is_news)
    }

    /// True when so much is in memory that it should be stored.
    pub(super) fn is_large(&self) -> bool {
        self.lock().fresh.records.len() >= MOST_CHANGES
    }

    /// Makes the tree durable by `sync`, then all that was known before; with `counts` as one more generation.
    pub(super) fn commit(&self, counts: bool, sync: impl FnOnce() -> Result<()> + Send) -> Result<u64> {
        let _one = self.committing.lock().unwrap_or_else(PoisonError::into_inner);
        let (frozen, mut state) = {
            let mut known = self.lock();
            known.freeze();
            (Arc::clone(&known.frozen), known.state)
        };
        state.generation += u64::from(counts);
        // what is written meanwhile counts only when it is committed
        let prepared = thread::scope(|scope| {
            let syncing = scope.spawn(sync);
            let prepared = self.store.prepare(&frozen, state);
            syncing.join().unwrap_or_else(|panic| resume_unwind(panic))?;
            prepared
        })?;
        prepared.commit()?;
        let base = Arc::new(self.store.snapshot()?);
        let mut known = self.lock();
        (known.base, known.frozen, known.state) = (base, Arc::default(), state);
        Ok(state.generation)
    }
}

impl Known {
    /// Puts what is fresh where a commit takes it from, beside what a failed one left.
    fn freeze(&mut self) {
        let fresh = std::mem::take(&mut self.fresh);
        match Arc::get_mut(&mut self.frozen) {
            Some(frozen) => {
                frozen.records.extend(fresh.records);
                frozen.handles.extend(fresh.handles);
            }
            None => self.frozen = Arc::new(fresh),
        }
    }

    fn bind(&mut self, gfid: Gfid, record: Record) -> Result<()> {
        if let Some(before) = self.owner(&record.handle)?
            && before != gfid
        {
            self.remove(before)?;
        }
        self.remove(gfid)?;
        self.fresh.handles.insert(record.handle.clone(), Some(gfid));
        self.fresh.records.insert(gfid, Some(Arc::new(record)));
        Ok(())
    }
}
