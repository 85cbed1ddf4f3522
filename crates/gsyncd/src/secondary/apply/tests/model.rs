//! A primary in memory: changes its tree, keeps a journal, gathers facts as the real one does.

use crate::tree::memory::{MemoryTree, Node};
use crate::tree::{Holder, Tree};
use gsyncd_core::id::{Entry, Gfid, Name};
use gsyncd_core::truth::{Attributes, Batch, Body, Holding, Kind, Need, Object, Xattr};
use std::collections::BTreeSet;

/// What the journal mentions.
#[derive(Clone, Debug, Default)]
pub(super) struct Touched {
    pub(super) names: BTreeSet<Entry>,
    pub(super) gfids: BTreeSet<Gfid>,
}

impl Touched {
    pub(super) fn is_empty(&self) -> bool {
        self.names.is_empty() && self.gfids.is_empty()
    }

    pub(super) fn add(&mut self, other: &Touched) {
        self.names.extend(other.names.iter().cloned());
        self.gfids.extend(other.gfids.iter().copied());
    }
}

pub(super) struct Primary {
    pub(super) tree: MemoryTree,
    pub(super) journal: Touched,
    next: u8,
}

pub(super) fn entry(parent: Gfid, name: &[u8]) -> Entry {
    Entry { parent, name: Name::new(name).unwrap() }
}

impl Primary {
    pub(super) fn new() -> Primary {
        Primary { tree: MemoryTree::new(), journal: Touched::default(), next: 10 }
    }

    fn record(&mut self, gfid: Gfid, names: &[&Entry]) {
        self.journal.gfids.insert(gfid);
        self.journal.names.extend(names.iter().map(|at| (*at).clone()));
    }

    pub(super) fn holder(&self, at: &Entry) -> Option<Gfid> {
        match self.tree.identify(at).unwrap() {
            Holder::Held(gfid) => Some(gfid),
            _ => None,
        }
    }

    pub(super) fn create(&mut self, at: &Entry, kind: Kind, data: &[u8]) -> Option<Gfid> {
        if self.tree.identify(at).unwrap() != Holder::Free {
            return None;
        }
        self.next = self.next.checked_add(1)?;
        // the first byte: not a derived one
        let mut gfid = Gfid([self.next; 16]);
        gfid.0[0] = 1;
        self.tree.create(at, gfid, &kind, 0o640).ok()?;
        if kind == Kind::File {
            self.tree.change(gfid, |node| node.data = data.to_vec());
        }
        self.record(gfid, &[at]);
        Some(gfid)
    }

    /// What a rename displaces is not in the journal.
    pub(super) fn rename(&mut self, from: &Entry, to: &Entry) {
        let Some(gfid) = self.holder(from) else { return };
        if self.tree.rename(from, to).is_ok() {
            self.record(gfid, &[from, to]);
        }
    }

    pub(super) fn link(&mut self, gfid: Gfid, at: &Entry) {
        if self.tree.link(gfid, at).is_ok() {
            self.record(gfid, &[at]);
        }
    }

    /// Removes what is at `at` with all below.
    pub(super) fn remove(&mut self, at: &Entry) {
        let Some(gfid) = self.holder(at) else { return };
        let node = self.tree.node(gfid).unwrap();
        if node.kind.is_directory() {
            for name in node.children.keys() {
                self.remove(&Entry { parent: gfid, name: name.clone() });
            }
            self.tree.rmdir(at).unwrap();
        } else {
            self.tree.unlink(at).unwrap();
        }
        self.record(gfid, &[at]);
    }

    pub(super) fn change(&mut self, gfid: Gfid, change: impl FnOnce(&mut Node)) {
        self.tree.change(gfid, change);
        self.record(gfid, &[]);
    }

    /// The present truth about all that is touched.
    pub(super) fn facts(&self, touched: &Touched) -> Batch {
        let mut facts = Facts { primary: self, batch: Batch::default() };
        for at in &touched.names {
            facts.name(at);
        }
        for gfid in &touched.gfids {
            facts.whole(*gfid);
        }
        facts.times();
        facts.batch
    }
}

/// What a secondary's needs touch.
pub(super) fn touched_by(needs: &[Need]) -> Touched {
    Touched {
        names: needs.iter().filter_map(|need| need.at.clone()).collect(),
        gfids: needs.iter().map(|need| need.gfid).collect(),
    }
}

struct Facts<'a> {
    primary: &'a Primary,
    batch: Batch,
}

impl Facts<'_> {
    fn name(&mut self, at: &Entry) {
        let holder = self.primary.holder(at);
        if let Some(gfid) = holder {
            self.object(gfid, Sort::Existence);
        }
        if !self.batch.names.iter().any(|holding| holding.at == *at) {
            self.batch.names.push(Holding { at: at.clone(), holder });
        }
    }

    fn whole(&mut self, gfid: Gfid) {
        let Some(node) = self.primary.tree.node(gfid) else {
            self.batch.dead.push(gfid);
            return;
        };
        self.object(gfid, Sort::Whole);
        for at in &node.names {
            self.name(at);
        }
    }

    /// The times of the directories whose names are stated.
    fn times(&mut self) {
        let parents: BTreeSet<Gfid> = self.batch.names.iter().map(|holding| holding.at.parent).collect();
        for parent in parents {
            if self.primary.tree.node(parent).is_some() {
                self.object(parent, Sort::Times);
            }
        }
    }

    fn object(&mut self, gfid: Gfid, sort: Sort) {
        let node = self.primary.tree.node(gfid).unwrap();
        if let Some(at) = self.batch.objects.iter().position(|object| object.gfid == gfid) {
            if sort == Sort::Whole {
                self.batch.objects[at] = object(gfid, &node, sort);
            }
            return;
        }
        self.batch.objects.push(object(gfid, &node, sort));
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Sort {
    Existence,
    Whole,
    Times,
}

fn object(gfid: Gfid, node: &Node, sort: Sort) -> Object {
    let whole = sort == Sort::Whole;
    let xattrs = node.xattrs.iter().map(|(key, value)| Xattr { key: key.clone(), value: value.clone() });
    Object {
        gfid,
        attributes: Attributes {
            kind: node.kind.clone(),
            mode: node.mode,
            uid: node.owner.0,
            gid: node.owner.1,
            size: node.data.len() as u64,
            mtime: node.times.1,
            atime: node.times.0,
        },
        xattrs: whole.then(|| xattrs.collect()),
        body: if whole && node.kind == Kind::File {
            Body::Inline(node.data.clone().into())
        } else {
            Body::Untouched
        },
        times_only: sort == Sort::Times,
    }
}
