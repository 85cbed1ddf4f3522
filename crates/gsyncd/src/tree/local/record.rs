//! What the index knows of one object.

use gsyncd_core::id::{Entry, Gfid, Name};
use gsyncd_sys::handle::FileHandle;

/// One object: which it is on the file system, what sort, and the names it has as far as known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Record {
    /// Tells it from all others, also after renames.
    pub(super) handle: FileHandle,
    /// The type bits of its mode: these never change.
    pub(super) kind: u32,
    /// Hints, each checked against the handle when it is used. A directory has one.
    pub(super) names: Vec<Entry>,
}

/// The type bits of a directory.
const DIRECTORY: u32 = 0o040_000;

impl Record {
    pub(super) fn is_directory(&self) -> bool {
        self.kind == DIRECTORY
    }

    /// The stored form: kind, handle, then each name's parent, length and bytes; integers little-endian.
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(64);
        out.extend_from_slice(&self.kind.to_le_bytes());
        let handle = encode_handle(&self.handle);
        // a kernel's handle has at most 128 bytes
        out.push(u8::try_from(handle.len()).unwrap_or(u8::MAX));
        out.extend_from_slice(&handle);
        for Entry { parent, name } in &self.names {
            out.extend_from_slice(&parent.0);
            out.push(u8::try_from(name.as_bytes().len()).unwrap_or(u8::MAX));
            out.extend_from_slice(name.as_bytes());
        }
        out
    }

    /// None when it is not one.
    pub(super) fn decode(mut input: &[u8]) -> Option<Record> {
        let kind = u32::from_le_bytes(*take(&mut input, 4)?.first_chunk()?);
        let length = usize::from(*take(&mut input, 1)?.first()?);
        let handle = decode_handle(take(&mut input, length)?)?;
        let mut names = Vec::new();
        while !input.is_empty() {
            let parent = Gfid::from_slice(take(&mut input, 16)?)?;
            let length = usize::from(*take(&mut input, 1)?.first()?);
            names.push(Entry { parent, name: Name::new(take(&mut input, length)?)? });
        }
        Some(Record { handle, kind, names })
    }
}

/// The stored form of a handle: its type, then its bytes.
pub(super) fn encode_handle(handle: &FileHandle) -> Vec<u8> {
    let mut out = handle.kind.to_le_bytes().to_vec();
    out.extend_from_slice(&handle.bytes);
    out
}

/// None when it is not one.
pub(super) fn decode_handle(mut input: &[u8]) -> Option<FileHandle> {
    let kind = i32::from_le_bytes(*take(&mut input, 4)?.first_chunk()?);
    Some(FileHandle { kind, bytes: input.into() })
}

fn take<'a>(input: &mut &'a [u8], count: usize) -> Option<&'a [u8]> {
    let (taken, rest) = input.split_at_checked(count)?;
    *input = rest;
    Some(taken)
}

#[cfg(test)]
mod tests {
    use super::Record;
    use gsyncd_core::id::{Entry, Gfid, Name};
    use gsyncd_sys::handle::FileHandle;
    use proptest::prelude::proptest;

    proptest! {
        #[test]
        fn records_come_back_and_nonsense_is_none(noise: Vec<u8>, cut in 0usize..40) {
            let names = [&b"\xff\n"[..], &[b'x'; 255]].map(|name| Name::new(name).unwrap());
            let names = names.map(|name| Entry { parent: Gfid([7; 16]), name }).to_vec();
            let handle = FileHandle { kind: -3, bytes: noise.iter().copied().take(128).collect() };
            let record = Record { handle, kind: 0o100_000, names };
            let bytes = record.encode();
            assert_eq!(Record::decode(&bytes).as_ref(), Some(&record));
            assert_ne!(Record::decode(&bytes[..bytes.len() - 1 - cut]), Some(record));
            let _ = Record::decode(&noise);
        }
    }
}
