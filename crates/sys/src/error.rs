//! The one error of this crate.

use std::fmt;

/// A system call that failed: which one, on what, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    /// Name of the system call, as in its manual page.
    pub call: &'static str,
    /// The path or object it was made on, escaped for printing; empty when there is none.
    pub path: String,
    /// The errno.
    pub errno: rustix::io::Errno,
}

/// Result of a system call.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// Builds an error; `path` is escaped so that it prints on one line.
    #[must_use]
    pub fn new(call: &'static str, path: &[u8], errno: rustix::io::Errno) -> Error {
        Error { call, path: path.escape_ascii().to_string(), errno }
    }

    /// The raw errno value.
    #[must_use]
    pub fn raw(&self) -> i32 {
        self.errno.raw_os_error()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let reason = std::io::Error::from_raw_os_error(self.raw());
        if self.path.is_empty() {
            write!(f, "{}: {reason}", self.call)
        } else {
            write!(f, "{} {}: {reason}", self.call, self.path)
        }
    }
}

impl std::error::Error for Error {}
