//! What a directory session leaves on file about itself, and how that is shown.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::fmt::Write as _;

/// What the session is: `session.json`. For people; nothing is decided by it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SessionInfo {
    /// The primary's directory, escaped where it is no text.
    pub source: String,
    /// The secondary's, as a url where it is on another host.
    pub target: String,
    /// The command line.
    pub arguments: Vec<String>,
    /// When the session was last started, in milliseconds since 1970.
    pub started_ms: u64,
    /// Version of the program.
    pub version: String,
}

/// How far it is: `status.json`. Counts are since its start.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SessionStatus {
    /// Process that wrote this.
    pub pid: u32,
    /// What it was doing, in one or two words.
    pub phase: String,
    /// When this was written, in milliseconds since 1970 (so are all times here).
    pub updated_ms: u64,
    /// When everything was last known to be synced.
    pub synced_ms: Option<u64>,
    /// Since when the oldest change that is not synced waits.
    pub waiting_since_ms: Option<u64>,
    /// Objects that wait.
    pub backlog: u64,
    /// Objects synced.
    pub done: u64,
    /// Content that went over the link, in bytes.
    pub sent_bytes: u64,
    /// Names removed on the secondary.
    pub removed: u64,
    /// Objects that could not be synced and are tried again.
    pub failing: u64,
    /// The last thing that went wrong.
    pub last_error: Option<String>,
}

impl SessionInfo {
    /// Reads the file's bytes; what is missing or damaged is as by default.
    #[must_use]
    pub fn parse(bytes: &[u8]) -> SessionInfo {
        serde_json::from_slice(bytes).unwrap_or_default()
    }

    /// The file's bytes.
    #[must_use]
    pub fn render(&self) -> Vec<u8> {
        rendered(self)
    }
}

impl SessionStatus {
    /// Reads the file's bytes; what is missing or damaged is as by default.
    #[must_use]
    pub fn parse(bytes: &[u8]) -> SessionStatus {
        serde_json::from_slice(bytes).unwrap_or_default()
    }

    /// The file's bytes.
    #[must_use]
    pub fn render(&self) -> Vec<u8> {
        rendered(self)
    }
}

fn rendered(value: &impl Serialize) -> Vec<u8> {
    // these types hold nothing that JSON cannot
    let mut bytes = serde_json::to_vec_pretty(value).unwrap_or_default();
    bytes.push(b'\n');
    bytes
}

/// A session as it is shown.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SessionView {
    /// Name of its directory.
    pub name: String,
    /// What it is.
    pub info: SessionInfo,
    /// How far it is, or was when it ended.
    pub status: SessionStatus,
    /// A process has its lock.
    pub running: bool,
}

impl SessionView {
    /// How long the oldest change has waited, in seconds; None when the session does not run.
    #[must_use]
    pub fn lag_seconds(&self, now_ms: u64) -> Option<u64> {
        let since = self.status.waiting_since_ms.unwrap_or(now_ms);
        self.running.then(|| now_ms.saturating_sub(since) / 1000)
    }

    /// One line, or two when something went wrong; without the last line end.
    #[must_use]
    pub fn text(&self, now_ms: u64, zone: &TimeZone) -> String {
        let status = &self.status;
        let state = match (self.running, self.phase()) {
            (true, phase) => format!("{phase} (pid {})", status.pid),
            (false, _) => "not running".to_owned(),
        };
        let mut text = format!("{} -> {}: {state}", escaped(&self.info.source), escaped(&self.info.target));
        if let Some(lag) = self.lag_seconds(now_ms) {
            // writing to a String cannot fail
            let _ = write!(text, ", lag {lag} s, backlog {}", status.backlog);
        }
        let synced = status.synced_ms.and_then(|ms| local_time(ms, zone));
        let _ = write!(text, ", last synced {}", synced.as_deref().unwrap_or("never"));
        if status.failing > 0 {
            let _ = write!(text, ", {} failing", status.failing);
        }
        if let Some(error) = &status.last_error {
            let _ = write!(text, "\n  last error: {}", escaped(error));
        }
        text
    }

