//! Objects that could not be synced: tried again, each in its own time; they hold nobody up.

use crate::primary::send::Stuck;
use gsyncd_core::id::Gfid;
use std::collections::HashMap;
use std::time::{Duration, Instant};

/// First pause before another try; doubles up to [`LAST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_secs(2);
/// Longest pause.
const LAST_PAUSE: Duration = Duration::from_secs(60);
/// Pause for what is only waiting for a change to be heard.
const PASSING_PAUSE: Duration = Duration::from_millis(20);
/// After so many tries of that sort it is taken for a failure.
const PASSING_TRIES: u32 = 8;

/// More are not kept apart: they are tried again with every round.
const MOST: usize = 100_000;

struct Trouble {
    reason: String,
    tries: u32,
    due: Instant,
    passing: bool,
}

/// The list. The map has these marked, so nothing is lost with it.
#[derive(Default)]
pub struct Failing {
    troubles: HashMap<Gfid, Trouble>,
    /// When names that were changing are said again, and how often they were.
    again: Option<(Instant, u32)>,
    /// Something should have passed and did not: a change was not heard of.
    lost: bool,
}

impl Failing {
    /// Notes a failure; told once for each new reason.
    pub fn add(&mut self, stuck: &Stuck) {
        let tries = self.troubles.get(&stuck.gfid).map_or(0, |trouble| trouble.tries) + 1;
        let passing = stuck.passing && tries <= PASSING_TRIES;
        self.lost |= stuck.passing && !passing;
        let pause = if passing {
            PASSING_PAUSE * (1 << tries)
        } else {
            (FIRST_PAUSE * (1 << tries.min(6))).min(LAST_PAUSE)
        };
        let known = self
            .troubles
            .get(&stuck.gfid)
            .is_some_and(|known| !known.passing && known.reason == stuck.reason);
        if !passing && !known {
            tracing::error!(%stuck, "cannot be synced, will be tried again");
        }
        if self.troubles.len() >= MOST && !self.troubles.contains_key(&stuck.gfid) {
            return;
        }
        let trouble = Trouble { reason: stuck.reason.clone(), tries, due: Instant::now() + pause, passing };
        self.troubles.insert(stuck.gfid, trouble);
    }

    /// Names were changing while they were said: they are said again soon.
    pub fn look_again(&mut self) {
        let tries = self.again.map_or(0, |(_, tries)| tries);
        if self.again.is_none_or(|(due, _)| due <= Instant::now()) {
            self.again = Some((Instant::now() + PASSING_PAUSE * (1 << tries), tries + 1));
            if tries >= PASSING_TRIES {
                (self.again, self.lost) = (None, true);
            }
        }
    }

    /// Something was certainly not heard of.
    pub fn look_for_lost(&mut self) {
        self.lost = true;
    }

    /// True, once, when a change seems not to have been heard of.
    pub fn take_lost(&mut self) -> bool {
        std::mem::take(&mut self.lost)
    }

    /// True while it is too early for another try.
    #[must_use]
    pub fn rests(&self, gfid: Gfid) -> bool {
        self.troubles.get(&gfid).is_some_and(|trouble| Instant::now() < trouble.due)
    }

    /// It came out right.
    pub fn forget(&mut self, gfid: Gfid) {
        self.troubles.remove(&gfid);
    }

    /// Something was heard: what waited for that need not wait longer.
    pub fn hurry(&mut self) {
        let now = Instant::now();
        self.troubles.values_mut().filter(|trouble| trouble.passing).for_each(|trouble| trouble.due = now);
        self.again = None;
    }

    /// When the next one is to be tried again.
    #[must_use]
    pub fn next_due(&self) -> Option<Instant> {
        let again = self.again.map(|(due, _)| due);
        self.troubles.values().map(|trouble| trouble.due).chain(again).min()
    }

    /// All that was due at `begun` was tried again: what is still as it was then is not marked any more.
    pub fn sweep(&mut self, begun: Instant) {
        self.troubles.retain(|_, trouble| trouble.due > begun);
        self.again = self.again.filter(|(due, _)| *due > begun);
    }

    /// How many there are, but for those that pass by themselves.
    #[must_use]
    pub fn len(&self) -> usize {
        self.troubles.values().filter(|trouble| !trouble.passing).count()
    }

    /// True when some only wait for a change to be heard.
    #[must_use]
    pub fn has_passing(&self) -> bool {
        self.again.is_some() || self.troubles.values().any(|trouble| trouble.passing)
    }

    /// One of the reasons, for people.
    #[must_use]
    pub fn example(&self) -> Option<String> {
        self.troubles
            .iter()
            .find(|(_, trouble)| !trouble.passing)
            .map(|(gfid, trouble)| format!("{gfid}: {}", trouble.reason))
    }
}

#[cfg(test)]
mod tests {
    use super::Failing;
    use crate::primary::send::Stuck;
    use gsyncd_core::id::Gfid;

    #[test]
    fn what_only_waits_is_no_failure_at_first() {
        let mut failing = Failing::default();
        let gfid = Gfid([1; 16]);
        let stuck = Stuck { gfid, at: None, reason: "x".into(), passing: true, name_only: false };
        failing.add(&stuck);
        assert_eq!((failing.len(), failing.has_passing(), failing.rests(gfid)), (0, true, true));
        failing.hurry();
        assert!(!failing.rests(gfid));
        for _ in 0..20 {
            failing.add(&stuck);
        }
        assert_eq!((failing.len(), failing.has_passing()), (1, false));
        failing.hurry();
        assert!(failing.rests(gfid) && failing.next_due().is_some() && failing.example().is_some());
        failing.forget(gfid);
        assert_eq!(failing.len(), 0);
    }

    #[test]
    fn a_change_that_was_not_heard_of_is_noticed_once() {
        let mut failing = Failing::default();
        failing.look_again();
        assert!(failing.has_passing() && !failing.take_lost());
        let later = std::time::Instant::now() + std::time::Duration::from_secs(1);
        failing.sweep(later);
        assert!(!failing.has_passing() && failing.next_due().is_none());
        let stuck =
            Stuck { gfid: Gfid([1; 16]), at: None, reason: "x".into(), passing: true, name_only: false };
        (0..20).for_each(|_| failing.add(&stuck));
        assert!(failing.take_lost() && !failing.take_lost());
    }
}
