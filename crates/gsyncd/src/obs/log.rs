//! The log: `tracing` events as GlusterFS's log lines (spec: glusterd-interface 9.1, new generation).
//!
//! `[2026-11-22 14:10:21.128268] I [module(label):29:module] <top>: message [{key=value}, {key=value}]`, UTC.
//! The stock program does not pad the microseconds with zeros; ours are padded, which every reader takes and which
//! sorts. There is no function name in an event, so the module stands in its place.

use jiff::Timestamp;
use std::fmt;
use std::fmt::Write as _;
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};

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
}

impl Target {
    /// Everything to stderr, as `--debug` asks.
    #[must_use]
    pub fn debug(label: &str) -> Target {
        Target { file: None, level: LevelFilter::DEBUG, label: label.to_owned() }
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
    let label = target.label;
    install(Lines {
        level: target.level,
        line: move |event: &Event<'_>| line(event, &label, Timestamp::now()),
        sink: Mutex::new(Sink { path: target.file, open: None }),
    });
}

fn install<L: Fn(&Event<'_>) -> String + Send + Sync + 'static, W: Write + Send + 'static>(
    lines: Lines<L, W>,
) {
    // Fails only when logging has been started, by a test or by a caller that knows better.
    let _ = tracing::subscriber::set_global_default(tracing_subscriber::registry().with(lines));
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
fn line(event: &Event<'_>, label: &str, now: Timestamp) -> String {
    let metadata = event.metadata();
    let module = metadata.target().rsplit("::").next().unwrap_or_default();
    let mut parts = Parts::default();
    event.record(&mut parts);
    let label = if label.is_empty() { String::new() } else { format!("({label})") };
    let fields = if parts.fields.is_empty() { String::new() } else { format!(" [{}]", parts.fields) };
    format!(
        "[{}] {} [{module}{label}:{}:{module}] <top>: {}{fields}\n",
        now.strftime("%Y-%m-%d %H:%M:%S.%6f"),
        letter(*metadata.level()),
        metadata.line().unwrap_or_default(),
        parts.message,
    )
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
    /// Fields as `key=value key=value` instead of `{key=value}, {key=value}`.
    bare: bool,
    message: String,
    fields: String,
}

impl Parts {
    fn take(&mut self, field: &Field, value: &str) {
        let value = escape(value);
        if field.name() == "message" {
            self.message = value;
            return;
        }
        let comma = match (self.fields.is_empty(), self.bare) {
            (true, _) => "",
            (false, true) => " ",
            (false, false) => ", ",
        };
        let (open, close) = if self.bare { ("", "") } else { ("{", "}") };
        // Writing to a String cannot fail.
        let _ = write!(self.fields, "{comma}{open}{}={value}{close}", field.name());
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

struct Sink {
    path: Option<PathBuf>,
    open: Option<File>,
}

impl Write for Sink {
    /// A log that cannot be written must not stop the work: the line goes to stderr then.
    fn write(&mut self, line: &[u8]) -> std::io::Result<usize> {
        let written = self.file().is_some_and(|mut file| file.write_all(line).is_ok());
        if !written {
            std::io::stderr().write_all(line)?;
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Sink {
    /// The open file, opened anew when logrotate has moved it away.
    fn file(&mut self) -> Option<&File> {
        let path = self.path.as_ref()?;
        if !self.open.as_ref().is_some_and(|file| is_at(file, path)) {
            self.open = open(path);
        }
        self.open.as_ref()
    }
}

fn is_at(file: &File, path: &PathBuf) -> bool {
    let (Ok(open), Ok(named)) = (file.metadata(), fs::metadata(path)) else { return false };
    (open.dev(), open.ino()) == (named.dev(), named.ino())
}

fn open(path: &PathBuf) -> Option<File> {
    if let Some(directory) = path.parent() {
        // Its absence shows at the opening.
        let _ = fs::create_dir_all(directory);
    }
    OpenOptions::new().append(true).create(true).open(path).ok()
}

#[cfg(test)]
mod tests {
    use super::{Sink, Target, level, start};
    use std::fs;
    use std::io::Write as _;
    use tracing::level_filters::LevelFilter;

    #[test]
    fn a_rotated_log_is_opened_again() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("deep/er/gsyncd.log");
        let mut sink = Sink { path: Some(path.clone()), open: None };
        sink.write_all(b"one\n").unwrap();
        fs::rename(&path, directory.path().join("old")).unwrap();
        sink.write_all(b"two\n").unwrap();
        assert_eq!(fs::read(directory.path().join("old")).unwrap(), b"one\n");
        assert_eq!(fs::read(&path).unwrap(), b"two\n");
    }

    #[test]
    fn lines_have_the_layout_of_gluster() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("gsyncd.log");
        start(Target { file: Some(path.clone()), level: LevelFilter::INFO, label: "worker /b1".to_owned() });
        tracing::info!(status = "Active", count = 3, "Worker Status Change\nx");
        tracing::debug!("not written");
        let text = fs::read_to_string(&path).unwrap();
        let (stamp, rest) = text.split_once("] ").unwrap();
        assert_eq!(stamp.len(), "[2026-11-22 14:10:21.128268".len());
        let (place, rest) = rest.split_once(" <top>: ").unwrap();
        assert!(place.starts_with("I [tests(worker /b1):") && place.ends_with(":tests]"), "{place}");
        assert_eq!(rest, "Worker Status Change\\nx [{status=Active}, {count=3}]\n");
    }

    #[test]
    fn levels_of_all_generations_are_known() {
        for (name, want) in
            [("CRITICAL", LevelFilter::ERROR), ("warning", LevelFilter::WARN), ("x", LevelFilter::INFO)]
        {
            assert_eq!(level(name), want);
        }
    }
}
