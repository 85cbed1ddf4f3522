//! Every row of the specification's tables has its golden.
#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "a test: helpers outside of test functions may fail too"
)]
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// How many rows each section has: those of its tables, of its numbered lists, and of what it says besides.
const SECTIONS: [(&str, usize); 30] = [
    ("3.1", 95),
    ("3.2", 6),
    ("3.3", 14),
    ("3.4", 6),
    ("3.5", 2),
    ("3.6", 19),
    ("3.7", 15),
    ("4.1", 3),
    ("4.2", 8),
    ("4.3", 8),
    ("4.4", 2),
    ("4.5", 1),
    ("4.6", 9),
    ("4.7", 2),
    ("4.8", 76),
    ("4.9", 2),
    ("4.10", 6),
    ("4.11", 7),
    ("5.1", 4),
    ("5.2", 1),
    ("5.3", 11),
    ("5.4", 5),
    ("8.1", 2),
    ("8.2", 15),
    ("8.3", 11),
    ("8.4", 3),
    ("8.5", 1),
    ("9.1", 10),
    ("9.2", 6),
    ("9.3", 2),
];

fn crates() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// section, row, file, what stands there
fn ticks() -> Vec<[&'static str; 4]> {
    let lines = include_str!("../testdata/spec-rows.tsv").lines().filter(|line| !line.starts_with('#'));
    lines.map(|line| line.split('\t').collect::<Vec<_>>().try_into().expect(line)).collect()
}

/// Not as the beginning of a longer name: `--log-file` is not `--log-file-mbr`.
fn stands_in(text: &str, tag: &str) -> bool {
    let goes_on = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    text.match_indices(tag).any(|(at, _)| {
        let rest = text.get(at + tag.len()..).unwrap_or_default();
        !(tag.ends_with(goes_on) && rest.starts_with(goes_on))
    })
}

#[test]
fn every_golden_is_where_it_is_said_to_be() {
    let mut texts: BTreeMap<&str, String> = BTreeMap::new();
    let mut missing = Vec::new();
    for [section, row, file, tag] in ticks() {
        let text = texts.entry(file).or_insert_with(|| {
            fs::read_to_string(crates().join(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
        });
        // in sources the tag is a name, and in the data a part of a line
        if !stands_in(text, &tag.replace('→', "\t")) {
            missing.push(format!("{section} {row}: no '{tag}' in {file}"));
        }
    }
    assert!(missing.is_empty(), "{}", missing.join("\n"));
}

#[test]
fn every_row_is_ticked() {
    let mut rows: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for [section, row, ..] in ticks() {
        rows.entry(section).or_default().insert(row);
    }
    let counts: BTreeMap<&str, usize> = rows.iter().map(|(section, rows)| (*section, rows.len())).collect();
    assert_eq!(counts, BTreeMap::from(SECTIONS));
    let first_columns = |table: &'static str, separator: char, column: usize| {
        let lines = table.lines().filter(|line| !line.starts_with('#'));
        lines.map(move |line| line.split(separator).nth(column).unwrap_or_default().trim())
    };
    let options = include_str!("../testdata/seed-options.tsv");
    for name in first_columns(options, '\t', 1).filter(|name| !name.starts_with("inet")) {
        assert!(rows["3.1"].contains(format!("--{name}").as_str()), "3.1 {name}");
    }
    for key in first_columns(include_str!("../testdata/config-table.txt"), '|', 0) {
        assert!(rows["4.8"].contains(key), "4.8 {key}");
    }
}
