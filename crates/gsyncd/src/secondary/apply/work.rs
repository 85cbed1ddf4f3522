//! The facts of one batch beside what is known of the tree.

use super::judge::needs_content;
use super::names::Names;
use super::parking::{PARKING, Parking, is_ours};
use super::pool::parallel;
use super::report::Report;
use crate::tree::{Holder, Seen, Strangers, Tree};
use gsyncd_core::id::{Entry, Gfid};
use gsyncd_core::identity::is_foreign;
use gsyncd_core::truth::{Batch, Body, Kind, Object};
use std::collections::{HashMap, HashSet};
use std::sync::Mutex;

/// What is known of an object's life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    Alive,
    Dead,
    Unknown,
}

/// One batch on its way into the tree.
pub(super) struct Work<'a> {
    pub(super) tree: &'a dyn Tree,
    pub(super) parking: &'a Parking,
    pub(super) threads: usize,
    pub(super) report: Report,
    pub(super) objects: HashMap<Gfid, &'a Object>,
    pub(super) dead: HashSet<Gfid>,
    /// The names in the order of the batch, each once.
    pub(super) order: Vec<&'a Entry>,
    pub(super) wanted: HashMap<&'a Entry, Option<Gfid>>,
    pub(super) names: Names,
    pub(super) here: HashMap<Gfid, Option<Seen>>,
    /// Objects that need no further step: created with all they need, or given up with a need reported.
    pub(super) finished: HashSet<Gfid>,
    /// The stated name of each directory that has one.
    pub(super) home: HashMap<Gfid, &'a Entry>,
    /// Dead directories that turned out not to be empty.
    pub(super) stuck: HashSet<Gfid>,
    /// Files whose new versions are complete beside the old ones.
    pub(super) staged: Mutex<Vec<Gfid>>,
    /// Files written and closed, with their sizes in bytes: durable after the next barrier.
    pub(super) written: Mutex<Vec<(Gfid, u64)>>,
    /// Directories whose set-gid bit or default ACL changes what is created in them.
    pub(super) heritage: HashMap<Gfid, bool>,
    /// Names whose foreign holders are not what is to be there.
    pub(super) unfit: HashSet<Entry>,
    /// Directories that were created.
    pub(super) made: HashSet<Gfid>,
    /// Directories that were taken over, with whatever is in them.
    pub(super) taken_over: Vec<Gfid>,
}

