//! One brick's thread: find a node, run a worker, tell its fate, again.

use std::path::Path;
use std::time::{Duration, Instant};

use gsyncd_core::status::worker;

use super::backoff::Backoff;
use super::distribute::WorkerSpec;
use super::probe;
use super::spawn::{self, End, Nursery, WorkerCall};

const PROBE_TIMEOUT: Duration = Duration::from_secs(3);
/// Nobody answers: look again soon, so that the session heals by itself when the other site comes back.
const UNREACHABLE_PAUSE: Duration = Duration::from_secs(1);

/// Where the monitor writes what it knows. A failure to write is the board's to log: no worker waits for it.
pub trait StatusBoard: Send + Sync {
    /// The session's state: `Started`.
    fn monitor(&self, text: &str);
    /// A brick's worker state, and why; `error` is empty when nothing is wrong.
    fn worker(&self, brick: &Path, state: &str, error: &str);
}

/// Keeps a worker running for `spec` until the monitor stops.
pub fn keep(
    nursery: &Nursery<'_>,
    call: &WorkerCall,
    spec: &WorkerSpec,
    ssh_port: u16,
    board: &dyn StatusBoard,
) {
    let brick = &spec.brick.path;
    let mut backoff = Backoff::default();
    loop {
        board.worker(brick, worker::INITIALIZING, "");
        let up = probe::first_up(&spec.nodes, ssh_port, PROBE_TIMEOUT);
        // With none up the preferred one is tried all the same: ssh may go through a proxy the probe knows nothing of.
        let node = up.as_ref().unwrap_or(&spec.preferred);
        tracing::info!(
            "starting gsyncd worker [{{brick={}}}, {{secondary_node={}}}]",
            brick.display(),
            node.host
        );
        let started = Instant::now();
        let end = spawn::live(nursery, call, spec, node);
        if matches!(end, End::Stopping) {
            return;
        }
        let reason = end.to_string();
        tracing::error!("worker died [{{brick={}}}, {{reason={reason}}}]", brick.display());
        board.worker(brick, worker::FAULTY, &reason);
        let pause = backoff.pause(started.elapsed());
        std::thread::sleep(if up.is_some() { pause } else { pause.min(UNREACHABLE_PAUSE) });
    }
}
