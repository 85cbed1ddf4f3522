//! Where foreign objects go that are in the way: nothing that somebody else made is ever destroyed.

use super::look::is_linked;
use super::paths::Paths;
use gsyncd_core::id::{Entry, Name};
use gsyncd_sys::{Errno, Error, OFlags, Result, at};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicU64, Ordering};

/// Its name below the tree's own directory.
const NAME: &[u8] = b"aside";
/// How many numbers are tried behind a name that is taken.
const MOST_TRIES: u32 = 10_000;
/// How much of a name is kept in front of a number, in bytes.
const KEPT_BYTES: usize = Name::MAX_BYTES - 10;

/// The place, below the tree's own directory.
pub(super) struct Aside {
    own: OwnedFd,
    shown: PathBuf,
    moved: AtomicU64,
    /// How many of them were told of.
    told: Mutex<u64>,
}

impl Aside {
    /// `own` is the tree's own directory, `shown` its path for people.
    pub(super) fn new(own: OwnedFd, shown: &Path) -> Aside {
        let shown = shown.join(std::str::from_utf8(NAME).unwrap_or_default());
        Aside { own, shown, moved: AtomicU64::new(0), told: Mutex::new(0) }
    }

    /// Moves what holds `at` away, to the same path below here.
    pub(super) fn take(&self, paths: &Paths, dir: &OwnedFd, at: &Entry) -> Result<()> {
        let _changing = paths.access.change();
        if is_linked(dir, at.name.as_bytes())? {
            // another name keeps it; kept here it would have one too many for ever
            return paths.access.within(&[dir], || at::unlink(dir, at.name.as_bytes()));
        }
        let place = self.place(&paths.path(at.parent)?.unwrap_or_default())?;
        let name = at.name.as_bytes();
        for number in 0..MOST_TRIES {
            let free = numbered(name, number);
            let moved = paths.access.within(&[dir], || at::rename_noreplace(dir, name, &place, &free));
            match moved {
                Err(error) if error.errno == Errno::EXIST => {}
                Ok(()) => {
                    self.moved.fetch_add(1, Ordering::Relaxed);
                    return Ok(());
                }
                Err(error) => return Err(error),
            }
        }
        Err(Error::new("move aside", name, Errno::EXIST))
    }

    /// The directory that stands for the one with this path, made where it is missing.
    fn place(&self, path: &[Entry]) -> Result<OwnedFd> {
        let mut dir = below(&self.own, NAME)?;
        for at in path {
            // a name that something else took here ends the path: one place is as good as another
            match below(&dir, at.name.as_bytes()) {
                Ok(next) => dir = next,
                Err(error) if matches!(error.errno, Errno::NOTDIR | Errno::LOOP) => break,
                Err(error) => return Err(error),
            }
        }
        Ok(dir)
    }

    /// Says how many there are, when there are more than were told of: the first time as a warning.
    pub(super) fn tell(&self) {
        let moved = self.moved.load(Ordering::Relaxed);
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if moved > *told {
            let place = self.shown.display();
            if *told == 0 {
                tracing::warn!(objects = moved, place = %place, "not the primary's and in the way: moved aside");
            } else {
                tracing::info!(objects = moved, place = %place, "moved aside so far");
            }
            *told = moved;
        }
    }
}

impl Drop for Aside {
    fn drop(&mut self) {
        self.tell();
    }
}

/// Opens a directory below another one, made where it is missing.
fn below(dir: &OwnedFd, name: &[u8]) -> Result<OwnedFd> {
    match at::mkdir(dir, name, 0o700) {
        Err(error) if error.errno != Errno::EXIST => return Err(error),
        _ => {}
    }
    at::open(dir, name, OFlags::PATH | OFlags::DIRECTORY)
}

/// The name itself, then with numbers: `name.~1~`.
fn numbered(name: &[u8], number: u32) -> Vec<u8> {
    if number == 0 {
        return name.to_vec();
    }
    let mut numbered = name.get(..KEPT_BYTES).unwrap_or(name).to_vec();
    numbered.extend_from_slice(format!(".~{number}~").as_bytes());
    numbered
}
