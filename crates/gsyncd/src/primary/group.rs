//! A group: as much of the journal as is processed and committed together.

use super::pipeline::stamp_of;
use super::source::journal::{Event, Journal, JournalError};
use gsyncd_core::batch::Touched;
use gsyncd_core::record;
use std::path::Path;

/// No more changelogs are added when a group has this many records: bounds memory and what a crash repeats.
const RECORDS_LIMIT: usize = 50_000;
/// Nor when it has this many index records (a long idle time leaves one every roll-over).
const EVENTS_LIMIT: usize = 100_000;

/// What was read from the journal and not processed yet.
#[derive(Default)]
pub struct Group {
    /// What its records concern.
    pub touched: Touched,
    /// Stretches whose changes were not recorded or are lost: from, to, why.
    pub gaps: Vec<(u32, u32, String)>,
    first: Option<u32>,
    last: Option<u32>,
    idle: bool,
}

impl Group {
    /// Stamp of its first changelog with content.
    #[must_use]
    pub fn first_stamp(&self) -> Option<u32> {
        self.first
    }

    /// Stamp of its last index record, an empty one too.
    #[must_use]
    pub fn last_stamp(&self) -> Option<u32> {
        self.last
    }

    /// The journal had no more when the group was made.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.idle
    }

    fn add(&mut self, event: Event) {
        self.last = Some(stamp_of(&event));
        match event {
            Event::Empty { .. } => {}
            Event::Gap { from, to, why } => self.gaps.push((from, to, why.to_string())),
            Event::Changelog { stamp, path, .. } => {
                self.first = self.first.or(Some(stamp));
                self.read(stamp, &path);
            }
        }
    }

    /// Adds a changelog's records. What cannot be read or decoded is a gap: a crawl finds what it said.
    fn read(&mut self, stamp: u32, path: &Path) {
        let lost = match std::fs::read(path) {
            Err(error) => Some(format!("{}: {error}", path.display())),
            Ok(bytes) => match record::parse(&bytes, true) {
                Err(error) => Some(format!("{}: {error}", path.display())),
                Ok(parsed) => {
                    for record in &parsed.records {
                        self.touched.add(record);
                    }
                    parsed.damaged_at.map(|at| format!("{}: damaged at offset {at}", path.display()))
                }
            },
        };
        if let Some(why) = lost {
            self.gaps.push((stamp, stamp, why));
        }
    }
}

/// Reads the journal until there is no more for now or the group is large enough.
///
/// # Errors
/// When the index cannot be read.
pub fn next(journal: &mut Journal) -> Result<Group, JournalError> {
    let mut group = Group::default();
    for _ in 0..EVENTS_LIMIT {
        if group.touched.records() >= RECORDS_LIMIT {
            return Ok(group);
        }
        match journal.next()? {
            Some(event) => group.add(event),
            None => {
                group.idle = true;
                return Ok(group);
            }
        }
    }
    Ok(group)
}
