//! The monitor's life: wait when paused, say `Started`, find the bricks, keep their workers, stop on a signal.

use std::io::{PipeReader, pipe};
use std::os::fd::AsFd;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use gsyncd_core::status::{monitor as state, worker};
use gsyncd_sys::poll;
use gsyncd_sys::signal::{self, Signal, SignalFd};

use super::backoff::Backoff;
use super::distribute::WorkerSpec;
use super::fleet::Fleet;
use super::spawn::{Nursery, WorkerCall};
use super::watch::{self, StatusBoard};
use crate::tree::mount;

/// What workers get after SIGTERM; with the rest of the stop it fits in glusterd's second, and in 300 ms.
const STOP_GRACE: Duration = Duration::from_millis(200);

/// The workers could not be found out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Undiscovered {
    /// Local bricks as far as they are known: they are shown as faulty.
    pub bricks: Vec<PathBuf>,
    /// Why.
    pub reason: String,
}

/// Finds out the workers to run: asks both clusters. It may take its time, and is asked again when it fails.
pub type Discover = Box<dyn Fn() -> Result<Vec<WorkerSpec>, Undiscovered> + Send + Sync>;

/// All that a monitor needs.
pub struct MonitorPlan {
    /// Wait for SIGCONT before anything is done.
    pub pause_on_start: bool,
    /// Directories to sweep of stale mounts.
    pub mount_bases: Vec<PathBuf>,
    /// Port of sshd on the secondary's nodes.
    pub ssh_port: u16,
    /// How long a worker may take to get ready.
    pub connection_timeout: Duration,
    /// How workers are called.
    pub call: WorkerCall,
    /// Which workers.
    pub discover: Discover,
    /// Where states are written.
    pub board: Arc<dyn StatusBoard>,
}

/// Runs the monitor until SIGTERM or SIGINT; returns the exit code, and the process must exit with it at once.
///
/// To be called while there is one thread only (the signal mask is per thread) and with the pid file locked.
///
/// # Errors
/// When signals, pipes or threads cannot be had.
pub fn run(plan: MonitorPlan) -> Result<i32, String> {
    let signals = SignalFd::block(&[Signal::TERM, Signal::INT]).map_err(|error| error.to_string())?;
    if plan.pause_on_start {
        // The session is this process alone so far. Returns after SIGCONT.
        signal::stop_here().map_err(|error| error.to_string())?;
        if signals.next().map_err(|error| error.to_string())?.is_some() {
            return Ok(0);
        }
    }
    // The writer lives as long as this function: its end is what the workers wait for.
    let (liveness, _alive) = pipe().map_err(|error| error.to_string())?;
    let fleet = Arc::new(Fleet::default());
    plan.board.monitor(state::STARTED);
    let workers = Arc::clone(&fleet);
    spawn_thread("discover", move || supervise(plan, &workers, liveness))?;
    wait_for_signal(&signals)?;
    fleet.stop(STOP_GRACE);
    Ok(0)
}

fn wait_for_signal(signals: &SignalFd) -> Result<(), String> {
    loop {
        poll::wait_readable(&[signals.as_fd()], None).map_err(|error| error.to_string())?;
        if signals.next().map_err(|error| error.to_string())?.is_some() {
            return Ok(());
        }
    }
}

fn supervise(plan: MonitorPlan, fleet: &Arc<Fleet>, liveness: PipeReader) {
    sweep(&plan.mount_bases);
    let specs = discover(&plan);
    if specs.is_empty() {
        tracing::info!("no brick of the volume is on this node");
    }
    let common = Arc::new((plan, liveness));
    for spec in specs {
        let (common, fleet) = (Arc::clone(&common), Arc::clone(fleet));
        let started = spawn_thread("brick", move || {
            let (plan, liveness) = &*common;
            let nursery = Nursery { fleet: &fleet, liveness, connection_timeout: plan.connection_timeout };
            watch::keep(&nursery, &plan.call, &spec, plan.ssh_port, plan.board.as_ref());
        });
        if let Err(reason) = started {
            tracing::error!("{reason}");
        }
    }
}

/// Asks until there is an answer: missing keys and an unreachable site heal without a restart.
fn discover(plan: &MonitorPlan) -> Vec<WorkerSpec> {
    let mut told = String::new();
    let mut backoff = Backoff::knocking();
    loop {
        match (plan.discover)() {
            Ok(specs) => return specs,
            Err(undiscovered) => {
                if told != undiscovered.reason {
                    tracing::error!(
                        context = "Monitor",
                        reason = undiscovered.reason,
                        "cannot find out the workers"
                    );
                }
                for brick in &undiscovered.bricks {
                    plan.board.worker(brick, worker::FAULTY, &undiscovered.reason);
                }
                told = undiscovered.reason;
            }
        }
        std::thread::sleep(backoff.pause(Duration::ZERO));
    }
}

fn sweep(bases: &[PathBuf]) {
    for base in bases {
        match mount::sweep_stale(base) {
            Ok(0) => {}
            Ok(count) => tracing::warn!("removed {count} stale mounts below {}", base.display()),
            Err(error) => tracing::warn!("look for stale mounts below {}: {error}", base.display()),
        }
    }
}

fn spawn_thread(name: &str, body: impl FnOnce() + Send + 'static) -> Result<(), String> {
    let started = std::thread::Builder::new().name(name.to_owned()).spawn(body);
    started.map(|_| ()).map_err(|error| format!("start thread {name}: {error}"))
}
