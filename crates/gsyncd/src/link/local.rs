//! The link between two sides in one process: requests change hands as they are, nothing is encoded or copied.
//!
//! Bounded in bytes and in count. It ends in both directions: what is sent after the server left fails, and the
//! server reads the end when the primary dropped its [`LocalOutbox`].

use super::frames::FrameError;
use super::inbox::Requests;
use super::outbox::Outbox;
use gsyncd_core::truth::{Batch, Object};
use gsyncd_core::wire::message::Request;
use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

/// How many bytes wait at most; one request may exceed it.
const LIMIT_BYTES: usize = 8 * 1024 * 1024;
/// How many requests wait at most.
const LIMIT_COUNT: usize = 1024;
/// What a request, a name or an object takes beside its content, about.
const ITEM_BYTES: usize = 256;

/// Both ends of a new link: the primary's and the server's.
#[must_use]
pub fn pair() -> (LocalOutbox, LocalRequests) {
    let shared = Arc::new(Shared::default());
    (LocalOutbox { shared: Arc::clone(&shared) }, LocalRequests { shared })
}

/// The primary's end.
pub struct LocalOutbox {
    shared: Arc<Shared>,
}

/// The server's end.
pub struct LocalRequests {
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Request>,
    bytes: usize,
    over: bool,
}

impl State {
    fn is_full(&self) -> bool {
        self.bytes >= LIMIT_BYTES || self.waiting.len() >= LIMIT_COUNT
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'a>(&self, state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        self.changed.wait(state).unwrap_or_else(PoisonError::into_inner)
    }

    fn end(&self) {
        self.lock().over = true;
        self.changed.notify_all();
    }
}

impl Outbox for LocalOutbox {
    fn send(&self, request: Request) -> io::Result<()> {
        let mut state = self.shared.lock();
        while state.is_full() && !state.over {
            state = self.shared.wait(state);
        }
        if state.over {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        state.bytes += cost(&request);
        state.waiting.push_back(request);
        self.shared.changed.notify_all();
        Ok(())
    }
}

impl Requests for LocalRequests {
    fn next(&mut self) -> Result<Request, FrameError> {
        let mut state = self.shared.lock();
        loop {
            if let Some(request) = state.waiting.pop_front() {
                state.bytes = state.bytes.saturating_sub(cost(&request));
                self.shared.changed.notify_all();
                return Ok(request);
            }
            if state.over {
                return Err(FrameError::End);
            }
            state = self.shared.wait(state);
        }
    }
}

impl Drop for LocalOutbox {
    fn drop(&mut self) {
        self.shared.end();
    }
}

impl Drop for LocalRequests {
    fn drop(&mut self) {
        self.shared.end();
    }
}

/// About how much memory a request takes, in bytes.
fn cost(request: &Request) -> usize {
    ITEM_BYTES
        + match request {
            Request::Batch(batch) => batch_cost(batch),
            Request::Data { bytes, .. } => bytes.len(),
            _ => 0,
        }
}

fn batch_cost(batch: &Batch) -> usize {
    let items = batch.names.len() + batch.objects.len() + batch.dead.len() + batch.audit.len();
    items * ITEM_BYTES + batch.objects.iter().map(object_cost).sum::<usize>()
}

fn object_cost(object: &Object) -> usize {
    let xattrs = object.xattrs.iter().flatten().map(|xattr| xattr.key.len() + xattr.value.len());
    object.body.carried_bytes() + xattrs.sum::<usize>()
}

#[cfg(test)]
mod tests {
    use super::{LIMIT_BYTES, pair};
    use crate::link::frames::FrameError;
    use crate::link::inbox::Requests;
    use crate::link::outbox::Outbox;
    use gsyncd_core::wire::message::Request;
    use std::sync::atomic::{AtomicUsize, Ordering};

    fn data(length: usize) -> Request {
        Request::Data { transfer: 1, offset: 0, bytes: vec![0; length].into() }
    }

    #[test]
    fn what_waits_is_bounded_and_nothing_is_lost() {
        let (outbox, mut requests) = pair();
        let sent = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                for _ in 0..40 {
                    outbox.send(data(LIMIT_BYTES / 4)).unwrap();
                    sent.fetch_add(1, Ordering::SeqCst);
                }
            });
            for received in 0..40 {
                assert_eq!(requests.next().unwrap(), data(LIMIT_BYTES / 4));
                assert!(sent.load(Ordering::SeqCst) <= received + 1 + 4);
            }
        });
    }

    #[test]
    fn each_end_learns_that_the_other_left() {
        let (outbox, mut requests) = pair();
        outbox.send(Request::KeepAlive).unwrap();
        drop(outbox);
        assert_eq!(requests.next().unwrap(), Request::KeepAlive);
        assert!(matches!(requests.next(), Err(FrameError::End)));
        let (outbox, requests) = pair();
        std::thread::scope(|scope| {
            let blocked = scope.spawn(|| (0..10).try_for_each(|_| outbox.send(data(LIMIT_BYTES))));
            drop(requests);
            assert!(blocked.join().unwrap().is_err());
        });
    }
}
