//! Objects that could not be synced: kept with their reason, tried again, never in the way of the others.

use super::send::Stuck;
use gsyncd_core::id::Gfid;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// First pause before another try; doubles up to [`LAST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_secs(2);
/// Longest pause between tries.
const LAST_PAUSE: Duration = Duration::from_secs(60);

/// The list. It lives in memory only: stime stays below the oldest change in it, so that a restart finds them again.
#[derive(Default)]
pub struct Quarantine {
    stuck: BTreeMap<Gfid, Stuck>,
    pause: Option<Duration>,
    due: Option<Instant>,
}

impl Quarantine {
    /// Adds what is stuck; each is logged once for every new reason.
    pub fn add(&mut self, stuck: Vec<Stuck>) {
        if stuck.is_empty() {
            if self.stuck.is_empty() {
                self.pause = None;
            }
            return;
        }
        for stuck in stuck {
            if self.stuck.get(&stuck.gfid).is_none_or(|known| known.reason != stuck.reason) {
                tracing::error!(%stuck, "cannot be synced, quarantined");
            }
            self.stuck.insert(stuck.gfid, stuck);
        }
        let pause = self.pause.map_or(FIRST_PAUSE, |pause| (pause * 2).min(LAST_PAUSE));
        self.pause = Some(pause);
        self.due = Some(Instant::now() + pause);
    }

    /// Takes all out if it is time to try them again.
    pub fn take_due(&mut self) -> Vec<Stuck> {
        if self.due.is_none_or(|due| Instant::now() < due) {
            return Vec::new();
        }
        self.due = None;
        std::mem::take(&mut self.stuck).into_values().collect()
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.stuck.len()
    }

    /// True when there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.stuck.is_empty()
    }

    /// One of them, for people.
    #[must_use]
    pub fn example(&self) -> Option<&Stuck> {
        self.stuck.values().next()
    }
}
