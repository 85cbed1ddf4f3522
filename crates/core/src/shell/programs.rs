//! What each program of the restricted shell may be asked for (spec: glusterd-interface 6.2 to 6.4).

use super::{Dispatch, refuse, rsync};
use crate::cli::{self, Command, Syntax, UsageError};
use crate::vocabulary;
use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt as _;

/// Only the serving end of a gluster session: this key gives root to whoever holds it on the other side.
pub(super) fn gsyncd(words: Vec<OsString>) -> Dispatch {
    match cli::parse_commands(&words) {
        Ok(invocation) => match (invocation.syntax, invocation.command) {
            (_, Command::Secondary(_) | Command::Version) => Dispatch::Session(words),
            (Syntax::Options, _) => options(words),
            (_, other) => {
                refuse(format!("gsyncd {} is not allowed in a restricted SSH session", other.label()))
            }
        },
        // wrong numbers of words come before what is forbidden (spec: glusterd-interface 3.3)
        Err(error) if error.exit != 1 && is_option(words.first()) => options(words),
        Err(error) => usage(error),
    }
}

fn usage(error: UsageError) -> Dispatch {
    Dispatch::Refuse { message: error.message, exit: error.exit }
}

fn is_option(word: Option<&OsString>) -> bool {
    word.is_some_and(|word| word.as_bytes().first() == Some(&b'-'))
}

/// What the old generation's serving end may be told (spec: glusterd-interface 6.3, and 3.8 to 3.13).
const TUNABLES: [&str; 9] = [
    "listen",
    "no-daemon",
    "timeout",
    "session-owner",
    "config-file",
    "use-rsync-xattrs",
    "local-id",
    "local-node",
    "access-mount",
];

fn options(words: Vec<OsString>) -> Dispatch {
    let given = match cli::given_options(&words) {
        Ok(given) => given,
        Err(error) => return usage(error),
    };
    // a primary's way of asking whether there is a gsyncd at all; looked at before anything is forbidden
    if given.contains(&"verify") {
        return Dispatch::Session(words);
    }
    let mut forbidden: Vec<String> =
        given.iter().filter(|name| !TUNABLES.contains(*name)).map(|name| old_name(name)).collect();
    forbidden.sort();
    forbidden.dedup();
    if !forbidden.is_empty() {
        let forbidden = forbidden.join(", ");
        // the spelling is the stock program's
        return refuse(format!(
            "following tunables cannot be set with restricted SSH invocaton: {forbidden}"
        ));
    }
    if !given.contains(&"listen") {
        return refuse("tunable listen is not set to value True required for restricted SSH invocaton");
    }
    Dispatch::Session(words)
}

/// As the old generation's messages have it.
fn old_name(name: &str) -> String {
    vocabulary::old(name).replace('-', "_")
}

/// Flags that a peer's monitor or its administrator needs; any other could write files or reach other hosts.
const GLUSTER_FLAGS: [&[u8]; 6] =
    [b"--xml", b"--remote-host=localhost", b"--inet6", b"--mode=script", b"--log-file=-", b"--"];

/// The stock program lets `gluster` and `gluster volume` pass too, and with the first the whole cluster: it reads
/// commands from its standard input.
pub(super) fn gluster(words: Vec<OsString>) -> Dispatch {
    let plain: Vec<&[u8]> =
        words.iter().map(|word| word.as_bytes()).filter(|word| !GLUSTER_FLAGS.contains(word)).collect();
    let is_allowed = match plain.as_slice() {
        [b"--version"] | [b"volume", b"info"] => true,
        [b"volume", b"info", name] => std::str::from_utf8(name).is_ok_and(crate::url::is_volume),
        _ => false,
    };
    if is_allowed { Dispatch::Gluster(words) } else { refuse("disallowed gluster invocation") }
}

pub(super) fn rsync(words: Vec<OsString>) -> Dispatch {
    match rsync::Invocation::parse(words) {
        Ok(invocation) => Dispatch::Rsync(invocation),
        Err(refusal) => refuse(refusal.to_string()),
    }
}
