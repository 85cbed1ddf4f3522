//! What the table, the session's file and the facts of this process make together (spec: glusterd-interface 4.7).

use super::generation::Generation;
use super::ini::{Document, VARS};
use super::options::{Kind, canonical_name, canonical_value};
use super::table::{Table, is_of_kind};
use super::template::substitute;
use crate::cli::Session;
use crate::vocabulary;
use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

/// What is known beside the files: the values of `${…}` in templates.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facts {
    /// Name of the primary volume.
    pub primary: String,
    /// Host of the secondary, without the user.
    pub secondary_host: String,
    /// User on the secondary; empty means root.
    pub secondary_user: String,
    /// Name of the secondary volume.
    pub secondary_volume: String,
    /// The brick this process works for.
    pub local_path: Option<PathBuf>,
    /// Host name of the primary's node, on the serving end.
    pub primary_node: Option<String>,
    /// The primary's brick, on the serving end.
    pub primary_brick: Option<PathBuf>,
    /// Defaults of this machine, in place of those of the table: (name, value).
    pub defaults: Vec<(&'static str, String)>,
    /// What else the command line told, for templates: (name with `_`, value).
    pub arguments: Vec<(&'static str, String)>,
    /// Given on the command line, stronger than the session's file: (name, value).
    pub overrides: Vec<(&'static str, String)>,
}

impl Facts {
    /// The facts that a session tells.
    #[must_use]
    pub fn of(session: &Session) -> Facts {
        Facts {
            primary: session.primary.clone(),
            secondary_host: session.secondary.host.clone(),
            secondary_user: session.secondary.user.clone().unwrap_or_default(),
            secondary_volume: session.secondary.volume.clone(),
            ..Facts::default()
        }
    }

    fn value(&self, name: &str) -> Option<String> {
        let user = if self.secondary_user.is_empty() { "root" } else { &self.secondary_user };
        match name {
            "primary" | "primaryvol" => Some(self.primary.clone()),
            "primary_secondary_host" | "remotehost" => Some(self.secondary_host.clone()),
            "secondaryuser" => Some(user.to_owned()),
            "secondaryvol" => Some(self.secondary_volume.clone()),
            "secondary" => Some(format!("{}::{}", self.secondary_host, self.secondary_volume)),
            "local_id" => self.local_path.as_deref().map(brick_id),
            // A peer says it, and it becomes part of a log file's name.
            "primary_node" => self.primary_node.as_ref().map(|node| node.replace('/', "-")),
            "primary_brick_id" => self.primary_brick.as_deref().map(brick_id),
            _ => self
                .arguments
                .iter()
                .find(|(known, _)| *known == name)
                .map(|(_, value)| value.replace('/', "-")),
        }
    }
}

/// `/bricks/b1` as a part of a file name: `bricks-b1`.
fn brick_id(path: &Path) -> String {
    let text = String::from_utf8_lossy(path.as_os_str().as_bytes()).replace('/', "-");
    text.trim_matches('-').to_owned()
}

/// The settings of one process. Every option of the table that has a default has a value of its kind.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Settings {
    values: BTreeMap<String, String>,
    in_file: BTreeSet<String>,
    problems: Vec<String>,
    generation: Generation,
}

impl Settings {
    /// Defaults, then the session's file, then the command line; then templates. A value in the file that is not
    /// of its option's kind is left out and told in [`Settings::problems`].
    #[must_use]
    pub fn new(table: &Table, document: &Document, facts: &Facts) -> Settings {
        let mut settings = Settings::defaults(table, facts);
        for (key, value) in document.entries(VARS) {
            settings.take(table, table.resolve(key), canonical_value(key, value));
        }
        settings.override_with(facts);
        settings.substitute(table, facts);
        settings.keep_paths_absolute(table, facts);
        settings
    }

    /// Defaults with their templates, then values that need no more substitution, then the command line.
    #[must_use]
    pub fn of_values(
        table: &Table,
        values: impl IntoIterator<Item = (String, String)>,
        facts: &Facts,
    ) -> Settings {
        let mut settings = Settings::defaults(table, facts);
        settings.substitute(table, facts);
        values.into_iter().for_each(|(name, value)| settings.take(table, name, value));
        settings.keep_paths_absolute(table, facts);
        settings.override_with(facts);
        settings
    }

    fn defaults(table: &Table, facts: &Facts) -> Settings {
        let mut settings = Settings { generation: table.generation(), ..Settings::default() };
        for option in table.iter() {
            if let Some(default) = &option.default {
                settings.values.insert(option.name.clone(), default.clone());
            }
        }
        for (name, value) in &facts.defaults {
            settings.values.insert((*name).to_owned(), value.clone());
        }
        settings
    }

    fn take(&mut self, table: &Table, name: String, value: String) {
        if table.find(&name).is_some_and(|option| !is_of_kind(option.kind, &value)) {
            self.problems.push(format!("{name}: '{}' is not valid, ignored", value.escape_debug()));
            return;
        }
        self.in_file.insert(name.clone());
        self.values.insert(name, value);
    }

    fn override_with(&mut self, facts: &Facts) {
        for (name, value) in &facts.overrides {
            self.values.insert((*name).to_owned(), value.clone());
        }
    }

    /// Facts win over settings of the same name. One pass: values that come in are not looked at again.
    fn substitute(&mut self, table: &Table, facts: &Facts) {
        let before = self.values.clone();
        let lookup = |name: &str| {
            facts.value(&vocabulary::modern(name)).or_else(|| before.get(&canonical_name(name)).cloned())
        };
        for option in table.iter().filter(|option| option.template) {
            if let Some(value) = self.values.get_mut(&option.name) {
                *value = substitute(value, lookup);
            }
        }
    }

    /// A path that is not absolute would be taken from wherever the process happens to be: the built-in one stands in
    /// for it.
    fn keep_paths_absolute(&mut self, table: &Table, facts: &Facts) {
        let is_wrong = |value: &String| !value.starts_with('/');
        let paths =
            table.iter().filter(|option| option.kind == Kind::Path).map(|option| option.name.as_str());
        let wrong: Vec<&str> = paths.filter(|name| self.values.get(*name).is_some_and(is_wrong)).collect();
        if wrong.is_empty() {
            return;
        }
        let mut sound = Settings::defaults(table, facts);
        sound.substitute(table, facts);
        for name in wrong {
            let value = sound.values.remove(name).filter(|value| !is_wrong(value));
            let was = match value {
                Some(value) => self.values.insert(name.to_owned(), value),
                None => self.values.remove(name),
            };
            let was = was.unwrap_or_default();
            self.problems.push(format!("{name}: '{}' is no absolute path, ignored", was.escape_debug()));
        }
    }

    /// Whose vocabulary and file format the session has.
    #[must_use]
    pub fn generation(&self) -> Generation {
        self.generation
    }

    /// The value; None when there is none. The name is one of the table or, for others, of the session's file.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(String::as_str)
    }

    /// The value, empty when there is none.
    #[must_use]
    pub fn text(&self, name: &str) -> &str {
        self.get(name).unwrap_or_default()
    }

    /// The value as a path.
    #[must_use]
    pub fn path(&self, name: &str) -> PathBuf {
        PathBuf::from(self.text(name))
    }

    /// The value as a number; 0 when it has none.
    #[must_use]
    pub fn int(&self, name: &str) -> i64 {
        self.text(name).trim().parse().unwrap_or_default()
    }

    /// The value as a truth.
    #[must_use]
    pub fn flag(&self, name: &str) -> bool {
        self.text(name).eq_ignore_ascii_case("true")
    }

    /// The value split at blanks, as options of another program.
    #[must_use]
    pub fn words(&self, name: &str) -> Vec<String> {
        self.text(name).split_whitespace().map(str::to_owned).collect()
    }

    /// Whether the session's file has the option.
    #[must_use]
    pub fn is_modified(&self, name: &str) -> bool {
        self.in_file.contains(name)
    }

    /// All names that have a value, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.values.keys().map(String::as_str)
    }

    /// What in the session's file was ignored, for the log.
    #[must_use]
    pub fn problems(&self) -> &[String] {
        &self.problems
    }
}

