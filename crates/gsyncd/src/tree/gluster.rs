//! A Gluster volume below an aux-gfid mount.
//!
//! Only `.gfid/<gfid>` and `.gfid/<parent>/<name>` are used: the mount cannot bring these and real paths
//! together. Objects and parents are held by O_PATH handles, which stay right while a directory moves.

mod barrier;
mod cache;
mod handle;
mod retry;

use super::{Access, Durability, Handle, Holder, Seen, Tree, is_absent};
use barrier::Barrier;
use cache::Parents;
use gsyncd_core::gluster::handle as brick_handle;
use gsyncd_core::gluster::newfile::{self, NewFile};
use gsyncd_core::id::{Entry, Gfid, Name};
use gsyncd_core::truth::Kind;
use gsyncd_sys::{Errno, Error, OFlags, Result, at, xattr};
use handle::{File, Place};
use retry::patiently;
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

/// Opens the root of a second mount, on which default ACLs can be set. Called at most once with success.
pub type AclMount = Box<dyn Fn() -> Result<OwnedFd> + Send + Sync>;

/// A Gluster volume as the secondary sees it.
pub struct GlusterTree {
    mount: Arc<Mount>,
    parents: Parents,
    barrier: Barrier,
    root: OwnedFd,
    brick: Option<OwnedFd>,
}

/// What handles need of the mount too.
pub(super) struct Mount {
    /// O_PATH handle of `.gfid`.
    gfids: OwnedFd,
    calls: AtomicU64,
    acl_opener: Option<Mutex<AclMount>>,
    acl_gfids: OnceLock<OwnedFd>,
}

impl Mount {
    /// Counts one call on the tree.
    fn count(&self) {
        self.calls.fetch_add(1, Ordering::Relaxed);
    }

    /// `.gfid` of the second mount; None when there is none.
    fn acl_gfids(&self) -> Result<Option<&OwnedFd>> {
        if let Some(gfids) = self.acl_gfids.get() {
            return Ok(Some(gfids));
        }
        let Some(opener) = &self.acl_opener else { return Ok(None) };
        // several threads may meet their first default ACL at once: one of them mounts, the others wait for it
        let opener = opener.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(gfids) = self.acl_gfids.get() {
            return Ok(Some(gfids));
        }
        let gfids = at::open_path(opener()?, b".gfid")?;
        Ok(Some(self.acl_gfids.get_or_init(|| gfids)))
    }
}

impl GlusterTree {
    /// Takes over a mount by a handle of its root. `acl_mount` opens the root of a second mount of the same
    /// volume with `--client-pid=-4`: on a mount with -1 setting a default ACL succeeds and does nothing.
    ///
    /// `brick` is the root of the volume's only brick, when that is on this machine: many files are then made
    /// durable by one `syncfs` there instead of one `fsync` each. It needs a mount on which `close` waits for
    /// the writes ([`crate::tree::mount::unbuffered_arguments`]).
    ///
    /// # Errors
    /// The call that failed; ENOENT without `.gfid`, which is a mount without `--aux-gfid-mount`.
    pub fn open(root: OwnedFd, acl_mount: Option<AclMount>, brick: Option<OwnedFd>) -> Result<GlusterTree> {
        let gfids = at::open_path(&root, b".gfid")?;
        let mount = Mount {
            gfids,
            calls: AtomicU64::new(0),
            acl_opener: acl_mount.map(Mutex::new),
            acl_gfids: OnceLock::new(),
        };
        let (mount, parents, barrier) = (Arc::new(mount), Parents::default(), Barrier::default());
        Ok(GlusterTree { mount, parents, barrier, root, brick })
    }

    /// Calls with the handle of a parent; once more with a new one when the old one stands for nothing.
    fn in_parent<T>(&self, parent: Gfid, mut call: impl FnMut(&OwnedFd) -> Result<T>) -> Result<T> {
        if let Some(fd) = self.parents.get(parent) {
            self.mount.count();
            match patiently(|| call(&fd)) {
                // a directory that was removed and came back under its gfid has a new inode
                Err(error) if is_absent(&error) && !self.is_current(parent, &fd) => {
                    self.parents.forget(parent)
                }
                outcome => return outcome,
            }
        }
        let fd = self.parents.open(parent, || {
            self.mount.count();
            at::open_path(&self.mount.gfids, &parent.canonical())
        })?;
        self.mount.count();
        patiently(|| call(&fd))
    }

    /// True when a handle still stands for something.
    fn is_current(&self, _parent: Gfid, fd: &OwnedFd) -> bool {
        self.mount.count();
        at::stat(fd, b".").is_ok()
    }

