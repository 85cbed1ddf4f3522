//! Finished changelogs that the index does not name.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use gsyncd_core::htime::Chunk;

use super::super::segment::Reader;
use super::super::{changelog_file, seek};
use super::{JournalError, stamp_of};

/// How far back files are compared with the index at the start: today and yesterday.
const STRAY_SECONDS: u32 = 2 * 86_400;

/// Finished changelogs of the newest days that have no record. A brick can fail between renaming a file and recording it
/// (spec: on-disk-formats 1.3).
pub fn find(
    directory: &Path,
    reader: &mut Reader,
    start: u32,
    newest: u32,
) -> Result<BTreeMap<u32, PathBuf>, JournalError> {
    let from = start.max(newest.saturating_sub(STRAY_SECONDS));
    let files = changelog_file::between(directory, from, newest.saturating_add(STRAY_SECONDS))?;
    if files.is_empty() {
        return Ok(BTreeMap::new());
    }
    let mut recorded = BTreeSet::new();
    seek::first_at_or_after(reader, directory, from)?;
    while let Some(chunk) = reader.next()? {
        match chunk {
            Chunk::Record(record) if !record.empty => recorded.extend(stamp_of(&record)),
            _ => {}
        }
    }
    Ok(files.into_iter().filter(|(stamp, _)| !recorded.contains(stamp)).collect())
}
