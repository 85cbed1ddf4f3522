//! `status`, `--status-get`: what a brick's worker is doing, for glusterd and for people.
//! Only reads: a query must work while a stopped worker holds locks, and leaves no file behind.

use super::{print, session};
use crate::exit::{Failure, Outcome, USAGE};
use crate::store::{pidfile, status_file};
use gsyncd_core::cli::StatusArgs;
use gsyncd_core::conf::Settings;
use gsyncd_core::status::display::{Situation, rows};
use jiff::tz::TimeZone;
use serde_json::{Map, Value};
use std::path::Path;

/// Prints the status of each brick asked for.
///
/// # Errors
/// No brick is named, or the config file cannot be read.
pub fn run(args: &StatusArgs) -> Outcome {
    if args.local_paths.is_empty() {
        return Err(Failure { message: "status: --local-path is needed".to_owned(), code: USAGE });
    }
    let settings = session::load(&args.session, &args.common, "status")?.settings;
    for brick in &args.local_paths {
        let rows = brick_rows(&settings, brick);
        print(&if args.json { object(rows) } else { lines(&rows) })?;
    }
    Ok(())
}

fn brick_rows(settings: &Settings, brick: &Path) -> Vec<(&'static str, String)> {
    let state_file = settings.path("state-file");
    rows(&Situation {
        brick: &status_file::read_brick(&status_file::brick_path(&state_file, brick)),
        monitor: &status_file::read_monitor(&state_file),
        is_running: pidfile::is_running(&settings.path("pid-file")),
        checkpoint: u64::try_from(settings.int("checkpoint")).unwrap_or_default(),
        zone: &TimeZone::system(),
    })
}

fn lines(rows: &[(&'static str, String)]) -> String {
    rows.iter().map(|(key, value)| format!("{key}: {value}")).collect::<Vec<_>>().join("\n")
}

/// One object; all values are text, as the stock program has it.
fn object(rows: Vec<(&'static str, String)>) -> String {
    let map: Map<String, Value> =
        rows.into_iter().map(|(key, value)| (key.to_owned(), Value::String(value))).collect();
    Value::Object(map).to_string()
}
