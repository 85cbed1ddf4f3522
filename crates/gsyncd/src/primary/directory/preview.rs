//! What a run would do: a scan into a copy of the map.

use super::ending::explain;
use super::examine::Examiner;
use super::ground::Ground;
use super::map::{Changes, Dirty, Map, Stage};
use super::scan::Scan;
use super::{Directory, excludes::Excludes};
use crate::exit::Failure;
use gsyncd_core::id::{Entry, Gfid};
use std::io::Write;
use std::sync::Arc;

/// The copy's file.
const COPY_FILE: &str = "preview.redb";
/// How much is read from the map at once.
const STEP: usize = 4096;

/// Writes a line for everything that would be said.
///
/// # Errors
/// When the tree or the state cannot be read, or nobody reads the lines.
pub fn preview(directory: &Directory) -> Result<(), Failure> {
    let original = directory.plan.state.join(super::MAP_FILE);
    let copy = directory.plan.state.join(COPY_FILE);
    let failed = |error: std::io::Error| Failure::new(format!("{}: {error}", copy.display()));
    directory.map.commit().map_err(|error| Failure::new(error.to_string()))?;
    std::fs::copy(&original, &copy).map_err(failed)?;
    let outcome = look(directory, &copy);
    std::fs::remove_file(&copy).map_err(failed)?;
    outcome
}

fn look(directory: &Directory, copy: &std::path::Path) -> Result<(), Failure> {
    let map = Arc::new(Map::open(copy).map_err(|error| Failure::new(error.to_string()))?);
    let excludes = Excludes::new(&directory.plan.excludes)?;
    let ground = Ground::open(&directory.plan.source, Arc::clone(&map), excludes)?;
    let mut examiner = Examiner::new(&ground);
    let mut scan = Scan::new(&ground, None, &directory.progress);
    scan.everything(&mut examiner).map_err(|error| explain(&error))?;
    examiner.bury().map_err(|error| explain(&error))?;
    let mut out = std::io::stdout().lock();
    let is_first = directory.session.stage != Stage::Complete;
    if is_first {
        line(&mut out, "the target is not known yet: what it has already would be compared, not sent")?;
    }
    let mut from = 0;
    loop {
        let marked = map.dirty(from, STEP).map_err(|error| Failure::new(error.to_string()))?;
        let Some((last, _)) = marked.last() else { break };
        from = last + 1;
        for (_, dirty) in &marked {
            if let Some(said) = describe(&ground, dirty, directory.plan.ignore_deletes)? {
                line(&mut out, &said)?;
            }
        }
    }
    for skipped in &scan.skipped {
        line(&mut out, &format!("skip {}: {}", skipped.path.escape_ascii(), skipped.error))?;
    }
    Ok(())
}

fn line(out: &mut impl Write, text: &str) -> Result<(), Failure> {
    writeln!(out, "{text}").map_err(|error| Failure::new(format!("stdout: {error}")))
}

/// None when nothing would be done.
fn describe(ground: &Ground, dirty: &Dirty, ignore_deletes: bool) -> Result<Option<String>, Failure> {
    let failed = |error: super::map::MapError| Failure::new(error.to_string());
    let map = ground.map();
    match dirty {
        Dirty::Object(gfid, changes) => {
            let names = map.names(*gfid).map_err(failed)?;
            let Some(at) = names.first() else { return Ok(None) };
            let what = if changes.include(Changes::NAMES.and(Changes::DATA)) {
                "create"
            } else if changes.include(Changes::NAMES) {
                "name"
            } else if changes.include(Changes::DATA) {
                "send"
            } else if changes.include(Changes::DOUBT) {
                "compare"
            } else {
                "attributes"
            };
            Ok(Some(format!("{what} {}", shown(ground, at))))
        }
        Dirty::Name(at, former) => {
            let is_gone = map.entry(at).map_err(failed)?.is_none();
            let has_died = map.names(*former).map_err(failed)?.is_empty();
            if !is_gone || (ignore_deletes && has_died) {
                return Ok(None);
            }
            let what = if has_died { "remove" } else { "move away" };
            Ok(Some(format!("{what} {}", shown(ground, at))))
        }
    }
}

fn shown(ground: &Ground, at: &Entry) -> String {
    let parent = if at.parent == Gfid::ROOT { Vec::new() } else { ground.path(at.parent) };
    super::ground::join(parent, at.name.as_bytes()).escape_ascii().to_string()
}
