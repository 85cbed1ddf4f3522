//! When to look through the tree for changes that the journal did not tell.

use gsyncd_core::id::Stime;
use std::time::{Duration, Instant};

/// The shortest time from one patrol to the next.
const PERIOD: Duration = Duration::from_secs(45);
/// A patrol that took so long may take this many times as long until the next: it costs two percent at most.
const REST_FACTOR: u32 = 50;

/// The timetable. A patrol looks at what changed since the one before began.
pub struct Patrol {
    due: Instant,
    begun: Instant,
    since: Option<Stime>,
}

impl Patrol {
    /// A timetable that begins now; `progress` is what was synced before. None: the first patrol looks at all.
    #[must_use]
    pub fn starting_at(progress: Option<Stime>) -> Patrol {
        let now = Instant::now();
        Patrol { due: now + PERIOD, begun: now, since: progress }
    }

    /// True when it is time; the patrol begins then.
    pub fn is_due(&mut self) -> bool {
        self.begun = Instant::now();
        self.begun >= self.due
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
