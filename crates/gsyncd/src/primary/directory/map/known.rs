//! What was seen of an entry when it was last looked at.

use gsyncd_core::id::Gfid;
use gsyncd_sys::at::Stat;
use std::time::{Duration, SystemTime};

/// Bytes of one as it is stored.
const STORED_BYTES: usize = 16 + 8 + 12 + 12 + 8 + 4 + 1;
/// Younger changes may be followed by others that look no younger: the kernel's clock ticks so coarsely.
const YOUNG: Duration = Duration::from_millis(12);

/// The holder of a name, and what tells whether it changed since.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Known {
    /// The object.
    pub gfid: Gfid,
    /// Inode number.
    pub ino: u64,
    /// Last change of anything about the object: only the kernel sets it, so an equal one means an equal object.
    pub ctime: (i64, u32),
    /// It was too young, when it was seen, to be told from the next change's.
    pub young: bool,
    /// Last change of the content, as far as nobody set it.
    pub mtime: (i64, u32),
    /// Size in bytes.
    pub size: u64,
    /// Type and permission bits.
    pub mode: u32,
}

impl Known {
    /// What a look at an object says, just now.
    #[must_use]
    pub fn from_stat(gfid: Gfid, stat: &Stat) -> Known {
        let Stat { ino, ctime, mtime, size, mode, .. } = *stat;
        Known { gfid, ino, ctime, young: is_young(ctime), mtime, size, mode }
    }

    /// The object was not changed, and no other took its inode.
    #[must_use]
    pub fn is_unchanged(&self, stat: &Stat) -> bool {
        !self.young && self.has_same_times(stat)
    }

    /// As [`Known::is_unchanged`], where it is known that nothing happened since that was seen.
    #[must_use]
    pub fn has_same_times(&self, stat: &Stat) -> bool {
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

    /// True for a regular file.
    #[must_use]
    pub fn is_file(&self) -> bool {
        self.mode & 0o170_000 == 0o100_000
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
            &[u8::from(self.young)],
        ];
        for (slot, byte) in bytes.iter_mut().zip(parts.into_iter().flatten()) {
            *slot = *byte;
        }
        bytes
    }

    /// None for bytes that nobody here wrote.
    pub(super) fn decode(mut bytes: &[u8]) -> Option<Known> {
        let mut known = Known {
            gfid: Gfid(take(&mut bytes)?),
            ino: u64::from_le_bytes(take(&mut bytes)?),
            ctime: (i64::from_le_bytes(take(&mut bytes)?), u32::from_le_bytes(take(&mut bytes)?)),
            young: false,
            mtime: (i64::from_le_bytes(take(&mut bytes)?), u32::from_le_bytes(take(&mut bytes)?)),
            size: u64::from_le_bytes(take(&mut bytes)?),
            mode: u32::from_le_bytes(take(&mut bytes)?),
        };
        known.young = take::<1>(&mut bytes)? != [0];
        bytes.is_empty().then_some(known)
    }
}

fn is_young(ctime: (i64, u32)) -> bool {
    let age = Duration::new(u64::try_from(ctime.0).unwrap_or(0), ctime.1);
    // a clock that was set back makes everything young: looked at once more, no harm
    SystemTime::UNIX_EPOCH
        .checked_add(age)
        .is_none_or(|changed| changed.elapsed().map_or(true, |age| age < YOUNG))
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
                gfid: Gfid([7; 16]), ino, ctime: (seconds, nanos), young: mode % 2 == 0,
                mtime: (seconds ^ 1, nanos ^ 1), size, mode,
            };
            assert_eq!(Known::decode(&known.encode()), Some(known));
            let _ = Known::decode(&raw);
        }
    }
}
