//! Finding a time in an index file without reading all of it.
//!
//! The index is in order unless the brick's clock stepped back, and nothing in it says whether it did. So the binary search
//! checks that what it meets is in order, looks again at a stretch before the place it found, and where either disagrees reads
//! the file from its beginning.

use std::path::Path;

use gsyncd_core::htime::{Chunk, IndexRecord};

use super::journal::JournalError;
use super::segment::{PIECE_BYTES, Reader};

/// Below this distance reading on is cheaper than probing.
const CLOSE_BYTES: u64 = PIECE_BYTES as u64;

/// How far before the found place records must be older: two days at the default rollover time.
const VERIFIED_BYTES: u64 = 1 << 20;

/// Places the reader at the first record with a stamp of at least `stamp`, or at the end of the complete records.
pub fn first_at_or_after(reader: &mut Reader, directory: &Path, stamp: u32) -> Result<u64, JournalError> {
    let stamp = u64::from(stamp);
    let offset = match search(reader, directory, stamp)? {
        Some(near) => {
            let found = scan(reader, directory, near, stamp)?;
            if is_first(reader, directory, found, stamp)? {
                found
            } else {
                scan(reader, directory, 0, stamp)?
            }
        }
        None => scan(reader, directory, 0, stamp)?,
    };
    reader.rewind(directory, offset);
    Ok(offset)
}

/// The last complete record; leaves the reader anywhere.
pub fn last_record(reader: &mut Reader, directory: &Path) -> Result<Option<IndexRecord>, JournalError> {
    let size = reader.size()?;
    for window in [CLOSE_BYTES, VERIFIED_BYTES, size] {
        reader.rewind(directory, record_near(reader, size.saturating_sub(window))?);
        let mut last = None;
        while let Some(chunk) = reader.next()? {
            if let Chunk::Record(record) = chunk {
                last = Some(record);
            }
        }
        if last.is_some() || window >= size {
            return Ok(last);
        }
    }
    Ok(None)
}

/// A place before the wanted record and close to it; None when the file is not in order.
fn search(reader: &mut Reader, directory: &Path, stamp: u64) -> Result<Option<u64>, JournalError> {
    let (mut low, mut high) = (0, reader.size()?);
    let (mut low_stamp, mut high_stamp) = (0, u64::MAX);
    while high.saturating_sub(low) > CLOSE_BYTES {
        let middle = low + (high - low) / 2;
        let Some(record) = probe(reader, directory, middle)? else { return Ok(None) };
        if record.stamp < low_stamp || record.stamp > high_stamp {
            return Ok(None);
        }
        if record.stamp >= stamp {
            (high, high_stamp) = (middle, record.stamp);
        } else if record.offset < high {
            (low, low_stamp) = (record.offset, record.stamp);
        } else {
            break;
        }
    }
    Ok(Some(low))
}

/// The first record that begins after `offset`.
fn probe(reader: &mut Reader, directory: &Path, offset: u64) -> Result<Option<IndexRecord>, JournalError> {
    let Some(begin) = reader.record_after(offset)? else { return Ok(None) };
    reader.rewind(directory, begin);
    while let Some(chunk) = reader.next()? {
        if let Chunk::Record(record) = chunk {
            return Ok(Some(record));
        }
    }
    Ok(None)
}

/// Reads on from `from` to the wanted record. A torn one directly before it is included: it may have been the wanted one.
fn scan(reader: &mut Reader, directory: &Path, from: u64, stamp: u64) -> Result<u64, JournalError> {
    reader.rewind(directory, from);
    let mut torn_at = None;
    while let Some(chunk) = reader.next()? {
        match chunk {
            Chunk::Torn { offset } => torn_at = torn_at.or(Some(offset)),
            Chunk::Record(record) if record.stamp >= stamp => return Ok(torn_at.unwrap_or(record.offset)),
            Chunk::Record(_) => torn_at = None,
        }
    }
    Ok(torn_at.unwrap_or(reader.tail_offset()))
}

/// Whether all records in a stretch before `found` are older than `stamp`.
fn is_first(reader: &mut Reader, directory: &Path, found: u64, stamp: u64) -> Result<bool, JournalError> {
    reader.rewind(directory, record_near(reader, found.saturating_sub(VERIFIED_BYTES))?);
    while let Some(chunk) = reader.next()? {
        match chunk {
            Chunk::Record(record) if record.offset >= found => break,
            Chunk::Record(record) if record.stamp >= stamp => return Ok(false),
            _ => {}
        }
    }
    Ok(true)
}

/// The beginning of the file, or of a record after `offset`.
fn record_near(reader: &Reader, offset: u64) -> Result<u64, JournalError> {
    if offset == 0 {
        return Ok(0);
    }
    Ok(reader.record_after(offset)?.unwrap_or(offset))
}
