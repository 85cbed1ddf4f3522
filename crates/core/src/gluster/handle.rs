//! The `.glusterfs` tree of a brick (spec: on-disk-formats 5.6).

use crate::id::{Entry, Gfid};

/// Path of an object's handle, relative to the brick root: `.glusterfs/aa/bb/<gfid>`.
#[must_use]
pub fn path(gfid: Gfid) -> Vec<u8> {
    let mut path = b".glusterfs/".to_vec();
    push_below_hash(gfid, &mut path);
    path
}

/// `aa/bb/<gfid>`: the first two bytes in hex, then the whole.
fn push_below_hash(gfid: Gfid, path: &mut Vec<u8>) {
    let text = gfid.canonical();
    let [a, b, c, d, ..] = text;
    path.extend_from_slice(&[a, b, b'/', c, d, b'/']);
    path.extend_from_slice(&text);
}

/// Where a directory lives, from the target of its handle, `../../aa/bb/<parent gfid>/<name>`.
///
/// None for the root (`../../..`) and for anything else. A handle that is a symlink may also be the hard link of a
/// *user's* symlink with any target: trust the answer only when the handle's link count is 1.
#[must_use]
pub fn parse_link(target: &[u8]) -> Option<Entry> {
    let (hash, entry) = target.strip_prefix(b"../../")?.split_at_checked(6)?;
    let entry = crate::record::parse_entry(entry)?;
    let mut expected = Vec::new();
    push_below_hash(entry.parent, &mut expected);
    expected.starts_with(hash).then_some(entry)
}

#[cfg(test)]
mod tests {
    use super::{parse_link, path};
    use crate::id::Gfid;

    #[test]
    fn handles_lie_below_their_first_two_bytes() {
        let gfid = Gfid::parse(b"a1b2c302-1002-4202-8302-23456789ab02").unwrap();
        assert_eq!(path(gfid), b".glusterfs/a1/b2/a1b2c302-1002-4202-8302-23456789ab02");
        assert_eq!(path(Gfid::ROOT), b".glusterfs/00/00/00000000-0000-0000-0000-000000000001");
    }

    #[test]
    fn link_targets_name_the_parent() {
        let entry = parse_link(b"../../a1/b2/a1b2c302-1002-4202-8302-23456789ab02/n\xff m").unwrap();
        assert_eq!(entry.parent.to_string(), "a1b2c302-1002-4202-8302-23456789ab02");
        assert_eq!(entry.name.as_bytes(), b"n\xff m");
    }

    #[test]
    fn other_targets_are_refused() {
        let others: [&[u8]; 7] = [
            b"",
            b"../../..",
            b"../../x",
            b"../../a1/b3/a1b2c302-1002-4202-8302-23456789ab02/name",
            b"../../a1/b2/a1b2c302-1002-4202-8302-23456789ab02",
            b"../../a1/b2/a1b2c302-1002-4202-8302-23456789ab02/..",
            b"../../a1/b2/a1b2c302-1002-4202-8302-23456789ab02/a/b",
        ];
        for target in others {
            assert_eq!(parse_link(target), None, "{}", target.escape_ascii());
        }
    }
}
