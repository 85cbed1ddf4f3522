//! Gives one object its content and what belongs to it.

use super::adopt::has_content;
use super::pool::lock;
use super::work::Work;
use crate::tree::dress::{Before, dress};
use crate::tree::{Access, Durability, Handle, Seen};
use gsyncd_core::id::Gfid;
use gsyncd_core::truth::{Body, Object};
use gsyncd_sys::{Errno, Error, Result};

impl Work<'_> {
    /// Content, xattrs and attributes of a non-directory that was created just now, and may be open; `inherits`: its
    /// directory may have left its mark on it.
    pub(super) fn fill(&self, object: &Object, open: Option<Box<dyn Handle>>, inherits: bool) -> Result<()> {
        let content = match &object.body {
            Body::Inline(bytes) if !bytes.is_empty() => Some(bytes),
            _ => None,
        };
        let access = if content.is_some() { Access::Content } else { Access::Attributes };
        let handle = match open {
            Some(handle) => handle,
            None => self.tree.open(object.gfid, access)?,
        };
        if let Some(bytes) = content {
            handle.write_at(bytes, 0)?;
        }
        let before = if inherits { Before::Seen(handle.seen()?) } else { Before::Fresh(self.tree.creator()) };
        dress(&*handle, object, before, content.is_some())?;
        self.report.touch();
        match content {
            Some(bytes) => self.finish_content(object.gfid, handle, bytes.len() as u64),
            None => Ok(()),
        }
    }

    /// The same for one that existed, looking like `seen`.
    pub(super) fn refill(&self, object: &Object, seen: Seen) -> Result<()> {
        let Body::Inline(bytes) = &object.body else {
            let handle = self.tree.open(object.gfid, Access::Attributes)?;
            return self.dress_again(object, &*handle, seen);
        };
        // one that looks the same most likely is (a batch that is repeated): to read it is cheaper than to write
        let mut present = None;
        let looks_the_same = (seen.size, seen.mtime) == (bytes.len() as u64, object.attributes.mtime);
        if self.tree.durability() == Durability::Sync && looks_the_same {
            let handle = self.tree.open(object.gfid, Access::Content)?;
            if has_content(&*handle, bytes)? {
                self.dress_again(object, &*handle, seen)?;
                return handle.close();
            }
            present = Some(handle);
        }
        self.report.touch();
        // a new version beside the old one would lose the xattrs that nothing was said of
        if object.xattrs.is_some()
            && let Some(staged) = self.tree.stage(object.gfid, &seen)?
        {
            return self.replace(object, staged, bytes);
        }
        let handle = match present {
            Some(handle) => handle,
            None => self.tree.open(object.gfid, Access::Content)?,
        };
        handle.write_at(bytes, 0)?;
        handle.truncate(bytes.len() as u64)?;
        dress(&*handle, object, Before::Seen(seen), true)?;
        self.finish_content(object.gfid, handle, bytes.len() as u64)
    }

    fn dress_again(&self, object: &Object, handle: &dyn Handle, seen: Seen) -> Result<()> {
        if dress(handle, object, Before::Seen(seen), false)? {
            self.report.touch();
        }
        Ok(())
    }

    /// Completes a new version; [`Work::publish`] puts it in place of the old one.
    fn replace(&self, object: &Object, staged: Box<dyn Handle>, bytes: &[u8]) -> Result<()> {
        staged.write_at(bytes, 0)?;
        let before = Before::Seen(staged.seen()?);
        dress(&*staged, object, before, true)?;
        self.finish_content(object.gfid, staged, bytes.len() as u64)?;
        lock(&self.staged).push(object.gfid);
        Ok(())
    }

    /// Puts the new versions in place of the old ones, all that were made: their content is durable by then, so that
    /// a crash never leaves a name with neither.
    pub(super) fn publish(&mut self) {
        let staged = std::mem::take(&mut *lock(&self.staged));
        if staged.is_empty() || self.report.is_over() {
            return;
        }
        if let Err(error) = self.tree.settle_staged(&staged) {
            staged.iter().for_each(|gfid| self.report.failed(*gfid, None, &error));
            return;
        }
        // one after the other: renames between directories take turns in the whole file system anyway, and threads
        // that wait for theirs take several times as long
        for gfid in staged {
            if self.report.is_over() {
                return;
            }
            self.report.check(gfid, None, self.tree.publish(gfid));
        }
    }

    /// Closes a written file so that it will be durable when it is said to be, with this size in bytes.
    fn finish_content(&self, gfid: Gfid, handle: Box<dyn Handle>, size: u64) -> Result<()> {
        match self.tree.durability() {
            Durability::EachFile => {
                handle.sync()?;
                check_size(&*handle, size)
            }
            Durability::Barrier => {
                handle.close()?;
                lock(&self.written).push((gfid, size));
                Ok(())
            }
            Durability::Sync => {
                check_size(&*handle, size)?;
                handle.close()
            }
        }
    }
}

/// Believes only what a written file says of itself.
fn check_size(handle: &dyn Handle, size: u64) -> Result<()> {
    if handle.seen()?.size == size {
        return Ok(());
    }
    Err(Error::new("size after write", b"", Errno::IO))
}
