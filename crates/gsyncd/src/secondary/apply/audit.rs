//! Reports what is in directories, so that the primary finds what should not be there.

use super::parking::{PARKING, is_ours};
use super::pool::parallel;
use super::work::Work;
use crate::tree::{Holder, Left, Strangers, is_absent};
use gsyncd_core::id::{Entry, Gfid};
use gsyncd_core::truth::{Need, Why};
use gsyncd_sys::Errno;
use std::sync::atomic::{AtomicUsize, Ordering};

/// How many bytes of entries one answer carries: well below the limit of a frame. A directory that does not
/// fit beside the others of its batch fails with EMSGSIZE and is to be asked about alone; one that does not
/// fit alone (some 400,000 names of average length) cannot be audited.
const MOST_BYTES: usize = 24 * 1024 * 1024;
/// What an entry takes beside its name, at most.
const ENTRY_BYTES: usize = 40;

impl Work<'_> {
    /// Every entry of the directories, as [`Why::Present`].
    pub(super) fn audit(&mut self, directories: &[Gfid]) {
        let used = AtomicUsize::new(0);
        let this = &*self;
        parallel(self.threads, directories, |gfid| {
            if !this.report.is_over() {
                this.audit_one(*gfid, &used);
            }
        });
    }

    /// What is in directories that were taken over: those of a run whose last notes are lost hold what was perhaps
    /// taken away on the primary since, foreign or not. Where there are many strangers the primary asks by itself.
    pub(super) fn report_foreign(&self) {
        if self.tree.strangers() == Strangers::Few {
            let used = AtomicUsize::new(0);
            for gfid in &self.taken_over {
                self.audit_one(*gfid, &used);
            }
        }
    }

    /// Reports who holds names that an earlier run left and the primary may know nothing of, and where it was at work.
    pub(super) fn report_unsettled(&self, left: Left) {
        let directories = left.directories.into_iter().filter(|gfid| *gfid != PARKING);
        let mut found: Vec<Need> = directories.map(|gfid| Need { gfid, at: None, why: Why::Times }).collect();
        for at in left.names.into_iter().filter(|at| !is_ours(at)) {
            match self.tree.identify(&at) {
                Ok(Holder::Held(gfid)) => found.push(Need { gfid, at: Some(at), why: Why::Present }),
                Ok(Holder::Free | Holder::NoParent) => {}
                Err(error) => self.report.failed(at.parent, Some(&at), &error),
            }
        }
        self.report.extend(found);
    }

    /// Reports the entries that are to be reported.
    fn audit_one(&self, directory: Gfid, used: &AtomicUsize) {
        let mut found = Vec::new();
        let mut fits = true;
        let read = self.tree.entries(directory, &mut |name, gfid| {
            let at = Entry { parent: directory, name };
            if !is_ours(&at) {
                let bytes = ENTRY_BYTES + at.name.as_bytes().len();
                fits = used.fetch_add(bytes, Ordering::Relaxed) + bytes <= MOST_BYTES;
                found.push(Need { gfid, at: Some(at), why: Why::Present });
            }
            fits
        });
        match read {
            Ok(()) if fits => self.report.extend(found),
            Ok(()) => self.report.refused(directory, None, Errno::MSGSIZE, "audit of a large directory"),
            Err(error) if is_absent(&error) => self.report.missing(directory, None),
            Err(error) => self.report.failed(directory, None, &error),
        }
    }
}
