//! `delete` removes trees whose names it reads from a file: only those of the session itself.
#![allow(clippy::unwrap_used, reason = "a test: helpers outside of test functions may fail too")]

use std::fs;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// glusterd's working directory, with a session that has files in all of its places.
struct Scratch {
    directory: tempfile::TempDir,
}

impl Scratch {
    /// `settings` are lines of the session's file, `TOP` in them is the scratch directory.
    fn new(settings: &str) -> Scratch {
        let scratch = Scratch { directory: tempfile::tempdir().unwrap() };
        for directory in ["run", "misc/pvol_lab_svol", "elsewhere/precious", "geo-replication/pvol_lab_svol"]
        {
            fs::create_dir_all(scratch.path(directory)).unwrap();
            fs::write(scratch.path(directory).join("file"), "x").unwrap();
        }
        fs::write(scratch.path("run/gsyncd-pvol-lab-svol.pid"), "").unwrap();
        let top = scratch.directory.path().to_str().unwrap();
        let text = format!("[vars]\ngluster-rundir = TOP/run\ngsyncd-miscdir = TOP/misc\n{settings}\n");
        let file = scratch.path("geo-replication/pvol_lab_svol/gsyncd.conf");
        fs::write(file, text.replace("TOP", top)).unwrap();
        scratch
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn delete(&self) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_gsyncd"));
        command.arg0("/usr/libexec/glusterfs/gsyncd").args(["delete", "pvol", "geo@lab::svol", "--debug"]);
        command.env_clear().env("GLUSTERD_WORKDIR", self.directory.path()).env("TZ", "UTC");
        command.env("_GLUSTERD_CALLED_", "1").output().unwrap()
    }

    /// Every path there is.
    fn all(&self) -> Vec<PathBuf> {
        let mut found = Vec::new();
        collect(self.directory.path(), &mut found);
        found.sort();
        found
    }
}

fn collect(directory: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, found);
        }
        found.push(path);
    }
}

#[test]
fn a_directory_that_is_not_the_sessions_is_never_removed() {
    for setting in [
        "working-dir = TOP/elsewhere",
        "working-dir = TOP/elsewhere/precious",
        "working-dir = TOP/misc",
        "working-dir = TOP/misc/pvol_lab_svol/..",
        "working-dir = TOP/misc/pvol_lab_svol/../../elsewhere",
        "working-dir = TOP/misc/pvol_lab_svol2",
        "working-dir = /pvol_lab_svol",
        "working-dir = TOP/pvol/ssh%3A%2F%2Froot%4010.0.0.1%3Agluster%3A%2F%2F127.0.0.1%3Aother",
        "working-dir = TOP/other/ssh%3A%2F%2Froot%4010.0.0.1%3Agluster%3A%2F%2F127.0.0.1%3Asvol",
        "georep-session-working-dir = TOP/elsewhere",
        "georep-session-working-dir = TOP/geo-replication",
        "georep-session-working-dir = TOP/geo-replication/",
    ] {
        let scratch = Scratch::new(setting);
        let before = scratch.all();
        let output = scratch.delete();
        let message = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{setting}: {message}");
        let (name, value) = setting.split_once(" = ").unwrap();
        let value = value.replace("TOP", scratch.directory.path().to_str().unwrap());
        let want = format!("{name} is {value}, which is no directory of the session pvol_lab_svol");
        assert!(message.contains(&want), "{setting}: {message}");
        assert_eq!(scratch.all(), before, "{setting}");
    }
}

/// The names that releases before 4.0 gave it are its own too (spec: glusterd-interface 2.2).
#[test]
fn the_sessions_directories_are_removed_wherever_they_are() {
    for (setting, directory) in [
        ("", "misc/pvol_lab_svol"),
        // no absolute path: ignored
        ("working-dir = elsewhere", "misc/pvol_lab_svol"),
        ("georep-session-working-dir = elsewhere", "misc/pvol_lab_svol"),
        ("working-dir = TOP/elsewhere/precious/pvol_lab_svol/", "elsewhere/precious/pvol_lab_svol"),
        (
            "working-dir = TOP/elsewhere/pvol/ssh%3A%2F%2Fgeo%4010.0.0.1%3Agluster%3A%2F%2F127.0.0.1%3Asvol",
            "elsewhere/pvol/ssh%3A%2F%2Fgeo%4010.0.0.1%3Agluster%3A%2F%2F127.0.0.1%3Asvol",
        ),
    ] {
        let scratch = Scratch::new(setting);
        fs::create_dir_all(scratch.path(directory).join("deep")).unwrap();
        let output = scratch.delete();
        assert!(output.status.success(), "{setting}: {output:?}");
        assert!(!scratch.path(directory).exists(), "{setting}");
        assert!(!scratch.path("geo-replication/pvol_lab_svol").exists());
        assert!(scratch.path("elsewhere/precious/file").exists());
    }
}
