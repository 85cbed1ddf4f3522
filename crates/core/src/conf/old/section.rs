//! Names of sections, and the order in which they apply (spec: glusterd-interface 4.2).

use crate::conf::ini::Document;
use crate::url::quote_plus;

/// The section that remembers when others were made.
pub const ORDER: &str = "__section_order__";

/// To which sessions a section's entries apply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Section {
    /// `peers`: to the one of exactly these addresses (or, since 3.8, of these volumes).
    Literal(Vec<String>),
    /// `peersrx`: to those of as many addresses, in each of which the expression of its place is found.
    Regex(Vec<String>),
}

impl Section {
    /// `peersrx . .`: where entries go that are set without addresses.
    #[must_use]
    pub fn everywhere() -> Section {
        Section::Regex(vec![".".to_owned(), ".".to_owned()])
    }

    /// The section whose expressions match what the shell patterns match.
    #[must_use]
    pub fn of_globs(globs: &[String]) -> Section {
        Section::Regex(globs.iter().map(|glob| glob_expression(glob)).collect())
    }

    /// Reads a name; None for the sections of other kinds.
    #[must_use]
    pub fn parse(name: &str) -> Option<Section> {
        let mut words = name.split_whitespace();
        let kind = words.next()?;
        let parts: Vec<String> = words.map(unquote_plus).collect();
        match kind {
            "peers" if !parts.is_empty() => Some(Section::Literal(parts)),
            "peersrx" if !parts.is_empty() => Some(Section::Regex(parts)),
            _ => None,
        }
    }

    /// The name in the file.
    #[must_use]
    pub fn name(&self) -> String {
        let (kind, parts) = match self {
            Section::Literal(parts) => ("peers", parts),
            Section::Regex(parts) => ("peersrx", parts),
        };
        let words = parts.iter().map(|part| quote_plus(part));
        std::iter::once(kind.to_owned()).chain(words).collect::<Vec<_>>().join(" ")
    }
}

/// Every section with its name, in the order in which they apply: those that [`ORDER`] knows by their number, then
/// the others as they stand. It knows none whose name has capitals, because keys are read in lower case: so the ones
/// with encoded expressions come last, as the stock program has them.
#[must_use]
pub fn in_order(document: &Document) -> Vec<(String, Section)> {
    let mut found: Vec<(u64, String, Section)> = Vec::new();
    for name in document.sections() {
        if found.iter().any(|(_, other, _)| other == name) {
            continue;
        }
        if let Some(section) = Section::parse(name) {
            found.push((number(document, name), name.to_owned(), section));
        }
    }
    found.sort_by_key(|(number, _, _)| *number);
    found.into_iter().map(|(_, name, section)| (name, section)).collect()
}

fn number(document: &Document, name: &str) -> u64 {
    let said = document.entries(ORDER).filter(|(key, _)| *key == name).last();
    said.and_then(|(_, value)| value.parse().ok()).unwrap_or(u64::MAX)
}

/// The number of the next section: that of entries there, plus one for the reader's own after the first.
#[must_use]
pub fn next_number(document: &Document) -> u64 {
    let is_new = !document.sections().any(|name| name == ORDER);
    let entries = document.entries(ORDER).count();
    if is_new { 0 } else { u64::try_from(entries).unwrap_or(u64::MAX).saturating_add(1) }
}