impl<'a> Work<'a> {
    pub(super) fn new(
        tree: &'a dyn Tree,
        parking: &'a Parking,
        threads: usize,
        batch: &'a Batch,
    ) -> Work<'a> {
        let mut order = Vec::with_capacity(batch.names.len());
        let mut wanted = HashMap::with_capacity(batch.names.len());
        for holding in &batch.names {
            // nothing is ever placed where this program keeps its own things
            if tree.reserves(&holding.at) {
                continue;
            }
            if is_ours(&holding.at) && (holding.holder.is_some() || holding.at.parent != PARKING) {
                continue;
            }
            if wanted.insert(&holding.at, holding.holder).is_none() {
                order.push(&holding.at);
            }
        }
        let objects: HashMap<Gfid, &Object> =
            batch.objects.iter().filter(|o| o.gfid != PARKING).map(|o| (o.gfid, o)).collect();
        let is_directory =
            |gfid: &Gfid| objects.get(gfid).is_some_and(|object| object.attributes.kind.is_directory());
        let home = order.iter().filter_map(|at| wanted.get(at).copied().flatten().map(|gfid| (gfid, *at)));
        let home = home.filter(|(gfid, _)| is_directory(gfid)).collect();
        Work {
            tree,
            parking,
            threads,
            report: Report::default(),
            objects,
            dead: batch.dead.iter().copied().filter(|gfid| *gfid != PARKING && *gfid != Gfid::ROOT).collect(),
            order,
            wanted,
            names: Names::default(),
            here: HashMap::new(),
            finished: HashSet::new(),
            home,
            stuck: HashSet::new(),
            staged: Mutex::default(),
            written: Mutex::default(),
            heritage: HashMap::new(),
            unfit: HashSet::new(),
            made: HashSet::new(),
            taken_over: Vec::new(),
        }
    }

    pub(super) fn fate(&self, gfid: Gfid) -> Fate {
        if self.objects.contains_key(&gfid) || gfid == Gfid::ROOT {
            Fate::Alive
        } else if self.dead.contains(&gfid) || is_foreign(gfid) {
            // the primary has no foreign object, and the tree destroys none: it puts them aside
            Fate::Dead
        } else {
            Fate::Unknown
        }
    }

    /// What an object looked like when it was last looked at.
    pub(super) fn seen(&self, gfid: Gfid) -> Option<Seen> {
        self.here.get(&gfid).copied().flatten()
    }

    /// Looks at the objects, then at the names, then at those who hold them.
    ///
    /// A name for an object that is not here yet is not looked at: its creation says whether it is taken.
    pub(super) fn resolve(&mut self) {
        let (new, known) = self.split_new();
        self.here.extend(new.iter().map(|gfid| (*gfid, None)));
        self.look_at(&known);
        let names: Vec<&Entry> = self
            .order
            .iter()
            .copied()
            .filter(|at| match self.wanted.get(at) {
                Some(Some(holder)) => self.is_worth_a_look(*holder),
                _ => true,
            })
            .collect();
        let (tree, report) = (self.tree, &self.report);
        let holders = parallel(self.threads, &names, |at| {
            if report.is_over() { None } else { report.check(self.reporter(at), Some(at), tree.identify(at)) }
        });
        for (at, holder) in names.iter().zip(holders) {
            match holder {
                Some(holder) => self.names.set(at, holder),
                // reported; nothing is known about this name, so nothing is done with it
                None => {
                    self.wanted.remove(at);
                }
            }
        }
        let occupants: HashSet<Gfid> = names.iter().filter_map(|at| self.occupant(at)).collect();
        // one that was taken for new and holds a name is not
        let is_unknown =
            |gfid: &Gfid| !is_foreign(*gfid) && (new.contains(gfid) || !self.here.contains_key(gfid));
        let unknown: Vec<Gfid> = occupants.into_iter().filter(is_unknown).collect();
        self.look_at(&unknown);
    }

    /// Whether to look at a name that is for this object.
    fn is_worth_a_look(&self, holder: Gfid) -> bool {
        let Some(object) = self.objects.get(&holder) else { return true };
        self.seen(holder).is_some()
            || match self.tree.strangers() {
                Strangers::Unknown => false,
                Strangers::Few => needs_content(object),
                Strangers::Many => true,
            }
    }

    /// Objects that are most likely new here, and the others. A regular file that comes with its content and a
    /// name mostly is; to try is cheaper than to look first, and harmless: creating a file whose gfid exists
    /// already fails and leaves the existing one alone (of other objects that is not true).
    fn split_new(&self) -> (HashSet<Gfid>, Vec<Gfid>) {
        let named: HashSet<Gfid> = self.wanted.values().copied().flatten().collect();
        let is_new = |object: &Object| {
            let inline = matches!(object.body, Body::Inline(_));
            inline && object.attributes.kind == Kind::File && named.contains(&object.gfid)
        };
        let new: HashSet<Gfid> =
            self.objects.iter().filter(|(_, object)| is_new(object)).map(|(gfid, _)| *gfid).collect();
        let known = self.objects.keys().copied().filter(|gfid| !new.contains(gfid)).collect();
        (new, known)
    }

    /// Who a failure at a name is reported against: the one who is to hold it, else its directory.
    fn reporter(&self, at: &Entry) -> Gfid {
        self.wanted.get(at).copied().flatten().unwrap_or(at.parent)
    }

    /// Looks at objects side by side; one that cannot be looked at is given up.
    pub(super) fn look_at(&mut self, gfids: &[Gfid]) {
        let (tree, report) = (self.tree, &self.report);
        let seen = parallel(self.threads, gfids, |gfid| {
            if report.is_over() { None } else { report.check(*gfid, None, tree.look(*gfid)) }
        });
        for (gfid, seen) in gfids.iter().zip(seen) {
            match seen {
                Some(seen) => {
                    self.here.insert(*gfid, seen);
                }
                None => {
                    self.finished.insert(*gfid);
                    self.objects.remove(gfid);
                    self.dead.remove(gfid);
                }
            }
        }
    }

    /// Looks at one object again.
    pub(super) fn look_again(&mut self, gfid: Gfid) -> Option<Seen> {
        self.look_at(&[gfid]);
        self.seen(gfid)
    }

    /// The object that holds a name, as far as known.
    pub(super) fn occupant(&self, at: &Entry) -> Option<Gfid> {
        match self.names.holder(at) {
            Holder::Held(gfid) => Some(gfid),
            Holder::Free | Holder::NoParent => None,
        }
    }

    /// Notes that `at` lost its holder by our doing.
    pub(super) fn freed(&mut self, at: &Entry) {
        if let Some(gfid) = self.occupant(at) {
            if at.parent == PARKING {
                self.parking.gone(gfid);
            }
            if let Some(Some(seen)) = self.here.get_mut(&gfid) {
                seen.nlink = seen.nlink.saturating_sub(1);
                if seen.is_directory() || seen.nlink == 0 {
                    self.here.insert(gfid, None);
                }
            }
        }
        self.names.set(at, Holder::Free);
        self.report.touch();
    }

    /// Notes that `gfid` moved from `from` to `to`.
    pub(super) fn moved(&mut self, gfid: Gfid, from: &Entry, to: &Entry) {
        if from.parent == PARKING {
            self.parking.gone(gfid);
        }
        self.names.set(from, Holder::Free);
        self.names.set(to, Holder::Held(gfid));
        self.report.touch();
    }
}
