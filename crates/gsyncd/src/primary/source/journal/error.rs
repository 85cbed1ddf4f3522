//! Why a journal cannot be read.

use std::fmt;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// A failed system call on the journal.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct JournalError(gsyncd_sys::Error);

impl JournalError {
    pub(in crate::primary::source) fn new(
        call: &'static str,
        path: &Path,
        error: &std::io::Error,
    ) -> JournalError {
        let errno = gsyncd_sys::Errno::from_io_error(error).unwrap_or(gsyncd_sys::Errno::IO);
        JournalError(gsyncd_sys::Error::new(call, path.as_os_str().as_bytes(), errno))
    }
}

impl From<gsyncd_sys::Error> for JournalError {
    fn from(error: gsyncd_sys::Error) -> JournalError {
        JournalError(error)
    }
}

impl fmt::Display for JournalError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "changelog journal: {}", self.0)
    }
}

impl std::error::Error for JournalError {}
