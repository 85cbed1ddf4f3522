//! Shows how far a session is: on the terminal, in the log, and in `status.json`. One thread does all of it, which
//! sleeps while nothing changes.

mod live;
mod narrator;
mod status;

pub use live::Screen;

use crate::exit::Failure;
use crate::primary::directory::{Phase, Progress, Snapshot};
use crate::store::sessions::SessionDir;
use crossbeam_channel::{Receiver, Sender, bounded};
use narrator::Narrator;
use status::StatusWriter;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

/// How long the session goes on unwatched after each look: watching must cost nothing beside the work.
const PAUSE: Duration = Duration::from_millis(100);

/// Somebody who watches.
trait Viewer: Send {
    /// Takes note; returns after how long to look again even when nothing changes.
    fn look(&mut self, now: &Snapshot) -> Option<Duration>;
}

/// The thread that watches.
pub struct Watch {
    progress: Arc<Progress>,
    ending: Sender<()>,
    thread: JoinHandle<()>,
}

impl Watch {
    /// Starts watching.
    ///
    /// # Errors
    /// When no thread can be started.
    pub fn start(
        progress: Arc<Progress>,
        dir: SessionDir,
        screen: Screen,
        target: String,
    ) -> Result<Watch, Failure> {
        let mut viewers: Vec<Box<dyn Viewer>> =
            vec![Box::new(StatusWriter::new(dir)), Box::new(Narrator::default())];
        viewers.extend(screen.viewer(target));
        let (ending, ended) = bounded(0);
        let watched = Arc::clone(&progress);
        let thread = std::thread::Builder::new()
            .name("watch".to_owned())
            .spawn(move || watch(&watched, &mut viewers, &ended))
            .map_err(|error| Failure::new(format!("cannot start a thread: {error}")))?;
        Ok(Watch { progress, ending, thread })
    }

    /// Shows the end, and waits until it is shown.
    pub fn end(self) {
        self.progress.enter(Phase::Ended);
        drop(self.ending);
        // its panic has been printed, and there is nothing to do about it
        let _ = self.thread.join();
    }
}

fn watch(progress: &Progress, viewers: &mut [Box<dyn Viewer>], ended: &Receiver<()>) {
    let (mut seen, mut now) = progress.now();
    loop {
        let again = viewers.iter_mut().filter_map(|viewer| viewer.look(&now)).min();
        if now.phase == Phase::Ended {
            return;
        }
        // cut short by the end
        let _ = ended.recv_timeout(PAUSE);
        (seen, now) = progress.wait(seen, again.map(|again| again.saturating_sub(PAUSE)));
    }
}

#[cfg(test)]
mod tests {
    use super::{Screen, Watch};
    use crate::primary::directory::{Phase, Progress};
    use crate::store::sessions::{SessionDir, list};
    use gsyncd_core::status::session::SessionInfo;
    use std::sync::Arc;
    use std::time::{Duration, Instant};

    #[test]
    fn the_end_is_on_file_and_does_not_wait() {
        let base = tempfile::tempdir().unwrap();
        let dir = SessionDir::of(base.path(), "x");
        dir.create().unwrap();
        dir.write_info(&SessionInfo { source: "/src".to_owned(), ..SessionInfo::default() }).unwrap();
        let progress = Arc::new(Progress::default());
        let watch = Watch::start(Arc::clone(&progress), dir, Screen::none(), "t".to_owned()).unwrap();
        progress.enter(Phase::CatchingUp);
        let start = Instant::now();
        progress.update(|snapshot| (snapshot.found, snapshot.done) = (9, 7));
        watch.end();
        assert!(start.elapsed() < Duration::from_secs(5));
        let shown = list(base.path()).unwrap();
        assert_eq!((shown[0].status.backlog, shown[0].status.phase.as_str()), (2, "ended"));
    }
}
