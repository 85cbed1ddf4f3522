//! From marks to the secondary: says what is marked, and takes the marks away of what is true and durable there.

use super::map::{Changes, Dirty, Map, MapError};
use super::say::{Said, say};
use super::{Directory, Ending};
use crate::primary::send::{Sender, Stuck};
use gsyncd_core::id::{Entry, Gfid};
use std::collections::HashSet;
use std::time::{Duration, Instant};

/// How many marks are said together.
const STEP: usize = 4096;
/// What was acknowledged is recorded for good this much later, unless something new is: that records it too.
const RECORD_PAUSE: Duration = Duration::from_secs(1);

impl Directory {
    /// Says all that is marked, but for what rests after a failure.
    pub(super) fn process(&mut self, sender: &mut Sender) -> Result<(), Ending> {
        let (mut from, begun) = (0, Instant::now());
        loop {
            let marked = self.map.dirty(from, STEP)?;
            let Some((last, _)) = marked.last() else {
                self.failing.sweep(begun);
                return Ok(());
            };
            from = last + 1;
            let due: Vec<(u64, Dirty)> =
                marked.into_iter().filter(|(_, dirty)| !self.waits(dirty, sender)).collect();
            if due.is_empty() {
                continue;
            }
            // before it is said: or after a crash nobody would know that the secondary heard of it
            self.map.commit()?;
            self.say(&due, sender)?;
        }
    }

    /// True for what was tried in vain a moment ago, and for a large file that is on its way or was just now.
    fn waits(&self, dirty: &Dirty, sender: &Sender) -> bool {
        let gfid = subject(dirty);
        let is_object = matches!(dirty, Dirty::Object(..));
        self.failing.rests(gfid) || (is_object && (self.flights.rests(gfid) || sender.is_flying(gfid)))
    }

    fn say(&mut self, due: &[(u64, Dirty)], sender: &mut Sender) -> Result<(), Ending> {
        let count = due.len() as u64;
        self.progress.update(|progress| progress.found += count);
        let marked = due.iter().map(|(_, dirty)| dirty);
        let ground = Said {
            view: &*self.view,
            map: &self.map,
            ignore_deletes: self.plan.ignore_deletes,
            rests: &|gfid| self.failing.rests(gfid),
        };
        say(&ground, marked, sender)?;
        let stuck = sender.settle_batches()?;
        let undone = Undone::of(&stuck);
        let mut removed = 0;
        for (position, dirty) in due {
            let gfid = subject(dirty);
            if sender.is_flying(gfid) && matches!(dirty, Dirty::Object(..)) {
                self.flights.begin(gfid, *position);
            } else if !undone.concerns(dirty, &self.map)? {
                self.map.said(*position, gfid)?;
                self.failing.forget(gfid);
                removed += u64::from(matches!(dirty, Dirty::Name(..)));
            }
        }
        self.keep_names(due, &stuck)?;
        self.note_stuck(&stuck)?;
        self.session.generation = sender.generation().unwrap_or(0).max(self.session.generation);
        self.unrecorded.get_or_insert_with(|| Instant::now() + RECORD_PAUSE);
        self.progress.update(|progress| {
            progress.done += count;
            progress.removed += removed;
        });
        Ok(())
    }

    /// Names that nothing of what was said was about, but that came up: the secondary has something there.
    pub(super) fn keep_names(&self, due: &[(u64, Dirty)], stuck: &[Stuck]) -> Result<(), Ending> {
        // a mark of one that was said whole stays too, for any of its names
        let (mut said, mut whole) = (HashSet::new(), HashSet::new());
        for (_, dirty) in due {
            match dirty {
                Dirty::Name(at, _) => drop(said.insert(at)),
                // but for one that is on its way
                Dirty::Object(gfid, changes)
                    if changes.include(Changes::NAMES) && !self.flights.rests(*gfid) =>
                {
                    whole.insert(*gfid);
                }
                Dirty::Object(..) => {}
            }
        }
        for (gfid, at) in stuck.iter().filter_map(|stuck| Some((stuck.gfid, stuck.at.as_ref()?))) {
            if said.contains(at) {
                continue;
            }
            match self.map.entry(at)? {
                Some(holder) if holder.gfid == gfid || whole.contains(&holder.gfid) => {}
                Some(holder) => self.map.mark(holder.gfid, Changes::NAMES.and(Changes::META))?,
                // its directory is not its holder: nobody is said to be dead by this
                None => self.map.mark_name(at.clone(), at.parent)?,
            }
        }
        Ok(())
    }

