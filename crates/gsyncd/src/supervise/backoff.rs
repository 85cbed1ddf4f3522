//! How long to wait before a worker is started again.

use std::time::Duration;

/// Doubles from the first pause to the longest; a worker that was healthy for long enough starts it over.
#[derive(Debug, Clone)]
pub struct Backoff {
    first: Duration,
    longest: Duration,
    healthy_after: Duration,
    next: Duration,
}

impl Backoff {
    /// First pause, longest pause, and the life of a worker after which its end counts as a first one again.
    #[must_use]
    pub fn new(first: Duration, longest: Duration, healthy_after: Duration) -> Backoff {
        Backoff { first, longest, healthy_after, next: first }
    }

    /// The pause after a worker that lived for so long.
    pub fn pause(&mut self, lived: Duration) -> Duration {
        if lived >= self.healthy_after {
            self.next = self.first;
        }
        let pause = self.next;
        self.next = pause.saturating_mul(2).min(self.longest);
        pause
    }
}

/// The longest pause before another try to get in where nobody lets us in yet: keys are pushed in the background, and
/// who has just pushed them looks at the status.
pub const KNOCK_PAUSE: Duration = Duration::from_secs(3);

const FIRST_PAUSE: Duration = Duration::from_millis(500);
const HEALTHY_AFTER: Duration = Duration::from_secs(60);

impl Backoff {
    /// For knocking at the door: half a second to [`KNOCK_PAUSE`].
    #[must_use]
    pub fn knocking() -> Backoff {
        Backoff::new(FIRST_PAUSE, KNOCK_PAUSE, HEALTHY_AFTER)
    }
}

impl Default for Backoff {
    /// Half a second to ten seconds, over after a minute of health. Stock: always ten seconds.
    fn default() -> Backoff {
        Backoff::new(FIRST_PAUSE, Duration::from_secs(10), HEALTHY_AFTER)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doubles_to_the_limit_and_starts_over_after_health() {
        let mut backoff = Backoff::default();
        let lives = [0, 0, 3, 59, 0, 0, 0, 60, 0];
        let pauses = lives.map(|seconds| backoff.pause(Duration::from_secs(seconds)).as_millis());
        assert_eq!(pauses, [500, 1000, 2000, 4000, 8000, 10_000, 10_000, 500, 1000]);
        let mut knocking = Backoff::knocking();
        assert_eq!([0; 5].map(|_| knocking.pause(Duration::ZERO).as_millis()), [500, 1000, 2000, 3000, 3000]);
    }
}
