//! The keeper and its user as real processes in a private mount namespace, with a tmpfs in the place of a Gluster client.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test: helpers outside of test functions may fail too"
)]

use std::ffi::OsString;
use std::os::fd::AsRawFd;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use gsyncd::program::Program;
use gsyncd::tree::keeper;
use gsyncd::tree::mount::{AuxMount, MountRequest, sweep_stale};
use gsyncd_sys::signal::Signal;

/// Arguments that make this test binary run [`role_process`] with more words.
const ROLE: [&str; 4] = ["role_process", "--exact", "--nocapture", "--"];

/// A client that mounts and stays, telling its pid; unlike the real one it does not leave when it is unmounted.
const STAYS: &str = "#!/bin/sh\nfor last; do :; done\necho $$ > \"$(dirname \"$0\")/client.pid\"\n\
    mount -t tmpfs fake \"$last\" && exec sleep 600\n";
const FAILS: &str = "#!/bin/sh\nexit 1\n";
const HANGS: &str = "#!/bin/sh\necho $$ > \"$(dirname \"$0\")/client.pid\"\nexec sleep 600\n";

/// Not a test when run alone: the other processes of the tests below.
#[test]
fn role_process() {
    let mut words: Vec<OsString> = std::env::args_os().skip_while(|word| word != "--").skip(1).collect();
    if words.is_empty() {
        return;
    }
    let role = words.remove(0);
    if role == keeper::SUBCOMMAND {
        std::process::exit(keeper::run(&words));
    }
    let scenario = role.into_string().unwrap();
    let directory = PathBuf::from(words.remove(0));
    match scenario.as_str() {
        "open" => open_and_close(&directory),
        "refused" => refused(&directory),
        "killed" => killed(&directory),
        _ => panic!("{scenario}"),
    }
}

fn request(directory: &Path, timeout: Duration) -> MountRequest {
    let leading = ROLE.iter().map(OsString::from).collect();
    MountRequest {
        program: Program::at(std::env::current_exe().unwrap(), leading),
        command_dir: directory.to_path_buf(),
        volume: "pvol".into(),
        volfile_server: "localhost".into(),
        log_file: directory.join("mount.log"),
        log_level: "INFO".into(),
        extra_args: Vec::new(),
        base: Some(directory.to_path_buf()),
        connection_timeout: timeout,
    }
}

fn open_and_close(directory: &Path) {
    let mount = AuxMount::open(&request(directory, Duration::from_secs(20))).unwrap();
    assert!(mount.are_children_up());
    assert_eq!(leftovers(directory), 0, "the mount is hidden");
    let inside = format!("/proc/self/fd/{}/file", mount.root().as_raw_fd());
    std::fs::write(&inside, "x").unwrap();
    assert_ne!(
        group_of(client_pid(directory)),
        group_of(std::process::id()),
        "a group signal would reach the client"
    );
    drop(mount);
    wait_until("the client is gone", || !alive(client_pid(directory)));
}

fn refused(directory: &Path) {
    std::fs::write(directory.join("mount.log"), "[2026] I x\n[2026] E [mgmt] no such volume\n").unwrap();
    let error = AuxMount::open(&request(directory, Duration::from_millis(300))).unwrap_err().to_string();
    assert!(error.contains("mount volume pvol: the client") && error.contains("no such volume"), "{error}");
    assert_eq!(leftovers(directory), 0);
    if let Ok(pid) = std::fs::read_to_string(directory.join("client.pid")) {
        wait_until("the client is gone", || !alive(pid.trim().parse().unwrap()));
    }
}

/// Opens a mount and kills its own process group, as glusterd's stop does in the end.
fn killed(directory: &Path) {
    let _mount = AuxMount::open(&request(directory, Duration::from_secs(20))).unwrap();
    std::fs::write(directory.join("opened"), "").unwrap();
    gsyncd_sys::child::start_session().unwrap_or(());
    gsyncd_sys::signal::signal_own_group(Signal::KILL).unwrap();
}

/// Runs a scenario in a mount namespace of its own.
fn scenario(name: &str, client: &str, directory: &Path) -> Output {
    let program = directory.join("glusterfs");
    std::fs::write(&program, client).unwrap();
    std::fs::set_permissions(&program, PermissionsExt::from_mode(0o755)).unwrap();
    let mut command = Command::new("unshare");
    command.args(["--mount", "--propagation", "private", "setsid", "--wait"]);
    command.arg(std::env::current_exe().unwrap()).args(ROLE).arg(name).arg(directory);
    command.output().unwrap()
}

fn leftovers(directory: &Path) -> usize {
    let names = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().file_name());
    names.filter(|name| name.to_str().unwrap().starts_with("gsyncd-aux-mount-")).count()
}

fn client_pid(directory: &Path) -> u32 {
    std::fs::read_to_string(directory.join("client.pid")).unwrap().trim().parse().unwrap()
}

fn stat_field(pid: u32, field: usize) -> Option<String> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit_once(") ")?.1.split(' ').nth(field).map(str::to_owned)
}

fn group_of(pid: u32) -> String {
    stat_field(pid, 2).unwrap()
}

fn alive(pid: u32) -> bool {
    stat_field(pid, 0).is_some_and(|state| state != "Z")
}

fn wait_until(what: &str, condition: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(5);
    while !condition() {
        assert!(Instant::now() < deadline, "never: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn assert_success(output: &Output) {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn a_mount_is_hidden_and_its_client_ends_with_it() {
    let directory = tempfile::tempdir().unwrap();
    assert_success(&scenario("open", STAYS, directory.path()));
    assert_eq!(leftovers(directory.path()), 0);
}

#[test]
fn a_client_that_fails_or_hangs_is_told_with_its_log() {
    for client in [FAILS, HANGS] {
        let directory = tempfile::tempdir().unwrap();
        assert_success(&scenario("refused", client, directory.path()));
    }
}

#[test]
fn a_group_sigkill_leaves_no_client_behind() {
    let directory = tempfile::tempdir().unwrap();
    let output = scenario("killed", STAYS, directory.path());
    assert!(!output.status.success());
    assert!(directory.path().join("opened").exists(), "{}", String::from_utf8_lossy(&output.stderr));
    wait_until("the client is gone", || !alive(client_pid(directory.path())));
    assert_eq!(leftovers(directory.path()), 0);
    assert_eq!(sweep_stale(directory.path()).unwrap(), 0);
}
