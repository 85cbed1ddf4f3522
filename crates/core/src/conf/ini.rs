//! The session's file: an INI document that is changed line by line, so that comments, order and content of
//! other programs survive (spec: glusterd-interface 4.7). Bytes in, bytes out.

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
        let mut document = Document::default();
        for raw in bytes.split_inclusive(|&b| b == b'\n') {
            document.push(raw);
        }
        document
    }

    fn push(&mut self, raw: &[u8]) {
        let text = String::from_utf8_lossy(raw);
        let continues = text.starts_with([' ', '\t']) && !text.trim().is_empty();
        if let (true, Some(Line::Entry(_, value, before))) = (continues, self.lines.last_mut()) {
            value.push('\n');
            value.push_str(text.trim());
            before.extend_from_slice(raw);
            return;
        }
        self.lines.push(understand(&text, raw));
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

    /// Sets a key: in its place when it is there, else after the section's last entry, else in a new section.
    /// Further entries for which `same` holds are removed. The value must not hold a line break.
    pub fn set(&mut self, section: &str, key: &str, value: &str, same: impl Fn(&str) -> bool) {
        let line = Line::Entry(key.to_owned(), value.to_owned(), format!("{key} = {value}\n").into_bytes());
        let first = self.positions(section, &same).first().copied();
        let at = match first {
            Some(at) => at,
            None => self.end_of(section),
        };
        self.remove(section, same);
        self.end_last_line(at);
        self.lines.insert(at.min(self.lines.len()), line);
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

fn understand(text: &str, raw: &[u8]) -> Line {
    let trimmed = text.trim();
    let heading = text.strip_prefix('[').and_then(|rest| rest.split_once(']'));
    if let Some((name, _)) = heading {
        return Line::Section(name.to_owned(), raw.to_vec());
    }
    if trimmed.is_empty() || text.starts_with(['#', ';']) {
        return Line::Other(raw.to_vec());
    }
    match trimmed.split_once(['=', ':']) {
        Some((key, value)) if !key.trim().is_empty() => {
            let key = key.trim().to_lowercase();
            Line::Entry(key, value.trim().to_owned(), raw.to_vec())
        }
        _ => Line::Other(raw.to_vec()),
    }
}

#[cfg(test)]
mod tests {
    use super::{Document, VARS};
    use proptest::collection::vec;
    use proptest::prelude::{any, proptest};

    const FILE: &str = "# mine\n[vars]\nsync-jobs = 5\n; note\nlog-level: DEBUG\n\n[other]\nx=1\n y\n";

    fn set(document: &mut Document, key: &str, value: &str) {
        document.set(VARS, key, value, |found| found == key);
    }

    #[test]
    fn entries_are_read_and_the_rest_is_kept() {
        let document = Document::parse(FILE.as_bytes());
        let vars: Vec<_> = document.entries(VARS).collect();
        assert_eq!(vars, [("sync-jobs", "5"), ("log-level", "DEBUG")]);
        assert_eq!(document.entries("other").collect::<Vec<_>>(), [("x", "1\ny")]);
        assert_eq!(document.render(), FILE.as_bytes());
    }

    #[test]
    fn changes_touch_their_own_line_only() {
        let mut document = Document::parse(FILE.as_bytes());
        set(&mut document, "sync-jobs", "7");
        set(&mut document, "checkpoint", "9");
        assert!(document.remove(VARS, |key| key == "log-level"));
        assert!(!document.remove(VARS, |key| key == "log-level"));
        let text = String::from_utf8(document.render()).unwrap();
        assert_eq!(text, "# mine\n[vars]\nsync-jobs = 7\n; note\ncheckpoint = 9\n\n[other]\nx=1\n y\n");
    }

    #[test]
    fn a_section_is_made_when_there_is_none() {
        for (before, after) in [
            ("", "[vars]\na = 1\n"),
            ("[o]\nb=2", "[o]\nb=2\n[vars]\na = 1\n"),
            ("[vars]", "[vars]\na = 1\n"),
            ("[vars]\nb=2", "[vars]\nb=2\na = 1\n"),
        ] {
            let mut document = Document::parse(before.as_bytes());
            set(&mut document, "a", "1");
            assert_eq!(String::from_utf8(document.render()).unwrap(), after);
        }
    }

    proptest! {
        #[test]
        fn any_bytes_come_back_unchanged(bytes in vec(any::<u8>(), 0..200)) {
            assert_eq!(Document::parse(&bytes).render(), bytes);
        }

        #[test]
        fn what_is_set_is_read(text in "[a-z\\[\\]=\n #]{0,60}", key in "[a-z]{1,8}", value in "[!-~]{0,9}") {
            let mut document = Document::parse(text.as_bytes());
            set(&mut document, &key, &value);
            let again = Document::parse(&document.render());
            assert_eq!(again.entries(VARS).filter(|(k, _)| *k == key).collect::<Vec<_>>(), [(&*key, &*value)]);
        }
    }
}
