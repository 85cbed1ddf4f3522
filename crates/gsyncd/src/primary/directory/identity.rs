//! Which directory a state belongs to: an unmounted or exchanged one must not pass for an emptied one.

use super::ground::Ground;
use super::map::{Map, MapError, SessionState};
use crate::exit::Failure;
use gsyncd_core::id::{Entry, Gfid};
use gsyncd_sys::{Error, at, handle};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// How many of the entries that were last seen in the root are looked for.
const LOOKED_FOR: usize = 1000;

/// Makes sure that the tree is the one that the state is about, and completes a new state.
///
/// # Errors
/// When it is another one, with what can be done; when the tree or the state cannot be read.
pub fn confirm(ground: &Ground, source: &Path, state: &Path) -> Result<SessionState, Failure> {
    let map = ground.map();
    let failed = |error: MapError| Failure::new(error.to_string());
    let mut session = map.session().map_err(failed)?;
    let before = session.clone();
    let (root, file_system) = here(ground)?;
    if session.tree == [0; 16] {
        session.tree = gsyncd_sys::random::id()?;
    } else if session.root != root || (session.file_system != file_system && !is_familiar(ground, map)?) {
        return Err(another(source, state));
    }
    (session.root, session.file_system) = (root, file_system);
    if session != before {
        map.set_session(&session).map_err(failed)?;
    }
    Ok(session)
}

/// Makes sure that the path still leads to the directory that is open.
///
/// # Errors
/// When it leads to another one, or nowhere.
pub fn confirm_still(ground: &Ground, source: &Path, state: &Path) -> Result<(), Failure> {
    let named = handle::of(at::open_root(source.as_os_str().as_bytes())?, b"")?;
    if named == handle::of(ground.root(), b"")? { Ok(()) } else { Err(another(source, state)) }
}

/// The root's handle and its file system.
fn here(ground: &Ground) -> Result<(Vec<u8>, Vec<u8>), Error> {
    let handle = handle::of(ground.root(), b"")?;
    let root = [&handle.kind.to_le_bytes()[..], &handle.bytes].concat();
    Ok((root, at::file_system_id(ground.root())?.to_le_bytes().to_vec()))
}

/// Some kinds of file systems have another id after every mount: then something that was seen must be there still.
fn is_familiar(ground: &Ground, map: &Map) -> Result<bool, Failure> {
    let known = map.children(Gfid::ROOT).map_err(|error| Failure::new(error.to_string()))?;
    for (name, known) in known.iter().take(LOOKED_FOR) {
        let at = Entry { parent: Gfid::ROOT, name: name.clone() };
        if ground.holds(&at, known.gfid)?.is_some() {
            return Ok(true);
        }
    }
    Ok(known.is_empty())
}

fn another(source: &Path, state: &Path) -> Failure {
    Failure::new(format!(
        "{}: this is not the directory that was synced before (is it not mounted?); nothing was changed. \
         If it is to be synced from now on, remove {} first: the target is then compared with it from the start",
        source.display(),
        state.display()
    ))
}
