//! Reading the truth from the local brick (spec: on-disk-formats 5.1, 5.6).
//!
//! Right only where the brick is the whole volume: no replica that could be newer, no fragments, no other
//! distribute child. It needs no FUSE client, is never stale, and costs a tenth of a mount's round trips.

use super::handles::Handles;
use super::lost::Lost;
use super::{Sight, View, replicated_xattrs};
use gsyncd_core::gluster::{gfid2path, handle, mdata, names};
use gsyncd_core::id::{Entry, Gfid, Name, Stime};
use gsyncd_core::truth::{Attributes, Kind, TimeStamp, Xattr};
use gsyncd_sys::at::Stat;
use gsyncd_sys::{Errno, Error, OFlags, at, xattr};
use std::collections::HashSet;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::sync::Arc;

/// How deep a tree may be before a walk up is taken for a loop.
const DEEPEST: usize = 4096;

/// How often the way to a directory is looked for while directories above it move.
const CLIMBS: u32 = 10;
/// How often its own place may turn out to be another's before its handle is a leftover.
const CLIMBS_MISLED: u32 = 4;
/// How often names are read again while some that are noted do not hold.
const NAME_LOOKS: u32 = 4;
/// The pause between two such looks grows by this.
const CLIMB_PAUSE: std::time::Duration = std::time::Duration::from_millis(1);

/// One brick that is a whole volume.
pub struct BrickView {
    root: Arc<OwnedFd>,
    volume: Gfid,
    xtime_key: Vec<u8>,
    directories: Handles,
    lost: Lost,
}

impl BrickView {
    /// Opens a brick. The root stays open, so that a brick that is unmounted later cannot pose as empty.
    ///
    /// # Errors
    /// When the root cannot be opened or is no brick (no volume id).
    pub fn open(path: &Path) -> Result<BrickView, Error> {
        let bytes = std::os::unix::ffi::OsStrExt::as_bytes(path.as_os_str());
        let root = Arc::new(at::open_root(bytes)?);
        let volume =
            volume_id(&root)?.ok_or_else(|| Error::new("getxattr volume-id", bytes, Errno::NODATA))?;
        let xtime_key = names::xtime(volume).into_bytes();
        Ok(BrickView { root, volume, xtime_key, directories: Handles::default(), lost: Lost::default() })
    }

    /// The id of the volume this brick belongs to.
    #[must_use]
    pub fn volume(&self) -> Gfid {
        self.volume
    }

    /// The brick's root directory.
    #[must_use]
    pub fn root(&self) -> Arc<OwnedFd> {
        Arc::clone(&self.root)
    }

    /// Path of an object's handle, for calls that take a path.
    fn handle_path(&self, gfid: Gfid) -> Vec<u8> {
        xattr::below(&self.root, &handle::path(gfid))
    }

    /// The object's handle: itself for a non-directory, a symlink for a directory. None: dead.
    fn handle_stat(&self, gfid: Gfid) -> Result<Option<Stat>, Error> {
        at::stat_if_there(&self.root, &handle::path(gfid))
    }

    /// Where a directory lives; None when the gfid is not a living directory's.
    fn place(&self, gfid: Gfid) -> Result<Option<Entry>, Error> {
        match self.handle_stat(gfid)? {
            Some(stat) if is_directory_handle(&stat) => {}
            Some(_) => return Ok(None),
            None => return Ok(self.lost.place(gfid)),
        }
        let target = at::absent_is_none(at::readlink(&self.root, &handle::path(gfid)))?;
        Ok(target.and_then(|target| handle::parse_link(&target)))
    }

    /// An O_PATH handle of a directory; None when it is gone.
    ///
    /// While the directory or one above it is being renamed its handle and its place disagree for a moment. That
    /// must not pass for its end, so it is looked for again. But a brick also leaves the handle of a directory
    /// behind that was replaced by a rename: it leads for ever to a place that is another's.
    fn directory(&self, gfid: Gfid) -> Result<Option<Arc<OwnedFd>>, Error> {
        let mut misled = 0;
        for attempt in 0..CLIMBS {
            match self.climb(gfid)? {
                Way::Open(open) => return Ok(Some(open)),
                Way::NoHandle => return Ok(None),
                Way::Misled => misled += 1,
                Way::Broken => {}
            }
            if misled == CLIMBS_MISLED {
                return Ok(None);
            }
            std::thread::sleep(CLIMB_PAUSE * attempt);
        }
        if self.lost.is_absent(gfid) {
            return Ok(None);
        }
        Err(Error::new("open", &handle::path(gfid), Errno::STALE))
    }

