//! What the secondary does not know yet.

use gsyncd_core::id::{Entry, Gfid, Name};

/// What may have changed about an object.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    bits: u8,
}

impl Changes {
    /// The content, for certain.
    pub const DATA: Changes = Changes { bits: 1 };
    /// Attributes or xattrs.
    pub const META: Changes = Changes { bits: 2 };
    /// Its names.
    pub const NAMES: Changes = Changes { bits: 4 };
    /// The content, perhaps: it is to be compared.
    pub const DOUBT: Changes = Changes { bits: 8 };

    /// All of both.
    #[must_use]
    pub fn and(self, other: Changes) -> Changes {
        Changes { bits: self.bits | other.bits }
    }

    /// True when all of `other` are among these.
    #[must_use]
    pub fn include(self, other: Changes) -> bool {
        self.bits & other.bits == other.bits
    }
}

/// One thing to be said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Dirty {
    /// About an object.
    Object(Gfid, Changes),
    /// About a name that this object lost.
    Name(Entry, Gfid),
}

const OBJECT: u8 = 0;
const NAME: u8 = 1;

impl Dirty {
    pub(super) fn encode(&self) -> Vec<u8> {
        match self {
            Dirty::Object(gfid, changes) => [&[OBJECT, changes.bits][..], &gfid.0].concat(),
            Dirty::Name(at, former) => [&[NAME, 0][..], &former.0, &at.parent.0, at.name.as_bytes()].concat(),
        }
    }

    /// None for bytes that nobody here wrote.
    pub(super) fn decode(bytes: &[u8]) -> Option<Dirty> {
        let (&[tag, bits], rest) = bytes.split_first_chunk()?;
        let (gfid, rest) = rest.split_first_chunk()?;
        match (tag, rest) {
            (OBJECT, []) => Some(Dirty::Object(Gfid(*gfid), Changes { bits })),
            (NAME, rest) => {
                let (parent, name) = rest.split_first_chunk()?;
                Some(Dirty::Name(Entry { parent: Gfid(*parent), name: Name::new(name)? }, Gfid(*gfid)))
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Changes, Dirty};
    use gsyncd_core::id::{Entry, Gfid, Name};
    use proptest::prelude::proptest;

    proptest! {
        #[test]
        fn foreign_bytes_never_panic(raw: Vec<u8>) {
            let _ = Dirty::decode(&raw);
        }
    }

    #[test]
    fn comes_back_as_stored() {
        let at = Entry { parent: Gfid::ROOT, name: Name::new(b"\xff\n").unwrap() };
        for dirty in
            [Dirty::Object(Gfid([3; 16]), Changes::DATA.and(Changes::NAMES)), Dirty::Name(at, Gfid([4; 16]))]
        {
            assert_eq!(Dirty::decode(&dirty.encode()), Some(dirty));
        }
    }
}
