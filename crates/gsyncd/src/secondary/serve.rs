//! The secondary's end of the link: says hello, applies batches one after another, receives transfers
//! beside them, and ends with the link.

#[cfg(test)]
mod tests;

use super::apply::Engine;
use crate::link::frames::{self, FrameError, FrameWriter};
use crate::link::handshake::{self, HandshakeError};
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
    /// Threads for a batch.
    pub threads: usize,
    /// Without a word from the primary for this long it is taken for dead; None: wait for ever.
    pub timeout: Option<Duration>,
}

impl Default for ServeOptions {
    fn default() -> ServeOptions {
        ServeOptions { threads: Engine::DEFAULT_THREADS, timeout: Some(Duration::from_secs(120)) }
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
            ServeError::Start(error) => write!(f, "cannot start a thread: {error}"),
        }
    }
}

impl std::error::Error for ServeError {}

/// Serves one primary until it leaves (Ok) or something breaks. Work under way when this returns goes on in
/// its threads until the process ends: the caller ends it at once.
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
    let writer = Arc::new(FrameWriter::new(output));
    let say: Say = Arc::new(move |reply| {
        // a link that cannot be written to ends its reader too
        let _ = writer.write(&reply);
    });
    let opened = Engine::open(Arc::clone(&tree), options.threads)
        .and_then(|engine| Ok((engine, tree.is_empty()?)))
        .map_err(|error| tell_fatal(&say, error));
    let (engine, empty) = opened?;
    say(Reply::Welcome(Welcome {
        empty,
        version: env!("CARGO_PKG_VERSION").as_bytes().into(),
        ..Welcome::default()
    }));
    let (ended, ends) = bounded(2);
    let (batches, queue) = bounded(BATCHES_WAITING);
    let pulse = Arc::new(Pulse::default());
    start("apply", ended.clone(), {
        let say = Arc::clone(&say);
        move || execute(&engine, &queue, &say)
    })?;
    start("link-reader", ended, {
        let pulse = Arc::clone(&pulse);
        move || listen(&mut input, &batches, Receiver::new(tree, Arc::clone(&say)), &say, &pulse)
    })?;
    await_end(&ends, &pulse, options.timeout)
}

/// Sends a reply to the primary.
type Say = Arc<dyn Fn(Reply) + Send + Sync>;
/// How a thread ended.
type End = Result<(), ServeError>;

/// Starts a thread that reports its end.
fn start(name: &str, ended: Sender<End>, work: impl FnOnce() -> End + Send + 'static) -> End {
    let run = move || {
        let _ = ended.send(work());
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
            recv(ends) -> end => return end.unwrap_or(Ok(())),
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

/// Applies batches in the order in which they come.
fn execute(engine: &Engine, queue: &Inbox<Batch>, say: &Say) -> End {
    for batch in queue {
        match engine.apply(&batch) {
            Ok(answer) => say(Reply::Answer(answer)),
            Err(error) => return Err(tell_fatal(say, error)),
        }
    }
    // the reader ended first, and says why
    std::thread::park();
    Ok(())
}

/// Reads requests until the link ends.
fn listen(
    input: &mut impl Read,
    batches: &Sender<Batch>,
    mut receiver: Receiver,
    say: &Say,
    pulse: &Pulse,
) -> End {
    let mut input = Counted { input, pulse };
    loop {
        let request = match frames::read::<Request>(&mut input) {
            Ok(request) => request,
            Err(FrameError::End) => return Ok(()),
            Err(error) => return Err(ServeError::Link(error)),
        };
        pulse.busy.store(true, Ordering::Relaxed);
        match request {
            Request::Batch(batch) => {
                if batches.send(batch).is_err() {
                    // the engine ended, and says why
                    return Ok(());
                }
            }
            Request::Open { transfer, gfid, size: _ } => receiver.open(transfer, gfid),
            Request::Data { transfer, offset, bytes } => {
                receiver.step(transfer, Step::Data { offset, bytes })
            }
            Request::Hole { transfer, offset, length } => {
                receiver.step(transfer, Step::Hole { offset, length })
            }
            Request::Close { transfer, size, hash, object } => {
                receiver.step(transfer, Step::Close { size, hash, object: Box::new(object) });
            }
            Request::Abandon { transfer } => receiver.abandon(transfer),
            Request::KeepAlive => say(Reply::KeepAlive),
            Request::Sync => say(Reply::Synced { generation: 0 }),
        }
        pulse.busy.store(false, Ordering::Relaxed);
        pulse.heard.fetch_add(1, Ordering::Relaxed);
    }
}

/// Signs of the primary's life.
#[derive(Default)]
struct Pulse {
    /// Grows with everything heard.
    heard: AtomicU64,
    /// The reader works on what it heard instead of listening.
    busy: AtomicBool,
}

/// Counts what is heard, so that a long frame on a slow link is no silence.
struct Counted<'a, R> {
    input: &'a mut R,
    pulse: &'a Pulse,
}

impl<R: Read> Read for Counted<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = self.input.read(buffer)?;
        self.pulse.heard.fetch_add(1, Ordering::Relaxed);
        Ok(count)
    }
}
