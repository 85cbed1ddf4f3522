//! The built binary, called as glusterd 10.3 calls it, on a scratch working directory.
//! `--debug` keeps the log on stderr, away from this machine's log directory.
#![allow(clippy::unwrap_used, reason = "a test: helpers outside of test functions may fail too")]

use gsyncd_sys::lock::FlockGuard;
use std::fs;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

struct Scratch {
    directory: tempfile::TempDir,
}

impl Scratch {
    fn new() -> Scratch {
        Scratch { directory: tempfile::tempdir().unwrap() }
    }

    fn georep(&self) -> PathBuf {
        self.directory.path().join("geo-replication")
    }

    fn session(&self) -> PathBuf {
        self.georep().join("pvol_lab_svol")
    }

    /// As glusterd does at `create`, and with directories of our own for what lies outside its working directory.
    fn create_session(&self) {
        fs::create_dir_all(self.session()).unwrap();
        let top = self.directory.path().display();
        let vars = format!("[vars]\ngluster-rundir = {top}/run\ngsyncd-miscdir = {top}/misc\n");
        fs::write(self.session().join("gsyncd.conf"), vars).unwrap();
        fs::create_dir_all(self.directory.path().join("run")).unwrap();
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_gsyncd"));
        command.arg0("/usr/libexec/glusterfs/gsyncd").args(words);
        command.env_clear().env("GLUSTERD_WORKDIR", self.directory.path()).env("TZ", "UTC");
        command
    }

    fn run(&self, words: &[&str]) -> Output {
        self.command(words).env("_GLUSTERD_CALLED_", "1").output().unwrap()
    }

