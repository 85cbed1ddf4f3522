//! The recorded queries: what the reference library answered, and what is right.

use super::{Brick, EPOCH, drain, show_reason};
use crate::primary::source::journal::{Journal, Opened};
use serde_json::Value;
use std::path::PathBuf;
use std::{collections::BTreeMap, fs};

fn read(name: &str) -> String {
    fs::read_to_string(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(name)).unwrap()
}

fn cases() -> BTreeMap<String, Value> {
    serde_json::from_str(&read("../core/testdata/changelog/history/cases.json")).unwrap()
}

fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value[key].as_array().map_or(&[], Vec::as_slice)
}

fn build(case: &Value) -> Brick {
    let brick = Brick::new();
    for index in list(case, "htime") {
        let directory = brick.path().to_str().unwrap();
        let records =
            list(index, "records").iter().map(|r| r.as_str().unwrap().replace("{DIR}", directory) + "\0");
        let content: String = records.chain([index["tail"].as_str().unwrap().to_owned()]).collect();
        fs::write(brick.path().join("htime").join(index["file"].as_str().unwrap()), content).unwrap();
    }
    list(case, "files").iter().for_each(|file| brick.file(file["path"].as_str().unwrap()));
    brick
}

fn answer(brick: &Brick, start: u32) -> String {
    match Journal::open(brick.path(), start).unwrap() {
        Opened::Reading(mut journal) => format!("events {}", drain(&mut journal)).trim_end().to_owned(),
        Opened::NotAvailable(reason) => show_reason(reason),
    }
}

#[test]
fn every_layout_and_start_gives_the_sensible_answer() {
    let cases = cases();
    let expected = read("testdata/history/expected.tsv");
    let mut seen = 0;
    for line in expected.lines().filter(|line| !line.starts_with('#')) {
        let mut columns = line.split('\t');
        let (name, start, wanted) =
            (columns.next().unwrap(), columns.next().unwrap(), columns.next().unwrap());
        let start = u32::try_from(i64::from(EPOCH) + start.parse::<i64>().unwrap()).unwrap();
        assert_eq!(answer(&build(&cases[name]), start), wanted, "{name} from {start}");
        seen += 1;
    }
    let starts = |case: &Value| {
        list(case, "queries")
            .iter()
            .map(|q| q["start"].as_u64())
            .collect::<std::collections::BTreeSet<_>>()
            .len()
    };
    assert_eq!(seen, cases.values().map(starts).sum::<usize>());
}

/// Where the library gave an answer that is not one of its known defects, ours is the same up to the end it was asked for.
#[test]
fn the_library_is_agreed_with_where_it_is_right() {
    let mut compared = 0;
    for (name, case) in cases() {
        if name.starts_with("missing-file") || name.starts_with("parse-fail") || name == "header-only-real" {
            continue;
        }
        let brick = build(&case);
        for query in list(&case, "queries").iter().filter(|q| q["rc"].as_i64().is_some_and(|rc| rc >= 0)) {
            let start = u32::try_from(query["start"].as_u64().unwrap()).unwrap();
            let end = query["actual_end"].as_u64().unwrap() - u64::from(EPOCH);
            let answer = answer(&brick, start);
            let stamps =
                answer.split(' ').filter_map(|event| event.parse::<u64>().ok()).filter(|&at| at <= end);
            let names: Vec<String> =
                stamps.map(|at| format!("CHANGELOG.{}", at + u64::from(EPOCH))).collect();
            assert_eq!(names, list(query, "handed_out"), "{name}: {query}");
            compared += 1;
        }
    }
    assert!(compared > 35, "{compared}");
}

#[test]
fn without_an_index_nothing_is_available() {
    let empty = tempfile::tempdir().unwrap();
    assert!(matches!(
        Journal::open(empty.path(), EPOCH).unwrap(),
        Opened::NotAvailable(super::Reason::NoIndex)
    ));
    assert_eq!(super::super::newest_stamp(empty.path()).unwrap(), None);
}

#[test]
fn a_first_sync_counts_from_the_newest_record_and_can_open_one_second_before() {
    let brick = Brick::new();
    brick.append(0, b"");
    let newest = super::super::newest_stamp(brick.path()).unwrap().unwrap();
    assert_eq!(newest, EPOCH + 1);
    assert_eq!(brick.open(0).newest_stamp(), None);
    brick.empty(0, 0);
    assert_eq!(super::super::newest_stamp(brick.path()).unwrap(), Some(EPOCH + 1));
    assert_eq!(drain(&mut brick.open(0)), "0e");
    brick.full(0, 15);
    brick.empty(0, 30);
    assert_eq!(super::super::newest_stamp(brick.path()).unwrap(), Some(EPOCH + 30));
    assert_eq!(drain(&mut brick.open(29)), "30e");
}
