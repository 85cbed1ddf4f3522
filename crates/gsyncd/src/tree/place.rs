//! The directory an aux mount is made on, and the removal of those that a killed keeper left behind.
//!
//! `BASE/gsyncd-aux-mount-XXXXXX/` belongs to one keeper for as long as it holds a `flock` on it; the mount point is `mnt`
//! inside, so that the lock is on a directory nothing is ever mounted on: looking at it cannot hang.

use std::fs::File;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use gsyncd_sys::lock::FlockGuard;
use gsyncd_sys::mount;

const PREFIX: &str = "gsyncd-aux-mount-";
const MOUNT_POINT: &str = "mnt";
const ATTEMPTS: u32 = 100;

/// A private directory with a mount point in it; removed when dropped.
#[derive(Debug)]
pub struct Place {
    directory: PathBuf,
    _lock: FlockGuard,
}

impl Place {
    /// Makes a new one below `base`, which must exist.
    ///
    /// # Errors
    /// What making or locking the directory says.
    pub fn create(base: &Path) -> io::Result<Place> {
        // The kernel's mount table has no symlinks in its paths (/var/run is one).
        let base = base.canonicalize()?;
        for attempt in 0..ATTEMPTS {
            let directory = base.join(format!("{PREFIX}{}", suffix(attempt)));
            match std::fs::DirBuilder::new().mode(0o700).create(&directory) {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => continue,
                Err(error) => return Err(error),
            }
            let Some(lock) = lock_directory(&directory)? else { continue };
            let place = Place { directory, _lock: lock };
            std::fs::DirBuilder::new().mode(0o700).create(place.mount_point())?;
            return Ok(place);
        }
        Err(io::Error::new(io::ErrorKind::AlreadyExists, "no free name for a mount directory"))
    }

    /// Where to mount.
    #[must_use]
    pub fn mount_point(&self) -> PathBuf {
        self.directory.join(MOUNT_POINT)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = clear(&self.directory);
    }
}

/// Unmounts and removes what killed keepers left below `base`; returns how many directories went.
///
/// Directories of live keepers (locked) and of other programs (no `mnt` inside, or somebody else's) are left alone, as
/// is one that is itself a mount point: that is a live mount of a stock gsyncd.
///
/// # Errors
/// What reading `base` or the mount table says; a directory that cannot be removed is passed over.
pub fn sweep_stale(base: &Path) -> io::Result<usize> {
    let base = base.canonicalize()?;
    let mounted = mount::mount_points().map_err(to_io)?;
    let mut swept = 0;
    for entry in std::fs::read_dir(&base)? {
        let directory = entry?.path();
        let ours = directory.file_name().is_some_and(|name| name.as_bytes().starts_with(PREFIX.as_bytes()));
        if ours && !mounted.iter().any(|point| point == directory.as_os_str().as_bytes()) {
            swept += usize::from(sweep_one(&directory).unwrap_or(false));
        }
    }
    Ok(swept)
}

fn sweep_one(directory: &Path) -> io::Result<bool> {
    let about = std::fs::symlink_metadata(directory)?;
    let my_uid = std::fs::metadata("/proc/self")?.uid();
    if !about.is_dir() || about.uid() != my_uid {
        return Ok(false);
    }
    match lock_directory(directory)? {
        Some(_lock) => clear(directory),
        None => Ok(false),
    }
}

fn clear(directory: &Path) -> io::Result<bool> {
    let point = directory.join(MOUNT_POINT);
    // A mount may have been made twice over: take all of them off, so that rmdir sees the directory below.
    while mount::is_mount_point(&point).map_err(to_io)? {
        mount::detach(&point).map_err(to_io)?;
    }
    match std::fs::remove_dir(&point) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    std::fs::remove_dir(directory)?;
    Ok(true)
}

/// The lock, when it is free and the directory was not swept between its making and the locking.
fn lock_directory(directory: &Path) -> io::Result<Option<FlockGuard>> {
    let Some(lock) = FlockGuard::try_lock(File::open(directory)?).map_err(to_io)? else { return Ok(None) };
    let still_there = std::fs::symlink_metadata(directory).is_ok_and(|named| {
        lock.file().metadata().is_ok_and(|locked| (locked.dev(), locked.ino()) == (named.dev(), named.ino()))
    });
    Ok(still_there.then_some(lock))
}

/// Six letters that differ between processes and attempts; uniqueness comes from `mkdir`, this only makes it likely.
fn suffix(attempt: u32) -> String {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or(Duration::ZERO);
    let seed = (now.as_secs(), now.subsec_nanos(), std::process::id(), attempt);
    let hash = blake3::hash(format!("{seed:?}").as_bytes());
    hash.to_hex().chars().take(6).collect()
}

fn to_io(error: gsyncd_sys::Error) -> io::Error {
    io::Error::new(io::Error::from_raw_os_error(error.raw()).kind(), error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sweeping_takes_only_what_nobody_holds() {
        let base = tempfile::tempdir().unwrap();
        let held = Place::create(base.path()).unwrap();
        let stale = base.path().join("gsyncd-aux-mount-abcdef");
        std::fs::create_dir_all(stale.join("mnt")).unwrap();
        let foreign = base.path().join("gsyncd-aux-mount-foreign");
        std::fs::create_dir_all(foreign.join("data")).unwrap();
        assert_eq!(sweep_stale(base.path()).unwrap(), 1);
        assert!(held.mount_point().is_dir());
        assert!(!stale.exists());
        assert!(foreign.join("data").exists());
        let directory = held.mount_point();
        drop(held);
        assert!(!directory.parent().unwrap().exists());
    }
}
