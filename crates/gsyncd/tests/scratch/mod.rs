//! A scratch directory with a source, and the built binary called in it.
#![allow(clippy::unwrap_used, dead_code, reason = "for tests, each of which uses a part of it")]

use gsyncd_core::url::place::Pair;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

/// Longer than anything takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

pub struct Scratch {
    _directory: tempfile::TempDir,
    pub top: PathBuf,
}

impl Scratch {
    pub fn new() -> Scratch {
        let directory = tempfile::tempdir().unwrap();
        let top = directory.path().canonicalize().unwrap();
        fs::create_dir(top.join("src")).unwrap();
        fs::write(top.join("src/file"), "content").unwrap();
        Scratch { _directory: directory, top }
    }

    pub fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_gsyncd"));
        command.args(words).current_dir(&self.top).stdin(Stdio::null());
        command
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .env("TZ", "UTC")
            .env("XDG_STATE_HOME", self.top.join("xdg"));
        command
    }

    pub fn run(&self, words: &[&str]) -> Output {
        self.command(words).output().unwrap()
    }

    /// With a state of its own, whoever runs the test.
    pub fn session(&self, words: &[&str]) -> Output {
        self.run(&[&["--state-dir", "state"], words].concat())
    }

    /// Exit code and stderr; nothing is on stdout.
    pub fn fails(&self, words: &[&str]) -> (i32, String) {
        let output = self.session(words);
        assert!(output.stdout.is_empty(), "{output:?}");
        (output.status.code().unwrap(), String::from_utf8(output.stderr).unwrap())
    }

    /// An "ssh" that is this script, run in the scratch directory; its words are the arguments.
    pub fn fake_ssh(&self, script: &str) -> String {
        let path = self.top.join("ssh");
        fs::write(&path, format!("#!/bin/sh\ncd '{}'\n{script}\n", self.top.display())).unwrap();
        fs::set_permissions(&path, PermissionsExt::from_mode(0o755)).unwrap();
        path.to_str().unwrap().to_owned()
    }

    pub fn listed(&self) -> Vec<serde_json::Value> {
        let output = self.run(&["status", "--json", "--state-dir", "state"]);
        assert!(output.status.success(), "{output:?}");
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// The state directory of a pair.
    pub fn state_of(&self, source: &str, target: &str) -> PathBuf {
        let pair = Pair::parse(OsStr::new(source), OsStr::new(target)).unwrap();
        self.top.join("state").join(pair.directory_name())
    }
}

pub fn wait_for<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < deadline, "{what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

pub fn terminate(pid: u32) {
    gsyncd_sys::signal::kill_process(pid.try_into().unwrap(), gsyncd_sys::signal::Signal::TERM).unwrap();
}

pub fn ends(mut child: Child) -> (i32, Duration) {
    let start = Instant::now();
    terminate(child.id());
    let status = wait_for("the process ends", || child.try_wait().unwrap());
    (status.code().unwrap(), start.elapsed())
}
