//! Where the lab's own files are on the outside.
use crate::{Done, Failure};
use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};

/// The root of the workspace.
pub fn workspace() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(2).unwrap_or(here).to_path_buf()
}

/// Cargo's target directory.
pub fn target() -> PathBuf {
    match std::env::var_os("CARGO_TARGET_DIR") {
        Some(path) => workspace().join(path),
        None => workspace().join("target"),
    }
}

/// What `cargo xtask setup` fetched: `rsync-3.5.0/`, `rsync-3.2.7/`, `sources/`.
pub fn cache() -> PathBuf {
    target().join("lab-cache")
}

/// The directory with the program gsyncd and its friends that glusterd calls.
///
/// # Errors
/// No GlusterFS server on this machine.
pub fn libexec() -> Done<PathBuf> {
    let candidates = ["/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/libexec", "/usr/lib"];
    let paths = candidates.iter().map(|base| Path::new(base).join("glusterfs"));
    let found = paths.into_iter().find(|path| path.join("gsyncd").exists());
    found.ok_or_else(|| {
        Failure::new("no glusterfs/gsyncd here; `cargo xtask setup` installs glusterfs-server")
    })
}

/// A file in a state directory that holds the host's name, where it is another than `lab`.
pub const NAME: &str = "name";
/// A file in a state directory that holds lines for the host's `/etc/hosts`.
pub const NEIGHBOURS: &str = "neighbours";

/// The name of the host of that state directory.
pub fn name(state: &Path) -> String {
    std::fs::read_to_string(state.join(NAME)).unwrap_or_else(|_| "lab".to_owned())
}

/// A state directory of one lab. It is removed when dropped, or by the next lab when this process was killed.
pub struct State {
    /// The directory.
    pub path: PathBuf,
    lock: Option<File>,
}

impl State {
    /// A directory given by the user, which stays.
    ///
    /// # Errors
    /// It cannot be made.
    pub fn kept(path: &Path) -> Done<State> {
        std::fs::create_dir_all(path)?;
        Ok(State { path: path.to_path_buf(), lock: None })
    }

    /// A new directory; what killed labs left behind is swept first.
    ///
    /// # Errors
    /// It cannot be made or locked.
    pub fn temporary() -> Done<State> {
        let all = target().join("lab-state");
        std::fs::create_dir_all(&all)?;
        sweep(&all);
        let path = all.join(std::process::id().to_string());
        std::fs::create_dir_all(&path)?;
        let lock = File::create(all.join(format!("{}.lock", std::process::id())))?;
        lock.lock()?;
        Ok(State { path, lock: Some(lock) })
    }
}

impl Drop for State {
    fn drop(&mut self) {
        if self.lock.is_some() {
            // What cannot be removed now is swept by the next lab.
            let _ = std::fs::remove_dir_all(&self.path);
            let _ = std::fs::remove_file(self.path.with_extension("lock"));
        }
    }
}

fn sweep(all: &Path) {
    for entry in std::fs::read_dir(all).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.extension().is_none_or(|extension| extension != "lock") {
            continue;
        }
        let Ok(file) = File::open(&path) else { continue };
        if !matches!(file.try_lock(), Err(TryLockError::WouldBlock)) {
            let _ = std::fs::remove_dir_all(path.with_extension(""));
            let _ = std::fs::remove_file(&path);
        }
    }
}
