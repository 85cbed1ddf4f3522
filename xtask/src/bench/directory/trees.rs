//! What is synced: the trees, and how 1% of each is changed.
use super::options::Set;
use gsyncd_lab::Done;
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

/// Files in one directory of the small set.
const FILES_EACH: usize = 100;
/// Bytes of a small file.
const SMALL_BYTES: usize = 4096;
const MEBIBYTE: usize = 1_048_576;

/// Bytes that nothing compresses, the same for the same seed.
pub fn noise(seed: u64, count: usize) -> Vec<u8> {
    let mut state = (seed + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut bytes = Vec::with_capacity(count + 8);
    while bytes.len() < count {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend(state.to_le_bytes());
    }
    bytes.truncate(count);
    bytes
}

/// One of the trees, and its size.
pub struct Source {
    /// Which.
    pub set: Set,
    /// Where.
    pub root: PathBuf,
    /// Small files, or MiB of the large one.
    pub count: usize,
}

impl Source {
    /// Makes it.
    ///
    /// # Errors
    /// The file system's.
    pub fn make(&self) -> Done {
        fs::create_dir_all(&self.root)?;
        match self.set {
            Set::Small => (0..self.count).try_for_each(|number| self.write_small(number, 0)),
            Set::Large => {
                let mut file = File::create(self.large())?;
                (0..self.count).try_for_each(|number| Ok(file.write_all(&noise(number as u64, MEBIBYTE))?))
            }
        }
    }

    /// Rewrites 1%: every hundredth file, or every hundredth MiB of the large one.
    ///
    /// # Errors
    /// The file system's.
    pub fn change(&self, round: usize) -> Done {
        let chosen = (round % 100..self.count).step_by(100);
        let version = round as u64 + 1;
        match self.set {
            Set::Small => chosen.into_iter().try_for_each(|number| self.write_small(number, version)),
            Set::Large => {
                let file = OpenOptions::new().write(true).open(self.large())?;
                let mut chosen = chosen.into_iter();
                chosen.try_for_each(|number| {
                    let bytes = noise(version.wrapping_mul(1 << 32) + number as u64, MEBIBYTE);
                    Ok(file.write_all_at(&bytes, (number * MEBIBYTE) as u64)?)
                })
            }
        }
    }

    fn large(&self) -> PathBuf {
        self.root.join("large")
    }

    fn write_small(&self, number: usize, version: u64) -> Done {
        let directory = self.root.join(format!("d{:03}", number / FILES_EACH));
        if number.is_multiple_of(FILES_EACH) {
            fs::create_dir_all(&directory)?;
        }
        let bytes = noise(version.wrapping_mul(1 << 32) + number as u64, SMALL_BYTES);
        fs::write(directory.join(format!("f{:02}", number % FILES_EACH)), bytes)?;
        Ok(())
    }
}

/// Removes a tree that may not be there.
///
/// # Errors
/// The file system's.
pub fn clear(path: &Path) -> Done {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error.into()),
        _ => Ok(()),
    }
}
