//! One measurement: a command, what it used, and the `sync` after it.
use gsyncd_lab::census::{processes, processor_time};
use gsyncd_lab::command::run;
use gsyncd_lab::{Done, Failure};
use gsyncd_sys::usage;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// The clock ticks a second of `/proc/…/stat`, the same on every Linux.
const TICKS: f64 = 100.0;

/// What one run took.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Sample {
    /// Wall clock, with the `sync`.
    pub seconds: f64,
    /// Processor time of the command and its children here, and of what it had sshd start.
    pub processor_seconds: f64,
    /// The largest resident set of one process on this side, in MiB.
    pub peak_mebibytes: f64,
}

/// Runs the command to its end, and makes the target's file system durable.
///
/// # Errors
/// It does not start or does not end with 0.
pub fn timed(command: &mut Command, target: &Path) -> Done<Sample> {
    let far = far_side_seconds();
    let start = Instant::now();
    let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = child.spawn().map_err(|error| Failure::new(format!("{command:?}: {error}")))?;
    let complaint = child.stderr.take().map(std::io::read_to_string);
    let usage = usage::wait(child).map_err(|error| Failure::new(error.to_string()))?;
    if !usage.status.success() {
        let complaint = complaint.and_then(Result::ok).unwrap_or_default();
        return Err(Failure::new(format!("{command:?}: {}\n{complaint}", usage.status)));
    }
    settle(target)?;
    let seconds = start.elapsed().as_secs_f64();
    Ok(Sample {
        seconds,
        processor_seconds: usage.processor.as_secs_f64() + far_side_seconds() - far,
        peak_mebibytes: usage.peak_bytes as f64 / 1_048_576.0,
    })
}

/// Makes the file system of a path durable.
///
/// # Errors
/// `sync` fails.
pub fn settle(path: &Path) -> Done {
    run("sync", &["-f".as_ref(), path.as_os_str()]).map(drop)
}

/// What the sessions of the host's sshd that have ended have used: they are its children, or theirs.
fn far_side_seconds() -> f64 {
    let listener = processes().into_iter().find(|process| process.name == "sshd" && process.parent == 1);
    let stat = listener.and_then(|process| fs::read_to_string(format!("/proc/{}/stat", process.pid)).ok());
    let ticks = |stat: String| {
        let (_, after) = stat.rsplit_once(") ")?;
        let mut fields = after.split(' ').skip(13);
        Some(fields.next()?.parse::<f64>().ok()? + fields.next()?.parse::<f64>().ok()?)
    };
    stat.and_then(ticks).unwrap_or_default() / TICKS
}

/// What all processes of this host, but the first one and this one, use while nothing is done for so long.
pub fn idle(bound: Duration) -> Duration {
    let before = processor_time();
    std::thread::sleep(bound);
    processor_time().saturating_sub(before)
}
