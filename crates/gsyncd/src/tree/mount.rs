//! The aux-gfid mount of a Gluster volume, hidden from the tree and gone when its user is.

use std::ffi::OsString;
use std::fmt;
use std::fs::File;
use std::io::{Read, Write};
use std::net::Shutdown;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use gsyncd_sys::child::{self, Watched};
use gsyncd_sys::mount;

use super::keeper::Order;
pub use super::place::sweep_stale;
use crate::program::Program;

/// Longest message a keeper sends: a path or a reason.
const MESSAGE_LIMIT_BYTES: usize = 16 << 10;
/// How much longer than the keeper its user waits, so that the keeper's reason arrives.
const REPORT_SLACK: Duration = Duration::from_secs(2);
/// How long a closed mount may take: the keeper's grace and a little.
const CLOSE_WAIT: Duration = Duration::from_millis(800);
const READY_PAUSE: Duration = Duration::from_millis(200);
const READY_ATTEMPTS: u32 = 11;
const READY_XATTR: &str = "dht.subvol.status";

/// What to mount and how.
#[derive(Debug, Clone)]
pub struct MountRequest {
    /// How to start the keeper: this program, but in tests.
    pub program: Program,
    /// Directory of the `glusterfs` program (setting `gluster-command-dir`); empty means the search path.
    pub command_dir: PathBuf,
    /// Name of the volume.
    pub volume: OsString,
    /// Where the client gets the volume's description, usually `localhost`.
    pub volfile_server: OsString,
    /// The client's log file.
    pub log_file: PathBuf,
    /// The client's log level.
    pub log_level: OsString,
    /// More arguments for the client, for instance [`uncached_arguments`].
    pub extra_args: Vec<OsString>,
    /// Directory to make the mount directory in; `None`: [`default_base`].
    pub base: Option<PathBuf>,
    /// Bound of the whole opening.
    pub connection_timeout: Duration,
}

/// A mount failed, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MountError {
    volume: OsString,
    reason: String,
}

impl fmt::Display for MountError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "mount volume {}: {}", self.volume.as_bytes().escape_ascii(), self.reason)
    }
}

impl std::error::Error for MountError {}

/// Arguments that take the stale reads out of a mount (design: the primary reads through one).
///
/// The timeouts of the kernel alone are not enough: md-cache and quick-read answer with old sizes and content for a
/// second otherwise.
#[must_use]
pub fn uncached_arguments() -> Vec<OsString> {
    let words = [
        "--entry-timeout=0",
        "--attribute-timeout=0",
        "--xlator-option=*md-cache.md-cache-timeout=0",
        "--xlator-option=*quick-read.quick-read-cache-timeout=0",
    ];
    words.iter().map(OsString::from).collect()
}

/// Arguments with which `close` waits until all that was written has reached the bricks, and says so.
#[must_use]
pub fn unbuffered_arguments() -> Vec<OsString> {
    vec!["--xlator-option=*write-behind.flush-behind=off".into()]
}

/// Where mount directories go: Gluster's own run directory, else the directory for temporary files.
#[must_use]
pub fn default_base() -> PathBuf {
    let run = Path::new("/run/gluster");
    if run.is_dir() { run.to_path_buf() } else { std::env::temp_dir() }
}

/// An open aux mount. It must outlive every descriptor below its root: the client ends half a second after it.
#[derive(Debug)]
pub struct AuxMount {
    // Fields drop in this order: first the mount, so that the client can leave by itself, then what the keeper watches.
    root: File,
    _keeper: Keeper,
    children_up: bool,
}

impl AuxMount {
    /// Mounts, opens the root, hides the mount from the tree, and waits a little for all children to be up.
    ///
    /// # Errors
    /// When the client cannot start, does not mount, or anything takes longer than the timeout.
    pub fn open(request: &MountRequest) -> Result<AuxMount, MountError> {
        enter(request).map_err(|reason| MountError {
            volume: request.volume.clone(),
            reason: with_log(reason, &request.log_file),
        })
    }

    /// The mount's root, close-on-exec.
    #[must_use]
    pub fn root(&self) -> BorrowedFd<'_> {
        self.root.as_fd()
    }

    /// Whether all children of the volume had come up when the mount was opened. When not, what is not found may still
    /// exist.
    #[must_use]
    pub fn are_children_up(&self) -> bool {
        self.children_up
    }
}

fn enter(request: &MountRequest) -> Result<AuxMount, String> {
    let deadline = Instant::now() + request.connection_timeout + REPORT_SLACK;
    let mut keeper = Keeper::start(request)?;
    let path = PathBuf::from(OsString::from_vec(keeper.receive(b'M', deadline)?));
    let root = File::open(&path).map_err(|error| format!("open {}: {error}", path.display()))?;
    keeper.send(b"O")?;
    keeper.receive(b'D', deadline)?;
    let children_up = wait_ready(&root)?;
    keeper.send(b"R")?;
    Ok(AuxMount { root, _keeper: keeper, children_up })
}

