//! The parking place: a directory in the root for objects that must leave their name before they can take
//! the new one (two that swap), or that are in the way and live on.
//!
//! What is parked after a crash is found by [`Parking::open`]; the primary is asked about it.

use super::pool::lock;
use crate::tree::{Holder, Seen, Tree, is_absent};
use gsyncd_core::id::{Entry, Gfid, Name};
use gsyncd_core::truth::Kind;
use gsyncd_sys::{Errno, Error, Result};
use std::collections::BTreeSet;
use std::sync::Mutex;

/// The parking directory's gfid, the same on every volume (a random one, chosen once).
pub const PARKING: Gfid = Gfid(*b"\x9d\x1c\x5e\x7a\x42\x0b\x4f\x63\x8e\x21\x67\x73\x79\x6e\x63\x70");
/// Its name in the root.
const PARKING_NAME: &[u8] = b".gsyncd-parking";

/// What is in the parking directory.
#[derive(Default)]
pub(super) struct Parking {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    exists: bool,
    parked: BTreeSet<Gfid>,
    /// The root as it was before it was touched for the parking directory.
    root: Option<Seen>,
}

/// The parking directory's own name.
fn home() -> Result<Entry> {
    Ok(Entry { parent: Gfid::ROOT, name: name(PARKING_NAME)? })
}

fn name(bytes: &[u8]) -> Result<Name> {
    Name::new(bytes).ok_or_else(|| Error::new("name", bytes, Errno::INVAL))
}

/// True for names and objects that belong to this program and are not replicated.
pub(super) fn is_ours(at: &Entry) -> bool {
    at.parent == PARKING || (at.parent == Gfid::ROOT && at.name.as_bytes() == PARKING_NAME)
}

/// Where `gfid` is or will be parked.
pub(super) fn place(gfid: Gfid) -> Result<Entry> {
    Ok(Entry { parent: PARKING, name: name(&gfid.canonical())? })
}

impl Parking {
    /// Reads what an earlier run left.
    pub(super) fn open(tree: &dyn Tree) -> Result<Parking> {
        let mut state = State { exists: tree.look(PARKING)?.is_some(), ..State::default() };
        if !state.exists {
            // made by a run whose last notes are lost
            state.exists = tree.adopt(&home()?, PARKING, &Kind::Directory)?.is_some();
        }
        if state.exists {
            let mut found = Vec::new();
            let read = tree.entries(PARKING, &mut |name, gfid| {
                found.push((name, gfid));
                true
            });
            match read {
                Err(error) if is_absent(&error) => state.exists = false,
                other => other?,
            }
            for (name, gfid) in found {
                let (from, to) = (Entry { parent: PARKING, name }, place(gfid)?);
                // parked as an object that nothing is known of any more
                if from != to {
                    tree.rename(&from, &to)?;
                }
                state.parked.insert(gfid);
            }
        }
        Ok(Parking { state: Mutex::new(state) })
    }

    pub(super) fn exists(&self) -> bool {
        lock(&self.state).exists
    }

    pub(super) fn all(&self) -> Vec<Gfid> {
        lock(&self.state).parked.iter().copied().collect()
    }

    pub(super) fn holds(&self, gfid: Gfid) -> bool {
        lock(&self.state).parked.contains(&gfid)
    }

    /// Says that a parked object left.
    pub(super) fn gone(&self, gfid: Gfid) {
        lock(&self.state).parked.remove(&gfid);
    }

    /// Moves `gfid` from `from` to its parking place.
    pub(super) fn park(&self, tree: &dyn Tree, gfid: Gfid, from: &Entry) -> Result<()> {
        let mut state = lock(&self.state);
        if !state.exists {
            state.root = tree.look(Gfid::ROOT)?;
            if tree.look(PARKING)?.is_none() {
                match tree.create(&home()?, PARKING, &Kind::Directory, 0o700) {
                    Err(error) if error.errno != Errno::EXIST => return Err(error),
                    _ => {}
                }
            }
            state.exists = true;
        }
        tree.rename(from, &place(gfid)?)?;
        state.parked.insert(gfid);
        Ok(())
    }

    /// Removes the directory when nothing is parked, and gives the root its times back.
    pub(super) fn tidy(&self, tree: &dyn Tree) -> Result<()> {
        let mut state = lock(&self.state);
        if state.exists && state.parked.is_empty() {
            let before = match state.root.take() {
                Some(seen) => Some(seen),
                None => tree.look(Gfid::ROOT)?,
            };
            match tree.rmdir(&home()?) {
                Ok(()) => state.exists = false,
                // another worker uses it too
                Err(error) if error.errno == Errno::NOTEMPTY => {}
                Err(error) if is_absent(&error) => state.exists = false,
                Err(error) => return Err(error),
            }
            state.root = before;
        }
        let Some(seen) = state.root.take() else { return Ok(()) };
        let root = tree.open(Gfid::ROOT, crate::tree::Access::Attributes)?;
        root.set_times(seen.atime, seen.mtime)
    }

    /// Says that the root has the times it is to have: those from before are not given back to it.
    pub(super) fn root_dressed(&self) {
        lock(&self.state).root = None;
    }

    /// Where a parked object really is; None when somebody took it away.
    pub(super) fn find(&self, tree: &dyn Tree, gfid: Gfid) -> Result<Option<Entry>> {
        if !self.holds(gfid) {
            return Ok(None);
        }
        let at = place(gfid)?;
        if tree.identify(&at)? == Holder::Held(gfid) {
            return Ok(Some(at));
        }
        self.gone(gfid);
        Ok(None)
    }
}
