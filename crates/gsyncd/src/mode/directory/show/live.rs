//! The terminal: a bar with what is left in the first sync, then one line that says how far behind it is.

use super::Viewer;
use crate::obs::log::Writer;
use crate::primary::directory::{Phase, Snapshot};
use gsyncd_core::cli::DirectoryArgs;
use gsyncd_core::url::place::shown;
use indicatif::{HumanBytes, HumanCount, HumanDuration, ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::ffi::OsStr;
use std::io::{IsTerminal as _, Write};
use std::time::{Duration, Instant};

/// What an object costs besides its content, in bytes of content: small files are slower than their bytes.
const OBJECT_WEIGHT: u64 = 16 << 10;
/// A line that shows how time passes is drawn this often.
const REDRAW: Duration = Duration::from_secs(1);
/// Over how long a rate is smoothed.
const RATE_SPAN_SECONDS: f64 = 3.0;

/// The terminal, if there is one to show progress on.
pub struct Screen {
    bar: Option<ProgressBar>,
}

impl Screen {
    /// stderr, when it is a terminal and somebody sits there.
    #[must_use]
    pub fn open(args: &DirectoryArgs) -> Screen {
        let wanted = !args.quiet && !args.daemon && !args.dry_run && std::io::stderr().is_terminal();
        let bar = || ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        Screen { bar: wanted.then(bar) }
    }

    /// No terminal.
    #[cfg(test)]
    pub(super) fn none() -> Screen {
        Screen { bar: None }
    }

    /// Whether progress is shown.
    #[must_use]
    pub fn is_live(&self) -> bool {
        self.bar.is_some()
    }

    /// Writes lines of the log above the bar; None without one.
    #[must_use]
    pub fn writer(&self) -> Option<Writer> {
        Some(Box::new(Above(self.bar.clone()?)))
    }

    /// Who draws it; None without a terminal.
    pub(super) fn viewer(self, target: String) -> Option<Box<dyn Viewer>> {
        let bar = self.bar?;
        Some(Box::new(Live { bar, target, rates: Rates::default(), phase: None }))
    }
}

/// See [`Screen::writer`].
struct Above(ProgressBar);

impl Write for Above {
    fn write(&mut self, line: &[u8]) -> std::io::Result<usize> {
        self.0.suspend(|| std::io::stderr().write_all(line))?;
        Ok(line.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// See above.
struct Live {
    bar: ProgressBar,
    target: String,
    rates: Rates,
    phase: Option<Phase>,
}

impl Viewer for Live {
    fn look(&mut self, now: &Snapshot) -> Option<Duration> {
        if now.phase == Phase::Ended {
            self.bar.finish_and_clear();
            return None;
        }
        if self.phase != Some(now.phase) {
            self.phase = Some(now.phase);
            self.bar.set_style(style(now.phase));
        }
        self.rates.note(now, Instant::now());
        if now.phase == Phase::CatchingUp {
            self.bar.set_length(weight(now.found, now.found_bytes).max(1));
            self.bar.set_position(weight(now.done, now.done_bytes));
        }
        self.bar.set_message(text(now, &self.rates, &self.target));
        let moves = now.phase == Phase::CatchingUp || now.waiting_since.is_some();
        moves.then_some(REDRAW)
    }
}

fn style(phase: Phase) -> ProgressStyle {
    let template = if phase == Phase::CatchingUp { "[{bar:24}] {wide_msg}" } else { "{wide_msg}" };
    // the templates above are well formed: the default is never seen
    ProgressStyle::with_template(template)
        .unwrap_or_else(|_| ProgressStyle::default_bar())
        .progress_chars("=> ")
}

fn weight(objects: u64, bytes: u64) -> u64 {
    objects.saturating_mul(OBJECT_WEIGHT).saturating_add(bytes)
}

/// The line.
fn text(now: &Snapshot, rates: &Rates, target: &str) -> String {
    match now.phase {
        Phase::Starting => "starting".to_owned(),
        Phase::Connecting => match &now.last_error {
            Some(error) => format!("connecting to {target}: {}", plain(error)),
            None => format!("connecting to {target}"),
        },
        Phase::Scanning => format!("looking for what changed: {} entries", HumanCount(now.scanned)),
        Phase::CatchingUp => catching_up(now, rates),
        Phase::Following => following(now),
        Phase::Ended => String::new(),
    }
}

fn catching_up(now: &Snapshot, rates: &Rates) -> String {
    let left = rates.left(now).map_or(String::new(), |left| format!(", {} left", HumanDuration(left)));
    format!(
        "{}/{} files, {}/{}, {}/s{left}{}",
        HumanCount(now.done),
        HumanCount(now.found),
        HumanBytes(now.done_bytes),
        HumanBytes(now.found_bytes),
        HumanBytes(rates.bytes as u64),
        trouble(now)
    )
}

fn following(now: &Snapshot) -> String {
    let state = match now.backlog() {
        0 => "following, up to date".to_owned(),
        backlog => {
            format!("following, {:.0} s behind, {} waiting", now.lag().as_secs_f64(), HumanCount(backlog))
        }
    };
    format!("{state}; {} synced, {} sent{}", HumanCount(now.done), HumanBytes(now.sent_bytes), trouble(now))
}

fn trouble(now: &Snapshot) -> String {
    let failing = match now.failing {
        0 => String::new(),
        failing => format!("; {} failing", HumanCount(failing)),
    };
    let error =
        now.last_error.as_deref().map_or(String::new(), |error| format!("; last error: {}", plain(error)));
    failing + &error
}

/// Names of files come in here: they must not steer the terminal.
fn plain(text: &str) -> String {
    shown(OsStr::new(text))
}

/// How fast it goes, smoothed.
#[derive(Debug, Default)]
struct Rates {
    last: Option<(Instant, u64, u64)>,
    /// Bytes of content a second.
    bytes: f64,
    /// The same with the weight of objects.
    weight: f64,
}

impl Rates {
    fn note(&mut self, now: &Snapshot, at: Instant) {
        let (bytes, weight) = (now.done_bytes, weight(now.done, now.done_bytes));
        let Some((before, last_bytes, last_weight)) = self.last.replace((at, bytes, weight)) else { return };
        let seconds = at.saturating_duration_since(before).as_secs_f64();
        if seconds <= 0.0 {
            return;
        }
        let share = if self.weight == 0.0 { 1.0 } else { 1.0 - (-seconds / RATE_SPAN_SECONDS).exp() };
        let blend = |old: f64, grown: u64| old + share * (grown as f64 / seconds - old);
        self.bytes = blend(self.bytes, bytes.saturating_sub(last_bytes));
        self.weight = blend(self.weight, weight.saturating_sub(last_weight));
    }

    /// How long the rest takes; None as long as nothing is known.
    fn left(&self, now: &Snapshot) -> Option<Duration> {
        let rest = weight(now.backlog(), now.found_bytes.saturating_sub(now.done_bytes));
        let seconds = rest as f64 / self.weight;
        (self.weight > 0.0 && seconds < 1e7).then(|| Duration::from_secs_f64(seconds.ceil()))
    }
}

#[cfg(test)]
mod tests {
    use super::{Rates, text};
    use crate::primary::directory::{Phase, Snapshot};
    use std::time::{Duration, Instant};

    #[test]
    fn lines_of_the_phases() {
        let start = Instant::now();
        let mut rates = Rates::default();
        let mut now = Snapshot { phase: Phase::CatchingUp, found: 2000, ..Snapshot::default() };
        now.found_bytes = 64 << 20;
        rates.note(&now, start);
        (now.done, now.done_bytes) = (500, 16 << 20);
        rates.note(&now, start + Duration::from_secs(2));
        let line = |now: &Snapshot| text(now, &rates, "vault:/dst");
        assert_eq!(line(&now), "500/2,000 files, 16.00 MiB/64.00 MiB, 8.00 MiB/s, 6 seconds left");
        now.phase = Phase::Following;
        now.done = 1999;
        now.failing = 1;
        now.last_error = Some("a\x1b[2Jb".to_owned());
        assert_eq!(
            line(&now),
            "following, 0 s behind, 1 waiting; 1,999 synced, 0 B sent; 1 failing; last error: a\\x1b[2Jb"
        );
        assert_eq!(
            line(&Snapshot { phase: Phase::Connecting, ..Snapshot::default() }),
            "connecting to vault:/dst"
        );
    }

    #[test]
    fn nothing_known_gives_no_time() {
        assert_eq!(Rates::default().left(&Snapshot { found: 9, ..Snapshot::default() }), None);
    }
}
