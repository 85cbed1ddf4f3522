//! The map: what is known of the primary's tree, and what of it the secondary does not know yet. A store of its own,
//! outside the tree.
//!
//! Names and what is to be said change together, in transactions. After a crash the map is an older one of its
//! states, whole; the next scan compares it with the tree and finds the rest. So what is marked here is the journal:
//! a change is in it before it is said, and until the secondary has it for good.

mod dirty;
mod known;
mod overlay;
mod session;

pub use dirty::{Changes, Dirty};
pub use known::Known;
pub use session::{SessionState, Stage};

use gsyncd_core::id::{Entry, Gfid, Name};
use overlay::Overlay;
use redb::{Database, ReadableDatabase, ReadableTable, TableDefinition};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

type Bytes = &'static [u8];
/// parent ++ name → [`Known`].
const ENTRIES: TableDefinition<Bytes, Bytes> = TableDefinition::new("entries");
/// gfid ++ parent ++ name → nothing.
const NAMES: TableDefinition<Bytes, ()> = TableDefinition::new("names");
/// Position → [`Dirty`].
const DIRTY: TableDefinition<u64, Bytes> = TableDefinition::new("dirty");
/// gfid → its position in [`DIRTY`].
const MARKS: TableDefinition<Bytes, u64> = TableDefinition::new("marks");
/// Words about the session.
const SESSION: TableDefinition<&str, Bytes> = TableDefinition::new("session");

/// The root's place among the entries: it has no name, and no directory has this gfid.
const ROOT_KEY: &[u8] = &[0; 16];

/// How much of the store is kept in memory, in bytes.
const CACHE_BYTES: usize = 16 * 1024 * 1024;
/// Changes kept in memory before they go into the store.
const OVERLAY_LIMIT: usize = 8192;

/// Whether a change survives a crash at once, or with the next one that does.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Lasting {
    No,
    Yes,
}

/// The store cannot be used.
#[derive(Debug)]
pub struct MapError {
    path: PathBuf,
    reason: String,
}

impl fmt::Display for MapError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path.display(), self.reason)
    }
}

impl std::error::Error for MapError {}

type Result<T> = std::result::Result<T, MapError>;

/// The map. Readers see every change at once; it is durable after [`Map::commit`].
pub struct Map {
    path: PathBuf,
    store: Database,
    overlay: Mutex<Overlay>,
}

impl Map {
    /// Opens the store, creating it when it is not there.
    ///
    /// # Errors
    /// When it cannot be read or written, or is no store.
    pub fn open(path: &Path) -> Result<Map> {
        let failed = |reason: String| MapError { path: path.to_owned(), reason };
        let store = Database::builder()
            .set_cache_size(CACHE_BYTES)
            .create(path)
            .map_err(|error| failed(error.to_string()))?;
        let map = Map { path: path.to_owned(), store, overlay: Mutex::default() };
        map.create_tables()?;
        let last =
            map.read(|view| Ok(view.open_table(DIRTY)?.last()?.map(|(position, _)| position.value())))?;
        map.lock().next = last.map_or(1, |last| last + 1);
        Ok(map)
    }

    fn create_tables(&self) -> Result<()> {
        if self.read(|view| Ok(view.open_table(SESSION).is_ok()))? {
            return Ok(());
        }
        self.write(Lasting::No, |change| {
            change.open_table(ENTRIES)?;
            change.open_table(NAMES)?;
            change.open_table(DIRTY)?;
            change.open_table(MARKS)?;
            change.open_table(SESSION)?;
            Ok(())
        })
    }

    fn lock(&self) -> MutexGuard<'_, Overlay> {
        self.overlay.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn failed(&self, error: impl Into<redb::Error>) -> MapError {
        MapError { path: self.path.clone(), reason: error.into().to_string() }
    }

    fn read<T>(
        &self,
        look: impl FnOnce(&redb::ReadTransaction) -> std::result::Result<T, redb::Error>,
    ) -> Result<T> {
        let view = self.store.begin_read().map_err(|error| self.failed(error))?;
        look(&view).map_err(|error| self.failed(error))
    }

