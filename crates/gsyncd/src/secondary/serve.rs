//! The secondary's end of the link: says hello, applies batches one after another, receives transfers
//! beside them, and ends with the link.

#[cfg(test)]
mod tests;

use super::apply::Engine;
use crate::link::frames::{FrameError, FrameWriter};
use crate::link::handshake::{self, HandshakeError};
use crate::link::inbox::{Framed, Requests};
use crate::transfer::native::receive::{Receiver, Step};
use crate::tree::Tree;
use crossbeam_channel::{Receiver as Inbox, Sender, bounded, never, select, tick};
use gsyncd_core::truth::Batch;
use gsyncd_core::wire::message::{Reply, Request, Welcome};
use std::fmt;
use std::io::{Read, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// How many batches wait for the engine before the link's reader does.
const BATCHES_WAITING: usize = 4;

/// How a secondary serves.
#[derive(Clone, Debug)]
pub struct ServeOptions {
    /// Without a word from the primary for this long it is taken for dead; None: wait for ever.
    pub timeout: Option<Duration>,
}

impl Default for ServeOptions {
    fn default() -> ServeOptions {
        ServeOptions { timeout: Some(Duration::from_secs(120)) }
    }
}

/// Why a secondary ended other than by the primary's leaving.
#[derive(Debug)]
pub enum ServeError {
    /// No common language.
    Handshake(HandshakeError),
    /// The link failed or carried nonsense.
    Link(FrameError),
    /// The tree is of no more use; the primary was told.
    Tree(gsyncd_sys::Error),
    /// Nothing came for this long.
    Silence(Duration),
    /// A thread ended without a word: it panicked.
    Broken,
    /// A thread could not be started.
    Start(std::io::Error),
}

impl fmt::Display for ServeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ServeError::Handshake(error) => write!(f, "{error}"),
            ServeError::Link(error) => write!(f, "link: {error}"),
            ServeError::Tree(error) => write!(f, "tree: {error}"),
            ServeError::Silence(time) => write!(f, "nothing from the primary for {} seconds", time.as_secs()),
            ServeError::Broken => write!(f, "a thread broke"),
            ServeError::Start(error) => write!(f, "cannot start a thread: {error}"),
        }
    }
}

impl std::error::Error for ServeError {}

/// Serves one primary over a byte stream until it leaves (Ok) or something breaks. Work under way when this returns
/// goes on in its threads until the process ends: the caller ends it at once.
///
/// # Errors
/// [`ServeError`].
pub fn serve(
    mut input: impl Read + Send + 'static,
    mut output: impl Write + Send + 'static,
    tree: Arc<dyn Tree>,
    options: &ServeOptions,
) -> Result<(), ServeError> {
    handshake::meet(&mut input, &mut output).map_err(ServeError::Handshake)?;
    let writer = FrameWriter::new(output);
    let say: Say = Arc::new(move |reply| {
        // a link that cannot be written to ends its reader too
        let _ = writer.write(&reply);
    });
    serve_messages(Framed::new(input), &say, tree, options)
}

/// As [`serve`], whatever carries the messages: requests come from `requests`, replies go to `say`, from many threads.
/// Threads that still work when this returns let go of the tree when they are done.
///
/// # Errors
/// [`ServeError`].
pub fn serve_messages(
    mut requests: impl Requests + 'static,
    say: &Say,
    tree: Arc<dyn Tree>,
    options: &ServeOptions,
) -> Result<(), ServeError> {
    let engine = welcome(&tree, say).map_err(|error| tell_fatal(say, error))?;
    let (ended, ends) = bounded(2);
    let (work, queue) = bounded(BATCHES_WAITING);
    let pulse = Arc::new(Pulse { heard: requests.heard(), busy: AtomicBool::new(false) });
    start("apply", ended.clone(), {
        let (say, tree) = (Arc::clone(say), Arc::clone(&tree));
        move || execute(&engine, &*tree, &queue, &say)
    })?;
    start("link-reader", ended, {
        let (say, pulse) = (Arc::clone(say), Arc::clone(&pulse));
        move || listen(&mut requests, &work, Receiver::new(tree, Arc::clone(&say)), &say, &pulse)
    })?;
    await_end(&ends, &pulse, options.timeout)
}

/// Sends a reply to the primary.
pub type Say = Arc<dyn Fn(Reply) + Send + Sync>;
/// How a thread ended.
type End = Result<(), ServeError>;

/// What the engine does, in the order in which it was asked for.
enum Work {
    Batch(Batch),
    /// Makes everything before it durable.
    Sync,
}

