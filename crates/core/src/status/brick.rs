//! One brick's status file: JSON that any release may have written, whole or in part
//! (spec: glusterd-interface 8.2).

use super::NOT_APPLICABLE;
use super::checkpoint::Checkpoint;
use serde_json::{Map, Value};

/// What a worker and the monitor say of one brick.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BrickStatus {
    /// Host of the secondary's node that the worker is connected to, or `N/A`.
    pub secondary_node: String,
    /// One of [`super::worker`], or `N/A`.
    pub worker_status: String,
    /// One of [`super::crawl`], or `N/A`.
    pub crawl_status: String,
    /// Seconds of the brick's stime; 0 is never.
    pub last_synced: u64,
    /// Seconds of the brick's entry stime; 0 is never.
    pub last_synced_entry: u64,
    /// Entry operations on the way.
    pub entry: u64,
    /// Files whose content is on the way.
    pub data: u64,
    /// Metadata operations on the way.
    pub meta: u64,
    /// Objects that could not be synced, since the session began.
    pub failures: u64,
    /// The checkpoint last seen.
    pub checkpoint: Checkpoint,
    /// Why the worker failed last; empty when it did not. Ours.
    pub last_error: String,
    /// When, in epoch seconds. Ours.
    pub last_error_time: u64,
    /// How far the secondary is behind. Ours.
    pub lag_seconds: u64,
    /// Changelogs not yet done. Ours.
    pub backlog: u64,
    /// Objects set aside and tried again later. Ours.
    pub quarantined: u64,
}

impl Default for BrickStatus {
    fn default() -> BrickStatus {
        BrickStatus {
            secondary_node: NOT_APPLICABLE.to_owned(),
            worker_status: NOT_APPLICABLE.to_owned(),
            crawl_status: NOT_APPLICABLE.to_owned(),
            last_synced: 0,
            last_synced_entry: 0,
            entry: 0,
            data: 0,
            meta: 0,
            failures: 0,
            checkpoint: Checkpoint::default(),
            last_error: String::new(),
            last_error_time: 0,
            lag_seconds: 0,
            backlog: 0,
            quarantined: 0,
        }
    }
}

impl BrickStatus {
    /// Reads a file's bytes; what is missing, damaged or of another type has its initial value. Never fails,
    /// because a status that cannot be read would hide the status of all other bricks from glusterd.
    #[must_use]
    pub fn parse(bytes: &[u8]) -> BrickStatus {
        let initial = BrickStatus::default();
        let Ok(Value::Object(map)) = serde_json::from_slice::<Value>(bytes) else { return initial };
        let text = |key: &str| map.get(key).and_then(Value::as_str).map(str::to_owned);
        let number = |key: &str| map.get(key).and_then(number).unwrap_or_default();
        let node = text("secondary_node").or_else(|| text("slave_node"));
        BrickStatus {
            secondary_node: node.unwrap_or(initial.secondary_node),
            worker_status: text("worker_status").unwrap_or(initial.worker_status),
            crawl_status: text("crawl_status").unwrap_or(initial.crawl_status),
            last_synced: number("last_synced"),
            last_synced_entry: number("last_synced_entry"),
            entry: number("entry"),
            data: number("data"),
            meta: number("meta"),
            failures: number("failures"),
            checkpoint: Checkpoint {
                time: number("checkpoint_time"),
                completed: text("checkpoint_completed").as_deref() == Some("Yes"),
                completion_time: number("checkpoint_completion_time"),
            },
            last_error: text("last_error").unwrap_or_default(),
            last_error_time: number("last_error_time"),
            lag_seconds: number("lag_seconds"),
            backlog: number("backlog"),
            quarantined: number("quarantined"),
        }
    }

