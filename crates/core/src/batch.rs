//! Records folded to what they concern: which names, which objects, and what about them may have changed.

use crate::id::{Entry, Gfid};
use crate::record::{Change, Record};
use std::collections::HashMap;

/// What the records say may have changed about one object.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Touch {
    /// The content.
    pub data: bool,
    /// Attributes or xattrs. Any metadata record means both (spec: on-disk-formats 2.5).
    pub meta: bool,
    /// It was created, or given a name: the other side may lack it altogether.
    pub made: bool,
    /// One of its names was recorded as removed.
    pub removed: bool,
    /// Names recorded with it, in order of first appearance.
    pub names: Vec<Entry>,
    /// Position of the last record that concerns it.
    pub last: usize,
}

/// What a run of records concerns, in order of first appearance.
#[derive(Clone, Debug, Default)]
pub struct Touched {
    order: Vec<Gfid>,
    objects: HashMap<Gfid, Touch>,
    /// Every object that was recorded with a name.
    users: HashMap<Entry, Vec<Gfid>>,
    records: usize,
}

impl Touched {
    /// Nothing yet.
    #[must_use]
    pub fn new() -> Touched {
        Touched::default()
    }

    /// Adds one record.
    pub fn add(&mut self, record: &Record) {
        self.records += 1;
        match record {
            Record::Data { gfid } => self.touch(*gfid).data = true,
            Record::Meta { gfid, .. } => self.touch(*gfid).meta = true,
            Record::Entry { gfid, change } => self.add_change(*gfid, change),
        }
    }

    fn add_change(&mut self, gfid: Gfid, change: &Change) {
        match change {
            // the mode of a fabricated record is invented (spec: on-disk-formats 2.6), so nothing recorded is
            // used but the identity: everything is read from the primary
            Change::Create { at, .. } | Change::Symlink { at } => {
                let touch = self.touch(gfid);
                (touch.made, touch.data, touch.meta) = (true, true, true);
                self.name(gfid, at);
            }
            Change::Link { at } => {
                self.touch(gfid).made = true;
                self.name(gfid, at);
            }
            Change::Rename { from, to } => {
                self.touch(gfid).made = true;
                self.name(gfid, from);
                self.name(gfid, to);
            }
            Change::Unlink { at, .. } | Change::Rmdir { at, .. } => {
                self.touch(gfid).removed = true;
                self.name(gfid, at);
            }
            Change::Other { .. } => {}
        }
    }

    fn touch(&mut self, gfid: Gfid) -> &mut Touch {
        let touch = self.objects.entry(gfid).or_insert_with(|| {
            self.order.push(gfid);
            Touch::default()
        });
        touch.last = self.records;
        touch
    }

    fn name(&mut self, gfid: Gfid, at: &Entry) {
        let touch = self.touch(gfid);
        if !touch.names.contains(at) {
            touch.names.push(at.clone());
        }
        let users = self.users.entry(at.clone()).or_default();
        if !users.contains(&gfid) {
            users.push(gfid);
        }
    }

    /// The objects, in order of first appearance.
    pub fn objects(&self) -> impl Iterator<Item = (Gfid, &Touch)> {
        self.order.iter().filter_map(|gfid| self.objects.get(gfid).map(|touch| (*gfid, touch)))
    }

    /// What is known of one object.
    #[must_use]
    pub fn get(&self, gfid: Gfid) -> Option<&Touch> {
        self.objects.get(&gfid)
    }

    /// Every object that was recorded with this name.
    #[must_use]
    pub fn users(&self, at: &Entry) -> &[Gfid] {
        self.users.get(at).map_or(&[], Vec::as_slice)
    }

    /// How many records were added.
    #[must_use]
    pub fn records(&self) -> usize {
        self.records
    }

    /// True when no record was added.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.order.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::Touched;
    use crate::id::{Entry, Gfid, Name};
    use crate::record::{Change, Record};

    fn entry(name: &str) -> Entry {
        Entry { parent: Gfid::ROOT, name: Name::new(name.as_bytes()).unwrap() }
    }

    #[test]
    fn a_rename_chain_touches_one_object_and_all_its_names() {
        let gfid = Gfid([5; 16]);
        let mut touched = Touched::new();
        touched.add(&Record::Data { gfid });
        touched.add(&Record::Entry { gfid, change: Change::Rename { from: entry("a"), to: entry("b") } });
        touched.add(&Record::Entry { gfid, change: Change::Rename { from: entry("b"), to: entry("c") } });
        let (found, touch) = touched.objects().next().unwrap();
        assert_eq!((found, touch.data, touch.meta, touch.made), (gfid, true, false, true));
        assert_eq!(touch.names, [entry("a"), entry("b"), entry("c")]);
        assert_eq!(touched.users(&entry("b")), [gfid]);
        assert_eq!(touched.records(), 3);
    }
}