    /// Where a directory is by path, as the bricks know it: `/a/b`.
    fn path_of(&self, directory: Gfid) -> Result<Option<Box<[u8]>>> {
        self.mount.count();
        let path = xattr::below(&self.mount.gfids, &directory.canonical());
        match patiently(|| xattr::get(&path, b"glusterfs.gfidtopath")) {
            Err(error) if is_absent(&error) => Ok(None),
            outcome => outcome,
        }
    }

    /// Opens a directory for listing: by its own name, because `.gfid/<gfid>` cannot be listed.
    fn open_listing(&self, directory: Gfid) -> Result<OwnedFd> {
        self.mount.count();
        if directory == Gfid::ROOT {
            return at::open(&self.root, b".", OFlags::RDONLY | OFlags::DIRECTORY);
        }
        let found = self.locate(directory)?;
        let place = found.ok_or_else(|| Error::new("opendir", &directory.canonical(), Errno::NOENT))?;
        self.in_parent(place.parent, |fd| {
            at::open(fd, place.name.as_bytes(), OFlags::RDONLY | OFlags::DIRECTORY)
        })
    }
}

impl Tree for GlusterTree {
    fn identify(&self, at: &Entry) -> Result<Holder> {
        let found = self
            .in_parent(at.parent, |fd| xattr::get(&xattr::below(fd, at.name.as_bytes()), b"glusterfs.gfid"));
        match found {
            Ok(Some(raw)) => Gfid::from_slice(&raw)
                .map(Holder::Held)
                .ok_or_else(|| Error::new("gfid of", at.name.as_bytes(), Errno::IO)),
            Ok(None) => Err(Error::new("gfid of", at.name.as_bytes(), Errno::NODATA)),
            Err(error) if !is_absent(&error) => Err(error),
            Err(_) if self.parents.get(at.parent).is_some() => Ok(Holder::Free),
            Err(_) => Ok(self.look(at.parent)?.map_or(Holder::NoParent, |_| Holder::Free)),
        }
    }

    fn look(&self, gfid: Gfid) -> Result<Option<Seen>> {
        self.mount.count();
        match patiently(|| at::stat_if_there(&self.mount.gfids, &gfid.canonical())) {
            Err(error) if is_absent(&error) => Ok(None),
            outcome => Ok(outcome?.map(Seen::from)),
        }
    }

    fn create(&self, at: &Entry, gfid: Gfid, kind: &Kind, mode: u32) -> Result<Option<Box<dyn Handle>>> {
        let blob = blob(at, gfid, kind, mode)?;
        let created = self.in_parent(at.parent, |fd| {
            xattr::set_through(&xattr::below(fd, b""), newfile::KEY.as_bytes(), &blob)
        });
        created.map_err(|error| Error { call: "create", path: at.name.to_string(), ..error })?;
        Ok(None)
    }

    fn link(&self, gfid: Gfid, to: &Entry) -> Result<()> {
        let from = gfid.canonical();
        self.in_parent(to.parent, |fd| at::link(&self.mount.gfids, &from, fd, to.name.as_bytes()))
    }

    fn rename(&self, from: &Entry, to: &Entry) -> Result<()> {
        self.in_parent(from.parent, |source| {
            self.in_parent(to.parent, |target| {
                at::rename(source, from.name.as_bytes(), target, to.name.as_bytes())
            })
        })
    }

    fn unlink(&self, at: &Entry) -> Result<()> {
        self.in_parent(at.parent, |fd| at::unlink(fd, at.name.as_bytes()))
    }

    fn rmdir(&self, at: &Entry) -> Result<()> {
        self.in_parent(at.parent, |fd| at::rmdir(fd, at.name.as_bytes()))
    }

    fn locate(&self, directory: Gfid) -> Result<Option<Entry>> {
        // the path is read and then walked; a rename in between shows as another gfid at the end
        for _ in 0..3 {
            let Some(path) = self.path_of(directory)? else { return Ok(None) };
            let path = path.split(|&b| b == 0).next().unwrap_or_default();
            let names: Option<Vec<Name>> =
                path.split(|&b| b == b'/').filter(|part| !part.is_empty()).map(Name::new).collect();
            let Some((last, above)) = names.as_deref().and_then(<[Name]>::split_last) else {
                return Ok(None);
            };
            let mut parent = Some(Gfid::ROOT);
            for name in above {
                let Some(above) = parent else { break };
                parent = match self.identify(&Entry { parent: above, name: name.clone() })? {
                    Holder::Held(gfid) => Some(gfid),
                    Holder::Free | Holder::NoParent => None,
                };
            }
            let Some(parent) = parent else { continue };
            let place = Entry { parent, name: last.clone() };
            if self.identify(&place)? == Holder::Held(directory) {
                return Ok(Some(place));
            }
        }
        Err(Error::new("locate", &directory.canonical(), Errno::STALE))
    }

