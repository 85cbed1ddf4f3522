//! The directories that a scan still has to look into, the next ones of them read ahead by other threads.
//!
//! What was read ahead is a little old when it is used: good enough to see that nothing changed, nothing else.

use super::below::{Below, list};
use super::ground::stat_of;
use super::watch::Watch;
use gsyncd_core::id::Name;
use gsyncd_sys::Error;
use gsyncd_sys::at::Stat;
use std::os::fd::OwnedFd;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

/// How many directories are read ahead at most.
const MOST: usize = 8;
/// Larger ones are not, so that memory stays bounded.
const MOST_NAMES: usize = 4096;

/// A directory that was read.
pub(super) struct Listing {
    pub(super) dir: Arc<OwnedFd>,
    /// Every name, and what it was when it was read; None: nothing, or it could not be told.
    pub(super) names: Vec<(Name, Option<Stat>)>,
}

/// A stack of directories.
pub(super) struct Ahead {
    jobs: Mutex<Jobs>,
    changed: Condvar,
}

struct Jobs {
    stack: Vec<Job>,
    is_over: bool,
}

struct Job {
    below: Arc<Below>,
    state: State,
}

enum State {
    Waiting,
    Taken,
    /// None: it could not be read, or not this way.
    Read(Option<Listing>),
}

impl Ahead {
    pub(super) fn new(first: Below) -> Ahead {
        let ahead =
            Ahead { jobs: Mutex::new(Jobs { stack: Vec::new(), is_over: false }), changed: Condvar::new() };
        ahead.push(first);
        ahead
    }

    fn lock(&self) -> MutexGuard<'_, Jobs> {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'a>(&self, jobs: MutexGuard<'a, Jobs>) -> MutexGuard<'a, Jobs> {
        self.changed.wait(jobs).unwrap_or_else(PoisonError::into_inner)
    }

    /// The next one to be looked into is the one that came last.
    pub(super) fn push(&self, below: Below) {
        self.lock().stack.push(Job { below: Arc::new(below), state: State::Waiting });
        self.changed.notify_one();
    }

    /// The next one, with what was read of it.
    pub(super) fn pop(&self) -> Option<(Arc<Below>, Option<Listing>)> {
        let mut jobs = self.lock();
        while matches!(jobs.stack.last(), Some(Job { state: State::Taken, .. })) {
            jobs = self.wait(jobs);
        }
        let Job { below, state } = jobs.stack.pop()?;
        drop(jobs);
        self.changed.notify_one();
        let State::Read(listing) = state else { return Some((below, None)) };
        Some((below, listing))
    }

    /// Reads ahead until the end of what [`Ahead::work`] returned.
    pub(super) fn read(&self, watch: Option<&Watch>) {
        let mut jobs = self.lock();
        while !jobs.is_over {
            let Some((position, below)) = jobs.take() else {
                jobs = self.wait(jobs);
                continue;
            };
            drop(jobs);
            let listing = read(&below, watch).ok();
            jobs = self.lock();
            // what is taken is not popped, so it is where it was
            if let Some(job) = jobs.stack.get_mut(position) {
                job.state = State::Read(listing);
            }
            self.changed.notify_all();
        }
    }

    /// To be kept for as long as readers are needed.
    pub(super) fn work(&self) -> Working<'_> {
        Working(self)
    }
}

/// At its end the readers go home.
pub(super) struct Working<'a>(&'a Ahead);

impl Drop for Working<'_> {
    fn drop(&mut self) {
        self.0.lock().is_over = true;
        self.0.changed.notify_all();
    }
}

impl Jobs {
    /// Takes the one that will be needed first.
    fn take(&mut self) -> Option<(usize, Arc<Below>)> {
        let next = self.stack.iter_mut().enumerate().rev().take(MOST);
        let (position, job) = next.into_iter().find(|(_, job)| matches!(job.state, State::Waiting))?;
        job.state = State::Taken;
        Some((position, Arc::clone(&job.below)))
    }
}

fn read(below: &Below, watch: Option<&Watch>) -> Result<Listing, Error> {
    let dir = below.enter(watch)?;
    let look = |name: Name| {
        let stat = stat_of(&dir, name.as_bytes()).unwrap_or_default();
        (name, stat)
    };
    let names = list(&dir, MOST_NAMES)?.into_iter().map(look).collect();
    Ok(Listing { dir, names })
}
