//! Raw changelog bytes to records, one at a time.

use super::{Change, CreateFop, Encoding, Fop, Header, HeaderError, Record, Version, decimal, parse_entry};
use crate::id::{Entry, Gfid, Name};

/// A place where no valid record begins.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Damage {
    /// Offset in the file.
    pub at: usize,
}

/// Iterates over the records of a file held in memory or mapped; allocates only names.
///
/// Yields `Err` at damage. It then ends, or when salvaging an ASCII file goes on at the next offset that looks like
/// the start of a record (spec: on-disk-formats 2.7).
#[derive(Clone, Debug)]
pub struct Records<'a> {
    bytes: &'a [u8],
    at: usize,
    header: Header,
    salvage: bool,
}

impl<'a> Records<'a> {
    /// Checks the header; reading ends at the first damage.
    ///
    /// # Errors
    /// When the header does not allow to read anything.
    pub fn new(bytes: &'a [u8]) -> Result<Records<'a>, HeaderError> {
        let header = Header::parse(bytes)?;
        Ok(Records { bytes, at: header.bytes, header, salvage: false })
    }

    /// As [`Records::new`], but goes on after damage where the encoding allows it.
    ///
    /// # Errors
    /// When the header does not allow to read anything.
    pub fn salvaging(bytes: &'a [u8]) -> Result<Records<'a>, HeaderError> {
        let records = Records::new(bytes)?;
        // A binary file has no pattern to find a record by.
        let salvage = records.header.encoding == Encoding::Ascii;
        Ok(Records { salvage, ..records })
    }

    /// What the first line says.
    #[must_use]
    pub fn header(&self) -> Header {
        self.header
    }

    /// The next offset after `bad` where a type letter is followed by a canonical gfid and a NUL.
    fn resume_after(&self, bad: usize) -> usize {
        let rest = self.bytes.get(bad + 1..).unwrap_or_default();
        let looks_right = |window: &[u8]| match window {
            [b'D' | b'M' | b'E', gfid @ .., 0] => Gfid::parse(gfid).is_some(),
            _ => false,
        };
        rest.windows(38).position(looks_right).map_or(self.bytes.len(), |skip| bad + 1 + skip)
    }
}

impl Iterator for Records<'_> {
    type Item = Result<Record, Damage>;

    fn next(&mut self) -> Option<Self::Item> {
        let rest = self.bytes.get(self.at..).filter(|rest| !rest.is_empty())?;
        let mut cursor = Cursor { rest, header: self.header };
        let at = self.at;
        match cursor.record() {
            Some(record) => {
                self.at = self.bytes.len() - cursor.rest.len();
                Some(Ok(record))
            }
            None => {
                self.at = if self.salvage { self.resume_after(at) } else { self.bytes.len() };
                Some(Err(Damage { at }))
            }
        }
    }
}

/// Takes fields off the front; None means damage.
struct Cursor<'a> {
    rest: &'a [u8],
    header: Header,
}

impl<'a> Cursor<'a> {
    fn record(&mut self) -> Option<Record> {
        let kind = self.take(1)?;
        let gfid = self.gfid()?;
        self.nul()?;
        match kind {
            b"D" => Some(Record::Data { gfid }),
            b"M" => Some(Record::Meta { gfid, fop: self.fop()? }),
            b"E" => Some(Record::Entry { gfid, change: self.change()? }),
            _ => None,
        }
    }

    fn change(&mut self) -> Option<Change> {
        let fop = self.fop()?;
        if let Some(fop) = CreateFop::from_fop(fop) {
            let (mode, uid, gid) = (self.number()?, self.number()?, self.number()?);
            return Some(Change::Create { fop, mode, uid, gid, at: self.entry()? });
        }
        Some(match fop {
            Fop::Symlink => Change::Symlink { at: self.entry()? },
            Fop::Link => Change::Link { at: self.entry()? },
            Fop::Rename => Change::Rename { from: self.entry()?, to: self.entry()? },
            Fop::Unlink => Change::Unlink { at: self.entry()?, path: self.deleted_path()? },
            Fop::Rmdir => Change::Rmdir { at: self.entry()?, path: self.deleted_path()? },
            fop => Change::Other { fop },
        })
    }

    /// Version 1.2 writes the captured path, or two more NULs when there is none.
    fn deleted_path(&mut self) -> Option<Option<Box<[u8]>>> {
        if self.header.version == Version::V1_1 {
            return Some(None);
        }
        let path = self.until_nul(usize::MAX)?;
        if path.is_empty() {
            self.nul()?;
            return Some(None);
        }
        Some(Some(path.into()))
    }

    fn gfid(&mut self) -> Option<Gfid> {
        match self.header.encoding {
            Encoding::Ascii => Gfid::parse(self.take(36)?),
            Encoding::Binary => Gfid::from_slice(self.take(16)?),
        }
    }

    fn fop(&mut self) -> Option<Fop> {
        Fop::from_number(self.number()?)
    }

    /// A number with its terminator.
    fn number(&mut self) -> Option<u32> {
        match self.header.encoding {
            Encoding::Ascii => decimal(self.until_nul(MAX_NUMBER_BYTES)?),
            Encoding::Binary => {
                // Written by the brick on this very host, in its own byte order.
                let number = u32::from_ne_bytes(self.take(4)?.try_into().ok()?);
                self.nul()?;
                Some(number)
            }
        }
    }

    /// An entry with its terminator.
    fn entry(&mut self) -> Option<Entry> {
        match self.header.encoding {
            Encoding::Ascii => parse_entry(self.until_nul(37 + Name::MAX_BYTES)?),
            Encoding::Binary => {
                let parent = self.gfid()?;
                let name = self.until_nul(1 + Name::MAX_BYTES)?.strip_prefix(b"/")?;
                Some(Entry { parent, name: Name::new(name)? })
            }
        }
    }

    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (field, rest) = self.rest.split_at_checked(count)?;
        self.rest = rest;
        Some(field)
    }

    fn nul(&mut self) -> Option<()> {
        (self.take(1)? == b"\0").then_some(())
    }

    /// A field of at most `limit` bytes, without the NUL that ends it.
    fn until_nul(&mut self, limit: usize) -> Option<&'a [u8]> {
        let length = self.rest.iter().take(limit.saturating_add(1)).position(|&b| b == 0)?;
        let field = self.take(length)?;
        self.nul()?;
        Some(field)
    }
}

/// Longer digit runs do not fit 32 bits, leading zeros aside, which nobody writes.
const MAX_NUMBER_BYTES: usize = 10;
