//! The restricted shell: what may run when sshd starts this binary as the forced command of a pushed key
//! (spec: glusterd-interface 6.1 to 6.5), or of a key for one directory. Pure: the environment, the processes and the
//! client's address come in as values.

mod directory;
pub mod network;
mod programs;
pub mod quoting;
pub mod rsync;

pub use directory::Below;

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};

/// The variables that decide, as they are in the environment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Environment {
    /// `_GLUSTERD_CALLED_`: glusterd (or the gluster command) is the caller.
    pub glusterd_called: Option<OsString>,
    /// `_GSYNCD_CHILD_`: one of ours is the caller. sshd passes no such variable on from a client.
    pub gsyncd_child: Option<OsString>,
    /// `_GSYNCD_DISPATCHED_`: this decision has been taken.
    pub dispatched: Option<OsString>,
    /// `SSH_ORIGINAL_COMMAND`: sshd is the caller, and what the client asked for.
    pub ssh_original_command: Option<OsString>,
    /// `SHELL`: this binary may be a login shell.
    pub shell: Option<OsString>,
}

/// What to do. The words do not hold the program's name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Dispatch {
    /// Go on as gsyncd: these are our own words, not a client's.
    Gsyncd(Vec<OsString>),
    /// Become gsyncd with a client's words: a program anew, so that the process table shows what it serves.
    Session(Vec<OsString>),
    /// Become the gluster command.
    Gluster(Vec<OsString>),
    /// Become rsync, after a look at whether its target is the mount of a session of the same connection.
    Rsync(rsync::Invocation),
    /// Serve that directory.
    Serve(Below),
    /// Print and leave.
    Refuse {
        /// For stderr.
        message: String,
        /// The exit code.
        exit: u8,
    },
}

fn refuse(message: impl Into<String>) -> Dispatch {
    Dispatch::Refuse { message: message.into(), exit: 1 }
}

/// Decides. `argv` does not hold the program's name.
#[must_use]
pub fn dispatch(environment: &Environment, argv: &[OsString]) -> Dispatch {
    // first of all: a variable that the client could set must not widen what its key may do
    match directory::root(argv) {
        Some(Ok(root)) => return directory::dispatch(root, environment.ssh_original_command.as_deref()),
        Some(Err(error)) => return Dispatch::Refuse { message: error.message, exit: error.exit },
        None => {}
    }
    let is_trusted = environment.glusterd_called.as_deref() == Some(OsStr::new("1"))
        || environment.gsyncd_child.is_some()
        || environment.dispatched.is_some();
    if is_trusted {
        return Dispatch::Gsyncd(argv.to_vec());
    }
    match command(environment, argv) {
        Some(command) => restricted(&command),
        None => Dispatch::Gsyncd(argv.to_vec()),
    }
}

/// The command line that came over ssh, if one did.
fn command(environment: &Environment, argv: &[OsString]) -> Option<OsString> {
    if let Some(command) = &environment.ssh_original_command {
        return Some(command.clone());
    }
    let is_shell = environment.shell.as_deref().is_some_and(|shell| basename(shell.as_bytes()) == b"gsyncd");
    match argv {
        [flag, command] if is_shell && flag == "-c" => Some(command.clone()),
        _ => None,
    }
}

/// Split at blanks without quoting, as the stock program does: no shell ever sees the text.
fn restricted(command: &OsStr) -> Dispatch {
    let mut words = command
        .as_bytes()
        .split(|&b| b == b' ')
        .filter(|word| !word.is_empty())
        .map(|word| OsString::from_vec(word.to_vec()));
    let Some(program) = words.next() else {
        return refuse("an empty command is not allowed in a restricted SSH session");
    };
    let words: Vec<OsString> = words.collect();
    // The path does not matter: `/nonexistent/gsyncd` is what a stock primary asks for.
    match basename(program.as_bytes()) {
        b"gsyncd" => programs::gsyncd(words),
        b"gluster" => programs::gluster(words),
        b"rsync" => programs::rsync(words),
        name => refuse(format!("invoking {} in restricted SSH session is not allowed", name.escape_ascii())),
    }
}

fn basename(path: &[u8]) -> &[u8] {
    path.rsplit(|&b| b == b'/').next().unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use super::{Dispatch, Environment, dispatch};
    use proptest::collection::vec;
    use proptest::prelude::{any, proptest};
    use std::ffi::OsString;
    use std::os::unix::ffi::OsStringExt as _;

    /// `VARIABLE=value;… | argv | outcome`.
    #[test]
    fn decisions() {
        let table = include_str!("../testdata/shell.txt");
        for line in table.lines().filter(|line| !line.starts_with('#') && !line.is_empty()) {
            let columns: Vec<&str> = line.split('|').map(str::trim).collect();
            let argv: Vec<OsString> =
                columns[1].split(' ').filter(|w| !w.is_empty()).map(OsString::from).collect();
            let outcome = match dispatch(&environment(columns[0]), &argv) {
                Dispatch::Gsyncd(words) => format!("gsyncd {}", joined(&words)),
                Dispatch::Session(words) => format!("anew gsyncd {}", joined(&words)),
                Dispatch::Gluster(words) => format!("gluster {}", joined(&words)),
                Dispatch::Rsync(call) => {
                    format!("rsync {}, target {}", joined(&call.words), call.target.display())
                }
                Dispatch::Serve(below) => {
                    let primary = u128::from_be_bytes(below.primary);
                    format!("serve {} + {} {primary:x}", below.root.display(), below.way.display())
                }
                Dispatch::Refuse { message, exit } => format!("{exit} {}", message.replace('\n', "; ")),
            };
            assert_eq!(outcome.trim(), columns[2], "{line}");
        }
    }

    fn joined(words: &[OsString]) -> String {
        words.iter().map(|word| word.to_str().unwrap()).collect::<Vec<_>>().join(" ")
    }

    fn environment(text: &str) -> Environment {
        let mut environment = Environment::default();
        for pair in text.split(';').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap();
            let slot = match name {
                "glusterd" => &mut environment.glusterd_called,
                "child" => &mut environment.gsyncd_child,
                "dispatched" => &mut environment.dispatched,
                "ssh" => &mut environment.ssh_original_command,
                _ => &mut environment.shell,
            };
            *slot = Some(OsString::from(value));
        }
        environment
    }

    proptest! {
        #[test]
        fn no_command_panics(command in vec(any::<u8>(), 0..60)) {
            let environment =
                Environment { ssh_original_command: Some(OsString::from_vec(command)), ..Environment::default() };
            let _outcome = dispatch(&environment, &[]);
            let _outcome = dispatch(&environment, &["restricted", "--root", "/x"].map(OsString::from));
        }
    }
}
