//! Waiting for file descriptors with a bound.

use std::os::fd::BorrowedFd;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

use crate::{Error, Result};

/// Waits until one of `fds` has data, an end of file or an error, or `timeout` has passed (`None`: for ever).
///
/// The answer has one flag per descriptor, in order; all are false after a timeout.
///
/// # Errors
/// What `poll` says but EINTR, which is waited through.
pub fn wait_readable(fds: &[BorrowedFd<'_>], timeout: Option<Duration>) -> Result<Vec<bool>> {
    let deadline = timeout.and_then(|wait| Instant::now().checked_add(wait));
    let mut polled: Vec<PollFd<'_>> =
        fds.iter().map(|fd| PollFd::from_borrowed_fd(*fd, PollFlags::IN)).collect();
    loop {
        let left = deadline.map(|at| timespec(at.saturating_duration_since(Instant::now())));
        match poll(&mut polled, left.as_ref()) {
            Ok(_) => return Ok(polled.iter().map(|fd| !fd.revents().is_empty()).collect()),
            Err(Errno::INTR) => {}
            Err(errno) => return Err(Error::new("poll", b"", errno)),
        }
    }
}

/// True when `fd` became readable (or reached its end) within `timeout`.
///
/// # Errors
/// As [`wait_readable`].
pub fn is_readable(fd: BorrowedFd<'_>, timeout: Duration) -> Result<bool> {
    Ok(wait_readable(&[fd], Some(timeout))?.contains(&true))
}

fn timespec(left: Duration) -> Timespec {
    Timespec {
        tv_sec: i64::try_from(left.as_secs()).unwrap_or(i64::MAX),
        tv_nsec: left.subsec_nanos().into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Write, pipe};
    use std::os::fd::AsFd;

    #[test]
    fn tells_which_one_is_readable() {
        let (quiet, _quiet_writer) = pipe().unwrap();
        let (loud, mut loud_writer) = pipe().unwrap();
        loud_writer.write_all(b"x").unwrap();
        let ready = wait_readable(&[quiet.as_fd(), loud.as_fd()], None).unwrap();
        assert_eq!(ready, [false, true]);
    }

    #[test]
    fn end_of_file_is_readable_and_silence_times_out() {
        let (reader, writer) = pipe().unwrap();
        assert!(!is_readable(reader.as_fd(), Duration::from_millis(5)).unwrap());
        drop(writer);
        assert!(is_readable(reader.as_fd(), Duration::from_secs(5)).unwrap());
    }
}
