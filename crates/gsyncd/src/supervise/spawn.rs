//! One life of one worker: its command line, its start, the wait for its feedback, its end.

use std::ffi::OsString;
use std::fmt;
use std::io::{PipeReader, pipe};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use gsyncd_core::status::worker;
use gsyncd_sys::child::{self, Watched};
use gsyncd_sys::poll;
use gsyncd_sys::signal::Signal;

use super::daemon::REPORT_VARIABLE;
use super::distribute::{Node, WorkerSpec};
use super::fleet::Fleet;
use crate::exit;
use crate::link::tail::Tail;
use crate::liveness::LIVENESS_VARIABLE;
use crate::program::Program;

const TERMINATION_PAUSE: Duration = Duration::from_millis(50);
const LAST_WORDS_WAIT: Duration = Duration::from_millis(200);

/// What all workers of a session have in common.
#[derive(Debug, Clone)]
pub struct WorkerCall {
    /// How to start a worker: this program, but in tests.
    pub program: Program,
    /// Name of the primary volume.
    pub primary: OsString,
    /// The secondary as `[user@]host::volume`.
    pub secondary: OsString,
    /// This node's uuid.
    pub local_node_id: OsString,
    /// The session's configuration file, absolute; `None` leaves it to the default.
    pub config_file: Option<PathBuf>,
    /// Log at debug level.
    pub debug: bool,
}

impl WorkerCall {
    /// The worker's words (spec: glusterd-interface 9.3, the new form).
    #[must_use]
    pub fn words(&self, spec: &WorkerSpec, node: &Node, feedback: i32) -> Vec<OsString> {
        let mut words: Vec<OsString> = vec!["worker".into(), self.primary.clone(), self.secondary.clone()];
        let options: [(&str, OsString); 8] = [
            ("--feedback-fd", feedback.to_string().into()),
            ("--local-path", spec.brick.path.clone().into_os_string()),
            ("--local-node", spec.brick.host.clone().into()),
            ("--local-node-id", self.local_node_id.clone()),
            ("--secondary-id", spec.secondary_id.clone().into()),
            ("--subvol-num", spec.brick.subvolume.to_string().into()),
            ("--resource-remote", node.host.clone().into()),
            ("--resource-remote-id", node.uuid.clone().into()),
        ];
        words.extend(options.into_iter().flat_map(|(name, value)| [name.into(), value]));
        if let Some(path) = &self.config_file {
            words.extend(["-c".into(), path.clone().into_os_string()]);
        }
        words.extend(self.debug.then(|| "--debug".into()));
        words
    }
}

/// How a worker's life ended.
#[derive(Debug)]
pub enum End {
    /// The monitor itself is ending.
    Stopping,
    /// It could not be started.
    NotStarted(String),
    /// It was killed, because it did not get ready in time.
    NotReady {
        /// What it was given.
        limit: Duration,
        /// The last it said.
        last_words: String,
    },
    /// It ended.
    Ended {
        /// How.
        status: ExitStatus,
        /// The last it said.
        last_words: String,
    },
}

const NOT_LET_IN: i32 = exit::NOT_LET_IN as i32;

impl End {
    /// Whether the worker did not get in: it is worth knocking again soon.
    #[must_use]
    pub fn is_not_let_in(&self) -> bool {
        matches!(self, End::Ended { status, .. } if status.code() == Some(NOT_LET_IN))
    }

    /// What the brick's status says then. An exit code that no worker gives of itself has a text of its own
    /// (spec: glusterd-interface 3.4); the stock monitor then ends with all workers, ours tries again.
    #[must_use]
    pub fn state(&self) -> &'static str {
        match self {
            End::Ended { status, .. }
                if status.code().is_some_and(|code| ![0, 1, NOT_LET_IN].contains(&code)) =>
            {
                worker::INCONSISTENT
            }
            _ => worker::FAULTY,
        }
    }
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (what, last_words) = match self {
            End::Stopping => return f.write_str("the monitor is ending"),
            End::NotStarted(reason) => return write!(f, "the worker did not start: {reason}"),
            End::NotReady { limit, last_words } => (
                format!("the worker was not ready within {} s and was killed", limit.as_secs_f32()),
                last_words,
            ),
            End::Ended { status, last_words } => match (status.code(), status.signal()) {
                (Some(NOT_LET_IN), _) => ("the worker was not let in".to_owned(), last_words),
                (Some(code), _) => (format!("the worker ended with exit code {code}"), last_words),
                (None, signal) => {
                    (format!("the worker was killed by signal {}", signal.unwrap_or(0)), last_words)
                }
            },
        };
        if last_words.is_empty() { f.write_str(&what) } else { write!(f, "{what}; it said: {last_words}") }
    }
}

