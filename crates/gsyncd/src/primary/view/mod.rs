//! The primary's tree as it is now: where facts are read from.
//!
//! Two ways to the same answers: [`brick`] reads the local brick directly, right only for a volume that has
//! no other brick; a view through an aux-gfid mount of the whole volume comes with distributed volumes.

pub mod brick;
mod handles;
mod lost;

use gsyncd_core::id::{Entry, Gfid, Name};
use gsyncd_core::truth::{Attributes, Kind, Xattr};
use gsyncd_sys::at::Stat;
use gsyncd_sys::{Errno, Error};
use std::os::fd::OwnedFd;
use std::time::Duration;

/// How long a brick may take between removing and making the handle of a directory that it renames.
const RENAME_WINDOW: Duration = Duration::from_millis(5);

/// Errno of a [`View`] that knows more is coming: what it knows and what there is do not agree, and a change is on its
/// way that will say why. Nothing is to be said about it now.
pub const UNSETTLED: Errno = Errno::INPROGRESS;

/// An object as it is now.
#[derive(Clone, Debug)]
pub struct Sight {
    /// What it looks like.
    pub attributes: Attributes,
    /// How many names users see.
    pub names: u64,
}

impl Sight {
    /// The attributes of a plain look at an object of this kind.
    #[must_use]
    pub fn attributes_of(kind: Kind, stat: &Stat) -> Attributes {
        Attributes {
            size: if kind == Kind::File { stat.size } else { 0 },
            kind,
            mode: stat.mode & 0o7777,
            uid: stat.uid,
            gid: stat.gid,
            mtime: stat.mtime.into(),
            atime: stat.atime.into(),
        }
    }
}

/// The replicated xattrs among these keys, sorted by key.
///
/// # Errors
/// What `get` returns.
pub fn replicated_xattrs(
    keys: Vec<Box<[u8]>>,
    get: impl FnMut(&[u8]) -> Result<Option<Box<[u8]>>, Error>,
) -> Result<Vec<Xattr>, Error> {
    let mut found = Xattr::replicated(keys, get)?;
    found.sort();
    Ok(found)
}

/// A regular file that is open for reading.
pub struct Opened {
    /// What it looks like.
    pub sight: Sight,
    /// Its replicated xattrs, sorted by key.
    pub xattrs: Vec<Xattr>,
    /// Where its content is read from, later than the rest.
    pub file: OwnedFd,
}

/// Reads the present truth. "Not there" is a value, never an error; an error means "cannot be told now".
pub trait View: Send + Sync {
    /// Who holds a name; None when it is free or its directory is gone.
    ///
    /// # Errors
    /// Anything that leaves the answer open.
    fn holder(&self, at: &Entry) -> Result<Option<Gfid>, Error>;

    /// An object's attributes; None when it is dead.
    ///
    /// # Errors
    /// Anything that leaves the answer open.
    fn sight(&self, gfid: Gfid) -> Result<Option<Sight>, Error>;

    /// All names of an object, verified to be held by it now; empty when it is dead. The root has none.
    ///
    /// # Errors
    /// Anything that leaves the answer open.
    fn names(&self, gfid: Gfid) -> Result<Vec<Entry>, Error>;

    /// The replicated xattrs of an object, sorted by key; None when it is dead.
    ///
    /// # Errors
    /// Anything that leaves the answer open.
    fn xattrs(&self, gfid: Gfid) -> Result<Option<Vec<Xattr>>, Error>;

    /// Opens a regular file for reading; None when it is dead.
    ///
    /// # Errors
    /// Anything that leaves the answer open.
    fn open(&self, gfid: Gfid) -> Result<Option<OwnedFd>, Error>;

    /// As [`View::sight`], [`View::xattrs`] and [`View::open`] of a regular file of up to so many bytes, at one look.
    /// None: it has to be looked at three times.
    ///
    /// # Errors
    /// Anything that leaves the answer open.
    fn file(&self, _gfid: Gfid, _limit_bytes: u64) -> Result<Option<Opened>, Error> {
        Ok(None)
    }

    /// Calls `each` for every entry of a directory, in no order; nothing when it is gone.
    ///
    /// # Errors
    /// Of reading, or what `each` returns.
    fn list(&self, dir: Gfid, each: &mut dyn FnMut(Name, Gfid) -> Result<(), Error>) -> Result<(), Error>;

    /// When the object or anything below it last changed (the marker's xtime); None when never recorded.
    ///
    /// # Errors
    /// Anything that leaves the answer open.
    fn changed_at(&self, gfid: Gfid) -> Result<Option<gsyncd_core::id::Stime>, Error>;

    /// Looks through the whole tree for directories that could not be reached. Costly: only when some are missed.
    ///
    /// # Errors
    /// Of reading.
    fn relearn(&self) -> Result<(), Error>;

    /// True while "not there" can be believed: all of the volume's children are up.
    fn is_whole(&self) -> bool;

    /// How many statements a batch should have: more where many small steps cost more than one large one.
    fn statements_limit(&self) -> usize {
        512
    }

    /// How long an object may look gone while it is renamed.
    fn rename_window(&self) -> Duration {
        RENAME_WINDOW
    }

    /// True when names that are free here are not to be freed there.
    fn keeps_deleted(&self) -> bool {
        false
    }

    /// True for a name that is not replicated, whatever the secondary has there: it is left alone.
    fn leaves_alone(&self, _at: &Entry) -> bool {
        false
    }
}