    /// What sort of object there is, by its handle or by where it was seen.
    fn form(&self, gfid: Gfid) -> Result<Form, Error> {
        Ok(match self.handle_stat(gfid)? {
            _ if gfid == Gfid::ROOT => Form::Directory,
            Some(stat) if is_directory_handle(&stat) => Form::Directory,
            Some(_) => Form::Other,
            None if self.lost.is_known(gfid) => Form::Directory,
            None => Form::None,
        })
    }

    /// Remembers where a directory without a handle is.
    fn note_if_lost(&self, parent: &OwnedFd, at: &Entry, gfid: Gfid) -> Result<(), Error> {
        if self.handle_stat(gfid)?.is_none()
            && at::stat_if_there(parent, at.name.as_bytes())?.is_some_and(|stat| stat.is_dir())
        {
            self.lost.seen(gfid, at);
        }
        Ok(())
    }

    /// Climbs from a directory to the nearest open ancestor and descends again.
    fn climb(&self, gfid: Gfid) -> Result<Way, Error> {
        let mut below = Vec::new();
        let mut current = gfid;
        let mut open = loop {
            if current == Gfid::ROOT {
                break self.root();
            }
            if let Some(open) = self.directories.get(current) {
                break open;
            }
            let Some(place) = self.place(current)? else {
                return Ok(if current == gfid { Way::NoHandle } else { Way::Broken });
            };
            let parent = place.parent;
            below.push((current, place.name));
            current = parent;
            if below.len() > DEEPEST {
                return Err(Error::new("readlinkat", &handle::path(gfid), Errno::LOOP));
            }
        };
        while let Some((next, name)) = below.pop() {
            match step_into(&open, next, &name)? {
                Some(found) => open = self.directories.put(next, found),
                None if next == gfid => return Ok(Way::Misled),
                None => return Ok(Way::Broken),
            }
        }
        Ok(Way::Open(open))
    }

    /// Where the object's xattrs are; None when it is dead.
    fn spot(&self, gfid: Gfid) -> Result<Option<Spot>, Error> {
        match self.form(gfid)? {
            Form::None => Ok(None),
            Form::Other => Ok(Some(Spot { path: self.handle_path(gfid), directory: None })),
            Form::Directory => Ok(self.directory(gfid)?.map(Spot::of_directory)),
        }
    }

    /// How many names the brick has noted for an object, and those that it really holds, sorted.
    fn claimed_and_held(&self, gfid: Gfid) -> Result<(usize, Vec<Entry>), Error> {
        let claimed: Vec<Entry> = match self.form(gfid)? {
            _ if gfid == Gfid::ROOT => Vec::new(),
            Form::None => Vec::new(),
            Form::Directory => self.place(gfid)?.into_iter().collect(),
            Form::Other => recorded_names(&self.handle_path(gfid))?,
        };
        let count = claimed.len();
        let mut held = Vec::new();
        for entry in claimed {
            if self.holder(&entry)? == Some(gfid) {
                held.push(entry);
            }
        }
        held.sort();
        Ok((count, held))
    }

    /// Type, attributes and link count.
    fn look(&self, gfid: Gfid) -> Result<Option<Sight>, Error> {
        let Some(spot) = self.spot(gfid)? else { return Ok(None) };
        let (stat, names) = match &spot.directory {
            Some(open) => (at::stat_fd(&**open)?, 1),
            None => {
                let Some(stat) = self.handle_stat(gfid)? else { return Ok(None) };
                // the handle itself is one link; alone it is a leftover without any name
                (stat, stat.nlink.saturating_sub(1))
            }
        };
        // a removed directory that is still open
        if spot.directory.is_some() && stat.nlink == 0 {
            self.directories.forget(gfid);
            return Ok(None);
        }
        let Some(kind) = self.kind(gfid, &stat)?.filter(|_| names > 0) else { return Ok(None) };
        let times = recorded_times(&spot)?;
        Ok(Some(Sight { attributes: attributes(kind, &stat, times), names }))
    }

    /// The sort of object; None when it vanished meanwhile.
    fn kind(&self, gfid: Gfid, stat: &Stat) -> Result<Option<Kind>, Error> {
        // GlusterFS carries the low 32 bits of a device number only
        let device = stat.rdev as u32;
        Ok(Some(match stat.type_bits() {
            0o010_000 => Kind::Fifo,
            0o020_000 => Kind::Char(device),
            0o040_000 => Kind::Directory,
            0o060_000 => Kind::Block(device),
            0o120_000 => match at::absent_is_none(at::readlink(&self.root, &handle::path(gfid)))? {
                Some(target) => Kind::Symlink(target),
                None => return Ok(None),
            },
            0o140_000 => Kind::Socket,
            _ => Kind::File,
        }))
    }
}

