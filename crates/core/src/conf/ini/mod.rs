//! The session's file: an INI document that is changed line by line, so that comments, order and content of
//! other programs survive (spec: glusterd-interface 4.7). Bytes in, bytes out.

mod dialect;

use dialect::{Dialect, understand};

/// The section that holds the session's settings.
pub const VARS: &str = "vars";

#[derive(Debug, Clone, PartialEq, Eq)]
enum Line {
    /// `[name]`, with the raw line.
    Section(String, Vec<u8>),
    /// `key = value`, with the raw line (and its continuation lines).
    Entry(String, String, Vec<u8>),
    /// Comments, empty lines and what cannot be understood.
    Other(Vec<u8>),
}

impl Line {
    fn raw(&self) -> &[u8] {
        match self {
            Line::Section(_, raw) | Line::Entry(_, _, raw) | Line::Other(raw) => raw,
        }
    }
}

/// A parsed file. Nothing is refused: a line that means nothing is kept and ignored.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Document {
    lines: Vec<Line>,
}

impl Document {
    /// Parses; an empty file is an empty document.
    #[must_use]
    pub fn parse(bytes: &[u8]) -> Document {
        Document::parse_as(Dialect::New, bytes)
    }

    /// Parses as releases 3.7 to 3.13 do: comments behind values, `rem`, `""` for nothing, names with `_`
    /// (spec: glusterd-interface 4.1).
    #[must_use]
    pub fn parse_old(bytes: &[u8]) -> Document {
        Document::parse_as(Dialect::Old, bytes)
    }

    fn parse_as(dialect: Dialect, bytes: &[u8]) -> Document {
        let mut document = Document::default();
        for raw in bytes.split_inclusive(|&b| b == b'\n') {
            document.push(dialect, raw);
        }
        if dialect == Dialect::Old {
            document.name_with_underscores();
        }
        document
    }

    fn push(&mut self, dialect: Dialect, raw: &[u8]) {
        let text = String::from_utf8_lossy(raw);
        let continues = text.starts_with([' ', '\t']) && !text.trim().is_empty();
        let is_comment = dialect == Dialect::New && text.trim_start().starts_with(['#', ';']);
        if continues && !is_comment && self.continue_value(&text, raw) {
            return;
        }
        self.lines.push(understand(dialect, &text, raw));
    }

    /// Appends to the entry before, which comments and empty lines do not end.
    fn continue_value(&mut self, text: &str, raw: &[u8]) -> bool {
        let entry = self.lines.iter().rposition(|line| !matches!(line, Line::Other(_)));
        let Some(at) = entry.filter(|&at| matches!(self.lines.get(at), Some(Line::Entry(..)))) else {
            return false;
        };
        let between: Vec<u8> = self.lines.drain(at + 1..).flat_map(|line| line.raw().to_vec()).collect();
        if let Some(Line::Entry(_, value, before)) = self.lines.get_mut(at) {
            value.push('\n');
            value.push_str(text.trim());
            before.extend_from_slice(&between);
            before.extend_from_slice(raw);
        }
        true
    }

    fn name_with_underscores(&mut self) {
        let mut is_own = false;
        for line in &mut self.lines {
            match line {
                Line::Section(name, _) => is_own = name.starts_with("__"),
                Line::Entry(key, ..) if !is_own => *key = key.replace('-', "_"),
                _ => {}
            }
        }
    }

    /// The file's bytes: those that were read, but for what was changed.
    #[must_use]
    pub fn render(&self) -> Vec<u8> {
        self.lines.iter().flat_map(Line::raw).copied().collect()
    }

    /// Names of the sections, in order.
    pub fn sections(&self) -> impl Iterator<Item = &str> {
        self.lines.iter().filter_map(|line| match line {
            Line::Section(name, _) => Some(name.as_str()),
            _ => None,
        })
    }

