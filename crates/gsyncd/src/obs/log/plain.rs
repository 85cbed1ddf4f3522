//! The log of directory sessions: `2026-01-02 03:04:05 INFO message key=value`, local time.

use super::{Lines, Parts, Sink, install};
use jiff::Zoned;
use std::io::Write;
use std::path::PathBuf;
use std::sync::Mutex;
use tracing::Event;
use tracing::level_filters::LevelFilter;

/// Takes whole lines, with their line ends.
pub type Writer = Box<dyn Write + Send>;

/// Where the lines of this process go.
pub struct Plain {
    /// The file, made with its directory at the first line.
    pub file: Option<PathBuf>,
    /// Where they go without a file, instead of stderr.
    pub writer: Option<Writer>,
    /// The most talkative level that is written.
    pub level: LevelFilter,
}

/// Starts logging for the whole process. A second call of this or of [`super::start`] changes nothing.
pub fn start_plain(target: Plain) {
    let Plain { file, writer, level } = target;
    let sink = match (file, writer) {
        (None, Some(writer)) => writer,
        (path, _) => Box::new(Sink::new(path)),
    };
    install(Lines { level, line: |event: &Event<'_>| line(event, &Zoned::now()), sink: Mutex::new(sink) });
}

/// One line with its line end.
fn line(event: &Event<'_>, now: &Zoned) -> String {
    let mut parts = Parts::default();
    event.record(&mut parts);
    let fields: String = parts.fields.iter().map(|(key, value)| format!(" {key}={value}")).collect();
    let stamp = now.strftime("%Y-%m-%d %H:%M:%S");
    format!("{stamp} {} {}{fields}\n", event.metadata().level(), parts.message)
}

#[cfg(test)]
mod tests {
    use super::{Plain, start_plain};
    use tracing::level_filters::LevelFilter;

    #[test]
    fn lines_are_plain() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("log");
        start_plain(Plain { file: Some(path.clone()), writer: None, level: LevelFilter::INFO });
        tracing::warn!(path = "a\nb", count = 3, "cannot be read");
        tracing::debug!("not written");
        let text = std::fs::read_to_string(path).unwrap();
        let (stamp, rest) = text.split_at("2026-01-02 03:04:05".len());
        assert!(stamp.bytes().all(|b| b.is_ascii_digit() || b"-: ".contains(&b)), "{stamp}");
        assert_eq!(rest, " WARN cannot be read path=a\\nb count=3\n");
    }
}