#[cfg(test)]
mod tests {
    use super::Generation;
    use super::{Facts, Settings};
    use crate::cli::Session;
    use crate::conf::{Document, Table};
    use crate::url::Secondary;
    use std::path::PathBuf;

    fn facts() -> Facts {
        let secondary = Secondary::parse("geo@lab::svol").unwrap();
        Facts::of(&Session { primary: "pvol".to_owned(), secondary })
    }

    fn settings(file: &[u8], facts: &Facts) -> Settings {
        Settings::new(&Table::of(Generation::Secondary), &Document::parse(file), facts)
    }

    /// Every value of a fresh session is what the stock program prints, and ours come on top.
    #[test]
    fn defaults_are_those_of_the_stock_program() {
        let settings = settings(b"", &facts());
        let table = include_str!("../../testdata/config-defaults.txt");
        let mut expected: Vec<String> = table.lines().map(str::to_owned).collect();
        expected.push("primary_reads:auto".to_owned());
        expected.sort();
        let printed: Vec<String> = settings
            .names()
            .map(|name| format!("{}:{}", name.replace('-', "_"), settings.text(name)))
            .collect();
        let mut printed = printed;
        printed.sort();
        assert_eq!(printed, expected);
    }

    #[test]
    fn the_file_wins_over_defaults_in_any_vocabulary() {
        let file = b"[vars]\nslave-timeout = 60\nuse-tarssh = true\nsync-jobs = many\nunknown_key = x\n";
        let settings = settings(file, &facts());
        assert_eq!(settings.int("secondary-timeout"), 60);
        assert_eq!(settings.text("sync-method"), "tarssh");
        assert_eq!(settings.int("sync-jobs"), 3);
        assert_eq!(settings.text("unknown_key"), "x");
        assert!(settings.is_modified("secondary-timeout") && !settings.is_modified("sync-jobs"));
        assert_eq!(settings.problems(), ["sync-jobs: 'many' is not valid, ignored"]);
    }

