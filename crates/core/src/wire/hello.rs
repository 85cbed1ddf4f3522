//! The first bytes in each direction: hand-laid, so that any version can read any other's.
//!
//! Layout: 8 bytes of magic, u16 oldest and u16 newest protocol version spoken, u32 feature bits, all
//! big-endian. Anything before the magic is a login banner of the remote shell.

/// The magic: starts with a byte that no text has, so that a banner cannot be taken for it.
pub const MAGIC: [u8; 8] = *b"\xf1gsyncd\n";
/// Length of a hello in bytes.
pub const LENGTH: usize = 16;
/// The protocol versions this build speaks.
pub const SPOKEN: std::ops::RangeInclusive<u16> = 1..=1;
/// How many bytes of login banner are tolerated before the magic.
pub const BANNER_LIMIT_BYTES: usize = 64 * 1024;

/// What a side says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hello {
    /// Oldest protocol version spoken.
    pub oldest: u16,
    /// Newest protocol version spoken.
    pub newest: u16,
    /// Feature bits; unknown ones are ignored. None are defined yet.
    pub features: u32,
}

impl Hello {
    /// This build's hello.
    #[must_use]
    pub fn ours() -> Hello {
        Hello { oldest: *SPOKEN.start(), newest: *SPOKEN.end(), features: 0 }
    }

    /// The bytes to send.
    #[must_use]
    pub fn encode(self) -> [u8; LENGTH] {
        let mut bytes = [0; LENGTH];
        let parts = [
            &MAGIC[..],
            &self.oldest.to_be_bytes(),
            &self.newest.to_be_bytes(),
            &self.features.to_be_bytes(),
        ];
        for (slot, byte) in bytes.iter_mut().zip(parts.into_iter().flatten()) {
            *slot = *byte;
        }
        bytes
    }

    /// Reads what follows the magic; None unless it is exactly the 8 bytes.
    #[must_use]
    pub fn decode_after_magic(bytes: &[u8]) -> Option<Hello> {
        let &[a, b, c, d, e, f, g, h] = bytes else { return None };
        Some(Hello {
            oldest: u16::from_be_bytes([a, b]),
            newest: u16::from_be_bytes([c, d]),
            features: u32::from_be_bytes([e, f, g, h]),
        })
    }

    /// The newest version both speak.
    #[must_use]
    pub fn common(self, other: Hello) -> Option<u16> {
        let newest = self.newest.min(other.newest);
        (newest >= self.oldest.max(other.oldest)).then_some(newest)
    }
}

#[cfg(test)]
mod tests {
    use super::{Hello, LENGTH, MAGIC};

    #[test]
    fn round_trips() {
        let bytes = Hello::ours().encode();
        assert_eq!(bytes.len(), LENGTH);
        assert_eq!(bytes[..8], MAGIC);
        assert_eq!(Hello::decode_after_magic(&bytes[8..]), Some(Hello::ours()));
    }

    #[test]
    fn disjoint_versions_have_nothing_in_common() {
        let old = Hello { oldest: 1, newest: 2, features: 0 };
        let new = Hello { oldest: 3, newest: 4, features: 0 };
        assert_eq!(old.common(new), None);
        assert_eq!(old.common(Hello { oldest: 2, newest: 9, features: 0 }), Some(2));
    }
}
