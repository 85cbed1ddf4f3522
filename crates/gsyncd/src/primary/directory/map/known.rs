//! What was seen of an entry when it was last looked at.

use gsyncd_core::id::Gfid;
use gsyncd_sys::at::Stat;

/// Bytes of one as it is stored.
const STORED_BYTES: usize = 16 + 8 + 12 + 12 + 8 + 4;

/// The holder of a name, and what tells whether it changed since.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Known {
    /// The object.
    pub gfid: Gfid,
    /// Inode number.
    pub ino: u64,
    /// Last change of anything about the object: only the kernel sets it, so an equal one means an equal object. All
    /// zero where it was too young to be told from the next change's.
    pub ctime: (i64, u32),
    /// Last change of the content, as far as nobody set it.
    pub mtime: (i64, u32),
    /// Size in bytes.
    pub size: u64,
    /// Type and permission bits.
    pub mode: u32,
}

impl Known {
    /// What a look at an object says.
    #[must_use]
    pub fn from_stat(gfid: Gfid, stat: &Stat) -> Known {
        let Stat { ino, ctime, mtime, size, mode, .. } = *stat;
        Known { gfid, ino, ctime, mtime, size, mode }
    }

    /// The object was not changed, and no other took its inode.
    #[must_use]
    pub fn is_unchanged(&self, stat: &Stat) -> bool {
        self.ino == stat.ino && self.ctime == stat.ctime && self.mode == stat.mode
    }

    /// Size and time say that the content is the same. They can be made to lie.
    #[must_use]
    pub fn seems_to_have_content_of(&self, stat: &Stat) -> bool {
        (self.size, self.mtime) == (stat.size, stat.mtime)
    }

    /// True for a directory.
    #[must_use]
    pub fn is_directory(&self) -> bool {
        self.mode & 0o170_000 == 0o040_000
    }

    pub(super) fn encode(&self) -> [u8; STORED_BYTES] {
        let mut bytes = [0; STORED_BYTES];
        let parts = [
            &self.gfid.0[..],
            &self.ino.to_le_bytes(),
            &self.ctime.0.to_le_bytes(),
            &self.ctime.1.to_le_bytes(),
            &self.mtime.0.to_le_bytes(),
            &self.mtime.1.to_le_bytes(),
            &self.size.to_le_bytes(),
            &self.mode.to_le_bytes(),
        ];
        for (slot, byte) in bytes.iter_mut().zip(parts.into_iter().flatten()) {
            *slot = *byte;
        }
        bytes
    }

    /// None for bytes that nobody here wrote.
    pub(super) fn decode(mut bytes: &[u8]) -> Option<Known> {
        let known = Known {
            gfid: Gfid(take(&mut bytes)?),
            ino: u64::from_le_bytes(take(&mut bytes)?),
            ctime: (i64::from_le_bytes(take(&mut bytes)?), u32::from_le_bytes(take(&mut bytes)?)),
            mtime: (i64::from_le_bytes(take(&mut bytes)?), u32::from_le_bytes(take(&mut bytes)?)),
            size: u64::from_le_bytes(take(&mut bytes)?),
            mode: u32::from_le_bytes(take(&mut bytes)?),
        };
        bytes.is_empty().then_some(known)
    }
}

fn take<const N: usize>(bytes: &mut &[u8]) -> Option<[u8; N]> {
    let (head, rest) = bytes.split_first_chunk()?;
    *bytes = rest;
    Some(*head)
}

#[cfg(test)]
mod tests {
    use super::Known;
    use gsyncd_core::id::Gfid;
    use proptest::prelude::proptest;

    proptest! {
        #[test]
        fn comes_back_as_stored(ino: u64, seconds: i64, nanos: u32, size: u64, mode: u32, raw: Vec<u8>) {
            let known = Known {
                gfid: Gfid([7; 16]), ino, ctime: (seconds, nanos), mtime: (seconds ^ 1, nanos ^ 1), size, mode,
            };
            assert_eq!(Known::decode(&known.encode()), Some(known));
            let _ = Known::decode(&raw);
        }
    }
}
