//! Recorded index layouts, damaged ones, and an index that grows while it is read.

mod damaged;
mod layouts;
mod live;
mod long;

use super::{Event, Journal, Loss, Opened, Reason};
use std::fs;
use std::io::Write;
use std::path::Path;

/// Times of the tests are seconds after this.
const EPOCH: u32 = 1_700_000_000;

/// A changelog directory in the making.
struct Brick {
    root: tempfile::TempDir,
}

impl Brick {
    fn new() -> Brick {
        let brick = Brick { root: tempfile::tempdir().unwrap() };
        fs::create_dir(brick.path().join("htime")).unwrap();
        brick
    }

    fn path(&self) -> &Path {
        self.root.path()
    }

    /// Appends raw bytes to the index begun at `segment`.
    fn append(&self, segment: u32, bytes: &[u8]) {
        let path = self.path().join(format!("htime/HTIME.{}", EPOCH + segment));
        fs::OpenOptions::new().create(true).append(true).open(path).unwrap().write_all(bytes).unwrap();
    }

    /// A rollover with changes: file, then record.
    fn full(&self, segment: u32, at: u32) {
        self.file(&format!("CHANGELOG.{}", EPOCH + at));
        self.append(segment, format!("{}/CHANGELOG.{}\0", self.path().display(), EPOCH + at).as_bytes());
    }

    /// A rollover without changes.
    fn empty(&self, segment: u32, at: u32) {
        self.append(segment, format!("{}/changelog.{}\0", self.path().display(), EPOCH + at).as_bytes());
    }

    fn file(&self, name: &str) {
        let path = self.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "GlusterFS Changelog | version: v1.2 | encoding : 2\n").unwrap();
    }

    fn open(&self, start: u32) -> Journal {
        match Journal::open(self.path(), EPOCH + start).unwrap() {
            Opened::Reading(journal) => *journal,
            Opened::NotAvailable(reason) => panic!("{reason}"),
        }
    }
}

/// All that is there, in the notation of `testdata/history/expected.tsv`.
fn drain(journal: &mut Journal) -> String {
    let mut shown = Vec::new();
    while let Some(event) = journal.next().unwrap() {
        shown.push(show(&event));
    }
    shown.join(" ")
}

fn show(event: &Event) -> String {
    match event {
        Event::Empty { stamp } => format!("{}e", stamp - EPOCH),
        Event::Changelog { stamp, path, size } => {
            assert_eq!(fs::metadata(path).unwrap().len(), *size);
            assert!(path.to_str().unwrap().ends_with(&format!("/CHANGELOG.{stamp}")));
            format!("{}", stamp - EPOCH)
        }
        Event::Gap { from, to, why } => {
            let why = match why {
                Loss::FileMissing => "file-missing",
                Loss::StampShared => "stamp-shared",
                Loss::IndexTorn => "index-torn",
                Loss::NewSegment => "new-segment",
            };
            format!("{}-{}:{why}", from - EPOCH, to - EPOCH)
        }
    }
}

fn show_reason(reason: Reason) -> String {
    match reason {
        Reason::NoIndex => "no-index".into(),
        Reason::BeforeHistory { oldest } => format!("before-history {}", oldest - EPOCH),
        Reason::InGap { resumes } => format!("in-gap {}", resumes - EPOCH),
    }
}