/// Opens the engine and tells the primary about the tree.
fn welcome(tree: &Arc<dyn Tree>, say: &Say) -> gsyncd_sys::Result<Engine> {
    let engine = Engine::open(Arc::clone(tree), tree.parallelism())?;
    say(Reply::Welcome(Welcome {
        empty: tree.is_empty()?,
        version: env!("CARGO_PKG_VERSION").as_bytes().into(),
        copy: tree.copy(),
        generation: tree.generation(),
    }));
    Ok(engine)
}

/// Starts a thread that reports how it ended, unless another one has to.
fn start(name: &str, ended: Sender<End>, work: impl FnOnce() -> Option<End> + Send + 'static) -> End {
    let run = move || {
        if let Some(end) = work() {
            let _ = ended.send(end);
        }
    };
    std::thread::Builder::new().name(name.into()).spawn(run).map_err(ServeError::Start)?;
    Ok(())
}

/// Tells the primary that nothing works any more.
fn tell_fatal(say: &Say, error: gsyncd_sys::Error) -> ServeError {
    say(Reply::Fatal(error.to_string().into_bytes().into()));
    ServeError::Tree(error)
}

/// Waits for the first thread to end, or for too long a silence.
fn await_end(ends: &Inbox<End>, pulse: &Pulse, timeout: Option<Duration>) -> End {
    let ticks = timeout.map_or_else(never, |timeout| tick((timeout / 4).max(Duration::from_millis(10))));
    let (mut last, mut since) = (0, Instant::now());
    loop {
        select! {
            recv(ends) -> end => return end.unwrap_or(Err(ServeError::Broken)),
            recv(ticks) -> _ => {
                let now = pulse.heard.load(Ordering::Relaxed);
                // while the reader waits for the engine the silence is ours
                if now != last || pulse.busy.load(Ordering::Relaxed) {
                    (last, since) = (now, Instant::now());
                } else if let Some(timeout) = timeout.filter(|timeout| since.elapsed() >= *timeout) {
                    return Err(ServeError::Silence(timeout));
                }
            }
        }
    }
}

/// Does the work in the order in which it comes. None: the reader ended first, and says why.
fn execute(engine: &Engine, tree: &dyn Tree, queue: &Inbox<Work>, say: &Say) -> Option<End> {
    for work in queue {
        let done = match work {
            Work::Batch(batch) => engine.apply(&batch).map(Reply::Answer),
            Work::Sync => tree.sync().map(|generation| Reply::Synced { generation }),
        };
        match done {
            Ok(reply) => say(reply),
            Err(error) => return Some(Err(tell_fatal(say, error))),
        }
    }
    None
}

/// Reads requests until the link ends. None: the engine ended first, and says why.
fn listen(
    requests: &mut impl Requests,
    work: &Sender<Work>,
    mut receiver: Receiver,
    say: &Say,
    pulse: &Pulse,
) -> Option<End> {
    loop {
        let request = match requests.next() {
            Ok(request) => request,
            Err(FrameError::End) => return Some(Ok(())),
            Err(error) => return Some(Err(ServeError::Link(error))),
        };
        pulse.busy.store(true, Ordering::Relaxed);
        let queued = match request {
            Request::Batch(batch) => work.send(Work::Batch(batch)),
            // what was received before it is covered too: its end was answered before this was asked for
            Request::Sync => work.send(Work::Sync),
            Request::KeepAlive => {
                say(Reply::KeepAlive);
                Ok(())
            }
            other => {
                feed(&mut receiver, other);
                Ok(())
            }
        };
        if queued.is_err() {
            return None;
        }
        pulse.busy.store(false, Ordering::Relaxed);
        pulse.heard.fetch_add(1, Ordering::Relaxed);
    }
}

/// Hands the steps of transfers on.
fn feed(receiver: &mut Receiver, request: Request) {
    match request {
        Request::Open { transfer, gfid, size: _ } => receiver.open(transfer, gfid),
        Request::Data { transfer, offset, bytes } => receiver.step(transfer, Step::Data { offset, bytes }),
        Request::Hole { transfer, offset, length } => receiver.step(transfer, Step::Hole { offset, length }),
        Request::Close { transfer, size, hash, object } => {
            receiver.step(transfer, Step::Close { size, hash, object: Box::new(object) });
        }
        Request::Abandon { transfer } => receiver.abandon(transfer),
        Request::Batch(_) | Request::Sync | Request::KeepAlive => {}
    }
}

/// Signs of the primary's life.
struct Pulse {
    /// Grows with everything heard.
    heard: Arc<AtomicU64>,
    /// The reader works on what it heard instead of listening.
    busy: AtomicBool,
}
