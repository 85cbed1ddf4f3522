//! What a child process has used, known when it is waited for.

use std::os::unix::process::ExitStatusExt;
use std::process::{Child, ExitStatus};
use std::time::Duration;

use crate::lock::last_errno;
use crate::{Errno, Error, Result};

/// How a child ended and what it has used, with all its descendants that were waited for.
#[derive(Clone, Copy, Debug)]
pub struct Usage {
    /// How it ended.
    pub status: ExitStatus,
    /// User and system time.
    pub processor: Duration,
    /// The largest resident set that one of the processes had, in bytes. The resident set of this process when it
    /// started the child is a lower bound: the kernel carries it over.
    pub peak_bytes: u64,
}

/// Waits until the child has ended.
///
/// # Errors
/// ECHILD when somebody else has waited for it.
pub fn wait(child: Child) -> Result<Usage> {
    let pid = libc::pid_t::try_from(child.id()).unwrap_or(-1);
    let path = pid.to_string();
    if pid <= 0 {
        return Err(Error::new("wait4", path.as_bytes(), Errno::CHILD));
    }
    let mut status = 0;
    // SAFETY: rusage is a plain structure of integers, for which zeroes are a valid value.
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    loop {
        // SAFETY: both pointers are of live local variables of the right types.
        if unsafe { libc::wait4(pid, &raw mut status, 0, &raw mut usage) } == pid {
            break;
        }
        match last_errno() {
            Errno::INTR => {}
            errno => return Err(Error::new("wait4", path.as_bytes(), errno)),
        }
    }
    Ok(Usage {
        status: ExitStatus::from_raw(status),
        processor: duration(usage.ru_utime) + duration(usage.ru_stime),
        peak_bytes: u64::try_from(usage.ru_maxrss).unwrap_or_default().saturating_mul(1024),
    })
}

fn duration(time: libc::timeval) -> Duration {
    let seconds = u64::try_from(time.tv_sec).unwrap_or_default();
    let microseconds = u64::try_from(time.tv_usec).unwrap_or_default();
    Duration::from_secs(seconds).saturating_add(Duration::from_micros(microseconds))
}

#[cfg(test)]
mod tests {
    use super::wait;
    use std::process::Command;
    use std::time::Duration;

    #[test]
    fn a_child_that_works_has_used_something() {
        let script = "i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done; exit 3";
        let usage = wait(Command::new("sh").args(["-c", script]).spawn().unwrap()).unwrap();
        assert_eq!(usage.status.code(), Some(3));
        assert!(usage.processor > Duration::from_millis(1), "{usage:?}");
        assert!(usage.peak_bytes > 100_000, "{usage:?}");
    }
}