    fn write<T>(
        &self,
        lasting: Lasting,
        change: impl FnOnce(&redb::WriteTransaction) -> std::result::Result<T, redb::Error>,
    ) -> Result<T> {
        let mut transaction = self.store.begin_write().map_err(|error| self.failed(error))?;
        if lasting == Lasting::No {
            transaction.set_durability(redb::Durability::None).map_err(|error| self.failed(error))?;
        }
        // a store that was not closed is usable at once: a process just ends here
        transaction.set_quick_repair(lasting == Lasting::Yes);
        let outcome = change(&transaction).map_err(|error| self.failed(error))?;
        transaction.commit().map_err(|error| self.failed(error))?;
        Ok(outcome)
    }

    /// What is known of a name.
    ///
    /// # Errors
    /// [`MapError`] (so for every method here).
    pub fn entry(&self, at: &Entry) -> Result<Option<Known>> {
        let key = entry_key(at);
        if let Some(changed) = self.lock().entries.get(&key) {
            return Ok(*changed);
        }
        self.read(|view| {
            Ok(view.open_table(ENTRIES)?.get(&key[..])?.and_then(|raw| Known::decode(raw.value())))
        })
    }

    /// All that is known to be in a directory, sorted by name.
    ///
    /// # Errors
    /// As [`Map::entry`].
    pub fn children(&self, dir: Gfid) -> Result<Vec<(Name, Known)>> {
        // held from before the store is read, or a change could be missed on its way into it
        let overlay = self.lock();
        let stored = self.read(|view| {
            let table = view.open_table(ENTRIES)?;
            let mut found = Vec::new();
            for row in table.range(&dir.0[..]..)? {
                let (key, raw) = row?;
                let Some(name) = key.value().strip_prefix(&dir.0[..]) else { break };
                found.extend(Name::new(name).zip(Known::decode(raw.value())));
            }
            Ok(found)
        })?;
        let mut changes = overlay.entries_below(&dir.0).peekable();
        if changes.peek().is_none() {
            return Ok(stored);
        }
        let mut found: BTreeMap<Name, Known> = stored.into_iter().collect();
        for (key, changed) in changes {
            let Some(name) = key.get(dir.0.len()..).and_then(Name::new) else { continue };
            match changed {
                Some(known) => found.insert(name, *known),
                None => found.remove(&name),
            };
        }
        Ok(found.into_iter().collect())
    }

    /// All known names of an object, sorted.
    ///
    /// # Errors
    /// As [`Map::entry`].
    pub fn names(&self, gfid: Gfid) -> Result<Vec<Entry>> {
        let mut names = self.noted_names(gfid)?;
        let mut held = Vec::with_capacity(names.len());
        // what the entries say counts
        for at in names.drain(..) {
            if self.entry(&at)?.is_some_and(|known| known.gfid == gfid) {
                held.push(at);
            }
        }
        Ok(held)
    }

    fn noted_names(&self, gfid: Gfid) -> Result<Vec<Entry>> {
        let overlay = self.lock();
        let mut found = self.read(|view| {
            let table = view.open_table(NAMES)?;
            let mut found = BTreeSet::new();
            for row in table.range(&gfid.0[..]..)? {
                let (key, _) = row?;
                let Some(rest) = key.value().strip_prefix(&gfid.0[..]) else { break };
                found.extend(decode_entry(rest));
            }
            Ok(found)
        })?;
        for (key, held) in overlay.names_below(&gfid.0) {
            let Some(at) = key.get(gfid.0.len()..).and_then(decode_entry) else { continue };
            if *held {
                found.insert(at);
            } else {
                found.remove(&at);
            }
        }
        Ok(found.into_iter().collect())
    }

    /// What is known of the root itself.
    ///
    /// # Errors
    /// As [`Map::entry`].
    pub fn root(&self) -> Result<Option<Known>> {
        if let Some(changed) = self.lock().entries.get(ROOT_KEY) {
            return Ok(*changed);
        }
        self.read(|view| {
            Ok(view.open_table(ENTRIES)?.get(ROOT_KEY)?.and_then(|raw| Known::decode(raw.value())))
        })
    }

    /// Notes what the root looks like.
    ///
    /// # Errors
    /// As [`Map::entry`].
    pub fn set_root(&self, known: Known) -> Result<()> {
        let mut overlay = self.lock();
        overlay.entries.insert(ROOT_KEY.to_vec(), Some(known));
        self.flush_when_full(overlay)
    }

