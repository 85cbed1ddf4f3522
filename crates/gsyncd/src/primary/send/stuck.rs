//! An object that could not be made true.

use crate::primary::view::UNSETTLED;
use gsyncd_core::id::{Entry, Gfid};
use gsyncd_core::truth::{Need, Why};
use std::fmt;

/// What was given up for now, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stuck {
    /// The object.
    pub gfid: Gfid,
    /// The name concerned, when there is one.
    pub at: Option<Entry>,
    /// The reason, for people.
    pub reason: String,
    /// It will pass by itself: a change that explains it is on its way.
    pub passing: bool,
    /// Only this name could not be stated: nothing is wrong with the object, which is its directory.
    pub name_only: bool,
}

impl Stuck {
    /// A name whose holder is not settled.
    #[must_use]
    pub fn unsettled(at: Entry) -> Stuck {
        let (gfid, reason) = (at.parent, "it is changing".to_owned());
        Stuck { gfid, at: Some(at), reason, passing: true, name_only: true }
    }
}

impl From<Need> for Stuck {
    fn from(need: Need) -> Stuck {
        let passing = matches!(need.why, Why::Failed { errno, .. } if errno == UNSETTLED.raw_os_error());
        let reason = match need.why {
            Why::Failed { errno, call } => format!("{call}: {}", std::io::Error::from_raw_os_error(errno)),
            Why::Missing => "the secondary keeps missing it".into(),
            Why::Unplaced => "the secondary keeps finding no place for it".into(),
            Why::Fate => "the secondary keeps finding it in the way".into(),
            Why::Present | Why::Times => "the secondary keeps reporting it".into(),
        };
        Stuck { gfid: need.gfid, at: need.at, reason, passing, name_only: false }
    }
}

impl fmt::Display for Stuck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.at {
            Some(at) => write!(f, "{} at {at}: {}", self.gfid, self.reason),
            None => write!(f, "{}: {}", self.gfid, self.reason),
        }
    }
}
