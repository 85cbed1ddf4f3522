//! Changes that are not in the store yet.

use super::{Dirty, Known};
use gsyncd_core::id::Gfid;
use std::collections::{BTreeMap, HashMap};
use std::ops::Bound;

/// For every key that changed its new value; None (or false): gone.
#[derive(Default)]
pub(super) struct Overlay {
    pub(super) entries: BTreeMap<Vec<u8>, Option<Known>>,
    pub(super) names: BTreeMap<Vec<u8>, bool>,
    pub(super) dirty: BTreeMap<u64, Option<Dirty>>,
    pub(super) marks: HashMap<Gfid, Option<u64>>,
    /// The next free position.
    pub(super) next: u64,
    /// The store has changes that are not durable yet.
    pub(super) fleeting: bool,
}

impl Overlay {
    pub(super) fn len(&self) -> usize {
        self.entries.len() + self.names.len() + self.dirty.len() + self.marks.len()
    }

    /// Takes a position.
    pub(super) fn position(&mut self) -> u64 {
        self.next += 1;
        self.next - 1
    }

    /// Takes all changes out.
    pub(super) fn take(&mut self) -> Overlay {
        let (next, fleeting) = (self.next, self.fleeting);
        std::mem::replace(self, Overlay { next, fleeting, ..Overlay::default() })
    }

    pub(super) fn entries_below<'a>(
        &'a self,
        prefix: &'a [u8],
    ) -> impl Iterator<Item = (&'a Vec<u8>, &'a Option<Known>)> {
        below(&self.entries, prefix)
    }

    pub(super) fn names_below<'a>(
        &'a self,
        prefix: &'a [u8],
    ) -> impl Iterator<Item = (&'a Vec<u8>, &'a bool)> {
        below(&self.names, prefix)
    }
}

fn below<'a, V>(
    map: &'a BTreeMap<Vec<u8>, V>,
    prefix: &'a [u8],
) -> impl Iterator<Item = (&'a Vec<u8>, &'a V)> {
    let from: (Bound<&[u8]>, Bound<&[u8]>) = (Bound::Included(prefix), Bound::Unbounded);
    map.range::<[u8], _>(from).take_while(move |(key, _)| key.starts_with(prefix))
}
