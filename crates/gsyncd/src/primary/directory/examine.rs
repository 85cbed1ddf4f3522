//! Compares one name, or what is left of it, with the map, and marks what the secondary has to hear.

use super::ground::{Found, Ground, stat_of};
use super::map::{Changes, Known, Map, MapError};
use gsyncd_core::id::{Entry, Gfid};
use gsyncd_sys::at::Stat;
use gsyncd_sys::{Error, at};
use std::collections::HashMap;
use std::os::fd::OwnedFd;

/// Objects that lost a name are remembered until they are met elsewhere; of more than this some are sent again.
const LEFT_LIMIT: usize = 200_000;

/// Why a name is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// All are.
    Scan,
    /// Something happened to it.
    Event {
        /// The content was written to.
        written: bool,
    },
    /// It was too young a moment ago. Had anything happened to it since, that was looked at before.
    Again,
}

/// What a name turned out to hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// What it did before.
    Same,
    /// A directory that was not in the tree before.
    NewDirectory(Gfid),
    /// Anything else.
    Other,
}

/// What keeps an examination from being finished.
#[derive(Debug)]
pub enum ExamineError {
    /// The map is of no use any more.
    Map(MapError),
    /// The tree cannot be read here.
    Tree(Error),
}

impl From<MapError> for ExamineError {
    fn from(error: MapError) -> ExamineError {
        ExamineError::Map(error)
    }
}

impl From<Error> for ExamineError {
    fn from(error: Error) -> ExamineError {
        ExamineError::Tree(error)
    }
}

/// Compares names with the map.
pub struct Examiner<'a> {
    ground: &'a Ground,
    map: &'a Map,
    /// Directories that lost a name; those without any are taken out of the map by [`Examiner::bury`].
    orphans: Vec<Gfid>,
    /// What was known of objects that lost a name.
    left: HashMap<Gfid, Known>,
    /// Names whose holder changed just now: to be looked at once more.
    young: Vec<Entry>,
}

