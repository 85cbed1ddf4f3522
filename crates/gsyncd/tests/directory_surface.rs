//! The built binary as a person calls it on directories: what is refused and why, what is remembered, how it ends.
#![allow(clippy::unwrap_used, reason = "a test: helpers outside of test functions may fail too")]

mod scratch;

use scratch::{Scratch, ends, terminate, wait_for};
use std::fs;
use std::io::Write as _;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

const ID: &str = "00112233445566778899aabbccddeeff";
#[test]
fn mistakes_are_told_in_one_line() {
    let scratch = Scratch::new();
    fs::create_dir(scratch.top.join("other")).unwrap();
    symlink(scratch.top.join("src"), scratch.top.join("link")).unwrap();
    for (words, code, want) in [
        (&["/src"][..], 2, "TARGET"),
        (&["src", "other", "more/"], 2, "no action is given"),
        (&["./src", "other", "more"], 2, "unexpected argument 'more'"),
        (&["--onec", "src", "other"], 2, "did you mean --once?"),
        (&["src", "host:other"], 2, "'host:other': after the host's colon"),
        (&["./src", "host::volume"], 2, "'host::volume': this is a volume"),
        (&["src", "ssh://ho st:/x"], 2, "'ssh://ho st:/x': the host is not valid"),
        (&["host:/src", "other"], 2, "'host:/src': the source must be on this machine"),
        (&["missing", "other"], 1, "missing: there is no such directory"),
        (&["src/file", "other"], 2, "src/file is not a directory"),
        (&["src", "src/file"], 2, "is not a directory"),
        (&["src", "src"], 2, "are the same directory"),
        (&["src", "link/"], 2, "are the same directory"),
        (&["src", "link/new"], 2, "is inside the source"),
        (&["src", "."], 2, "is inside the target"),
        (&["--exclude-from", "missing", "src", "other"], 2, "--exclude-from missing: No such file"),
    ] {
        let (exit, message) = scratch.fails(words);
        assert_eq!((exit, message.lines().count()), (code, 1), "{words:?}: {message}");
        assert!(message.contains(want), "{words:?}: {message}");
    }
    assert!(!scratch.top.join("state").exists(), "a mistake leaves nothing behind");
}

#[test]
fn the_state_is_kept_out_of_both_trees() {
    let scratch = Scratch::new();
    let (exit, message) = scratch.fails(&["src", "other", "--state-dir", "other/state"]);
    assert_eq!(exit, 2);
    assert!(message.contains("name another --state-dir"), "{message}");
    let (exit, message) = scratch.fails(&["src", "other", "--state-dir", "src"]);
    assert_eq!(exit, 2);
    assert!(message.contains("cannot be left out"), "{message}");
}

#[test]
fn help_and_version_touch_nothing() {
    let scratch = Scratch::new();
    for words in [&["--help"][..], &["src", "other", "--help"], &["src", "other", "--version"]] {
        let output = scratch.session(words);
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success() && text.contains("gsyncd"), "{words:?}: {text}");
    }
    assert!(!scratch.top.join("state").exists() && !scratch.top.join("xdg").exists());
}

#[test]
fn a_host_without_gsyncd_is_told_at_once_and_how_to_help() {
    let scratch = Scratch::new();
    let ssh = scratch.fake_ssh("echo 'sh: 1: gsyncd: not found' >&2; exit 127");
    let (exit, message) = scratch.fails(&["--ssh-command", &ssh, "src", "geo@vault:/dst", "--quiet"]);
    assert_eq!((exit, message.lines().count()), (1, 1), "{message}");
    for want in [
        "ssh to geo@vault found no gsyncd there that runs",
        "geo@vault:/usr/local/bin/",
        "--remote-gsyncd",
        "not found",
    ] {
        assert!(message.contains(want), "{message}");
    }
    assert!(scratch.listed().is_empty(), "a session that never was is not remembered");
}

