//! Puts objects at their names: creates, links and renames until every name holds what it is to hold.
//!
//! A work list: in each round everything whose parent is there and whose name is free is done side by
//! side, directories before others; then what has to displace something, one by one. When nothing moves
//! any more (two objects that swap), the one in the way is parked.

use super::judge::{Act, Judgement};
use super::pool::{parallel, parallel_by};
use super::work::{Fate, Work};
use crate::tree::{Holder, Seen, is_absent};
use gsyncd_core::id::{Entry, Gfid};
use gsyncd_core::truth::Why;
use gsyncd_sys::{Errno, Error};
use std::collections::HashSet;

/// How often a placement is tried again after the tree turned out to be other than known.
const TRIES: u32 = 4;
/// How many directories above a name are asked about when a directory cannot move there.
const DEEPEST_CHAIN: usize = 256;

/// A name that is to hold an object and does not yet.
#[derive(Clone, Debug)]
pub(super) struct Placement {
    pub(super) at: Entry,
    pub(super) gfid: Gfid,
    pub(super) directory: bool,
    tries: u32,
}

impl Work<'_> {
    /// Does all placements that can be done; reports the others.
    pub(super) fn place(&mut self) {
        let mut pending = self.placements();
        while !pending.is_empty() && !self.report.is_over() {
            let waiting: HashSet<Gfid> = pending.iter().map(|placement| placement.gfid).collect();
            let moved = self.step(&mut pending, &waiting, true)
                || self.step(&mut pending, &waiting, false)
                || self.unblock(&pending, &waiting);
            if !moved {
                break;
            }
        }
        for placement in pending {
            self.cannot_place(&placement);
        }
    }

    /// The names that do not hold yet what they are to hold.
    fn placements(&self) -> Vec<Placement> {
        let wanted = self.order.iter().filter_map(|at| {
            let gfid = (*self.wanted.get(at)?)?;
            let directory =
                self.objects.get(&gfid).is_some_and(|object| object.attributes.kind.is_directory());
            Some(Placement { at: (*at).clone(), gfid, directory, tries: 0 })
        });
        wanted.filter(|placement| self.occupant(&placement.at) != Some(placement.gfid)).collect()
    }

    /// One round over the directories or over the others; true when anything got done or given up.
    fn step(&mut self, pending: &mut Vec<Placement>, waiting: &HashSet<Gfid>, directories: bool) -> bool {
        let (mut side_by_side, mut one_by_one, mut rest) = (Vec::new(), Vec::new(), Vec::new());
        let mut claimed = Claims::default();
        let before = pending.len();
        for placement in pending.drain(..) {
            if placement.directory != directories {
                rest.push(placement);
                continue;
            }
            match self.judge(&placement, waiting) {
                Judgement::Done => {}
                Judgement::Wait | Judgement::Blocked(_) => rest.push(placement),
                Judgement::Do(act, None) if claimed.take(placement.gfid, &act) => {
                    side_by_side.push((placement, act))
                }
                Judgement::Do(..) => one_by_one.push(placement),
            }
        }
        let quiet = rest.len() == before;
        // those left to the next round are done with it unless nothing ran side by side
        let alone = if side_by_side.is_empty() { std::mem::take(&mut one_by_one) } else { Vec::new() };
        rest.append(&mut one_by_one);
        self.run(side_by_side, &mut rest);
        for placement in alone {
            match self.judge(&placement, waiting) {
                Judgement::Done => {}
                Judgement::Wait | Judgement::Blocked(_) => rest.push(placement),
                Judgement::Do(act, occupant) => self.run_over(placement, &act, occupant, &mut rest),
            }
        }
        *pending = rest;
        !quiet
    }

    /// Does independent placements into free names, all at once.
    fn run(&mut self, jobs: Vec<(Placement, Act)>, rest: &mut Vec<Placement>) {
        self.inherit(
            jobs.iter().filter(|(_, act)| *act == Act::Create).map(|(placement, _)| placement.at.parent),
        );
        let (this, report) = (&*self, &self.report);
        let each = |(placement, act): &(Placement, Act)| {
            if report.is_over() { Ok(Done::Made) } else { this.act(placement, act) }
        };
        let outcomes = if self.tree.locks_directories() {
            parallel_by(self.threads, &jobs, |(placement, _)| placement.at.parent, each)
        } else {
            parallel(self.threads, &jobs, each)
        };
        if self.report.is_over() {
            return;
        }
        for ((placement, act), outcome) in jobs.into_iter().zip(outcomes) {
            match outcome {
                Ok(done) => self.settle(placement, &act, done, rest),
                Err(error) => self.reconsider(placement, &act, &error, rest),
            }
        }
    }

    /// Does one placement that displaces `occupant`.
    fn run_over(
        &mut self,
        placement: Placement,
        act: &Act,
        occupant: Option<Gfid>,
        rest: &mut Vec<Placement>,
    ) {
        let replaces = occupant.is_none_or(|gfid| self.seen(gfid).is_some_and(|seen| !seen.is_directory()))
            && !placement.directory
            && matches!(act, Act::Rename(_));
        if let Some(gfid) = occupant {
            if !self.may_lose(gfid) {
                return rest.push(placement);
            }
            if !replaces && let Err(error) = self.clear(gfid, &placement.at) {
                return self.reconsider(placement, act, &error, rest);
            }
        }
        if *act == Act::Create {
            self.inherit(std::iter::once(placement.at.parent));
        }
        match self.act(&placement, act) {
            Ok(done) => {
                if replaces && occupant.is_some() {
                    self.freed(&placement.at);
                }
                self.settle(placement, act, done, rest);
            }
            Err(error) => self.reconsider(placement, act, &error, rest),
        }
    }

    /// The last look before an object loses a name: one that lives must have another.
    fn may_lose(&mut self, occupant: Gfid) -> bool {
        match self.fate(occupant) {
            Fate::Dead => true,
            Fate::Unknown => false,
            Fate::Alive => {
                self.look_again(occupant).is_none_or(|seen| !seen.is_directory() && seen.nlink > 1)
            }
        }
    }

    /// Takes a name from an object that may lose it.
    fn clear(&mut self, occupant: Gfid, at: &Entry) -> Result<(), Error> {
        if self.seen(occupant).is_some_and(|seen| seen.is_directory()) {
            self.tree.rmdir(at).inspect_err(|error| {
                if matches!(error.errno, Errno::NOTEMPTY | Errno::EXIST) {
                    self.stuck.insert(occupant);
                }
            })?;
        } else {
            self.tree.unlink(at)?;
        }
        self.freed(at);
        Ok(())
    }

    /// The calls of one placement into a free (or replaced) name.
    fn act(&self, placement: &Placement, act: &Act) -> Result<Done, Error> {
        let (at, gfid) = (&placement.at, placement.gfid);
        match act {
            Act::Create => self.create(at, gfid)?,
            Act::Link => self.tree.link(gfid, at)?,
            Act::Rename(from) => self.tree.rename(from, at)?,
            Act::Adopt => {
                let Some(object) = self.objects.get(&gfid) else { return Ok(Done::Unfit) };
                let adopted = self.tree.adopt(at, gfid, &object.attributes.kind)?;
                return Ok(adopted.map_or(Done::Unfit, Done::Adopted));
            }
        }
        Ok(Done::Made)
    }

    /// Notes a placement that was done, or is to be done in another way.
    fn settle(&mut self, placement: Placement, act: &Act, done: Done, rest: &mut Vec<Placement>) {
        match (act, done) {
            (Act::Rename(from), _) => self.moved(placement.gfid, from, &placement.at),
            (Act::Link, _) => {
                if let Some(Some(seen)) = self.here.get_mut(&placement.gfid) {
                    seen.nlink += 1;
                }
                self.names.set(&placement.at, Holder::Held(placement.gfid));
            }
            (Act::Create, _) => {
                self.names.set(&placement.at, Holder::Held(placement.gfid));
                self.created(placement.gfid);
            }
            (Act::Adopt, Done::Adopted(seen)) => self.adopted(&placement, seen),
            (Act::Adopt, _) => {
                self.unfit.insert(placement.at.clone());
                // another one may have adopted it just now
                self.identify_again(&placement.at);
                rest.push(placement);
            }
        }
        self.report.touch();
    }

    /// After a failure: looks again at all concerned when the tree was other than known, else gives up.
    fn reconsider(&mut self, mut placement: Placement, act: &Act, error: &Error, rest: &mut Vec<Placement>) {
        self.report.note(error);
        let (at, gfid) = (placement.at.clone(), placement.gfid);
        // EINVAL: a directory cannot move below itself yet, another one has to leave first; a creation may meet
        // the object itself, which is not looked for before, and says so with whatever errno
        let surprising = is_absent(error)
            || matches!(error.errno, Errno::EXIST | Errno::NOTEMPTY | Errno::ISDIR | Errno::NOTDIR)
            || (error.errno == Errno::INVAL && placement.directory)
            || (matches!(act, Act::Create | Act::Adopt) && placement.tries == 0);
        placement.tries += 1;
        if !surprising || placement.tries > TRIES || self.report.is_over() {
            self.report.failed(gfid, Some(&at), error);
            if error.errno == Errno::INVAL && placement.directory {
                self.ask_above(gfid, at.parent);
            }
            return;
        }
        if let Act::Rename(from) = act {
            self.identify_again(from);
        }
        self.identify_again(&at);
        self.look_again(gfid);
        if let Some(occupant) = self.occupant(&at) {
            self.look_again(occupant);
        }
        rest.push(placement);
    }

    /// Asks who holds a name, now.
    pub(super) fn identify_again(&mut self, at: &Entry) {
        if let Some(holder) = self.report.check(at.parent, Some(at), self.tree.identify(at)) {
            self.names.set(at, holder);
        }
    }

    /// A directory cannot move below itself: the ones between are not yet where the primary has them.
    fn ask_above(&mut self, gfid: Gfid, mut parent: Gfid) {
        for _ in 0..DEEPEST_CHAIN {
            let Ok(Some(at)) = self.tree.locate(parent) else { return };
            self.report.fate(parent, &at);
            if parent == gfid {
                return;
            }
            parent = at.parent;
        }
    }

    /// Parks the first object in the way of a placement that could be done without it.
    fn unblock(&mut self, pending: &[Placement], waiting: &HashSet<Gfid>) -> bool {
        for placement in pending {
            let Judgement::Blocked(occupant) = self.judge(placement, waiting) else { continue };
            match self.parking.park(self.tree, occupant, &placement.at) {
                Ok(()) => {
                    self.names.set(&placement.at, Holder::Free);
                    self.report.touch();
                    return true;
                }
                Err(error) => self.report.failed(occupant, Some(&placement.at), &error),
            }
        }
        false
    }

    /// Reports that an object is in the way and must be spoken about; false when it already was.
    pub(super) fn is_spoken_of(&self, occupant: Gfid, at: &Entry) -> bool {
        let known = self.fate(occupant) != Fate::Unknown;
        if !known {
            self.report.need(occupant, Some(at), Why::Fate);
        }
        known
    }
}

/// What became of a placement.
enum Done {
    Made,
    /// Taken over; looks like this.
    Adopted(Seen),
    /// What is there cannot be taken over.
    Unfit,
}

/// What the placements of one round take for themselves.
#[derive(Default)]
struct Claims {
    created: HashSet<Gfid>,
    sources: HashSet<Entry>,
}

impl Claims {
    /// True when `act` shares nothing with those before that could disturb it.
    fn take(&mut self, gfid: Gfid, act: &Act) -> bool {
        match act {
            Act::Create | Act::Adopt => self.created.insert(gfid),
            Act::Link => true,
            Act::Rename(from) => self.sources.insert(from.clone()),
        }
    }
}
