//! The built binary syncs one directory to another: what it says, what it leaves on file, how it ends.
#![allow(clippy::unwrap_used, reason = "a test: helpers outside of test functions may fail too")]

mod scratch;

use scratch::{Scratch, ends, wait_for};
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

/// Stands in for sshd: runs the remote command here, as its shell would.
const SSH_SCRIPT: &str = "\
while [ $# -gt 0 ]; do case $1 in -*) shift;; *) shift; break;; esac; done
echo 'welcome to the vault' >&2
exec env -i PATH=bin:/usr/bin:/bin sh -c \"exec $*\"";

/// As sshd with a forced command.
const KEY_SCRIPT: &str = "\
while [ $# -gt 0 ]; do case $1 in -*) shift;; *) shift; break;; esac; done
exec env -i PATH=bin:/usr/bin:/bin SSH_ORIGINAL_COMMAND=\"$*\" gsyncd restricted --root \"$PWD/vault\"";

/// A few objects of each sort in the source; gsyncd in `bin` for the other side.
fn scratch() -> Scratch {
    let scratch = Scratch::new();
    let source = scratch.top.join("src");
    fs::create_dir_all(source.join("deep/er")).unwrap();
    fs::write(source.join("deep/er/a b"), vec![7; 100_000]).unwrap();
    fs::hard_link(source.join("file"), source.join("deep/link")).unwrap();
    symlink("../nowhere", source.join("deep/symlink")).unwrap();
    fs::write(source.join("deep/junk.o"), "junk").unwrap();
    fs::create_dir(scratch.top.join("bin")).unwrap();
    symlink(env!("CARGO_BIN_EXE_gsyncd"), scratch.top.join("bin/gsyncd")).unwrap();
    scratch
}

fn differences(source: &Path, target: &Path) -> String {
    let mut command = Command::new("diff");
    command.args(["-r", "--no-dereference", "--exclude=.gsyncd"]).arg(source).arg(target);
    String::from_utf8(command.output().unwrap().stdout).unwrap()
}

