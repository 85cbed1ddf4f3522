//! Random changes, the same for the same seed.
//!
//! [`storm`] is for volumes, [`plain`] for plain directories. For volumes one thread makes them: when several meet at one name GlusterFS 10.3 itself leaves wrecks now and then (a directory
//! without a gfid), which no test of ours can pass.
mod dice;
mod names;
pub mod plain;
mod step;

use crate::Done;
use dice::Dice;
use std::fs::{self, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{FileExt, PermissionsExt, lchown, symlink};
use std::path::{Path, PathBuf};

/// Makes `steps` changes below `root`. What cannot be done is left out.
///
/// # Errors
/// The root cannot be made.
pub fn storm(root: &Path, seed: u64, steps: u64) -> Done {
    fs::create_dir_all(root)?;
    let mut dice = Dice::new(seed);
    for _ in 0..steps {
        // a name that is not there, a directory that is not empty: part of the game
        let _ = step(root, &mut dice);
    }
    Ok(())
}

fn step(root: &Path, dice: &mut Dice) -> io::Result<()> {
    let (path, other) = (path(dice, root), path(dice, root));
    match dice.roll(20) {
        0..3 => fs::write(&path, vec![b'x'; dice.roll(9000) as usize]),
        3..6 => fs::create_dir(&path),
        6 => OpenOptions::new().append(true).open(&path)?.write_all(b"more"),
        7 => OpenOptions::new().write(true).open(&path)?.write_all_at(b"edit", dice.roll(6000)),
        8 => OpenOptions::new().write(true).open(&path)?.set_len(dice.roll(8000)),
        9..13 => fs::rename(&path, &other),
        13 => fs::hard_link(&path, &other),
        14 => symlink("target", &path),
        15 => fs::remove_file(&path),
        16 => fs::remove_dir(&path),
        17 => fs::set_permissions(&path, Permissions::from_mode(0o4600 + dice.roll(64) as u32)),
        18 => lchown(&path, Some(dice.roll(3) as u32), Some(dice.roll(3) as u32)),
        _ => save_as_editors_do(&path, dice),
    }
}

/// A new file beside, renamed over the old one.
fn save_as_editors_do(path: &Path, dice: &mut Dice) -> io::Result<()> {
    let beside = path.with_extension(format!("tmp{}", dice.roll(1000)));
    fs::write(&beside, format!("saved {}", dice.roll(1000)))?;
    fs::rename(&beside, path).inspect_err(|_| drop(fs::remove_file(&beside)))
}

/// A name in the tree: few enough that most steps meet something.
fn path(dice: &mut Dice, root: &Path) -> PathBuf {
    let mut path = root.to_path_buf();
    for _ in 0..dice.roll(4) {
        path.push(format!("d{}", dice.roll(4)));
    }
    match dice.roll(3) {
        0 => path.push(format!("d{}", dice.roll(4))),
        1 => path.push(format!("f{}", dice.roll(12))),
        _ => path.push(format!("odd\n{} %+", dice.roll(6))),
    }
    path
}
