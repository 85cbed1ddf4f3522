//! What is known about who holds which name now, in both directions.

use crate::tree::Holder;
use gsyncd_core::id::{Entry, Gfid};
use std::collections::{BTreeSet, HashMap};

/// Known holders of names, kept up to date while names change.
#[derive(Default)]
pub(super) struct Names {
    holders: HashMap<Entry, Holder>,
    entries: HashMap<Gfid, BTreeSet<Entry>>,
}

impl Names {
    /// The holder as far as known; an unknown name is taken as free until the tree says otherwise.
    pub(super) fn holder(&self, at: &Entry) -> Holder {
        self.holders.get(at).copied().unwrap_or(Holder::Free)
    }

    /// Whether the tree was asked about a name, or changed it.
    pub(super) fn is_known(&self, at: &Entry) -> bool {
        self.holders.contains_key(at)
    }

    /// The known names of an object.
    pub(super) fn of(&self, gfid: Gfid) -> impl Iterator<Item = &Entry> {
        self.entries.get(&gfid).into_iter().flatten()
    }

    pub(super) fn set(&mut self, at: &Entry, holder: Holder) {
        if let Some(Holder::Held(before)) = self.holders.insert(at.clone(), holder)
            && let Some(entries) = self.entries.get_mut(&before)
        {
            entries.remove(at);
        }
        if let Holder::Held(gfid) = holder {
            self.entries.entry(gfid).or_default().insert(at.clone());
        }
    }
}
