//! What a line means, by the rules of the program that wrote it (spec: glusterd-interface 4.1, 4.7).

use super::Line;

/// Which program's rules a file is read by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    /// Python 2's, of releases 3.7 to 3.13.
    Old,
    /// Python 3's.
    New,
}

/// One line; continuation lines are judged before.
pub(super) fn understand(dialect: Dialect, text: &str, raw: &[u8]) -> Line {
    let trimmed = text.trim();
    let heading = text.strip_prefix('[').and_then(|rest| rest.split_once(']'));
    if let Some((name, _)) = heading {
        return Line::Section(name.to_owned(), raw.to_vec());
    }
    if trimmed.is_empty() || text.starts_with(['#', ';']) || (dialect == Dialect::Old && is_remark(text)) {
        return Line::Other(raw.to_vec());
    }
    match trimmed.split_once(['=', ':']) {
        Some((key, value)) if !key.trim().is_empty() => {
            let key = key.trim().to_lowercase();
            let value = if dialect == Dialect::Old { old_value(value) } else { value.trim() };
            Line::Entry(key, value.to_owned(), raw.to_vec())
        }
        _ => Line::Other(raw.to_vec()),
    }
}

/// `rem` at the begin of a line, in any case.
fn is_remark(text: &str) -> bool {
    text.split_whitespace().next().is_some_and(|word| word.eq_ignore_ascii_case("rem"))
        && !text.starts_with([' ', '\t'])
}

/// Without the comment that a `;` behind a blank begins (only the first `;` is looked at), and nothing for `""`.
fn old_value(value: &str) -> &str {
    let value = match value.split_once(';') {
        Some((before, _)) if before.ends_with(|c: char| c.is_ascii_whitespace()) => before,
        _ => value,
    };
    match value.trim() {
        "\"\"" => "",
        value => value,
    }
}
