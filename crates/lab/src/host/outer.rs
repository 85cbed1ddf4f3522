//! The part of the lab on the machine: check, make the state directory, start the namespaces, wait.
use super::options::{Gsyncd, Options, Rsync};
use super::place::{self, State};
use crate::{Done, Failure};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, ExitStatus};

/// Runs the command on a private host and returns its exit code.
///
/// # Errors
/// Something the lab needs is missing, or the namespaces do not start.
pub fn run(options: &Options) -> Done<ExitCode> {
    check(options)?;
    let state = match &options.keep {
        Some(path) => State::kept(path)?,
        None => State::temporary()?,
    };
    let status = unshare(options, &state.path)?;
    Ok(exit_code(status))
}

/// Everything that must be there. A lab that cannot be is an error, never a skipped test.
fn check(options: &Options) -> Done {
    if !rustix::process::geteuid().is_root() {
        return Err(Failure::new("needs root (namespaces, mounts, bricks with trusted xattrs)"));
    }
    if !Path::new("/dev/fuse").exists() {
        return Err(Failure::new(
            "needs /dev/fuse (modprobe fuse; in a container: --device /dev/fuse --privileged)",
        ));
    }
    for program in
        ["glusterd", "gluster", "sshd", "ssh-keygen", "unshare", "setpriv", "ip", "mount", "hostname"]
    {
        if find_program(program).is_none() {
            return Err(Failure::new(format!(
                "needs the program {program}; `cargo xtask setup` installs it"
            )));
        }
    }
    place::libexec()?;
    match rsync_file(options.rsync) {
        Some(path) if !path.is_file() => {
            Err(Failure::new(format!("{} is missing; `cargo xtask setup` fetches it", path.display())))
        }
        _ => Ok(()),
    }
}

/// The cached rsync binary of a version.
pub fn rsync_file(rsync: Rsync) -> Option<PathBuf> {
    match rsync {
        Rsync::V3_5_0 | Rsync::V3_2_7 => {
            Some(place::cache().join(format!("rsync-{}", rsync.word())).join("usr/bin/rsync"))
        }
        Rsync::None | Rsync::Host => None,
    }
}

fn find_program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let extra = ["/usr/sbin", "/sbin", "/usr/bin", "/bin"].map(PathBuf::from);
    std::env::split_paths(&path).chain(extra).map(|dir| dir.join(name)).find(|file| file.is_file())
}

/// `setpriv --pdeathsig`: when this process is killed, unshare dies, and with it (`--kill-child`) the whole host.
fn unshare(options: &Options, state: &Path) -> Done<ExitStatus> {
    let mut command = Command::new("setpriv");
    command.args([
        "--pdeathsig",
        "KILL",
        "unshare",
        "--pid",
        "--fork",
        "--kill-child",
        "--mount",
        "--mount-proc",
    ]);
    command.args(["--net", "--uts", "--ipc", "--propagation", "private"]);
    command.arg(std::env::current_exe()?).arg(super::INNER).arg(state).arg(options.rsync.word());
    match &options.gsyncd {
        Gsyncd::Stock => command.arg("stock"),
        Gsyncd::Binary(path) => command.arg(path),
    };
    command.args(&options.command);
    command.status().map_err(|error| Failure::new(format!("setpriv unshare: {error}")))
}

fn exit_code(status: ExitStatus) -> ExitCode {
    let code = status.code().or(status.signal().map(|signal| 128 + signal));
    ExitCode::from(code.and_then(|code| u8::try_from(code).ok()).unwrap_or(125))
}
