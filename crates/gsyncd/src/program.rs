//! This very program, to be started again in another role.

use std::ffi::{OsStr, OsString};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::Command;

/// Set for every process that this program starts of itself: the restricted shell has done its work already.
pub const CHILD_VARIABLE: &str = "_GSYNCD_CHILD_";

/// How to start another process of this program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Program {
    path: PathBuf,
    leading: Vec<OsString>,
}

impl Program {
    /// The running binary itself, whatever became of its file: `/proc/self/exe` still names it after an upgrade.
    #[must_use]
    pub fn own() -> Program {
        Program::at(PathBuf::from("/proc/self/exe"), Vec::new())
    }

    /// Another executable that takes the place of ours, with arguments that come before all others.
    #[must_use]
    pub fn at(path: PathBuf, leading: Vec<OsString>) -> Program {
        Program { path, leading }
    }

    /// A command for it that is not taken for a call of glusterd or of sshd, named in `ps` as this process is, with `words` as arguments.
    pub fn command<S: AsRef<OsStr>>(&self, words: impl IntoIterator<Item = S>) -> Command {
        let mut command = Command::new(&self.path);
        if let Some(name) = std::env::args_os().next() {
            command.arg0(name);
        }
        command.args(&self.leading).args(words).env(CHILD_VARIABLE, "1");
        command
    }
}
