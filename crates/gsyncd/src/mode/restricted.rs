//! The forced command of the pushed ssh keys: decided in `core`, carried out here.

use super::serve;
use crate::exit::{self, Failure};
use gsyncd_core::shell::{Dispatch, Environment, dispatch};
use std::env;
use std::ffi::OsString;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::Command;

/// The words to go on with, or None when everything is done. Does not return when it becomes another program.
///
/// # Errors
/// The caller may not do that.
pub fn admit(argv: &[OsString]) -> Result<Option<Vec<OsString>>, Failure> {
    match dispatch(&environment(), argv) {
        Dispatch::Gsyncd(words) => Ok(Some(words)),
        Dispatch::Gluster(words) => Err(become_gluster(&words)),
        // The native engine needs no rsync on this side; a stock primary does, and is not served yet.
        Dispatch::Rsync(_) => Err(Failure::new("disallowed rsync invocation")),
        Dispatch::Serve(below) => serve::below(&below).map(|()| None),
        Dispatch::Refuse { message, exit } => Err(Failure { message, code: exit }),
    }
}

fn environment() -> Environment {
    Environment {
        glusterd_called: env::var_os("_GLUSTERD_CALLED_"),
        gsyncd_child: env::var_os("_GSYNCD_CHILD_"),
        dispatched: env::var_os("_GSYNCD_DISPATCHED_"),
        ssh_original_command: env::var_os("SSH_ORIGINAL_COMMAND"),
        shell: env::var_os("SHELL"),
    }
}

/// Returns only when that failed.
fn become_gluster(words: &[OsString]) -> Failure {
    const GLUSTER: &str = "/usr/sbin/gluster";
    let program = if Path::new(GLUSTER).exists() { GLUSTER } else { "gluster" };
    let error = Command::new(program).args(words).env_remove("SSH_ORIGINAL_COMMAND").exec();
    Failure { message: format!("exec of gluster failed: {error}"), code: exit::EXEC_FAILED }
}
