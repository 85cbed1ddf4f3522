//! An ordinary user of the private host, and running a function of a test as that user.
use crate::command::run;
use crate::{Done, Failure};
use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

/// The user's name, uid and gid.
pub const NAME: &str = "alice";
const ID: &str = "1234";
/// The user's home, on a file system of the private host.
const HOME: &str = "/mnt/alice";
/// Set for the process that is the user.
const MARK: &str = "GSYNCD_LAB_ORDINARY";

/// Is this process the ordinary user?
pub fn is_me() -> bool {
    std::env::var_os(MARK).is_some()
}

/// Runs `body` as an ordinary user who can log in to this host by ssh without being asked. `name` is the test's own
/// full name; this process, which is on a private host, is root.
///
/// # Errors
/// What `body` returned, or what could not be set up.
pub fn as_an_ordinary_user(name: &str, body: impl FnOnce() -> Done) -> Done {
    if is_me() {
        return body();
    }
    account()?;
    // The user need not be able to reach the place where it was built.
    let program = Path::new("/mnt/test-of-alice");
    fs::copy(std::env::current_exe()?, program)?;
    let mut command = Command::new("setpriv");
    command.args(["--reuid", ID, "--regid", ID, "--clear-groups", "--inh-caps=-all"]).arg(program);
    command.args(["--exact", name, "--nocapture", "--include-ignored"]);
    command.env(MARK, "yes").env("HOME", HOME).env("USER", NAME).env("LOGNAME", NAME);
    let status = command.current_dir(HOME).stdin(Stdio::null()).status()?;
    if status.success() { Ok(()) } else { Err(Failure::new(format!("{name} as {NAME}: {status}"))) }
}

/// An account that sshd accepts, in files of this host's own, with a home and a key.
fn account() -> Done {
    add_line("/etc/passwd", &format!("{NAME}:x:{ID}:{ID}::{HOME}:/bin/sh"), "644")?;
    add_line("/etc/group", &format!("{NAME}:x:{ID}:"), "644")?;
    add_line("/etc/shadow", &format!("{NAME}:*:19000:0:99999:7:::"), "640")?;
    let keys = Path::new(HOME).join(".ssh");
    fs::create_dir_all(&keys)?;
    for file in ["id_ed25519", "id_ed25519.pub", "authorized_keys", "config"] {
        fs::copy(Path::new("/root/.ssh").join(file), keys.join(file))?;
    }
    run("chmod", &["700", &keys.to_string_lossy()])?;
    run("chown", &["-R", &format!("{ID}:{ID}"), HOME]).map(drop)
}

fn add_line(file: &str, line: &str, mode: &str) -> Done {
    let own = Path::new("/mnt").join(file.replace('/', "-"));
    fs::copy(file, &own)?;
    writeln!(fs::OpenOptions::new().append(true).open(&own)?, "{line}")?;
    let own = own.to_string_lossy();
    run("chmod", &[mode, &own])?;
    run("mount", &["--bind", &own, file]).map(drop)
}
