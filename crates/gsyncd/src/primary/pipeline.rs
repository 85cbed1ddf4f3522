//! The flow of one brick, start to end:
//!
//! journal bytes → records → what they touch → present truth → said to the secondary → repaired until true
//! and durable → stime, status.

use super::commit::Commit;
use super::crawl::{Walk, crawl};
use super::group::{self, Group};
use super::patrol::Patrol;
use super::plan::gather;
use super::quarantine::Quarantine;
use super::report::{CrawlStatus, Report};
use super::send::{SendError, Sender};
use super::source::journal::{self, Event, Journal, JournalError, Opened, Reason};
use super::view::View;
use gsyncd_core::id::Stime;
use gsyncd_sys::Error;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// How long the journal is waited for before the link is looked at again.
const LOOK_AROUND: Duration = Duration::from_millis(500);

/// Why a brick's flow ended.
#[derive(Debug)]
pub enum PipelineError {
    /// The conversation ended.
    Send(SendError),
    /// The journal cannot be read.
    Journal(JournalError),
    /// There is none, or it does not even reach back to before the crawl.
    NoJournal(Reason),
    /// The brick cannot be read or written.
    Brick(Error),
}

impl fmt::Display for PipelineError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PipelineError::Send(error) => write!(f, "{error}"),
            PipelineError::Journal(error) => write!(f, "changelog: {error}"),
            PipelineError::NoJournal(reason) => write!(f, "no usable changelogs: {reason}"),
            PipelineError::Brick(error) => write!(f, "brick: {error}"),
        }
    }
}

impl std::error::Error for PipelineError {}

impl From<SendError> for PipelineError {
    fn from(error: SendError) -> PipelineError {
        PipelineError::Send(error)
    }
}

impl From<JournalError> for PipelineError {
    fn from(error: JournalError) -> PipelineError {
        PipelineError::Journal(error)
    }
}

impl From<Error> for PipelineError {
    fn from(error: Error) -> PipelineError {
        PipelineError::Brick(error)
    }
}

/// What never comes out of a flow that only ends by error.
pub enum Never {}

/// One brick's flow.
pub struct Pipeline {
    /// Where facts are read from.
    pub view: Arc<dyn View>,
    /// The conversation with the secondary.
    pub sender: Sender,
    /// Progress.
    pub commit: Commit,
    /// What could not be synced.
    pub quarantine: Quarantine,
    /// When the tree is looked through for what the journal did not tell.
    pub patrol: Patrol,
    /// What people are told.
    pub report: Report,
    /// The brick's changelog directory.
    pub changelogs: PathBuf,
    /// The secondary had nothing at all when the connection was made.
    pub onto_empty: bool,
}

impl Pipeline {
    /// Runs until something ends it.
    ///
    /// # Errors
    /// Always, in the end.
    pub fn run(mut self) -> Result<Never, PipelineError> {
        let mut journal = self.start()?;
        self.report.crawl_status(CrawlStatus::History);
        loop {
            let group = group::next(&mut journal)?;
            self.process(&group)?;
            if group.is_idle() {
                self.report.crawl_status(CrawlStatus::Changelog);
                self.retry_quarantined()?;
                self.patrol()?;
                self.sender.check()?;
                journal.wait(LOOK_AROUND)?;
            }
        }
    }

    /// Where to begin: at the recorded progress if the journal reaches back so far, else with a crawl.
    fn start(&mut self) -> Result<Journal, PipelineError> {
        let done = self.commit.done().filter(|done| *done != Stime::ZERO);
        if let Some(done) = done {
            match Journal::open(&self.changelogs, done.seconds)? {
                Opened::Reading(journal) => return Ok(*journal),
                Opened::NotAvailable(reason) => {
                    tracing::warn!(stime = done.seconds, %reason, "the changelogs do not reach back so far, crawling");
                }
            }
        }
        self.crawl_and_open(done)
    }

