//! Child processes: what `std::process` leaves out.
//!
//! `PR_SET_PDEATHSIG` is not offered on purpose: it follows the *thread* that forked, which ends before its process in a
//! threaded parent. A child that must not outlive its parent reads a pipe of it to the end.

use std::fmt;
use std::io::Read;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use rustix::process::{Pid, PidfdFlags, Signal};

use crate::lock::last_errno;
use crate::{Error, Result, poll};

/// Makes `command` start with an empty signal mask and with `inherited` open at the same numbers as here.
///
/// The descriptors stay close-on-exec in this process (so that no other child gets them by accident) and are closed
/// here when `command` is dropped.
pub fn prepare(command: &mut Command, inherited: Vec<OwnedFd>) {
    let hook = move || {
        for fd in &inherited {
            // SAFETY: the descriptor is owned by this closure, hence open; F_SETFD takes an integer.
            if unsafe { libc::fcntl(fd.as_raw_fd(), libc::F_SETFD, 0) } == -1 {
                return Err(std::io::Error::last_os_error());
            }
        }
        unblock_all_signals()
    };
    // SAFETY: the hook runs in the forked child and makes only async-signal-safe calls: fcntl, sigemptyset, sigprocmask.
    unsafe { command.pre_exec(hook) };
}

fn unblock_all_signals() -> std::io::Result<()> {
    let mut set = MaybeUninit::<libc::sigset_t>::uninit();
    // SAFETY: sigemptyset initialises the set, which sigprocmask then only reads.
    let answer = unsafe {
        libc::sigemptyset(set.as_mut_ptr());
        libc::sigprocmask(libc::SIG_SETMASK, set.as_ptr(), std::ptr::null_mut())
    };
    if answer == -1 { Err(std::io::Error::last_os_error()) } else { Ok(()) }
}

/// Takes ownership of a descriptor that the parent passed by number, and makes it close-on-exec.
///
/// Each number can be taken once.
///
/// # Errors
/// EINVAL for standard streams, negative numbers and a number that was taken before; EBADF when it is not open.
pub fn take_inherited(number: RawFd) -> Result<OwnedFd> {
    static TAKEN: Mutex<Vec<RawFd>> = Mutex::new(Vec::new());
    let refuse = |errno| Error::new("take inherited descriptor", number.to_string().as_bytes(), errno);
    let mut taken = TAKEN.lock().unwrap_or_else(PoisonError::into_inner);
    if number < 3 || taken.contains(&number) {
        return Err(refuse(rustix::io::Errno::INVAL));
    }
    // SAFETY: F_SETFD takes an integer and fails with EBADF when the number is not open.
    if unsafe { libc::fcntl(number, libc::F_SETFD, libc::FD_CLOEXEC) } == -1 {
        return Err(refuse(last_errno()));
    }
    taken.push(number);
    // SAFETY: the number is open, was named by the parent as ours, and is handed out once only.
    Ok(unsafe { OwnedFd::from_raw_fd(number) })
}

/// Starts a new session and process group led by this process.
///
/// # Errors
/// EPERM when it leads a group already.
pub fn start_session() -> Result<()> {
    rustix::process::setsid().map(|_| ()).map_err(|errno| Error::new("setsid", b"", errno))
}

/// Ends the process at once: no exit handlers, no destructors, no waiting for other threads.
pub fn exit_now(code: i32) -> ! {
    // SAFETY: _exit has no preconditions.
    unsafe { libc::_exit(code) }
}

/// A child process with a descriptor that tells when it ends.
#[derive(Debug)]
pub struct Watched {
    child: Child,
    pidfd: OwnedFd,
}

impl Watched {
    /// Spawns `command` and watches the child.
    ///
    /// # Errors
    /// What the spawn says, with the program's name as path.
    pub fn spawn(command: &mut Command) -> Result<Watched> {
        let mut child = command.spawn().map_err(|error| {
            let errno = rustix::io::Errno::from_io_error(&error).unwrap_or(rustix::io::Errno::IO);
            Error::new("spawn", command.get_program().as_encoded_bytes(), errno)
        })?;
        match pidfd_of(child.id()) {
            Ok(pidfd) => Ok(Watched { child, pidfd }),
            Err(error) => {
                let _ = child.kill();
                let _ = child.wait();
                Err(error)
            }
        }
    }

    /// The child's pid.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// The standard library's view, for taking the pipes. Do not wait through it.
    pub fn child_mut(&mut self) -> &mut Child {
        &mut self.child
    }

