//! The session's daemon as glusterd starts, asks for and ends it: the built binary, a lock test of another program's
//! (spec: glusterd-interface 2.3, 2.4, 9.2), and clusters that are scripts.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test: helpers outside of test functions may fail too"
)]

use gsyncd_sys::lock::FlockGuard;
use gsyncd_sys::signal::{self, Signal};
use gsyncd_sys::xattr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant};

const NODE: &str = "00000000-1111-2222-3333-444444444444";
const PATIENCE: Duration = Duration::from_secs(30);

/// glusterd's test, step by step: open for reading and writing, `lockf(F_TEST)` at the start; read the pid, which moves
/// the offset; test again. Prints `TEST TEST PID`.
const GLUSTERD: &str = "import os,sys
def test(fd):
    try: os.lockf(fd, os.F_TEST, 0)
    except OSError: return 'held'
    return 'free'
try: fd = os.open(sys.argv[1], os.O_RDWR)
except OSError: print('free', 'free', 0); sys.exit()
first = test(fd)
pid = os.read(fd, 1023)
print(first, test(fd), int(pid))";

struct Machine {
    directory: tempfile::TempDir,
}

impl Machine {
    /// A created session, and clusters that do not answer.
    fn new() -> Machine {
        let machine = Machine { directory: tempfile::tempdir().unwrap() };
        fs::create_dir_all(machine.session()).unwrap();
        for name in ["run", "bin", "brick"] {
            fs::create_dir(machine.path(name)).unwrap();
        }
        machine.program("gluster", "exit 1");
        machine.program("ssh", "exit 255");
        let top = machine.directory.path().display();
        let settings = [
            format!("gluster-rundir = {top}/run"),
            format!("gsyncd-miscdir = {top}/misc"),
            format!("gluster-logdir = {top}/log"),
            format!("gluster-command-dir = {top}/bin"),
            format!("ssh-command = {top}/bin/ssh"),
            "stime-xattr-prefix = user.glusterfs.p.s".to_owned(),
        ];
        fs::write(machine.session().join("gsyncd.conf"), format!("[vars]\n{}\n", settings.join("\n")))
            .unwrap();
        machine
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn session(&self) -> PathBuf {
        self.path("geo-replication/pvol_localhost_svol")
    }

    fn pid_file(&self) -> PathBuf {
        self.path("run/gsyncd-pvol-localhost-svol.pid")
    }

    fn program(&self, name: &str, script: &str) {
        let path = self.path("bin").join(name);
        fs::write(&path, format!("#!/bin/sh\ncd '{}'\n{script}\n", self.directory.path().display())).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    fn run(&self, words: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_gsyncd"));
        command.args(words).env_clear().env("PATH", "/usr/bin:/bin").env("TZ", "UTC");
        command.env("GLUSTERD_WORKDIR", self.directory.path()).env("_GLUSTERD_CALLED_", "1");
        // glusterd may have been started by somebody who came by ssh
        command.env("SSH_ORIGINAL_COMMAND", "systemctl start glusterd");
        command.process_group(0).output().unwrap()
    }

    /// The call of `start` (spec: glusterd-interface 1.4, MON).
    fn start(&self, more: &[&str]) -> Output {
        let uuid = format!("--glusterd-uuid={NODE}");
        let words = [
            "--path=/b1 --path=/b2 ",
            "--monitor",
            "-c",
            "C",
            "--iprefix=/var",
            ":pvol",
            &uuid,
            "localhost::svol",
        ];
        self.run(&[&words[..], more].concat())
    }

    /// What glusterd finds: both tests, and the pid.
    fn look(&self) -> (String, i32) {
        let output = Command::new("python3").args(["-c", GLUSTERD]).arg(self.pid_file()).output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let (tests, pid) = text.trim().rsplit_once(' ').unwrap_or_else(|| panic!("{text}"));
        (tests.to_owned(), pid.parse().unwrap())
    }

    fn state(&self) -> String {
        fs::read_to_string(self.session().join("monitor.status")).unwrap_or_default()
    }

    fn brick_status(&self) -> String {
        let name = format!("brick_{}.status", self.path("brick").to_str().unwrap().replace('/', "%2F"));
        fs::read_to_string(self.session().join(name)).unwrap_or_default()
    }

    fn status(&self) -> String {
        let words =
            ["-c", "C", "--iprefix=/var", ":pvol", "localhost::svol", "--status-get", "--path", "/b1"];
        String::from_utf8(self.run(&words).stdout).unwrap()
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        if let ("held held", pid) = (self.look().0.as_str(), self.look().1) {
            let _ = signal::kill_group(pid, Signal::KILL);
        }
    }
}

#[track_caller]
fn wait_until(what: &str, condition: impl Fn() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !condition() {
        assert!(Instant::now() < deadline, "never: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Field of `/proc/PID/stat` after the name: 0 is the state, 2 the process group, 3 the session.
fn stat(pid: i32, field: usize) -> String {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let after = stat.rsplit_once(") ").map_or("", |(_, after)| after);
    after.split(' ').nth(field).unwrap_or_default().to_owned()
}

#[test]
fn glusterd_starts_asks_and_stops() {
    let machine = Machine::new();
    assert_eq!(machine.look(), ("free free".to_owned(), 0));
    let started = machine.start(&[]);
    assert_eq!((started.status.code(), started.stdout.len()), (Some(0), 0), "{started:?}");
    // at once: a look right after the start must not find it stopped
    let (tests, pid) = machine.look();
    assert_eq!(tests, "held held");
    assert_eq!((stat(pid, 2), stat(pid, 3)), (pid.to_string(), pid.to_string()));
    wait_until("it says Started", || machine.state() == "Started");
    let second = machine.start(&[]);
    assert_eq!(second.status.code(), Some(2));
    assert_eq!(String::from_utf8(second.stderr).unwrap(), "pidfile is taken, exiting.\n");
    assert_eq!(machine.look(), ("held held".to_owned(), pid));
    assert!(!machine.status().contains("Stopped"));
    signal::kill_group(pid, Signal::TERM).unwrap();
    // twenty times fifty milliseconds, and then it would be SIGKILL
    let is_free = |_: &i32| {
        std::thread::sleep(Duration::from_millis(50));
        machine.look().0 == "free free"
    };
    assert!((0..20).any(|time| is_free(&time)), "it is not gone in a second");
    assert_eq!(machine.state(), "Started");
    assert!(machine.status().contains("worker_status: Stopped\n"));
}

#[test]
fn a_paused_session_stays_paused_until_it_is_continued() {
    let machine = Machine::new();
    fs::write(machine.session().join("monitor.status"), "Paused").unwrap();
    assert_eq!(machine.start(&["--pause-on-start"]).status.code(), Some(0));
    let (tests, pid) = machine.look();
    assert_eq!(tests, "held held");
    wait_until("it is stopped", || stat(pid, 0) == "T");
    assert_eq!(machine.state(), "Paused");
    assert!(machine.status().contains("worker_status: Paused\n"));
    signal::kill_group(pid, Signal::CONT).unwrap();
    wait_until("it says Started", || machine.state() == "Started");
}

/// A stopped process holds the state file's lock: glusterd's `pause` must get through all the same (spec:
/// glusterd-interface 2.4).
#[test]
fn a_state_is_written_while_a_stopped_process_has_the_lock() {
    let machine = Machine::new();
    let state = machine.session().join("monitor.status");
    fs::write(&state, "Started").unwrap();
    let lock = FlockGuard::lock(fs::File::open(&state).unwrap()).unwrap();
    let output =
        machine.run(&["--create", "Paused", "-c", "C", "--iprefix=/var", ":pvol", "localhost::svol"]);
    assert!(output.status.success(), "{output:?}");
    assert_eq!(machine.state(), "Paused");
    drop(lock);
}

/// spec: glusterd-interface 9.1
#[test]
fn the_log_is_where_it_is_configured_or_on_stderr() {
    let machine = Machine::new();
    let create = |text: &str, more: &[&str]| {
        let words = ["--create", text, "-c", "C", "--iprefix=/var", ":pvol", "localhost::svol"];
        let output = machine.run(&[&words[..], more].concat());
        assert!(output.status.success() && output.stdout.is_empty(), "{output:?}");
        String::from_utf8(output.stderr).unwrap()
    };
    let told = |text: &str, log: &str| {
        let rest = format!("] <top>: Monitor Status Change [{{status={text}}}]\n");
        log.contains(" I [monitor_status(monitor-status):") && log.ends_with(&rest)
    };
    let log = machine.path("log/geo-replication/pvol_localhost_svol/gsyncd.log");
    let debugged = create("Created", &["--debug"]);
    assert!(told("Created", &debugged) && !log.exists(), "{debugged}");
    assert_eq!(create("Stopped", &[]), "");
    assert!(told("Stopped", &fs::read_to_string(&log).unwrap()));
    fs::rename(&log, log.with_extension("1")).unwrap();
    create("Started", &[]);
    assert!(told("Started", &fs::read_to_string(&log).unwrap()));
    // something else is in the way: the work goes on
    fs::remove_dir_all(machine.path("log")).unwrap();
    fs::write(machine.path("log"), "").unwrap();
    let aside = create("Paused", &[]);
    assert!(told("Paused", &aside), "{aside}");
    assert_eq!(machine.state(), "Paused");
}

/// spec: glusterd-interface 3.6
#[test]
fn a_session_without_a_file_is_told_in_the_log() {
    let machine = Machine::new();
    let file = machine.session().join("gsyncd.conf");
    let log = |words: &[&str]| {
        let output = machine.run(&[words, &["--debug"]].concat());
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stderr).unwrap()
    };
    let status = ["status", "pvol", "localhost::svol", "--local-path", "/b1"];
    let told = |text: &str| text.contains("Session config file not exists");
    assert!(!told(&log(&status)));
    fs::rename(&file, machine.session().join("other.conf")).unwrap();
    for words in [&status[..], &["config-get", "pvol", "localhost::svol"], &["delete", "pvol", "x::svol"]] {
        let host = if words[0] == "delete" { "x" } else { "localhost" };
        let path = machine.path("geo-replication").join(format!("pvol_{host}_svol/gsyncd.conf"));
        let want = format!(
            "Session config file not exists, using the default config [{{path={}}}]\n",
            path.display()
        );
        let text = log(words);
        let line = text.split_inclusive('\n').find(|line| line.ends_with(&want));
        assert!(line.is_some_and(|line| line.contains("] W [session(")), "{words:?}: {text}");
    }
    let other = machine.session().join("other.conf");
    assert!(!told(&log(&[&status[..], &["-c", other.to_str().unwrap()]].concat())));
    // a command without a session has none
    assert!(!told(&log(&["config-check", "log-level", "--value", "DEBUG"])));
}

/// spec: glusterd-interface 8.4
#[test]
fn a_glusterd_of_the_old_generation_gets_the_rows_it_knows() {
    let machine = Machine::new();
    assert!(machine.status().starts_with("secondary_node: N/A\nslave_node: N/A\nworker_status: Stopped\n"));
    let template = machine.path("geo-replication/gsyncd_template.conf");
    let series = ["--config-set-rx", "gluster-command-dir", "/usr/sbin/", "."];
    assert!(machine.run(&[&["-c", template.to_str().unwrap()], &series[..]].concat()).status.success());
    let rows = machine.status();
    let head =
        "slave_node: N/A\nsecondary_node: N/A\nworker_status: Stopped\nlast_synced: N/A\ncrawl_status: N/A\n";
    assert!(rows.starts_with(head), "{rows}");
}

/// `gluster volume info` of a volume of one brick.
fn volume_info(name: &str, id: &str, brick: &Path) -> String {
    let brick = brick.display();
    format!(
        "<cliOutput><opRet>0</opRet><opErrno>0</opErrno><opErrstr/><volInfo><volumes><volume><name>{name}</name>\
         <id>{id}</id><status>1</status><statusStr>Started</statusStr><brickCount>1</brickCount>\
         <distCount>1</distCount><replicaCount>1</replicaCount><arbiterCount>0</arbiterCount>\
         <disperseCount>0</disperseCount><redundancyCount>0</redundancyCount><type>0</type>\
         <bricks><brick uuid=\"{NODE}\">localhost:{brick}<name>localhost:{brick}</name><hostUuid>{NODE}</hostUuid>\
         <isArbiter>0</isArbiter></brick></bricks><optCount>0</optCount><options/></volume><count>1</count>\
         </volumes></volInfo></cliOutput>"
    )
}

#[test]
fn keys_that_arrive_after_the_start_are_enough() {
    let machine = Machine::new();
    let ids = ["3f0c2a60-5a2f-4a0f-8d0c-0c9a1f0e7b11", "3f0c2a60-5a2f-4a0f-8d0c-0c9a1f0e7b12"];
    fs::write(machine.path("pvol.xml"), volume_info("pvol", ids[0], &machine.path("brick"))).unwrap();
    fs::write(machine.path("svol.xml"), volume_info("svol", ids[1], Path::new("/b"))).unwrap();
    machine.program("gluster", "exec cat pvol.xml");
    machine.program(
        "ssh",
        "[ -e keys ] || { echo 'Permission denied (publickey).' >&2; exit 255; }; exec cat svol.xml",
    );
    assert_eq!(machine.start(&[]).status.code(), Some(0));
    wait_until("it is told", || machine.brick_status().contains("Permission denied (publickey)."));
    assert!(machine.brick_status().contains(r#""worker_status":"Faulty""#), "{}", machine.brick_status());
    fs::write(machine.path("keys"), "").unwrap();
    // the brick is none, but a worker was there to say so
    wait_until("a worker is started", || machine.brick_status().contains("the worker ended"));
    let log = machine.path("log/geo-replication/pvol_localhost_svol/gsyncd.log");
    let log = fs::read_to_string(log).unwrap();
    let line = log.lines().find(|line| line.contains("starting gsyncd worker")).unwrap();
    let rest = format!(
        "Monitor: starting gsyncd worker [{{brick={}}}, {{secondary_node=localhost}}]",
        machine.path("brick").display()
    );
    assert!(line.ends_with(&rest) && line.contains("(monitor):"), "{line}");
}

/// spec: glusterd-interface 3.5, 3.6
#[test]
fn delete_can_set_the_time_of_the_bricks_back() {
    let machine = Machine::new();
    let brick = machine.path("brick");
    let name = |key: &str| format!("user.glusterfs.p.s.{key}").into_bytes();
    let bytes = brick.as_os_str().as_bytes();
    xattr::set(bytes, &name("stime"), &[1; 8]).unwrap();
    xattr::set(bytes, &name("entry_stime"), &[1; 8]).unwrap();
    for file in ["gsyncd-pvol-localhost-svol.pid", "gsyncd-pvol-localhost-svol.pid.tmp", "gsyncd-other.pid"] {
        fs::write(machine.path("run").join(file), "1\n").unwrap();
    }
    fs::create_dir_all(machine.session().join("more/deep")).unwrap();
    let delete = |list: &str, more: &[&str]| {
        let list = format!("--path-list={list}");
        let words = ["--delete", "-c", "C", "--iprefix=/var", &list];
        machine.run(&[&words[..], more, &[":pvol", "localhost::svol"]].concat())
    };
    let list = format!("--path={} --path=/no/such/brick ", brick.display());
    let deleted = delete(&list, &["--reset-sync-time"]);
    assert!(deleted.status.success() && deleted.stdout.is_empty(), "{deleted:?}");
    assert_eq!(xattr::get(bytes, &name("stime")).unwrap().as_deref(), Some(&[0; 8][..]));
    assert_eq!(xattr::get(bytes, &name("entry_stime")).unwrap(), None);
    assert!(!machine.session().exists());
    let left: Vec<_> =
        fs::read_dir(machine.path("run")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["gsyncd-other.pid"]);
    for more in [&["--reset-sync-time"][..], &[]] {
        assert!(delete("(null)", more).status.success());
    }
}
