//! Keys of the xattrs that carry a session's progress (spec: on-disk-formats 5.1).

use super::VolumeId;

/// Identity of the volume a brick belongs to, on the brick's root: 16 bytes.
pub const VOLUME_ID: &str = "trusted.glusterfs.volume-id";

/// Gfid of an object, on every object of a brick: 16 bytes.
pub const GFID: &str = "trusted.gfid";

/// Last change of an object and all below it, kept by the marker on bricks.
#[must_use]
pub fn xtime(volume: VolumeId) -> String {
    format!("trusted.glusterfs.{volume}.xtime")
}

/// How far a session has come: on the brick's root, and on directories during a crawl.
#[must_use]
pub fn stime(primary: VolumeId, secondary: VolumeId) -> String {
    format!("trusted.glusterfs.{primary}.{secondary}.stime")
}

/// How far a session's entry operations have come; on the brick's root.
#[must_use]
pub fn entry_stime(primary: VolumeId, secondary: VolumeId) -> String {
    format!("trusted.glusterfs.{primary}.{secondary}.entry_stime")
}

#[cfg(test)]
mod tests {
    use super::{VOLUME_ID, VolumeId, entry_stime, stime, xtime};
    use crate::id::Stime;
    use crate::testing::{field, rows, unhex};

    #[test]
    fn the_keys_of_a_real_brick_are_built_and_their_values_read() {
        let rows = rows("changelog/blobs/xattrs.tsv");
        let value = |key: &str| unhex(field(rows.iter().find(|row| field(row, 1) == key).unwrap(), 2));
        let primary = VolumeId::from_slice(&value(VOLUME_ID)).unwrap();
        let secondary = VolumeId::parse(b"91decf54-dcd6-4cd1-9564-e8be280f2abc").unwrap();
        let time = |key: &str| Stime::decode(&value(key)).map(|t| (t.seconds, t.micros));
        assert_eq!(time(&stime(primary, secondary)), Some((1_795_357_755, 0)));
        assert_eq!(time(&entry_stime(primary, secondary)), Some((1_795_357_755, 0)));
        assert_eq!(time(&xtime(primary)), Some((1_795_357_842, 912_090)));
    }
}
