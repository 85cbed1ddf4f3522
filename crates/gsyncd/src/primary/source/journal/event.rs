//! What a journal tells.

use std::fmt;
use std::path::PathBuf;

/// What the journal says next. Stamps are seconds since 1970; a changelog may hold changes up to about a second newer than its
/// stamp, hence progress is its stamp minus 1.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Event {
    /// Nothing changed up to `stamp`.
    Empty {
        /// Time of the rollover.
        stamp: u32,
    },
    /// A finished changelog to process.
    Changelog {
        /// Time of the rollover.
        stamp: u32,
        /// The raw file.
        path: PathBuf,
        /// Its length in bytes; that of the header alone is possible.
        size: u64,
    },
    /// Changes made after `from` and up to `to` may be missing from the journal: a crawl has to find them. What follows is
    /// in order again. Both bounds are coarse by a second, and equal ones do not mean that nothing is missing.
    Gap {
        /// Up to here the journal is complete.
        from: u32,
        /// From here on it is complete again.
        to: u32,
        /// What was found.
        why: Loss,
    },
}

/// Why a part of the journal is missing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Loss {
    /// The index names a changelog that is not there.
    FileMissing,
    /// Two changelogs were finished in one second, and the later one replaced the earlier one. Happens with a rollover time
    /// of 1 s.
    StampShared,
    /// The index is damaged, and no changelog of that time was found either.
    IndexTorn,
    /// Journalling was off for a while: another index was begun.
    NewSegment,
}

impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Loss::FileMissing => "changelogs named by the index are missing",
            Loss::StampShared => "two changelogs share one second, the earlier one was overwritten",
            Loss::IndexTorn => "the changelog index is damaged",
            Loss::NewSegment => "journalling was off",
        })
    }
}

/// Why the journal cannot be read from the wanted time on. A crawl is needed, after which [`newest_stamp`](super::newest_stamp) is the time to
/// start from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Reason {
    /// The brick has no index: journalling was never on.
    NoIndex,
    /// The wanted time is before all history.
    BeforeHistory {
        /// When history begins, in seconds.
        oldest: u32,
    },
    /// Journalling was off at the wanted time.
    InGap {
        /// When history begins again, in seconds.
        resumes: u32,
    },
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Reason::NoIndex => write!(f, "the brick has no changelog index"),
            Reason::BeforeHistory { oldest } => write!(f, "changelogs begin at {oldest} only"),
            Reason::InGap { resumes } => write!(f, "journalling was off until {resumes}"),
        }
    }
}
