//! Becoming a daemon without `fork`: this program is started again, and the new process reports when it has the lock.
//!
//! glusterd's call returns only after the daemon holds the pid file's lock, as leader of a process group of its own
//! (spec: glusterd-interface 2.3, 9.2).

use std::io::{Read, Write, pipe};
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::Path;
use std::process::{Command, Stdio};

use gsyncd_sys::child::{self, Watched};

use super::pid_file::PidFile;

/// Tells the new process the descriptor to report on. Children of the daemon must not inherit it.
pub const REPORT_VARIABLE: &str = "_GSYNCD_DAEMON_REPORT_";

/// Exit code when another process has the pid file.
pub const TAKEN_EXIT: i32 = 2;
const TAKEN: &str = "taken";
const LOCKED: &str = "locked";

/// Which of the two processes this is.
#[derive(Debug)]
pub enum Stage {
    /// The one that was called: it exits with this code.
    Caller {
        /// The code.
        exit: i32,
        /// For standard error; empty when all is well.
        message: String,
    },
    /// The daemon, with the lock.
    Daemon(PidFile),
}

/// Starts `again` (this program with its own arguments) as daemon and waits for its lock, or, in the daemon, takes it.
#[must_use]
pub fn daemonise(pid_file: &Path, again: Command) -> Stage {
    match std::env::var(REPORT_VARIABLE) {
        Ok(number) => become_daemon(pid_file, &number),
        Err(_) => call(again).unwrap_or_else(|reason| failed(&reason)),
    }
}

/// The lock in the foreground, for who runs the monitor by hand.
#[must_use]
pub fn stay(pid_file: &Path) -> Stage {
    match PidFile::take(pid_file) {
        Ok(Some(taken)) => Stage::Daemon(taken),
        Ok(None) => taken(),
        Err(error) => failed(&format!("pid file {}: {error}", pid_file.display())),
    }
}

fn taken() -> Stage {
    Stage::Caller { exit: TAKEN_EXIT, message: "pidfile is taken, exiting.".to_owned() }
}

fn failed(reason: &str) -> Stage {
    Stage::Caller { exit: 1, message: reason.to_owned() }
}

fn call(mut again: Command) -> Result<Stage, String> {
    let (mut report, writer) = pipe().map_err(|error| error.to_string())?;
    again.env(REPORT_VARIABLE, writer.as_raw_fd().to_string());
    again.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    child::prepare(&mut again, vec![OwnedFd::from(writer)]);
    let mut daemon = Watched::spawn(&mut again).map_err(|error| error.to_string())?;
    drop(again);
    let mut said = String::new();
    report.read_to_string(&mut said).map_err(|error| error.to_string())?;
    match said.as_str() {
        LOCKED => return Ok(Stage::Caller { exit: 0, message: String::new() }),
        TAKEN => {
            let _ = daemon.wait(None);
            return Ok(taken());
        }
        _ => {}
    }
    let _ = daemon.wait(None);
    Err(if said.is_empty() { "the daemon died before it had its pid file".to_owned() } else { said })
}

fn become_daemon(pid_file: &Path, number: &str) -> Stage {
    let report = number.parse().ok().and_then(|number| child::take_inherited(number).ok());
    let Some(mut report) = report.map(std::fs::File::from) else {
        return failed("the daemon was started without a report descriptor");
    };
    let stage = match child::start_session() {
        Ok(()) => stay(pid_file),
        Err(error) => failed(&error.to_string()),
    };
    let said = match &stage {
        Stage::Daemon(_) => LOCKED,
        Stage::Caller { exit: TAKEN_EXIT, .. } => TAKEN,
        Stage::Caller { message, .. } => message,
    };
    // A caller that has gone does not mind: the daemon runs all the same.
    let _ = report.write_all(said.as_bytes());
    stage
}
