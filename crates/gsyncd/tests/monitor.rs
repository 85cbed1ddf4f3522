//! The monitor as glusterd sees it: real processes, with a worker that does what a file tells it to.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test: helpers outside of test functions may fail too"
)]

use std::ffi::OsString;
use std::fs::File;
use std::io::Write;
use std::os::fd::AsFd;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Arc;
use std::time::{Duration, Instant};

use gsyncd::liveness::{self, BrickGuard};
use gsyncd::program::Program;
use gsyncd::supervise::daemon::{self, Stage};
use gsyncd::supervise::distribute::{Brick, Node, distribute};
use gsyncd::supervise::monitor::{self, MonitorPlan, Undiscovered};
use gsyncd::supervise::spawn::WorkerCall;
use gsyncd::supervise::watch::StatusBoard;
use gsyncd_sys::child::take_inherited;
use gsyncd_sys::lock::is_record_locked;
use gsyncd_sys::signal::{self, Signal};

/// Arguments that make this test binary run [`role_process`] with more words.
const ROLE: [&str; 4] = ["role_process", "--exact", "--nocapture", "--"];
const DIRECTORY_VARIABLE: &str = "MONITOR_TEST_DIRECTORY";

/// Not a test when run alone: the other processes of the tests below.
#[test]
fn role_process() {
    let words: Vec<OsString> = std::env::args_os().skip_while(|word| word != "--").skip(1).collect();
    let Some(role) = words.first() else { return };
    let directory = PathBuf::from(std::env::var_os(DIRECTORY_VARIABLE).unwrap());
    let code = match role.to_str().unwrap() {
        "monitor" => monitor_role(&directory, &words),
        "worker" => worker_role(&directory, &words),
        other => panic!("{other}"),
    };
    std::process::exit(code);
}

fn program() -> Program {
    Program::at(std::env::current_exe().unwrap(), ROLE.iter().map(OsString::from).collect())
}

fn monitor_role(directory: &Path, words: &[OsString]) -> i32 {
    match daemon::daemonise(&directory.join("pid"), program().command(words)) {
        Stage::Caller { exit, message } => {
            eprintln!("{message}");
            exit
        }
        Stage::Daemon(_pid_file) => monitor::run(plan(directory, words)).unwrap(),
    }
}

fn plan(directory: &Path, words: &[OsString]) -> MonitorPlan {
    let bricks = ["/b1", "/b2"].map(|path| Brick {
        host: "h".to_owned(),
        host_uuid: "N".to_owned(),
        path: path.into(),
        subvolume: 1,
    });
    let nodes = [Node { host: "127.0.0.1".to_owned(), uuid: "S".to_owned() }];
    let missing_key = directory.join("missing-key");
    MonitorPlan {
        pause_on_start: words.iter().any(|word| word == "--pause-on-start"),
        mount_bases: vec![directory.to_path_buf()],
        ssh_port: text(directory, "port").parse().unwrap_or(1),
        connection_timeout: Duration::from_millis(700),
        call: WorkerCall {
            program: program(),
            primary: "pvol".into(),
            secondary: "s::svol".into(),
            local_node_id: "N".into(),
            config_file: Some("/c/gsyncd.conf".into()),
            debug: false,
        },
        discover: Box::new(move || match missing_key.exists() {
            true => Err(Undiscovered { bricks: vec!["/b1".into()], reason: "no key".to_owned() }),
            false => Ok(distribute(&bricks, &nodes, "SEC", "N")),
        }),
        board: Arc::new(Board { directory: directory.to_path_buf() }),
    }
}

/// Appends every state to a file.
struct Board {
    directory: PathBuf,
}

impl StatusBoard for Board {
    fn monitor(&self, text: &str) {
        append(&self.directory.join("states"), &format!("monitor {text}"));
    }

    fn worker(&self, brick: &Path, state: &str, error: &str) {
        append(&self.directory.join("states"), &format!("{} {state} {error}", brick.display()));
    }
}

fn append(path: &Path, line: &str) {
    let mut file = File::options().append(true).create(true).open(path).unwrap();
    file.write_all(format!("{line}\n").as_bytes()).unwrap();
}

