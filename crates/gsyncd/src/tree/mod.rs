//! A secondary's tree: objects by gfid, names by (parent, base name); and how a volume is mounted.

pub mod dress;
pub mod gluster;
pub mod keeper;
pub mod local;
#[cfg(test)]
pub(crate) mod memory;
pub mod mount;
pub mod place;

use gsyncd_core::id::{Entry, Gfid, Name};
use gsyncd_core::truth::{Kind, TimeStamp, Xattr};
use gsyncd_sys::{Errno, Error, Result};

/// What an object looks like now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Type and permission bits, as `st_mode`.
    pub mode: u32,
    /// Number of names.
    pub nlink: u64,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Size in bytes.
    pub size: u64,
    /// Low 32 bits of the device number of a device node; 0 for others.
    pub device: u32,
    /// Last modification.
    pub mtime: TimeStamp,
    /// Last access.
    pub atime: TimeStamp,
}

impl Seen {
    /// True for a directory.
    #[must_use]
    pub fn is_directory(&self) -> bool {
        self.mode & 0o170_000 == Kind::Directory.type_bits()
    }

    /// True when it is what `kind` says (a symlink's target cannot change and is not compared).
    #[must_use]
    pub fn is_kind(&self, kind: &Kind) -> bool {
        self.mode & 0o170_000 == kind.type_bits()
            && match kind {
                Kind::Char(device) | Kind::Block(device) => self.device == *device,
                _ => true,
            }
    }
}

impl From<gsyncd_sys::at::Stat> for Seen {
    fn from(stat: gsyncd_sys::at::Stat) -> Seen {
        Seen {
            mode: stat.mode,
            nlink: stat.nlink,
            uid: stat.uid,
            gid: stat.gid,
            size: stat.size,
            device: (stat.rdev & 0xffff_ffff) as u32,
            mtime: stat.mtime.into(),
            atime: stat.atime.into(),
        }
    }
}

/// Who holds a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holder {
    /// Nobody, and the directory itself is not there.
    NoParent,
    /// Nobody.
    Free,
    /// This object.
    Held(Gfid),
}

/// Whether a tree has objects that replication did not put there, as far as it knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strangers {
    /// It cannot tell them from others: there is no [`Tree::adopt`].
    Unknown,
    /// It can tell them, and expects few.
    Few,
    /// Most names may be held by one: it pays to look before something is created.
    Many,
}

/// How an object is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// For its attributes and xattrs only; any sort of object.
    Attributes,
    /// For its content too; regular files only.
    Content,
}

/// When the content of a file becomes durable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// By [`Handle::sync`], each file on its own.
    EachFile,
    /// By [`Tree::barrier`], all closed files at once; what was stored is then asked of [`Tree::stored_size`].
    Barrier,
    /// By [`Tree::sync`] only, which the primary asks for; [`Handle::sync`] and [`Tree::barrier`] cost nothing.
    Sync,
}

/// An open object. The content calls need [`Access::Content`].
pub trait Handle: Send {
    /// Its present attributes.
    ///
    /// # Errors
    /// The call that failed (so for every method here).
    fn seen(&self) -> Result<Seen>;
    /// Sets owner and group; the object itself, also for a symlink.
    ///
    /// # Errors
    /// As [`Handle::seen`].
    fn set_owner(&self, uid: u32, gid: u32) -> Result<()>;
    /// Sets the permission bits. Never called for symlinks.
    ///
    /// # Errors
    /// As [`Handle::seen`].
    fn set_mode(&self, mode: u32) -> Result<()>;
    /// Sets access and modification time.
    ///
    /// # Errors
    /// As [`Handle::seen`].
    fn set_times(&self, atime: TimeStamp, mtime: TimeStamp) -> Result<()>;
    /// All replicated xattrs (see [`Xattr::is_replicated`]), in any order.
    ///
    /// # Errors
    /// As [`Handle::seen`].
    fn xattrs(&self) -> Result<Vec<Xattr>>;
    /// Sets one replicated xattr.
    ///
    /// # Errors
    /// As [`Handle::seen`].
    fn set_xattr(&self, xattr: &Xattr) -> Result<()>;
    /// Removes one replicated xattr; one that is not there is no error.
    ///
    /// # Errors
    /// As [`Handle::seen`].
    fn remove_xattr(&self, key: &[u8]) -> Result<()>;
    /// Reads until the buffer is full or the file ends.
    ///
    /// # Errors
    /// As [`Handle::seen`].
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> Result<usize>;
    /// Writes all bytes.
    ///
    /// # Errors
    /// As [`Handle::seen`].
    fn write_at(&self, bytes: &[u8], offset: u64) -> Result<()>;
    /// Sets the size in bytes.
    ///
    /// # Errors
    /// As [`Handle::seen`].
    fn truncate(&self, size: u64) -> Result<()>;
    /// Makes a range below the present size read as zeros without taking space.
    ///
    /// # Errors
    /// As [`Handle::seen`]; EOPNOTSUPP where that cannot be done.
    fn punch_hole(&self, offset: u64, length: u64) -> Result<()>;
    /// Makes content and attributes durable.
    ///
    /// # Errors
    /// As [`Handle::seen`].
    fn sync(&self) -> Result<()>;
    /// Closes it; all that was written has reached the volume then, durable or not.
    ///
    /// # Errors
    /// As [`Handle::seen`], also for a write that was only taken note of.
    fn close(self: Box<Self>) -> Result<()>;
}

