//! One brick's thread: find a node, run a worker, tell its fate, again.

use std::path::Path;
use std::time::{Duration, Instant};

use gsyncd_core::status::worker;

use super::backoff::{Backoff, KNOCK_PAUSE};
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
            context = "Monitor",
            brick = %brick.display(),
            secondary_node = %node.host,
            "starting gsyncd worker"
        );
        let started = Instant::now();
        let end = spawn::live(nursery, call, spec, node);
        if matches!(end, End::Stopping) {
            return;
        }
        let reason = end.to_string();
        tracing::error!(context = "Monitor", brick = %brick.display(), %reason, "worker died");
        board.worker(brick, end.state(), &reason);
        let pause = backoff.pause(started.elapsed());
        std::thread::sleep(pause.min(longest_pause(&end, up.is_some())));
    }
}

/// What a pause is cut to, so that a session heals by itself soon after what was missing is there.
fn longest_pause(end: &End, is_up: bool) -> Duration {
    match (is_up, end.is_not_let_in()) {
        (false, _) => UNREACHABLE_PAUSE,
        (true, true) => KNOCK_PAUSE,
        (true, false) => Duration::MAX,
    }
}

#[cfg(test)]
mod tests {
    use super::longest_pause;
    use crate::exit::NOT_LET_IN;
    use crate::supervise::spawn::End;
    use std::os::unix::process::ExitStatusExt as _;
    use std::process::ExitStatus;
    use std::time::Duration;

    fn ended(raw: i32) -> End {
        End::Ended { status: ExitStatus::from_raw(raw), last_words: String::new() }
    }

    #[test]
    fn who_is_not_let_in_knocks_again_soon() {
        let not_let_in = ended(i32::from(NOT_LET_IN) << 8);
        assert_eq!(longest_pause(&not_let_in, true), Duration::from_secs(3));
        assert_eq!(longest_pause(&not_let_in, false), Duration::from_secs(1));
        assert_eq!(longest_pause(&ended(1 << 8), true), Duration::MAX);
        assert_eq!(not_let_in.to_string(), "the worker was not let in");
    }

    /// spec: glusterd-interface 3.4
    #[test]
    fn exit_codes_have_a_status() {
        let codes = [0, 1, i32::from(NOT_LET_IN), 2, 3, 101].map(|code| ended(code << 8).state());
        assert_eq!(codes, ["Faulty", "Faulty", "Faulty", "inconsistent", "inconsistent", "inconsistent"]);
        for signal in [9, 10, 11, 15] {
            assert_eq!(ended(signal).state(), "Faulty");
        }
    }
}
