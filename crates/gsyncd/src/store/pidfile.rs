//! "Is the monitor running?", asked as glusterd asks it (spec: glusterd-interface 2.3).

use gsyncd_sys::OFlags;
use gsyncd_sys::lock::is_record_locked;
use std::fs::OpenOptions;
use std::os::fd::AsFd as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

/// Whether another process holds the pid file's lock. No file, or one that cannot be read, is "no".
#[must_use]
pub fn is_running(path: &Path) -> bool {
    // glusterd stands still meanwhile, so even a pipe of that name must not be waited for
    let mut options = OpenOptions::new();
    options.read(true).custom_flags(OFlags::NONBLOCK.bits().cast_signed());
    options.open(path).is_ok_and(|file| is_record_locked(file.as_fd()).unwrap_or(false))
}

#[cfg(test)]
mod tests {
    use super::is_running;
    use gsyncd_sys::lock::OfdLock;
    use std::fs::File;

    #[test]
    fn only_a_held_lock_counts() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("x.pid");
        assert!(!is_running(&path));
        let file = File::create(&path).unwrap();
        assert!(!is_running(&path));
        let lock = OfdLock::try_lock(file).unwrap();
        assert!(lock.is_some() && is_running(&path));
        drop(lock);
        assert!(!is_running(&path));
        let pipe = directory.path().join("y.pid");
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        assert!(!is_running(&pipe));
    }
}