#[test]
fn ssh_is_the_users_own() {
    let scratch = Scratch::new();
    let ssh = scratch.fake_ssh("for word; do echo \"$word\"; done > words; echo 'no route' >&2; exit 255");
    let words =
        ["--ssh-command", &format!("{ssh} -4"), "--port", "2222", "src", "geo@vault:/my dst", "--once"];
    let (exit, message) = scratch.fails(&words);
    assert_eq!(exit, 1);
    assert!(
        message.contains("does `ssh geo@vault true` work?") && message.contains("it said: no route"),
        "{message}"
    );
    let words = fs::read_to_string(scratch.top.join("words")).unwrap();
    let words: Vec<&str> = words.lines().filter(|word| !word.contains("BatchMode")).collect();
    let (primary, rest) = words.split_last().unwrap();
    assert_eq!(
        rest,
        [
            "-4",
            "-T",
            "-oServerAliveInterval=15",
            "-p",
            "2222",
            "geo@vault",
            "gsyncd",
            "serve",
            "--root",
            "'/my dst'",
            "--primary"
        ]
    );
    assert_eq!(primary.len(), ID.len());
}

#[test]
fn a_second_session_of_a_pair_is_refused() {
    let scratch = Scratch::new();
    let source = scratch.top.join("src");
    let state = scratch.state_of(source.to_str().unwrap(), "vault:/dst");
    fs::create_dir_all(&state).unwrap();
    let file = fs::File::create(state.join("pid")).unwrap();
    (&file).write_all(b"4711\n").unwrap();
    let lock = gsyncd_sys::lock::OfdLock::try_lock(file).unwrap();
    for words in
        [&["src", "vault:/dst"][..], &["--daemon", "src", "vault:/dst"], &["--once", "src/.", "vault:/dst/"]]
    {
        let (exit, message) = scratch.fails(words);
        assert_eq!(exit, 1, "{message}");
        assert_eq!(message, "this session is running already as process 4711; see gsyncd status\n");
    }
    drop(lock);
}

#[test]
fn a_session_that_waits_for_ssh_stops_at_once() {
    let scratch = Scratch::new();
    let ssh = scratch.fake_ssh("echo $$ > ssh-pid; exec sleep 600");
    let pid_file = scratch.top.join("ssh-pid");
    for (words, code) in [(&["src", "vault:/dst"][..], 0), (&["--once", "src", "vault:/dst"], 1)] {
        let _ = fs::remove_file(&pid_file);
        let mut command = scratch.command(&["--state-dir", "state", "--ssh-command", &ssh, "--quiet"]);
        let child = command.args(words).spawn().unwrap();
        let ssh_pid: i32 = wait_for("ssh starts", || fs::read_to_string(&pid_file).ok()?.trim().parse().ok());
        let (exit, took) = ends(child);
        assert_eq!(exit, code, "{words:?}");
        assert!(took < Duration::from_secs(3), "{took:?}");
        // nobody may be there to reap it
        let words = format!("/proc/{ssh_pid}/cmdline");
        wait_for("ssh ends too", || fs::read(&words).map_or(true, |words| words.is_empty()).then_some(()));
    }
}

#[test]
fn a_session_in_the_background_is_listed_and_goes_on_trying() {
    let scratch = Scratch::new();
    let ssh = scratch.fake_ssh("echo 'no route to host' >&2; exit 255");
    let words = ["--daemon", "--pid-file", "extra.pid", "--ssh-command", &ssh, "src", "vault:/dst"];
    let output = scratch.session(&words);
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
    let shown = wait_for("its trouble is shown", || {
        scratch.listed().pop().filter(|session| session["last_error"].is_string())
    });
    assert_eq!(shown["source"], scratch.top.join("src").to_str().unwrap());
    assert_eq!((&shown["target"], &shown["running"]), (&"vault:/dst".into(), &true.into()));
    assert!(shown["last_error"].as_str().unwrap().contains("no route to host"), "{shown}");
    let text = String::from_utf8(scratch.run(&["status", "--state-dir", "state"]).stdout).unwrap();
    assert!(text.contains(" -> vault:/dst: connecting (pid "), "{text}");
    let pid: u32 = fs::read_to_string(scratch.top.join("extra.pid")).unwrap().trim().parse().unwrap();
    assert_eq!(shown["pid"], pid);
    let state = scratch.top.join("state").join(shown["name"].as_str().unwrap());
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&state), mode(&state.join("status.json"))), (0o700, 0o600));
    terminate(pid);
    wait_for("it ends", || (!scratch.listed()[0]["running"].as_bool().unwrap()).then_some(()));
    let log = fs::read_to_string(state.join("log")).unwrap();
    assert_eq!(log.matches("no route to host").count(), 1, "said once: {log}");
    assert!(log.contains(" WARN ssh to vault failed") && log.ends_with(" INFO stopped\n"), "{log}");
}

