//! `status.json`: at once when something of importance changes, once a second otherwise.

use super::Viewer;
use crate::mode::directory::milliseconds;
use crate::primary::directory::{Phase, Snapshot};
use crate::store::sessions::SessionDir;
use gsyncd_core::status::session::SessionStatus;
use std::time::{Duration, Instant, SystemTime};

const PERIOD: Duration = Duration::from_secs(1);

/// See above.
pub(super) struct StatusWriter {
    dir: SessionDir,
    written: Option<(SessionStatus, Instant)>,
    is_broken: bool,
}

impl StatusWriter {
    /// Writes into the session's directory.
    pub(super) fn new(dir: SessionDir) -> StatusWriter {
        StatusWriter { dir, written: None, is_broken: false }
    }

    fn write(&mut self, status: SessionStatus) {
        let stamped = SessionStatus { updated_ms: milliseconds(SystemTime::now()), ..status.clone() };
        match self.dir.write_status(&stamped) {
            Ok(()) => self.is_broken = false,
            Err(failure) if !self.is_broken => {
                self.is_broken = true;
                tracing::warn!("the status is not written: {failure}");
            }
            Err(_) => {}
        }
        self.written = Some((status, Instant::now()));
    }
}

impl Viewer for StatusWriter {
    fn look(&mut self, now: &Snapshot) -> Option<Duration> {
        let status = status(now);
        if let Some((before, at)) = &self.written {
            if is_same(before, &status) {
                return None;
            }
            let is_urgent = before.phase != status.phase || before.failing != status.failing;
            let left = PERIOD.saturating_sub(at.elapsed());
            if !is_urgent && !left.is_zero() {
                return Some(left);
            }
        }
        self.write(status);
        None
    }
}

/// The wait's beginning comes out a millisecond earlier or later each time.
fn is_same(one: &SessionStatus, other: &SessionStatus) -> bool {
    let close = match (one.waiting_since_ms, other.waiting_since_ms) {
        (Some(one), Some(other)) => one.abs_diff(other) < 100,
        (one, other) => one == other,
    };
    close && *one == SessionStatus { waiting_since_ms: one.waiting_since_ms, ..other.clone() }
}

fn status(now: &Snapshot) -> SessionStatus {
    let waiting_since = now.waiting_since.and_then(|since| SystemTime::now().checked_sub(since.elapsed()));
    SessionStatus {
        pid: std::process::id(),
        phase: phase(now.phase).to_owned(),
        updated_ms: 0,
        synced_ms: now.synced_at.map(milliseconds),
        waiting_since_ms: waiting_since.map(milliseconds),
        backlog: now.backlog(),
        done: now.done,
        sent_bytes: now.sent_bytes,
        removed: now.removed,
        failing: now.failing,
        last_error: now.last_error.clone(),
    }
}

/// For people and programs; never changed.
fn phase(phase: Phase) -> &'static str {
    match phase {
        Phase::Starting => "starting",
        Phase::Connecting => "connecting",
        Phase::Scanning => "scanning",
        Phase::CatchingUp => "catching up",
        Phase::Following => "following",
        Phase::Ended => "ended",
    }
}
