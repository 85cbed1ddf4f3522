//! Decides what a placement needs next, without changing the tree.

use super::place::Placement;
use super::work::{Fate, Work};
use crate::tree::{Holder, Strangers};
use gsyncd_core::id::{Entry, Gfid};
use gsyncd_core::identity::is_foreign;
use gsyncd_core::truth::{Body, Kind, Object, Why};
use gsyncd_sys::Errno;
use std::collections::HashSet;

/// How an object gets its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Act {
    Create,
    /// Takes over what somebody else put there.
    Adopt,
    Link,
    Rename(Entry),
}

/// What is to be done about a placement now.
#[derive(Debug)]
pub(super) enum Judgement {
    /// Nothing (any more): it is right already, or it was given up and reported.
    Done,
    /// Something else comes first.
    Wait,
    /// It could be done but for this object, which must not lose its name and has nowhere to go yet.
    Blocked(Gfid),
    /// Do it, displacing the object given.
    Do(Act, Option<Gfid>),
}

impl Work<'_> {
    pub(super) fn judge(&mut self, placement: &Placement, waiting: &HashSet<Gfid>) -> Judgement {
        let (at, gfid) = (&placement.at, placement.gfid);
        if self.occupant(at) == Some(gfid) {
            return Judgement::Done;
        }
        if let Some(judgement) = self.judge_parent(placement, waiting) {
            return judgement;
        }
        let Some(act) = self.way(placement) else { return Judgement::Done };
        // only a creation says by itself that the name is taken; a rename would replace whoever has it
        if act != Act::Create && !self.names.is_known(at) {
            self.identify_again(at);
            if !self.names.is_known(at) {
                // reported with the failure of the look
                return Judgement::Done;
            }
        }
        match self.occupant(at) {
            None => Judgement::Do(act, None),
            Some(_) if act == Act::Create && self.is_adoptable(at) => Judgement::Do(Act::Adopt, None),
            Some(occupant) => self.judge_occupant(occupant, placement, act),
        }
    }

    /// None when the parent is there and in its place.
    fn judge_parent(&mut self, placement: &Placement, waiting: &HashSet<Gfid>) -> Option<Judgement> {
        let (at, parent) = (&placement.at, placement.at.parent);
        let is_next = waiting.contains(&parent) && parent != placement.gfid;
        if is_next && self.is_misplaced(parent) {
            return Some(Judgement::Wait);
        }
        if self.names.holder(at) != Holder::NoParent {
            return None;
        }
        if !self.here.contains_key(&parent) {
            self.look_again(parent);
        }
        if self.seen(parent).is_some() {
            self.names.set(at, Holder::Free);
            // one that was not made just now, but found, may have anything in it
            if self.tree.strangers() != Strangers::Unknown && !self.made.contains(&parent) {
                self.identify_again(at);
            }
            return None;
        }
        self.report.missing(parent, None);
        self.cannot_place(placement);
        Some(Judgement::Done)
    }

    /// Reports that an object cannot get to its name now. One that is here need not be sent again for that.
    pub(super) fn cannot_place(&mut self, placement: &Placement) {
        let (at, gfid) = (&placement.at, placement.gfid);
        // what was taken for new was not looked for
        let is_here = self.seen(gfid).is_some() || self.look_again(gfid).is_some();
        self.report.need(gfid, Some(at), if is_here { Why::Unplaced } else { Why::Missing });
    }

    /// True while a directory has a stated name that it does not hold.
    fn is_misplaced(&self, directory: Gfid) -> bool {
        self.home.get(&directory).is_some_and(|at| self.occupant(at) != Some(directory))
    }

    /// How the object would get there; None when it cannot, which is reported.
    fn way(&mut self, placement: &Placement) -> Option<Act> {
        let (at, gfid) = (&placement.at, placement.gfid);
        let Some(object) = self.objects.get(&gfid).copied() else {
            self.report.missing(gfid, Some(at));
            return None;
        };
        match self.seen(gfid) {
            Some(seen) if !seen.is_kind(&object.attributes.kind) => {
                self.report.refused(gfid, Some(at), Errno::EXIST, "the object is here with another type");
                None
            }
            Some(seen) if seen.is_directory() => self.way_of_directory(placement),
            Some(_) => Some(self.spare_name(gfid).map_or(Act::Link, Act::Rename)),
            None if self.finished.contains(&gfid) => None,
            None if needs_content(object) && !self.is_adoptable(at) => {
                self.report.missing(gfid, Some(at));
                self.finished.insert(gfid);
                None
            }
            None => Some(Act::Create),
        }
    }

    /// Whether a name is held by an object that may be taken over.
    fn is_adoptable(&self, at: &Entry) -> bool {
        self.occupant(at).is_some_and(is_foreign) && !self.unfit.contains(at)
    }

    /// Where a directory comes from.
    fn way_of_directory(&mut self, placement: &Placement) -> Option<Act> {
        let gfid = placement.gfid;
        let known = self.names.of(gfid).next().cloned();
        let found = match known {
            Some(from) => Ok(Some(from)),
            None => self.parking.find(self.tree, gfid).and_then(|parked| match parked {
                Some(from) => Ok(Some(from)),
                None => self.tree.locate(gfid),
            }),
        };
        match found {
            Ok(Some(from)) => Some(Act::Rename(from)),
            Ok(None) => {
                self.report.refused(gfid, Some(&placement.at), Errno::NOENT, "locate a directory");
                None
            }
            Err(error) => {
                self.report.failed(gfid, Some(&placement.at), &error);
                None
            }
        }
    }

    /// A name that the object holds and is to lose.
    fn spare_name(&self, gfid: Gfid) -> Option<Entry> {
        let surplus = |at: &&Entry| self.wanted.get(*at).is_some_and(|holder| *holder != Some(gfid));
        let spare = self.names.of(gfid).find(surplus).cloned();
        spare.or_else(|| self.parking.find(self.tree, gfid).ok().flatten())
    }

    /// Whether the object in the way can lose the name.
    fn judge_occupant(&mut self, occupant: Gfid, placement: &Placement, act: Act) -> Judgement {
        if !self.is_spoken_of(occupant, &placement.at) {
            return Judgement::Done;
        }
        // nothing known, or taken for new: one that holds a name is there
        if self.seen(occupant).is_none() {
            self.look_again(occupant);
        }
        let Some(seen) = self.seen(occupant) else {
            self.names.set(&placement.at, Holder::Free);
            return Judgement::Do(act, None);
        };
        match (self.fate(occupant), seen.is_directory()) {
            (Fate::Dead, false) => Judgement::Do(act, Some(occupant)),
            (Fate::Dead, true) if !self.stuck.contains(&occupant) => Judgement::Do(act, Some(occupant)),
            (Fate::Alive, false) if seen.nlink > 1 => Judgement::Do(act, Some(occupant)),
            _ => Judgement::Blocked(occupant),
        }
    }
}

/// True when an object cannot be created from its statement alone: an empty file would look complete.
pub(super) fn needs_content(object: &Object) -> bool {
    object.attributes.kind == Kind::File
        && object.attributes.size > 0
        && matches!(object.body, Body::Untouched | Body::Compare | Body::Hash(_))
}
