//! A plain directory as a secondary's tree: objects by gfid through an index of its own below `.gsyncd/`.
//!
//! Nothing here trusts the index alone: others may work in the directory too, and after a crash the index is older than
//! the tree. What it does not know is *foreign*: it can be looked at, taken over and moved, and is never destroyed.

mod access;
mod aside;
mod change;
mod dirs;
mod displaced;
mod handle;
mod index;
mod look;
mod paths;
mod record;
mod stage;
mod store;
mod strangers;
#[cfg(test)]
mod tests;
mod unsettled;

use super::{Access as Purpose, Durability, Handle, Holder, Left, Seen, Strangers as Expected, Tree};
use crate::exit::Failure;
use access::Access;
use aside::Aside;
use dirs::Dirs;
use gsyncd_core::id::{Entry, Gfid, Name};
use gsyncd_core::truth::Kind;
use gsyncd_sys::lock::OfdLock;
use gsyncd_sys::{OFlags, Result, at};
use index::Index;
use paths::Paths;
use stage::Stage;
use std::fs::{DirBuilder, File, Permissions};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;
use std::sync::Arc;
use store::Identity;
use strangers::Strangers;
use unsettled::Unsettled;

/// The name in the root of what belongs to this program; not part of the tree.
const OWN_NAME: &str = ".gsyncd";

/// A plain directory as a secondary's tree.
pub struct LocalTree {
    paths: Paths,
    /// The root, open for reading: an O_PATH handle cannot be synced.
    file_system: OwnedFd,
    aside: Aside,
    stage: Stage,
    unsettled: Unsettled,
    /// What a former run left; of the names those that the index did not have.
    left: Left,
    strangers: Expected,
    threads: usize,
    /// Held for as long as the tree is open.
    _lock: OfdLock,
}

/// Opens the tree below `root`, creating the directory and its index where they are missing. `primary` is the id of
/// the primary's tree: an index made for another one is dropped, and its objects are adopted anew.
///
/// The process creates with `umask` 0 from then on.
///
/// # Errors
/// What keeps it from being used, with the path.
pub fn open(root: &Path, primary: [u8; 16]) -> std::result::Result<Arc<dyn Tree>, Failure> {
    let tree = LocalTree::open(root, primary).map_err(|failure| Failure {
        message: format!("{}: {}", root.display(), failure.message),
        ..failure
    })?;
    Ok(Arc::new(tree))
}

impl LocalTree {
    fn open(root: &Path, primary: [u8; 16]) -> std::result::Result<LocalTree, Failure> {
        let failed = |error: std::io::Error| Failure::new(error.to_string());
        std::fs::create_dir_all(root).map_err(failed)?;
        let own = root.join(OWN_NAME);
        let lock = lock(&own)?;
        at::clear_umask();
        let file_system = at::open_root(root.as_os_str().as_bytes())?;
        let (handle, mount) = gsyncd_sys::handle::located(&file_system, b"")?;
        let own_fd = at::open(&file_system, OWN_NAME.as_bytes(), OFlags::PATH | OFlags::DIRECTORY)?;
        let paths = Paths {
            root: Arc::new(at::open_path(&file_system, b".")?),
            mount,
            index: Index::open(&own, &Identity { primary, root: handle })?,
            strangers: Strangers::default(),
            dirs: Dirs::default(),
            access: Arc::new(Access::new()),
        };
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        let stage = Stage::open(&own_fd)?;
        let aside = Aside::new(own_fd, &own);
        let (unsettled, strangers) = (Unsettled::open(&own)?, Expected::Few);
        let left = Left::default();
        let mut tree =
            LocalTree { paths, file_system, aside, stage, unsettled, left, strangers, threads, _lock: lock };
        // a copy that never saw a sync is compared as a whole anyway
        if tree.generation() > 0 {
            let directories = tree.unsettled.left();
            tree.left = Left { names: tree.meet_left(directories.clone()), directories };
        }
        if tree.generation() == 0 && !tree.is_empty()? {
            tree.strangers = Expected::Many;
        }
        Ok(tree)
    }

    /// Makes the tree durable, then the index.
    fn commit(&self, counts: bool) -> Result<u64> {
        if !self.paths.access.take_dirty() && !self.paths.index.is_large() {
            return Ok(self.generation());
        }
        self.unsettled.begin();
        let done = self.paths.index.commit(counts, || at::sync_file_system(&self.file_system));
        let done = done.and_then(|generation| self.unsettled.settle().map(|()| generation));
        done.inspect_err(|_| self.paths.access.set_dirty())
    }
}

