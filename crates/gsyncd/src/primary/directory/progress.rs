//! How far a session is, for those who watch it.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

/// What a session is doing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Phase {
    /// Nothing yet.
    #[default]
    Starting,
    /// Waiting for the secondary.
    Connecting,
    /// Looking for what changed.
    Scanning,
    /// Sending for the first time, or all that changed while it was not running.
    CatchingUp,
    /// Everything known is synced; waiting for changes or sending them as they come.
    Following,
    /// Over.
    Ended,
}

/// A session at one moment. Counts are since the session's start.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    /// What it is doing.
    pub phase: Phase,
    /// Entries looked at by the present scan.
    pub scanned: u64,
    /// Objects known to need syncing, done or not.
    pub found: u64,
    /// Their content in bytes, as far as known.
    pub found_bytes: u64,
    /// Objects synced.
    pub done: u64,
    /// Their content in bytes.
    pub done_bytes: u64,
    /// Bytes of content that went over the link.
    pub sent_bytes: u64,
    /// Names removed on the secondary.
    pub removed: u64,
    /// When everything was last known to be synced.
    pub synced_at: Option<SystemTime>,
    /// Since when the oldest change that is not synced waits; None: nothing waits.
    pub waiting_since: Option<Instant>,
    /// How many objects could not be synced and are tried again.
    pub failing: u64,
    /// The last thing that went wrong.
    pub last_error: Option<String>,
}

impl Snapshot {
    /// Objects that wait.
    #[must_use]
    pub fn backlog(&self) -> u64 {
        self.found.saturating_sub(self.done)
    }

    /// How long the oldest change has waited.
    #[must_use]
    pub fn lag(&self) -> Duration {
        self.waiting_since.map_or(Duration::ZERO, |since| since.elapsed())
    }
}

/// The session's present state, shared with those who show it.
#[derive(Default)]
pub struct Progress {
    state: Mutex<(u64, Snapshot)>,
    changed: Condvar,
}

impl Progress {
    fn lock(&self) -> MutexGuard<'_, (u64, Snapshot)> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes it.
    pub fn update(&self, change: impl FnOnce(&mut Snapshot)) {
        let mut state = self.lock();
        change(&mut state.1);
        state.0 += 1;
        self.changed.notify_all();
    }

    /// Begins a phase.
    pub fn enter(&self, phase: Phase) {
        self.update(|snapshot| snapshot.phase = phase);
    }

    /// The present state and its number.
    #[must_use]
    pub fn now(&self) -> (u64, Snapshot) {
        self.lock().clone()
    }

    /// Waits until the state is another one than number `seen`, or for `timeout`; returns the present one.
    #[must_use]
    pub fn wait(&self, seen: u64, timeout: Option<Duration>) -> (u64, Snapshot) {
        let deadline = timeout.map(|timeout| Instant::now() + timeout);
        let mut state = self.lock();
        while state.0 == seen {
            state = match deadline {
                None => self.changed.wait(state).unwrap_or_else(PoisonError::into_inner),
                Some(deadline) => {
                    let left = deadline.saturating_duration_since(Instant::now());
                    if left.is_zero() {
                        break;
                    }
                    self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0
                }
            };
        }
        state.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::{Phase, Progress};
    use std::time::Duration;

    #[test]
    fn a_change_is_seen_at_once_and_nothing_is_seen_without_one() {
        let progress = Progress::default();
        let (seen, _) = progress.now();
        progress.enter(Phase::Scanning);
        let (later, snapshot) = progress.wait(seen, None);
        assert_eq!(snapshot.phase, Phase::Scanning);
        assert_eq!(progress.wait(later, Some(Duration::from_millis(1))).0, later);
    }
}
