//! What could not be made true, collected from all threads.

use super::pool::lock;
use crate::tree::is_fatal;
use gsyncd_core::id::{Entry, Gfid};
use gsyncd_core::truth::{Need, Why};
use gsyncd_sys::{Errno, Error};
use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, OnceLock};

/// The needs of one answer.
#[derive(Default)]
pub(super) struct Report {
    needs: Mutex<Vec<Need>>,
    mentioned: Mutex<HashSet<Gfid>>,
    fatal: OnceLock<Error>,
    changed: AtomicBool,
}

impl Report {
    /// Says that the tree was changed, so that the answer has to wait for the barrier.
    pub(super) fn touch(&self) {
        self.changed.store(true, Ordering::Relaxed);
    }

    /// Whether anything was changed.
    pub(super) fn is_touched(&self) -> bool {
        self.changed.load(Ordering::Relaxed)
    }

    pub(super) fn need(&self, gfid: Gfid, at: Option<&Entry>, why: Why) {
        lock(&self.mentioned).insert(gfid);
        lock(&self.needs).push(Need { gfid, at: at.cloned(), why });
    }

    pub(super) fn extend(&self, needs: Vec<Need>) {
        lock(&self.needs).extend(needs);
    }

    pub(super) fn missing(&self, gfid: Gfid, at: Option<&Entry>) {
        self.need(gfid, at, Why::Missing);
    }

    pub(super) fn fate(&self, gfid: Gfid, at: &Entry) {
        self.need(gfid, Some(at), Why::Fate);
    }

    pub(super) fn failed(&self, gfid: Gfid, at: Option<&Entry>, error: &Error) {
        self.note(error);
        let call = error.to_string().into();
        self.need(gfid, at, Why::Failed { errno: error.raw(), call });
    }

    /// A failure that no system call reported.
    pub(super) fn refused(&self, gfid: Gfid, at: Option<&Entry>, errno: Errno, call: &str) {
        self.need(gfid, at, Why::Failed { errno: errno.raw_os_error(), call: call.into() });
    }

    /// True when something was said about an object already.
    pub(super) fn mentions(&self, gfid: Gfid) -> bool {
        lock(&self.mentioned).contains(&gfid)
    }

    /// Remembers a fatal error.
    pub(super) fn note(&self, error: &Error) {
        if is_fatal(error) {
            // the first one tells the story
            let _ = self.fatal.set(error.clone());
        }
    }

    /// Nothing can work any more.
    pub(super) fn is_over(&self) -> bool {
        self.fatal.get().is_some()
    }

    /// Turns an outcome into a value, reporting the failure against `gfid`.
    pub(super) fn check<T>(&self, gfid: Gfid, at: Option<&Entry>, outcome: Result<T, Error>) -> Option<T> {
        outcome.map_err(|error| self.failed(gfid, at, &error)).ok()
    }

    /// The needs without repetitions, or the fatal error.
    pub(super) fn finish(self) -> Result<Vec<Need>, Error> {
        if let Some(fatal) = self.fatal.into_inner() {
            return Err(fatal);
        }
        let needs = self.needs.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
        let mut said: HashMap<(Gfid, Option<Entry>), Vec<Why>> = HashMap::new();
        let mut unique = Vec::new();
        for need in needs {
            let reasons = said.entry((need.gfid, need.at.clone())).or_default();
            if !reasons.contains(&need.why) {
                reasons.push(need.why.clone());
                unique.push(need);
            }
        }
        Ok(unique)
    }
}
