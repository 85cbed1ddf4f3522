//! A plain directory, its copy, and the gsyncd between them.
mod process;
mod room;

pub use process::Follower;
pub use room::{FileSystem, Room, Who, on_a_host_with_rooms};

use crate::census::{Process, kill, processes};
use crate::host::place;
use crate::tree::{self, Difference};
use crate::{Done, Failure, wait};
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

/// How the copy is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// By path, on this host.
    Path,
    /// By ssh, through this host's sshd.
    Ssh,
}

/// The pair of directories and how gsyncd is called for it.
pub struct Mirror {
    /// What is replicated.
    pub source: PathBuf,
    /// The copy.
    pub target: PathBuf,
    /// How the copy is reached.
    pub reach: Reach,
    /// Options of the command line, but for those that every call has.
    pub options: Vec<OsString>,
    /// Where gsyncd's standard error goes, of all runs.
    pub log: PathBuf,
    state: PathBuf,
}

impl Mirror {
    /// Makes an empty source; the target is not made.
    ///
    /// # Errors
    /// The file system's.
    pub fn new(room: &Room, name: &str, reach: Reach) -> Done<Mirror> {
        let top = room.path.join(name);
        let mirror = Mirror {
            source: top.join("source"),
            target: top.join("target"),
            reach,
            options: Vec::new(),
            log: top.join("gsyncd.log"),
            state: top.join("state"),
        };
        fs::create_dir_all(&mirror.source)?;
        fs::write(&mirror.log, "")?;
        Ok(mirror)
    }

    /// One more word for the command line.
    pub fn option(&mut self, word: impl Into<OsString>) {
        self.options.push(word.into());
    }

    /// The gsyncd of this host: the lab has put the one under test in the place of glusterd's.
    ///
    /// # Errors
    /// There is none.
    pub fn program() -> Done<PathBuf> {
        Ok(place::libexec()?.join("gsyncd"))
    }

    /// The whole command line, with more options.
    ///
    /// # Errors
    /// There is no gsyncd on this host.
    pub fn command(&self, more: &[&str]) -> Done<Command> {
        let program = Mirror::program()?;
        let mut command = Command::new(&program);
        command.arg("--state-dir").arg(&self.state).args(&self.options).args(more);
        let mut address = OsString::new();
        if self.reach == Reach::Ssh {
            command.arg("--remote-gsyncd").arg(&program);
            address.push(crate::cluster::HOST);
            address.push(":");
        }
        address.push(&self.target);
        command.arg(&self.source).arg(address).stdin(Stdio::null());
        Ok(command)
    }

    /// Runs `--once` with more options to its end, whatever that is; standard error is also added to the log.
    ///
    /// # Errors
    /// It does not start.
    pub fn try_once(&self, more: &[&str]) -> Done<Output> {
        let mut words = vec!["--once"];
        words.extend(more);
        self.output(&words)
    }

    /// Runs it with these options to its end, whatever that is.
    ///
    /// # Errors
    /// It does not start.
    pub fn output(&self, words: &[&str]) -> Done<Output> {
        let output = self.command(words)?.output()?;
        let mut log = fs::OpenOptions::new().append(true).open(&self.log)?;
        std::io::Write::write_all(&mut log, &output.stderr)?;
        Ok(output)
    }

    /// Runs `--once`, which must end with 0 and leave the trees equal.
    ///
    /// # Errors
    /// It did not.
    #[track_caller]
    pub fn once(&self) -> Done {
        let output = self.try_once(&[])?;
        if !output.status.success() {
            return Err(Failure::new(format!("--once: {}\n{}", output.status, said(&output))));
        }
        self.equal()
    }

    /// Starts it in the foreground and returns when it says that it follows.
    ///
    /// # Errors
    /// It ends, or does not say so within `bound`.
    #[track_caller]
    pub fn follow(&self, bound: Duration) -> Done<Follower> {
        let mut follower = Follower::start(self)?;
        follower.wait_following(bound)?;
        Ok(follower)
    }

    /// Are the trees equal now?
    ///
    /// # Errors
    /// The differences.
    #[track_caller]
    pub fn equal(&self) -> Done {
        let differences = self.differences()?;
        if differences.is_empty() {
            return Ok(());
        }
        Err(Failure::new(format!("{}\n{}", tree::report(&differences), self.log_tail())))
    }

    /// What differs between the trees.
    ///
    /// # Errors
    /// One of them cannot be read.
    pub fn differences(&self) -> Done<Vec<Difference>> {
        tree::compare(&self.source, &self.target)
    }

    /// Waits until the trees are equal.
    ///
    /// # Errors
    /// They are not within `bound`: the differences that are left, and what gsyncd said last.
    #[track_caller]
    pub fn equal_within(&self, bound: Duration, phase: &str) -> Done {
        let start = Instant::now();
        self.until(bound, &format!("{phase}: trees are equal"), || {
            let found = self.differences().map_err(|failure| failure.to_string())?;
            if found.is_empty() { Ok(()) } else { Err(tree::report(&found)) }
        })?;
        println!("{phase}: trees are equal after {:.1} s", start.elapsed().as_secs_f64());
        Ok(())
    }

    /// [`wait::until`], with what gsyncd said last in the failure.
    ///
    /// # Errors
    /// `bound` has passed.
    #[track_caller]
    pub fn until<T>(
        &self,
        bound: Duration,
        what: &str,
        attempt: impl FnMut() -> Result<T, String>,
    ) -> Done<T> {
        let outcome = wait::until(bound, what, attempt);
        outcome.map_err(|failure| Failure::new(format!("{failure}\n{}", self.log_tail())))
    }

    /// All that gsyncd said on standard error.
    pub fn said(&self) -> String {
        String::from_utf8_lossy(&fs::read(&self.log).unwrap_or_default()).into_owned()
    }

    /// Its last lines.
    pub fn log_tail(&self) -> String {
        let text = self.said();
        let lines: Vec<&str> = text.lines().collect();
        let tail = lines.get(lines.len().saturating_sub(30)..).unwrap_or_default();
        format!("--- {}\n{}", self.log.display(), tail.join("\n"))
    }

    /// The same path on the other side.
    pub fn copy_of(&self, path: impl AsRef<Path>) -> PathBuf {
        self.target.join(path)
    }
}

/// Both outputs of a run, for a person.
pub fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// The descendants of a process that are called so.
pub fn descendants(of: u32, name: &str) -> Vec<Process> {
    let all = processes();
    let mut family = vec![of];
    // Parents need not come before their children: as often as there may be generations.
    for _ in 0..6 {
        let more: Vec<u32> = all
            .iter()
            .filter(|process| family.contains(&process.parent) && !family.contains(&process.pid))
            .map(|process| process.pid)
            .collect();
        family.extend(more);
    }
    let found = all.into_iter().filter(|process| process.pid != of && family.contains(&process.pid));
    found.filter(|process| process.name == name).collect()
}

/// SIGKILLs all of them; who has just ended by itself is no error. Returns how many there were.
pub fn kill_all(processes: &[Process]) -> usize {
    processes.iter().filter(|process| kill(process).is_ok()).count()
}
