//! The options of this machine: the built-in table, in the words and places of a generation, and what the
//! template that an administrator or a distributor installed says differently (spec: glusterd-interface 4.7).

use super::generation::Generation;
use super::ini::Document;
use super::options::{Access, Kind, OPTIONS, OptionSpec, Validation, canonical_name, canonical_value};
use std::collections::BTreeMap;

/// An option as it is here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Canonical name.
    pub name: String,
    /// The value where the session's file has none; None: the option has no value then.
    pub default: Option<String>,
    /// What a value is.
    pub kind: Kind,
    /// What more is demanded.
    pub check: Check,
    /// Who may set it.
    pub access: Access,
    /// Whether `${name}` in the value is substituted.
    pub template: bool,
    /// One line for people.
    pub help: String,
}

/// [`Validation`], with what the template may bring.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Check {
    /// Nothing.
    None,
    /// A whole number.
    Int,
    /// `true` or `false`, exactly.
    Bool,
    /// See [`Validation::UnixTime`].
    UnixTime,
    /// See [`Validation::Range`].
    Range(i64, i64),
    /// See [`Validation::Choice`].
    Choice(Vec<String>),
    /// See [`Validation::Executable`].
    Executable,
}

impl Check {
    fn of(validation: Validation) -> Check {
        match validation {
            Validation::None => Check::None,
            Validation::Bool => Check::Bool,
            Validation::UnixTime => Check::UnixTime,
            Validation::Range(low, high) => Check::Range(low, high),
            Validation::Choice(words) => Check::Choice(words.iter().map(|&word| word.to_owned()).collect()),
            Validation::Executable => Check::Executable,
        }
    }
}

impl Entry {
    fn of(option: &OptionSpec, generation: Generation) -> Entry {
        Entry {
            name: option.name.to_owned(),
            default: option.default.map(|value| generation.located(value)),
            kind: option.kind,
            check: Check::of(option.validation),
            access: option.access,
            template: option.template,
            help: option.help.to_owned(),
        }
    }

    fn unknown(name: &str) -> Entry {
        Entry {
            name: name.to_owned(),
            default: None,
            kind: Kind::Text,
            check: Check::None,
            access: Access::Open,
            template: false,
            help: String::new(),
        }
    }
}

/// All options of this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    generation: Generation,
    entries: BTreeMap<String, Entry>,
    problems: Vec<String>,
}

impl Table {
    /// The built-in table as a generation has it.
    #[must_use]
    pub fn of(generation: Generation) -> Table {
        let entries =
            OPTIONS.iter().map(|option| (option.name.to_owned(), Entry::of(option, generation))).collect();
        Table { generation, entries, problems: Vec::new() }
    }

    /// With what an installed template says. What cannot be used in it is left out and told in
    /// [`Table::problems`]: a damaged template costs nothing but itself.
    #[must_use]
    pub fn with_template(generation: Generation, template: &Document) -> Table {
        let mut table = Table::of(generation);
        for section in template.sections().filter(|name| !name.starts_with("__")) {
            table.take(section, &template.entries(section).collect());
        }
        table
    }

    fn take(&mut self, section: &str, keys: &BTreeMap<&str, &str>) {
        let name = canonical_name(section);
        let is_same = !super::options::is_other_kind(section);
        let mut entry = self.entries.get(&name).cloned().unwrap_or_else(|| Entry::unknown(&name));
        if is_same {
            self.problems.extend(describe(&mut entry, section, keys));
        }
        let value = keys.get("value").map(|value| canonical_value(section, value));
        match value {
            Some(value) if is_of_kind(entry.kind, &value) => entry.default = Some(value),
            Some(value) => {
                self.problems.push(format!("{section}: '{}' is not valid, ignored", value.escape_debug()))
            }
            None => {}
        }
        self.entries.insert(name, entry);
    }

    /// Whose words and places these are.
    #[must_use]
    pub fn generation(&self) -> Generation {
        self.generation
    }

    /// The option of that name, in any spelling.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<&Entry> {
        self.entries.get(&canonical_name(name))
    }

    /// All options, sorted by name.
    pub fn iter(&self) -> impl Iterator<Item = &Entry> {
        self.entries.values()
    }

    /// What in the template was ignored, for the log.
    #[must_use]
    pub fn problems(&self) -> &[String] {
        &self.problems
    }
}

/// Whether a value is what its option demands.
#[must_use]
pub fn is_of_kind(kind: Kind, value: &str) -> bool {
    match kind {
        Kind::Text => true,
        Kind::Path => value.starts_with('/') || value.starts_with("${"),
        Kind::Int => value.trim().parse::<i64>().is_ok(),
        Kind::Bool => value.eq_ignore_ascii_case("true") || value.eq_ignore_ascii_case("false"),
    }
}

/// Everything but the value; what is not understood leaves the entry as it was, and is returned.
fn describe(entry: &mut Entry, section: &str, keys: &BTreeMap<&str, &str>) -> Vec<String> {
    let mut problems = Vec::new();
    let mut ignored = |key: &str, value: &str| {
        problems.push(format!("{section}: {key} '{}' is not known, ignored", value.escape_debug()));
    };
    match keys.get("type").copied() {
        Some("int") => entry.kind = Kind::Int,
        Some("bool") => entry.kind = Kind::Bool,
        Some("float" | "str" | "string" | "") | None => {}
        Some(other) => ignored("type", other),
    }
    if let Some(&word) = keys.get("validation") {
        match check(word, keys) {
            Some(check) => entry.check = check,
            None => ignored("validation", word),
        }
    }
    if keys.get("configurable").is_some_and(|value| is_false(value)) && entry.access == Access::Open {
        entry.access = Access::Informational;
    }
    if let Some(value) = keys.get("template") {
        entry.template = !is_false(value);
    }
    if let Some(&help) = keys.get("help").filter(|help| !help.is_empty()) {
        help.clone_into(&mut entry.help);
    }
    problems
}

fn is_false(value: &str) -> bool {
    value.eq_ignore_ascii_case("false")
}

fn check(word: &str, keys: &BTreeMap<&str, &str>) -> Option<Check> {
    let bound = |key: &str| keys.get(key).and_then(|value| value.parse().ok());
    Some(match word {
        "" => Check::None,
        "int" => Check::Int,
        "bool" => Check::Bool,
        "unixtime" => Check::UnixTime,
        "minmax" => Check::Range(bound("min").unwrap_or(i64::MIN), bound("max").unwrap_or(i64::MAX)),
        "choice" => {
            let words = keys.get("allowed_values")?;
            Check::Choice(words.split(',').map(|word| word.trim().to_owned()).collect())
        }
        "execpath" => Check::Executable,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::{Check, Table};
    use crate::conf::options::{Access, Kind};
    use crate::conf::{Document, Generation};

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
}