/// The reverse of [`quote_plus`]; what is no escape stays as it is.
fn unquote_plus(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        let escaped = tail.first_chunk::<2>().filter(|_| first == b'%').and_then(|pair| hex(*pair));
        match escaped {
            Some(byte) => {
                bytes.push(byte);
                rest = tail.get(2..).unwrap_or_default();
            }
            None => {
                bytes.push(if first == b'+' { b' ' } else { first });
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn hex(pair: [u8; 2]) -> Option<u8> {
    let digits =
        std::str::from_utf8(&pair).ok().filter(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()))?;
    u8::from_str_radix(digits, 16).ok()
}

/// A shell pattern as the stock program writes it: the whole text, dots match everything.
fn glob_expression(glob: &str) -> String {
    let mut text = String::from("\\A");
    let mut rest = glob.chars();
    while let Some(letter) = rest.next() {
        match letter {
            '*' => text.push_str(".*"),
            '?' => text.push('.'),
            '[' => match set(rest.as_str()) {
                Some((set, tail)) => {
                    text.push_str(&set);
                    rest = tail.chars();
                }
                None => text.push_str("\\["),
            },
            other if other.is_ascii_alphanumeric() => text.push(other),
            other => text.extend(['\\', other]),
        }
    }
    text + "\\Z(?ms)"
}

/// A set of a shell pattern, after its `[`: as an expression, and what follows. A `]` at its begin is one of it.
fn set(text: &str) -> Option<(String, &str)> {
    let (negation, body) = text.strip_prefix('!').map_or(("", text), |body| ("^", body));
    let skipped = usize::from(body.starts_with(']'));
    let end = body.get(skipped..)?.find(']')? + skipped;
    let (inside, tail) = (body.get(..end)?, body.get(end + 1..)?);
    let inside = inside.replace('\\', "\\\\").replace('[', "\\[");
    let inside = if negation.is_empty() && inside.starts_with('^') { format!("\\{inside}") } else { inside };
    Some((format!("[{negation}{inside}]"), tail))
}

#[cfg(test)]
mod tests {
    use super::{Section, in_order, next_number, quote_plus, unquote_plus};
    use crate::conf::Document;
    use proptest::prelude::{any, proptest};

    #[test]
    fn names_are_encoded_and_decoded() {
        for (section, name) in [
            (Section::everywhere(), "peersrx . ."),
            (Section::Regex(vec![".".into(), "^ssh:".into()]), "peersrx . %5Essh%3A"),
            (
                Section::Literal(vec!["gluster://127.0.0.1:m v~".into()]),
                "peers gluster%3A%2F%2F127.0.0.1%3Am+v%7E",
            ),
        ] {
            assert_eq!(section.name(), name);
            assert_eq!(Section::parse(name), Some(section));
        }
        for name in ["peers", "__meta__", "vars", "", "peersrxx ."] {
            assert_eq!(Section::parse(name), None, "{name}");
        }
        assert_eq!(unquote_plus("%zz%4%41%"), "%zz%4A%");
    }

    /// Columns: glob, expression (spec: glusterd-interface 4.2).
    #[test]
    fn globs_become_expressions() {
        for (glob, expression) in [
            (":mv*", "\\A\\:mv.*\\Z(?ms)"),
            ("a?[b-d]", "\\Aa.[b-d]\\Z(?ms)"),
            ("[!x]y[", "\\A[^x]y\\[\\Z(?ms)"),
            ("[]]_", "\\A[]]\\_\\Z(?ms)"),
        ] {
            assert_eq!(Section::of_globs(&[glob.to_owned()]), Section::Regex(vec![expression.to_owned()]));
        }
    }

    /// The example of the specification (4.1): the encoded one is last, though it was made second.
    #[test]
    fn sections_apply_in_the_order_they_were_made() {
        let file = "[peersrx .]\n[peersrx . %5Essh%3A]\n[peersrx . .]\n[__section_order__]\npeersrx . . = 0\n\
                    peersrx . %5essh%3a = 2\npeersrx . = 3\n";
        let document = Document::parse_old(file.as_bytes());
        let names: Vec<String> = in_order(&document).into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["peersrx . .", "peersrx .", "peersrx . %5Essh%3A"]);
        assert_eq!(next_number(&document), 4);
        assert_eq!(next_number(&Document::default()), 0);
    }

    proptest! {
        #[test]
        fn quoting_is_undone(text in any::<String>()) {
            assert_eq!(unquote_plus(&quote_plus(&text)), text);
        }
    }
}
