//! Looks through the tree and compares it with the map.

use super::ahead::{Ahead, Listing};
use super::below::{Below, is_gone, list};
use super::examine::{Cause, ExamineError, Examiner, Outcome};
use super::ground::{Ground, join, stat_of};
use super::map::Known;
use super::progress::Progress;
use super::watch::Watch;
use gsyncd_core::id::{Entry, Gfid, Name};
use gsyncd_sys::at::Stat;
use gsyncd_sys::{Errno, Error};
use std::collections::HashMap;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::thread;

/// How many threads look at the tree at most.
const MOST_READERS: usize = 8;
/// How often those who watch hear of the scan.
const TELL_EVERY: u64 = 1024;

/// What a scan could not look into, and why; what the secondary has of it is left alone.
#[derive(Debug)]
pub struct Skipped {
    /// Path relative to the root.
    pub path: Vec<u8>,
    /// Why.
    pub error: Error,
}

/// One scan.
pub struct Scan<'a> {
    /// The tree and its map.
    pub ground: &'a Ground,
    /// Where directories are watched before they are read; None: nobody waits for changes.
    pub watch: Option<&'a Watch>,
    /// Who is told.
    pub progress: &'a Progress,
    /// What could not be looked into.
    pub skipped: Vec<Skipped>,
    looked_at: u64,
}

impl<'a> Scan<'a> {
    /// Nothing scanned yet.
    pub fn new(ground: &'a Ground, watch: Option<&'a Watch>, progress: &'a Progress) -> Scan<'a> {
        Scan { ground, watch, progress, skipped: Vec::new(), looked_at: 0 }
    }

    /// The whole tree.
    ///
    /// # Errors
    /// Of the map, or of reading the root.
    pub fn everything(&mut self, examiner: &mut Examiner) -> Result<(), ExamineError> {
        examiner.root(&gsyncd_sys::at::stat_fd(self.ground.root())?)?;
        let ahead = Ahead::new(Below::root(self.ground));
        let (readers, watch) = (thread::available_parallelism().map_or(1, usize::from), self.watch);
        thread::scope(|scope| {
            for _ in 1..readers.clamp(2, MOST_READERS) {
                scope.spawn(|| ahead.read(watch));
            }
            let _working = ahead.work();
            self.walk(&ahead, examiner)
        })?;
        if let Some(skipped) = self.skipped.iter().find(|skipped| skipped.path.is_empty()) {
            return Err(ExamineError::Tree(skipped.error.clone()));
        }
        Ok(())
    }

    /// A directory that is new in the tree, and all below it.
    ///
    /// # Errors
    /// Of the map.
    pub fn below(
        &mut self,
        at: &Entry,
        gfid: Gfid,
        parent: &Arc<OwnedFd>,
        examiner: &mut Examiner,
    ) -> Result<(), ExamineError> {
        let path = join(self.ground.path(at.parent), at.name.as_bytes());
        let below = Below { gfid, parent: Arc::clone(parent), name: at.name.as_bytes().into(), path };
        self.walk(&Ahead::new(below), examiner)
    }

    fn walk(&mut self, open: &Ahead, examiner: &mut Examiner) -> Result<(), ExamineError> {
        while let Some((below, listing)) = open.pop() {
            match self.directory(&below, listing, open, examiner) {
                Err(ExamineError::Tree(error)) if is_gone(&error) => {}
                Err(ExamineError::Tree(error)) => {
                    self.skipped.push(Skipped { path: below.path.clone(), error });
                }
                outcome => outcome?,
            }
        }
        self.tell();
        Ok(())
    }

    fn tell(&self) {
        let looked_at = self.looked_at;
        self.progress.update(|progress| progress.scanned = looked_at);
    }

    fn directory(
        &mut self,
        below: &Below,
        listing: Option<Listing>,
        open: &Ahead,
        examiner: &mut Examiner,
    ) -> Result<(), ExamineError> {
        let Listing { dir, names } = match listing {
            Some(listing) => listing,
            None => {
                let dir = below.enter(self.watch)?;
                let names = list(&dir, usize::MAX)?.into_iter().map(|name| (name, None)).collect();
                Listing { dir, names }
            }
        };
        let mut known: HashMap<Name, Known> = self.ground.map().children(below.gfid)?.into_iter().collect();
        for (name, stat) in names {
            self.looked_at += 1;
            if self.looked_at.is_multiple_of(TELL_EVERY) {
                self.tell();
            }
            let was = known.remove(&name);
            self.entry(below, &dir, (name, stat), was, open, examiner)?;
        }
        for (name, known) in known {
            let at = Entry { parent: below.gfid, name };
            if self.leaves_out(below, &at.name, known.is_directory()) {
                examiner.leave_out(&at, &known)?;
            } else {
                examiner.vanished(&at, &known, Cause::Scan)?;
            }
        }
        Ok(())
    }

    fn entry(
        &mut self,
        below: &Below,
        dir: &Arc<OwnedFd>,
        (name, before): (Name, Option<Stat>),
        known: Option<Known>,
        open: &Ahead,
        examiner: &mut Examiner,
    ) -> Result<(), ExamineError> {
        let is_unchanged = |stat: &Stat| known.is_some_and(|known| known.is_unchanged(stat));
        let stat = match before.filter(is_unchanged) {
            Some(stat) => Some(stat),
            None => stat_of(dir, name.as_bytes())?,
        };
        let Some(stat) = stat else {
            // gone since it was listed
            let Some(known) = known else { return Ok(()) };
            return examiner.vanished(&Entry { parent: below.gfid, name }, &known, Cause::Scan);
        };
        if self.leaves_out(below, &name, stat.is_dir()) {
            let Some(known) = known else { return Ok(()) };
            return examiner.leave_out(&Entry { parent: below.gfid, name }, &known);
        }
        let path = || join(below.path.clone(), name.as_bytes());
        if self.ground.is_other_file_system(&stat) {
            let error = Error::new("fstatat", name.as_bytes(), Errno::XDEV);
            self.skipped.push(Skipped { path: path(), error });
            return Ok(());
        }
        let path = path();
        let at = Entry { parent: below.gfid, name };
        let outcome = match examiner.found(dir, &at, &stat, known.as_ref(), Cause::Scan) {
            Err(ExamineError::Tree(error)) if error.errno == Errno::XDEV => {
                self.skipped.push(Skipped { path, error });
                return Ok(());
            }
            outcome => outcome?,
        };
        let path = stat.is_dir().then_some(path);
        let Some(path) = path else { return Ok(()) };
        let gfid = match outcome {
            Outcome::NewDirectory(gfid) => Some(gfid),
            Outcome::Same => known.map(|known| known.gfid),
            Outcome::Other => self.ground.map().entry(&at)?.map(|known| known.gfid),
        };
        if let Some(gfid) = gfid {
            open.push(Below { gfid, parent: Arc::clone(dir), name: at.name.as_bytes().into(), path });
        }
        Ok(())
    }

    fn leaves_out(&self, below: &Below, name: &Name, is_directory: bool) -> bool {
        self.ground.leaves_out(below.gfid, || below.path.clone(), name.as_bytes(), is_directory)
    }
}
