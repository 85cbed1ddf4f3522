//! Reading a whole tree. The file systems of the lab answer slowly, so several threads ask.
use super::{Entry, Kind};
use crate::Done;
use std::collections::BTreeMap;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

/// How many threads read entries.
const THREADS: usize = 6;

/// Entries by path below the root; the root itself is the empty path.
pub type Tree = BTreeMap<PathBuf, Entry>;

/// How much is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// All.
    Full,
    /// All but the bytes of files.
    NoContent,
}

/// What replication keeps at the root of a tree and that is no part of it.
const NOT_OF_THE_TREE: [&str; 3] = [".glusterfs", ".trashcan", ".gsyncd"];

/// Reads a tree; `.glusterfs` and `.trashcan` at the root (of a brick) and `.gsyncd` (of a plain secondary) are left
/// out. What vanishes meanwhile is left out too.
///
/// # Errors
/// Something cannot be read.
pub fn walk(root: &Path, depth: Depth) -> Done<Tree> {
    let mut paths = vec![PathBuf::new()];
    list(root, Path::new(""), &mut paths)?;
    let todo = Mutex::new(paths.into_iter());
    let results: Vec<io::Result<Tree>> = std::thread::scope(|scope| {
        let handles: Vec<_> = (0..THREADS).map(|_| scope.spawn(|| read_some(root, depth, &todo))).collect();
        handles.into_iter().filter_map(|handle| handle.join().ok()).collect()
    });
    let mut tree = Tree::new();
    for part in results {
        tree.extend(part?);
    }
    name_groups(&mut tree);
    Ok(tree)
}

fn list(root: &Path, below: &Path, paths: &mut Vec<PathBuf>) -> io::Result<()> {
    let entries = match std::fs::read_dir(root.join(below)) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        entries => entries?,
    };
    for entry in entries {
        let entry = entry?;
        let path = below.join(entry.file_name());
        if NOT_OF_THE_TREE.iter().any(|name| path == Path::new(name)) {
            continue;
        }
        paths.push(path.clone());
        if entry.file_type()?.is_dir() {
            list(root, &path, paths)?;
        }
    }
    Ok(())
}

fn read_some(root: &Path, depth: Depth, todo: &Mutex<std::vec::IntoIter<PathBuf>>) -> io::Result<Tree> {
    let mut tree = Tree::new();
    loop {
        let next = todo.lock().map(|mut paths| paths.next()).unwrap_or_default();
        let Some(path) = next else { return Ok(tree) };
        let full = if path.as_os_str().is_empty() { root.to_path_buf() } else { root.join(&path) };
        match Entry::read(&full, depth == Depth::Full) {
            Ok(entry) => drop(tree.insert(path, entry)),
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(io::Error::other(format!("{}: {error}", full.display()))),
        }
    }
}

fn name_groups(tree: &mut Tree) {
    let mut groups: BTreeMap<(u64, u64), Vec<PathBuf>> = BTreeMap::new();
    for (path, entry) in tree.iter().filter(|(_, entry)| entry.kind != Kind::Directory) {
        groups.entry(entry.identity).or_default().push(path.clone());
    }
    for entry in tree.values_mut() {
        if let Some(names) = groups.get(&entry.identity).filter(|names| names.len() > 1) {
            entry.names.clone_from(names);
        }
    }
}
