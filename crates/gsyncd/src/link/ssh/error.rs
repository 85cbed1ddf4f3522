//! Why there is no link, and what to do about it.

use gsyncd_sys::child::CaptureError;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::process::ExitStatusExt as _;
use std::process::ExitStatus;

/// What a link is for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Purpose {
    /// A volume's session: a key of its own with a forced command.
    #[default]
    Volume,
    /// A directory's session: the user's own ssh and a gsyncd that is installed there.
    Directory,
}

/// A link could not be made or has ended.
#[derive(Debug)]
pub enum LinkError {
    /// The target would be taken for an option of ssh.
    BadTarget(OsString),
    /// ssh could not be started.
    Spawn(gsyncd_sys::Error),
    /// ssh gave no answer, or too long a one.
    NoAnswer(CaptureError),
    /// ssh has ended.
    Ended {
        /// The host it was to reach.
        host: OsString,
        /// What it was run for.
        purpose: Purpose,
        /// How it ended; `None` when it still runs.
        status: Option<ExitStatus>,
        /// The last it said.
        last_words: String,
    },
}

impl LinkError {
    /// Whether ssh was not let in: no host that answers, no key, or a key without its forced command. All of these
    /// heal when somebody there does something about it.
    #[must_use]
    pub fn is_not_let_in(&self) -> bool {
        let LinkError::Ended { status: Some(status), .. } = self else { return false };
        matches!(status.code(), Some(255 | 127))
    }
}

impl fmt::Display for LinkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LinkError::BadTarget(host) => write!(f, "{} is no host to reach by ssh", escape(host)),
            LinkError::Spawn(error) => write!(f, "start ssh: {error}"),
            LinkError::NoAnswer(error) => write!(f, "ssh: {error}"),
            LinkError::Ended { host, purpose, status, last_words } => {
                write!(f, "ssh to {} {}", escape(host), ending(*purpose, host, *status))?;
                if last_words.is_empty() { Ok(()) } else { write!(f, "; it said: {last_words}") }
            }
        }
    }
}

impl std::error::Error for LinkError {}

/// For people.
pub(super) fn escape(word: &OsStr) -> String {
    word.as_bytes().escape_ascii().to_string()
}

fn ending(purpose: Purpose, host: &OsStr, status: Option<ExitStatus>) -> String {
    let Some(status) = status else { return "has closed the connection".to_owned() };
    match (status.code(), status.signal()) {
        (Some(code), _) => match advice(purpose, host, code) {
            Some(advice) => advice,
            None => format!("ended with exit code {code}"),
        },
        (None, signal) => format!("was killed by signal {}", signal.unwrap_or(0)),
    }
}

/// What to do about the exit codes that have a meaning of their own.
fn advice(purpose: Purpose, host: &OsStr, code: i32) -> Option<String> {
    let text = match (purpose, code) {
        (Purpose::Volume, 255) => {
            "failed (exit 255): is the host up, does sshd listen on ssh-port, and is the session's public \
             key in authorized_keys there (create push-pem)?"
                .to_owned()
        }
        (Purpose::Volume, 127) => {
            "found no gsyncd there (exit 127): the key has no forced command, so push the keys again \
             (create push-pem), or set remote-gsyncd"
                .to_owned()
        }
        (Purpose::Directory, 255) => {
            let host = escape(host);
            format!("failed (exit 255): does `ssh {host} true` work?")
        }
        (Purpose::Directory, 126 | 127) => {
            let host = escape(host);
            format!(
                "found no gsyncd there that runs (exit {code}): copy this program to it, for example \
                 `scp \"$(command -v gsyncd)\" {host}:/usr/local/bin/`, or name it with --remote-gsyncd PATH"
            )
        }
        (Purpose::Directory, 2) => {
            "ended with exit code 2: is the gsyncd there as new as this one?".to_owned()
        }
        _ => return None,
    };
    Some(text)
}
