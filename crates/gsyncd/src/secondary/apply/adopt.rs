//! What becomes of objects that somebody else put where one of the primary's is to be.

use super::place::Placement;
use super::work::Work;
use crate::tree::{Access, Handle, Holder, Seen};
use gsyncd_core::id::Entry;
use gsyncd_core::truth::{Body, Kind, Object};
use gsyncd_sys::Result;

/// How much of a file is read at once, in bytes.
const READ_BYTES: usize = 256 * 1024;

impl Work<'_> {
    /// Notes that what held the name is the object from now on, looking like this.
    pub(super) fn adopted(&mut self, placement: &Placement, seen: Seen) {
        let (at, gfid) = (&placement.at, placement.gfid);
        // it may have more names: they are the object's too now
        let names: Vec<Entry> =
            self.occupant(at).map(|foreign| self.names.of(foreign).cloned().collect()).unwrap_or_default();
        for name in &names {
            self.names.set(name, Holder::Held(gfid));
        }
        self.names.set(at, Holder::Held(gfid));
        self.here.insert(gfid, Some(seen));
        let Some(object) = self.objects.get(&gfid) else { return };
        let attributes = &object.attributes;
        if attributes.kind.is_directory() {
            self.taken_over.push(gfid);
        }
        let has_content = attributes.kind == Kind::File && (attributes.size, seen.size) != (0, 0);
        if has_content && object.body == Body::Untouched {
            // nothing vouches for the content
            self.report.missing(gfid, Some(at));
            self.finished.insert(gfid);
        }
    }

    /// Whether the object's present content has this BLAKE3.
    pub(super) fn has_hash(&self, object: &Object, seen: Seen, wanted: &[u8; 32]) -> Result<bool> {
        if seen.size != object.attributes.size {
            return Ok(false);
        }
        let file = self.tree.open(object.gfid, Access::Content)?;
        let (mut hasher, mut buffer, mut offset) = (blake3::Hasher::new(), vec![0; READ_BYTES], 0);
        loop {
            let count = file.read_at(&mut buffer, offset)?;
            if count == 0 {
                return Ok(hasher.finalize().as_bytes() == wanted);
            }
            hasher.update(buffer.get(..count).unwrap_or_default());
            offset += count as u64;
        }
    }
}

/// Whether a file of the right size has this content.
pub(super) fn has_content(file: &dyn Handle, wanted: &[u8]) -> Result<bool> {
    let mut buffer = vec![0; READ_BYTES.min(wanted.len())];
    let mut offset = 0;
    for part in wanted.chunks(READ_BYTES) {
        let count = file.read_at(buffer.get_mut(..part.len()).unwrap_or_default(), offset)?;
        if buffer.get(..count) != Some(part) {
            return Ok(false);
        }
        offset += count as u64;
    }
    Ok(true)
}
