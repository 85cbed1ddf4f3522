//! What `status-get` prints of a brick: the file's content, made true by what the monitor says and whether it
//! lives (spec: glusterd-interface 8.3, 8.4).

use super::{BrickStatus, Checkpoint, NOT_APPLICABLE, monitor, worker};
use crate::conf::Generation;
use jiff::Timestamp;
use jiff::tz::TimeZone;

/// glusterd's buffers are 255 bytes, and old ones copy without looking.
const LONGEST_VALUE_BYTES: usize = 254;

/// All that a display depends on.
#[derive(Debug, Clone)]
pub struct Situation<'a> {
    /// The brick's status file.
    pub brick: &'a BrickStatus,
    /// Text of the monitor's status file.
    pub monitor: &'a str,
    /// Whether the pid file's lock is held.
    pub is_running: bool,
    /// The configured checkpoint in epoch seconds; 0 is none.
    pub checkpoint: u64,
    /// Zone of the times without `_utc`.
    pub zone: &'a TimeZone,
    /// Whose keys are printed, in whose order.
    pub generation: Generation,
}

/// A key and its value.
pub type Row = (&'static str, String);

/// Keys and values in the order of print. Every value is one line of less than 255 bytes. The node has both its names,
/// as any glusterd knows one of them and passes the other by.
#[must_use]
pub fn rows(situation: &Situation<'_>) -> Vec<Row> {
    let mut rows = all_rows(situation);
    if situation.generation == Generation::Seed {
        rows.retain(|(key, _)| *key != "last_synced_entry");
        if let [first, second, ..] = rows.as_mut_slice() {
            std::mem::swap(first, second);
        }
    }
    rows
}

fn all_rows(situation: &Situation<'_>) -> Vec<Row> {
    let brick = situation.brick;
    let status = worker_status(situation);
    let is_active = status == worker::ACTIVE;
    let active = |value: String| if is_active { value } else { NOT_APPLICABLE.to_owned() };
    let local = |seconds| active(time(seconds, situation.zone));
    let utc = |seconds| active(time(seconds, &TimeZone::UTC));
    let is_connected = is_active || status == worker::PASSIVE;
    let node = if is_connected { one_line(&brick.secondary_node) } else { NOT_APPLICABLE.to_owned() };
    let (completed, checkpoint) = checkpoint(brick, situation.checkpoint);
    let mut rows = vec![
        ("secondary_node", node.clone()),
        ("slave_node", node),
        ("worker_status", one_line(&status)),
        ("last_synced", local(brick.last_synced)),
        ("last_synced_entry", brick.last_synced_entry.to_string()),
        ("crawl_status", active(one_line(&brick.crawl_status))),
        ("entry", active(brick.entry.to_string())),
        ("data", active(brick.data.to_string())),
        ("meta", active(brick.meta.to_string())),
        ("failures", active(brick.failures.to_string())),
        ("checkpoint_completed", active(completed.to_owned())),
        ("checkpoint_time", local(checkpoint.time)),
        ("checkpoint_completion_time", local(checkpoint.completion_time)),
        ("last_synced_utc", utc(brick.last_synced)),
    ];
    if !is_active {
        // a slip of the stock program that scripts may have met
        rows.push(("checkpoint_completed_time", NOT_APPLICABLE.to_owned()));
    }
    rows.extend([
        ("checkpoint_time_utc", utc(checkpoint.time)),
        ("checkpoint_completion_time_utc", utc(checkpoint.completion_time)),
        ("last_error", last_error(brick)),
        ("last_error_time", time(brick.last_error_time, situation.zone)),
        ("lag_seconds", active(brick.lag_seconds.to_string())),
        ("backlog", active(brick.backlog.to_string())),
        ("quarantined", active(brick.quarantined.to_string())),
    ]);
    rows
}

/// What the worker's status is in truth: a monitor that died wrote nothing.
fn worker_status(situation: &Situation<'_>) -> String {
    let said = situation.monitor.trim();
    let is_up = said == monitor::STARTED || said == monitor::PAUSED;
    let said = if said.is_empty() || (is_up && !situation.is_running) { monitor::STOPPED } else { said };
    if [monitor::CREATED, monitor::PAUSED, monitor::STOPPED].contains(&said) {
        return said.to_owned();
    }
    situation.brick.worker_status.clone()
}

/// The checkpoint as the configuration has it now, which the worker may not have seen yet.
fn checkpoint(brick: &BrickStatus, wanted: u64) -> (&'static str, Checkpoint) {
    if wanted == 0 {
        return (NOT_APPLICABLE, Checkpoint::default());
    }
    let stored = brick.checkpoint;
    if wanted == stored.time {
        return (stored.completed_text(), stored);
    }
    let completed = brick.last_synced >= wanted;
    let completion_time = if completed { brick.last_synced } else { 0 };
    let checkpoint = Checkpoint { time: wanted, completed, completion_time };
    (checkpoint.completed_text(), checkpoint)
}

fn last_error(brick: &BrickStatus) -> String {
    if brick.last_error.is_empty() { NOT_APPLICABLE.to_owned() } else { one_line(&brick.last_error) }
}

/// A time of the log: UTC.
#[must_use]
pub fn stamp(epoch_seconds: u64) -> String {
    time(epoch_seconds, &TimeZone::UTC)
}

/// `2026-11-22 14:10:21`, or `N/A` for 0 and for what no calendar holds.
fn time(seconds: u64, zone: &TimeZone) -> String {
    let stamp = i64::try_from(seconds).ok().filter(|&s| s > 0).and_then(|s| Timestamp::from_second(s).ok());
    match stamp {
        Some(stamp) => stamp.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M:%S").to_string(),
        None => NOT_APPLICABLE.to_owned(),
    }
}

/// A stray line break would cost glusterd all rows of the session.
fn one_line(text: &str) -> String {
    let mut line = String::new();
    for c in text.chars().map(|c| if c.is_control() { ' ' } else { c }) {
        if line.len() + c.len_utf8() > LONGEST_VALUE_BYTES {
            break;
        }
        line.push(c);
    }
    if line.trim().is_empty() { NOT_APPLICABLE.to_owned() } else { line }
}

#[cfg(test)]
mod tests {
    use super::{Situation, rows};
    use crate::conf::Generation;
    use crate::status::BrickStatus;
    use jiff::tz::{Offset, TimeZone};

    /// Blocks: a line of the situation, then the rows.
    #[test]
    fn every_situation_of_the_specification() {
        let golden = include_str!("../../testdata/status-rows.txt");
        for block in golden.split("\n\n").filter(|block| !block.trim().is_empty()) {
            let mut lines = block.trim_start().lines().filter(|line| !line.starts_with('#'));
            let Some(head) = lines.next() else { continue };
            let expected: Vec<&str> = lines.collect();
            assert_eq!(shown(head), expected, "{head}");
        }
    }

    /// `generation|MONITOR|running or not|checkpoint|JSON of the brick`.
    fn shown(head: &str) -> Vec<String> {
        let (generation, head) = head.split_once('|').unwrap();
        let parts: Vec<&str> = head.splitn(4, '|').collect();
        let brick = BrickStatus::parse(parts[3].as_bytes());
        let situation = Situation {
            brick: &brick,
            monitor: parts[0],
            is_running: parts[1] == "running",
            checkpoint: parts[2].parse().unwrap(),
            zone: &TimeZone::fixed(Offset::constant(2)),
            generation: if generation == "seed" { Generation::Seed } else { Generation::Secondary },
        };
        rows(&situation).into_iter().map(|(key, value)| format!("{key}: {value}")).collect()
    }

    #[test]
    fn foreign_text_stays_one_short_line() {
        let brick = BrickStatus { last_error: format!("a\nb{}", "é".repeat(300)), ..BrickStatus::default() };
        let situation = Situation {
            brick: &brick,
            monitor: "",
            is_running: false,
            checkpoint: 0,
            zone: &TimeZone::UTC,
            generation: Generation::Secondary,
        };
        for (key, value) in rows(&situation) {
            assert!(!value.is_empty() && value.len() < 255 && !value.contains('\n'), "{key}");
        }
    }
}