    /// Notes who holds a name, instead of whoever did.
    ///
    /// # Errors
    /// As [`Map::entry`].
    pub fn put(&self, at: &Entry, known: Known) -> Result<()> {
        if let Some(former) = self.entry(at)?
            && former.gfid != known.gfid
        {
            self.lock().names.insert(name_key(former.gfid, at), false);
        }
        let mut overlay = self.lock();
        overlay.names.insert(name_key(known.gfid, at), true);
        overlay.entries.insert(entry_key(at), Some(known));
        self.flush_when_full(overlay)
    }

    /// Forgets a name; returns its holder.
    ///
    /// # Errors
    /// As [`Map::entry`].
    pub fn remove(&self, at: &Entry) -> Result<Option<Known>> {
        let former = self.entry(at)?;
        if let Some(known) = former {
            let mut overlay = self.lock();
            overlay.names.insert(name_key(known.gfid, at), false);
            overlay.entries.insert(entry_key(at), None);
            self.flush_when_full(overlay)?;
        }
        Ok(former)
    }

    /// Notes that an object is to be said. One that is noted already moves to a new position: whoever has said what
    /// stood at the old one has not said this.
    ///
    /// # Errors
    /// As [`Map::entry`].
    pub fn mark(&self, gfid: Gfid, changes: Changes) -> Result<()> {
        let known = self.marked(gfid)?;
        let mut overlay = self.lock();
        let changes = match known {
            Some((former, before)) => {
                overlay.dirty.insert(former, None);
                before.and(changes)
            }
            None => changes,
        };
        let position = overlay.position();
        overlay.dirty.insert(position, Some(Dirty::Object(gfid, changes)));
        overlay.marks.insert(gfid, Some(position));
        self.flush_when_full(overlay)
    }

    /// Where an object stands among what is to be said, and what of it.
    ///
    /// # Errors
    /// As [`Map::entry`].
    pub fn marked(&self, gfid: Gfid) -> Result<Option<(u64, Changes)>> {
        let changed = self.lock().marks.get(&gfid).copied();
        let position = match changed {
            Some(changed) => changed,
            None => self.read(|view| Ok(view.open_table(MARKS)?.get(&gfid.0[..])?.map(|at| at.value())))?,
        };
        let Some(position) = position else { return Ok(None) };
        Ok(match self.dirty_at(position)? {
            Some(Dirty::Object(_, changes)) => Some((position, changes)),
            _ => None,
        })
    }

    fn dirty_at(&self, position: u64) -> Result<Option<Dirty>> {
        if let Some(changed) = self.lock().dirty.get(&position) {
            return Ok(changed.clone());
        }
        self.read(|view| {
            Ok(view.open_table(DIRTY)?.get(position)?.and_then(|raw| Dirty::decode(raw.value())))
        })
    }

    /// Notes that a name was lost by an object and is to be said.
    ///
    /// # Errors
    /// As [`Map::entry`].
    pub fn mark_name(&self, at: Entry, former: Gfid) -> Result<()> {
        let mut overlay = self.lock();
        let position = overlay.position();
        overlay.dirty.insert(position, Some(Dirty::Name(at, former)));
        self.flush_when_full(overlay)
    }

    /// What is to be said, from a position on, in the order in which it was noted.
    ///
    /// # Errors
    /// As [`Map::entry`].
    pub fn dirty(&self, from: u64, limit: usize) -> Result<Vec<(u64, Dirty)>> {
        self.flush(Lasting::No)?;
        self.read(|view| {
            let table = view.open_table(DIRTY)?;
            let mut found = Vec::new();
            for row in table.range(from..)?.take(limit) {
                let (position, raw) = row?;
                found.extend(Dirty::decode(raw.value()).map(|dirty| (position.value(), dirty)));
            }
            Ok(found)
        })
    }

    /// What stood at this position was said, and the secondary has it for good.
    ///
    /// # Errors
    /// As [`Map::entry`].
    pub fn said(&self, position: u64, gfid: Gfid) -> Result<()> {
        let is_last = self.marked(gfid)?.is_some_and(|(last, _)| last == position);
        let mut overlay = self.lock();
        overlay.dirty.insert(position, None);
        if is_last {
            overlay.marks.insert(gfid, None);
        }
        self.flush_when_full(overlay)
    }