    #[test]
    fn templates_take_facts_and_moved_directories() {
        let facts = Facts {
            local_path: Some(PathBuf::from("/bricks/b1/")),
            defaults: vec![("glusterd-workdir", "/w".to_owned())],
            ..facts()
        };
        let settings = settings(b"[vars]\ngluster-logdir = /l\n", &facts);
        assert_eq!(settings.text("state-file"), "/w/geo-replication/pvol_lab_svol/monitor.status");
        assert_eq!(settings.text("gluster-log-file"), "/l/geo-replication/pvol_lab_svol/mnt-bricks-b1.log");
    }

    /// They would be taken from wherever the process happens to be.
    #[test]
    fn paths_that_are_not_absolute_are_those_of_the_table() {
        let file = b"[vars]\nlog-file = x\nglusterd-workdir = ..\nstate-file = ${primary}/s\nworking-dir =\npid-file = /p\n";
        let settings = settings(file, &facts());
        assert_eq!(settings.text("log-file"), "/var/log/glusterfs/geo-replication/pvol_lab_svol/gsyncd.log");
        let session = "/var/lib/glusterd/geo-replication/pvol_lab_svol/";
        assert_eq!(settings.text("georep-session-working-dir"), session);
        assert_eq!(settings.text("state-file"), format!("{session}monitor.status"));
        assert_eq!(settings.text("pid-file"), "/p");
        assert_eq!(settings.problems().len(), 4, "{:?}", settings.problems());
    }
}