impl View for BrickView {
    fn holder(&self, at: &Entry) -> Result<Option<Gfid>, Error> {
        let Some(parent) = self.directory(at.parent)? else { return Ok(None) };
        let holder = gfid_of_name(&parent, &at.name)?;
        if let Some(gfid) = holder {
            self.note_if_lost(&parent, at, gfid)?;
        }
        Ok(holder)
    }

    fn sight(&self, gfid: Gfid) -> Result<Option<Sight>, Error> {
        again_when_stale(|| self.look(gfid))
    }

    fn names(&self, gfid: Gfid) -> Result<Vec<Entry>, Error> {
        let mut attempt = 0;
        loop {
            let (claimed, held) = self.claimed_and_held(gfid)?;
            attempt += 1;
            // a claim that does not hold: it is being renamed just now, or a leftover
            if claimed == held.len() || attempt == NAME_LOOKS {
                return Ok(held);
            }
            std::thread::sleep(CLIMB_PAUSE * attempt);
        }
    }

    fn xattrs(&self, gfid: Gfid) -> Result<Option<Vec<Xattr>>, Error> {
        again_when_stale(|| {
            let Some(spot) = self.spot(gfid)? else { return Ok(None) };
            gone_is_none(replicated(&spot))
        })
    }

    fn open(&self, gfid: Gfid) -> Result<Option<OwnedFd>, Error> {
        at::absent_is_none(at::open(&self.root, &handle::path(gfid), OFlags::RDONLY | OFlags::NOATIME))
    }

    fn list(&self, dir: Gfid, each: &mut dyn FnMut(Name, Gfid) -> Result<(), Error>) -> Result<(), Error> {
        let Some(open) = self.directory(dir)? else { return Ok(()) };
        at::for_each_entry(&*open, b".", |entry| {
            let hidden = dir == Gfid::ROOT && matches!(&*entry.name, b".glusterfs" | b".trashcan");
            let (false, Some(name)) = (hidden, Name::new(&entry.name)) else { return Ok(()) };
            // no gfid: made behind GlusterFS's back, or gone since it was listed
            match gfid_of_name(&open, &name)? {
                Some(gfid) => {
                    let at = Entry { parent: dir, name };
                    self.note_if_lost(&open, &at, gfid)?;
                    each(at.name, gfid)
                }
                None => Ok(()),
            }
        })
    }

    fn changed_at(&self, gfid: Gfid) -> Result<Option<Stime>, Error> {
        again_when_stale(|| {
            let Some(spot) = self.spot(gfid)? else { return Ok(None) };
            let raw = gone_is_none(spot.value(&self.xtime_key))?.flatten();
            Ok(raw.and_then(|raw| Stime::decode(&raw)))
        })
    }

    fn relearn(&self) -> Result<(), Error> {
        let suspects = self.lost.suspects();
        if suspects.is_empty() {
            return Ok(());
        }
        tracing::warn!(
            count = suspects.len(),
            "directories without a usable handle, looking through the brick"
        );
        let (mut met, mut open) = (HashSet::new(), vec![Gfid::ROOT]);
        while let Some(dir) = open.pop() {
            self.list(dir, &mut |_, gfid| {
                if matches!(self.form(gfid)?, Form::Directory) {
                    open.push(gfid);
                    if suspects.contains(&gfid) {
                        met.insert(gfid);
                    }
                }
                Ok(())
            })?;
        }
        self.lost.walked(&suspects, &met);
        Ok(())
    }

    fn is_whole(&self) -> bool {
        matches!(volume_id(&self.root), Ok(Some(volume)) if volume == self.volume)
    }
}

/// What sort of object a gfid stands for.
enum Form {
    /// Nothing.
    None,
    /// A directory.
    Directory,
    /// Anything else, by its handle.
    Other,
}

/// What a climb met.
enum Way {
    /// The directory.
    Open(Arc<OwnedFd>),
    /// The directory has no handle.
    NoHandle,
    /// Its handle leads to a place that is not its own.
    Misled,
    /// A directory above it was not where its handle says.
    Broken,
}