    /// The file's bytes, one line. The node is under both names, so that every release reads it.
    #[must_use]
    pub fn render(&self) -> Vec<u8> {
        let mut map = Map::new();
        let mut put = |key: &str, value: Value| {
            map.insert(key.to_owned(), value);
        };
        put("secondary_node", self.secondary_node.as_str().into());
        put("slave_node", self.secondary_node.as_str().into());
        put("worker_status", self.worker_status.as_str().into());
        put("crawl_status", self.crawl_status.as_str().into());
        put("last_synced", self.last_synced.into());
        put("last_synced_entry", self.last_synced_entry.into());
        put("entry", self.entry.into());
        put("data", self.data.into());
        put("meta", self.meta.into());
        put("failures", self.failures.into());
        put("checkpoint_completed", self.checkpoint.completed_text().into());
        put("checkpoint_time", self.checkpoint.time.into());
        put("checkpoint_completion_time", self.checkpoint.completion_time.into());
        put("last_error", self.last_error.as_str().into());
        put("last_error_time", self.last_error_time.into());
        put("lag_seconds", self.lag_seconds.into());
        put("backlog", self.backlog.into());
        put("quarantined", self.quarantined.into());
        Value::Object(map).to_string().into_bytes()
    }

    /// What a worker's start sets back; failures, times and the checkpoint survive.
    pub fn begin_worker(&mut self) {
        let initial = BrickStatus::default();
        self.secondary_node = initial.secondary_node;
        self.crawl_status = initial.crawl_status;
        (self.entry, self.data, self.meta, self.backlog) = (0, 0, 0, 0);
    }
}

/// A count in any shape that was ever written: number, number with a fraction, decimal text. Never below 0.
fn number(value: &Value) -> Option<u64> {
    match value {
        Value::Number(number) => {
            number.as_u64().or_else(|| number.as_f64().map(|float| float.max(0.0) as u64))
        }
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::BrickStatus;
    use crate::status::Checkpoint;
    use crate::testing::rows;
    use proptest::collection::vec;
    use proptest::prelude::{any, proptest};

    #[test]
    fn damaged_files_have_initial_values() {
        for bytes in [&b""[..], b"{", b"[]", b"null", b"{\"entry\": null, \"worker_status\": 3}", b"\xff"] {
            assert_eq!(BrickStatus::parse(bytes), BrickStatus::default(), "{}", bytes.escape_ascii());
        }
    }

    /// key, initial, a value, kept or initial after the next worker's start
    #[test]
    fn each_key_of_the_file() {
        for row in rows("status-keys.tsv") {
            let value = |status: &BrickStatus| {
                let file: serde_json::Value = serde_json::from_slice(&status.render()).unwrap();
                file[&row[0]].to_string()
            };
            assert_eq!(value(&BrickStatus::default()), row[1], "{row:?}");
            let mut status = BrickStatus::parse(format!("{{\"{}\": {}}}", row[0], row[2]).as_bytes());
            assert_eq!(value(&status), row[2]);
            status.begin_worker();
            assert_eq!(
                value(&status),
                if row[3] == "kept" { row[2].clone() } else { row[1].clone() },
                "{row:?}"
            );
        }
    }

    #[test]
    fn files_of_other_releases_are_read() {
        let text =
            br#"{"slave_node": "vm", "entry": -3, "data": 2.0, "failures": "4", "worker_status": "Active"}"#;
        let status = BrickStatus::parse(text);
        assert_eq!(status.secondary_node, "vm");
        assert_eq!((status.entry, status.data, status.failures), (0, 2, 4));
        assert_eq!(status.worker_status, "Active");
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(counts in vec(any::<u64>(), 9), text in any::<String>(), completed: bool) {
            let status = BrickStatus {
                last_error: text.clone(),
                secondary_node: text,
                last_synced: counts[0],
                entry: counts[1],
                lag_seconds: counts[2],
                checkpoint: Checkpoint { time: counts[3], completed, completion_time: counts[4] },
                ..BrickStatus::default()
            };
            assert_eq!(BrickStatus::parse(&status.render()), status);
        }

        #[test]
        fn any_bytes_are_taken(bytes in vec(any::<u8>(), 0..100)) {
            let _status = BrickStatus::parse(&bytes);
        }
    }
}