    /// As one JSON object.
    #[must_use]
    pub fn json(&self, now_ms: u64) -> Value {
        let status = &self.status;
        json!({
            "name": self.name,
            "source": self.info.source,
            "target": self.info.target,
            "arguments": self.info.arguments,
            "started_ms": self.info.started_ms,
            "version": self.info.version,
            "running": self.running,
            "pid": self.running.then_some(status.pid),
            "phase": if self.running { self.phase() } else { "not running" },
            "lag_seconds": self.lag_seconds(now_ms),
            "backlog": status.backlog,
            "failing": status.failing,
            "done": status.done,
            "sent_bytes": status.sent_bytes,
            "removed": status.removed,
            "last_error": status.last_error,
            "synced_ms": status.synced_ms,
            "updated_ms": status.updated_ms,
        })
    }

    fn phase(&self) -> &str {
        match self.status.phase.as_str() {
            "" => "starting",
            phase if phase.chars().any(char::is_control) => "unknown",
            phase => phase,
        }
    }
}

/// Names of files come in here: a control character must reach no terminal.
fn escaped(text: &str) -> String {
    text.chars().flat_map(|c| if c.is_control() { c.escape_default().collect() } else { vec![c] }).collect()
}

fn local_time(ms: u64, zone: &TimeZone) -> Option<String> {
    let stamp = Timestamp::from_millisecond(i64::try_from(ms).ok()?).ok()?;
    Some(stamp.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M:%S").to_string())
}

#[cfg(test)]
mod tests {
    use super::{SessionInfo, SessionStatus, SessionView};
    use jiff::tz::TimeZone;
    use proptest::collection::vec;
    use proptest::prelude::{Strategy as _, any, proptest};

    fn view() -> SessionView {
        SessionView {
            name: "src-dst-1".to_owned(),
            info: SessionInfo {
                source: "/src".to_owned(),
                target: "vault:/dst".to_owned(),
                ..SessionInfo::default()
            },
            status: SessionStatus {
                pid: 7,
                phase: "following".to_owned(),
                synced_ms: Some(1_790_000_000_000),
                waiting_since_ms: Some(1_790_000_001_000),
                backlog: 3,
                ..SessionStatus::default()
            },
            running: true,
        }
    }

    #[test]
    fn lines_for_people() {
        let mut view = view();
        let text = |view: &SessionView| view.text(1_790_000_004_500, &TimeZone::UTC);
        assert_eq!(
            text(&view),
            "/src -> vault:/dst: following (pid 7), lag 3 s, backlog 3, last synced 2026-09-21 14:13:20"
        );
        view.running = false;
        view.status.failing = 2;
        view.status.last_error = Some("write a\nb: No space left".to_owned());
        view.status.synced_ms = None;
        assert_eq!(
            text(&view),
            "/src -> vault:/dst: not running, last synced never, 2 failing\n  last error: write a\\nb: No space left"
        );
    }

    #[test]
    fn files_come_back() {
        let view = view();
        assert_eq!(SessionStatus::parse(&view.status.render()), view.status);
        assert_eq!(SessionInfo::parse(&view.info.render()), view.info);
    }

    proptest! {
        #[test]
        fn any_bytes_are_shown(
            bytes in vec(any::<u8>(), 0..40),
            text in "\\{(\"(pid|phase|synced_ms|last_error|backlog)\": ?(-?[0-9]{1,20}|\"[^\"]{0,5}\"|null),?){0,3}\\}"
                .prop_map(String::into_bytes)
        ) {
            for bytes in [bytes, text] {
                let status = SessionStatus::parse(&bytes);
                let info = SessionInfo::parse(&bytes);
                let view = SessionView { name: String::new(), info, status, running: true };
                let shown = view.text(0, &TimeZone::UTC);
                assert!(!shown.chars().any(|c| c.is_control() && c != '\n'), "{shown:?}");
                assert_eq!(view.json(0)["running"], true);
            }
        }
    }
}
