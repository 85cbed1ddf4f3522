//! The one error of the lab: a text for a person, with the place it came from.
use std::fmt;
use std::panic::Location;

/// What went wrong, for a person to read.
pub struct Failure(String);

/// The result of everything in the lab.
pub type Done<T = ()> = Result<T, Failure>;

impl Failure {
    /// A failure with this text; the caller's place in the source is added.
    #[track_caller]
    pub fn new(text: impl Into<String>) -> Self {
        Failure(format!("{}\n    at {}", text.into(), Location::caller()))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The same as `Display`: a test that returns `Err` is shown through `Debug`.
impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<String> for Failure {
    #[track_caller]
    fn from(text: String) -> Self {
        Failure::new(text)
    }
}

impl From<&str> for Failure {
    #[track_caller]
    fn from(text: &str) -> Self {
        Failure::new(text)
    }
}

impl From<std::io::Error> for Failure {
    #[track_caller]
    fn from(error: std::io::Error) -> Self {
        Failure::new(error.to_string())
    }
}

impl From<rustix::io::Errno> for Failure {
    #[track_caller]
    fn from(error: rustix::io::Errno) -> Self {
        Failure::new(error.to_string())
    }
}
