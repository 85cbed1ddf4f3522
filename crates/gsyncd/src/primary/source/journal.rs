//! One brick's journal: history and live changes as one sequence of events.
//!
//! The brick appends a record to its index at every rollover, after the changelog it names is complete and durable. So reading the
//! index in order is all there is to do: old records are history, the end of the file is "now" (spec: on-disk-formats 4.4).

mod error;
mod event;
mod stray;

pub use error::JournalError;
pub use event::{Event, Loss, Reason};

use std::collections::{BTreeMap, VecDeque};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use gsyncd_core::htime::{Chunk, IndexRecord};
use gsyncd_sys::inotify::{Inotify, Waker, WatchFlags, wait};

use super::segment::{Reader, Segment};
use super::{changelog_file, seek, segment};

/// The outcome of [`Journal::open`].
#[derive(Debug)]
pub enum Opened {
    /// All changes from the wanted time on will be told, or told to be missing.
    Reading(Box<Journal>),
    /// They cannot be.
    NotAvailable(Reason),
}

/// Why [`Journal::wait`] returned.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Woken {
    /// Something happened to the index, or is ready already: call [`Journal::next`].
    Index,
    /// The caller's bell rang.
    Caller,
    /// The time is up.
    Timeout,
}

/// A reader of one brick's changelog directory.
#[derive(Debug)]
pub struct Journal {
    directory: PathBuf,
    segment: Segment,
    reader: Reader,
    ready: VecDeque<Event>,
    /// The wanted time, until the first record was passed.
    start: u32,
    /// Stamp of the record passed last.
    previous: Option<u32>,
    newest: Option<u32>,
    /// The non-empty record passed last: its stamp and where its changes begin.
    delivered: Option<(u32, u32)>,
    /// Part of the index before the next record is unreadable.
    torn: bool,
    /// Changelogs that were on disk without a record when the journal was opened.
    strays: BTreeMap<u32, PathBuf>,
    /// None where the kernel has no watch to spare: waiting then polls.
    watch: Option<Inotify>,
    waker: Waker,
}

impl Journal {
    /// Opens at the first rollover at or after `start` (seconds), which may be in the future of the index.
    ///
    /// # Errors
    /// When the index is there and cannot be read.
    pub fn open(changelog_dir: &Path, start: u32) -> Result<Opened, JournalError> {
        let segments = segment::list(changelog_dir)?;
        let Some(first) = segments.iter().map(|segment| segment.start).min() else {
            return Ok(Opened::NotAvailable(Reason::NoIndex));
        };
        let Some(at) = segments.iter().rposition(|segment| segment.start <= start) else {
            return Ok(Opened::NotAvailable(Reason::BeforeHistory { oldest: first }));
        };
        let (chosen, next) = (segments.get(at), segments.get(at + 1));
        let Some(chosen) = chosen else { return Ok(Opened::NotAvailable(Reason::NoIndex)) };
        // Watch before reading, so that nothing falls between.
        let watch = watch(changelog_dir);
        let mut reader = Reader::open(&chosen.path, changelog_dir, 0)?;
        let newest = seek::last_record(&mut reader, changelog_dir)?.and_then(|record| stamp_of(&record));
        if let Some(next) = next.filter(|_| newest.is_none_or(|newest| start >= newest)) {
            return Ok(Opened::NotAvailable(Reason::InGap { resumes: next.start }));
        }
        let strays = match (next, newest) {
            (None, Some(newest)) => stray::find(changelog_dir, &mut reader, start, newest)?,
            _ => BTreeMap::new(),
        };
        seek::first_at_or_after(&mut reader, changelog_dir, start)?;
        let journal = Journal {
            directory: changelog_dir.into(),
            segment: chosen.clone(),
            reader,
            ready: VecDeque::new(),
            start,
            previous: None,
            newest,
            delivered: None,
            torn: false,
            strays,
            watch,
            waker: Waker::new()?,
        };
        Ok(Opened::Reading(Box::new(journal)))
    }

    /// The bell that ends [`Journal::wait`], for other threads.
    #[must_use]
    pub fn waker(&self) -> Waker {
        self.waker.clone()
    }

    /// Takes the caller's bell instead, so that one bell can end several waits.
    pub fn set_waker(&mut self, waker: Waker) {
        self.waker = waker;
    }

