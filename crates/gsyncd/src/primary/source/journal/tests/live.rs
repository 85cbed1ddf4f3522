//! An index that grows while it is read.

use super::{Brick, drain};
use crate::primary::source::journal::{Journal, Woken};
use std::time::{Duration, Instant};

/// Longer than anything here takes; a wait that lasts as long was not woken.
const BOUND: Duration = Duration::from_secs(20);

/// Waits until the journal has something to say.
fn drain_woken(journal: &mut Journal) -> String {
    let begun = Instant::now();
    loop {
        assert_eq!(journal.wait(BOUND).unwrap(), Woken::Index);
        assert!(begun.elapsed() < BOUND);
        let shown = drain(journal);
        if !shown.is_empty() {
            return shown;
        }
    }
}

#[test]
fn new_records_wake_and_are_told_once() {
    let brick = Brick::new();
    brick.full(0, 15);
    let mut journal = brick.open(0);
    assert_eq!(drain(&mut journal), "15");
    brick.empty(0, 30);
    assert_eq!(drain_woken(&mut journal), "30e");
    brick.full(0, 45);
    assert_eq!(drain_woken(&mut journal), "45");
    assert_eq!(journal.newest_stamp(), Some(super::EPOCH + 45));
}

#[test]
fn a_start_after_the_newest_record_waits() {
    let brick = Brick::new();
    brick.full(0, 15);
    let mut journal = brick.open(20);
    assert_eq!(drain(&mut journal), "");
    brick.full(0, 30);
    assert_eq!(drain_woken(&mut journal), "30");
}

#[test]
fn half_a_record_is_not_read() {
    let brick = Brick::new();
    brick.full(0, 15);
    let mut journal = brick.open(0);
    brick.append(0, brick.path().to_str().unwrap().as_bytes());
    assert_eq!(drain(&mut journal), "15");
    brick.append(0, b"/changelog.17000000");
    assert_eq!(drain(&mut journal), "");
    brick.append(0, b"30\0");
    assert_eq!(drain_woken(&mut journal), "30e");
}

#[test]
fn a_new_index_wakes_and_is_a_gap() {
    let brick = Brick::new();
    brick.full(0, 15);
    let mut journal = brick.open(0);
    assert_eq!(drain(&mut journal), "15");
    brick.full(0, 30);
    brick.append(1000, b"");
    assert_eq!(drain_woken(&mut journal), "30 30-1000:new-segment");
    brick.full(1000, 1015);
    assert_eq!(drain_woken(&mut journal), "1015");
}

#[test]
fn the_bell_ends_a_wait_and_an_event_before_it_is_not_missed() {
    let brick = Brick::new();
    brick.full(0, 15);
    let mut journal = brick.open(0);
    let waker = journal.waker();
    let ringer = std::thread::spawn(move || waker.wake().unwrap());
    assert_eq!(journal.wait(BOUND).unwrap(), Woken::Caller);
    ringer.join().unwrap();
    assert_eq!(journal.wait(Duration::from_millis(1)).unwrap(), Woken::Timeout);
    let bell = gsyncd_sys::inotify::Waker::new().unwrap();
    journal.set_waker(bell.clone());
    bell.wake().unwrap();
    assert_eq!(journal.wait(BOUND).unwrap(), Woken::Caller);
}

#[test]
fn the_index_in_use_is_the_one_the_directory_names() {
    let brick = Brick::new();
    brick.full(1000, 1015);
    let mut journal = brick.open(1000);
    assert_eq!(drain(&mut journal), "1015");
    // The clock stepped back while journalling was off.
    brick.full(500, 515);
    let htime = brick.path().join("htime");
    let value = format!("HTIME.{}", super::EPOCH + 500);
    let key = b"trusted.glusterfs.current_htime";
    // only root may set trusted xattrs: without them this cannot be tried, and must not seem to have been
    gsyncd_sys::xattr::set(htime.to_str().unwrap().as_bytes(), key, value.as_bytes()).unwrap();
    assert_eq!(drain_woken(&mut journal), "1015-500:new-segment 515");
}
