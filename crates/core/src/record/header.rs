//! The first line of a changelog (spec: on-disk-formats 2.1).

use std::fmt;

/// Version of the file format. Only 1.1 and 1.2 have records that can be read.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Version {
    /// The number before the dot.
    pub major: u32,
    /// The number after it.
    pub minor: u32,
}

impl Version {
    /// Releases 3.5 and 3.6: no captured path on UNLINK and RMDIR.
    pub const V1_1: Version = Version { major: 1, minor: 1 };
    /// Releases from 3.7 on.
    pub const V1_2: Version = Version { major: 1, minor: 2 };
}

/// How gfids and numbers are written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Encoding {
    /// 16 raw bytes per gfid, 4 bytes in native order per number.
    Binary,
    /// Canonical gfids, decimal numbers.
    Ascii,
}

/// Why nothing at all can be read from a file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum HeaderError {
    /// The first line is not a changelog header (also: a file of length 0).
    BadHeader,
    /// The encoding is neither 1 nor 2.
    BadEncoding(u32),
    /// The file has records, in a version that is not known.
    BadVersion(Version),
}

impl fmt::Display for HeaderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            HeaderError::BadHeader => write!(f, "no changelog header"),
            HeaderError::BadEncoding(number) => write!(f, "unknown changelog encoding {number}"),
            HeaderError::BadVersion(v) => write!(f, "unknown changelog version {}.{}", v.major, v.minor),
        }
    }
}

impl std::error::Error for HeaderError {}

/// A header that was accepted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Header {
    /// Format version.
    pub version: Version,
    /// Encoding of all records of the file.
    pub encoding: Encoding,
    /// Length of the line with its newline: where the records begin.
    pub bytes: usize,
}

/// The longest header line looked at; the real one has 51 bytes. Keeps a file without newline from being searched whole.
const MAX_LINE_BYTES: usize = 128;

impl Header {
    /// Reads and checks the first line, in the order of the reference library, so that a header-only file of
    /// an unknown version is fine.
    ///
    /// # Errors
    /// See [`HeaderError`].
    pub fn parse(file: &[u8]) -> Result<Header, HeaderError> {
        let window = file.get(..MAX_LINE_BYTES).unwrap_or(file);
        let newline = window.iter().position(|&b| b == b'\n');
        let line = window.get(..newline.unwrap_or(window.len())).unwrap_or(window);
        let bytes = newline.map_or(line.len(), |at| at + 1);
        let (version, number) = split_line(line).ok_or(HeaderError::BadHeader)?;
        let encoding = match number {
            1 => Encoding::Binary,
            2 => Encoding::Ascii,
            other => return Err(HeaderError::BadEncoding(other)),
        };
        let known = version == Version::V1_1 || version == Version::V1_2;
        if !known && file.len() > bytes {
            return Err(HeaderError::BadVersion(version));
        }
        Ok(Header { version, encoding, bytes })
    }
}

fn split_line(line: &[u8]) -> Option<(Version, u32)> {
    let rest = line.strip_prefix(b"GlusterFS Changelog | version: v")?;
    let (major, rest) = take_number(rest)?;
    let (minor, rest) = take_number(rest.strip_prefix(b".")?)?;
    let (encoding, rest) = take_number(rest.strip_prefix(b" | encoding : ")?)?;
    rest.is_empty().then_some((Version { major, minor }, encoding))
}

fn take_number(text: &[u8]) -> Option<(u32, &[u8])> {
    let digits = text.iter().take_while(|b| b.is_ascii_digit()).count();
    let (number, rest) = text.split_at_checked(digits)?;
    Some((super::decimal(number)?, rest))
}
