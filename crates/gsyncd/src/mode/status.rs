//! `status`, `--status-get`: what a brick's worker is doing, for glusterd and for people.
//! Reads without locks: a query must work while a stopped worker holds them.

use super::machine::Machine;
use super::{print, session};
use crate::exit::Outcome;
use crate::store::{pidfile, status_file};
use gsyncd_core::cli::StatusArgs;
use gsyncd_core::conf::Settings;
use gsyncd_core::status::checkpoint::wanted;
use gsyncd_core::status::display::{Row, Situation, rows};
use jiff::tz::TimeZone;
use serde_json::{Map, Value};
use std::path::{Path, PathBuf};

/// A brick and its rows.
type Bricks = Vec<(PathBuf, Vec<Row>)>;

/// Prints the status of the bricks asked for: rows or one object for each. When none is named, it is that of all
/// bricks this node has a status of, each with its path (an array with `--json`).
///
/// # Errors
/// The config file cannot be read, or stdout is closed.
pub fn run(args: &StatusArgs) -> Outcome {
    let settings = session::load(&args.session, &args.common, "status")?.settings;
    let is_overview = args.local_paths.is_empty();
    let paths = if is_overview {
        status_file::bricks(&settings.path("state-file"))
    } else {
        args.local_paths.clone()
    };
    let bricks: Bricks = paths.into_iter().map(|path| (path.clone(), brick_rows(&settings, &path))).collect();
    match (is_overview, args.json) {
        (true, true) => print(&Value::Array(bricks.into_iter().map(with_path).collect()).to_string()),
        (false, true) => bricks.into_iter().try_for_each(|(_, rows)| print(&object(rows).to_string())),
        (_, false) => bricks.iter().try_for_each(|(path, rows)| print(&text(is_overview, path, rows))),
    }
}

fn brick_rows(settings: &Settings, brick: &Path) -> Vec<Row> {
    let state_file = settings.path("state-file");
    status_file::create_missing(&state_file, brick);
    rows(&Situation {
        brick: &status_file::read_brick(&status_file::brick_path(&state_file, brick)),
        monitor: &status_file::read_monitor(&state_file),
        is_running: pidfile::is_running(&settings.path("pid-file")),
        checkpoint: wanted(settings.text("checkpoint")),
        zone: &TimeZone::system(),
        generation: Machine::get().generation(),
    })
}

/// Lines of `key: value`; the path comes first where it is news.
fn text(is_overview: bool, path: &Path, rows: &[Row]) -> String {
    let head = is_overview.then(|| format!("brick: {}", path.display().to_string().escape_debug()));
    let lines = rows.iter().map(|(key, value)| format!("{key}: {value}"));
    head.into_iter().chain(lines).collect::<Vec<_>>().join("\n")
}

/// One object; all values are text, as the stock program has it.
fn object(rows: Vec<Row>) -> Value {
    let map: Map<String, Value> =
        rows.into_iter().map(|(key, value)| (key.to_owned(), Value::String(value))).collect();
    Value::Object(map)
}

fn with_path((path, rows): (PathBuf, Vec<Row>)) -> Value {
    let mut object = object(rows);
    if let Value::Object(map) = &mut object {
        map.insert("brick".to_owned(), Value::String(path.display().to_string()));
    }
    object
}
