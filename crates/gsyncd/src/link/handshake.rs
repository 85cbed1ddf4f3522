//! Two hellos before the first frame.

use gsyncd_core::wire::hello::{BANNER_LIMIT_BYTES, Hello, LENGTH, MAGIC};
use std::fmt;
use std::io::{self, Read, Write};

/// Why the two sides cannot talk.
#[derive(Debug)]
pub enum HandshakeError {
    /// The stream failed or ended; with what the other side said instead of a hello, escaped.
    Ended {
        /// Text before the end, if any.
        said: String,
        /// The failure of the stream; None when it just ended.
        error: Option<io::Error>,
    },
    /// Too much text before the hello.
    Banner(String),
    /// No protocol version in common.
    Versions {
        /// What we speak.
        ours: Hello,
        /// What they speak.
        theirs: Hello,
    },
}

impl fmt::Display for HandshakeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            HandshakeError::Ended { said, error } => {
                write!(f, "the other side left before its hello")?;
                if let Some(error) = error {
                    write!(f, " ({error})")?;
                }
                if said.is_empty() { Ok(()) } else { write!(f, "; it said: {said}") }
            }
            HandshakeError::Banner(said) => write!(f, "no gsyncd answered; the other side said: {said}"),
            HandshakeError::Versions { ours, theirs } => write!(
                f,
                "no protocol version in common: {} to {} here, {} to {} there",
                ours.oldest, ours.newest, theirs.oldest, theirs.newest
            ),
        }
    }
}

impl std::error::Error for HandshakeError {}

/// What came of a handshake.
#[derive(Debug, PartialEq, Eq)]
pub struct Met {
    /// The protocol version both speak.
    pub version: u16,
    /// What a login shell printed before; empty as a rule.
    pub banner: Vec<u8>,
}

/// Says hello and waits for the other side's.
///
/// # Errors
/// [`HandshakeError`].
pub fn meet(input: &mut impl Read, output: &mut impl Write) -> Result<Met, HandshakeError> {
    let ours = Hello::ours();
    let sent = output.write_all(&ours.encode()).and_then(|()| output.flush());
    let banner = match read_to_magic(input) {
        Ok(banner) => banner,
        // what the other side said before it left explains more than a broken pipe
        Err(HandshakeError::Ended { said, error }) => {
            return Err(HandshakeError::Ended { said, error: error.or(sent.err()) });
        }
        Err(other) => return Err(other),
    };
    let mut rest = [0; LENGTH - MAGIC.len()];
    input
        .read_exact(&mut rest)
        .map_err(|error| HandshakeError::Ended { said: String::new(), error: Some(error) })?;
    let theirs = Hello::decode_after_magic(&rest).unwrap_or(Hello { oldest: 0, newest: 0, features: 0 });
    match ours.common(theirs) {
        Some(version) => Ok(Met { version, banner }),
        None => Err(HandshakeError::Versions { ours, theirs }),
    }
}

/// Reads up to and with the magic, one byte at a time so that nothing behind it is taken.
fn read_to_magic(input: &mut impl Read) -> Result<Vec<u8>, HandshakeError> {
    let mut seen = Vec::new();
    let mut byte = [0];
    loop {
        match input.read(&mut byte) {
            Ok(0) => return Err(HandshakeError::Ended { said: text(&seen), error: None }),
            Ok(_) => seen.extend_from_slice(&byte),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(HandshakeError::Ended { said: text(&seen), error: Some(error) }),
        }
        if seen.ends_with(&MAGIC) {
            seen.truncate(seen.len() - MAGIC.len());
            return Ok(seen);
        }
        if seen.len() > BANNER_LIMIT_BYTES {
            return Err(HandshakeError::Banner(text(&seen)));
        }
    }
}

/// The last part of what was said, on one line.
fn text(said: &[u8]) -> String {
    let tail = said.get(said.len().saturating_sub(1000)..).unwrap_or_default();
    String::from_utf8_lossy(tail).trim().escape_debug().to_string()
}

#[cfg(test)]
mod tests {
    use super::{HandshakeError, Met, meet};
    use gsyncd_core::wire::hello::Hello;

    #[test]
    fn a_banner_is_passed_over_and_reported() {
        let mut input = b"Welcome to host\n".to_vec();
        input.extend_from_slice(&Hello::ours().encode());
        input.extend_from_slice(b"after");
        let mut rest = &input[..];
        let met = meet(&mut rest, &mut Vec::new()).unwrap();
        assert_eq!(met, Met { version: 1, banner: b"Welcome to host\n".to_vec() });
        assert_eq!(rest, b"after");
    }

    #[test]
    fn what_was_said_instead_is_in_the_error() {
        let error = meet(&mut &b"Permission denied\n"[..], &mut Vec::new()).unwrap_err();
        assert!(matches!(&error, HandshakeError::Ended { .. }));
        assert!(error.to_string().contains("Permission denied"), "{error}");
    }
}
