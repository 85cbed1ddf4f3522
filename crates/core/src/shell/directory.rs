//! `gsyncd restricted --root PATH`: the forced command of a key that may reach one directory only.

use super::quoting::unquote;
use super::{Dispatch, refuse};
use crate::cli::{self, Command, ServeArgs};
use crate::url::place::shown;
use std::ffi::{OsStr, OsString};
use std::path::{Component, Path, PathBuf};

/// A root that may be served, and the part of it that was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Below {
    /// The directory that the key names.
    pub root: PathBuf,
    /// The way from there, which holds neither `..` nor anything absolute; empty for the root itself. Symlinks on it
    /// are for the caller to refuse.
    pub way: PathBuf,
    /// Id of the primary's tree.
    pub primary: [u8; 16],
}

/// Whether argv is such a key line's. It comes from `authorized_keys`, never from the client.
pub(super) fn root(argv: &[OsString]) -> Option<Result<PathBuf, cli::UsageError>> {
    if argv.first().is_none_or(|word| word != "restricted") {
        return None;
    }
    match cli::parse_commands(argv).map(|invocation| invocation.command) {
        Ok(Command::Restricted { root }) => Some(Ok(root)),
        // `--version` among the words: never what the volumes' keys may do
        Ok(_) => {
            Some(Err(cli::UsageError { message: "restricted: only --root is taken".to_owned(), exit: 2 }))
        }
        Err(error) => Some(Err(error)),
    }
}

/// Decides what the client gets: the serving of the root or of what is below it, or nothing.
pub(super) fn dispatch(root: PathBuf, command: Option<&OsStr>) -> Dispatch {
    let Some(command) = command else {
        return refuse("this key is for gsyncd only, and no command was asked for");
    };
    let Some(args) = serve(command) else {
        return refuse(format!("this key is for gsyncd serve only, not for: {}", shown(command)));
    };
    match way(&root, &args.root) {
        Some(way) => Dispatch::Serve(Below { way, root, primary: args.primary }),
        None => refuse(format!(
            "this key serves {} and what is below it, not {}",
            shown(root.as_os_str()),
            shown(args.root.as_os_str())
        )),
    }
}

/// The program's name does not matter: this program runs, whatever was asked for.
fn serve(command: &OsStr) -> Option<ServeArgs> {
    let words = unquote(command)?;
    let (_program, words) = words.split_first()?;
    match cli::parse_commands(words).ok()?.command {
        Command::Serve(args) => Some(args),
        _ => None,
    }
}

fn way(root: &Path, asked: &Path) -> Option<PathBuf> {
    let way = asked.strip_prefix(root).ok()?;
    let is_straight = |path: &Path| !path.components().any(|part| part == Component::ParentDir);
    (is_straight(root) && is_straight(way)).then(|| way.to_owned())
}
