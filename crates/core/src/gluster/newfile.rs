//! `glusterfs.gfid.newfile`: the blob that creates an object with a given gfid (spec: on-disk-formats 5.3).

use crate::id::{Gfid, Name};

/// Key to set, on the parent directory, through an aux-gfid mount.
pub const KEY: &str = "glusterfs.gfid.newfile";

/// What kind of object to make; decides the layout of the blob.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind<'a> {
    /// A directory.
    Directory,
    /// A symbolic link and where it points; the target must not hold a NUL.
    Symlink(&'a [u8]),
    /// A regular file, fifo, socket or device; `rdev` is the low 32 bits of what `makedev` gives, 0 if no device.
    Other {
        /// Device number.
        rdev: u32,
    },
}

/// The object to make. Look the gfid up first: making one that exists corrupts directories.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NewFile<'a> {
    /// The call runs as this user: 0, with an lchown after, or it is refused where the user may not write.
    pub uid: u32,
    /// The call runs as this group.
    pub gid: u32,
    /// The wanted identity.
    pub gfid: Gfid,
    /// Full mode; its type bits decide what the server makes and must agree with `kind`.
    pub mode: u32,
    /// Base name in the parent.
    pub name: &'a Name,
    /// Layout.
    pub kind: Kind<'a>,
}

/// Builds the blob; the umask in it is always 0. None when a link target holds a NUL, which would cut it short, or when
/// type bits and kind disagree, which the server answers with ENOMEM at best.
#[must_use]
pub fn encode(new: &NewFile<'_>) -> Option<Vec<u8>> {
    let kind_agrees = match new.kind {
        Kind::Directory => new.mode & TYPE_BITS == 0o040_000,
        Kind::Symlink(target) => new.mode & TYPE_BITS == 0o120_000 && !target.contains(&0),
        Kind::Other { .. } => !matches!(new.mode & TYPE_BITS, 0o040_000 | 0o120_000),
    };
    if !kind_agrees {
        return None;
    }
    let mut blob = Vec::with_capacity(62 + new.name.as_bytes().len());
    number(new.uid, &mut blob);
    number(new.gid, &mut blob);
    text(&new.gfid.canonical(), &mut blob);
    number(new.mode, &mut blob);
    text(new.name.as_bytes(), &mut blob);
    match new.kind {
        Kind::Directory => [new.mode & !TYPE_BITS, 0].iter().for_each(|&n| number(n, &mut blob)),
        Kind::Symlink(target) => text(target, &mut blob),
        Kind::Other { rdev } => [new.mode & !TYPE_BITS, rdev, 0].iter().for_each(|&n| number(n, &mut blob)),
    }
    Some(blob)
}

/// The file type part of a mode.
const TYPE_BITS: u32 = 0o170_000;

fn number(number: u32, blob: &mut Vec<u8>) {
    blob.extend_from_slice(&number.to_be_bytes());
}

fn text(text: &[u8], blob: &mut Vec<u8>) {
    blob.extend_from_slice(text);
    blob.push(0);
}

#[cfg(test)]
mod tests {
    use super::{Kind, NewFile, encode};
    use crate::id::{Gfid, Name};
    use crate::testing::{field, rows, unhex};

    #[test]
    fn blobs_are_as_the_table_has_them() {
        let rows = rows("changelog/blobs/newfile.tsv");
        assert!(rows.len() >= 8);
        for row in rows {
            let name = Name::new(&unhex(field(&row, 5))).unwrap();
            let target = unhex(field(&row, 6));
            let kind = match field(&row, 0) {
                "dir" => Kind::Directory,
                "symlink" => Kind::Symlink(&target),
                _ => Kind::Other { rdev: 0 },
            };
            let new = NewFile {
                uid: field(&row, 1).parse().unwrap(),
                gid: field(&row, 2).parse().unwrap(),
                gfid: Gfid::parse(field(&row, 3).as_bytes()).unwrap(),
                mode: u32::from_str_radix(field(&row, 4), 8).unwrap(),
                name: &name,
                kind,
            };
            assert_eq!(encode(&new).unwrap(), unhex(field(&row, 7)), "{row:?}");
        }
    }

    #[test]
    fn contradictions_are_refused() {
        let name = Name::new(b"n").unwrap();
        let new = |mode, kind| NewFile { uid: 0, gid: 0, gfid: Gfid::ROOT, mode, name: &name, kind };
        assert_eq!(encode(&new(0o100_644, Kind::Directory)), None);
        assert_eq!(encode(&new(0o040_755, Kind::Other { rdev: 0 })), None);
        assert_eq!(encode(&new(0o120_777, Kind::Symlink(b"a\0b"))), None);
    }
}
