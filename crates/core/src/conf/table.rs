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

    /// The name under which settings of that name are found, in any spelling; that of an unknown one is as it is.
    #[must_use]
    pub fn resolve(&self, name: &str) -> String {
        self.find(name).map_or_else(|| name.to_ascii_lowercase(), |option| option.name.clone())
    }

    /// A name that [`Table::resolve`] gave, in the words of the generation.
    #[must_use]
    pub fn spoken(&self, name: &str) -> String {
        if self.entries.contains_key(name) { self.generation.spoken(name) } else { name.to_owned() }
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
mod tests;