    /// Crawls, then reads the journal from before the crawl began.
    fn crawl_and_open(&mut self, since: Option<Stime>) -> Result<Journal, PipelineError> {
        let newest = journal::newest_stamp(&self.changelogs)?;
        let before = newest.unwrap_or(0).saturating_sub(1);
        self.crawl(since, before)?;
        self.advance(before)?;
        match Journal::open(&self.changelogs, before)? {
            Opened::Reading(journal) => Ok(*journal),
            Opened::NotAvailable(reason) => Err(PipelineError::NoJournal(reason)),
        }
    }

    fn crawl(&mut self, since: Option<Stime>, stamp: u32) -> Result<(), PipelineError> {
        self.report.crawl_status(CrawlStatus::Hybrid);
        tracing::info!(
            since = since.map_or(0, |since| since.seconds),
            onto_empty = self.onto_empty,
            "crawl starts"
        );
        let walk = Walk { since, onto_empty: self.onto_empty && since.is_none(), thorough: true };
        let met = crawl(&*self.view, walk, &mut self.sender)?;
        let stuck = self.sender.settle()?;
        // whatever is sent from now on may be there already
        self.onto_empty = false;
        tracing::info!(?met, counts = ?self.sender.counts(), "crawl is done");
        self.quarantine_all(stuck, stamp);
        Ok(())
    }

    /// Finds what the journal does not tell: changes that are never recorded (fallocate, copy_file_range), records
    /// that the brick lost, changes of directories that it lost the handle of.
    fn patrol(&mut self) -> Result<(), PipelineError> {
        if !self.patrol.is_due() {
            return Ok(());
        }
        let newest = journal::newest_stamp(&self.changelogs)?.unwrap_or(0);
        let since = self.patrol.since();
        let needs = self.sender.counts().needs;
        let walk = Walk { since, onto_empty: false, thorough: false };
        let met = crawl(&*self.view, walk, &mut self.sender)?;
        let stuck = self.sender.settle()?;
        if self.sender.counts().needs > needs {
            tracing::info!(?met, "found changes that are not in the changelogs");
        }
        self.quarantine_all(stuck, newest);
        self.patrol.done(Stime::at(newest.saturating_sub(1)));
        Ok(())
    }

    fn process(&mut self, group: &Group) -> Result<(), PipelineError> {
        if !group.touched.is_empty() {
            self.patrol.heard();
            self.report.pending(&group.touched);
            gather(&*self.view, &group.touched, &mut self.sender)?;
            let stuck = self.sender.settle()?;
            self.report.nothing_pending();
            self.quarantine_all(stuck, group.first_stamp().unwrap_or(0));
        }
        for (from, to, why) in &group.gaps {
            tracing::warn!(from, to, %why, "changes are missing from the changelogs, crawling");
            self.crawl(self.commit.done(), *from)?;
        }
        if let Some(stamp) = group.last_stamp() {
            self.advance(stamp)?;
        }
        Ok(())
    }

    fn advance(&mut self, stamp: u32) -> Result<(), PipelineError> {
        if let Some(done) = self.commit.advance(stamp)? {
            self.report.synced(done);
        }
        Ok(())
    }

    fn quarantine_all(&mut self, mut stuck: Vec<super::send::Stuck>, stamp: u32) {
        // their objects are among them
        stuck.retain(|stuck| !stuck.name_only);
        if stuck.is_empty() {
            return;
        }
        self.commit.hold(stamp);
        self.quarantine.add(stuck);
        self.report.quarantined(&self.quarantine);
    }

    fn retry_quarantined(&mut self) -> Result<(), PipelineError> {
        let due = self.quarantine.take_due();
        if due.is_empty() {
            return Ok(());
        }
        self.view.relearn()?;
        for stuck in due {
            self.sender.say_again(stuck.gfid, stuck.at);
        }
        let mut stuck = self.sender.settle()?;
        stuck.retain(|stuck| !stuck.name_only);
        self.quarantine.add(stuck);
        if self.quarantine.is_empty() {
            self.commit.release();
        }
        self.report.quarantined(&self.quarantine);
        Ok(())
    }
}

/// Reads the event kinds that a group keeps.
pub(super) fn stamp_of(event: &Event) -> u32 {
    match event {
        Event::Empty { stamp } | Event::Changelog { stamp, .. } => *stamp,
        Event::Gap { to, .. } => *to,
    }
}
