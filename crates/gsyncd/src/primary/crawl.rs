//! The hybrid crawl: walks the primary's tree where the journal does not reach back far enough.
//!
//! The first sync is one; so is closing a gap. A subtree that has not changed since the last known progress
//! is skipped without being listed, by its xtime. No xtime is written: one that is missing means "changed".

use super::facts::{Content, Facts, Want};
use super::plan::{Sink, hand_over, hand_over_when_full};
use super::view::View;
use gsyncd_core::id::{Entry, Gfid, Name, Stime};
use gsyncd_sys::{Errno, Error};

/// A walk that is not thorough has the secondary report only directories of so many entries at most.
const AUDIT_LIMIT: usize = 1000;

/// What kind of walk.
#[derive(Clone, Copy, Debug)]
pub struct Walk {
    /// What has not changed since then is skipped; None: everything is new.
    pub since: Option<Stime>,
    /// The secondary had nothing when this process started: send content without asking.
    pub onto_empty: bool,
    /// Say every entry of a changed directory and have the secondary report its own; else only what changed by
    /// itself is said, and the secondary reports small directories only.
    pub thorough: bool,
}

/// What a walk met.
#[derive(Clone, Copy, Debug, Default)]
pub struct Met {
    /// Directories listed.
    pub directories: u64,
    /// Directories whose subtree was skipped as unchanged.
    pub skipped: u64,
    /// Entries stated.
    pub entries: u64,
}

/// Walks the tree and hands its facts over.
///
/// # Errors
/// What the sink returns. What cannot be read is stated as unreadable and left.
pub fn crawl<S: Sink>(view: &dyn View, walk: Walk, sink: &mut S) -> Result<Met, S::Error> {
    let mut crawler = Crawler { view, walk, facts: Facts::new(view), below: Vec::new(), met: Met::default() };
    crawler.facts.object(Gfid::ROOT, Want::LOOKS);
    let mut next = Some(Gfid::ROOT);
    while let Some(dir) = next {
        crawler.directory(dir, sink)?;
        next = crawler.below.pop();
    }
    hand_over(crawler.facts, sink)?;
    Ok(crawler.met)
}

struct Crawler<'a> {
    view: &'a dyn View,
    walk: Walk,
    facts: Facts<'a>,
    /// Directories still to be listed: the siblings along one path.
    below: Vec<Gfid>,
    met: Met,
}

impl Crawler<'_> {
    fn directory<S: Sink>(&mut self, dir: Gfid, sink: &mut S) -> Result<(), S::Error> {
        if self.is_unchanged(dir) {
            self.met.skipped += 1;
            return Ok(());
        }
        self.met.directories += 1;
        let (mut refused, mut listed_entries) = (None, 0);
        let view = self.view;
        let listed = view.list(dir, &mut |name, gfid| {
            listed_entries += 1;
            self.entry(dir, name, gfid);
            hand_over_when_full(view, &mut self.facts, sink).map_err(|error| {
                refused = Some(error);
                Error::new("getdents64", b"", Errno::CANCELED)
            })
        });
        let limit = if self.walk.thorough { usize::MAX } else { AUDIT_LIMIT };
        if !self.walk.onto_empty && listed_entries <= limit {
            self.facts.audit(dir);
        }
        match (refused, listed) {
            (Some(error), _) => Err(error),
            (None, Ok(())) => Ok(()),
            (None, Err(error)) => {
                self.facts.cannot_read(dir, error);
                Ok(())
            }
        }
    }

    fn entry(&mut self, dir: Gfid, name: Name, gfid: Gfid) {
        let sight = match self.view.sight(gfid) {
            Ok(Some(sight)) => sight,
            // gone since it was listed: its end is in the journal
            Ok(None) => return,
            Err(error) => return self.facts.cannot_read(gfid, error),
        };
        let at = Entry { parent: dir, name };
        let directory = sight.attributes.kind.is_directory();
        if directory {
            self.below.push(gfid);
        }
        let unchanged = self.is_unchanged(gfid);
        if unchanged && !self.walk.thorough {
            return;
        }
        self.met.entries += 1;
        let want = if !directory && unchanged {
            // an unchanged file may still have got this name: a rename marks the directories only
            Want::EXISTENCE
        } else {
            Want { content: self.content(gfid, sight.names, &at), xattrs: true }
        };
        if self.facts.object(gfid, want) {
            self.facts.holding(&at, Some(gfid));
        }
    }

    fn content(&self, gfid: Gfid, names: u64, at: &Entry) -> Content {
        if names > 1 && !self.is_first_name(gfid, at) {
            // said with its first name; if that was not met the secondary asks
            Content::None
        } else if self.walk.onto_empty {
            Content::All
        } else {
            Content::Compare
        }
    }

    fn is_first_name(&self, gfid: Gfid, at: &Entry) -> bool {
        match self.view.names(gfid) {
            Ok(names) => names.first().is_none_or(|first| first == at),
            Err(_) => true,
        }
    }

    /// Nothing changed in or below since the last known progress. Equal times count as changed.
    fn is_unchanged(&self, gfid: Gfid) -> bool {
        let Some(since) = self.walk.since else { return false };
        matches!(self.view.changed_at(gfid), Ok(Some(changed)) if changed < since)
    }
}