/// stdout of a run that must succeed.
fn synced(scratch: &Scratch, words: &[&str]) -> String {
    let output = scratch.session(words);
    assert!(output.status.success(), "{words:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn once_syncs_says_what_it_did_and_has_nothing_left_to_do() {
    let scratch = scratch();
    let (source, target) = (scratch.top.join("src"), scratch.top.join("copy"));
    let words = ["--once", "--exclude", "*.o", "src", "copy"];
    let first = synced(&scratch, &words);
    assert!(first.contains(" objects synced, ") && first.contains(", 0 failed, "), "{first}");
    assert_eq!(differences(&source, &target), format!("Only in {}/deep: junk.o\n", source.display()));
    let again = synced(&scratch, &words);
    assert!(again.starts_with("0 objects synced, 0 B sent, 0 removed, 0 failed, "), "{again}");
    assert_eq!(synced(&scratch, &[&words[..], &["--quiet"]].concat()), "");
    let shown = &scratch.listed()[0];
    assert_eq!(
        (&shown["running"], &shown["failing"], &shown["backlog"]),
        (&false.into(), &0.into(), &0.into())
    );
    assert!(shown["synced_ms"].is_u64(), "{shown}");
}

#[test]
fn a_dry_run_changes_nothing_and_is_not_remembered() {
    let scratch = scratch();
    let text = synced(&scratch, &["--dry-run", "src", "copy"]);
    assert!(text.contains("deep/er/a b"), "{text}");
    assert!(!scratch.top.join("copy").exists() && scratch.listed().is_empty());
}

#[test]
fn a_follower_says_a_few_lines_shows_itself_and_stops() {
    let scratch = scratch();
    let mut command = scratch.command(&["--state-dir", "state", "--log-file", "log", "src", "copy"]);
    let child = command.stderr(Stdio::piped()).spawn().unwrap();
    let phase = |wanted: &str| {
        wait_for(wanted, || scratch.listed().pop().filter(|session| session["phase"] == wanted))
    };
    let shown = phase("following");
    assert_eq!((&shown["running"], &shown["pid"]), (&true.into(), &child.id().into()));
    fs::write(scratch.top.join("src/new"), "news").unwrap();
    wait_for("news arrive", || fs::read(scratch.top.join("copy/new")).ok().filter(|text| text == b"news"));
    let (exit, took) = ends(child);
    assert_eq!(exit, 0);
    assert!(took < Duration::from_secs(3), "{took:?}");
    let log = fs::read_to_string(scratch.top.join("log")).unwrap();
    let said: Vec<&str> = log.lines().filter_map(|line| line.get("2026-01-02 03:04:05 ".len()..)).collect();
    assert!(said[0].starts_with("INFO ") && said[0].ends_with("/copy"), "{log}");
    assert!(said.contains(&"INFO connected") && said.last() == Some(&"INFO stopped"), "{log}");
    assert_eq!(said.iter().filter(|line| line.contains("up to date: ")).count(), 1, "{log}");
    assert!(said.len() < 10 && !log.contains("a b"), "no line for a file: {log}");
    assert_eq!(differences(&scratch.top.join("src"), &scratch.top.join("copy")), "");
}

#[test]
fn another_host_is_served_by_the_gsyncd_there() {
    let scratch = scratch();
    let ssh = scratch.fake_ssh(SSH_SCRIPT);
    let target = scratch.top.join("the copy's");
    let words = ["--ssh-command", &ssh, "--once", "src", &format!("me@vault:{}", target.display())];
    synced(&scratch, &words);
    assert_eq!(differences(&scratch.top.join("src"), &target), "");
    assert!(synced(&scratch, &words).starts_with("0 objects synced, 0 B sent"));
}

#[test]
fn a_key_for_one_directory_is_enough_and_no_more() {
    let scratch = scratch();
    fs::create_dir(scratch.top.join("vault")).unwrap();
    let ssh = scratch.fake_ssh(KEY_SCRIPT);
    let place = |path: &str| format!("vault:{}/{path}", scratch.top.display());
    synced(&scratch, &["--ssh-command", &ssh, "--once", "src", &place("vault/of/src")]);
    assert_eq!(differences(&scratch.top.join("src"), &scratch.top.join("vault/of/src")), "");
    let (exit, message) = scratch.fails(&["--ssh-command", &ssh, "--once", "src", &place("elsewhere")]);
    assert_eq!(exit, 1);
    assert!(message.contains("this key serves "), "{message}");
    assert!(!scratch.top.join("elsewhere").exists());
}

#[test]
fn a_follower_connects_again_and_says_so_once() {
    let scratch = scratch();
    let ssh = scratch.fake_ssh(&format!("echo $$ > ssh-pid\n{SSH_SCRIPT}"));
    let target = scratch.top.join("copy");
    let url = format!("vault:{}", target.display());
    let words = ["--state-dir", "state", "--ssh-command", &ssh, "--log-file", "log", "src", &url];
    let child = scratch.command(&words).spawn().unwrap();
    let arrives = |name: &str| {
        fs::write(scratch.top.join("src").join(name), name).unwrap();
        wait_for(name, || fs::read(target.join(name)).ok().filter(|text| text == name.as_bytes()));
    };
    wait_for("the first sync", || target.join("file").exists().then_some(()));
    arrives("before");
    // the script becomes the server: its number is the server's
    let server = fs::read_to_string(scratch.top.join("ssh-pid")).unwrap().trim().parse().unwrap();
    gsyncd_sys::signal::kill_process(server, gsyncd_sys::signal::Signal::KILL).unwrap();
    arrives("after");
    assert_eq!(ends(child).0, 0);
    let log = fs::read_to_string(scratch.top.join("log")).unwrap();
    assert_eq!(log.matches(" WARN ").count(), 1, "{log}");
    assert_eq!(log.matches("connected again").count(), 1, "{log}");
}
