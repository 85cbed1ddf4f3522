//! `trusted.gfid2path.<hash>`: one value per name of a non-directory on a brick (releases from 3.12).

use crate::id::Entry;

/// What every such key begins with; sixteen hex digits follow.
pub const PREFIX: &[u8] = b"trusted.gfid2path.";

/// Whether a key of an object's xattr list holds a name.
#[must_use]
pub fn is_key(key: &[u8]) -> bool {
    let hash = key.strip_prefix(PREFIX).unwrap_or_default();
    hash.len() == 16 && hash.iter().all(u8::is_ascii_hexdigit)
}

/// The name in a value, `<parent gfid>/<name>` without NUL. A hint only: not kept up beyond 500 links.
#[must_use]
pub fn parse(value: &[u8]) -> Option<Entry> {
    crate::record::parse_entry(value)
}

#[cfg(test)]
mod tests {
    use super::{is_key, parse};
    use crate::testing::{field, rows, unhex};

    #[test]
    fn the_value_of_a_real_brick_is_a_name_in_the_root() {
        let rows = rows("changelog/blobs/xattrs.tsv");
        let row = rows.iter().find(|row| is_key(field(row, 1).as_bytes())).unwrap();
        assert_eq!(parse(&unhex(field(row, 2))).unwrap().to_string(), field(row, 3));
    }

    #[test]
    fn other_keys_and_values_are_refused() {
        for key in ["trusted.gfid2path.", "trusted.gfid2path.ff393b9fa2109eag", "trusted.gfid"] {
            assert!(!is_key(key.as_bytes()), "{key}");
        }
        for value in
            ["", "x", "00000000-0000-0000-0000-000000000001", "00000000-0000-0000-0000-000000000001/a/b"]
        {
            assert_eq!(parse(value.as_bytes()), None, "{value}");
        }
    }
}
