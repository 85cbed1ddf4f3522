//! Connects, and connects again, until the work is done or somebody asks to stop.

use super::connect::connector;
use super::settings::Settings;
use super::show::{Screen, Watch};
use super::stop::Stop;
use crate::exit::{self, Failure, Outcome};
use crate::mode::print;
use crate::primary::directory::{Connect, Conversation, Directory, Ending, Phase, Progress, Snapshot};
use crate::store::sessions::SessionDir;
use crate::supervise::backoff::Backoff;
use gsyncd_core::cli::DirectoryArgs;
use indicatif::{HumanBytes, HumanCount};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What a run needs besides the directory.
pub struct Session<'a> {
    /// The command line.
    pub args: &'a DirectoryArgs,
    /// What it came to.
    pub settings: &'a Settings,
    /// Where the state is.
    pub dir: &'a SessionDir,
    /// How far it is.
    pub progress: &'a Arc<Progress>,
    /// Who may end it.
    pub stop: &'a Stop,
}

/// Runs to the end, which for a session that follows is a signal.
///
/// # Errors
/// What made it end; with `--once` also that something could not be synced.
pub fn run(session: &Session<'_>, directory: &mut Directory, screen: Screen) -> Outcome {
    let started = Instant::now();
    let target = session.settings.pair.target_shown();
    let watch = Watch::start(Arc::clone(session.progress), session.dir.clone(), screen, target)?;
    let outcome = drive(session, directory);
    watch.end();
    if session.args.once && outcome.is_ok() {
        return summary(session, &session.progress.now().1, started.elapsed());
    }
    outcome
}

fn drive(session: &Session<'_>, directory: &mut Directory) -> Outcome {
    let mut connector = Counted {
        inner: connector(session.args, &session.settings.pair, session.stop),
        stop: session.stop,
        connected: None,
        trouble: None,
        ever: false,
    };
    let mut backoff = Backoff::default();
    loop {
        let ending = directory.run(&mut connector);
        let lived = connector.connected.take().map_or(Duration::ZERO, |at| at.elapsed());
        if session.stop.is_asked() {
            return stopped(session);
        }
        match ending {
            Ending::UpToDate => return Ok(()),
            Ending::Stopped => return stopped(session),
            Ending::Failed(failure) => return Err(failure),
            // a wrong word on the command line is told at once, not tried for ever
            Ending::Lost(failure) if session.args.once || !(connector.ever || session.args.daemon) => {
                return Err(failure);
            }
            Ending::Lost(failure) => connector.lost(&failure, session.progress),
        }
        if session.stop.wait(backoff.pause(lived)) {
            return stopped(session);
        }
    }
}

fn stopped(session: &Session<'_>) -> Outcome {
    if session.args.once {
        return Err(Failure::new("stopped before everything was synced"));
    }
    tracing::info!("stopped");
    Ok(())
}

fn summary(session: &Session<'_>, end: &Snapshot, took: Duration) -> Outcome {
    if !session.args.quiet {
        print(&summary_text(end, took))?;
    }
    if end.failing == 0 {
        return Ok(());
    }
    let reason = end.last_error.as_deref().map_or(String::new(), |error| format!("; the last: {error}"));
    let message = format!("{} objects could not be synced{reason}", HumanCount(end.failing));
    Err(Failure { message, code: exit::FAILURE })
}

fn summary_text(end: &Snapshot, took: Duration) -> String {
    format!(
        "{} objects synced, {} sent, {} removed, {} failed, {:.2} s",
        HumanCount(end.done),
        HumanBytes(end.sent_bytes),
        HumanCount(end.removed),
        HumanCount(end.failing),
        took.as_secs_f64()
    )
}

/// Tells of connections made and lost: once each, however often it is tried.
struct Counted<'a> {
    inner: Box<dyn Connect>,
    stop: &'a Stop,
    /// When this run's connection was made.
    connected: Option<Instant>,
    /// Since when there is none.
    trouble: Option<Instant>,
    ever: bool,
}

impl Connect for Counted<'_> {
    fn connect(&mut self, tree: [u8; 16]) -> Result<Conversation, Failure> {
        let conversation = self.inner.connect(tree)?;
        self.stop.tell(conversation.report.clone());
        self.connected = Some(Instant::now());
        self.ever = true;
        match self.trouble.take() {
            Some(since) => tracing::info!("connected again after {} s", since.elapsed().as_secs()),
            None => tracing::info!("connected"),
        }
        Ok(conversation)
    }
}

impl Counted<'_> {
    fn lost(&mut self, failure: &Failure, progress: &Progress) {
        progress.update(|snapshot| {
            snapshot.phase = Phase::Connecting;
            snapshot.last_error = Some(failure.message.clone());
        });
        if self.trouble.is_some() {
            tracing::debug!("{failure}");
            return;
        }
        self.trouble = Some(Instant::now());
        tracing::warn!("{failure}; trying again until it works");
    }
}

#[cfg(test)]
mod tests {
    use super::summary_text;
    use crate::primary::directory::Snapshot;
    use std::time::Duration;

    #[test]
    fn the_summary_is_one_line() {
        let end = Snapshot { done: 20_000, sent_bytes: 81_920_000, removed: 3, ..Snapshot::default() };
        assert_eq!(
            summary_text(&end, Duration::from_millis(1234)),
            "20,000 objects synced, 78.12 MiB sent, 3 removed, 0 failed, 1.23 s"
        );
    }
}