    fn flush_when_full(&self, overlay: MutexGuard<'_, Overlay>) -> Result<()> {
        if overlay.len() < OVERLAY_LIMIT {
            return Ok(());
        }
        drop(overlay);
        self.flush(Lasting::No)
    }

    /// Makes all changes so far durable.
    ///
    /// # Errors
    /// As [`Map::entry`].
    pub fn commit(&self) -> Result<()> {
        self.flush(Lasting::Yes)
    }

    /// True while a crash would undo something.
    fn has_fleeting(&self) -> bool {
        let overlay = self.lock();
        overlay.len() > 0 || overlay.fleeting
    }

    fn flush(&self, lasting: Lasting) -> Result<()> {
        let mut overlay = self.lock();
        let is_needed = overlay.len() > 0 || (lasting == Lasting::Yes && overlay.fleeting);
        if !is_needed {
            return Ok(());
        }
        let changes = overlay.take();
        overlay.fleeting = true;
        // readers wait: until the store has it nobody else does
        self.write(lasting, |change| {
            let mut entries = change.open_table(ENTRIES)?;
            for (key, known) in &changes.entries {
                match known {
                    Some(known) => entries.insert(&key[..], &known.encode()[..])?.map(drop),
                    None => entries.remove(&key[..])?.map(drop),
                };
            }
            let mut names = change.open_table(NAMES)?;
            for (key, held) in &changes.names {
                if *held {
                    names.insert(&key[..], ())?.map(drop)
                } else {
                    names.remove(&key[..])?.map(drop)
                };
            }
            let mut dirty = change.open_table(DIRTY)?;
            for (position, said) in &changes.dirty {
                match said {
                    Some(said) => dirty.insert(position, &said.encode()[..])?.map(drop),
                    None => dirty.remove(position)?.map(drop),
                };
            }
            let mut marks = change.open_table(MARKS)?;
            for (gfid, position) in &changes.marks {
                match position {
                    Some(position) => marks.insert(&gfid.0[..], position)?.map(drop),
                    None => marks.remove(&gfid.0[..])?.map(drop),
                };
            }
            Ok(())
        })?;
        overlay.fleeting = lasting == Lasting::No;
        Ok(())
    }

    /// Forgets the whole tree, but not the session.
    ///
    /// # Errors
    /// As [`Map::entry`].
    pub fn clear(&self) -> Result<()> {
        self.lock().take();
        self.write(Lasting::Yes, |change| {
            change.delete_table(ENTRIES)?;
            change.delete_table(NAMES)?;
            change.delete_table(DIRTY)?;
            change.delete_table(MARKS)?;
            change.open_table(ENTRIES)?;
            change.open_table(NAMES)?;
            change.open_table(DIRTY)?;
            change.open_table(MARKS)?;
            Ok(())
        })
    }

    /// What is on record about the session.
    ///
    /// # Errors
    /// As [`Map::entry`].
    pub fn session(&self) -> Result<SessionState> {
        self.read(|view| {
            let table = view.open_table(SESSION)?;
            SessionState::read(|word| Ok(table.get(word)?.map(|raw| raw.value().to_vec())))
        })
    }

    /// Records the session's state, durably, with all changes so far. Costs nothing when that is so already.
    ///
    /// # Errors
    /// As [`Map::entry`].
    pub fn set_session(&self, session: &SessionState) -> Result<()> {
        if !self.has_fleeting() && self.session()? == *session {
            return Ok(());
        }
        self.flush(Lasting::No)?;
        self.write(Lasting::Yes, |change| {
            let mut table = change.open_table(SESSION)?;
            for (word, value) in session.words() {
                table.insert(word, &value[..])?;
            }
            Ok(())
        })?;
        self.lock().fleeting = false;
        Ok(())
    }
}

fn entry_key(at: &Entry) -> Vec<u8> {
    [&at.parent.0, at.name.as_bytes()].concat()
}

fn name_key(gfid: Gfid, at: &Entry) -> Vec<u8> {
    [&gfid.0, &at.parent.0, at.name.as_bytes()].concat()
}

fn decode_entry(bytes: &[u8]) -> Option<Entry> {
    let (parent, name) = bytes.split_first_chunk()?;
    Some(Entry { parent: Gfid(*parent), name: Name::new(name)? })
}

#[cfg(test)]
mod tests;
