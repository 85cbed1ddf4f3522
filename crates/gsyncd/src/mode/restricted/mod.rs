//! The forced command of the pushed ssh keys: decided in `core`, carried out here.

mod confine;
mod processes;

use super::machine::Machine;
use super::serve;
use crate::exit::{self, Failure, Outcome};
use crate::program::Program;
use gsyncd_core::cli::{self, Invocation, UsageError};
use gsyncd_core::shell::{Dispatch, Environment, dispatch, network, rsync};
use gsyncd_sys::child;
use std::env;
use std::ffi::OsString;
use std::os::fd::{AsFd as _, AsRawFd as _};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::Command;

/// Says that the decision has been taken. The stock program sets it too.
const DISPATCHED: &str = "_GSYNCD_DISPATCHED_";
const WANTED: &str = "SSH_ORIGINAL_COMMAND";

/// The words to go on with, or None when everything is done. Does not return when it becomes another program.
///
/// # Errors
/// The caller may not do that.
pub fn admit(argv: &[OsString]) -> Result<Option<Vec<OsString>>, Failure> {
    let decided = dispatch(&environment(), argv);
    if matches!(decided, Dispatch::Session(_) | Dispatch::Gluster(_) | Dispatch::Rsync(_)) {
        check_network()?;
        // relative paths, and a directory that a client could prepare, must not matter
        let _ = env::set_current_dir("/");
    }
    match decided {
        Dispatch::Gsyncd(words) => Ok(Some(words)),
        Dispatch::Session(words) => Err(become_session(&words)),
        Dispatch::Gluster(words) => Err(become_gluster(&words)),
        Dispatch::Rsync(invocation) => Err(become_rsync(&invocation)),
        Dispatch::Serve(below) => serve::below(&below).map(|()| None),
        Dispatch::Refuse { message, exit } => Err(Failure { message, code: exit }),
    }
}

/// Reads argv. A client's words are taken by the parser that allowed them: for no other may they mean more.
///
/// # Errors
/// A usage error.
pub fn parse(argv: &[OsString]) -> Result<Invocation, UsageError> {
    if env::var_os(DISPATCHED).is_some() { cli::parse_commands(argv) } else { cli::parse(argv) }
}

fn environment() -> Environment {
    Environment {
        glusterd_called: env::var_os("_GLUSTERD_CALLED_"),
        gsyncd_child: env::var_os("_GSYNCD_CHILD_"),
        dispatched: env::var_os(DISPATCHED),
        ssh_original_command: env::var_os(WANTED),
        shell: env::var_os("SHELL"),
    }
}

/// Setting `allow-network`, wherever the administrator has put it.
fn check_network() -> Outcome {
    let client =
        network::client(env::var_os("SSH_CONNECTION").as_deref(), env::var_os("SSH_CLIENT").as_deref());
    let machine = Machine::get();
    let installed = machine.settings();
    let general = network::configured(&machine.template);
    for networks in [installed.text("allow-network"), general.unwrap_or_default()] {
        network::admit(networks, client.as_deref()).map_err(Failure::new)?;
    }
    Ok(())
}

/// Another process image, so that `ps` and the check of an rsync's target see what is served, and so that nothing
/// below it finds the client's words in its environment. As with the stock wrapper, the config file is this
/// machine's template whatever the client says: the last one counts.
fn become_session(words: &[OsString]) -> Failure {
    let mut command = Program::own().command(words);
    if env::args_os().next().is_some_and(|name| name.as_encoded_bytes().starts_with(b"-")) {
        // started as a login shell
        command.arg0("gsyncd");
    }
    command.arg("-c").arg(Machine::get().template_file()).env(DISPATCHED, "1").env_remove(WANTED);
    cannot_run("gsyncd", &command.exec())
}

/// Returns only when that failed.
fn become_gluster(words: &[OsString]) -> Failure {
    const GLUSTER: &str = "/usr/sbin/gluster";
    let program = if Path::new(GLUSTER).exists() { GLUSTER } else { "gluster" };
    cannot_run("gluster", &Command::new(program).args(words).env_remove(WANTED).exec())
}

/// Returns only when it may not, or that failed. The target becomes a descriptor of what was looked at: by the time
/// rsync opens it, another process may have the sibling's number.
fn become_rsync(invocation: &rsync::Invocation) -> Failure {
    let found = rsync::sibling(&processes::all(), std::process::id()).and_then(|sibling| {
        let (seen, directory) = processes::working_directory(sibling);
        rsync::check_target(&invocation.target, sibling, &seen)?;
        directory.ok_or(rsync::Refusal::Target)
    });
    let directory = match found {
        Ok(directory) => directory,
        Err(refusal) => return Failure::new(refusal.to_string()),
    };
    if let Err(error) = confine::to(directory.as_fd()) {
        return Failure::new(format!("rsync cannot be confined to the volume: {error}"));
    }
    let (_target, words) = invocation.words.split_last().unwrap_or((&invocation.target, &[]));
    let mut command = Command::new("rsync");
    command.args(words).arg(format!("/proc/self/fd/{}", directory.as_raw_fd())).env_remove(WANTED);
    child::prepare(&mut command, vec![directory]);
    cannot_run("rsync", &command.exec())
}

fn cannot_run(program: &str, error: &std::io::Error) -> Failure {
    Failure { message: format!("exec of {program} failed: {error}"), code: exit::EXEC_FAILED }
}

#[cfg(test)]
mod tests {
    use super::cannot_run;

    /// spec: glusterd-interface 3.4
    #[test]
    fn a_program_that_is_missing() {
        let failure = cannot_run("rsync", &std::io::ErrorKind::NotFound.into());
        assert_eq!(
            (failure.to_string().as_str(), failure.code),
            ("exec of rsync failed: entity not found", 127)
        );
    }
}
