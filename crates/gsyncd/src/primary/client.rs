//! The primary's end of the link: writes requests, listens for replies, proves that it lives.

use super::send::Inbound;
use crate::link::frames::{self, FrameWriter};
use crate::link::outbox::Outbox;
use crossbeam_channel::Sender;
use gsyncd_core::wire::message::{Reply, Request};
use std::io::{Read, Write};
use std::sync::Arc;
use std::time::Duration;

/// How often the primary proves that it lives. Well below the secondary's shortest sensible timeout.
const KEEP_ALIVE_PERIOD: Duration = Duration::from_secs(20);

/// Where requests are written.
pub struct LinkOutbox<W> {
    writer: FrameWriter<W>,
}

impl<W: Write + Send> LinkOutbox<W> {
    /// Writes to a stream that has shaken hands.
    pub fn new(output: W) -> LinkOutbox<W> {
        LinkOutbox { writer: FrameWriter::new(output) }
    }
}

impl<W: Write + Send> Outbox for LinkOutbox<W> {
    fn send(&self, request: Request) -> std::io::Result<()> {
        self.writer.write(&request)
    }
}

/// Starts the thread that hands on every reply until the link ends; `last_words` explains the end.
///
/// # Errors
/// When the thread cannot be started.
pub fn listen(
    mut input: impl Read + Send + 'static,
    inbox: Sender<Inbound>,
    last_words: impl Fn() -> String + Send + 'static,
) -> std::io::Result<()> {
    std::thread::Builder::new().name("link-reader".into()).spawn(move || {
        loop {
            let inbound = match frames::read::<Reply>(&mut input) {
                Ok(reply) => Inbound::Reply(reply),
                Err(error) => Inbound::Lost(format!("{error} {}", last_words()).trim_end().to_owned()),
            };
            let over = matches!(inbound, Inbound::Lost(_));
            if inbox.send(inbound).is_err() || over {
                return;
            }
        }
    })?;
    Ok(())
}

/// Starts the thread that keeps the secondary from taking silence for death. It ends with the link.
///
/// # Errors
/// When the thread cannot be started.
pub fn keep_alive(outbox: Arc<dyn Outbox>) -> std::io::Result<()> {
    std::thread::Builder::new().name("keep-alive".into()).spawn(move || {
        loop {
            std::thread::sleep(KEEP_ALIVE_PERIOD);
            if outbox.send(Request::KeepAlive).is_err() {
                return;
            }
        }
    })?;
    Ok(())
}
