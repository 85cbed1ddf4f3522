//! Volume marks: since when a volume's xtimes can be trusted, and whether it is a secondary itself
//! (spec: on-disk-formats 5.2).

use super::VolumeId;
use crate::id::Stime;

/// Virtual xattr on the root of a client-pid -1 mount.
pub const NATIVE_KEY: &str = "trusted.glusterfs.volume-mark";

/// Real xattr on the root of a secondary volume, written at each keep-alive of the primary.
#[must_use]
pub fn foreign_key(primary: VolumeId) -> String {
    format!("{NATIVE_KEY}.{primary}")
}

/// A mark, native or foreign.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct VolumeMark {
    /// The volume the mark was made for.
    pub volume: VolumeId,
    /// When indexing (re)started; None when the stamp file is missing, so that nothing is known.
    pub time: Option<Stime>,
    /// Foreign marks only: when the mark stops to count, in seconds since 1970.
    pub expires_at: Option<u32>,
}

/// Decodes the 27 bytes of a native or the 31 bytes of a foreign mark of major version 1.
#[must_use]
pub fn decode(value: &[u8]) -> Option<VolumeMark> {
    let (native, expiry) = value.split_at_checked(27)?;
    let expires_at = match expiry {
        [] => None,
        &[a, b, c, d] => Some(u32::from_be_bytes([a, b, c, d])),
        _ => return None,
    };
    if native.first() != Some(&1) {
        return None;
    }
    let volume = VolumeId::from_slice(native.get(2..18)?)?;
    let valid = *native.get(18)? == 0;
    let time = Stime::decode(native.get(19..)?)?;
    Some(VolumeMark { volume, time: valid.then_some(time), expires_at })
}

/// The 31 bytes of a foreign mark, as the secondary's keep-alive sets it.
#[must_use]
pub fn encode_foreign(volume: VolumeId, time: Option<Stime>, expires_at: u32) -> Vec<u8> {
    let mut value = vec![1, 0];
    value.extend_from_slice(&volume.0);
    value.push(u8::from(time.is_none()));
    value.extend_from_slice(&time.unwrap_or(Stime::ZERO).encode());
    value.extend_from_slice(&expires_at.to_be_bytes());
    value
}

#[cfg(test)]
mod tests {
    use super::{NATIVE_KEY, VolumeMark, decode, encode_foreign, foreign_key};
    use crate::gluster::VolumeId;
    use crate::id::Stime;
    use crate::testing::{field, rows, unhex};

    #[test]
    fn marks_decode() {
        let volume = VolumeId::parse(b"18ded1b0-2928-40bc-bc75-dc08cc758d78").unwrap();
        let time = Stime { seconds: 1_795_356_600, micros: 123_456 };
        let mut wanted = vec![
            VolumeMark { volume, time: Some(time), expires_at: None },
            VolumeMark { volume, time: None, expires_at: None },
            VolumeMark { volume, time: Some(time), expires_at: Some(1_795_356_720) },
        ];
        wanted.reverse();
        for row in rows("changelog/blobs/xattrs.tsv") {
            let (key, value) = (field(&row, 1), unhex(field(&row, 2)));
            if key == NATIVE_KEY || key == foreign_key(volume) {
                assert_eq!(decode(&value), wanted.pop(), "{row:?}");
            }
        }
        assert!(wanted.is_empty());
    }

    #[test]
    fn foreign_marks_round_trip_and_other_lengths_are_refused() {
        let value = encode_foreign(VolumeId::ROOT, Some(Stime::at(7)), 9);
        assert_eq!((value.len(), decode(&value).unwrap().expires_at), (31, Some(9)));
        assert_eq!(decode(&encode_foreign(VolumeId::ROOT, None, 9)).unwrap().time, None);
        for length in (0..31).filter(|&length| length != 27) {
            assert_eq!(decode(&value[..length]), None);
        }
    }
}
