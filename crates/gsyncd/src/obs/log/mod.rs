//! The log: `tracing` events as GlusterFS's log lines (`core::log`). There is no function name in an event, so the
//! module stands in its place; a field `context` is the class that the stock program names there.

use file::Sink;
use gsyncd_core::conf::Generation;
use gsyncd_core::log::Line;
use jiff::Timestamp;
use std::fmt;
use std::io::Write;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};

mod file;
mod panic;
mod plain;

pub use plain::{Plain, Writer, start_plain};

/// Where the lines of this process go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// The file, made with its directory at the first line; None is stderr.
    pub file: Option<PathBuf>,
    /// The most talkative level that is written.
    pub level: LevelFilter,
    /// The process's role, in parentheses after the module: `monitor`, `worker /bricks/b1`.
    pub label: String,
    /// Whose lines are written.
    pub generation: Generation,
}

impl Target {
    /// Everything to stderr, as `--debug` asks.
    #[must_use]
    pub fn debug(label: &str, generation: Generation) -> Target {
        Target { file: None, level: LevelFilter::DEBUG, label: label.to_owned(), generation }
    }
}

/// The filter of an option's value; anything unknown is INFO.
#[must_use]
pub fn level(name: &str) -> LevelFilter {
    match name.to_ascii_uppercase().as_str() {
        "CRITICAL" | "ERROR" => LevelFilter::ERROR,
        "WARNING" | "WARN" => LevelFilter::WARN,
        "DEBUG" | "TRACE" => LevelFilter::DEBUG,
        _ => LevelFilter::INFO,
    }
}

/// Starts logging for the whole process. A second call changes nothing.
pub fn start(target: Target) {
    let (label, generation) = (escape(&target.label), target.generation);
    install(Lines {
        level: target.level,
        line: move |event: &Event<'_>| line(event, &label, generation),
        sink: Mutex::new(Sink::new(target.file)),
    });
}

fn install<L: Fn(&Event<'_>) -> String + Send + Sync + 'static, W: Write + Send + 'static>(
    lines: Lines<L, W>,
) {
    // Fails only when logging has been started, by a test or by a caller that knows better.
    if tracing::subscriber::set_global_default(tracing_subscriber::registry().with(lines)).is_ok() {
        panic::log_panics();
    }
}

/// Makes a line of each event that is important enough.
struct Lines<L, W> {
    level: LevelFilter,
    line: L,
    sink: Mutex<W>,
}

impl<S, L, W> Layer<S> for Lines<L, W>
where
    S: Subscriber,
    L: Fn(&Event<'_>) -> String + 'static,
    W: Write + 'static,
{
    fn enabled(&self, metadata: &tracing::Metadata<'_>, _context: Context<'_, S>) -> bool {
        *metadata.level() <= self.level
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(self.level)
    }

    fn on_event(&self, event: &Event<'_>, _context: Context<'_, S>) {
        let line = (self.line)(event);
        // there is no one to tell
        let _ = self.sink.lock().unwrap_or_else(PoisonError::into_inner).write_all(line.as_bytes());
    }
}

/// One line with its line end.
fn line(event: &Event<'_>, label: &str, generation: Generation) -> String {
    let metadata = event.metadata();
    let module = metadata.target().rsplit("::").next().unwrap_or_default();
    let mut parts = Parts::default();
    event.record(&mut parts);
    let line = Line {
        time: Timestamp::now(),
        level: letter(*metadata.level()),
        module,
        label,
        line: metadata.line().unwrap_or_default(),
        function: module,
        context: &parts.context,
        message: &parts.message,
        fields: &parts.fields,
    };
    line.text(generation)
}

fn letter(level: Level) -> char {
    match level {
        Level::ERROR => 'E',
        Level::WARN => 'W',
        Level::INFO => 'I',
        Level::DEBUG => 'D',
        Level::TRACE => 'T',
    }
}

/// An event's message and its other fields, each on one line.
#[derive(Default)]
struct Parts {
    context: String,
    message: String,
    fields: Vec<(String, String)>,
}

impl Parts {
    fn take(&mut self, field: &Field, value: &str) {
        let value = escape(value);
        match field.name() {
            "message" => self.message = value,
            "context" => self.context = value,
            name => self.fields.push((name.to_owned(), value)),
        }
    }
}

impl Visit for Parts {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.take(field, &format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.take(field, value);
    }
}

/// Names of files come in here: a line break in one must not make a second line.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() { escaped.extend(c.escape_default()) } else { escaped.push(c) }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::{Target, level, start};
    use gsyncd_core::conf::Generation;
    use std::fs;
    use tracing::level_filters::LevelFilter;

    #[test]
    fn events_become_lines() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("gsyncd.log");
        start(Target {
            file: Some(path.clone()),
            level: LevelFilter::INFO,
            label: "worker /b\n1".to_owned(),
            generation: Generation::Secondary,
        });
        tracing::info!(context = "GeorepStatus", status = "Active", count = 3, "Worker Status Change\nx");
        tracing::warn!("no fields");
        tracing::debug!("not written");
        let text = fs::read_to_string(&path).unwrap();
        let lines: Vec<&str> = text.lines().map(|line| line.split_once("] ").unwrap().1).collect();
        let [first, second] = lines.as_slice() else { unreachable!("{text}") };
        assert!(first.starts_with("I [tests(worker /b\\n1):"), "{first}");
        let said = ":tests] GeorepStatus: Worker Status Change\\nx [{status=Active}, {count=3}]";
        assert!(first.ends_with(said), "{first}");
        assert!(second.starts_with("W [") && second.ends_with(":tests] <top>: no fields"), "{second}");
    }

    /// spec: glusterd-interface 2.8, 4.8
    #[test]
    fn levels_of_all_generations_are_known() {
        for (name, want) in [
            ("CRITICAL", LevelFilter::ERROR),
            ("critical", LevelFilter::ERROR),
            ("ERROR", LevelFilter::ERROR),
            ("WARNING", LevelFilter::WARN),
            ("warning", LevelFilter::WARN),
            ("INFO", LevelFilter::INFO),
            ("DEBUG", LevelFilter::DEBUG),
            ("Debug", LevelFilter::DEBUG),
            ("TRACE", LevelFilter::DEBUG),
            ("x", LevelFilter::INFO),
        ] {
            assert_eq!(level(name), want, "{name}");
        }
    }
}
