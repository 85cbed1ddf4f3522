//! What GlusterFS keeps in xattrs and below `.glusterfs`: codecs only (spec: on-disk-formats 5).

pub mod gfid2path;
pub mod handle;
pub mod mdata;
pub mod names;
pub mod newfile;
pub mod volume_mark;

/// A volume's uuid: 16 bytes and the same canonical text as a gfid has.
pub type VolumeId = crate::id::Gfid;
