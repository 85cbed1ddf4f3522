//! The last words of a child: a bounded end of its standard error, for error messages.

use gsyncd_core::url::place::shown;
use std::collections::VecDeque;
use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::ffi::OsStrExt as _;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

const LIMIT_BYTES: usize = 8 << 10;

#[derive(Debug, Default)]
struct Heard {
    bytes: VecDeque<u8>,
    is_over: bool,
}

/// What a stream said last; a thread reads it to its end, so that the child never blocks on a full pipe.
#[derive(Debug, Clone, Default)]
pub struct Tail {
    shared: Arc<(Mutex<Heard>, Condvar)>,
}

impl Tail {
    /// Starts reading. Without a thread to be had the tail stays empty: the stream is closed then.
    #[must_use]
    pub fn follow(stream: impl Read + Send + 'static) -> Tail {
        let tail = Tail::default();
        let reader = tail.clone();
        tail.start(move || reader.read_all(stream));
        tail
    }

    /// As [`Tail::follow`], but lines that `take` takes (it is given them without their ends) are not kept.
    #[must_use]
    pub fn follow_lines(
        stream: impl Read + Send + 'static,
        take: impl Fn(&[u8]) -> bool + Send + 'static,
    ) -> Tail {
        let tail = Tail::default();
        let reader = tail.clone();
        tail.start(move || reader.read_lines(BufReader::new(stream), &take));
        tail
    }

    fn start(&self, read: impl FnOnce() + Send + 'static) {
        if std::thread::Builder::new().name("stderr".to_owned()).spawn(read).is_err() {
            self.finish();
        }
    }

    /// The last lines, escaped for one line of a log. Waits a little for the end of the stream, which a grandchild may
    /// keep open after the child has gone.
    #[must_use]
    pub fn text(&self, patience: Duration) -> String {
        let (heard, ended) = &*self.shared;
        let heard = heard.lock().unwrap_or_else(PoisonError::into_inner);
        let answer = ended.wait_timeout_while(heard, patience, |heard| !heard.is_over);
        let (heard, _) = answer.unwrap_or_else(PoisonError::into_inner);
        let bytes: Vec<u8> = heard.bytes.iter().copied().collect();
        let lines: Vec<String> = bytes
            .trim_ascii()
            .split(|byte| *byte == b'\n')
            .map(|line| shown(OsStr::from_bytes(line.trim_ascii())))
            .collect();
        lines.join(" | ")
    }

    fn read_all(&self, mut stream: impl Read) {
        let mut buffer = [0; 4 << 10];
        loop {
            match stream.read(&mut buffer) {
                Ok(0) => break,
                Ok(length) => self.keep(buffer.get(..length).unwrap_or(&[])),
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(_) => break,
            }
        }
        self.finish();
    }

    fn read_lines(&self, mut stream: impl BufRead, take: &dyn Fn(&[u8]) -> bool) {
        let mut line = Vec::new();
        // a line without an end is taken in pieces
        while let Ok(1..) = stream.by_ref().take(LIMIT_BYTES as u64).read_until(b'\n', &mut line) {
            if !take(line.trim_ascii_end()) {
                self.keep(&line);
            }
            line.clear();
        }
        self.finish();
    }

    fn keep(&self, bytes: &[u8]) {
        let mut heard = self.shared.0.lock().unwrap_or_else(PoisonError::into_inner);
        heard.bytes.extend(bytes);
        let excess = heard.bytes.len().saturating_sub(LIMIT_BYTES);
        heard.bytes.drain(..excess);
    }

    fn finish(&self) {
        let (heard, ended) = &*self.shared;
        heard.lock().unwrap_or_else(PoisonError::into_inner).is_over = true;
        ended.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_the_end_on_one_line() {
        let mut said = vec![b'x'; 3 * LIMIT_BYTES];
        said.extend_from_slice(b"\nHost key\r\nfailed \xff\n");
        let text = Tail::follow(std::io::Cursor::new(said)).text(Duration::from_secs(10));
        assert!(text.ends_with("x | Host key | failed \\xff"), "{}", &text[text.len() - 60..]);
        assert!(text.len() < LIMIT_BYTES + 20);
    }

    #[test]
    fn lines_that_are_taken_are_not_kept() {
        let said = std::io::Cursor::new(b"motd\nWARN disk\nbash: gone".to_vec());
        let (sender, taken) = std::sync::mpsc::channel();
        let tail = Tail::follow_lines(said, move |line| {
            line.starts_with(b"WARN") && sender.send(line.to_vec()).is_ok()
        });
        assert_eq!(tail.text(Duration::from_secs(10)), "motd | bash: gone");
        assert_eq!(taken.recv().unwrap(), b"WARN disk");
    }

    #[test]
    fn does_not_wait_for_ever() {
        let (reader, _writer) = std::io::pipe().unwrap();
        assert_eq!(Tail::follow(reader).text(Duration::from_millis(5)), "");
    }
}
