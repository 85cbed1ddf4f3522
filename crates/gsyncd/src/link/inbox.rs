//! Where a secondary's requests come from, whatever carries them.

use super::frames::{self, FrameError};
use gsyncd_core::wire::message::Request;
use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// The near end of the way from the primary.
pub trait Requests: Send {
    /// Waits for the next request.
    ///
    /// # Errors
    /// [`FrameError::End`] when the primary left between two requests; after any error there is no more.
    fn next(&mut self) -> Result<Request, FrameError>;

    /// A count that grows while anything arrives, also within a request, so that a long one on a slow link is no
    /// silence.
    fn heard(&self) -> Arc<AtomicU64> {
        Arc::default()
    }
}

/// Requests in frames on a byte stream.
pub struct Framed<R> {
    input: Counted<R>,
}

impl<R: Read> Framed<R> {
    /// Reads from a stream that has shaken hands.
    pub fn new(input: R) -> Framed<R> {
        Framed { input: Counted { input, heard: Arc::default() } }
    }
}

impl<R: Read + Send> Requests for Framed<R> {
    fn next(&mut self) -> Result<Request, FrameError> {
        frames::read(&mut self.input)
    }

    fn heard(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.input.heard)
    }
}

/// Counts what is read.
struct Counted<R> {
    input: R,
    heard: Arc<AtomicU64>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.input.read(buffer)?;
        self.heard.fetch_add(1, Ordering::Relaxed);
        Ok(count)
    }
}
