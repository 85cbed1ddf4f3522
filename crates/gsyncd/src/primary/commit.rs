//! Progress: the only place that moves an stime.
//!
//! stime says "everything recorded up to here by this brick is applied, durable and acknowledged". It moves to
//! one second before the stamp of the last changelog done, because stamps come from a coarse clock (spec:
//! on-disk-formats 1.3), and never past a change that is still quarantined.

use gsyncd_core::gluster::names;
use gsyncd_core::id::{Gfid, Stime};
use gsyncd_sys::{Error, xattr};
use std::os::fd::OwnedFd;
use std::sync::Arc;

/// Progress of one brick towards one secondary, kept in xattrs of the brick's root.
pub struct Commit {
    root: Arc<OwnedFd>,
    stime_key: Vec<u8>,
    entry_stime_key: Vec<u8>,
    done: Option<Stime>,
    held: Option<u32>,
}

impl Commit {
    /// Reads the progress made so far.
    ///
    /// # Errors
    /// When the brick cannot be read.
    pub fn open(root: Arc<OwnedFd>, primary: Gfid, secondary: Gfid) -> Result<Commit, Error> {
        let stime_key = names::stime(primary, secondary).into_bytes();
        let entry_stime_key = names::entry_stime(primary, secondary).into_bytes();
        let raw = xattr::get_through(&xattr::below(&root, b""), &stime_key)?;
        let done = raw.and_then(|raw| Stime::decode(&raw));
        Ok(Commit { root, stime_key, entry_stime_key, done, held: None })
    }

    /// The progress: None when nothing was ever synced, [`Stime::ZERO`] when all is to be synced again.
    #[must_use]
    pub fn done(&self) -> Option<Stime> {
        self.done
    }

    /// From now on progress stays below the changelog with this stamp; the oldest hold counts.
    pub fn hold(&mut self, stamp: u32) {
        self.held = Some(self.held.map_or(stamp, |held| held.min(stamp)));
    }

    /// Nothing is quarantined any more.
    pub fn release(&mut self) {
        self.held = None;
    }

    /// Everything up to the changelog with this stamp is done, but for what is held. Returns the new progress if
    /// it moved; it never moves back.
    ///
    /// # Errors
    /// When the brick cannot be written.
    pub fn advance(&mut self, stamp: u32) -> Result<Option<Stime>, Error> {
        let reached = self.held.map_or(stamp, |held| held.min(stamp)).saturating_sub(1);
        let new = Stime::at(reached);
        if reached == 0 || self.done.is_some_and(|done| done >= new) {
            return Ok(None);
        }
        let path = xattr::below(&self.root, b"");
        // a stock worker that takes over skips names up to entry_stime, so it must never be ahead of stime
        xattr::set_through(&path, &self.stime_key, &new.encode())?;
        xattr::set_through(&path, &self.entry_stime_key, &new.encode())?;
        self.done = Some(new);
        Ok(Some(new))
    }
}