fn worker_role(directory: &Path, words: &[OsString]) -> i32 {
    assert!(liveness::follow_monitor().unwrap());
    let value = |name: &str| words.iter().skip_while(|word| *word != name).nth(1).unwrap();
    let brick = value("--local-path");
    let _guard = BrickGuard::take(&directory.join("work"), brick, Duration::from_secs(5)).unwrap();
    append(&directory.join("lives"), &format!("{} {}", brick.display(), std::process::id()));
    match text(directory, "mode").trim() {
        "die" => {
            eprintln!("the brick is down");
            return 1;
        }
        "odd" => return 3,
        "not let in" => {
            eprintln!("Permission denied (publickey).");
            return i32::from(gsyncd::exit::NOT_LET_IN);
        }
        "unready" => {}
        mode => {
            drop(take_inherited(value("--feedback-fd").to_str().unwrap().parse().unwrap()).unwrap());
            if mode == "deaf" {
                std::mem::forget(signal::SignalFd::block(&[Signal::TERM]).unwrap());
            }
        }
    }
    append(&directory.join("ready"), &std::process::id().to_string());
    std::thread::sleep(Duration::from_secs(600));
    0
}

/// A session directory; its daemon is killed at the end, whatever the test did.
struct Session {
    directory: tempfile::TempDir,
}

impl Session {
    fn new(mode: &str) -> Session {
        let session = Session { directory: tempfile::tempdir().unwrap() };
        std::fs::write(session.path().join("mode"), mode).unwrap();
        session
    }

    fn path(&self) -> &Path {
        self.directory.path()
    }

    fn call(&self, words: &[&str]) -> Output {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(ROLE).arg("monitor").args(words).env(DIRECTORY_VARIABLE, self.path());
        command.process_group(0).output().unwrap()
    }

    fn start(mode: &str) -> Session {
        let session = Session::new(mode);
        assert_eq!(session.call(&[]).status.code(), Some(0));
        session
    }

    fn pid(&self) -> i32 {
        text(self.path(), "pid").trim().parse().unwrap()
    }

    fn is_locked(&self) -> bool {
        File::options()
            .read(true)
            .write(true)
            .open(self.path().join("pid"))
            .is_ok_and(|file| is_record_locked(file.as_fd()).unwrap())
    }

    /// (brick, pid) of all workers so far.
    fn lives(&self) -> Vec<(String, i32)> {
        let lives = text(self.path(), "lives");
        let split = lives.lines().filter_map(|line| line.split_once(' '));
        split.map(|(brick, pid)| (brick.to_owned(), pid.parse().unwrap())).collect()
    }

    fn states(&self) -> String {
        text(self.path(), "states")
    }

    fn wait_ready(&self, workers: usize) {
        wait_until("workers are ready", 10, || text(self.path(), "ready").lines().count() >= workers);
    }

    fn workers_alive(&self) -> usize {
        self.lives().iter().filter(|(_, pid)| is_alive(*pid)).count()
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        if self.is_locked() {
            let _ = signal::kill_group(self.pid(), Signal::KILL);
        }
    }
}

fn text(directory: &Path, name: &str) -> String {
    std::fs::read_to_string(directory.join(name)).unwrap_or_default()
}

fn stat(pid: i32) -> Option<Vec<String>> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    Some(stat.rsplit_once(") ")?.1.split(' ').map(str::to_owned).collect())
}

fn is_alive(pid: i32) -> bool {
    stat(pid).is_some_and(|fields| fields[0] != "Z")
}