    fn entries(&self, directory: Gfid, each: &mut dyn FnMut(Name, Gfid) -> bool) -> Result<()> {
        let listing = self.open_listing(directory)?;
        let mut names = Vec::new();
        at::for_each_entry::<Error>(&listing, b".", |entry| {
            names.extend(Name::new(&entry.name));
            Ok(())
        })?;
        for name in names {
            // the root shows `.gfid` to nobody, and `.trashcan` belongs to the volume, not to its users
            if directory == Gfid::ROOT && matches!(name.as_bytes(), b".trashcan" | b".gfid") {
                continue;
            }
            let at = Entry { parent: directory, name };
            if let Holder::Held(gfid) = self.identify(&at)?
                && !each(at.name, gfid)
            {
                break;
            }
        }
        Ok(())
    }

    fn open(&self, gfid: Gfid, access: Access) -> Result<Box<dyn Handle>> {
        self.mount.count();
        let path = gfid.canonical();
        let gfids = &self.mount.gfids;
        match access {
            Access::Content => {
                let fd = patiently(|| at::open(gfids, &path, OFlags::RDWR))?;
                Ok(Box::new(File { fd, gfid, mount: Arc::clone(&self.mount) }))
            }
            Access::Attributes => {
                let fd = patiently(|| at::open_path(gfids, &path))?;
                Ok(Box::new(Place { fd, gfid, mount: Arc::clone(&self.mount) }))
            }
        }
    }

    fn barrier(&self) -> Result<()> {
        self.mount.count();
        match &self.brick {
            Some(brick) => at::sync_file_system(brick),
            None => self.barrier.pass(&self.root),
        }
    }

    fn durability(&self) -> Durability {
        if self.brick.is_some() { Durability::Barrier } else { Durability::EachFile }
    }

    fn stored_size(&self, gfid: Gfid) -> Result<Option<u64>> {
        match &self.brick {
            Some(brick) => Ok(at::stat_if_there(brick, &brick_handle::path(gfid))?.map(|stat| stat.size)),
            None => Ok(self.look(gfid)?.map(|seen| seen.size)),
        }
    }

    fn calls(&self) -> u64 {
        self.mount.calls.load(Ordering::Relaxed)
    }
}

/// What creates the object as root's; its owner comes later (a blob with an owner runs as that owner).
fn blob(at: &Entry, gfid: Gfid, kind: &Kind, mode: u32) -> Result<Vec<u8>> {
    let layout = match kind {
        Kind::Directory => newfile::Kind::Directory,
        Kind::Symlink(target) => newfile::Kind::Symlink(target),
        Kind::Char(rdev) | Kind::Block(rdev) => newfile::Kind::Other { rdev: *rdev },
        Kind::File | Kind::Fifo | Kind::Socket => newfile::Kind::Other { rdev: 0 },
    };
    let mode = kind.type_bits() | (mode & 0o7777);
    let new = NewFile { uid: 0, gid: 0, gfid, mode, name: &at.name, kind: layout };
    newfile::encode(&new).ok_or_else(|| Error::new("create", at.name.as_bytes(), Errno::INVAL))
}

#[cfg(test)]
mod tests {
    use super::{AclMount, Mount};
    use gsyncd_sys::at;
    use std::os::unix::ffi::OsStrExt;
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::sync::{Arc, Mutex, OnceLock};

    #[test]
    fn threads_that_meet_default_acls_at_once_share_one_mount() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join(".gfid")).unwrap();
        let root = dir.path().as_os_str().as_bytes().to_vec();
        let mounts = Arc::new(AtomicU64::new(0));
        let counted = Arc::clone(&mounts);
        let from = root.clone();
        let opener: AclMount = Box::new(move || {
            counted.fetch_add(1, Ordering::Relaxed);
            at::open_root(&from)
        });
        let gfids = at::open_path(at::open_root(&root).unwrap(), b".gfid").unwrap();
        let acl_opener = Some(Mutex::new(opener));
        let mount = Mount { gfids, calls: AtomicU64::new(0), acl_opener, acl_gfids: OnceLock::new() };
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| assert!(mount.acl_gfids().unwrap().is_some()));
            }
        });
        assert_eq!(mounts.load(Ordering::Relaxed), 1);
    }
}