    /// A second descriptor of the same process, for signalling it from elsewhere.
    ///
    /// # Errors
    /// What duplicating a descriptor says.
    pub fn handle(&self) -> Result<Handle> {
        let pidfd = self.pidfd.try_clone().map_err(|_| Error::new("dup", b"pidfd", last_errno()))?;
        Ok(Handle { pidfd })
    }

    /// Sends `signal` to exactly this child; a child that has ended is no error.
    ///
    /// # Errors
    /// What `pidfd_send_signal` says.
    pub fn signal(&self, signal: Signal) -> Result<()> {
        send(self.pidfd.as_fd(), signal)
    }

    /// Waits for the end of the child, at most `timeout` (`None`: for ever); `None` when it still runs then.
    ///
    /// # Errors
    /// What `poll` or `waitpid` say.
    pub fn wait(&mut self, timeout: Option<Duration>) -> Result<Option<ExitStatus>> {
        if !poll::wait_readable(&[self.pidfd.as_fd()], timeout)?.contains(&true) {
            return Ok(None);
        }
        let status = self.child.wait().map_err(|_| Error::new("waitpid", b"", last_errno()))?;
        Ok(Some(status))
    }

    /// Kills the child and reaps it. What is dead already is only reaped.
    pub fn kill_and_reap(&mut self) {
        let _ = self.signal(Signal::KILL);
        let _ = self.child.wait();
    }
}

impl AsFd for Watched {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.pidfd.as_fd()
    }
}

/// A descriptor of a process: signals go to exactly that one, even when its pid was used again.
#[derive(Debug)]
pub struct Handle {
    pidfd: OwnedFd,
}

impl Handle {
    /// Sends `signal`; a process that has ended is no error.
    ///
    /// # Errors
    /// What `pidfd_send_signal` says.
    pub fn signal(&self, signal: Signal) -> Result<()> {
        send(self.pidfd.as_fd(), signal)
    }

    /// True when the process ended within `timeout`. Its parent may still have to reap it.
    ///
    /// # Errors
    /// What `poll` says.
    pub fn has_ended(&self, timeout: Duration) -> Result<bool> {
        poll::is_readable(self.pidfd.as_fd(), timeout)
    }
}

fn pidfd_of(pid: u32) -> Result<OwnedFd> {
    let refuse = |errno| Error::new("pidfd_open", pid.to_string().as_bytes(), errno);
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
    let pid = pid.ok_or_else(|| refuse(rustix::io::Errno::SRCH))?;
    rustix::process::pidfd_open(pid, PidfdFlags::empty()).map_err(refuse)
}

fn send(pidfd: BorrowedFd<'_>, signal: Signal) -> Result<()> {
    match rustix::process::pidfd_send_signal(pidfd, signal) {
        Ok(()) | Err(rustix::io::Errno::SRCH) => Ok(()),
        Err(errno) => Err(Error::new("pidfd_send_signal", b"", errno)),
    }
}

/// What a command answered.
#[derive(Debug)]
pub struct Captured {
    /// How it ended.
    pub status: ExitStatus,
    /// Its standard output.
    pub stdout: Vec<u8>,
    /// Its standard error, cut at the limit.
    pub stderr: Vec<u8>,
}

/// Why a command gave no answer.
#[derive(Debug)]
pub enum CaptureError {
    /// It could not be started or waited for.
    Call(Error),
    /// It was killed because it ran for longer than allowed.
    Timeout {
        /// What was allowed.
        limit: Duration,
    },
    /// It was killed because it wrote more than allowed.
    TooLong {
        /// What was allowed.
        limit_bytes: usize,
    },
}

impl fmt::Display for CaptureError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CaptureError::Call(error) => error.fmt(f),
            CaptureError::Timeout { limit } => write!(f, "no answer within {} s", limit.as_secs_f32()),
            CaptureError::TooLong { limit_bytes } => write!(f, "an answer of more than {limit_bytes} bytes"),
        }
    }
}

impl std::error::Error for CaptureError {}

impl From<Error> for CaptureError {
    fn from(error: Error) -> CaptureError {
        CaptureError::Call(error)
    }
}

/// Runs `command` with no input and returns all it wrote, bounded in time and size.
///
/// # Errors
/// See [`CaptureError`]; an exit code is not an error here.
pub fn capture(
    command: &mut Command,
    timeout: Duration,
    limit_bytes: usize,
) -> std::result::Result<Captured, CaptureError> {
    prepare(command, Vec::new());
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut process = Watched::spawn(command)?;
    let answer = collect(&mut process, timeout, limit_bytes);
    if answer.is_err() {
        process.kill_and_reap();
    }
    answer
}

