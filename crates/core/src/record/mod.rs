//! The brick's journal: raw changelog bytes to records, and records to and from the text form.
//!
//! Facts: on-disk-formats sections 2 (raw) and 3 (text).

pub mod fop;
mod header;
mod raw;
pub mod text;

pub use fop::Fop;
pub use header::{Encoding, Header, HeaderError, Version};
pub use raw::{Damage, Records};

use crate::id::{Entry, Gfid};

/// One change, as the brick wrote it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Record {
    /// The content of the object may have changed.
    Data {
        /// The object.
        gfid: Gfid,
    },
    /// Attributes and xattrs of the object may have changed.
    Meta {
        /// The object.
        gfid: Gfid,
        /// Only the *first* such operation of the file: later ones are suppressed, so never decide by it (2.5).
        fop: Fop,
    },
    /// A name was made, moved or removed.
    Entry {
        /// The object, not its parent.
        gfid: Gfid,
        /// What happened to its names.
        change: Change,
    },
}

impl Record {
    /// The object the record is about.
    #[must_use]
    pub fn gfid(&self) -> Gfid {
        match self {
            Record::Data { gfid } | Record::Meta { gfid, .. } | Record::Entry { gfid, .. } => *gfid,
        }
    }
}

/// The operations that make an object and carry mode and owner.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum CreateFop {
    /// open(2) with `O_CREAT`.
    Create,
    /// mknod(2); with a known gfid it is a healed hard link (7.1).
    Mknod,
    /// mkdir(2).
    Mkdir,
}

impl CreateFop {
    /// The operation as a [`Fop`].
    #[must_use]
    pub fn fop(self) -> Fop {
        match self {
            CreateFop::Create => Fop::Create,
            CreateFop::Mknod => Fop::Mknod,
            CreateFop::Mkdir => Fop::Mkdir,
        }
    }

    /// The reverse of [`CreateFop::fop`].
    #[must_use]
    pub fn from_fop(fop: Fop) -> Option<CreateFop> {
        match fop {
            Fop::Create => Some(CreateFop::Create),
            Fop::Mknod => Some(CreateFop::Mknod),
            Fop::Mkdir => Some(CreateFop::Mkdir),
            _ => None,
        }
    }
}

/// What an entry record says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Change {
    /// A new object with a name.
    Create {
        /// Which operation.
        fop: CreateFop,
        /// Full mode as the brick received it; type bits may be missing (then a regular file) and trigger-sync invents it.
        mode: u32,
        /// Of the calling process.
        uid: u32,
        /// Of the calling process.
        gid: u32,
        /// The new name.
        at: Entry,
    },
    /// A new symbolic link; the target is not recorded.
    Symlink {
        /// The new name.
        at: Entry,
    },
    /// One more name for an existing object.
    Link {
        /// The new name.
        at: Entry,
    },
    /// A name moved, replacing what was at the destination.
    Rename {
        /// The old name.
        from: Entry,
        /// The new name.
        to: Entry,
    },
    /// A name of a non-directory removed.
    Unlink {
        /// The name.
        at: Entry,
        /// Path from the brick root, where the volume captures it; never empty.
        path: Option<Box<[u8]>>,
    },
    /// A directory removed.
    Rmdir {
        /// The name.
        at: Entry,
        /// Path from the brick root, where the volume captures it; never empty.
        path: Option<Box<[u8]>>,
    },
    /// An operation that is no entry operation: nothing to do but warn (2.7).
    Other {
        /// Never one of the eight above.
        fop: Fop,
    },
}

impl Change {
    /// The operation of the record.
    #[must_use]
    pub fn fop(&self) -> Fop {
        match self {
            Change::Create { fop, .. } => fop.fop(),
            Change::Symlink { .. } => Fop::Symlink,
            Change::Link { .. } => Fop::Link,
            Change::Rename { .. } => Fop::Rename,
            Change::Unlink { .. } => Fop::Unlink,
            Change::Rmdir { .. } => Fop::Rmdir,
            Change::Other { fop } => *fop,
        }
    }
}

/// All that a file says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Parsed {
    /// The records before the first damage, then the salvaged ones.
    pub records: Vec<Record>,
    /// Format version.
    pub version: Version,
    /// Encoding of the records.
    pub encoding: Encoding,
    /// Offset of the first record that could not be decoded. Something was lost: tell, and schedule a crawl.
    pub damaged_at: Option<usize>,
    /// How many of `records` were found after the damage.
    pub salvaged: usize,
}

/// Reads a whole file. Damage is not an error: what precedes it is handed out, and with `salvage` also what can be
/// found after it (ASCII only).
///
/// # Errors
/// Only when the header does not allow to read anything.
pub fn parse(bytes: &[u8], salvage: bool) -> Result<Parsed, HeaderError> {
    let records = if salvage { Records::salvaging(bytes)? } else { Records::new(bytes)? };
    let header = records.header();
    let mut parsed = Parsed {
        records: Vec::new(),
        version: header.version,
        encoding: header.encoding,
        damaged_at: None,
        salvaged: 0,
    };
    for item in records {
        match item {
            Ok(record) => {
                parsed.salvaged += usize::from(parsed.damaged_at.is_some());
                parsed.records.push(record);
            }
            Err(damage) => parsed.damaged_at = parsed.damaged_at.or(Some(damage.at)),
        }
    }
    Ok(parsed)
}

/// `<canonical parent gfid>/<name>`, unescaped; None unless both parts are valid.
#[must_use]
pub fn parse_entry(text: &[u8]) -> Option<Entry> {
    let (parent, rest) = text.split_at_checked(36)?;
    let name = crate::id::Name::new(rest.strip_prefix(b"/")?)?;
    Some(Entry { parent: Gfid::parse(parent)?, name })
}

/// A non-empty run of digits that fits 32 bits.
pub(crate) fn decimal(text: &[u8]) -> Option<u32> {
    if text.is_empty() || !text.iter().all(u8::is_ascii_digit) {
        return None;
    }
    text.iter().try_fold(0u32, |number, digit| number.checked_mul(10)?.checked_add(u32::from(digit - b'0')))
}

#[cfg(test)]
mod vectors;
