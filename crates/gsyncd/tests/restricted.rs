//! The built binary as the forced command of a pushed key (spec: glusterd-interface 6).
#![allow(clippy::unwrap_used, reason = "a test: helpers outside of test functions may fail too")]

use std::fs;
use std::process::{Command, Output};

/// A directory in the place of glusterd's.
struct Machine {
    workdir: tempfile::TempDir,
}

impl Machine {
    fn new() -> Machine {
        let machine = Machine { workdir: tempfile::tempdir().unwrap() };
        fs::create_dir(machine.workdir.path().join("geo-replication")).unwrap();
        machine
    }

    fn template(&self, text: &str) {
        fs::write(self.workdir.path().join("geo-replication/gsyncd_template.conf"), text).unwrap();
    }

    fn command(&self, wanted: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_gsyncd"));
        command.env_clear().env("PATH", "/usr/bin:/bin").env("GLUSTERD_WORKDIR", self.workdir.path());
        command.env("SSH_ORIGINAL_COMMAND", wanted);
        command
    }

    fn ask(&self, wanted: &str) -> (Option<i32>, String) {
        said(&self.command(wanted).output().unwrap())
    }
}

fn said(output: &Output) -> (Option<i32>, String) {
    let text = [output.stdout.as_slice(), output.stderr.as_slice()].concat();
    (output.status.code(), String::from_utf8(text).unwrap())
}

#[test]
fn the_network_of_the_client_is_looked_at_whatever_it_wants() {
    let machine = Machine::new();
    machine.template("[vars]\nallow-network = 198.51.100.0/24,2001:db8::/32\n");
    let from = |address: &str, wanted: &str| {
        let connection = format!("{address} 50000 192.0.2.9 22");
        said(&machine.command(wanted).env("SSH_CONNECTION", connection).output().unwrap())
    };
    for wanted in
        ["gsyncd --version", "gluster volume info", "rsync --server . /x", "gsyncd secondary p h::s"]
    {
        let refused = (Some(1), "client IP address is not allowed\n".to_owned());
        assert_eq!(from("192.0.2.1", wanted), refused, "{wanted}");
    }
    for address in ["198.51.100.7", "2001:db8::7"] {
        let (code, text) = from(address, "gsyncd --version");
        assert!(code == Some(0) && text.starts_with("gsyncd "), "{text}");
    }
    machine.template("[vars]\nallow-network = everywhere\n");
    assert_eq!(from("198.51.100.7", "gsyncd --version").0, Some(1));
}

#[test]
fn rsync_without_a_session_beside_it_is_refused() {
    let machine = Machine::new();
    let (code, text) = machine.ask("rsync --server -e.LsfxC . /proc/1/cwd");
    // the test itself may run below sshd
    let reasons = ["sshd ancestor not found\n", "gsyncd sibling not found\n"];
    let expected = reasons.map(|reason| format!("{reason}disallowed rsync invocation\n"));
    assert!(code == Some(1) && expected.contains(&text), "{text}");
}

/// Each parser must take the words as the one that allowed them did: a value that looks like an option to one of them.
#[test]
fn no_words_make_a_directory_session() {
    let machine = Machine::new();
    let target = machine.workdir.path().join("copy");
    for words in [
        "--exclude --listen",
        "--state-dir --verify",
        "-N --listen",
        "--listen --once",
        "--exclude --version",
    ] {
        let (_code, text) = machine.ask(&format!("gsyncd {words} /etc/ssh {}", target.display()));
        assert!(!target.exists() && !text.contains("unexpected argument"), "{words}: {text}");
    }
}

#[test]
fn a_session_is_a_process_of_its_own_words_and_does_not_decide_again() {
    let machine = Machine::new();
    let (code, text) = machine.ask("/nonexistent/gsyncd --verify spawning :p h::s");
    assert_eq!((code, text.as_str()), (Some(0), ""));
    // the name of a login shell begins with a dash
    let mut shell = Command::new(env!("CARGO_BIN_EXE_gsyncd"));
    shell.env_clear().env("SHELL", "/usr/libexec/glusterfs/gsyncd").args(["-c", "gsyncd --version"]);
    std::os::unix::process::CommandExt::arg0(&mut shell, "-gsyncd");
    let (code, text) = said(&shell.output().unwrap());
    assert!(code == Some(0) && text.starts_with("gsyncd "), "{text}");
    shell.args(["one", "more"]);
    assert_ne!(said(&shell.output().unwrap()).0, Some(0));
}
