//! Signals as something to poll, and sending them.

use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

use rustix::process::Pid;
pub use rustix::process::Signal;

use crate::lock::last_errno;
use crate::{Error, Result};

/// Signals that no longer interrupt this process but can be read from a descriptor.
#[derive(Debug)]
pub struct SignalFd {
    fd: OwnedFd,
}

impl SignalFd {
    /// Blocks `signals` and makes them readable.
    ///
    /// Call it before any thread is started: the mask is per thread, and new threads inherit it. Children inherit
    /// it too; [`crate::child::prepare`] gives them an empty one.
    ///
    /// # Errors
    /// What `sigprocmask` or `signalfd` say.
    pub fn block(signals: &[Signal]) -> Result<SignalFd> {
        let mut set = MaybeUninit::<libc::sigset_t>::uninit();
        // SAFETY: sigemptyset initialises the whole set before anything reads it; sigaddset and pthread_sigmask get a
        // pointer to this live, initialised set; the old mask is not asked for.
        let answer = unsafe {
            libc::sigemptyset(set.as_mut_ptr());
            for signal in signals {
                libc::sigaddset(set.as_mut_ptr(), signal.as_raw());
            }
            libc::pthread_sigmask(libc::SIG_BLOCK, set.as_ptr(), std::ptr::null_mut())
        };
        if answer != 0 {
            return Err(Error::new("pthread_sigmask", b"", rustix::io::Errno::from_raw_os_error(answer)));
        }
        // SAFETY: the set was initialised above; -1 asks for a new descriptor.
        let raw = unsafe { libc::signalfd(-1, set.as_ptr(), libc::SFD_CLOEXEC | libc::SFD_NONBLOCK) };
        if raw < 0 {
            return Err(Error::new("signalfd", b"", last_errno()));
        }
        // SAFETY: signalfd just returned this descriptor; nothing else owns it.
        Ok(SignalFd { fd: unsafe { OwnedFd::from_raw_fd(raw) } })
    }

    /// The next pending signal number, `None` when there is none now.
    ///
    /// # Errors
    /// What `read` says but EAGAIN.
    pub fn next(&self) -> Result<Option<i32>> {
        let mut info = MaybeUninit::<libc::signalfd_siginfo>::uninit();
        let size = size_of::<libc::signalfd_siginfo>();
        // SAFETY: the buffer is `size` bytes long and writable; the kernel writes whole records only.
        let got = unsafe { libc::read(self.fd.as_raw_fd(), info.as_mut_ptr().cast(), size) };
        if usize::try_from(got) == Ok(size) {
            // SAFETY: the kernel filled the whole structure, which is plain integers.
            let number = unsafe { info.assume_init() }.ssi_signo;
            return Ok(i32::try_from(number).ok());
        }
        match last_errno() {
            rustix::io::Errno::AGAIN | rustix::io::Errno::INTR => Ok(None),
            errno => Err(Error::new("read", b"signalfd", errno)),
        }
    }
}

impl AsFd for SignalFd {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

/// Whether `signal` is ignored, as `nohup` and shells without job control leave it for those they start. Once it is
/// blocked it would be read from a [`SignalFd`] all the same: ask first.
#[must_use]
pub fn is_ignored(signal: Signal) -> bool {
    let mut action = MaybeUninit::<libc::sigaction>::uninit();
    // SAFETY: a null new action only asks; the pointer is to a live, writable structure that the call fills.
    let answer = unsafe { libc::sigaction(signal.as_raw(), std::ptr::null(), action.as_mut_ptr()) };
    // SAFETY: the structure is read only when the call has filled it.
    answer == 0 && unsafe { action.assume_init() }.sa_sigaction == libc::SIG_IGN
}

/// Sends `signal` to every process of the group that `leader` leads (`kill(-leader, …)`).
///
/// # Errors
/// What `kill` says; ESRCH when the group is gone.
pub fn kill_group(leader: i32, signal: Signal) -> Result<()> {
    let pid = positive(leader)?;
    rustix::process::kill_process_group(pid, signal)
        .map_err(|errno| Error::new("kill", b"process group", errno))
}

/// Sends `signal` to one process. A pid can be reused: prefer [`crate::child::Watched::signal`] for children.
///
/// # Errors
/// What `kill` says; ESRCH when it is gone.
pub fn kill_process(pid: i32, signal: Signal) -> Result<()> {
    rustix::process::kill_process(positive(pid)?, signal)
        .map_err(|errno| Error::new("kill", b"process", errno))
}

/// Whether a process (or zombie) with this pid exists.
#[must_use]
pub fn is_process(pid: i32) -> bool {
    Pid::from_raw(pid)
        .is_some_and(|pid| rustix::process::test_kill_process(pid) != Err(rustix::io::Errno::SRCH))
}

/// Whether this process leads its process group.
#[must_use]
pub fn leads_own_group() -> bool {
    rustix::process::getpgrp() == rustix::process::getpid()
}

/// Sends `signal` to the caller's process group, the caller included.
///
/// # Errors
/// What `kill` says.
pub fn signal_own_group(signal: Signal) -> Result<()> {
    rustix::process::kill_current_process_group(signal)
        .map_err(|errno| Error::new("kill", b"own process group", errno))
}

/// Stops this process, all its threads, until it gets SIGCONT.
///
/// The signal goes to the calling thread: one to the process may be taken by another thread after `kill` has returned.
///
/// # Errors
/// What `raise` says.
pub fn stop_here() -> Result<()> {
    // SAFETY: raise has no preconditions.
    if unsafe { libc::raise(libc::SIGSTOP) } == 0 {
        Ok(())
    } else {
        Err(Error::new("raise", b"", last_errno()))
    }
}

fn positive(pid: i32) -> Result<Pid> {
    // 0, 1 and negative numbers have meanings of their own for kill: never what a pid file should reach.
    Some(pid)
        .filter(|pid| *pid > 1)
        .and_then(Pid::from_raw)
        .ok_or_else(|| Error::new("kill", b"bad pid", rustix::io::Errno::INVAL))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_blocked_signal_is_read_once() {
        // SIGUSR2 to this very thread, so that the other tests of the process are not disturbed.
        let signals = SignalFd::block(&[Signal::USR2]).unwrap();
        assert_eq!(signals.next().unwrap(), None);
        // SAFETY: the current thread is alive and the signal is blocked in it.
        assert_eq!(unsafe { libc::pthread_kill(libc::pthread_self(), libc::SIGUSR2) }, 0);
        assert!(crate::poll::is_readable(signals.as_fd(), Duration::from_secs(5)).unwrap());
        assert_eq!(signals.next().unwrap(), Some(libc::SIGUSR2));
        assert_eq!(signals.next().unwrap(), None);
    }

    #[test]
    fn what_is_ignored_is_known() {
        // Rust's runtime ignores SIGPIPE before main
        assert!(is_ignored(Signal::PIPE) && !is_ignored(Signal::USR1));
    }

    #[test]
    fn never_signals_everybody() {
        for pid in [-5, -1, 0, 1] {
            assert_eq!(kill_group(pid, Signal::TERM).unwrap_err().errno, rustix::io::Errno::INVAL);
        }
        assert!(is_process(i32::try_from(std::process::id()).unwrap()));
    }
}
