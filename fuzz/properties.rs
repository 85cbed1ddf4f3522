//! What must hold for any bytes. Used by the fuzz targets and, over the seeds, by an ordinary test.

use gsyncd_core::htime::{Chunk, Splitter};
use gsyncd_core::record::{Record, parse, text};

/// Raw changelogs: no panic, salvage only adds, and every record survives its text form.
pub fn raw(bytes: &[u8]) {
    let Ok(parsed) = parse(bytes, true) else { return };
    let plain = parse(bytes, false).map(|plain| plain.records).unwrap_or_default();
    let (before, _) = parsed.records.split_at(parsed.records.len() - parsed.salvaged);
    assert_eq!(plain, before);
    parsed.records.iter().for_each(survives_text);
}

/// Changelog text: no panic, and what was understood survives being written again.
pub fn text(bytes: &[u8]) {
    text::lines(bytes).flatten().for_each(|record| survives_text(&record));
}

fn survives_text(record: &Record) {
    let mut line = Vec::new();
    text::render(record, &mut line);
    let again: Vec<_> = text::lines(&line).collect();
    assert_eq!(again, [Ok(record.clone())]);
}

/// Index files: pieces of any size give the same chunks, in ascending order.
pub fn htime(bytes: &[u8]) {
    let piece = bytes.first().map_or(1, |&byte| usize::from(byte) % 61 + 1);
    let whole = split(bytes, bytes.len().max(1));
    assert_eq!(whole, split(bytes, piece));
    let offset = |chunk: &Chunk| match chunk {
        Chunk::Record(record) => record.offset,
        Chunk::Torn { offset } => *offset,
    };
    assert!(whole.is_sorted_by(|a, b| offset(a) < offset(b)));
}

fn split(bytes: &[u8], piece: usize) -> Vec<Chunk> {
    let mut splitter = Splitter::new(b"/b", 0);
    let mut chunks = Vec::new();
    bytes.chunks(piece).for_each(|piece| splitter.feed(piece, &mut chunks));
    chunks
}