/// The user's side of a keeper; dropping it tells the keeper to finish, and waits for that.
#[derive(Debug)]
struct Keeper {
    socket: UnixStream,
    process: Watched,
}

impl Keeper {
    fn start(request: &MountRequest) -> Result<Keeper, String> {
        let (socket, far) = UnixStream::pair().map_err(|error| error.to_string())?;
        let mut command = request.program.command(request.order().to_words());
        // not where the user works: that may be on another mount, which the keeper would keep
        command.current_dir("/");
        command.stdin(Stdio::from(OwnedFd::from(far))).stdout(Stdio::null()).stderr(Stdio::null());
        child::prepare(&mut command, Vec::new());
        // The command owns the keeper's end of the socket too: it goes with this function, so an early death is seen.
        let process = Watched::spawn(&mut command).map_err(|error| error.to_string())?;
        Ok(Keeper { socket, process })
    }

    fn send(&mut self, word: &[u8]) -> Result<(), String> {
        self.socket.write_all(word).map_err(|error| format!("talk to the keeper: {error}"))
    }

    /// The text of the next message, which must be of this kind.
    fn receive(&mut self, kind: u8, deadline: Instant) -> Result<Vec<u8>, String> {
        let message = read_message(&mut self.socket, deadline)?;
        match message.split_first() {
            Some((first, text)) if *first == kind => Ok(text.to_vec()),
            Some((b'F', reason)) => Err(String::from_utf8_lossy(reason).into_owned()),
            _ => Err("the keeper said something unexpected".to_owned()),
        }
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        let _ = self.socket.shutdown(Shutdown::Both);
        let _ = self.process.wait(Some(CLOSE_WAIT));
    }
}

impl MountRequest {
    fn order(&self) -> Order {
        let glued = |option: &str, value: &std::ffi::OsStr| {
            let mut word = OsString::from(option);
            word.push(value);
            word
        };
        let mut client = vec![self.command_dir.join("glusterfs").into_os_string()];
        // In the foreground it stays the keeper's own child: no pid file to race with, and it is killed exactly.
        client.extend(["--no-daemon", "--aux-gfid-mount", "--acl", "--client-pid=-1"].map(OsString::from));
        client.push(glued("--log-level=", &self.log_level));
        client.push(glued("--log-file=", self.log_file.as_os_str()));
        client.push(glued("--volfile-server=", &self.volfile_server));
        client.push(glued("--volfile-id=", &self.volume));
        client.extend(self.extra_args.iter().cloned());
        let base = self.base.clone().unwrap_or_else(default_base);
        Order { base, timeout: self.connection_timeout, client }
    }
}

fn read_message(socket: &mut UnixStream, deadline: Instant) -> Result<Vec<u8>, String> {
    let mut message = Vec::new();
    loop {
        let left = deadline.saturating_duration_since(Instant::now()).max(Duration::from_millis(1));
        socket.set_read_timeout(Some(left)).map_err(|error| error.to_string())?;
        let mut byte = [0];
        match socket.read(&mut byte) {
            Ok(0) => return Err("the keeper has died".to_owned()),
            Ok(_) if byte == [0] => return Ok(message),
            Ok(_) if message.len() < MESSAGE_LIMIT_BYTES => message.extend(byte),
            Ok(_) => return Err("the keeper talks too much".to_owned()),
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(format!("no answer from the keeper: {error}")),
        }
    }
}

/// Asks until all children are up; false when some are still down after two seconds (spec: sync-semantics 8.2 item 6).
fn wait_ready(root: &File) -> Result<bool, String> {
    for attempt in 0..READY_ATTEMPTS {
        if attempt > 0 {
            std::thread::sleep(READY_PAUSE);
        }
        match mount::root_attribute(root.as_fd(), READY_XATTR) {
            Ok(Some(status)) if status.first() == Some(&b'1') => return Ok(true),
            // Not a distributed volume: there is nothing that could be down alone.
            Ok(None) => return Ok(true),
            Ok(Some(_)) => {}
            Err(error) => return Err(error.to_string()),
        }
    }
    Ok(false)
}

/// Adds the client's last complaint, which usually says more than its exit.
fn with_log(reason: String, log_file: &Path) -> String {
    let tail = last_complaint(log_file).map_or(String::new(), |line| format!("; its log says: {line}"));
    format!("{reason} (see {}{tail})", log_file.display())
}

fn last_complaint(log_file: &Path) -> Option<String> {
    use std::io::{Seek, SeekFrom};
    let mut file = File::open(log_file).ok()?;
    let length = file.metadata().ok()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(8 << 10))).ok()?;
    let mut tail = Vec::new();
    file.take(8 << 10).read_to_end(&mut tail).ok()?;
    let line = tail.split(|byte| *byte == b'\n').rfind(|line| line.windows(4).any(|part| part == b"] E "))?;
    Some(line.escape_ascii().to_string())
}
