//! What the program runs with, from settings of the old generation.

use crate::conf::options::{canonical_name, canonical_value, is_other_kind, is_truth, truth};
use crate::conf::settings::{Facts, Settings};
use crate::conf::table::Table;
use crate::vocabulary;
use std::collections::BTreeMap;

/// Settings from what [`super::flatten`] gave.
#[must_use]
pub fn settings(table: &Table, map: &BTreeMap<String, String>, facts: &Facts) -> Settings {
    let values = map.iter().flat_map(|(key, value)| modern(key, value));
    let is_whole = |(name, value): &(String, String)| {
        // Nobody knows what is left in it: a built-in path is better than one with `${` in it.
        !value.contains("${") || table.find(name).is_none_or(|option| !option.template)
    };
    Settings::of_values(table, values.filter(is_whole), facts)
}

/// What a serving end runs with, from the settings of its one address: there an option of the primary's name is meant
/// for this side.
#[must_use]
pub fn serving_settings(table: &Table, map: &BTreeMap<String, String>, facts: &Facts) -> Settings {
    const HERE: [(&str, &str); 6] = [
        ("gluster_command_dir", "secondary-gluster-command-dir"),
        ("gluster_params", "secondary-gluster-params"),
        ("log_file", "secondary-log-file"),
        ("gluster_log_file", "secondary-gluster-log-file"),
        ("log_level", "secondary-log-level"),
        ("gluster_log_level", "secondary-gluster-log-level"),
    ];
    let values = HERE.iter().filter_map(|(old, name)| {
        let value = map.get(*old).filter(|value| !value.contains("${"))?;
        let value = if name.ends_with("level") { level(value) } else { value.clone() };
        Some(((*name).to_owned(), value))
    });
    Settings::of_values(table, values, facts)
}

/// An old setting in the words of the table.
fn modern(key: &str, value: &str) -> Vec<(String, String)> {
    let name = canonical_name(key);
    let value = canonical_value(key, value);
    match name.as_str() {
        "ssh-command" => {
            let (program, options) = split(&value);
            vec![(name, program.to_owned()), ("ssh-options".to_owned(), options.to_owned())]
        }
        "ssh-command-tar" => vec![("ssh-options-tar".to_owned(), split(&value).1.to_owned())],
        // A flag there, a list of nodes later.
        "isolated-secondarys" => Vec::new(),
        _ if name.ends_with("log-level") => vec![(name, level(&value))],
        _ if is_truth(&name) => vec![(name, (truth(&value) == Some(true)).to_string())],
        _ => vec![(name, value)],
    }
}

/// The command line of ssh: program, and the rest.
fn split(command: &str) -> (&str, &str) {
    let command = command.trim();
    command.split_once(char::is_whitespace).map_or((command, ""), |(program, rest)| (program, rest.trim()))
}

/// A level of Python's or of glusterd's list, in any case.
fn level(value: &str) -> String {
    match value.to_ascii_uppercase().as_str() {
        "CRITICAL" | "FATAL" => "ERROR".to_owned(),
        "WARN" => "WARNING".to_owned(),
        level => level.to_owned(),
    }
}

/// An option's name in the old generation's file (with `_`), and the value as it is said there.
#[must_use]
pub fn old_entry(name: &str, value: &str) -> (String, String) {
    let canonical = canonical_name(name);
    match canonical.as_str() {
        "sync-method" => ("use_tarssh".to_owned(), old_truth(name, value)),
        "secondary-timeout" => ("timeout".to_owned(), value.to_owned()),
        "isolated-secondarys" => ("isolated_slave".to_owned(), value.to_owned()),
        _ => (vocabulary::old(&canonical).replace('-', "_"), value.to_owned()),
    }
}

fn old_truth(name: &str, value: &str) -> String {
    if is_other_kind(name) { value.to_owned() } else { (value == "tarssh").to_string() }
}

#[cfg(test)]
mod tests {
    use super::{old_entry, serving_settings, settings};
    use crate::conf::{Facts, Generation, Table};
    use std::collections::BTreeMap;

    #[test]
    fn a_daemon_runs_from_old_settings() {
        let table = include_str!("../../../testdata/config-old-settings.txt");
        for line in table.lines().filter(|line| !line.starts_with('#') && !line.is_empty()) {
            let [old, value, name, want] = line.split('|').map(str::trim).collect::<Vec<_>>()[..] else {
                panic!("{line}");
            };
            let map = BTreeMap::from([(old.to_owned(), value.to_owned())]);
            let settings = settings(&Table::of(Generation::Seed), &map, &Facts::default());
            assert_eq!(settings.text(name), want, "{line}");
        }
    }

    #[test]
    fn a_serving_end_has_its_own_names() {
        let map =
            [("gluster_command_dir", "/opt/sbin/"), ("log_file", "/l/1:n.x.s.log"), ("log_level", "debug")];
        let map = map.map(|(key, value)| (key.to_owned(), value.to_owned())).into();
        let facts =
            Facts { overrides: vec![("secondary-log-level", "ERROR".to_owned())], ..Facts::default() };
        let settings = serving_settings(&Table::of(Generation::Seed), &map, &facts);
        assert_eq!(settings.text("secondary-gluster-command-dir"), "/opt/sbin/");
        assert_eq!(settings.text("secondary-log-file"), "/l/1:n.x.s.log");
        assert_eq!(settings.text("secondary-log-level"), "ERROR");
        let map = BTreeMap::from([("log_file".to_owned(), "/l/${session_owner}.log".to_owned())]);
        let settings = serving_settings(&Table::of(Generation::Seed), &map, &Facts::default());
        assert!(settings.text("secondary-log-file").contains("/geo-replication-slaves/"));
    }

    #[test]
    fn names_are_said_as_the_old_generation_has_them() {
        for (name, value, want) in [
            ("sync-jobs", "5", ("sync_jobs", "5")),
            ("secondary-timeout", "9", ("timeout", "9")),
            ("timeout", "9", ("timeout", "9")),
            ("use-tarssh", "Yes", ("use_tarssh", "Yes")),
            ("sync-method", "tarssh", ("use_tarssh", "true")),
            ("secondary-id", "x", ("slave_id", "x")),
            ("isolated_slave", "true", ("isolated_slave", "true")),
        ] {
            assert_eq!(old_entry(name, value), (want.0.to_owned(), want.1.to_owned()), "{name}");
        }
    }
}
