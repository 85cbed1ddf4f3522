//! Indexes that lost something, and moved ones.

use super::{Brick, EPOCH, drain};

#[test]
fn two_changelogs_in_one_second_are_a_gap_and_the_file_is_read_again() {
    let brick = Brick::new();
    brick.append(0, b"");
    brick.full(0, 15);
    brick.full(0, 30);
    brick.full(0, 30);
    brick.full(0, 45);
    assert_eq!(drain(&mut brick.open(0)), "15 30 15-30:stamp-shared 30 45");
}

#[test]
fn an_empty_record_never_swallows_a_changelog_of_the_same_second() {
    let brick = Brick::new();
    for (full, empty) in [(15, 15), (30, 30)] {
        brick.empty(0, empty);
        brick.full(0, full);
    }
    brick.full(0, 45);
    brick.empty(0, 45);
    assert_eq!(drain(&mut brick.open(0)), "15e 15 30e 30 45 45e");
    assert_eq!(drain(&mut brick.open(30)), "30e 30 45 45e");
}

#[test]
fn a_changelog_without_a_record_is_found() {
    let brick = Brick::new();
    brick.full(0, 15);
    brick.file(&format!("2023/11/14/CHANGELOG.{}", EPOCH + 20));
    brick.empty(0, 30);
    brick.file(&format!("CHANGELOG.{}", EPOCH + 50));
    let mut journal = brick.open(0);
    assert_eq!(drain(&mut journal), "15 20 30e", "the newest one may just be waiting for its record");
    brick.full(0, 50);
    brick.empty(0, 60);
    assert_eq!(drain(&mut journal), "50 60e");
    assert_eq!(drain(&mut brick.open(21)), "30e 50 60e");
}

#[test]
fn torn_records_are_replaced_by_what_lies_on_disk() {
    let brick = Brick::new();
    brick.full(0, 15);
    brick.append(0, b"/some/torn/rec");
    brick.file(&format!("2023/11/14/CHANGELOG.{}", EPOCH + 30));
    brick.full(0, 45);
    brick.append(0, b"/another\0");
    brick.empty(0, 75);
    assert_eq!(drain(&mut brick.open(0)), "15 30 45 45-75:index-torn 75e");
    assert_eq!(drain(&mut brick.open(46)), "46-75:index-torn 75e");
}

#[test]
fn files_deleted_in_a_row_are_one_gap() {
    let brick = Brick::new();
    for at in [15, 30, 45, 60] {
        brick.full(0, at);
    }
    for at in [15, 30, 45] {
        std::fs::remove_file(brick.path().join(format!("CHANGELOG.{}", EPOCH + at))).unwrap();
    }
    assert_eq!(drain(&mut brick.open(0)), "0-45:file-missing 60");
    std::fs::remove_file(brick.path().join(format!("CHANGELOG.{}", EPOCH + 60))).unwrap();
    assert_eq!(drain(&mut brick.open(0)), "0-60:file-missing");
}

#[test]
fn records_of_another_brick_are_looked_for_here() {
    let brick = Brick::new();
    for (at, file) in [(15, "2023/11/14/"), (30, ""), (45, "2023/11/14/")] {
        brick.file(&format!("{file}CHANGELOG.{}", EPOCH + at));
    }
    brick.append(0, format!("/old/2023/11/14/CHANGELOG.{}\0", EPOCH + 15).as_bytes());
    brick.append(0, format!("/old/2023/11/14/CHANGELOG.{}\0", EPOCH + 30).as_bytes());
    brick.append(0, format!("/old/CHANGELOG.{}\0", EPOCH + 45).as_bytes());
    assert_eq!(drain(&mut brick.open(0)), "15 30 45");
}

#[test]
fn a_clock_that_stepped_back_loses_nothing() {
    let brick = Brick::new();
    for at in [100, 115, 130, 60, 75, 90, 105, 120] {
        brick.full(0, at);
    }
    assert_eq!(drain(&mut brick.open(118)), "130 60 75 90 105 120");
}
