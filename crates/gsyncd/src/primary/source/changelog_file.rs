//! Finished changelogs on disk: finding the one a record names, and all of a span of time.

use std::fs;
use std::io::ErrorKind;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use gsyncd_core::htime::{IndexRecord, changelog_stamp, day_directory};

use super::journal::JournalError;

/// Seconds of a day.
const DAY_SECONDS: u32 = 86_400;

/// Spans longer than this are not searched for files without a record.
const MAX_DAYS: u32 = 32;

/// The file of an index record and its size in bytes; None when it is gone. The directory the record names may be that of
/// another brick or of another layout, so only its tail counts (spec: on-disk-formats 1.5).
pub fn resolve(directory: &Path, record: &IndexRecord) -> Result<Option<(PathBuf, u64)>, JournalError> {
    let base = format!("CHANGELOG.{}", record.stamp);
    let recorded = directory.join(std::ffi::OsStr::from_bytes(&record.tail));
    let dated = day_directory(record.stamp).map(|day| directory.join(day).join(&base));
    for path in [Some(recorded), Some(directory.join(&base)), dated].into_iter().flatten() {
        match fs::metadata(&path) {
            Ok(found) if found.is_file() => return Ok(Some((path, found.len()))),
            Ok(_) => {}
            Err(error) if is_absent(&error) => {}
            Err(error) => return Err(JournalError::new("stat", &path, &error)),
        }
    }
    Ok(None)
}

/// The non-empty changelogs with a stamp from `from` to `to`, in order. Looks into the flat layout and the day directories of the
/// span; a span of more than a month gives nothing.
pub fn between(directory: &Path, from: u32, to: u32) -> Result<Vec<(u32, PathBuf)>, JournalError> {
    let mut found = Vec::new();
    let days = to.checked_sub(from).map_or(0, |seconds| seconds / DAY_SECONDS + 2);
    if days == 0 || days > MAX_DAYS {
        return Ok(found);
    }
    collect(directory, from, to, &mut found)?;
    let stamps = (0..days).map(|day| u64::from(from) + u64::from(day) * u64::from(DAY_SECONDS));
    for day in stamps.filter_map(day_directory) {
        collect(&directory.join(day), from, to, &mut found)?;
    }
    found.sort();
    found.dedup_by_key(|(stamp, _)| *stamp);
    Ok(found)
}

fn collect(
    directory: &Path,
    from: u32,
    to: u32,
    found: &mut Vec<(u32, PathBuf)>,
) -> Result<(), JournalError> {
    let entries = match fs::read_dir(directory) {
        Ok(entries) => entries,
        Err(error) if is_absent(&error) => return Ok(()),
        Err(error) => return Err(JournalError::new("opendir", directory, &error)),
    };
    for entry in entries {
        let entry = entry.map_err(|error| JournalError::new("readdir", directory, &error))?;
        let stamp = changelog_stamp(entry.file_name().as_bytes()).and_then(|stamp| u32::try_from(stamp).ok());
        if let Some(stamp) = stamp.filter(|stamp| (from..=to).contains(stamp)) {
            found.push((stamp, entry.path()));
        }
    }
    Ok(())
}

/// Nothing there, which is an answer and no failure.
pub fn is_absent(error: &std::io::Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory)
}