/// What an interrupted run left.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Left {
    /// Names that it or somebody else put there: perhaps nobody else knows of them.
    pub names: Vec<Entry>,
    /// Directories in which it was at work: their times are perhaps not their own.
    pub directories: Vec<Gfid>,
}

/// The secondary's tree. Errors are those of the calls made; [`is_fatal`] tells those after which nothing
/// can work any more. Transient errors of the file system are retried inside.
pub trait Tree: Send + Sync {
    /// A batch begins: others may have changed anything since the last one.
    fn begin(&self) {}
    /// Who holds a name now.
    ///
    /// # Errors
    /// The call that failed (so for every method here).
    fn identify(&self, at: &Entry) -> Result<Holder>;
    /// What an object looks like; None: not there.
    ///
    /// # Errors
    /// As [`Tree::identify`].
    fn look(&self, gfid: Gfid) -> Result<Option<Seen>>;
    /// Creates an object of root's with exactly `mode` (but see set-gid bits and default ACLs of the parent).
    /// For anything but a regular file the caller has made sure that `gfid` does not exist: creating it twice
    /// damages a Gluster volume.
    ///
    /// # Errors
    /// EEXIST when the name is taken, ENOENT without the parent; for a regular file that exists any errno, and
    /// nothing is changed.
    ///
    /// A tree that has a new regular file open anyway hands it back, for [`Access::Content`].
    fn create(&self, at: &Entry, gfid: Gfid, kind: &Kind, mode: u32) -> Result<Option<Box<dyn Handle>>>;
    /// Takes over what is at a name for `gfid`, which must not be here, when it is foreign (see
    /// [`gsyncd_core::identity::is_foreign`]) and fits: the same type, device number and symlink target. Returns what it
    /// looks like; None: it is not foreign, or does not fit. Content and attributes stay as they are.
    ///
    /// # Errors
    /// As [`Tree::identify`].
    fn adopt(&self, _at: &Entry, _gfid: Gfid, _kind: &Kind) -> Result<Option<Seen>> {
        Ok(None)
    }
    /// Begins a new version of a regular file, which looks like `seen`, beside the old one: empty, open for its content
    /// and not seen by anybody before [`Tree::publish`]. None: it is written in place.
    ///
    /// # Errors
    /// As [`Tree::identify`].
    fn stage(&self, _gfid: Gfid, _seen: &Seen) -> Result<Option<Box<dyn Handle>>> {
        Ok(None)
    }
    /// Makes the content of new versions durable, before they are published.
    ///
    /// # Errors
    /// As [`Tree::identify`].
    fn settle_staged(&self, _staged: &[Gfid]) -> Result<()> {
        Ok(())
    }
    /// Puts the new version of a file in place of the old one; its directory keeps its times.
    ///
    /// # Errors
    /// ENOENT when the file is not there, or no new version.
    fn publish(&self, gfid: Gfid) -> Result<()> {
        Err(Error::new("publish", &gfid.canonical(), Errno::NOENT))
    }
    /// What a run before this one did after its last sync.
    fn unsettled(&self) -> Left {
        Left::default()
    }
    /// True for a name that the tree keeps for itself: it is never listed, identified or placed into.
    fn reserves(&self, _at: &Entry) -> bool {
        false
    }
    /// What is known about foreign objects in this tree.
    fn strangers(&self) -> Strangers {
        Strangers::Unknown
    }
    /// Who owns what [`Tree::create`] made: user and group.
    fn creator(&self) -> (u32, u32) {
        (0, 0)
    }
    /// Gives a non-directory one more name.
    ///
    /// # Errors
    /// EEXIST when the name is taken, ENOENT without the object or the parent.
    fn link(&self, gfid: Gfid, at: &Entry) -> Result<()>;
    /// Renames as POSIX does, replacing what is at `to`.
    ///
    /// # Errors
    /// EINVAL when a directory would move below itself, ENOTEMPTY, EISDIR, ENOTDIR, ENOENT.
    fn rename(&self, from: &Entry, to: &Entry) -> Result<()>;
    /// Removes a name of a non-directory.
    ///
    /// # Errors
    /// ENOENT, EISDIR.
    fn unlink(&self, at: &Entry) -> Result<()>;
    /// Removes an empty directory.
    ///
    /// # Errors
    /// ENOENT, ENOTEMPTY, ENOTDIR.
    fn rmdir(&self, at: &Entry) -> Result<()>;
    /// The name of a directory; None: not there, or the root.
    ///
    /// # Errors
    /// As [`Tree::identify`].
    fn locate(&self, directory: Gfid) -> Result<Option<Entry>>;
    /// Calls `each` for every entry of a directory until it says false.
    ///
    /// # Errors
    /// ENOENT when the directory is not there.
    fn entries(&self, directory: Gfid, each: &mut dyn FnMut(Name, Gfid) -> bool) -> Result<()>;
    /// Opens an object.
    ///
    /// # Errors
    /// ENOENT when it is not there.
    fn open(&self, gfid: Gfid, access: Access) -> Result<Box<dyn Handle>>;
    /// Called at the end of each batch that changed anything: makes all changes of names and attributes so far
    /// durable, unless that is left to [`Tree::sync`].
    ///
    /// # Errors
    /// As [`Tree::identify`].
    fn barrier(&self) -> Result<()>;
    /// When content that was written becomes durable.
    fn durability(&self) -> Durability;
    /// Makes everything so far durable; returns the new [`Tree::generation`].
    ///
    /// # Errors
    /// As [`Tree::identify`].
    fn sync(&self) -> Result<u64> {
        Ok(self.generation())
    }
    /// Which copy this is; all zero where no such id is kept.
    fn copy(&self) -> [u8; 16] {
        [0; 16]
    }
    /// How many syncs the copy has seen; 0 where that is not counted.
    fn generation(&self) -> u64 {
        0
    }
    /// How many threads are of use on this tree: where each call waits for a round trip, more than there are
    /// processors.
    fn parallelism(&self) -> usize {
        8
    }
    /// The size of a file as it is stored, in bytes; None: not there. Cheap with
    /// [`Durability::Barrier`].
    ///
    /// # Errors
    /// As [`Tree::identify`].
    fn stored_size(&self, gfid: Gfid) -> Result<Option<u64>> {
        Ok(self.look(gfid)?.map(|seen| seen.size))
    }
    /// True where changes in one directory wait for each other, so that several threads in it only hinder one another.
    fn locks_directories(&self) -> bool {
        false
    }
    /// How many calls were made on the tree so far.
    fn calls(&self) -> u64;

    /// True when the root has no entries.
    ///
    /// # Errors
    /// As [`Tree::identify`].
    fn is_empty(&self) -> Result<bool> {
        let mut empty = true;
        self.entries(Gfid::ROOT, &mut |_, _| {
            empty = false;
            false
        })?;
        Ok(empty)
    }
}

/// True for errors that mean the end of the mount, and so of this process.
#[must_use]
pub fn is_fatal(error: &Error) -> bool {
    matches!(error.errno, Errno::NOTCONN | Errno::CONNABORTED | Errno::SHUTDOWN)
}

/// True for the ways in which file systems say "not there (any more)".
#[must_use]
pub fn is_absent(error: &Error) -> bool {
    matches!(error.errno, Errno::NOENT | Errno::STALE)
}
