//! Lines of the log as GlusterFS writes them (spec: glusterd-interface 9.1):
//! `[2026-11-22 14:10:21.128268] I [module(label):29:function] CONTEXT: message [{key=value}, {key=value}]`.

use crate::conf::Generation;
use jiff::Timestamp;
use std::path::Path;

/// What a line is made of. No part may hold a line break.
#[derive(Debug, Clone)]
pub struct Line<'a> {
    /// When; shown in UTC.
    pub time: Timestamp,
    /// First letter of the level.
    pub level: char,
    /// Where in the program.
    pub module: &'a str,
    /// The process's role; see [`Role`].
    pub label: &'a str,
    /// Line in the module's file.
    pub line: u32,
    /// Function of the module.
    pub function: &'a str,
    /// Class of the caller; empty is none.
    pub context: &'a str,
    /// What happened.
    pub message: &'a str,
    /// Details, with their names.
    pub fields: &'a [(String, String)],
}

impl Line<'_> {
    /// The text, with its line end. The microseconds are not padded with zeros: readers of the stock program's logs
    /// know them so.
    #[must_use]
    pub fn text(&self, generation: Generation) -> String {
        let Line { level, module, line, function, message, .. } = self;
        let stamp = self.time.strftime("%Y-%m-%d %H:%M:%S");
        let microseconds = self.time.subsec_microsecond();
        let label = if self.label.is_empty() { String::new() } else { format!("({})", self.label) };
        let context = if self.context.is_empty() { "<top>" } else { self.context };
        let fields = self.suffix(generation);
        format!(
            "[{stamp}.{microseconds}] {level} [{module}{label}:{line}:{function}] {context}: {message}{fields}\n"
        )
    }

    /// The seed has no structured suffix; what is in it must not be lost.
    fn suffix(&self, generation: Generation) -> String {
        if self.fields.is_empty() {
            return String::new();
        }
        let join = |(open, close): (&str, &str), between: &str| {
            let fields = self.fields.iter().map(|(key, value)| format!("{open}{key}={value}{close}"));
            fields.collect::<Vec<_>>().join(between)
        };
        match generation {
            Generation::Seed => format!(" {}", join(("", ""), " ")),
            Generation::Slave | Generation::Secondary => format!(" [{}]", join(("{", "}"), ", ")),
        }
    }
}

/// What a process is, for the label of its lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role<'a> {
    /// A subcommand, by its name; the monitor too.
    Command(&'a str),
    /// The worker of a brick.
    Worker(&'a Path),
    /// The serving end, for a brick of a node.
    Secondary(&'a str, &'a Path),
}

impl Role<'_> {
    /// The label, empty where the seed has none.
    #[must_use]
    pub fn label(&self, generation: Generation) -> String {
        if generation == Generation::Seed {
            return match self {
                Role::Command("monitor") => "monitor".to_owned(),
                Role::Command(name) if name.starts_with("config-") => "conf".to_owned(),
                Role::Command(_) => String::new(),
                Role::Worker(brick) => brick.display().to_string(),
                Role::Secondary(..) => "slave".to_owned(),
            };
        }
        match self {
            Role::Command(name) => (*name).to_owned(),
            Role::Worker(brick) => format!("worker {}", brick.display()),
            Role::Secondary(node, brick) => {
                format!("{} {node}{}", generation.spoken("secondary"), brick.display())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Line, Role};
    use crate::conf::Generation;
    use crate::testing::rows;
    use std::path::Path;

    fn generation(word: &str) -> Generation {
        Generation::ALL.into_iter().find(|generation| generation.word() == word).unwrap()
    }

    /// generation, time, level, module, label, line, function, context, message, `key=value;…`, the line
    #[test]
    fn lines_of_both_generations() {
        for row in rows("log-lines.tsv") {
            let fields: Vec<(String, String)> = row[9]
                .split(';')
                .filter_map(|field| field.split_once('='))
                .map(|(key, value)| (key.to_owned(), value.to_owned()))
                .collect();
            let line = Line {
                time: row[1].parse().unwrap(),
                level: row[2].chars().next().unwrap(),
                module: &row[3],
                label: &row[4],
                line: row[5].parse().unwrap(),
                function: &row[6],
                context: &row[7],
                message: &row[8],
                fields: &fields,
            };
            assert_eq!(line.text(generation(&row[0])), format!("{}\n", row[10]));
        }
    }

    /// generation, role, its words, the label
    #[test]
    fn labels_of_all_roles() {
        for row in rows("log-labels.tsv") {
            let words: Vec<&str> = row[2].split(' ').collect();
            let role = match row[1].as_str() {
                "worker" => Role::Worker(Path::new(words[0])),
                "secondary" => Role::Secondary(words[0], Path::new(words[1])),
                _ => Role::Command(words[0]),
            };
            assert_eq!(role.label(generation(&row[0])), row[3], "{row:?}");
        }
    }
}
