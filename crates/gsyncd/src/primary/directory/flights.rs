//! Large files on their way: they hold nobody up, and one that changes all the time takes turns with the others.

use gsyncd_core::id::Gfid;
use std::collections::HashMap;
use std::time::{Duration, Instant};

/// Shorter rests are not worth keeping.
const SHORTEST_REST: Duration = Duration::from_millis(200);
/// Longest rest: a large file that is written to all the time is that old on the other side.
const LONGEST_REST: Duration = Duration::from_secs(60);

/// The files on their way, and those that rest after it.
#[derive(Default)]
pub struct Flights {
    /// Since when, and which position of the map they are about.
    under_way: HashMap<Gfid, (Instant, u64)>,
    rests: HashMap<Gfid, Instant>,
}

impl Flights {
    /// A file takes off.
    pub fn begin(&mut self, gfid: Gfid, position: u64) {
        self.under_way.insert(gfid, (Instant::now(), position));
    }

    /// A file arrived, or failed: the position it was about. It rests as long as it took.
    pub fn end(&mut self, gfid: Gfid) -> Option<u64> {
        let (since, position) = self.under_way.remove(&gfid)?;
        let now = Instant::now();
        self.rests.retain(|_, until| *until > now);
        let took = now.duration_since(since);
        if took > SHORTEST_REST {
            self.rests.insert(gfid, now + took.min(LONGEST_REST));
        }
        Some(position)
    }

    /// True while it should not be sent again: it is under way, or was just now.
    #[must_use]
    pub fn rests(&self, gfid: Gfid) -> bool {
        self.under_way.contains_key(&gfid)
            || self.rests.get(&gfid).is_some_and(|until| Instant::now() < *until)
    }

    /// When the next one may be sent again.
    #[must_use]
    pub fn next_due(&self) -> Option<Instant> {
        let now = Instant::now();
        self.rests.values().copied().filter(|until| *until > now).min()
    }

    /// True when nothing is on its way.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.under_way.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::Flights;
    use gsyncd_core::id::Gfid;

    #[test]
    fn a_short_flight_needs_no_rest() {
        let (mut flights, gfid) = (Flights::default(), Gfid([1; 16]));
        flights.begin(gfid, 7);
        assert!(!flights.is_empty() && flights.rests(gfid));
        assert_eq!(flights.end(gfid), Some(7));
        assert_eq!(flights.end(gfid), None);
        assert!(flights.is_empty() && !flights.rests(gfid) && flights.next_due().is_none());
    }
}