/// What a worker needs of its monitor.
#[derive(Debug)]
pub struct Nursery<'a> {
    /// All workers.
    pub fleet: &'a Fleet,
    /// The read end of the pipe that tells that the monitor lives.
    pub liveness: &'a PipeReader,
    /// How long a worker may take to get ready (setting `connection-timeout`).
    pub connection_timeout: Duration,
}

/// Runs one worker from start to end.
#[must_use]
pub fn live(nursery: &Nursery<'_>, call: &WorkerCall, spec: &WorkerSpec, node: &Node) -> End {
    match start(nursery, call, spec, node) {
        Ok(Some((worker, feedback))) => {
            let end = watch(worker, &feedback, nursery.connection_timeout);
            nursery.fleet.forget(&spec.brick.path);
            if is_terminated(&end) {
                // glusterd's SIGTERM goes to the whole group: the monitor's main thread is about to see its own.
                std::thread::sleep(TERMINATION_PAUSE);
            }
            if nursery.fleet.is_stopping() { End::Stopping } else { end }
        }
        Ok(None) => End::Stopping,
        Err(reason) => End::NotStarted(reason),
    }
}

fn is_terminated(end: &End) -> bool {
    matches!(end, End::Ended { status, .. } if status.signal() == Some(Signal::TERM.as_raw()))
}

type Started = Option<(Watched, PipeReader)>;

fn start(
    nursery: &Nursery<'_>,
    call: &WorkerCall,
    spec: &WorkerSpec,
    node: &Node,
) -> Result<Started, String> {
    let (feedback, writer) = pipe().map_err(|error| error.to_string())?;
    let liveness = nursery.liveness.try_clone().map_err(|error| error.to_string())?;
    let mut command = call.program.command(call.words(spec, node, writer.as_raw_fd()));
    prepare(&mut command, writer.into(), liveness.into());
    // The command goes with this function, and with it the last writer of the feedback pipe that is not the worker's.
    let worker = nursery.fleet.launch(&spec.brick.path, &mut command).map_err(|error| error.to_string())?;
    Ok(worker.map(|worker| (worker, feedback)))
}

fn prepare(command: &mut Command, feedback: OwnedFd, liveness: OwnedFd) {
    command.env_remove(REPORT_VARIABLE);
    command.env(LIVENESS_VARIABLE, liveness.as_raw_fd().to_string());
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    child::prepare(command, vec![feedback, liveness]);
}

fn watch(mut worker: Watched, feedback: &PipeReader, limit: Duration) -> End {
    let tail = worker.child_mut().stderr.take().map(Tail::follow).unwrap_or_default();
    let deadline = Instant::now() + limit;
    // The worker's end closes the feedback too, so readable means ready or ended; which one, the wait below tells.
    let ready =
        poll::wait_readable(&[feedback.as_fd()], Some(deadline.saturating_duration_since(Instant::now())));
    if !ready.is_ok_and(|ready| ready.contains(&true)) {
        worker.kill_and_reap();
        return End::NotReady { limit, last_words: tail.text(LAST_WORDS_WAIT) };
    }
    match worker.wait(None) {
        Ok(Some(status)) => End::Ended { status, last_words: tail.text(LAST_WORDS_WAIT) },
        Ok(None) => End::NotStarted("it could not be waited for".to_owned()),
        Err(error) => {
            worker.kill_and_reap();
            End::NotStarted(error.to_string())
        }
    }
}