    /// Keys and values of a section, in order, as written (keys in lower case).
    pub fn entries<'a>(&'a self, section: &'a str) -> impl Iterator<Item = (&'a str, &'a str)> {
        self.places(section).filter_map(|at| match self.lines.get(at) {
            Some(Line::Entry(key, value, _)) => Some((key.as_str(), value.as_str())),
            _ => None,
        })
    }

    /// Indices of the lines below a section's heading (all headings of that name).
    fn places<'a>(&'a self, section: &'a str) -> impl Iterator<Item = usize> + 'a {
        let mut inside = false;
        self.lines.iter().enumerate().filter_map(move |(at, line)| {
            if let Line::Section(name, _) = line {
                inside = name == section;
                return None;
            }
            inside.then_some(at)
        })
    }

    /// What follows `head` in the first line that begins with it.
    #[must_use]
    pub fn note(&self, head: &str) -> Option<String> {
        let line = self.lines.iter().find(|line| line.raw().starts_with(head.as_bytes()))?;
        let rest = line.raw().get(head.len()..)?;
        Some(String::from_utf8_lossy(rest).trim().to_owned())
    }

    /// Puts a comment of that head at the top, in place of any other of the same head.
    pub fn set_note(&mut self, head: &str, text: &str) {
        self.lines.retain(|line| !line.raw().starts_with(head.as_bytes()));
        self.lines.insert(0, Line::Other(format!("{head}{text}\n").into_bytes()));
    }

    /// Sets a key: in its place when it is there, else after the section's last entry, else in a new section.
    /// Further entries for which `same` holds are removed. Further lines of a value are indented, so that they are
    /// read as such.
    pub fn set(&mut self, section: &str, key: &str, value: &str, same: impl Fn(&str) -> bool) {
        let line = Line::Entry(key.to_owned(), value.to_owned(), entry(key, value));
        let first = self.positions(section, &same).first().copied();
        let at = match first {
            Some(at) => at,
            None => self.end_of(section),
        };
        self.remove(section, same);
        self.end_last_line(at);
        self.lines.insert(at.min(self.lines.len()), line);
    }

    /// Makes a section at the end, after an empty line, where there is none of that name.
    pub fn open_section(&mut self, section: &str) {
        if self.sections().any(|name| name == section) {
            return;
        }
        self.end_last_line(self.lines.len());
        if self.lines.last().is_some_and(|line| !line.raw().trim_ascii().is_empty()) {
            self.lines.push(Line::Other(b"\n".to_vec()));
        }
        self.lines.push(Line::Section(section.to_owned(), format!("[{section}]\n").into_bytes()));
    }

    /// Gives a section another name; where there is one of that name, its entries go there.
    pub fn rename_section(&mut self, from: &str, to: &str) {
        let entries: Vec<(String, String)> =
            self.entries(from).map(|(key, value)| (key.to_owned(), value.to_owned())).collect();
        if self.sections().any(|name| name == to) {
            self.remove(from, |_| true);
            self.lines.retain(|line| !matches!(line, Line::Section(name, _) if name == from));
            entries.iter().for_each(|(key, value)| self.set(to, key, value, |found| found == key));
            return;
        }
        for line in &mut self.lines {
            if matches!(line, Line::Section(name, _) if name == from) {
                *line = Line::Section(to.to_owned(), format!("[{to}]\n").into_bytes());
            }
        }
    }

    /// Removes a section with all that is in it; tells whether it was there.
    pub fn remove_section(&mut self, section: &str) -> bool {
        let before = self.lines.len();
        let mut inside = false;
        self.lines.retain(|line| {
            if let Line::Section(name, _) = line {
                inside = name == section;
            }
            !inside
        });
        let is_changed = self.lines.len() != before;
        // The empty line that stood before it goes too, where it would end the file.
        while is_changed && self.lines.last().is_some_and(|line| line.raw().trim_ascii().is_empty()) {
            self.lines.pop();
        }
        is_changed
    }

    /// Removes the section's entries for which `same` holds; tells whether there were any.
    pub fn remove(&mut self, section: &str, same: impl Fn(&str) -> bool) -> bool {
        let positions = self.positions(section, &same);
        for &at in positions.iter().rev() {
            self.lines.remove(at);
        }
        !positions.is_empty()
    }

    fn positions(&self, section: &str, same: &impl Fn(&str) -> bool) -> Vec<usize> {
        self.places(section)
            .filter(|&at| matches!(self.lines.get(at), Some(Line::Entry(key, _, _)) if same(key)))
            .collect()
    }

    /// Where a new entry of the section goes; makes the section when there is none.
    fn end_of(&mut self, section: &str) -> usize {
        let heading =
            self.lines.iter().rposition(|line| matches!(line, Line::Section(name, _) if name == section));
        let Some(heading) = heading else {
            self.end_last_line(self.lines.len());
            self.lines.push(Line::Section(section.to_owned(), format!("[{section}]\n").into_bytes()));
            return self.lines.len();
        };
        let last = self
            .places(section)
            .filter(|&at| at > heading && matches!(self.lines.get(at), Some(Line::Entry(..))))
            .last();
        last.unwrap_or(heading) + 1
    }

    /// The line before `at` may lack its line end when it was the file's last.
    fn end_last_line(&mut self, at: usize) {
        let before = at.checked_sub(1).and_then(|at| self.lines.get_mut(at));
        if let Some(Line::Section(_, raw) | Line::Entry(_, _, raw) | Line::Other(raw)) = before
            && raw.last() != Some(&b'\n')
        {
            raw.push(b'\n');
        }
    }
}

/// An entry as it is written.
fn entry(key: &str, value: &str) -> Vec<u8> {
    format!("{key} = {}\n", value.replace('\n', "\n\t")).into_bytes()
}

#[cfg(test)]
mod tests;