fn collect(
    process: &mut Watched,
    timeout: Duration,
    limit_bytes: usize,
) -> std::result::Result<Captured, CaptureError> {
    let deadline = Instant::now() + timeout;
    let mut stdout = process.child.stdout.take();
    let mut stderr = process.child.stderr.take();
    let (mut output, mut complaints) = (Vec::new(), Vec::new());
    let mut status = None;
    while status.is_none() || stdout.is_some() {
        let left = deadline.saturating_duration_since(Instant::now());
        let mut fds = Vec::new();
        fds.extend(stdout.as_ref().map(AsFd::as_fd));
        let has_stdout = fds.len();
        fds.extend(stderr.as_ref().map(AsFd::as_fd));
        let has_both = fds.len();
        fds.extend(status.is_none().then_some(process.pidfd.as_fd()));
        let ready = poll::wait_readable(&fds, Some(left))?;
        if !ready.contains(&true) {
            return Err(CaptureError::Timeout { limit: timeout });
        }
        let (first, rest) = ready.split_at(has_stdout);
        let (second, third) = rest.split_at(has_both - has_stdout);
        if first.contains(&true) {
            read_some(&mut stdout, &mut output);
        }
        if second.contains(&true) {
            read_some(&mut stderr, &mut complaints);
            complaints.truncate(limit_bytes);
        }
        if output.len() > limit_bytes {
            return Err(CaptureError::TooLong { limit_bytes });
        }
        if third.contains(&true) {
            status = process.wait(None)?;
        }
    }
    match status {
        Some(status) => Ok(Captured { status, stdout: output, stderr: complaints }),
        None => Err(CaptureError::Timeout { limit: timeout }),
    }
}

/// Reads what is there; the end (or an error, which for a pipe means the same) closes it.
fn read_some<R: Read>(source: &mut Option<R>, into: &mut Vec<u8>) {
    let mut buffer = [0; 16 << 10];
    let got = source.as_mut().map_or(0, |reader| reader.read(&mut buffer).unwrap_or(0));
    into.extend_from_slice(buffer.get(..got).unwrap_or(&[]));
    if got == 0 {
        *source = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, pipe};

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.arg("-c").arg(script);
        command
    }

    #[test]
    fn a_passed_descriptor_arrives_and_others_do_not() {
        let (mut reader, writer) = pipe().unwrap();
        let (_other_reader, other_writer) = pipe().unwrap();
        let number = writer.as_raw_fd();
        let mut command = shell(&format!(
            "echo hello >&{number}; test ! -e /proc/self/fd/{} && echo alone >&{number}",
            other_writer.as_raw_fd()
        ));
        prepare(&mut command, vec![writer.into()]);
        let mut child = Watched::spawn(&mut command).unwrap();
        drop(command);
        let mut text = String::new();
        reader.read_to_string(&mut text).unwrap();
        assert_eq!(text, "hello\nalone\n");
        assert!(child.wait(None).unwrap().unwrap().success());
    }

    #[test]
    fn waiting_is_bounded_and_signals_arrive() {
        let mut child = Watched::spawn(Command::new("sleep").arg("600")).unwrap();
        assert!(child.wait(Some(Duration::from_millis(10))).unwrap().is_none());
        let handle = child.handle().unwrap();
        child.signal(Signal::TERM).unwrap();
        let status = child.wait(Some(Duration::from_secs(10))).unwrap().unwrap();
        assert_eq!(std::os::unix::process::ExitStatusExt::signal(&status), Some(libc::SIGTERM));
        handle.signal(Signal::KILL).unwrap();
        assert!(handle.has_ended(Duration::ZERO).unwrap());
    }

    #[test]
    fn capture_bounds_time_and_size() {
        let answer =
            capture(&mut shell("echo out; echo err >&2; exit 3"), Duration::from_secs(10), 100).unwrap();
        assert_eq!((answer.stdout.as_slice(), answer.status.code()), (&b"out\n"[..], Some(3)));
        let late = capture(Command::new("sleep").arg("600"), Duration::from_millis(20), 100);
        assert!(matches!(late, Err(CaptureError::Timeout { .. })));
        let long = capture(&mut Command::new("yes"), Duration::from_secs(10), 100);
        assert!(matches!(long, Err(CaptureError::TooLong { .. })));
    }

    #[test]
    fn an_inherited_number_is_taken_once() {
        let (reader, _writer) = pipe().unwrap();
        let number = std::os::fd::IntoRawFd::into_raw_fd(reader);
        let taken = take_inherited(number).unwrap();
        assert!(take_inherited(number).is_err());
        drop(taken);
        assert!(take_inherited(1).is_err());
        assert!(take_inherited(987_654).is_err());
    }
}
