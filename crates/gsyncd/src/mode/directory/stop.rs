//! The wish to end: SIGTERM, SIGINT and SIGHUP reach the conversation, and after a moment the process.

use crate::exit::{self, Failure};
use crate::primary::send::Inbound;
use crossbeam_channel::Sender;
use gsyncd_sys::child::{Handle, exit_now};
use gsyncd_sys::poll;
use gsyncd_sys::signal::{Signal, SignalFd};
use std::os::fd::AsFd as _;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How long what is under way may take to end by itself. All that must be durable is: nothing is lost by the rest.
const GRACE: Duration = Duration::from_millis(700);

/// Whether, and whom, to tell.
#[derive(Clone, Default)]
pub struct Stop {
    shared: Arc<(Mutex<State>, Condvar)>,
}

#[derive(Default)]
struct State {
    asked: bool,
    conversation: Option<Sender<Inbound>>,
    child: Option<Handle>,
}

impl Stop {
    /// From now on signals only ask. Call it before any thread is started. `is_failure`: to be stopped early means that
    /// the work is not done.
    ///
    /// # Errors
    /// When signals cannot be read, or no thread be started.
    pub fn on_signals(is_failure: bool) -> Result<Stop, Failure> {
        let signals = SignalFd::block(&[Signal::TERM, Signal::INT, Signal::HUP])?;
        let stop = Stop::default();
        let asked = stop.clone();
        let wait = move || asked.wait_for_signals(&signals, is_failure);
        let started = std::thread::Builder::new().name("signals".to_owned()).spawn(wait);
        started.map_err(|error| Failure::new(format!("cannot start a thread: {error}")))?;
        Ok(stop)
    }

    fn wait_for_signals(&self, signals: &SignalFd, is_failure: bool) {
        let arrived = |patience| {
            let ready = poll::wait_readable(&[signals.as_fd()], patience).unwrap_or_default();
            ready.contains(&true) && matches!(signals.next(), Ok(Some(_)))
        };
        while !arrived(None) {}
        self.ask();
        // a second signal is impatience
        arrived(Some(GRACE));
        if let Some(child) = self.lock().child.take() {
            let _ = child.signal(Signal::TERM);
        }
        exit_now(i32::from(if is_failure { exit::FAILURE } else { exit::SUCCESS }));
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.shared.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn ask(&self) {
        let mut state = self.lock();
        state.asked = true;
        if let Some(conversation) = &state.conversation {
            // one that has ended needs no telling
            let _ = conversation.send(Inbound::Stop);
        }
        drop(state);
        self.shared.1.notify_all();
    }

    /// Whom to tell from now on.
    pub fn tell(&self, conversation: Sender<Inbound>) {
        let mut state = self.lock();
        if state.asked {
            let _ = conversation.send(Inbound::Stop);
        }
        state.conversation = Some(conversation);
    }

    /// The child to end with this process: ssh may be waiting for a host that never answers.
    pub fn take_along(&self, child: Option<Handle>) {
        self.lock().child = child;
    }

    /// Whether a signal came.
    #[must_use]
    pub fn is_asked(&self) -> bool {
        self.lock().asked
    }

    /// Waits for so long, or until a signal comes: true then.
    #[must_use]
    pub fn wait(&self, pause: Duration) -> bool {
        let waited = self.shared.1.wait_timeout_while(self.lock(), pause, |state| !state.asked);
        waited.unwrap_or_else(PoisonError::into_inner).0.asked
    }
}

#[cfg(test)]
mod tests {
    use super::Stop;
    use crate::primary::send::Inbound;
    use std::time::Duration;

    #[test]
    fn whoever_is_told_late_is_told() {
        let stop = Stop::default();
        let (first, told_first) = crossbeam_channel::unbounded();
        stop.tell(first);
        assert!(!stop.wait(Duration::from_millis(1)) && !stop.is_asked());
        stop.ask();
        assert!(matches!(told_first.try_recv(), Ok(Inbound::Stop)));
        let (second, told_second) = crossbeam_channel::unbounded();
        stop.tell(second);
        assert!(matches!(told_second.try_recv(), Ok(Inbound::Stop)));
        assert!(stop.wait(Duration::from_secs(60)));
    }
}
