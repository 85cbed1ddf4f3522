//! What the secondary could not make true by itself.

use crate::id::{Entry, Gfid};

/// Why something is not true yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Why {
    /// The object is needed and not there, or its content is needed: say all about it, with its names.
    Missing,
    /// The object is in the way at `at` and nothing was said about it: where does it live, or is it dead?
    Fate,
    /// The object is here, but cannot be put at `at` now: the directory is not here, or the name not free. Say the way
    /// down, and its names.
    Unplaced,
    /// A call failed.
    Failed {
        /// The errno.
        errno: i32,
        /// The system call or step, for people.
        call: Box<str>,
    },
    /// Answer to an audit: the secondary has this entry.
    Present,
    /// A directory in which a run was interrupted: its times are perhaps not its own.
    Times,
}

/// One thing that is not true yet: read the present truth about `gfid` and about the name `at`, say it again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Need {
    /// The object.
    pub gfid: Gfid,
    /// The name concerned, when there is one.
    pub at: Option<Entry>,
    /// The reason.
    pub why: Why,
}
