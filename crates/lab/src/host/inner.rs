//! The first process of the private host: prepares it, runs the command, reaps orphans until the command ends.
use super::{Rsync, mounts, place};
use crate::command::run;
use crate::{Done, Failure};
use rustix::process::{WaitOptions, WaitStatus};
use std::ffi::OsString;
use std::path::Path;
use std::process::{Command, ExitCode};

/// argv: the hidden word, the state directory, the rsync word, `stock` or a binary, the command.
pub fn main(args: &[OsString]) -> ExitCode {
    let outcome = match args {
        [_, state, rsync, gsyncd, command @ ..] => host(Path::new(state), rsync, gsyncd, command),
        _ => Err(Failure::new("started by hand")),
    };
    outcome.unwrap_or_else(|failure| {
        eprintln!("lab: {failure}");
        ExitCode::from(125)
    })
}

fn host(state: &Path, rsync: &OsString, gsyncd: &OsString, command: &[OsString]) -> Done<ExitCode> {
    run("ip", &["link", "set", "lo", "up"])?;
    run("hostname", &[place::name(state).as_str()])?;
    let rsync = Rsync::parse(&rsync.to_string_lossy())?;
    let gsyncd = (gsyncd != "stock").then(|| Path::new(gsyncd));
    mounts::prepare(state, rsync, gsyncd)?;
    identity()?;
    // The program's path must be absolute: sshd starts itself again for each connection.
    let key = state.join("host_key");
    if !key.exists() {
        run(
            "ssh-keygen",
            &[
                "-q".as_ref(),
                "-t".as_ref(),
                "ed25519".as_ref(),
                "-N".as_ref(),
                "".as_ref(),
                "-f".as_ref(),
                key.as_os_str(),
            ],
        )?;
    }
    let options =
        ["-o", "PermitRootLogin=yes", "-o", "MaxStartups=100", "-o", "PermitUserEnvironment=no", "-h"];
    let mut words: Vec<OsString> = options.iter().map(OsString::from).collect();
    words.push(key.into_os_string());
    run("/usr/sbin/sshd", &words)?;
    attend(command)
}

/// Root's own key, accepted by this host: what the administrator has set up before `create push-pem`.
fn identity() -> Done {
    let home = Path::new("/root/.ssh");
    run("chmod", &["700", "/root/.ssh"])?;
    if !home.join("id_ed25519").exists() {
        run("ssh-keygen", &["-q", "-t", "ed25519", "-N", "", "-f", "/root/.ssh/id_ed25519"])?;
        std::fs::copy(home.join("id_ed25519.pub"), home.join("authorized_keys"))?;
    }
    std::fs::write(
        home.join("config"),
        "Host *\n StrictHostKeyChecking no\n UserKnownHostsFile /dev/null\n LogLevel ERROR\n",
    )?;
    run("chmod", &["600", "/root/.ssh/config", "/root/.ssh/authorized_keys", "/root/.ssh/id_ed25519"])?;
    Ok(())
}

/// Runs the command and waits for every child there is, until the command is the one that ended.
fn attend(command: &[OsString]) -> Done<ExitCode> {
    let Some((program, args)) = command.split_first() else { return Err(Failure::new("no command")) };
    let child = Command::new(program)
        .args(args)
        .env("HOME", "/root")
        .env_remove("TMPDIR")
        .spawn()
        .map_err(|error| Failure::new(format!("{program:?}: {error}")))?;
    loop {
        match rustix::process::wait(WaitOptions::empty()) {
            Ok(Some((pid, status))) if pid.as_raw_nonzero().get().unsigned_abs() == child.id() => {
                return Ok(ended(status));
            }
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

fn ended(status: WaitStatus) -> ExitCode {
    let code = status.exit_status().or(status.terminating_signal().map(|signal| 128 + signal));
    ExitCode::from(code.and_then(|code| u8::try_from(code).ok()).unwrap_or(125))
}