    /// Stamp of the newest index record met, an empty one included. Once a record with a stamp exists, all changes before it are in
    /// changelogs with that or a lower stamp.
    #[must_use]
    pub fn newest_stamp(&self) -> Option<u32> {
        self.newest
    }

    /// The next event; None when there is nothing more for now.
    ///
    /// # Errors
    /// When the index or its directory cannot be read.
    #[expect(clippy::should_implement_trait, reason = "no iterator: after None there may be more")]
    pub fn next(&mut self) -> Result<Option<Event>, JournalError> {
        // A gap of missing files is held back while it may still grow.
        while !self.ready.iter().any(|event| !is_missing(event)) {
            match self.reader.next()? {
                Some(chunk) => self.pass(chunk)?,
                None if self.enter_next_segment()? => {}
                None => break,
            }
        }
        Ok(self.ready.pop_front())
    }

    /// Waits until the index may have grown, the bell rings or `timeout` is over. May return early. Call it after
    /// [`Journal::next`] gave None: what happens in between is not missed.
    ///
    /// # Errors
    /// What polling says.
    pub fn wait(&mut self, timeout: Duration) -> Result<Woken, JournalError> {
        if !self.ready.is_empty() {
            return Ok(Woken::Index);
        }
        let bound = if self.watch.is_some() { timeout } else { timeout.min(UNWATCHED_POLL) };
        wait(self.watch.as_ref(), &self.waker, bound)?;
        let seen = match &self.watch {
            Some(watch) => watch.drain()?.events > 0,
            None => true,
        };
        Ok(match (self.waker.silence()?, seen) {
            (true, _) => Woken::Caller,
            (false, true) => Woken::Index,
            (false, false) => Woken::Timeout,
        })
    }

    fn pass(&mut self, chunk: Chunk) -> Result<(), JournalError> {
        let (record, stamp) = match chunk {
            Chunk::Record(record) => match stamp_of(&record) {
                Some(stamp) => (record, stamp),
                None => return self.pass_torn(record.offset),
            },
            Chunk::Torn { offset } => return self.pass_torn(offset),
        };
        if std::mem::take(&mut self.torn) || record.torn_before {
            self.fill_torn(stamp)?;
        }
        self.deliver_strays_before(stamp)?;
        if record.empty {
            self.ready.push_back(Event::Empty { stamp });
        } else {
            self.deliver(&record, stamp)?;
        }
        if self.previous.is_some_and(|previous| stamp < previous) {
            tracing::warn!(
                stamp,
                "the brick's clock stepped back: changelogs are taken in the order of the index"
            );
        }
        self.previous = Some(stamp);
        self.newest = self.newest.max(Some(stamp));
        Ok(())
    }

    fn pass_torn(&mut self, offset: u64) -> Result<(), JournalError> {
        tracing::warn!(index = %self.segment.path.display(), offset, "unreadable record in the changelog index");
        self.torn = true;
        Ok(())
    }

    /// Hands out what lies on disk in place of an unreadable record before the one with `stamp`.
    fn fill_torn(&mut self, stamp: u32) -> Result<(), JournalError> {
        let from = self.previous.map_or(self.start, |previous| previous.saturating_add(1));
        let files = match stamp.checked_sub(1) {
            Some(to) => changelog_file::between(&self.directory, from, to)?,
            None => Vec::new(),
        };
        if files.is_empty() {
            let from = self.complete_to();
            self.ready.push_back(Event::Gap { from, to: stamp, why: Loss::IndexTorn });
        }
        for (stamp, path) in files {
            self.strays.remove(&stamp);
            self.push_file(stamp, path)?;
        }
        Ok(())
    }

    fn deliver_strays_before(&mut self, stamp: u32) -> Result<(), JournalError> {
        while let Some(stray) = self.strays.first_entry().filter(|stray| *stray.key() < stamp) {
            let (stamp, path) = stray.remove_entry();
            tracing::warn!(path = %path.display(), "changelog without a record in the index");
            self.push_file(stamp, path)?;
        }
        Ok(())
    }

    fn push_file(&mut self, stamp: u32, path: PathBuf) -> Result<(), JournalError> {
        let found = match std::fs::metadata(&path) {
            Ok(found) => found,
            Err(error) if changelog_file::is_absent(&error) => {
                self.push_missing(self.complete_to(), stamp);
                return Ok(());
            }
            Err(error) => return Err(JournalError::new("stat", &path, &error)),
        };
        self.ready.push_back(Event::Changelog { stamp, path, size: found.len() });
        Ok(())
    }