    /// Runs, expects success, returns stdout.
    fn ok(&self, words: &[&str]) -> String {
        let output = self.run(words);
        assert!(output.status.success(), "{words:?}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// Runs, returns the exit code and stderr; stdout must be empty.
    fn fails(&self, words: &[&str]) -> (i32, String) {
        let output = self.run(words);
        assert!(output.stdout.is_empty(), "{output:?}");
        (output.status.code().unwrap(), String::from_utf8(output.stderr).unwrap())
    }

    fn set(&self, name: &str, value: &str) -> Output {
        let value = format!("--value={value}");
        self.run(&[
            "-c",
            "C",
            "--debug",
            "--iprefix=/var",
            ":pvol",
            "lab::svol",
            "--config-set",
            name,
            &value,
        ])
    }
}

fn names(path: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(path).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// glusterd reads lines of `key: value`; one empty line costs it all rows.
fn assert_rows(text: &str) {
    assert!(text.ends_with('\n') && text.lines().all(|line| line.contains(':')), "{text}");
}

#[test]
fn version_says_gsyncd_and_touches_nothing() {
    let scratch = Scratch::new();
    assert!(scratch.ok(&["--version"]).lines().next().unwrap().contains("gsyncd"));
    assert!(names(scratch.directory.path()).is_empty());
}

#[test]
fn the_series_of_a_starting_glusterd_makes_the_files() {
    let scratch = Scratch::new();
    let template = scratch.georep().join("gsyncd_template.conf");
    let template = template.to_str().unwrap();
    for (name, value, patterns) in [
        ("remote-gsyncd", "/usr/libexec/glusterfs/gsyncd", &[".", "."][..]),
        ("ssh-command", "ssh -oPasswordAuthentication=no -i x", &[".", "."]),
        ("pid-file", "${primaryvol}_${remotehost}_${secondaryvol}/monitor.pid", &[".", "^ssh:"]),
        ("secondary-gluster-command-dir", "/usr/sbin/", &["."]),
        ("slave-gluster-command-dir", "/usr/sbin/", &["."]),
        ("never-heard-of", "-x", &["."]),
    ] {
        let words = [&["-c", template, "--config-set-rx", name, value], patterns].concat();
        assert_eq!(scratch.ok(&words), "");
    }
    assert_eq!(names(&scratch.georep()), ["gsyncd_template.conf"]);
    fs::create_dir(scratch.session()).unwrap();
    let conf = scratch.session().join("gsyncd.conf");
    scratch.ok(&["-c", conf.to_str().unwrap(), "--config-set-rx", "log-file", "x", ".", "."]);
    assert_eq!(names(&scratch.session()), ["gsyncd.conf"]);
}

#[test]
fn addresses_are_normalized_and_made_canonical() {
    let scratch = Scratch::new();
    assert_eq!(scratch.ok(&["--normalize-url", "geo@127.0.0.1::svol"]), "ssh://geo@127.0.0.1::svol\n");
    let urls = ["--canonicalize-url", "ssh://127.0.0.1::svol:91de", "geo@no-such-host.invalid::svol"];
    assert_eq!(
        scratch.ok(&urls),
        "ssh://root@127.0.0.1:gluster://127.0.0.1:svol\nssh://geo@no-such-host.invalid:gluster://127.0.0.1:svol\n"
    );
    assert_eq!(scratch.ok(&["--canonicalize-url"]), "");
    assert_eq!(scratch.fails(&["--normalize-url", "svol"]).0, 1);
}

#[test]
fn every_spelling_answers_the_same_before_and_after_create() {
    let scratch = Scratch::new();
    let ask = |file: &str, secondary: &str, action: &[&str]| {
        scratch.ok(&[&["-c", file, "--inet", "--iprefix=/var", ":pvol", secondary], action].concat())
    };
    let all = ask("gsyncd_template.conf", "lab::svol", &["--config-get-all"]);
    assert_rows(&all);
    let state = format!("state_file:{}/monitor.status\n", scratch.session().display());
    let directory = format!("georep_session_working_dir:{}/\n", scratch.session().display());
    assert!(all.contains(&state) && all.contains(&directory) && all.contains("state_socket_unencoded:\n"));
    assert_eq!(names(&scratch.georep()), ["gsyncd_template.conf"]);
    fs::create_dir(scratch.session()).unwrap();
    for secondary in ["lab::svol", "ssh://lab::svol", "ssh://lab::svol:91decf54-1b1b"] {
        assert_eq!(ask("gsyncd.conf", secondary, &["--config-get-all"]), all);
        let pid_file = ask("gsyncd.conf", secondary, &["--config-get", "pid-file"]);
        assert_eq!(pid_file, "/var/run/gluster/gsyncd-pvol-lab-svol.pid\n");
    }
    assert_eq!(names(&scratch.session()), ["gsyncd.conf"]);
}

#[test]
fn the_monitor_status_is_written_exactly() {
    let scratch = Scratch::new();
    let create = |text: &str| {
        scratch.run(&["--create", text, "--debug", "-c", "C", "--iprefix=/var", ":pvol", "lab::svol"])
    };
    assert!(!create("Created").status.success());
    assert!(!scratch.session().exists());
    scratch.create_session();
    for text in ["Created", "Config Corrupted", "Paused"] {
        assert!(create(text).status.success());
        assert_eq!(fs::read_to_string(scratch.session().join("monitor.status")).unwrap(), text);
    }
    assert_eq!(names(&scratch.session()), ["gsyncd.conf", "monitor.status"]);
}

#[test]
fn config_is_set_shown_and_reset() {
    let scratch = Scratch::new();
    let get = |name: &str| scratch.ok(&["-c", "C", ":pvol", "lab::svol", "--config-get", name]);
    let reset = |name: &str| scratch.ok(&["-c", "C", "--debug", ":pvol", "lab::svol", "--config-del", name]);
    let no_session = scratch.set("sync-jobs", "5");
    assert_eq!(no_session.status.code(), Some(4), "{no_session:?}");
    scratch.create_session();
    for (name, value) in [("sync-jobs", "5"), ("rsync-options", "--bwlimit=7 -z"), ("rsync_options", "")] {
        assert!(scratch.set(name, value).status.success());
        assert_eq!(get(name), format!("{value}\n"));
    }
    let refused = scratch.set("sync-jobs", "500");
    assert_eq!(refused.status.code(), Some(3));
    assert!(String::from_utf8(refused.stderr).unwrap().ends_with("Invalid config value \"sync-jobs=500\"\n"));
    assert_eq!(scratch.set("no-such", "1").status.code(), Some(2));
    assert_eq!((reset("sync_jobs"), reset("sync-jobs")), (String::new(), String::new()));
    assert_eq!(get("sync-jobs"), "3\n");
    assert_eq!(scratch.ok(&["--config-check", "sync_jobs"]), "");
    assert_eq!(scratch.fails(&["--config-check", "foo"]), (2, "Invalid config name \"foo\"\n".to_owned()));
}

#[test]
fn concurrent_changes_of_the_config_are_all_kept() {
    let scratch = Scratch::new();
    scratch.create_session();
    let options =
        [("sync-jobs", "7"), ("ssh-port", "23"), ("change-interval", "9"), ("secondary-timeout", "61")];
    std::thread::scope(|scope| {
        for (name, value) in options {
            let scratch = &scratch;
            scope.spawn(move || assert!(scratch.set(name, value).status.success()));
        }
    });
    let conf = fs::read_to_string(scratch.session().join("gsyncd.conf")).unwrap();
    for (name, value) in options {
        assert!(conf.contains(&format!("{name} = {value}\n")), "{conf}");
    }
}

#[test]
fn status_is_rows_whatever_the_files_hold() {
    let scratch = Scratch::new();
    scratch.create_session();
    let status =
        || scratch.ok(&["-c", "C", "--iprefix=/var", ":pvol", "lab::svol", "--status-get", "--path", "/b/1"]);
    let brick = scratch.session().join("brick_%2Fb%2F1.status");
    assert!(status().contains("worker_status: Stopped\n"));
    fs::write(scratch.session().join("monitor.status"), "Created").unwrap();
    for content in [&b""[..], b"{", b"\xff\xfe", b"{\"worker_status\": \"Act"] {
        fs::write(&brick, content).unwrap();
        let text = status();
        assert_rows(&text);
        assert!(text.starts_with("secondary_node: N/A\nslave_node: N/A\nworker_status: Created\n"), "{text}");
    }
}

#[test]
fn status_makes_its_files_and_waits_for_no_lock() {
    let scratch = Scratch::new();
    let status =
        || scratch.ok(&["-c", "C", "--iprefix=/var", ":pvol", "lab::svol", "--status-get", "--path", "/b/1"]);
    assert_rows(&status());
    assert!(!scratch.session().exists());
    scratch.create_session();
    status();
    assert_eq!(names(&scratch.session()), ["brick_%2Fb%2F1.status", "gsyncd.conf", "monitor.status"]);
    let open = |name: &str| fs::File::open(scratch.session().join(name)).unwrap();
    let locks = ["brick_%2Fb%2F1.status", "monitor.status"].map(|name| FlockGuard::lock(open(name)).unwrap());
    let before = std::time::Instant::now();
    assert!(status().contains("worker_status: Stopped\n"));
    assert!(before.elapsed() < std::time::Duration::from_secs(1), "it waited");
    drop(locks);
}

#[test]
fn status_knows_a_running_monitor_by_its_lock() {
    let scratch = Scratch::new();
    scratch.create_session();
    fs::write(scratch.session().join("monitor.status"), "Started").unwrap();
    let file =
        r#"{"worker_status": "Active", "secondary_node": "lab", "last_synced": 1790000000, "failures": 2}"#;
    fs::write(scratch.session().join("brick_%2Fb1.status"), file).unwrap();
    let status = || scratch.ok(&["status", "pvol", "lab::svol", "--local-path", "/b1", "--json"]);
    let value = |text: &str, key: &str| {
        let json: serde_json::Value = serde_json::from_str(text).unwrap();
        json[key].as_str().unwrap().to_owned()
    };
    let pid_file = scratch.directory.path().join("run/gsyncd-pvol-lab-svol.pid");
    let lock = gsyncd_sys::lock::OfdLock::try_lock(fs::File::create(pid_file).unwrap()).unwrap();
    let running = status();
    assert_eq!(value(&running, "worker_status"), "Active");
    assert_eq!(value(&running, "secondary_node"), "lab");
    assert_eq!(value(&running, "last_synced_utc"), "2026-09-21 14:13:20");
    let overview = scratch.ok(&["status", "pvol", "lab::svol"]);
    assert!(overview.starts_with("brick: /b1\nsecondary_node: lab\n"), "{overview}");
    drop(lock);
    assert_eq!(value(&status(), "worker_status"), "Stopped");
}

#[test]
fn delete_leaves_nothing_and_can_be_done_again() {
    let scratch = Scratch::new();
    let delete = |list: &str| {
        let list = format!("--path-list={list}");
        scratch.run(&["--delete", "--debug", "-c", "C", &list, "--reset-sync-time", ":pvol", "lab::svol"])
    };
    scratch.create_session();
    let working = scratch.directory.path().join("misc/pvol_lab_svol/b1");
    fs::create_dir_all(&working).unwrap();
    fs::write(scratch.session().join("monitor.status"), "Stopped").unwrap();
    let pid_file = scratch.directory.path().join("run/gsyncd-pvol-lab-svol.pid");
    let lock = gsyncd_sys::lock::OfdLock::try_lock(fs::File::create(&pid_file).unwrap()).unwrap();
    assert_eq!(delete("(null)").status.code(), Some(1));
    drop(lock);
    let output = delete("(null)");
    assert!(output.status.success(), "{output:?}");
    assert!(!scratch.session().exists() && !working.exists() && !pid_file.exists());
    scratch.create_session();
    assert!(delete("--path=/no/such/brick ").status.success());
    // A session that never was: without a config file its other directories would be this machine's.
    let words = ["--delete", "--debug", "-c", "C", ":no-such-primary-volume", "lab::no-such-volume"];
    assert_eq!(scratch.ok(&words), "");
}

#[test]
fn ssh_gets_only_what_a_session_needs() {
    let scratch = Scratch::new();
    for (wanted, code, message) in [
        ("rm -rf /", 1, "invoking rm in restricted SSH session is not allowed\n"),
        ("gsyncd delete pvol lab::svol", 1, "gsyncd delete is not allowed in a restricted SSH session\n"),
        ("gsyncd keeper /tmp 1 true", 2, "no action is given; see gsyncd --help\n"),
        ("gluster volume stop svol", 1, "disallowed gluster invocation\n"),
    ] {
        let output = scratch.command(&[]).env("SSH_ORIGINAL_COMMAND", wanted).output().unwrap();
        assert_eq!(output.status.code(), Some(code), "{wanted}: {output:?}");
        assert_eq!(String::from_utf8(output.stderr).unwrap(), message);
    }
    let output =
        scratch.command(&[]).env("SSH_ORIGINAL_COMMAND", "/nonexistent/gsyncd --version").output().unwrap();
    assert!(output.status.success());
}

#[test]
fn mistakes_are_said_in_one_line() {
    let scratch = Scratch::new();
    for (words, code) in
        [(&["monitor"][..], 2), (&["--verify"], 2), (&["status", "pvol", "svol"], 1), (&["nonsense"], 2)]
    {
        let (exit, message) = scratch.fails(words);
        assert_eq!((exit, message.lines().count()), (code, 1), "{words:?}: {message}");
    }
}

/// Their texts are those of the releases whose syntax it is (spec: glusterd-interface 3.2, 3.4, 5.1).
#[test]
fn mistakes_in_glusterds_syntax_are_said_in_its_words() {
    let scratch = Scratch::new();
    for (words, code, want) in [
        (
            &["--monitor", ":pvol"][..],
            1,
            "error: incorrect number of arguments\n\nUsage: gsyncd [options...] <primary> <secondary>\n\n",
        ),
        (
            &["--sync-jobs=x", "--monitor"],
            2,
            "gsyncd: error: option --sync-jobs: invalid integer value: 'x'\n",
        ),
        (&["--no-such-option"], 2, "gsyncd: error: no such option: --no-such-option\n"),
        (&["--canonicalize-url", "vm::"], 1, "failure: malformed path\n"),
        (
            &["--listen", ":v"],
            1,
            "--listen: the protocol of GlusterFS 3.7 to 3.13 between gsyncds is not spoken yet\n",
        ),
    ] {
        assert_eq!(scratch.fails(words), (code, want.to_owned()), "{words:?}");
    }
}

#[test]
fn addresses_are_printed_in_all_three_styles() {
    let scratch = Scratch::new();
    let urls = ["lab::svol", "geo@127.0.0.1:/x", "127.0.0.1:v"];
    let print = |style: &str| scratch.ok(&[&[style], &urls[..]].concat());
    assert_eq!(print("--normalize-url"), "ssh://lab::svol\nssh://geo@127.0.0.1:/x\ngluster://127.0.0.1:v\n");
    let canonical = print("--canonicalize-url");
    assert!(canonical.ends_with("\nssh://geo@127.0.0.1:file:///x\ngluster://127.0.0.1:v\n"), "{canonical}");
    assert!(
        canonical.starts_with("ssh://root@") && canonical.contains(":gluster://127.0.0.1:svol\n"),
        "{canonical}"
    );
    let escaped = print("--canonicalize-escape-url");
    assert!(
        escaped
            .ends_with("\nssh%3A%2F%2Fgeo%40127.0.0.1%3Afile%3A%2F%2F%2Fx\ngluster%3A%2F%2F127.0.0.1%3Av\n"),
        "{escaped}"
    );
}

/// What the stock gsyncd of GlusterFS 10.3 was seen to do, word for word, under the name that is ours.
#[test]
fn answers_are_those_of_the_stock_program() {
    let scratch = Scratch::new();
    let table = include_str!("../testdata/stock-10.3.tsv");
    for line in table.lines().filter(|line| !line.starts_with('#')) {
        let columns: Vec<&str> = line.split('\t').collect();
        let words: Vec<&str> = columns[0].split(' ').collect();
        let output = scratch.run(&words);
        let code = output.status.code().map(|code| code.to_string());
        assert_eq!(code.as_deref(), Some(columns[1]), "{line}: {output:?}");
        let stdout = String::from_utf8(output.stdout).unwrap();
        assert_eq!(stdout.trim_end().replace('\n', "~"), columns[2], "{line}");
        let said = String::from_utf8(output.stderr).unwrap();
        let complaint = columns[3].replace("gsyncd.py", "gsyncd");
        assert!(complaint.is_empty() || said == format!("{complaint}\n"), "{line}: {said}");
    }
}

#[test]
fn every_subcommand_has_its_help() {
    let scratch = Scratch::new();
    for words in [&["help", "config-get"][..], &["config-get", "--help"], &["config-get", "pvol", "-h"]] {
        let text = scratch.ok(words);
        assert!(text.contains("Usage: gsyncd config-get") && text.contains("--show-defaults"), "{text}");
    }
    assert!(scratch.ok(&["help", "options"]).contains("--config-set-rx"));
    assert!(!scratch.georep().exists(), "help touches nothing");
}