#[test]
fn status_shows_what_is_on_file_whatever_it_is() {
    let scratch = Scratch::new();
    let list = |words: &[&str]| {
        let output = scratch.run(&[&["status", "--state-dir", "state"], words].concat());
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    assert!(list(&[]).starts_with("no sessions in "));
    assert_eq!(list(&["--json"]), "[]\n");
    let state = scratch.top.join("state");
    for name in ["a", "b", "c-without-files"] {
        fs::create_dir_all(state.join(name)).unwrap();
    }
    fs::write(state.join("stray"), "file").unwrap();
    fs::write(state.join("a/session.json"), r#"{"source": "/s", "target": "h:/t"}"#).unwrap();
    fs::write(state.join("b/session.json"), "\u{0}\u{ff}{").unwrap();
    for content in
        [&b"{"[..], b"\xff\xfe", br#"{"phase": 7}"#, br#"{"synced_ms": 1790000000000, "failing": 2}"#]
    {
        fs::write(state.join("a/status.json"), content).unwrap();
        let text = list(&[]);
        assert!(text.starts_with("/s -> h:/t: not running, last synced "), "{text}");
        assert_eq!(text.lines().count(), 2, "{text}");
    }
    assert!(list(&[]).contains("last synced 2026-09-21 14:13:20, 2 failing\n"));
    assert_eq!(scratch.listed().len(), 2);
    assert_eq!(scratch.run(&["status", "volume", "--state-dir", "state"]).status.code(), Some(2));
}

#[test]
fn a_restricted_key_serves_one_directory_only() {
    let scratch = Scratch::new();
    let root = scratch.top.join("root");
    fs::create_dir(&root).unwrap();
    symlink(scratch.top.join("src"), root.join("link")).unwrap();
    let root = root.to_str().unwrap();
    let ask = |wanted: &str| {
        let mut command = scratch.command(&["restricted", "--root", root]);
        let output = command.env("SSH_ORIGINAL_COMMAND", wanted).output().unwrap();
        assert!(output.stdout.is_empty(), "{wanted}: {output:?}");
        (output.status.code().unwrap(), String::from_utf8(output.stderr).unwrap())
    };
    let serve = |path: &str| format!("gsyncd serve --root '{path}' --primary {ID}");
    for (wanted, want) in [
        ("rm -rf /".to_owned(), "this key is for gsyncd serve only, not for: rm -rf /"),
        ("gsyncd /etc /tmp/x".to_owned(), "this key is for gsyncd serve only"),
        ("gsyncd secondary pvol lab::svol".to_owned(), "this key is for gsyncd serve only"),
        (serve("/etc"), "not /etc"),
        (serve(&format!("{root}/../src")), "what is below it, not"),
        (serve(&format!("{root}/link")), "this key follows no symlinks"),
        (serve(&format!("{root}/link/deeper")), "this key follows no symlinks"),
    ] {
        let (exit, message) = ask(&wanted);
        assert_eq!((exit, message.lines().count()), (1, 1), "{wanted}: {message}");
        assert!(message.contains(want), "{wanted}: {message}");
    }
    assert!(!scratch.top.join("src/deeper").exists());
    let output = scratch.run(&["restricted", "--root", root]);
    assert_eq!(output.status.code(), Some(1));
    let volumes =
        scratch.command(&[]).env("SSH_ORIGINAL_COMMAND", serve(root).replace('\'', "")).output().unwrap();
    assert_eq!(volumes.status.code(), Some(1), "the volumes' keys serve no directory: {volumes:?}");
}

#[test]
fn a_server_that_hears_nonsense_says_so_and_ends() {
    let scratch = Scratch::new();
    let root = scratch.top.join("served");
    for said in [&b""[..], b"GET / HTTP/1.0\r\n\r\n", &[0xff; 100_000]] {
        let mut command = scratch.command(&["serve", "--root", root.to_str().unwrap(), "--primary", ID]);
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        // it may end before it has read all
        let _ = child.stdin.take().unwrap().write_all(said);
        let output = child.wait_with_output().unwrap();
        let message = String::from_utf8(output.stderr).unwrap();
        assert_eq!((output.status.code(), message.lines().count()), (Some(1), 1), "{message}");
    }
    let output = scratch.run(&["serve", "--root", "served", "--primary", ID]);
    assert_eq!(output.status.code(), Some(2));
}
