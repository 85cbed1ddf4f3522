//! A plain directory as the secondary of a history, with somebody else who works there too.

use super::histories::{NAMES, Secondary};
use super::model::Primary;
use crate::tree::{Tree, local};
use gsyncd_core::id::Gfid;
use gsyncd_core::truth::Kind;
use proptest::prelude::prop_assert_eq;
use proptest::test_runner::TestCaseError;
use std::collections::{BTreeMap, HashMap};
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, MetadataExt, symlink};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tempfile::TempDir;

pub(super) struct LocalSecondary {
    home: TempDir,
    tree: Option<Arc<dyn Tree>>,
    is_disturbed: bool,
    /// What somebody else made at names that the primary never uses: contents.
    foreign: Vec<String>,
}

/// What anybody sees of one name; the object is a number that hard links share.
#[derive(Debug, PartialEq, Eq)]
struct Shown {
    object: u64,
    kind: Kind,
    mode: u32,
    owner: (u32, u32),
    mtime: (i64, i64),
    data: Vec<u8>,
    colour: Option<Vec<u8>>,
}

type Shape = BTreeMap<PathBuf, Shown>;

impl LocalSecondary {
    pub(super) fn on(base: &str, is_disturbed: bool) -> LocalSecondary {
        let home = tempfile::tempdir_in(base).unwrap();
        let mut made = LocalSecondary { home, tree: None, is_disturbed, foreign: Vec::new() };
        made.restart();
        made
    }

    fn root(&self) -> PathBuf {
        self.home.path().join("root")
    }

    /// All paths below the root, the root first; not the tree's own.
    fn paths(&self) -> Vec<PathBuf> {
        let mut found = vec![self.root()];
        let mut at = 0;
        while let Some(path) = found.get(at).cloned() {
            at += 1;
            if fs::symlink_metadata(&path).unwrap().is_dir() {
                let mut below: Vec<PathBuf> =
                    fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()).collect();
                below.sort();
                found
                    .extend(below.into_iter().filter(|path| path.file_name() != Some(OsStr::new(".gsyncd"))));
            }
        }
        found
    }

    fn shape(&self) -> Shape {
        let mut shape = Shape::new();
        let (root, mut objects) = (self.root(), HashMap::new());
        for path in self.paths().into_iter().skip(1) {
            let about = fs::symlink_metadata(&path).unwrap();
            let next = objects.len() as u64;
            let object = *objects.entry(about.ino()).or_insert(next);
            let sort = about.file_type();
            let kind = match () {
                () if sort.is_dir() => Kind::Directory,
                () if sort.is_symlink() => {
                    Kind::Symlink(fs::read_link(&path).unwrap().as_os_str().as_bytes().into())
                }
                () if sort.is_char_device() => Kind::Char(about.rdev() as u32),
                () => Kind::File,
            };
            let data = if kind == Kind::File { fs::read(&path).unwrap() } else { Vec::new() };
            let colour = gsyncd_sys::xattr::get(path.as_os_str().as_bytes(), b"user.k").unwrap();
            let shown = Shown {
                object,
                mode: if sort.is_symlink() { 0 } else { about.mode() & 0o7777 },
                owner: (about.uid(), about.gid()),
                mtime: (about.mtime(), about.mtime_nsec()),
                data,
                kind,
                colour: colour.map(Into::into),
            };
            shape.insert(path.strip_prefix(&root).unwrap().into(), shown);
        }
        shape
    }

    /// Everything that somebody else made is still somewhere.
    fn check_foreign(&self) -> Result<(), TestCaseError> {
        let (mut open, mut contents) = (vec![self.home.path().to_path_buf()], Vec::new());
        while let Some(dir) = open.pop() {
            for entry in fs::read_dir(dir).unwrap() {
                let path = entry.unwrap().path();
                let about = fs::symlink_metadata(&path).unwrap();
                if about.is_dir() {
                    open.push(path);
                } else if about.is_file() && about.len() < 100 {
                    contents.push(fs::read(path).unwrap());
                }
            }
        }
        for content in &self.foreign {
            let count = contents.iter().filter(|found| **found == *content.as_bytes()).count();
            prop_assert_eq!(count, 1, "{}", content);
        }
        Ok(())
    }

    fn disturb(&mut self, (x, y, z): (u8, u8, u8)) -> std::io::Result<()> {
        // where things are parked is ours alone
        let is_theirs =
            |path: &PathBuf| !path.components().any(|part| part.as_os_str() == OsStr::new(".gsyncd-parking"));
        let paths: Vec<PathBuf> = self.paths().into_iter().filter(is_theirs).collect();
        let is_victim =
            |path: &&PathBuf| !path.as_os_str().as_bytes().windows(8).any(|part| part == b"foreign-");
        let victims: Vec<&PathBuf> = paths.iter().filter(is_victim).collect();
        let pick = |number: u8| victims[usize::from(number) % victims.len()].clone();
        let dirs: Vec<&PathBuf> =
            paths.iter().filter(|path| fs::symlink_metadata(path).unwrap().is_dir()).collect();
        let name = OsStr::from_bytes(NAMES[usize::from(z) % NAMES.len()]);
        let (place, victim) = (dirs[usize::from(y) % dirs.len()].join(name), pick(y));
        match x % 10 {
            0 => fs::write(&victim, [z; 5]),
            1 => fs::remove_file(&victim),
            2 => fs::remove_dir(&victim),
            3 | 4 => fs::rename(&victim, &place),
            5 => fs::hard_link(&victim, &place),
            6 => fs::create_dir(&place),
            7 => {
                if victim != self.root() {
                    fs::rename(&victim, self.home.path().join(format!("outside-{z}")))?;
                    symlink(self.home.path().join(format!("outside-{z}")), &victim)?;
                }
                Ok(())
            }
            8 => fs::write(&place, [z; 3]),
            _ => {
                let content = format!("foreign {}", self.foreign.len());
                let path = dirs[usize::from(y) % dirs.len()].join(content.replace(' ', "-"));
                fs::write(path, &content)?;
                self.foreign.push(content);
                Ok(())
            }
        }
    }
}

