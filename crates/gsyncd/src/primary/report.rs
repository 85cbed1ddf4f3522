//! What people are told about a brick: its status file (spec: glusterd-interface 8.2, 8.5).

use super::quarantine::Quarantine;
use crate::store::{conf_file, status_file};
use gsyncd_core::batch::Touched;
use gsyncd_core::id::Stime;
use gsyncd_core::status::checkpoint::Checkpoint;
use gsyncd_core::status::{BrickStatus, stamp};
use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

/// How changes are being found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CrawlStatus {
    /// By walking the tree.
    Hybrid,
    /// From changelogs that were there already.
    History,
    /// From changelogs as they appear.
    Changelog,
}

impl CrawlStatus {
    /// As glusterd shows it.
    fn text(self) -> &'static str {
        match self {
            CrawlStatus::Hybrid => "Hybrid Crawl",
            CrawlStatus::History => "History Crawl",
            CrawlStatus::Changelog => "Changelog Crawl",
        }
    }
}

/// What the stock program's log calls the one who says these things.
const CONTEXT: &str = "GeorepStatus";

/// Writes one brick's status file. A status that cannot be written is logged and never stops the sync.
pub struct Report {
    file: PathBuf,
    config: PathBuf,
    crawl: Option<CrawlStatus>,
}

impl Report {
    /// Reports to a status file; the checkpoint is read from the session's config file each time.
    #[must_use]
    pub fn new(file: PathBuf, config: PathBuf) -> Report {
        Report { file, config, crawl: None }
    }

    /// The worker is at work, connected to a node.
    pub fn active(&mut self, secondary_node: &str) {
        let node = secondary_node.to_owned();
        self.update(|status| {
            status.begin_worker();
            status.secondary_node = node;
            status.worker_status = "Active".into();
            status.last_error = String::new();
        });
        tracing::info!(context = CONTEXT, status = "Active", "Worker Status Change");
    }

    /// How changes are found now.
    pub fn crawl_status(&mut self, crawl: CrawlStatus) {
        if self.crawl == Some(crawl) {
            return;
        }
        self.crawl = Some(crawl);
        self.update(|status| status.crawl_status = crawl.text().into());
        tracing::info!(context = CONTEXT, status = crawl.text(), "Crawl Status Change");
    }

    /// What is under way.
    pub fn pending(&mut self, touched: &Touched) {
        let (mut entry, mut data, mut meta) = (0, 0, 0);
        for (_, touch) in touched.objects() {
            entry += touch.names.len() as u64;
            data += u64::from(touch.data);
            meta += u64::from(touch.meta);
        }
        let backlog = touched.records() as u64;
        self.update(|status| {
            (status.entry, status.data, status.meta, status.backlog) = (entry, data, meta, backlog);
        });
    }

    /// Nothing is under way.
    pub fn nothing_pending(&mut self) {
        self.update(|status| {
            (status.entry, status.data, status.meta, status.backlog) = (0, 0, 0, 0);
        });
    }

    /// Progress moved.
    pub fn synced(&mut self, done: Stime) {
        let (now, done) = (now_seconds(), u64::from(done.seconds));
        let wanted = self.checkpoint();
        self.update(|status| {
            status.last_synced = done;
            status.last_synced_entry = done;
            status.lag_seconds = now.saturating_sub(done);
            let checkpoint = status.checkpoint.advance(wanted, done, now);
            if checkpoint.completed && checkpoint != status.checkpoint {
                tell_completed(&checkpoint);
            }
            status.checkpoint = checkpoint;
        });
    }

    /// What could not be synced.
    pub fn quarantined(&mut self, quarantine: &Quarantine) {
        let count = quarantine.len() as u64;
        let example = quarantine.example().map(ToString::to_string).unwrap_or_default();
        let now = now_seconds();
        self.update(|status| {
            status.failures += count.saturating_sub(status.quarantined);
            status.quarantined = count;
            if !example.is_empty() {
                status.last_error = example;
                status.last_error_time = now;
            }
        });
    }

    /// The checkpoint that the session asks for now; 0: none.
    fn checkpoint(&self) -> u64 {
        conf_file::checkpoint(&self.config).unwrap_or(0)
    }

    fn update(&self, change: impl FnOnce(&mut BrickStatus)) {
        if let Err(error) = status_file::update_brick(&self.file, change) {
            tracing::warn!(%error, "the status file cannot be written");
        }
    }
}

/// Times in UTC, as in the rest of the log (spec: glusterd-interface 8.5).
fn tell_completed(checkpoint: &Checkpoint) {
    tracing::info!(
        context = CONTEXT,
        checkpoint_time = stamp(checkpoint.time),
        completion_time = stamp(checkpoint.completion_time),
        "Checkpoint completed"
    );
}

/// Seconds since 1970.
fn now_seconds() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
