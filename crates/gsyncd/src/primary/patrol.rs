//! When to look through the tree for changes that the journal did not tell.

use gsyncd_core::id::Stime;
use std::time::{Duration, Instant};

/// The shortest time from one patrol to the next.
const PERIOD: Duration = Duration::from_secs(45);
/// A patrol that took so long may take this many times as long until the next: it costs two percent at most.
const REST_FACTOR: u32 = 50;
/// While changes keep coming a patrol waits: live changes wait for it in their turn.
const QUIET: Duration = Duration::from_secs(5);
/// But not for longer than this.
const OVERDUE: Duration = Duration::from_secs(600);

/// The timetable. A patrol looks at what changed since the one before began.
pub struct Patrol {
    due: Instant,
    begun: Instant,
    heard: Instant,
    since: Option<Stime>,
}

impl Patrol {
    /// A timetable that begins now; `progress` is what was synced before. None: the first patrol looks at all.
    #[must_use]
    pub fn starting_at(progress: Option<Stime>) -> Patrol {
        let now = Instant::now();
        Patrol { due: now + PERIOD, begun: now, heard: now, since: progress }
    }

    /// Changes came in by the journal.
    pub fn heard(&mut self) {
        self.heard = Instant::now();
    }

    /// True when it is time; the patrol begins then.
    pub fn is_due(&mut self) -> bool {
        let now = Instant::now();
        self.begun = now;
        let is_quiet = now.duration_since(self.heard) >= QUIET;
        now >= self.due && (is_quiet || now >= self.due + OVERDUE)
    }

    /// What changed since then is to be looked at.
    #[must_use]
    pub fn since(&self) -> Option<Stime> {
        self.since
    }

    /// A patrol is over; the next one looks at what changed since `begun`.
    pub fn done(&mut self, begun: Stime) {
        let rest = self.begun.elapsed() * REST_FACTOR;
        self.due = Instant::now() + rest.max(PERIOD);
        self.since = Some(begun);
    }
}

#[cfg(test)]
mod tests {
    use super::{OVERDUE, PERIOD, Patrol};
    use std::time::Instant;

    /// Moves the timetable into the past, so that nobody has to wait.
    fn after(patrol: &mut Patrol, elapsed: std::time::Duration) -> bool {
        let Some(due) = Instant::now().checked_sub(elapsed) else { return true };
        patrol.due = due;
        patrol.is_due()
    }

    #[test]
    fn a_patrol_waits_for_quiet_but_not_for_ever() {
        let mut patrol = Patrol::starting_at(None);
        assert!(!patrol.is_due());
        patrol.heard();
        assert!(!after(&mut patrol, PERIOD), "changes came in just now");
        assert!(after(&mut patrol, OVERDUE));
        patrol.done(gsyncd_core::id::Stime::at(5));
        assert!(!patrol.is_due());
        assert_eq!(patrol.since(), Some(gsyncd_core::id::Stime::at(5)));
    }
}
