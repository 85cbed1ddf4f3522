//! Lines of the log as GlusterFS writes them (spec: glusterd-interface 9.1):
//! `[2026-11-22 14:10:21.128268] I [module(label):29:function] CONTEXT: message [{key=value}, {key=value}]`.

use crate::status::display::Layout;
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
    pub fn text(&self, layout: Layout) -> String {
        let Line { level, module, line, function, message, .. } = self;
        let stamp = self.time.strftime("%Y-%m-%d %H:%M:%S");
        let microseconds = self.time.subsec_microsecond();
        let label = if self.label.is_empty() { String::new() } else { format!("({})", self.label) };
        let context = if self.context.is_empty() { "<top>" } else { self.context };
        let fields = self.suffix(layout);
        format!(
            "[{stamp}.{microseconds}] {level} [{module}{label}:{line}:{function}] {context}: {message}{fields}\n"
        )
    }

    /// The seed has no structured suffix; what is in it must not be lost.
    fn suffix(&self, layout: Layout) -> String {
        if self.fields.is_empty() {
            return String::new();
        }
        let join = |(open, close): (&str, &str), between: &str| {
            let fields = self.fields.iter().map(|(key, value)| format!("{open}{key}={value}{close}"));
            fields.collect::<Vec<_>>().join(between)
        };
        match layout {
            Layout::Seed => format!(" {}", join(("", ""), " ")),
            Layout::Modern => format!(" [{}]", join(("{", "}"), ", ")),
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
    pub fn label(&self, layout: Layout) -> String {
        match (self, layout) {
            (Role::Command(name), Layout::Modern) => (*name).to_owned(),
            (Role::Worker(brick), Layout::Modern) => format!("worker {}", brick.display()),
            (Role::Secondary(node, brick), Layout::Modern) => format!("secondary {node}{}", brick.display()),
            (Role::Command("monitor"), Layout::Seed) => "monitor".to_owned(),
            (Role::Command(name), Layout::Seed) if name.starts_with("config-") => "conf".to_owned(),
            (Role::Command(_), Layout::Seed) => String::new(),
            (Role::Worker(brick), Layout::Seed) => brick.display().to_string(),
            (Role::Secondary(..), Layout::Seed) => "slave".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Line, Role};
    use crate::status::display::Layout;
    use crate::testing::rows;
    use std::path::Path;

    fn layout(word: &str) -> Layout {
        if word == "seed" { Layout::Seed } else { Layout::Modern }
    }

    /// layout, time, level, module, label, line, function, context, message, `key=value;…`, the line
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
            assert_eq!(line.text(layout(&row[0])), format!("{}\n", row[10]));
        }
    }

    /// layout, role, its words, the label
    #[test]
    fn labels_of_all_roles() {
        for row in rows("log-labels.tsv") {
            let words: Vec<&str> = row[2].split(' ').collect();
            let role = match row[1].as_str() {
                "worker" => Role::Worker(Path::new(words[0])),
                "secondary" => Role::Secondary(words[0], Path::new(words[1])),
                _ => Role::Command(words[0]),
            };
            assert_eq!(role.label(layout(&row[0])), row[3], "{row:?}");
        }
    }
}
