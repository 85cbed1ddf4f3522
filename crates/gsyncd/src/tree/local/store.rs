//! The index's file: an embedded database that is never newer than the tree.

use super::record::{Record, decode_handle, encode_handle};
use gsyncd_core::id::Gfid;
use gsyncd_sys::handle::FileHandle;
use gsyncd_sys::{Errno, Error, Result};
use redb::{
    Database, ReadOnlyTable, ReadableDatabase, ReadableTableMetadata, TableDefinition, WriteTransaction,
};
use std::collections::HashMap;
use std::fmt::Display;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;

const FORMAT: u64 = 1;
const CACHE_BYTES: usize = 16 * 1024 * 1024;
const FILE_NAME: &str = "index.redb";

/// gfid → [`Record`].
const OBJECTS: TableDefinition<'_, &[u8; 16], &[u8]> = TableDefinition::new("objects");
/// Handle → gfid.
const HANDLES: TableDefinition<'_, &[u8], &[u8; 16]> = TableDefinition::new("handles");
/// What is said of the index as a whole.
const ABOUT: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("about");

/// What an index is of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Identity {
    /// The primary's tree.
    pub(super) primary: [u8; 16],
    /// The handle of the root: a copied index is of another tree.
    pub(super) root: FileHandle,
}

/// Which state of which copy it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct State {
    /// Made with the index.
    pub(super) copy: [u8; 16],
    /// How many syncs it has seen.
    pub(super) generation: u64,
}

/// Changes that belong together; None: not there any more.
#[derive(Default)]
pub(super) struct Layer {
    pub(super) records: HashMap<Gfid, Option<Arc<Record>>>,
    pub(super) handles: HashMap<FileHandle, Option<Gfid>>,
}

/// The open database.
pub(super) struct Store {
    database: Database,
    identity: Identity,
}

/// What the last commit left, to be read.
pub(super) struct Snapshot {
    objects: ReadOnlyTable<&'static [u8; 16], &'static [u8]>,
    handles: ReadOnlyTable<&'static [u8], &'static [u8; 16]>,
    is_empty: bool,
}

/// Names the database in an error.
fn failed(error: impl Display) -> Error {
    Error::new("index", error.to_string().as_bytes(), Errno::IO)
}

impl Store {
    /// Opens the index in a directory. One that is of another tree is dropped, one that cannot be read is put aside: a
    /// new one is made then.
    pub(super) fn open(directory: &Path, identity: &Identity) -> Result<(Store, State)> {
        let path = directory.join(FILE_NAME);
        if path.exists() {
            // a damaged file must not end the process, whatever the database makes of it
            let opened = catch_unwind(AssertUnwindSafe(|| Store::open_existing(&path, identity)));
            match opened.unwrap_or_else(|_| Err(failed("damaged"))) {
                Ok(Some(found)) => return Ok(found),
                Ok(None) => {
                    tracing::warn!(index = %path.display(), "made for other trees; made anew");
                    std::fs::remove_file(&path).map_err(failed)?;
                }
                Err(error) => {
                    let aside = free_name(&path);
                    tracing::warn!(%error, aside = %aside.display(), "the index cannot be read; made anew");
                    std::fs::rename(&path, &aside).map_err(failed)?;
                }
            }
        }
        Store::create(&path, identity)
    }

    /// None: it is of other trees, or has another format.
    fn open_existing(path: &Path, identity: &Identity) -> Result<Option<(Store, State)>> {
        let mut builder = Database::builder();
        let database = builder.set_cache_size(CACHE_BYTES).open(path).map_err(failed)?;
        let reading = database.begin_read().map_err(failed)?;
        let about = reading.open_table(ABOUT).map_err(failed)?;
        let value = |key: &str| about.get(key).map_err(failed).map(|found| found.map(|v| v.value().to_vec()));
        let number = |key: &str| {
            let found = value(key)?;
            Ok::<_, Error>(found.and_then(|raw| raw.try_into().ok()).map(u64::from_le_bytes))
        };
        if number("format")? != Some(FORMAT) {
            return Err(failed("unknown format"));
        }
        let copy = value("copy")?.and_then(|raw| raw.try_into().ok());
        let (Some(copy), Some(generation)) = (copy, number("generation")?) else {
            return Err(failed("incomplete"));
        };
        let root = value("root")?.as_deref().and_then(decode_handle);
        if value("primary")?.as_deref() != Some(&identity.primary) || root.as_ref() != Some(&identity.root) {
            return Ok(None);
        }
        let store = Store { database, identity: identity.clone() };
        // both tables can be read
        store.snapshot()?;
        Ok(Some((store, State { copy, generation })))
    }

