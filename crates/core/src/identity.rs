//! Gfids of objects in plain directories: derived from the file system's own handles, nothing is stored for them.
//!
//! A handle of up to [`INSIDE_BYTES`] bytes (ext4 8, xfs and tmpfs 12) is *inside* the gfid, so that it can be
//! taken out again and the object opened by it; a longer one is hashed. Layout: one byte of scope and length,
//! one byte of handle type, the handle padded with zeros. Gluster's gfids are random: that one looks like this and
//! is another object's too does not happen.

use crate::id::Gfid;

/// The longest handle that fits, in bytes.
pub const INSIDE_BYTES: usize = 14;
/// In place of a length: the rest is a hash.
const HASHED: u8 = 15;
/// Where a uuid keeps its version.
const VERSION_AT: usize = 6;

/// Whose objects these are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// The primary's tree: the identity under which they are replicated.
    Primary,
    /// Found in a secondary's tree and not put there by replication, as far as is known.
    Foreign,
}

impl Scope {
    fn tag(self) -> u8 {
        match self {
            Scope::Primary => 0x40,
            Scope::Foreign => 0x60,
        }
    }
}

/// The gfid of an object with this handle.
#[must_use]
pub fn derive(scope: Scope, kind: i32, handle: &[u8]) -> Gfid {
    let mut raw = [0; 16];
    match (u8::try_from(kind), u8::try_from(handle.len())) {
        (Ok(kind), Ok(length)) if handle.len() <= INSIDE_BYTES => {
            let parts = [scope.tag() | length, kind].into_iter().chain(handle.iter().copied());
            for (slot, byte) in raw.iter_mut().zip(parts) {
                *slot = byte;
            }
        }
        _ => {
            let mut hasher = blake3::Hasher::new();
            hasher.update(&kind.to_le_bytes()).update(handle);
            let hash = hasher.finalize();
            let parts = std::iter::once(scope.tag() | HASHED).chain(hash.as_bytes().iter().copied());
            for (slot, byte) in raw.iter_mut().zip(parts) {
                *slot = byte;
            }
            // here a random gfid of Gluster's says that it is one
            if let Some(version) = raw.get_mut(VERSION_AT) {
                *version = 0;
            }
        }
    }
    Gfid(raw)
}

/// The handle inside a gfid: type and bytes; None when it is hashed or the gfid was not derived.
#[must_use]
pub fn handle_inside(gfid: &Gfid) -> Option<(i32, &[u8])> {
    let [tag, kind, rest @ ..] = &gfid.0;
    if !matches!(tag & 0xf0, 0x40 | 0x60) {
        return None;
    }
    let (bytes, padding) = rest.split_at_checked(usize::from(tag & 0x0f))?;
    padding.iter().all(|byte| *byte == 0).then_some((i32::from(*kind), bytes))
}

/// True for the gfid of an object that replication did not put where it is.
#[must_use]
pub fn is_foreign(gfid: Gfid) -> bool {
    let [tag, ..] = gfid.0;
    let is_hashed = tag & 0x0f == HASHED && gfid.0.get(VERSION_AT) == Some(&0);
    tag & 0xf0 == Scope::Foreign.tag() && (is_hashed || handle_inside(&gfid).is_some())
}

#[cfg(test)]
mod tests {
    use super::{Scope, derive, handle_inside, is_foreign};
    use crate::id::Gfid;
    use proptest::prelude::{any, proptest};

    proptest! {
        #[test]
        fn short_handles_come_out_again(kind: u8, handle in proptest::collection::vec(any::<u8>(), 0..=14)) {
            let gfid = derive(Scope::Primary, kind.into(), &handle);
            assert_eq!(handle_inside(&gfid), Some((i32::from(kind), &handle[..])));
            assert!(!is_foreign(gfid));
            assert!(is_foreign(derive(Scope::Foreign, kind.into(), &handle)));
        }

        #[test]
        fn long_ones_are_told_apart(kind: i32, handle in proptest::collection::vec(any::<u8>(), 15..60)) {
            let gfid = derive(Scope::Primary, kind, &handle);
            assert_eq!(handle_inside(&gfid), None);
            let other: Vec<u8> = handle.iter().rev().map(|byte| byte ^ 1).collect();
            assert_ne!(gfid, derive(Scope::Primary, kind, &other));
        }
    }

    #[test]
    fn the_root_is_nobodys_handle() {
        assert_eq!(handle_inside(&Gfid::ROOT), None);
        assert!(!is_foreign(Gfid::ROOT));
    }
}
