//! Who and where: gfids, names, entries and times of progress.

use std::fmt;

/// A GlusterFS object id (16 bytes). Shown and parsed in canonical form: 36 characters, lower case.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Gfid(pub [u8; 16]);

impl Gfid {
    /// The root directory of every volume (spec: on-disk-formats, preamble).
    pub const ROOT: Gfid = Gfid([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);

    /// Parses the canonical form only: lower-case hex with dashes at 8, 13, 18 and 23.
    #[must_use]
    pub fn parse(text: &[u8]) -> Option<Gfid> {
        if text.len() != 36 {
            return None;
        }
        let mut bytes = [0u8; 16];
        let mut nibble = 0usize;
        for (at, &c) in text.iter().enumerate() {
            if matches!(at, 8 | 13 | 18 | 23) {
                if c != b'-' {
                    return None;
                }
                continue;
            }
            let value = match c {
                b'0'..=b'9' => c - b'0',
                b'a'..=b'f' => c - b'a' + 10,
                _ => return None,
            };
            let byte = bytes.get_mut(nibble / 2)?;
            *byte = (*byte << 4) | value;
            nibble += 1;
        }
        Some(Gfid(bytes))
    }

    /// The 16 raw bytes of a `trusted.gfid` xattr or a binary changelog.
    #[must_use]
    pub fn from_slice(raw: &[u8]) -> Option<Gfid> {
        raw.try_into().ok().map(Gfid)
    }

    /// Canonical form as bytes.
    #[must_use]
    pub fn canonical(&self) -> [u8; 36] {
        const HEX: &[u8; 16] = b"0123456789abcdef";
        let mut text = [b'-'; 36];
        let mut slots = text.iter_mut().enumerate().filter(|(at, _)| !matches!(at, 8 | 13 | 18 | 23));
        for byte in self.0 {
            for nibble in [byte >> 4, byte & 15] {
                if let (Some((_, slot)), Some(&digit)) = (slots.next(), HEX.get(usize::from(nibble))) {
                    *slot = digit;
                }
            }
        }
        text
    }
}

impl fmt::Display for Gfid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for byte in self.canonical() {
            fmt::Write::write_char(f, char::from(byte))?;
        }
        Ok(())
    }
}

impl fmt::Debug for Gfid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A validated base name: 1 to 255 bytes, no NUL, no `/`, neither `.` nor `..`. Bytes, never text.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Name(Box<[u8]>);

impl Name {
    /// The longest name a brick records, in bytes.
    pub const MAX_BYTES: usize = 255;

    /// Validates; None when the bytes cannot be one path component.
    #[must_use]
    pub fn new(bytes: &[u8]) -> Option<Name> {
        let bad = bytes.is_empty()
            || bytes.len() > Self::MAX_BYTES
            || bytes == b"."
            || bytes == b".."
            || bytes.iter().any(|&b| b == 0 || b == b'/');
        (!bad).then(|| Name(bytes.into()))
    }

    /// The raw bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.escape_ascii())
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.0.escape_ascii())
    }
}

/// A name in the tree: (parent directory's gfid, base name).
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Entry {
    /// The directory that holds the name.
    pub parent: Gfid,
    /// The name in it.
    pub name: Name,
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.parent, self.name)
    }
}

impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A point of progress: "everything recorded up to here is done" (spec: on-disk-formats 5.1).
/// Eight bytes on disk, big-endian seconds and microseconds.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct Stime {
    /// Seconds since 1970.
    pub seconds: u32,
    /// Microseconds; 0 when derived from a changelog.
    pub micros: u32,
}

impl Stime {
    /// "Resync everything, ignore per-directory stimes" (spec: sync-semantics 3.1).
    pub const ZERO: Stime = Stime { seconds: 0, micros: 0 };

    /// A changelog stamp.
    #[must_use]
    pub fn at(seconds: u32) -> Stime {
        Stime { seconds, micros: 0 }
    }

    /// The value of an xtime, stime or entry_stime xattr; None unless exactly 8 bytes.
    #[must_use]
    pub fn decode(raw: &[u8]) -> Option<Stime> {
        let raw: [u8; 8] = raw.try_into().ok()?;
        let [a, b, c, d, e, f, g, h] = raw;
        Some(Stime { seconds: u32::from_be_bytes([a, b, c, d]), micros: u32::from_be_bytes([e, f, g, h]) })
    }

    /// The eight bytes of the xattr.
    #[must_use]
    pub fn encode(self) -> [u8; 8] {
        let [a, b, c, d] = self.seconds.to_be_bytes();
        let [e, f, g, h] = self.micros.to_be_bytes();
        [a, b, c, d, e, f, g, h]
    }
}

#[cfg(test)]
mod tests {
    use super::{Gfid, Name, Stime};

    #[test]
    fn gfid_round_trips_and_rejects_other_spellings() {
        let text = b"a1b2c302-1002-4202-8302-23456789ab02";
        let gfid = Gfid::parse(text).unwrap();
        assert_eq!(&gfid.canonical(), text);
        assert_eq!(Gfid::parse(b"A1b2c302-1002-4202-8302-23456789ab02"), None);
        assert_eq!(Gfid::parse(b"a1b2c30201002-4202-8302-23456789ab02"), None);
        assert_eq!(Gfid::ROOT.to_string(), "00000000-0000-0000-0000-000000000001");
    }

    #[test]
    fn names_are_one_component() {
        for bad in [&b""[..], b".", b"..", b"a/b", b"a\0b", &[b'x'; 256]] {
            assert_eq!(Name::new(bad), None);
        }
        assert!(Name::new(&[b'\xff'; 255]).is_some());
        assert!(Name::new(b"...").is_some());
    }

    #[test]
    fn stime_is_big_endian() {
        let raw = [0x6b, 2, 0xfc, 0x92, 0, 0x0d, 0xea, 0xda];
        let stime = Stime::decode(&raw).unwrap();
        assert_eq!((stime.seconds, stime.micros), (1_795_357_842, 912_090));
        assert_eq!(stime.encode(), raw);
    }
}
