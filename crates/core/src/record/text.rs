//! The text form of records (spec: on-disk-formats 3): archives, debugging and hybrid-crawl files.
//!
//! Bytes in, bytes out. Lines are split on `\n` and fields on single blanks, never on anything else.

use super::{Change, CreateFop, Fop, Record, decimal, parse_entry};
use crate::id::{Entry, Gfid};
use std::fmt;

/// Appends the record as one line with its newline, escaped as releases from 3.12 on do.
pub fn render(record: &Record, out: &mut Vec<u8>) {
    let kind = match record {
        Record::Data { .. } => b"D ",
        Record::Meta { .. } => b"M ",
        Record::Entry { .. } => b"E ",
    };
    out.extend_from_slice(kind);
    out.extend_from_slice(&record.gfid().canonical());
    match record {
        Record::Data { .. } => {}
        Record::Meta { fop, .. } => word(fop.name().as_bytes(), out),
        Record::Entry { change, .. } => {
            word(change.fop().name().as_bytes(), out);
            render_arguments(change, out);
        }
    }
    out.push(b'\n');
}

fn render_arguments(change: &Change, out: &mut Vec<u8>) {
    match change {
        Change::Create { mode, uid, gid, at, .. } => {
            for number in [mode, uid, gid] {
                word(number.to_string().as_bytes(), out);
            }
            entry(at, out);
        }
        Change::Symlink { at } | Change::Link { at } => entry(at, out),
        Change::Rename { from, to } => {
            entry(from, out);
            entry(to, out);
        }
        Change::Unlink { at, path } | Change::Rmdir { at, path } => {
            entry(at, out);
            if let Some(path) = path {
                out.push(b' ');
                escape(path, out);
            }
        }
        Change::Other { .. } => {}
    }
}

fn word(bytes: &[u8], out: &mut Vec<u8>) {
    out.push(b' ');
    out.extend_from_slice(bytes);
}

fn entry(entry: &Entry, out: &mut Vec<u8>) {
    word(&entry.parent.canonical(), out);
    out.push(b'/');
    escape(entry.name.as_bytes(), out);
}

/// Escapes a field: blank, newline and percent only, upper-case hex.
pub fn escape(field: &[u8], out: &mut Vec<u8>) {
    for &byte in field {
        match byte {
            b' ' => out.extend_from_slice(b"%20"),
            b'\n' => out.extend_from_slice(b"%0A"),
            b'%' => out.extend_from_slice(b"%25"),
            other => out.push(other),
        }
    }
}

/// Undoes the escaping of every library generation: `%XX` in one pass, everything else stays, `+` is a plus.
#[must_use]
pub fn unescape(field: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(field.len());
    let mut rest = field;
    while let Some((&first, tail)) = rest.split_first() {
        match (first, tail) {
            (b'%', [high, low, after @ ..]) if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
                out.push(nibble(*high) << 4 | nibble(*low));
                rest = after;
            }
            _ => {
                out.push(first);
                rest = tail;
            }
        }
    }
    out
}

/// The value of a character known to be a hex digit.
fn nibble(digit: u8) -> u8 {
    match digit {
        b'0'..=b'9' => digit - b'0',
        other => (other.to_ascii_lowercase() - b'a') + 10,
    }
}

/// A line that is no record.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct BadLine {
    /// Counted from 1.
    pub number: usize,
}

impl fmt::Display for BadLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {} is no changelog record", self.number)
    }
}

impl std::error::Error for BadLine {}

/// The records of a text file, line by line; a bad line does not end the reading.
pub fn lines(text: &[u8]) -> impl Iterator<Item = Result<Record, BadLine>> {
    let text = text.strip_suffix(b"\n").unwrap_or(text);
    let split = text.split(|&b| b == b'\n').enumerate().filter(move |_| !text.is_empty());
    split.map(|(at, line)| parse_line(line).ok_or(BadLine { number: at + 1 }))
}

/// One line, without its newline. Understands both generations of escaping and, in hybrid-crawl files, the stat
/// fields after `SETATTR`, which are ignored.
#[must_use]
pub fn parse_line(line: &[u8]) -> Option<Record> {
    let mut words = line.split(|&b| b == b' ');
    let kind = words.next()?;
    let gfid = Gfid::parse(words.next()?)?;
    let record = match kind {
        b"D" => Record::Data { gfid },
        b"M" => {
            let fop = Fop::from_name(words.next()?)?;
            return Some(Record::Meta { gfid, fop });
        }
        b"E" => Record::Entry { gfid, change: parse_change(&mut words)? },
        _ => return None,
    };
    words.next().is_none().then_some(record)
}

fn parse_change<'a>(words: &mut impl Iterator<Item = &'a [u8]>) -> Option<Change> {
    let fop = Fop::from_name(words.next()?)?;
    let mut at = || parse_entry(&unescape(words.next()?));
    Some(match fop {
        Fop::Symlink => Change::Symlink { at: at()? },
        Fop::Link => Change::Link { at: at()? },
        Fop::Rename => Change::Rename { from: at()?, to: at()? },
        Fop::Unlink => Change::Unlink { at: at()?, path: parse_path(words.next())? },
        Fop::Rmdir => Change::Rmdir { at: at()?, path: parse_path(words.next())? },
        fop => match CreateFop::from_fop(fop) {
            Some(fop) => parse_create(fop, words)?,
            None => Change::Other { fop },
        },
    })
}

fn parse_create<'a>(fop: CreateFop, words: &mut impl Iterator<Item = &'a [u8]>) -> Option<Change> {
    let (mode, uid, gid) = (decimal(words.next()?)?, decimal(words.next()?)?, decimal(words.next()?)?);
    Some(Change::Create { fop, mode, uid, gid, at: parse_entry(&unescape(words.next()?))? })
}

fn parse_path(word: Option<&[u8]>) -> Option<Option<Box<[u8]>>> {
    match word {
        None => Some(None),
        Some([]) => None,
        Some(path) => Some(Some(unescape(path).into())),
    }
}