    fn create(path: &Path, identity: &Identity) -> Result<(Store, State)> {
        let mut builder = Database::builder();
        let database = builder.set_cache_size(CACHE_BYTES).create(path).map_err(failed)?;
        let store = Store { database, identity: identity.clone() };
        let state = State { copy: gsyncd_sys::random::id()?, generation: 0 };
        store.prepare(&Layer::default(), state)?.commit()?;
        Ok((store, state))
    }

    /// The changes with the state that they lead to; nobody sees them before [`Prepared::commit`].
    pub(super) fn prepare(&self, layer: &Layer, state: State) -> Result<Prepared> {
        let mut writing = self.database.begin_write().map_err(failed)?;
        writing.set_quick_repair(true);
        {
            let mut objects = writing.open_table(OBJECTS).map_err(failed)?;
            // in the order of the keys: a page is touched once
            let mut records: Vec<_> = layer.records.iter().collect();
            records.sort_unstable_by_key(|(gfid, _)| **gfid);
            for (gfid, record) in records {
                match record {
                    Some(record) => objects.insert(&gfid.0, &*record.encode()).map(drop),
                    None => objects.remove(&gfid.0).map(drop),
                }
                .map_err(failed)?;
            }
            let mut handles = writing.open_table(HANDLES).map_err(failed)?;
            let mut owners: Vec<_> =
                layer.handles.iter().map(|(handle, gfid)| (encode_handle(handle), gfid)).collect();
            owners.sort_unstable();
            for (handle, gfid) in owners {
                match gfid {
                    Some(gfid) => handles.insert(&*handle, &gfid.0).map(drop),
                    None => handles.remove(&*handle).map(drop),
                }
                .map_err(failed)?;
            }
            let mut about = writing.open_table(ABOUT).map_err(failed)?;
            let root = encode_handle(&self.identity.root);
            let (format, generation) = (FORMAT.to_le_bytes(), state.generation.to_le_bytes());
            let values: [(&str, &[u8]); 5] = [
                ("format", &format),
                ("copy", &state.copy),
                ("generation", &generation),
                ("primary", &self.identity.primary),
                ("root", &root),
            ];
            for (key, value) in values {
                about.insert(key, value).map_err(failed)?;
            }
        }
        Ok(Prepared(writing))
    }

    /// What is there now.
    pub(super) fn snapshot(&self) -> Result<Snapshot> {
        let reading = self.database.begin_read().map_err(failed)?;
        let objects = reading.open_table(OBJECTS).map_err(failed)?;
        let handles = reading.open_table(HANDLES).map_err(failed)?;
        let is_empty = objects.is_empty().map_err(failed)?;
        Ok(Snapshot { objects, handles, is_empty })
    }
}

/// A commit about to be.
pub(super) struct Prepared(WriteTransaction);

impl Prepared {
    /// Makes it durable.
    pub(super) fn commit(self) -> Result<()> {
        self.0.commit().map_err(failed)
    }
}

impl Snapshot {
    pub(super) fn record(&self, gfid: Gfid) -> Result<Option<Record>> {
        if self.is_empty {
            return Ok(None);
        }
        let Some(found) = self.objects.get(&gfid.0).map_err(failed)? else { return Ok(None) };
        Record::decode(found.value()).map(Some).ok_or_else(|| failed("a damaged record"))
    }

    pub(super) fn owner(&self, handle: &FileHandle) -> Result<Option<Gfid>> {
        if self.is_empty {
            return Ok(None);
        }
        let found = self.handles.get(&*encode_handle(handle)).map_err(failed)?;
        Ok(found.map(|gfid| Gfid(*gfid.value())))
    }
}

/// A name beside `path` that is not taken.
fn free_name(path: &Path) -> PathBuf {
    let named = |number: u32| path.with_extension(format!("unreadable-{number}"));
    (1..=u32::MAX).map(named).find(|name| !name.exists()).unwrap_or_else(|| named(0))
}
