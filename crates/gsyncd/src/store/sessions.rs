//! Where directory sessions are remembered: one directory each, found again by `gsyncd status`.
//!
//! It holds `session.json` (what it is), `status.json` (how far it is), `pid` (locked while it runs), `log` (of a
//! session in the background), and what the primary keeps.

use super::pidfile;
use super::replace::{self, Durability};
use crate::exit::Failure;
use gsyncd_core::status::session::{SessionInfo, SessionStatus, SessionView};
use std::env;
use std::fs::{self, DirBuilder};
use std::io::ErrorKind;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

const DIRECTORY_MODE: u32 = 0o700;
const FILE_MODE: u32 = 0o600;
const INFO: &str = "session.json";
const STATUS: &str = "status.json";

/// The usual place: `/var/lib/gsyncd` for root, below the user's own directory otherwise.
///
/// # Errors
/// An ordinary user without a home directory.
pub fn usual_base() -> Result<PathBuf, Failure> {
    if gsyncd_sys::user::is_root() {
        return Ok(PathBuf::from("/var/lib/gsyncd"));
    }
    let absolute = |name: &str| env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let state = absolute("XDG_STATE_HOME").or_else(|| Some(absolute("HOME")?.join(".local/state")));
    let state =
        state.ok_or_else(|| Failure::new("there is no HOME to remember sessions in; name a --state-dir"))?;
    Ok(state.join("gsyncd"))
}

/// The directory of one session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionDir {
    path: PathBuf,
}

impl SessionDir {
    /// The one of that name; whether it exists does not matter yet.
    #[must_use]
    pub fn of(base: &Path, name: &str) -> SessionDir {
        SessionDir { path: base.join(name) }
    }

    /// Its path.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The file that is locked while the session runs.
    #[must_use]
    pub fn pid_file(&self) -> PathBuf {
        self.path.join("pid")
    }

    /// The log of a session in the background.
    #[must_use]
    pub fn log_file(&self) -> PathBuf {
        self.path.join("log")
    }

    /// Makes it, and what is missing above it; nobody else may look into what is made.
    ///
    /// # Errors
    /// It cannot be made.
    pub fn create(&self) -> Result<(), Failure> {
        DirBuilder::new()
            .recursive(true)
            .mode(DIRECTORY_MODE)
            .create(&self.path)
            .map_err(|error| Failure::new(format!("cannot make {}: {error}", self.path.display())))
    }

    /// True when a session was started in it.
    #[must_use]
    pub fn is_used(&self) -> bool {
        self.path.join(INFO).exists()
    }

    /// Writes what the session is.
    ///
    /// # Errors
    /// Any step on the file fails.
    pub fn write_info(&self, info: &SessionInfo) -> Result<(), Failure> {
        self.write(INFO, info.render())
    }

    /// Writes how far it is.
    ///
    /// # Errors
    /// Any step on the file fails.
    pub fn write_status(&self, status: &SessionStatus) -> Result<(), Failure> {
        self.write(STATUS, status.render())
    }

    fn write(&self, name: &str, bytes: Vec<u8>) -> Result<(), Failure> {
        let change = |_: &[u8]| Ok::<_, Failure>(Some(bytes));
        replace::update(&self.path.join(name), FILE_MODE, Durability::Relaxed, change)
    }

    /// Removes it with all it holds.
    pub fn remove(&self) {
        if let Err(error) = fs::remove_dir_all(&self.path) {
            tracing::debug!(path = %self.path.display(), %error, "not removed");
        }
    }

    /// Number of the process that runs the session, as its pid file says.
    #[must_use]
    pub fn running_pid(&self) -> Option<u32> {
        let bytes = replace::read(&self.pid_file()).ok().flatten()?;
        std::str::from_utf8(&bytes).ok()?.trim().parse().ok()
    }

    fn view(&self) -> Option<SessionView> {
        let info = replace::read(&self.path.join(INFO)).ok().flatten()?;
        let status = replace::read(&self.path.join(STATUS)).ok().flatten().unwrap_or_default();
        Some(SessionView {
            name: self.path.file_name().unwrap_or_default().to_string_lossy().into_owned(),
            info: SessionInfo::parse(&info),
            status: SessionStatus::parse(&status),
            running: pidfile::is_running(&self.pid_file()),
        })
    }
}

/// All sessions remembered there, by name; none when there is no such directory.
///
/// # Errors
/// The directory cannot be read.
pub fn list(base: &Path) -> Result<Vec<SessionView>, Failure> {
    let failed = |error: std::io::Error| Failure::new(format!("cannot read {}: {error}", base.display()));
    let entries = match fs::read_dir(base) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(failed)?,
    };
    let mut views = Vec::new();
    for entry in entries {
        views.extend(SessionDir { path: entry.map_err(failed)?.path() }.view());
    }
    views.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(views)
}
