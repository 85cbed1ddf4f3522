//! The few lines that a session says in its log. Never a line for a file.

use super::Viewer;
use crate::primary::directory::{Phase, Snapshot};
use indicatif::{HumanBytes, HumanCount};
use std::time::{Duration, Instant};

/// See above.
pub(super) struct Narrator {
    started: Instant,
    phase: Phase,
    was_synced: bool,
    failing: u64,
}

impl Default for Narrator {
    fn default() -> Narrator {
        Narrator { started: Instant::now(), phase: Phase::Starting, was_synced: false, failing: 0 }
    }
}

impl Viewer for Narrator {
    fn look(&mut self, now: &Snapshot) -> Option<Duration> {
        if now.phase != self.phase {
            self.phase = now.phase;
            self.enter(now);
        }
        if (now.failing == 0) != (self.failing == 0) {
            self.judge(now);
        }
        self.failing = now.failing;
        None
    }
}

impl Narrator {
    fn enter(&mut self, now: &Snapshot) {
        match now.phase {
            Phase::Starting | Phase::Connecting | Phase::Ended => {}
            Phase::Scanning => tracing::debug!("looking for what changed"),
            Phase::CatchingUp => tracing::info!("catching up"),
            Phase::Following if self.was_synced => tracing::info!("following"),
            Phase::Following => {
                self.was_synced = true;
                tracing::info!(
                    "up to date: {} objects, {} sent, {} removed in {:.1} s; following",
                    HumanCount(now.done),
                    HumanBytes(now.sent_bytes),
                    HumanCount(now.removed),
                    self.started.elapsed().as_secs_f64()
                );
            }
        }
    }

    fn judge(&self, now: &Snapshot) {
        if now.failing == 0 {
            tracing::info!("everything can be synced again");
            return;
        }
        let reason = now.last_error.as_deref().map_or(String::new(), |error| format!(": {error}"));
        tracing::warn!("{} objects cannot be synced and are tried again{reason}", HumanCount(now.failing));
    }
}
