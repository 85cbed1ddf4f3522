//! Which objects are created, and which are brought up to date.

use super::pool::parallel;
use super::work::Work;
use crate::tree::dress::{Before, dress};
use crate::tree::{Access, Seen};
use gsyncd_core::id::{Entry, Gfid};
use gsyncd_core::truth::{Body, Kind, Object, Xattr};
use gsyncd_sys::{Errno, Result};

/// The set-gid bit: on a directory, what is created in it gets its group.
const SET_GID: u32 = 0o2000;

impl Work<'_> {
    /// Creates an object at a free name. A failure after it exists is reported here, not returned.
    pub(super) fn create(&self, at: &Entry, gfid: Gfid) -> Result<()> {
        let Some(object) = self.objects.get(&gfid) else { return Ok(()) };
        let handle = self.tree.create(at, gfid, &object.attributes.kind, object.attributes.mode)?;
        if !object.attributes.kind.is_directory() && object.body != Body::Follows {
            let inherits = self.heritage.get(&at.parent).copied().unwrap_or(true);
            self.report.check(gfid, Some(at), self.fill(object, handle, inherits));
        }
        Ok(())
    }

    /// Notes what was created.
    pub(super) fn created(&mut self, gfid: Gfid) {
        let Some(object) = self.objects.get(&gfid) else { return };
        let wanted = &object.attributes;
        let seen = Seen {
            mode: wanted.mode | wanted.kind.type_bits(),
            nlink: 1,
            uid: 0,
            gid: 0,
            size: 0,
            device: match wanted.kind {
                Kind::Char(device) | Kind::Block(device) => device,
                _ => 0,
            },
            mtime: wanted.mtime,
            atime: wanted.atime,
        };
        self.here.insert(gfid, Some(seen));
        if !wanted.kind.is_directory() {
            self.finished.insert(gfid);
            return;
        }
        self.made.insert(gfid);
        let has_plain_parent =
            self.home.get(&gfid).is_some_and(|at| self.heritage.get(&at.parent) == Some(&false));
        if wanted.mode & SET_GID == 0 && has_plain_parent {
            self.heritage.insert(gfid, false);
        }
    }

    /// Finds out which of these directories leave their mark on what is created in them.
    pub(super) fn inherit(&mut self, directories: impl Iterator<Item = Gfid>) {
        let mut unknown: Vec<Gfid> = directories.filter(|gfid| !self.heritage.contains_key(gfid)).collect();
        unknown.sort_unstable();
        unknown.dedup();
        let tree = self.tree;
        let marks = parallel(self.threads, &unknown, |gfid| -> Result<bool> {
            let directory = tree.open(*gfid, Access::Attributes)?;
            if directory.seen()?.mode & SET_GID != 0 {
                return Ok(true);
            }
            Ok(directory.xattrs()?.iter().any(|xattr| *xattr.key == *Xattr::ACL_DEFAULT))
        });
        for (gfid, marks) in unknown.iter().zip(marks) {
            match marks {
                Ok(marks) => {
                    self.heritage.insert(*gfid, marks);
                }
                // not known: what is created there is compared
                Err(error) => self.report.note(&error),
            }
        }
    }

    /// Brings the objects that existed before up to date, side by side.
    pub(super) fn update(&mut self) {
        let existing: Vec<&Object> = self
            .objects
            .values()
            .filter(|object| !object.attributes.kind.is_directory() && !self.finished.contains(&object.gfid))
            .copied()
            .collect();
        let this = &*self;
        parallel(self.threads, &existing, |object| {
            if !this.report.is_over() {
                this.update_one(object);
            }
        });
    }

    fn update_one(&self, object: &Object) {
        let (gfid, wanted) = (object.gfid, &object.attributes);
        let Some(seen) = self.seen(gfid) else {
            if !self.report.mentions(gfid) {
                self.report.missing(gfid, None);
            }
            return;
        };
        if !seen.is_kind(&wanted.kind) {
            if !self.report.mentions(gfid) {
                self.report.refused(gfid, None, Errno::EXIST, "the object is here with another type");
            }
            return;
        }
        let same_content = (seen.size, seen.mtime) == (wanted.size, wanted.mtime);
        match &object.body {
            Body::Follows => {}
            Body::Compare if wanted.kind == Kind::File && !same_content => self.report.missing(gfid, None),
            Body::Hash(hash) if wanted.kind == Kind::File => {
                match self.report.check(gfid, None, self.has_hash(object, seen, hash)) {
                    Some(true) => {
                        self.report.check(gfid, None, self.refill(object, seen));
                    }
                    Some(false) => self.report.missing(gfid, None),
                    None => {}
                }
            }
            _ => {
                self.report.check(gfid, None, self.refill(object, seen));
            }
        }
    }

    /// Gives the directories their attributes, when nothing below them changes any more.
    pub(super) fn dress_directories(&mut self) {
        let directories: Vec<&Object> =
            self.objects.values().filter(|object| object.attributes.kind.is_directory()).copied().collect();
        let this = &*self;
        parallel(self.threads, &directories, |object| {
            if !this.report.is_over() {
                this.dress_directory(object);
            }
        });
    }

    fn dress_directory(&self, object: &Object) {
        let gfid = object.gfid;
        match self.here.get(&gfid) {
            Some(Some(seen)) if seen.is_directory() => {}
            Some(None) if !self.report.mentions(gfid) => return self.report.missing(gfid, None),
            Some(Some(_)) if !self.report.mentions(gfid) => {
                let why = "the object is here with another type";
                return self.report.refused(gfid, None, Errno::EXIST, why);
            }
            _ => return,
        }
        let dressed = self.tree.open(gfid, Access::Attributes).and_then(|handle| {
            let seen = handle.seen()?;
            dress(&*handle, object, Before::Seen(seen), false)
        });
        if self.report.check(gfid, None, dressed) == Some(true) {
            self.report.touch();
        }
    }
}