    /// Takes note of the large files that arrived since.
    pub(super) fn land(&mut self, sender: &mut Sender) -> Result<(), Ending> {
        let landed = sender.landed();
        if landed.is_empty() {
            return Ok(());
        }
        let stuck = sender.settle_batches()?;
        self.keep_names(&[], &stuck)?;
        for gfid in landed.into_iter().filter(|gfid| !sender.is_flying(*gfid)) {
            let position = self.flights.end(gfid);
            if let Some(position) = position
                && stuck.iter().all(|stuck| stuck.gfid != gfid)
            {
                self.map.said(position, gfid)?;
                self.failing.forget(gfid);
            }
        }
        self.note_stuck(&stuck)?;
        self.unrecorded.get_or_insert_with(|| Instant::now() + RECORD_PAUSE);
        Ok(())
    }

    /// Waits for all large files.
    pub(super) fn land_all(&mut self, sender: &mut Sender) -> Result<(), Ending> {
        let stuck = sender.settle()?;
        self.keep_names(&[], &stuck)?;
        self.note_stuck(&stuck)?;
        self.land(sender)
    }

    /// Whatever could not be made true is marked, whoever asked for it.
    pub(super) fn note_stuck(&mut self, stuck: &[Stuck]) -> Result<(), Ending> {
        for stuck in stuck {
            if stuck.name_only {
                self.failing.look_again();
                continue;
            }
            if !self.map.names(stuck.gfid)?.is_empty() || stuck.gfid == Gfid::ROOT {
                let all = Changes::DOUBT.and(Changes::META).and(Changes::NAMES);
                self.map.mark(stuck.gfid, all)?;
            } else if let Some(at) = &stuck.at {
                self.map.mark_name(at.clone(), stuck.gfid)?;
            } else {
                // it is gone, and whoever needed it is marked
                continue;
            }
            self.failing.add(stuck);
        }
        self.tell_failing();
        Ok(())
    }

    pub(super) fn tell_failing(&self) {
        let failing = self.unreadable + self.failing.len() as u64;
        let example = self.failing.example();
        self.progress.update(|progress| {
            progress.failing = failing;
            if example.is_some() {
                progress.last_error = example;
            }
        });
    }
}

/// What was not made true in one round.
struct Undone<'a> {
    objects: HashSet<Gfid>,
    names: HashSet<&'a Entry>,
}

impl<'a> Undone<'a> {
    fn of(stuck: &'a [Stuck]) -> Undone<'a> {
        Undone {
            objects: stuck.iter().filter(|stuck| !stuck.name_only).map(|stuck| stuck.gfid).collect(),
            names: stuck.iter().filter_map(|stuck| stuck.at.as_ref()).collect(),
        }
    }

    /// A mark stays when anything that it depends on was not made true: its object, one of its names, a directory
    /// that one of them is in.
    fn concerns(&self, dirty: &Dirty, map: &Map) -> Result<bool, MapError> {
        if self.objects.is_empty() && self.names.is_empty() {
            return Ok(false);
        }
        if self.objects.contains(&subject(dirty)) {
            return Ok(true);
        }
        let is_undone = |at: &Entry| self.objects.contains(&at.parent) || self.names.contains(at);
        Ok(match dirty {
            Dirty::Object(gfid, _) => map.names(*gfid)?.iter().any(is_undone),
            Dirty::Name(at, _) => {
                is_undone(at) || map.entry(at)?.is_some_and(|holder| self.objects.contains(&holder.gfid))
            }
        })
    }
}

/// Whose failure keeps this from being said.
fn subject(dirty: &Dirty) -> Gfid {
    match dirty {
        Dirty::Object(gfid, _) | Dirty::Name(_, gfid) => *gfid,
    }
}
