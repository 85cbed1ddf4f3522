//! A gsyncd that follows.
use super::{Mirror, descendants};
use crate::census::Process;
use crate::{Done, Failure, wait};
use rustix::process::{Pid, Signal, kill_process};
use std::fs::{self, OpenOptions};
use std::path::PathBuf;
use std::process::{Child, ExitStatus};
use std::time::{Duration, Instant};

/// What it says once the copy is up to date and changes are followed.
const FOLLOWING: &str = "following";

/// A running gsyncd; it is killed when dropped.
pub struct Follower {
    child: Child,
    log: PathBuf,
    /// How long the log was when it started.
    log_start: usize,
}

impl Follower {
    /// Starts it and does not wait for anything.
    ///
    /// # Errors
    /// It does not start.
    pub fn start(mirror: &Mirror) -> Done<Follower> {
        let log_start = mirror.said().len();
        let log = OpenOptions::new().append(true).open(&mirror.log)?;
        let mut command = mirror.command(&[])?;
        let child = command.stdout(log.try_clone()?).stderr(log).spawn()?;
        Ok(Follower { child, log: mirror.log.clone(), log_start })
    }

    /// What it has said since it was started.
    pub fn said(&self) -> String {
        let bytes = fs::read(&self.log).unwrap_or_default();
        String::from_utf8_lossy(bytes.get(self.log_start..).unwrap_or_default()).into_owned()
    }

    /// Waits until it says that it follows.
    ///
    /// # Errors
    /// It ends, or does not say so within `bound`.
    #[track_caller]
    pub fn wait_following(&mut self, bound: Duration) -> Done {
        self.wait_said(bound, FOLLOWING)
    }

    /// Waits until it has said something, in lower case.
    ///
    /// # Errors
    /// It ends, or does not say so within `bound`.
    #[track_caller]
    pub fn wait_said(&mut self, bound: Duration, words: &str) -> Done {
        let start = Instant::now();
        while !self.said().to_lowercase().contains(words) {
            let ended = self.child.try_wait()?;
            if ended.is_some() || start.elapsed() > bound {
                let said = self.said();
                return Err(Failure::new(format!("{words:?} is not said ({ended:?}); it said:\n{said}")));
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        Ok(())
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The ssh it has started, if any.
    pub fn ssh(&self) -> Vec<Process> {
        descendants(self.child.id(), "ssh")
    }

    /// Sends a signal.
    ///
    /// # Errors
    /// It is not there any more.
    pub fn signal(&self, signal: Signal) -> Done {
        let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        let pid = pid.ok_or_else(|| Failure::new("it has no process id"))?;
        kill_process(pid, signal).map_err(Into::into)
    }

    /// SIGKILL, and gone.
    ///
    /// # Errors
    /// It cannot be waited for.
    pub fn kill(mut self) -> Done {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// SIGTERM; it must have ended, with everything it has started, within some seconds (the promise is one).
    ///
    /// # Errors
    /// It has not.
    #[track_caller]
    pub fn stop(mut self) -> Done<ExitStatus> {
        let ssh = self.ssh();
        let start = Instant::now();
        self.signal(Signal::TERM)?;
        let status = self.wait(Duration::from_secs(5))?;
        println!("stopped after {:.2} s: {status}", start.elapsed().as_secs_f64());
        wait::until(Duration::from_secs(5), "its ssh ends", || {
            let left = crate::census::processes();
            let left: Vec<_> = left.iter().filter(|one| ssh.iter().any(|old| old.pid == one.pid)).collect();
            if left.iter().all(|one| one.zombie) { Ok(()) } else { Err(format!("{left:?}")) }
        })?;
        Ok(status)
    }

    /// Waits until it ends by itself.
    ///
    /// # Errors
    /// It does not within `bound`.
    #[track_caller]
    pub fn wait(&mut self, bound: Duration) -> Done<ExitStatus> {
        let start = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait()? {
                return Ok(status);
            }
            if start.elapsed() > bound {
                return Err(Failure::new(format!("it has not ended within {bound:?}:\n{}", self.said())));
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// The largest resident set it has had, in bytes.
    ///
    /// # Errors
    /// It is not there any more.
    pub fn peak_bytes(&self) -> Done<u64> {
        crate::census::peak_bytes(self.child.id())
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
