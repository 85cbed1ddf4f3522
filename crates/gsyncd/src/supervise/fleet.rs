//! The workers that run now, so that all of them can be ended at once and none is started after that.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use gsyncd_sys::child::{Handle, Watched};
use gsyncd_sys::signal::{self, Signal};

#[derive(Debug, Default)]
struct Running {
    is_stopping: bool,
    workers: BTreeMap<PathBuf, Handle>,
}

/// All workers of a monitor.
#[derive(Debug, Default)]
pub struct Fleet {
    running: Mutex<Running>,
}

impl Fleet {
    /// Starts a worker for `brick`; `None` when the monitor is about to end.
    ///
    /// # Errors
    /// What the spawn says.
    pub fn launch(&self, brick: &Path, command: &mut Command) -> gsyncd_sys::Result<Option<Watched>> {
        // Held over the spawn, so that no worker slips in between the stop's look and its end.
        let mut running = self.lock();
        if running.is_stopping {
            return Ok(None);
        }
        let mut worker = Watched::spawn(command)?;
        match worker.handle() {
            Ok(handle) => running.workers.insert(brick.to_path_buf(), handle),
            Err(error) => {
                worker.kill_and_reap();
                return Err(error);
            }
        };
        Ok(Some(worker))
    }

    /// Forgets the worker of `brick`, which has ended.
    pub fn forget(&self, brick: &Path) {
        self.lock().workers.remove(brick);
    }

    /// Whether the monitor is about to end.
    #[must_use]
    pub fn is_stopping(&self) -> bool {
        self.lock().is_stopping
    }

    /// Ends all workers: SIGTERM, and SIGKILL for those that are still there after `grace`.
    ///
    /// When this process leads its group the rest of the group (ssh and the like) gets the SIGTERM too, as it does when
    /// glusterd stops a session; the caller must have it blocked.
    pub fn stop(&self, grace: Duration) {
        let mut running = self.lock();
        running.is_stopping = true;
        if signal::leads_own_group() {
            let _ = signal::signal_own_group(Signal::TERM);
        }
        for worker in running.workers.values() {
            let _ = worker.signal(Signal::TERM);
        }
        let deadline = Instant::now() + grace;
        for worker in running.workers.values() {
            let left = deadline.saturating_duration_since(Instant::now());
            if !worker.has_ended(left).unwrap_or(false) {
                let _ = worker.signal(Signal::KILL);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Running> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
