//! Takes away the names that are to be free, after everything that lives has its place.

use super::parking;
use super::pool::parallel;
use super::work::{Fate, Work};
use crate::tree::{Holder, is_absent};
use gsyncd_core::id::{Entry, Gfid};
use gsyncd_sys::{Errno, Error};
use std::collections::{BTreeMap, HashMap};

/// How many entries of dead directories one answer asks about.
const MOST_ENTRIES: usize = 10_000;

impl Work<'_> {
    /// Removes what holds a name that is to be free, and what is parked and dead.
    pub(super) fn remove(&mut self) {
        let (mut files, mut directories) = (BTreeMap::<Gfid, Vec<Entry>>::new(), HashMap::new());
        for (gfid, at) in self.surplus() {
            if !self.is_spoken_of(gfid, &at) {
                continue;
            }
            match self.seen(gfid) {
                Some(seen) if !seen.is_directory() => files.entry(gfid).or_default().push(at),
                Some(_) if self.fate(gfid) == Fate::Dead => {
                    directories.insert(gfid, at);
                }
                // it lives and could not move to its place
                Some(_) => self.report.fate(gfid, &at),
                None => {}
            }
        }
        let files: Vec<(Gfid, Vec<Entry>)> = files.into_iter().collect();
        let this = &*self;
        // the names of one object one after the other: each look at its link count must be true
        let removed = parallel(self.threads, &files, |(gfid, names)| this.unlink_all(*gfid, names));
        for at in removed.into_iter().flatten() {
            self.freed(&at);
        }
        self.remove_directories(directories);
    }

    /// Who holds a name that is to be free.
    fn surplus(&mut self) -> Vec<(Gfid, Entry)> {
        self.look_below_found();
        let free = self.order.iter().filter(|at| self.wanted.get(**at) == Some(&None));
        let mut surplus: Vec<(Gfid, Entry)> =
            free.filter_map(|at| Some((self.occupant(at)?, (*at).clone()))).collect();
        for gfid in self.parking.all() {
            let known = self.names.of(gfid).any(|at| at.parent == parking::PARKING);
            if self.fate(gfid) == Fate::Dead && !known {
                let found = self.parking.find(self.tree, gfid);
                if let Some(Some(at)) = self.report.check(gfid, None, found) {
                    self.names.set(&at, Holder::Held(gfid));
                    surplus.push((gfid, at));
                }
            }
        }
        let unknown: Vec<Gfid> =
            surplus.iter().map(|(gfid, _)| *gfid).filter(|gfid| self.seen(*gfid).is_none()).collect();
        self.look_at(&unknown);
        surplus
    }

    /// Looks at names that are to be free and whose directory turned up only after they were looked at first.
    fn look_below_found(&mut self) {
        let is_open = |at: &&Entry| {
            self.wanted.get(*at) == Some(&None)
                && self.names.holder(at) == Holder::NoParent
                && self.seen(at.parent).is_some()
                && !self.made.contains(&at.parent)
        };
        let open: Vec<&Entry> = self.order.iter().copied().filter(is_open).collect();
        for at in open {
            self.identify_again(at);
        }
    }

    /// Unlinks names of one object; returns those that are gone. The last name of a living one stays.
    fn unlink_all(&self, gfid: Gfid, names: &[Entry]) -> Vec<Entry> {
        let mut gone = Vec::new();
        for at in names {
            if self.report.is_over() {
                break;
            }
            if self.fate(gfid) != Fate::Dead {
                match self.report.check(gfid, Some(at), self.tree.look(gfid)) {
                    Some(Some(seen)) if seen.nlink > 1 => {}
                    Some(_) => {
                        self.report.fate(gfid, at);
                        continue;
                    }
                    None => continue,
                }
            }
            match self.tree.unlink(at) {
                Err(error) if !is_absent(&error) => self.report.failed(gfid, Some(at), &error),
                _ => gone.push(at.clone()),
            }
        }
        gone
    }

    /// Removes dead directories, deepest first, those of one depth side by side.
    fn remove_directories(&mut self, directories: HashMap<Gfid, Entry>) {
        let mut levels: BTreeMap<usize, Vec<(Gfid, Entry)>> = BTreeMap::new();
        for (gfid, at) in &directories {
            levels.entry(depth(&directories, at)).or_default().push((*gfid, at.clone()));
        }
        let mut full = Vec::new();
        for (_, level) in levels.into_iter().rev() {
            let (tree, report) = (self.tree, &self.report);
            let outcomes =
                parallel(
                    self.threads,
                    &level,
                    |(_, at)| {
                        if report.is_over() { Ok(()) } else { tree.rmdir(at) }
                    },
                );
            for ((gfid, at), outcome) in level.into_iter().zip(outcomes) {
                match outcome {
                    Err(error) if matches!(error.errno, Errno::NOTEMPTY | Errno::EXIST) => {
                        full.push((gfid, at))
                    }
                    Err(error) if !is_absent(&error) => self.report.failed(gfid, Some(&at), &error),
                    _ => self.freed(&at),
                }
            }
        }
        let mut room = MOST_ENTRIES;
        for (gfid, at) in full {
            self.report.fate(gfid, &at);
            self.ask_below(gfid, &mut room);
        }
    }

    /// Asks about everything in a dead directory that is not empty: nothing was said about it.
    fn ask_below(&self, directory: Gfid, room: &mut usize) {
        let mut open = vec![directory];
        while let Some(parent) = open.pop() {
            let mut found = Vec::new();
            let read = self.tree.entries(parent, &mut |name, gfid| {
                found.push((Entry { parent, name }, gfid));
                *room = room.saturating_sub(1);
                *room > 0
            });
            self.note_unread(parent, read);
            for (at, gfid) in found {
                self.report.fate(gfid, &at);
                match self.tree.look(gfid) {
                    Ok(Some(seen)) if seen.is_directory() => open.push(gfid),
                    Ok(_) => {}
                    Err(error) => self.report.failed(gfid, Some(&at), &error),
                }
            }
            if *room == 0 || self.report.is_over() {
                return;
            }
        }
    }

    /// Reports a directory that could not be listed; one that is gone is no loss.
    fn note_unread(&self, directory: Gfid, read: Result<(), Error>) {
        if let Err(error) = read
            && !is_absent(&error)
        {
            self.report.failed(directory, None, &error);
        }
    }
}

/// How many of the directories are above `at`.
fn depth(directories: &HashMap<Gfid, Entry>, at: &Entry) -> usize {
    let (mut depth, mut at) = (0, at);
    while let Some(above) = directories.get(&at.parent) {
        depth += 1;
        at = above;
        if depth > directories.len() {
            break;
        }
    }
    depth
}
