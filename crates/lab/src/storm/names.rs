//! The names a storm uses: few enough that most steps meet something, with awkward ones among them.
use super::dice::Dice;
use crate::load::odd_names;
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

/// How many of each sort there are in one directory.
const DIRECTORIES: u64 = 4;
const FILES: u64 = 12;
/// How deep the tree becomes.
const DEPTH: u64 = 4;
/// How often something that is there is looked for.
const TRIES: u32 = 4;

/// The names of one writer's tree.
pub struct Names {
    odd: Vec<OsString>,
}

impl Names {
    /// The same for everybody.
    pub fn new() -> Names {
        let odd = odd_names().into_iter().chain([b"blank at the end ".to_vec(), b"--help".to_vec()]);
        Names { odd: odd.map(OsString::from_vec).collect() }
    }

    /// A path below the root, of anything; its directory is mostly there.
    pub fn path(&self, dice: &mut Dice, root: &Path) -> PathBuf {
        let mut path = root.to_path_buf();
        for _ in 0..dice.roll(DEPTH) {
            path.push(self.directory(dice));
        }
        while path != root && !path.is_dir() {
            path.pop();
        }
        path.push(self.name(dice));
        path
    }

    /// A path at which there is mostly something.
    pub fn existing(&self, dice: &mut Dice, root: &Path) -> PathBuf {
        let mut path = self.path(dice, root);
        for _ in 0..TRIES {
            if path.symlink_metadata().is_ok() {
                break;
            }
            path = self.path(dice, root);
        }
        path
    }

    fn name(&self, dice: &mut Dice) -> OsString {
        match dice.roll(8) {
            0..2 => self.directory(dice),
            2..7 => format!("f{}", dice.roll(FILES)).into(),
            _ => dice.choose(&self.odd).cloned().unwrap_or_default(),
        }
    }

    fn directory(&self, dice: &mut Dice) -> OsString {
        match (dice.roll(16), self.odd.first()) {
            (0, Some(odd)) => odd.clone(),
            _ => format!("d{}", dice.roll(DIRECTORIES)).into(),
        }
    }

    /// Where a symbolic link may point: never out of the tree.
    pub fn target(&self, dice: &mut Dice) -> OsString {
        match dice.roll(5) {
            0 => self.directory(dice),
            1 => OsString::from_vec([vec![0xff, b'\n'], vec![b'x'; 1000]].concat()),
            2 => "nowhere/at all".into(),
            _ => format!("d{}/f{}", dice.roll(DIRECTORIES), dice.roll(FILES)).into(),
        }
    }
}