    fn deliver(&mut self, record: &IndexRecord, stamp: u32) -> Result<(), JournalError> {
        self.strays.remove(&stamp);
        let mut from = self.complete_to();
        if let Some((_, begin)) = self.delivered.filter(|(delivered, _)| *delivered == stamp) {
            // The file now holds the second changelog: it is handed out again below.
            from = begin;
            self.ready.push_back(Event::Gap { from, to: stamp, why: Loss::StampShared });
        }
        self.delivered = Some((stamp, from));
        match changelog_file::resolve(&self.directory, record)? {
            Some((path, size)) => self.ready.push_back(Event::Changelog { stamp, path, size }),
            None => self.push_missing(from, stamp),
        }
        Ok(())
    }

    /// An administrator deletes many files at once: one gap for all in a row.
    fn push_missing(&mut self, from: u32, stamp: u32) {
        match self.ready.back_mut() {
            Some(Event::Gap { to, why: Loss::FileMissing, .. }) => *to = stamp,
            _ => self.ready.push_back(Event::Gap { from, to: stamp, why: Loss::FileMissing }),
        }
    }

    /// Up to here everything was told.
    fn complete_to(&self) -> u32 {
        self.previous.unwrap_or(self.start)
    }

    /// At the end of an index: goes on in the next one, if there is one. True when there is more to read.
    fn enter_next_segment(&mut self) -> Result<bool, JournalError> {
        let Some(next) = self.next_segment()? else { return Ok(false) };
        // The brick ends an index before it begins another: what came in meanwhile is the rest of it.
        if let Some(chunk) = self.reader.next()? {
            self.pass(chunk)?;
            return Ok(true);
        }
        let from = self.complete_to();
        self.reader = Reader::open(&next.path, &self.directory, 0)?;
        self.ready.push_back(Event::Gap { from, to: next.start, why: Loss::NewSegment });
        self.previous = Some(next.start);
        self.newest = self.newest.max(Some(next.start));
        self.torn = false;
        self.delivered = None;
        self.strays.clear();
        self.segment = next;
        Ok(true)
    }

    fn next_segment(&self) -> Result<Option<Segment>, JournalError> {
        let segments = segment::list(&self.directory)?;
        let own = segments.iter().position(|segment| segment.path == self.segment.path);
        Ok(match own {
            Some(at) => segments.into_iter().nth(at + 1),
            // Ours was removed by hand; what was open is read to its end.
            None => segments.into_iter().find(|segment| segment.start > self.segment.start),
        })
    }
}

/// How often to look when nothing tells.
const UNWATCHED_POLL: Duration = Duration::from_secs(1);

/// Watches the index directory: growth of its files, new ones, and the xattr that names the one in use.
fn watch(changelog_dir: &Path) -> Option<Inotify> {
    let directory = segment::index_directory(changelog_dir);
    let flags = WatchFlags::MODIFY | WatchFlags::CREATE | WatchFlags::MOVED_TO | WatchFlags::ATTRIB;
    let watch = Inotify::new();
    let watched =
        watch.and_then(|watch| watch.add_watch(directory.as_os_str().as_bytes(), flags).map(|_| watch));
    watched.inspect_err(|error| tracing::warn!(%error, "cannot watch the changelog index, polling it")).ok()
}

fn is_missing(event: &Event) -> bool {
    matches!(event, Event::Gap { why: Loss::FileMissing, .. })
}

fn stamp_of(record: &IndexRecord) -> Option<u32> {
    u32::try_from(record.stamp).ok()
}

/// Where a first sync starts counting, before its crawl: the stamp of the newest index record, and at least the second after the
/// index was begun, so that one less can always be opened (a first rollover in the second of the beginning is usual: setting any
/// option makes one). None without an index.
///
/// # Errors
/// When the index is there and cannot be read.
pub fn newest_stamp(changelog_dir: &Path) -> Result<Option<u32>, JournalError> {
    let segments = segment::list(changelog_dir)?;
    let Some(current) = segments.last() else { return Ok(None) };
    let mut reader = Reader::open(&current.path, changelog_dir, 0)?;
    let newest = seek::last_record(&mut reader, changelog_dir)?.and_then(|record| stamp_of(&record));
    Ok(newest.max(Some(current.start.saturating_add(1))))
}

#[cfg(test)]
mod tests;