impl Secondary for LocalSecondary {
    fn tree(&self) -> Arc<dyn Tree> {
        Arc::clone(self.tree.as_ref().unwrap())
    }
    fn crash_after(&mut self, _: u64) {}
    fn fail_at(&mut self, _: u64) {}
    fn recover(&mut self) {}
    fn restart(&mut self) {
        self.tree = None;
        self.tree = Some(local::open(&self.root(), [7; 16]).unwrap());
    }
    fn interfere(&mut self, step: (u8, u8, u8)) -> bool {
        // what cannot be done is not done
        self.is_disturbed && self.disturb(step).is_ok_and(|()| true)
    }
    fn lost(&self, _: &Primary) -> Option<Gfid> {
        None
    }
    fn check_equal(&self, primary: &Primary) -> Result<(), TestCaseError> {
        let wanted = shape_of(primary);
        prop_assert_eq!(renumbered(self.shape()), renumbered(wanted));
        self.check_foreign()
    }
}

/// What the primary looks like.
fn shape_of(primary: &Primary) -> Shape {
    let (nodes, mut shape, mut open) =
        (primary.tree.nodes(), Shape::new(), vec![(Gfid::ROOT, PathBuf::new())]);
    while let Some((dir, path)) = open.pop() {
        for (name, gfid) in &nodes[&dir].children {
            let (node, path) = (&nodes[gfid], path.join(Path::new(OsStr::from_bytes(name.as_bytes()))));
            let is_symlink = matches!(node.kind, Kind::Symlink(_));
            let shown = Shown {
                object: u64::from(gfid.0[1]),
                kind: node.kind.clone(),
                mode: if is_symlink { 0 } else { node.mode },
                owner: node.owner,
                mtime: (node.times.1.seconds, node.times.1.nanos.into()),
                data: node.data.clone(),
                colour: node.xattrs.get(&b"user.k"[..]).map(|value| value.to_vec()),
            };
            shape.insert(path.clone(), shown);
            if node.kind.is_directory() {
                open.push((*gfid, path));
            }
        }
    }
    shape
}

/// Objects numbered in the order of their first names.
fn renumbered(mut shape: Shape) -> Shape {
    let mut numbers = HashMap::new();
    for shown in shape.values_mut() {
        let next = numbers.len() as u64;
        shown.object = *numbers.entry(shown.object).or_insert(next);
    }
    shape
}
