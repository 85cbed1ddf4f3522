//! `trusted.glusterfs.mdata`: the times a volume with the ctime feature shows (57 bytes, spec: on-disk-formats 5.1).

/// Key of the xattr.
pub const KEY: &str = "trusted.glusterfs.mdata";

/// Length of a value in bytes.
const BYTES: usize = 57;

/// A point in time.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Time {
    /// Seconds since 1970, negative before.
    pub seconds: i64,
    /// Below 1,000,000,000.
    pub nanoseconds: u32,
}

/// The three times of an object.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Mdata {
    /// Last change of anything.
    pub ctime: Time,
    /// Last change of the content.
    pub mtime: Time,
    /// Last access.
    pub atime: Time,
}

/// Decodes a value; None unless it has version 1, the right length and possible nanoseconds.
#[must_use]
pub fn decode(value: &[u8]) -> Option<Mdata> {
    if value.len() != BYTES || value.first() != Some(&1) {
        return None;
    }
    let time = |at: usize| {
        let seconds = i64::from_be_bytes(value.get(at..at + 8)?.try_into().ok()?);
        let nanoseconds = u64::from_be_bytes(value.get(at + 8..at + 16)?.try_into().ok()?);
        let nanoseconds = u32::try_from(nanoseconds).ok().filter(|&n| n < 1_000_000_000)?;
        Some(Time { seconds, nanoseconds })
    };
    // One byte of version and eight of flags come first.
    Some(Mdata { ctime: time(9)?, mtime: time(25)?, atime: time(41)? })
}

#[cfg(test)]
mod tests {
    use super::{KEY, Mdata, Time, decode};
    use crate::testing::{field, rows, unhex};

    fn show(mdata: Mdata) -> String {
        let time = |t: Time| format!("{}.{:09}", t.seconds, t.nanoseconds);
        let (ctime, mtime, atime) = (time(mdata.ctime), time(mdata.mtime), time(mdata.atime));
        format!("version=1 flags=0 ctime={ctime} mtime={mtime} atime={atime}")
    }

    #[test]
    fn real_values_decode() {
        let rows = rows("changelog/blobs/xattrs.tsv");
        let mut seen = 0;
        for row in rows.iter().filter(|row| field(row, 1) == KEY) {
            assert_eq!(show(decode(&unhex(field(row, 2))).unwrap()), field(row, 3));
            seen += 1;
        }
        assert_eq!(seen, 2);
    }

    #[test]
    fn other_lengths_versions_and_impossible_nanoseconds_are_refused() {
        let mut value = [0u8; 57];
        assert_eq!(decode(&value), None);
        value[0] = 1;
        assert!(decode(&value).is_some());
        assert_eq!(decode(&value[..56]), None);
        assert_eq!(decode(&[&value[..], b"x"].concat()), None);
        value[17..25].copy_from_slice(&1_000_000_000u64.to_be_bytes());
        assert_eq!(decode(&value), None);
    }
}
