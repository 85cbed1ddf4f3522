//! From the session's file of one generation to that of another (spec: glusterd-interface 4.11).

use super::generation::Generation;
use super::ini::{Document, VARS};
use super::old::section::{Section, in_order};
use super::old::upgrade::volume;
use super::options::{canonical_name, canonical_value, find, is_other_kind, is_truth, truth};
use crate::cli::Session;
use crate::status::checkpoint::wanted;

/// The new file of a session that was made under 3.7 to 3.13; None when there is nothing of the old format for it.
/// Sections of regular expressions hold what was built in, so they are dropped; `[vars]` that are there already win.
#[must_use]
pub fn from_old(bytes: &[u8], session: &Session, generation: Generation) -> Option<Document> {
    let old = Document::parse_old(bytes);
    let volumes = [session.primary.as_str(), session.secondary.volume.as_str()];
    let is_ours = |section: &Section| match section {
        Section::Literal(parts) => parts.iter().map(|part| volume(part)).eq(volumes),
        Section::Regex(_) => false,
    };
    let sections: Vec<String> =
        in_order(&old).into_iter().filter(|(_, section)| is_ours(section)).map(|(name, _)| name).collect();
    if sections.is_empty() {
        return None;
    }
    let mut new = Document::default();
    new.open_section(VARS);
    for (key, value) in sections.iter().flat_map(|name| old.entries(name)) {
        put(&mut new, generation, key, value);
    }
    for (key, value) in Document::parse(bytes).entries(VARS) {
        put(&mut new, generation, key, value);
    }
    Some(new)
}

fn put(document: &mut Document, generation: Generation, key: &str, value: &str) {
    let name = canonical_name(key);
    let value = canonical_value(key, value);
    let value = match truth(&value) {
        // Later releases know two words only, and take the others for false.
        Some(truth) if is_truth(&name) => truth.to_string(),
        _ => value,
    };
    document.set(VARS, &generation.spoken(&name), &value, |found| canonical_name(found) == name);
}

/// Says the names of `[vars]` in a generation's words, so that its own gsyncd would understand them; tells whether any
/// changed. Options that only some of its releases have stay as they are.
pub fn translate(document: &mut Document, generation: Generation) -> bool {
    let keys: Vec<(String, String)> =
        document.entries(VARS).map(|(key, value)| (key.to_owned(), value.to_owned())).collect();
    let mut changed = false;
    for (key, value) in keys {
        let spoken = generation.spoken(&canonical_name(&key));
        if is_other_kind(&key) || spoken == key || find(&key).is_none() {
            continue;
        }
        document.set(VARS, &spoken, &value, |found| canonical_name(found) == canonical_name(&key));
        changed = true;
    }
    changed
}

/// The checkpoint that a session's file of any format asks for, in epoch seconds; 0 is none.
#[must_use]
pub fn checkpoint(bytes: &[u8]) -> u64 {
    let last = |document: &Document, section: &str| {
        let found = document.entries(section).filter(|(key, _)| *key == "checkpoint").last();
        found.map(|(_, value)| value.to_owned())
    };
    let new = last(&Document::parse(bytes), VARS);
    let value = new.or_else(|| {
        let old = Document::parse_old(bytes);
        let sections = in_order(&old);
        // The literal one wins over the others wherever it stands.
        let (literal, regex): (Vec<_>, Vec<_>) =
            sections.into_iter().partition(|(_, section)| matches!(section, Section::Literal(_)));
        literal.iter().chain(regex.iter().rev()).find_map(|(name, _)| last(&old, name))
    });
    value.map_or(0, |value| wanted(&value))
}

#[cfg(test)]
mod tests {
    use super::{checkpoint, from_old, translate};
    use crate::cli::Session;
    use crate::conf::{Document, Generation};
    use crate::conf::{Facts, Settings, Table};
    use crate::url::Secondary;
    use proptest::collection::vec;
    use proptest::prelude::{any, proptest};

    fn session() -> Session {
        Session { primary: "mvol".to_owned(), secondary: Secondary::parse("geo@vm::svol").unwrap() }
    }

    /// Blocks: generation and title, the file before, `=>`, the file after (`-`: not upgraded).
    #[test]
    fn files_of_the_table() {
        let table = include_str!("../../testdata/config-upgrade.txt");
        let mut rows = 0;
        for row in table.split("\n=== ").skip(1) {
            let (title, rest) = row.split_once('\n').unwrap();
            let (before, want) = rest.split_once("=>\n").unwrap();
            let generation = Generation::ALL.into_iter().find(|g| title.starts_with(g.word())).unwrap();
            let new = from_old(before.as_bytes(), &session(), generation).or_else(|| {
                let mut document = Document::parse(before.as_bytes());
                translate(&mut document, generation).then_some(document)
            });
            let shown = new.map_or("-".to_owned(), |new| String::from_utf8(new.render()).unwrap());
            assert_eq!(shown.trim_end(), want.trim_end(), "{title}");
            rows += 1;
        }
        assert!(rows >= 10, "{rows}");
    }

    #[test]
    fn the_checkpoint_is_found_in_either_format() {
        for (file, want) in [
            ("", 0),
            ("[vars]\ncheckpoint = 1790000000\n", 1_790_000_000),
            ("[vars]\ncheckpoint = now\n", 0),
            ("[peersrx . .]\ncheckpoint = 5\n[peers mvol svol]\ncheckpoint = 7\n", 7),
            ("[peers mvol svol]\ncheckpoint = 7 ; seven\n[peersrx . .]\ncheckpoint = 5\n", 7),
            ("[peersrx . .]\ncheckpoint = 5\n", 5),
        ] {
            assert_eq!(checkpoint(file.as_bytes()), want, "{file}");
        }
    }
    proptest! {
        /// Bytes of a file, alone and in the places where files are looked into.
        #[test]
        fn any_file_is_taken(bytes in vec(any::<u8>(), 0..200), head in 0usize..5) {
            let heads = ["", "[vars]\n", "[peers mvol svol]\n", "[sync-jobs]\nvalue = ", "[__section_order__]\n"];
            let file = [heads[head].as_bytes(), &bytes].concat();
            for generation in Generation::ALL {
                let table = Table::with_template(generation, &Document::parse(&file));
                let mut document = from_old(&file, &session(), generation).unwrap_or(Document::parse(&file));
                translate(&mut document, generation);
                let settings = Settings::new(&table, &document, &Facts::of(&session()));
                let again = Document::parse(&document.render());
                assert_eq!(Settings::new(&table, &again, &Facts::of(&session())), settings);
                let _checkpoint = checkpoint(&file);
            }
        }
    }
}
