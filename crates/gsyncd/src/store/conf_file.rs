//! The session's config file.

use super::replace::{self, Durability, Lock};
use crate::exit::Failure;
use gsyncd_core::conf::Document;
use std::path::Path;

/// Readable by all: glusterd and people look into it.
const MODE: u32 = 0o644;

/// The file's content; an empty document when there is no file.
///
/// # Errors
/// The file cannot be read.
pub fn load(path: &Path) -> Result<Document, Failure> {
    Ok(Document::parse(&replace::read(path)?.unwrap_or_default()))
}

/// Changes the file under its lock; `change` tells whether it changed anything, else nothing is written.
///
/// # Errors
/// Those of `change` and of the file.
pub fn update<E>(path: &Path, change: impl FnOnce(&mut Document) -> Result<bool, E>) -> Result<(), Failure>
where
    Failure: From<E>,
{
    replace::update_under(Lock::Record, path, MODE, Durability::Synced, |before| {
        let mut document = Document::parse(before);
        let changed = change(&mut document)?;
        Ok(changed.then(|| document.render()))
    })
}

/// Makes an empty file when there is none and its directory exists.
///
/// # Errors
/// The file cannot be made.
pub fn create_empty(path: &Path) -> Result<(), Failure> {
    replace::create_empty(path, MODE)
}
