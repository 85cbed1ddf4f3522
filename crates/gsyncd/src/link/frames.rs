//! Frames over a byte stream: length-limited, checksummed, one message each.

use gsyncd_core::wire::codec::{Code, Malformed};
use gsyncd_core::wire::{frame, message};
use std::fmt;
use std::io::{self, Read, Write};
use std::sync::{Mutex, PoisonError};

/// Why no message could be read.
#[derive(Debug)]
pub enum FrameError {
    /// The stream ended between two messages: the peer left.
    End,
    /// The stream failed, or ended inside a message.
    Io(io::Error),
    /// The peer sent something that is no message.
    Malformed(Malformed),
}

impl fmt::Display for FrameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FrameError::End => write!(f, "the peer left"),
            FrameError::Io(error) => write!(f, "{error}"),
            FrameError::Malformed(malformed) => write!(f, "{malformed}"),
        }
    }
}

impl std::error::Error for FrameError {}

impl From<Malformed> for FrameError {
    fn from(malformed: Malformed) -> FrameError {
        FrameError::Malformed(malformed)
    }
}

/// Reads one message.
///
/// # Errors
/// [`FrameError`]; after any of them the stream is of no more use.
pub fn read<T: Code>(input: &mut impl Read) -> Result<T, FrameError> {
    let mut header = [0; frame::HEADER_BYTES];
    match input.read(&mut header[..1]) {
        Ok(0) => return Err(FrameError::End),
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::Interrupted => return read(input),
        Err(error) => return Err(FrameError::Io(error)),
    }
    input.read_exact(&mut header[1..]).map_err(FrameError::Io)?;
    let (length, crc) = frame::parse_header(header)?;
    let mut payload = Vec::new();
    // grows as bytes arrive: a length alone makes us hold nothing
    let got = input.by_ref().take(length as u64).read_to_end(&mut payload).map_err(FrameError::Io)?;
    if got < length {
        return Err(FrameError::Io(io::ErrorKind::UnexpectedEof.into()));
    }
    frame::check(&payload, crc)?;
    Ok(message::decode(&payload)?)
}

/// Writes messages whole, from any thread.
pub struct FrameWriter<W> {
    output: Mutex<W>,
}

impl<W: Write> FrameWriter<W> {
    /// Writes to a stream.
    pub fn new(output: W) -> FrameWriter<W> {
        FrameWriter { output: Mutex::new(output) }
    }

    /// Writes one message and flushes it.
    ///
    /// # Errors
    /// When the stream fails, or the message is longer than a frame may be.
    pub fn write<T: Code>(&self, message: &T) -> io::Result<()> {
        let payload = message::encode(message);
        let header = frame::header(&payload).map_err(io::Error::other)?;
        // in one piece: ssh sends what it reads, and TCP keeps a second small packet back until the first is
        // acknowledged, which may take 40 ms
        let frame = [&header[..], &payload].concat();
        let mut output = self.output.lock().unwrap_or_else(PoisonError::into_inner);
        output.write_all(&frame)?;
        output.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::{FrameError, FrameWriter, read};
    use gsyncd_core::wire::message::Request;

    fn written() -> Vec<u8> {
        let mut bytes = Vec::new();
        FrameWriter::new(&mut bytes).write(&Request::Abandon { transfer: 7 }).unwrap();
        bytes
    }

    #[test]
    fn messages_come_back_and_the_end_is_told_from_a_cut() {
        let bytes = written();
        let mut input = &bytes[..];
        assert_eq!(read::<Request>(&mut input).unwrap(), Request::Abandon { transfer: 7 });
        assert!(matches!(read::<Request>(&mut input), Err(FrameError::End)));
        for cut in 1..bytes.len() {
            assert!(matches!(read::<Request>(&mut &bytes[..cut]), Err(FrameError::Io(_))), "cut at {cut}");
        }
    }

    /// Counts the writes that reach it.
    struct Counter(usize);

    impl std::io::Write for Counter {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0 += 1;
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_message_is_one_write() {
        let mut counter = Counter(0);
        FrameWriter::new(&mut counter).write(&Request::Abandon { transfer: 7 }).unwrap();
        assert_eq!(counter.0, 1);
    }

    #[test]
    fn a_flipped_bit_is_noticed() {
        let mut bytes = written();
        *bytes.last_mut().unwrap() ^= 1;
        assert!(matches!(read::<Request>(&mut &bytes[..]), Err(FrameError::Malformed(_))));
    }
}