/// Opens a directory by its name, if it is the one that is meant.
fn step_into(parent: &OwnedFd, gfid: Gfid, name: &Name) -> Result<Option<OwnedFd>, Error> {
    let opened = at::open(parent, name.as_bytes(), OFlags::PATH | OFlags::DIRECTORY);
    let Some(found) = gone_is_none(opened)? else { return Ok(None) };
    let raw = xattr::get_through(&xattr::below(&found, b""), names::GFID.as_bytes())?;
    Ok((raw.and_then(|raw| Gfid::from_slice(&raw)) == Some(gfid)).then_some(found))
}

/// A path to an object's xattrs. The path of a directory goes through its open handle, which must therefore
/// live as long: a reused descriptor number would speak of another object.
struct Spot {
    path: Vec<u8>,
    directory: Option<Arc<OwnedFd>>,
}

impl Spot {
    fn of_directory(open: Arc<OwnedFd>) -> Spot {
        Spot { path: xattr::below(&*open, b""), directory: Some(open) }
    }

    /// One xattr.
    fn value(&self, key: &[u8]) -> Result<Option<Box<[u8]>>, Error> {
        if self.directory.is_some() {
            xattr::get_through(&self.path, key)
        } else {
            xattr::get(&self.path, key)
        }
    }

    /// The names of all xattrs.
    fn keys(&self) -> Result<Vec<Box<[u8]>>, Error> {
        if self.directory.is_some() { xattr::list_through(&self.path) } else { xattr::list(&self.path) }
    }
}

/// A gfid's handle that is a symlink with one link is a directory's; with more it is a user's symlink.
fn is_directory_handle(stat: &Stat) -> bool {
    stat.type_bits() == 0o120_000 && stat.nlink == 1
}

/// The volume id of a brick root.
fn volume_id(root: &OwnedFd) -> Result<Option<Gfid>, Error> {
    let raw = xattr::get_through(&xattr::below(root, b""), names::VOLUME_ID.as_bytes())?;
    Ok(raw.and_then(|raw| Gfid::from_slice(&raw)))
}

/// The gfid xattr of a name; None when the object or the xattr is not there.
fn gfid_of_name(dir: &OwnedFd, name: &Name) -> Result<Option<Gfid>, Error> {
    let raw =
        gone_is_none(xattr::get(&xattr::below(dir, name.as_bytes()), names::GFID.as_bytes()))?.flatten();
    Ok(raw.and_then(|raw| Gfid::from_slice(&raw)))
}

/// "Not there" and "not a directory any more" as None.
fn gone_is_none<T>(outcome: Result<T, Error>) -> Result<Option<T>, Error> {
    match outcome {
        Ok(value) => Ok(Some(value)),
        Err(error) if matches!(error.errno, Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => Ok(None),
        Err(error) => Err(error),
    }
}

/// One more try when a cached handle was closed between looking and using it.
fn again_when_stale<T>(mut read: impl FnMut() -> Result<Option<T>, Error>) -> Result<Option<T>, Error> {
    match read() {
        Ok(None) => read(),
        Err(error) if error.errno == Errno::NOENT => read(),
        other => other,
    }
}

/// The times users see: those of the ctime feature where it is on, else none.
fn recorded_times(spot: &Spot) -> Result<Option<mdata::Mdata>, Error> {
    let raw = gone_is_none(spot.value(mdata::KEY.as_bytes()))?.flatten();
    Ok(raw.and_then(|raw| mdata::decode(&raw)))
}

/// Every name that the brick has noted for a non-directory.
fn recorded_names(path: &[u8]) -> Result<Vec<Entry>, Error> {
    let Some(keys) = gone_is_none(xattr::list(path))? else { return Ok(Vec::new()) };
    let mut entries = Vec::new();
    for key in keys.iter().filter(|key| gfid2path::is_key(key)) {
        let raw = gone_is_none(xattr::get(path, key))?.flatten();
        entries.extend(raw.and_then(|raw| gfid2path::parse(&raw)));
    }
    Ok(entries)
}

/// The replicated xattrs, sorted by key.
fn replicated(spot: &Spot) -> Result<Vec<Xattr>, Error> {
    replicated_xattrs(spot.keys()?, |key| spot.value(key))
}

/// Attributes as users see them.
fn attributes(kind: Kind, stat: &Stat, times: Option<mdata::Mdata>) -> Attributes {
    let recorded = |time: mdata::Time| TimeStamp { seconds: time.seconds, nanos: time.nanoseconds };
    let mut attributes = Sight::attributes_of(kind, stat);
    if let Some(times) = times {
        (attributes.mtime, attributes.atime) = (recorded(times.mtime), recorded(times.atime));
    }
    attributes
}

#[cfg(test)]
mod tests;