impl<'a> Examiner<'a> {
    /// Nothing examined yet.
    pub fn new(ground: &'a Ground) -> Examiner<'a> {
        Examiner { ground, map: ground.map(), orphans: Vec::new(), left: HashMap::new(), young: Vec::new() }
    }

    /// Names to be looked at again a little later: their last change is too young to tell it from the next.
    pub fn take_young(&mut self) -> Vec<Entry> {
        std::mem::take(&mut self.young)
    }

    /// The root itself.
    ///
    /// # Errors
    /// Only of the map.
    pub fn root(&mut self, stat: &Stat) -> Result<(), ExamineError> {
        if self.map.root()?.is_none_or(|known| !known.is_unchanged(stat)) {
            self.map.set_root(Known::from_stat(Gfid::ROOT, stat))?;
            self.map.mark(Gfid::ROOT, Changes::META)?;
        }
        Ok(())
    }

    /// A name that holds something.
    ///
    /// # Errors
    /// When it cannot be looked at, but for its having gone.
    pub fn found(
        &mut self,
        dir: &OwnedFd,
        at: &Entry,
        stat: &Stat,
        known: Option<&Known>,
        cause: Cause,
    ) -> Result<Outcome, ExamineError> {
        if known.is_some_and(|known| known.is_unchanged(stat)) {
            return Ok(Outcome::Same);
        }
        let Some(gfid) = at::absent_is_none(self.ground.identify_here(dir, at.name.as_bytes()))? else {
            return Ok(Outcome::Other);
        };
        let now = self.seen(gfid, at, stat);
        match known {
            Some(known) if known.gfid == gfid => self.changed(at, known, now, stat, cause),
            _ => self.appeared(at, known, now, stat, cause),
        }
    }

    /// What is to be remembered of a look.
    fn seen(&mut self, gfid: Gfid, at: &Entry, stat: &Stat) -> Known {
        let known = Known::from_stat(gfid, stat);
        if known.young {
            self.young.push(at.clone());
        }
        known
    }

    fn changed(
        &mut self,
        at: &Entry,
        known: &Known,
        now: Known,
        stat: &Stat,
        cause: Cause,
    ) -> Result<Outcome, ExamineError> {
        self.map.put(at, now)?;
        if cause == Cause::Again && known.has_same_times(stat) {
            return Ok(Outcome::Other);
        }
        let content = match cause {
            _ if !stat.is_file() => Changes::META,
            Cause::Event { written: true } => Changes::DATA,
            _ if !known.seems_to_have_content_of(stat) => Changes::DATA,
            Cause::Event { written: false } => Changes::META,
            Cause::Scan | Cause::Again => Changes::DOUBT,
        };
        self.map.mark(now.gfid, content.and(Changes::META))?;
        Ok(Outcome::Other)
    }

    fn appeared(
        &mut self,
        at: &Entry,
        known: Option<&Known>,
        now: Known,
        stat: &Stat,
        cause: Cause,
    ) -> Result<Outcome, ExamineError> {
        let before = match self.map.names(now.gfid)?.first() {
            Some(other) => self.map.entry(other)?,
            None => self.left.get(&now.gfid).copied(),
        };
        self.map.put(at, now)?;
        if let Some(former) = known {
            self.lost(at, former, cause == (Cause::Event { written: true }))?;
        }
        let content = match before {
            None => Changes::DATA,
            Some(_) if !stat.is_file() => Changes::META,
            Some(_) if cause == (Cause::Event { written: true }) => Changes::DATA,
            Some(before) if !before.seems_to_have_content_of(stat) => Changes::DATA,
            // renaming and linking move the time of the last change: it tells nothing about the content
            Some(_) if matches!(cause, Cause::Event { .. }) => Changes::META,
            Some(_) => Changes::DOUBT,
        };
        self.map.mark(now.gfid, content.and(Changes::META).and(Changes::NAMES))?;
        if now.is_directory() && before.is_none() {
            return Ok(Outcome::NewDirectory(now.gfid));
        }
        Ok(Outcome::Other)
    }

    /// A name that holds nothing any more, or nothing that is replicated.
    ///
    /// # Errors
    /// Only of the map.
    pub fn vanished(&mut self, at: &Entry, known: &Known, cause: Cause) -> Result<(), ExamineError> {
        self.map.remove(at)?;
        self.lost(at, known, cause == (Cause::Event { written: true }))
    }

    fn lost(&mut self, at: &Entry, former: &Known, written: bool) -> Result<(), ExamineError> {
        self.map.mark_name(at.clone(), former.gfid)?;
        // it may live under another name, which tells nothing of what was done through this one
        if written {
            self.map.mark(former.gfid, Changes::DATA.and(Changes::META))?;
        } else if !self.map.names(former.gfid)?.is_empty() {
            self.map.mark(former.gfid, self.content_since(former).and(Changes::META))?;
        }
        if self.left.len() < LEFT_LIMIT {
            self.left.insert(former.gfid, *former);
        }
        if former.is_directory() {
            self.orphans.push(former.gfid);
        }
        Ok(())
    }

    /// A name that is left out by now, with all below it: forgotten, but not said. The secondary keeps it as it is.
    ///
    /// # Errors
    /// Only of the map.
    pub fn leave_out(&mut self, at: &Entry, known: &Known) -> Result<(), ExamineError> {
        self.map.remove(at)?;
        let mut open = if known.is_directory() { vec![known.gfid] } else { Vec::new() };
        while let Some(dir) = open.pop() {
            if !self.map.names(dir)?.is_empty() {
                continue;
            }
            self.ground.forget(dir);
            for (name, known) in self.map.children(dir)? {
                self.map.remove(&Entry { parent: dir, name })?;
                if known.is_directory() {
                    open.push(known.gfid);
                }
            }
        }
        Ok(())
    }

    /// True when an object lost a name and no other is known.
    ///
    /// # Errors
    /// Only of the map.
    pub fn has_nameless(&self) -> Result<bool, ExamineError> {
        for gfid in self.left.keys().chain(&self.orphans) {
            if self.map.names(*gfid)?.is_empty() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// True when a name holds one of those that lost their last known name, or a new directory, which may hold some.
    ///
    /// # Errors
    /// When the name cannot be looked at.
    pub fn holds_nameless(&self, at: &Entry) -> Result<bool, ExamineError> {
        // a directory that is not found may itself be one of them
        let Some(dir) = self.ground.dir(at.parent)? else { return Ok(true) };
        let name = at.name.as_bytes();
        let Some(stat) = stat_of(&dir, name)? else { return Ok(false) };
        let Some(gfid) = at::absent_is_none(self.ground.identify_here(&dir, name))? else { return Ok(false) };
        Ok((stat.is_dir() || self.left.contains_key(&gfid)) && self.map.names(gfid)?.is_empty())
    }

    /// What may have become of the content of an object that lost a name and has others: it may have been written to
    /// through one that came and went and was never known.
    fn content_since(&self, former: &Known) -> Changes {
        match self.ground.find(former.gfid) {
            _ if !former.is_file() => Changes::META,
            Ok(Found::Here(place)) if former.seems_to_have_content_of(&place.stat) => Changes::META,
            Ok(Found::Here(_)) => Changes::DATA,
            Ok(Found::Gone | Found::Moving) | Err(_) => Changes::DOUBT,
        }
    }

    /// When all was examined: directories without a name are gone, and everything in them. Returns them.
    ///
    /// # Errors
    /// Only of the map.
    pub fn bury(&mut self) -> Result<Vec<Gfid>, ExamineError> {
        let mut gone = Vec::new();
        while let Some(orphan) = self.orphans.pop() {
            if self.map.names(orphan)?.is_empty() {
                self.empty(orphan, &mut gone)?;
            }
        }
        Ok(gone)
    }

    /// Takes what is below a directory out of the map, children first.
    fn empty(&mut self, dir: Gfid, gone: &mut Vec<Gfid>) -> Result<(), ExamineError> {
        let mut open = vec![(dir, None, self.map.children(dir)?)];
        while let Some((dir, at, children)) = open.last_mut() {
            let dir = *dir;
            if let Some((name, known)) = children.pop() {
                let at = Entry { parent: dir, name };
                self.map.remove(&at)?;
                // one that has another name by now moved out before the end
                if known.is_directory() && self.map.names(known.gfid)?.is_empty() {
                    open.push((known.gfid, Some((at, known)), self.map.children(known.gfid)?));
                    continue;
                }
                self.map.mark_name(at, known.gfid)?;
                if !self.map.names(known.gfid)?.is_empty() {
                    // what was done through this name was not looked at: its directory is gone
                    self.map.mark(known.gfid, Changes::DOUBT.and(Changes::META))?;
                }
                continue;
            }
            self.ground.forget(dir);
            gone.push(dir);
            if let Some((at, known)) = at.take() {
                self.map.mark_name(at, known.gfid)?;
            }
            open.pop();
        }
        Ok(())
    }
}