/// Makes the tree's own directory and takes the lock in it.
fn lock(own: &Path) -> std::result::Result<OfdLock, Failure> {
    let failed = |error: std::io::Error| Failure::new(format!("{OWN_NAME}: {error}"));
    match DirBuilder::new().mode(0o700).create(own) {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => return Err(failed(error)),
        _ => {}
    }
    let about = std::fs::symlink_metadata(own).map_err(failed)?;
    if !about.is_dir() {
        return Err(Failure::new(format!("{OWN_NAME} is not a directory")));
    }
    // whoever may write there could lead us anywhere
    let (user, _) = at::effective_ids();
    if about.uid() != user {
        let whose = about.uid();
        return Err(Failure::new(format!("{OWN_NAME} belongs to user {whose}, this is user {user}")));
    }
    std::fs::set_permissions(own, Permissions::from_mode(0o700)).map_err(failed)?;
    let mut options = File::options();
    let file = options.read(true).write(true).create(true).truncate(false).mode(0o600).open(own.join("lock"));
    OfdLock::try_lock(file.map_err(failed)?)?
        .ok_or_else(|| Failure::new("another gsyncd is writing to this directory"))
}

impl Tree for LocalTree {
    fn begin(&self) {
        self.paths.dirs.turn();
    }

    fn identify(&self, at: &Entry) -> Result<Holder> {
        self.who_holds(at)
    }

    fn look(&self, gfid: Gfid) -> Result<Option<Seen>> {
        self.appearance(gfid)
    }

    fn create(&self, at: &Entry, gfid: Gfid, kind: &Kind, mode: u32) -> Result<Option<Box<dyn Handle>>> {
        self.make(at, gfid, kind, mode)
    }

    fn adopt(&self, at: &Entry, gfid: Gfid, kind: &Kind) -> Result<Option<Seen>> {
        self.take_over(at, gfid, kind)
    }

    fn stage(&self, gfid: Gfid, seen: &Seen) -> Result<Option<Box<dyn Handle>>> {
        self.begin_version(gfid, seen)
    }

    fn settle_staged(&self, staged: &[Gfid]) -> Result<()> {
        self.settle_versions(staged)
    }

    fn publish(&self, gfid: Gfid) -> Result<()> {
        self.publish_version(gfid)
    }

    fn unsettled(&self) -> Left {
        self.left.clone()
    }

    fn reserves(&self, at: &Entry) -> bool {
        at.parent == Gfid::ROOT && at.name.as_bytes() == OWN_NAME.as_bytes()
    }

    fn strangers(&self) -> Expected {
        self.strangers
    }

    fn creator(&self) -> (u32, u32) {
        self.paths.access.ids
    }

    fn link(&self, gfid: Gfid, to: &Entry) -> Result<()> {
        self.add_name(gfid, to)
    }

    fn rename(&self, from: &Entry, to: &Entry) -> Result<()> {
        self.move_name(from, to)
    }

    fn unlink(&self, at: &Entry) -> Result<()> {
        self.remove_name(at)
    }

    fn rmdir(&self, at: &Entry) -> Result<()> {
        self.remove_directory(at)
    }

    fn locate(&self, directory: Gfid) -> Result<Option<Entry>> {
        Ok(self.paths.find(directory)?.map(|(_, at)| at))
    }

    fn entries(&self, directory: Gfid, each: &mut dyn FnMut(Name, Gfid) -> bool) -> Result<()> {
        self.list(directory, &mut |name, gfid, _| each(name, gfid))
    }

    fn open(&self, gfid: Gfid, access: Purpose) -> Result<Box<dyn Handle>> {
        self.open_object(gfid, access)
    }

    fn barrier(&self) -> Result<()> {
        if self.paths.index.is_large() {
            self.commit(false)?;
        }
        Ok(())
    }

    fn durability(&self) -> Durability {
        Durability::Sync
    }

    fn sync(&self) -> Result<u64> {
        self.aside.tell();
        self.commit(true)
    }

    fn copy(&self) -> [u8; 16] {
        self.paths.index.state().copy
    }

    fn generation(&self) -> u64 {
        self.paths.index.state().generation
    }

    fn parallelism(&self) -> usize {
        self.threads
    }

    fn locks_directories(&self) -> bool {
        true
    }

    fn calls(&self) -> u64 {
        self.paths.access.calls()
    }
}
