//! The worker's side of the bond with its monitor: it ends when the monitor does, and it is alone on its brick.
//!
//! An orphan of a killed monitor could work on beside the worker of the next one. Two things prevent it: every worker
//! reads a pipe whose other end only the monitor has (an end of file ends the worker, whatever it is doing), and every
//! worker holds a lock on its brick's name in the session's working directory before it does anything.

use std::ffi::OsStr;
use std::fs::File;
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::time::{Duration, Instant};

use gsyncd_sys::child;
use gsyncd_sys::lock::FlockGuard;

/// Tells a worker the descriptor of its monitor's pipe.
pub const LIVENESS_VARIABLE: &str = "_GSYNCD_LIVENESS_";

const LOCK_PAUSE: Duration = Duration::from_millis(20);

/// Ends this process as soon as its monitor has ended. Call it first of all in a worker.
///
/// Returns false when there is no monitor to follow (a worker started by hand).
///
/// # Errors
/// When the variable names no open descriptor, or no thread can be started.
pub fn follow_monitor() -> std::io::Result<bool> {
    let Some(number) = std::env::var_os(LIVENESS_VARIABLE) else { return Ok(false) };
    let number = number.to_str().and_then(|text| text.parse().ok()).unwrap_or(-1);
    let fd = child::take_inherited(number).map_err(|error| std::io::Error::other(error.to_string()))?;
    let pipe = File::from(fd);
    std::thread::Builder::new().name("liveness".to_owned()).spawn(move || wait_for_the_end(pipe))?;
    Ok(true)
}

fn wait_for_the_end(mut pipe: File) {
    loop {
        match pipe.read(&mut [0]) {
            Ok(0) => break,
            Err(error) if error.kind() != std::io::ErrorKind::Interrupted => break,
            _ => {}
        }
    }
    // At once: what must be durable already is, and another worker may be waiting for the brick.
    child::exit_now(1);
}

/// The right to work on a brick for a session; given back when dropped or at the end of the process.
#[derive(Debug)]
pub struct BrickGuard {
    _lock: FlockGuard,
}

impl BrickGuard {
    /// Takes the right, waiting at most `patience` for a former worker to end.
    ///
    /// `working_dir` is the session's (setting `working-dir`); it is made when missing.
    ///
    /// # Errors
    /// `WouldBlock` when another worker keeps it; else what making, opening or locking the file says.
    pub fn take(working_dir: &Path, brick: &OsStr, patience: Duration) -> std::io::Result<BrickGuard> {
        std::fs::create_dir_all(working_dir)?;
        let path = working_dir.join(lock_name(brick));
        let deadline = Instant::now() + patience;
        loop {
            let file = File::options().write(true).create(true).truncate(false).open(&path)?;
            let lock =
                FlockGuard::try_lock(file).map_err(|error| std::io::Error::other(error.to_string()))?;
            if let Some(lock) = lock {
                return Ok(BrickGuard { _lock: lock });
            }
            if Instant::now() >= deadline {
                let text = format!("{} is held by another worker", path.display());
                return Err(std::io::Error::new(std::io::ErrorKind::WouldBlock, text));
            }
            std::thread::sleep(LOCK_PAUSE);
        }
    }
}

/// One flat name per brick, whatever bytes and length its path has.
fn lock_name(brick: &OsStr) -> String {
    let hash = blake3::hash(brick.as_bytes());
    let short: String = hash.to_hex().chars().take(16).collect();
    format!("worker-{short}.lock")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_worker_per_brick() {
        let directory = tempfile::tempdir().unwrap();
        let working = directory.path().join("a/b");
        let take = |brick: &str| BrickGuard::take(&working, OsStr::new(brick), Duration::from_millis(30));
        let first = take("/d/b1").unwrap();
        assert_eq!(take("/d/b1").unwrap_err().kind(), std::io::ErrorKind::WouldBlock);
        assert!(take("/d/b2").is_ok());
        drop(first);
        assert!(take("/d/b1").is_ok());
    }
}
