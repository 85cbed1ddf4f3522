use super::{Check, Entry, Table};
use crate::conf::options::{Access, Kind};
use crate::conf::{Document, Generation};

/// An entry as a row of the golden, without its key.
fn row(entry: &Entry) -> [String; 5] {
    let kind = match entry.kind {
        Kind::Text | Kind::Path => "",
        Kind::Int => "int",
        Kind::Bool => "bool",
    };
    let check = match &entry.check {
        Check::None => String::new(),
        Check::Int => "int".to_owned(),
        Check::Bool => "bool".to_owned(),
        Check::UnixTime => "unixtime".to_owned(),
        Check::Range(low, high) => format!("minmax {low}..{high}"),
        Check::Choice(words) => format!("choice {}", words.join(",")),
        Check::Executable => "execpath".to_owned(),
    };
    [
        entry.default.clone().unwrap_or("-".to_owned()),
        kind.to_owned(),
        check,
        if entry.access == Access::Open { "" } else { "nc" }.to_owned(),
        if entry.template { "yes" } else { "" }.to_owned(),
    ]
}

#[test]
fn the_built_in_table_is_that_of_the_specification() {
    let goldens = include_str!("../../../testdata/config-table.txt");
    let (now, before) = (Table::of(Generation::Secondary), Table::of(Generation::Slave));
    let mut keys = Vec::new();
    for line in goldens.lines().filter(|line| !line.starts_with('#')) {
        let columns: Vec<&str> = line.split('|').map(str::trim).collect();
        let entry = now.find(columns[0]).unwrap_or_else(|| panic!("{line}"));
        assert_eq!(row(entry), columns[1..6], "{line}");
        assert_eq!(now.generation().spoken(&entry.name), columns[0]);
        let old = columns[0].replace("primary", "master").replace("secondary", "slave");
        let old = if columns[6].is_empty() { old } else { columns[6].to_owned() };
        assert_eq!(before.generation().spoken(&entry.name), old);
        assert_eq!(before.find(&old).map(|entry| &entry.name), Some(&entry.name), "{line}");
        let located = row(entry)[0].replace("geo-replication-secondaries", "geo-replication-slaves");
        assert_eq!(before.find(&old).map(row).unwrap()[0], located);
        keys.push(entry.name.clone());
    }
    let ours = now.iter().filter(|entry| !keys.contains(&entry.name)).map(|entry| entry.name.as_str());
    assert_eq!(ours.collect::<Vec<_>>(), ["primary-reads"]);
}

fn table(text: &str) -> Table {
    Table::with_template(Generation::Slave, &Document::parse(text.as_bytes()))
}

#[test]
fn a_template_changes_defaults_and_brings_options() {
    let table = table(
        "[__meta__]\nversion = 4.0\n[slave-timeout]\nvalue=60\n[sync-jobs]\nvalue=4\nmax=8\nmin=2\nvalidation=minmax\n\
         [new-thing]\nvalue = a\nvalidation = choice\nallowed_values = a, b\nconfigurable = false\nhelp = what it is\n",
    );
    assert!(table.problems().is_empty(), "{:?}", table.problems());
    assert_eq!(table.find("secondary-timeout").unwrap().default.as_deref(), Some("60"));
    assert_eq!(table.find("sync_jobs").unwrap().check, Check::Range(2, 8));
    let new = table.find("new_thing").unwrap();
    assert_eq!(new.check, Check::Choice(vec!["a".into(), "b".into()]));
    assert_eq!((new.access, new.help.as_str()), (Access::Informational, "what it is"));
    assert!(table.find("meta").is_none() && table.find("__meta__").is_none());
}

#[test]
fn what_is_damaged_in_a_template_changes_nothing() {
    let table = table(
        "garbage\n[sync-jobs]\nvalue=many\ntype=complex\n[log-level]\nvalidation=astrology\n[pid-file]\nconfigurable=true\n",
    );
    assert_eq!(table.find("sync-jobs"), Table::of(Generation::Slave).find("sync-jobs"));
    assert_eq!(table.find("log-level"), Table::of(Generation::Slave).find("log-level"));
    assert_eq!(table.find("pid-file").unwrap().access, Access::Fixed);
    assert_eq!(table.problems().len(), 3, "{:?}", table.problems());
}

/// Releases up to 6 had a truth where later ones have a choice.
#[test]
fn the_old_truth_becomes_a_choice() {
    let table = table("[use-tarssh]\nvalue=true\ntype=bool\n");
    let method = table.find("sync-method").unwrap();
    assert_eq!((method.kind, method.default.as_deref()), (Kind::Text, Some("tarssh")));
    assert!(matches!(method.check, Check::Choice(_)));
}
