//! Drives the tree to the facts of a batch, whatever state it is in.
//!
//! Nothing here depends on how the tree came to be as it is, so batches may be repeated, replayed after a
//! crash, or come late. What keeps this safe:
//! * the last name of an object that lives on the primary is never removed, at most [`parking`]'d;
//! * an object about which nothing was said loses nothing: the primary is asked first;
//! * nothing is created twice under one gfid.

mod adopt;
mod audit;
mod content;
mod fill;
mod judge;
mod names;
mod parking;
mod place;
mod pool;
mod remove;
mod report;
#[cfg(test)]
mod tests;
mod work;

pub use parking::PARKING;

use crate::tree::{Left, Tree};
use gsyncd_core::id::Gfid;
use gsyncd_core::truth::{Answer, Batch};
use gsyncd_sys::{Errno, Error, Result};
use parking::Parking;
use std::sync::{Arc, Mutex};
use work::Work;

/// Makes batches true in one tree. Batches are applied one after another.
pub struct Engine {
    tree: Arc<dyn Tree>,
    parking: Parking,
    threads: usize,
    /// To be told of with the first answer.
    unsettled: Mutex<Left>,
}

impl Engine {
    /// Opens the tree and finds what an earlier run left parked.
    ///
    /// # Errors
    /// The call that failed.
    pub fn open(tree: Arc<dyn Tree>, threads: usize) -> Result<Engine> {
        let parking = Parking::open(&*tree)?;
        let mut left = tree.unsettled();
        // made by a run that did not come to the end of what it wanted it for: what it knew of the root is lost
        if parking.exists() && !left.directories.contains(&Gfid::ROOT) {
            left.directories.push(Gfid::ROOT);
        }
        Ok(Engine { tree, parking, threads: threads.max(1), unsettled: Mutex::new(left) })
    }

    /// Makes the facts of a batch true. Everything that the answer does not mention is true and durable.
    ///
    /// # Errors
    /// Only an error after which nothing can work any more (see [`crate::tree::is_fatal`]); everything else
    /// is in the answer.
    pub fn apply(&self, batch: &Batch) -> Result<Answer> {
        let before = self.tree.calls();
        self.tree.begin();
        let mut work = Work::new(&*self.tree, &self.parking, self.threads, batch);
        work.resolve();
        work.place();
        work.update();
        work.publish();
        work.remove();
        self.tidy(&work);
        work.dress_directories();
        if work.objects.contains_key(&Gfid::ROOT) {
            self.parking.root_dressed();
        }
        work.audit(&batch.audit);
        work.report_foreign();
        work.report_unsettled(std::mem::take(&mut *pool::lock(&self.unsettled)));
        self.ask_about_parked(&work);
        let needs = self.finish(work)?;
        Ok(Answer { number: batch.number, needs, calls: self.tree.calls().saturating_sub(before) })
    }

    /// Removes the parking directory when it is not used any more.
    fn tidy(&self, work: &Work<'_>) {
        if work.report.is_over() {
            return;
        }
        if let Err(error) = self.parking.tidy(&*self.tree) {
            work.report.failed(PARKING, None, &error);
        }
    }

    /// What stays parked (also by an earlier run) must be spoken about, or it would be lost.
    fn ask_about_parked(&self, work: &Work<'_>) {
        for gfid in self.parking.all() {
            match parking::place(gfid) {
                Ok(at) => work.report.fate(gfid, &at),
                Err(error) => work.report.failed(gfid, None, &error),
            }
        }
    }

    /// Makes all durable before anybody is told that it is done.
    fn finish(&self, work: Work<'_>) -> std::result::Result<Vec<gsyncd_core::truth::Need>, Error> {
        if work.report.is_touched() && !work.report.is_over() {
            // without this nothing may be acknowledged, so it counts as fatal
            self.tree.barrier()?;
        }
        self.check_written(&work);
        work.report.finish()
    }

    /// Believes only what the stored files say of themselves.
    fn check_written(&self, work: &Work<'_>) {
        for (gfid, size) in pool::lock(&work.written).iter() {
            match self.tree.stored_size(*gfid) {
                Ok(Some(stored)) if stored == *size => {}
                Ok(_) => work.report.refused(*gfid, None, Errno::IO, "size after write"),
                Err(error) => work.report.failed(*gfid, None, &error),
            }
        }
    }
}