fn wait_until(what: &str, seconds: u64, condition: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(seconds);
    while !condition() {
        assert!(Instant::now() < deadline, "never: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn the_caller_returns_when_the_daemon_has_the_lock_and_a_second_one_is_refused() {
    let session = Session::start("stay");
    assert!(session.is_locked());
    let fields = stat(session.pid()).unwrap();
    assert_eq!(
        (fields[2].as_str(), fields[3].as_str()),
        (session.pid().to_string().as_str(), fields[2].as_str())
    );
    let second = session.call(&[]);
    assert_eq!(second.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&second.stderr).contains("pidfile is taken, exiting."));
    session.wait_ready(2);
    assert!(session.states().starts_with("monitor Started\n"));
    let bricks: std::collections::BTreeSet<String> =
        session.lives().into_iter().map(|(brick, _)| brick).collect();
    assert_eq!(bricks.into_iter().collect::<Vec<_>>(), ["/b1", "/b2"]);
}

#[test]
fn a_worker_is_in_the_group_and_has_the_agreed_words() {
    let session = Session::start("stay");
    session.wait_ready(2);
    let worker = session.lives().into_iter().find(|(brick, _)| brick == "/b2").unwrap().1;
    assert_eq!(stat(worker).unwrap()[2], session.pid().to_string());
    let words = std::fs::read(format!("/proc/{worker}/cmdline")).unwrap();
    let words = String::from_utf8(words).unwrap().replace('\0', " ");
    assert!(words.contains("-- worker pvol s::svol --feedback-fd "), "{words}");
    let rest = "--local-path /b2 --local-node h --local-node-id N --secondary-id SEC --subvol-num 1 \
                --resource-remote 127.0.0.1 --resource-remote-id S -c /c/gsyncd.conf ";
    assert!(words.ends_with(rest), "{words}");
    let environment = std::fs::read(format!("/proc/{worker}/environ")).unwrap();
    assert!(environment.split(|byte| *byte == 0).any(|entry| entry == b"_GSYNCD_CHILD_=1"));
}

#[test]
fn sigterm_to_the_group_or_to_the_monitor_alone_ends_everything_in_time() {
    for mode in ["stay", "deaf"] {
        for signal_it in [signal::kill_group, signal::kill_process] {
            let session = Session::start(mode);
            session.wait_ready(2);
            let before = Instant::now();
            signal_it(session.pid(), Signal::TERM).unwrap();
            wait_until("the lock is free and the workers are gone", 5, || {
                !session.is_locked() && session.workers_alive() == 0
            });
            assert!(before.elapsed() < Duration::from_secs(1), "{:?}", before.elapsed());
            assert!(!session.states().contains("Faulty"), "{}", session.states());
        }
    }
}

#[test]
fn sigkill_of_the_monitor_ends_the_workers_and_the_next_monitor_takes_over() {
    let session = Session::start("deaf");
    session.wait_ready(2);
    signal::kill_process(session.pid(), Signal::KILL).unwrap();
    wait_until("the monitor is dead", 10, || !session.is_locked());
    assert_eq!(session.call(&[]).status.code(), Some(0));
    session.wait_ready(4);
    wait_until("only the new workers live", 10, || {
        (session.lives().len(), session.workers_alive()) == (4, 2)
    });
}

#[test]
fn a_dying_worker_is_restarted_with_growing_pauses_and_its_words_are_told() {
    let session = Session::start("die");
    let before = Instant::now();
    wait_until("three lives per brick", 10, || session.lives().len() >= 6);
    assert!(before.elapsed() < Duration::from_secs(4), "{:?}", before.elapsed());
    let expected = "/b1 Faulty the worker ended with exit code 1; it said: ";
    wait_until("states", 5, || session.states().lines().any(|line| line.starts_with(expected)));
    assert!(session.states().contains("the brick is down\n"), "{}", session.states());
    std::fs::write(session.path().join("mode"), "stay").unwrap();
    session.wait_ready(2);
}

#[test]
fn a_worker_that_is_not_let_in_is_ready_soon_after_the_key_is_there() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let session = Session::new("not let in");
    std::fs::write(session.path().join("port"), listener.local_addr().unwrap().port().to_string()).unwrap();
    assert_eq!(session.call(&[]).status.code(), Some(0));
    let told = "/b1 Faulty the worker was not let in; it said: Permission denied (publickey).";
    wait_until("it is told", 10, || session.states().contains(told));
    wait_until("some tries", 20, || session.lives().len() >= 6);
    std::fs::write(session.path().join("mode"), "stay").unwrap();
    session.wait_ready(2);
}

#[test]
fn an_exit_code_that_no_worker_has_is_told_and_tried_again() {
    let session = Session::start("odd");
    wait_until("it is told", 10, || {
        session.states().contains("/b1 inconsistent the worker ended with exit code 3")
    });
    std::fs::write(session.path().join("mode"), "stay").unwrap();
    session.wait_ready(2);
}

#[test]
fn a_worker_that_does_not_get_ready_is_killed() {
    let session = Session::start("unready");
    wait_until("it is told", 10, || session.states().contains("not ready within 0.7 s and was killed"));
    wait_until("another life", 10, || session.lives().len() >= 3);
}

#[test]
fn a_paused_session_starts_when_it_is_continued() {
    let session = Session::new("stay");
    assert_eq!(session.call(&["--pause-on-start"]).status.code(), Some(0));
    wait_until("it is stopped", 5, || stat(session.pid()).is_some_and(|fields| fields[0] == "T"));
    assert!(session.is_locked());
    assert_eq!(session.states(), "");
    signal::kill_group(session.pid(), Signal::CONT).unwrap();
    session.wait_ready(2);
    assert!(session.states().starts_with("monitor Started\n"));
}

#[test]
fn what_is_missing_at_the_start_may_come_later() {
    let session = Session::new("stay");
    std::fs::write(session.path().join("missing-key"), "").unwrap();
    assert_eq!(session.call(&[]).status.code(), Some(0));
    wait_until("it is told", 5, || session.states().contains("/b1 Faulty no key"));
    std::fs::remove_file(session.path().join("missing-key")).unwrap();
    session.wait_ready(2);
}

#[test]
fn a_pid_file_that_cannot_be_made_is_an_error() {
    let session = Session::new("stay");
    std::fs::create_dir(session.path().join("pid")).unwrap();
    let output = session.call(&[]);
    assert_eq!(output.status.code(), Some(1));
    let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(complaint.contains("pid file "), "{complaint}");
}
