//! What this process may do, and how an ordinary user does what the mode bits of own files forbid.

use gsyncd_sys::{Errno, Error, Result, at};
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

/// Read, write and search for the owner.
const OWNER_ALL: u32 = 0o700;

/// A change under way.
pub(super) struct Changing<'a> {
    dirty: &'a AtomicBool,
}

impl Drop for Changing<'_> {
    fn drop(&mut self) {
        self.dirty.store(true, Ordering::Release);
    }
}

/// Who this process is, and what it did.
pub(super) struct Access {
    /// Effective user and group.
    pub(super) ids: (u32, u32),
    calls: AtomicU64,
    /// Something was changed that is not durable yet.
    dirty: AtomicBool,
    owners_warned: AtomicBool,
    /// Modes are widened by one thread at a time, so that each finds the right ones to restore.
    widening: Mutex<()>,
}

impl Access {
    pub(super) fn new() -> Access {
        Access {
            ids: at::effective_ids(),
            calls: AtomicU64::new(0),
            // what a killed process left may not be durable
            dirty: AtomicBool::new(true),
            owners_warned: AtomicBool::new(false),
            widening: Mutex::new(()),
        }
    }

    pub(super) fn is_root(&self) -> bool {
        self.ids.0 == 0
    }

    /// Counts calls on the tree.
    pub(super) fn count(&self, calls: u64) {
        self.calls.fetch_add(calls, Ordering::Relaxed);
    }

    pub(super) fn calls(&self) -> u64 {
        self.calls.load(Ordering::Relaxed)
    }

    /// Counts one call that changes something. To be kept until it was made: what a sync finds changed while it
    /// runs is left to the next one.
    #[must_use]
    pub(super) fn change(&self) -> Changing<'_> {
        self.count(1);
        Changing { dirty: &self.dirty }
    }

    /// Whether anything was changed since this was asked last.
    pub(super) fn take_dirty(&self) -> bool {
        self.dirty.swap(false, Ordering::AcqRel)
    }

    /// Something was changed, or what was taken is not durable after all.
    pub(super) fn set_dirty(&self) {
        self.dirty.store(true, Ordering::Release);
    }

    /// Says once that owners are left as they are.
    pub(super) fn warn_owners(&self, error: &Error) {
        if !self.owners_warned.swap(true, Ordering::Relaxed) {
            tracing::warn!(%error, "not root: files keep the owners they can have, and no set-id bits of others'");
        }
    }

    /// Makes a call in directories (or on a file); where the mode bits of the user's own forbid it, they are widened
    /// for the moment.
    pub(super) fn within<T>(&self, places: &[&OwnedFd], mut call: impl FnMut() -> Result<T>) -> Result<T> {
        match call() {
            Err(error) if error.errno == Errno::ACCESS && !self.is_root() => {}
            outcome => return outcome,
        }
        let _one = self.widening.lock().unwrap_or_else(PoisonError::into_inner);
        let mut widened = Vec::new();
        for place in places {
            let mode = at::stat_fd(place)?.mode & 0o7777;
            if mode & OWNER_ALL != OWNER_ALL && at::chmod_handle(place, mode | OWNER_ALL).is_ok() {
                widened.push((place, mode));
            }
        }
        let outcome = call();
        for (place, mode) in widened.into_iter().rev() {
            at::chmod_handle(place, mode)?;
        }
        outcome
    }
}
