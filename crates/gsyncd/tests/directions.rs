//! The house keeps its directions: which room may use which (ARCHITECTURE.md, "Rooms").

use std::fs;
use std::path::{Path, PathBuf};

/// Each room and the rooms it may use; what is in no room (`exit`, `program`, `liveness`) is everybody's.
const ROOMS: [(&str, &[&str]); 9] = [
    ("mode", &["supervise", "primary", "secondary", "transfer", "link", "tree", "store", "obs"]),
    ("supervise", &["link", "tree", "store", "obs"]),
    ("primary", &["transfer", "link", "tree", "store", "obs"]),
    ("secondary", &["transfer", "link", "tree", "store", "obs"]),
    ("transfer", &["link", "tree", "obs"]),
    ("link", &["obs"]),
    ("tree", &["obs"]),
    ("store", &["obs"]),
    ("obs", &[]),
];

fn source() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

fn files(dir: &Path, found: &mut Vec<PathBuf>) -> std::io::Result<()> {
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        if path.is_dir() {
            files(&path, found)?;
        } else if path.extension().is_some_and(|kind| kind == "rs") {
            found.push(path);
        }
    }
    Ok(())
}

/// The rooms that a file names after `crate::`.
fn used(text: &str) -> Vec<&str> {
    let after = text.split("crate::").skip(1);
    after
        .filter_map(|rest| ROOMS.iter().map(|(room, _)| *room).find(|room| starts_with_word(rest, room)))
        .collect()
}

fn starts_with_word(text: &str, word: &str) -> bool {
    text.strip_prefix(word).is_some_and(|rest| !rest.starts_with(|c: char| c.is_alphanumeric() || c == '_'))
}

#[test]
fn rooms_use_only_what_they_may() {
    for (room, allowed) in ROOMS {
        let mut found = Vec::new();
        files(&source().join(room), &mut found).unwrap();
        assert!(!found.is_empty(), "no room {room}");
        for path in found {
            let text = fs::read_to_string(&path).unwrap();
            for other in used(&text) {
                let fits = other == room || allowed.contains(&other);
                assert!(fits, "{} uses {other}, which {room} may not", path.display());
            }
        }
    }
}

#[test]
fn only_the_commit_moves_an_stime() {
    let mut found = Vec::new();
    files(&source(), &mut found).unwrap();
    let allowed = ["primary/commit.rs", "mode/delete.rs"];
    for path in found {
        let text = fs::read_to_string(&path).unwrap();
        let names_key = text.contains("names::stime(") || text.contains("names::entry_stime(");
        let fits = !names_key || allowed.iter().any(|file| path.ends_with(file));
        assert!(fits, "{} names the stime", path.display());
    }
}
