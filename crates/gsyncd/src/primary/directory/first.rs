//! The first sync: reads the tree once, says what it finds and writes it into the map as it goes.

use super::below::{Below, is_gone, list};
use super::ground::{Ground, join, stat_of};
use super::map::{Changes, Known, Map, MapError};
use super::notice::YOUNG_LIMIT;
use super::progress::Progress;
use super::scan::Skipped;
use super::view::{kind_of, open_file, xattrs_at, xattrs_of};
use super::watch::Watch;
use crate::primary::facts::{self, Content, Facts, INLINE_LIMIT_BYTES, Want};
use crate::primary::plan::{hand_over, hand_over_when_full};
use crate::primary::send::{SendError, Sender, Stuck};
use crate::primary::view::{Sight, View};
use gsyncd_core::id::{Entry, Gfid, Name};
use gsyncd_core::truth::{Body, Kind, Object};
use gsyncd_sys::at::Stat;
use gsyncd_sys::{Errno, Error, at, xattr};
use std::os::fd::OwnedFd;
use std::sync::Arc;

/// What is known to be with the secondary for good is noted after so many entries: what a crash repeats at most.
const CHUNK_ENTRIES: u64 = 32_768;
/// Or after so many bytes.
const CHUNK_BYTES: u64 = 2 * 1024 * 1024 * 1024;

/// How often those who watch hear of it, in entries.
const TELL_EVERY: u64 = 256;

/// Why the first sync ended.
pub enum FirstError {
    /// The map is of no use any more.
    Map(MapError),
    /// The conversation ended.
    Send(SendError),
    /// The root cannot be read.
    Root(Error),
}

impl From<MapError> for FirstError {
    fn from(error: MapError) -> FirstError {
        FirstError::Map(error)
    }
}

impl From<SendError> for FirstError {
    fn from(error: SendError) -> FirstError {
        FirstError::Send(error)
    }
}

/// How an existing copy is judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Onto {
    /// There is none: everything is sent.
    Nothing,
    /// By content. What the tree does not have is taken away, unless deletions are ignored.
    Copy {
        /// By size and time instead.
        trust_mtime: bool,
        /// What is too much stays.
        keep_surplus: bool,
    },
}

/// A first sync.
pub struct First<'a> {
    ground: &'a Ground,
    map: &'a Map,
    view: &'a dyn View,
    watch: Option<&'a Watch>,
    progress: &'a Progress,
    sender: &'a mut Sender,
    onto: Onto,
    facts: Facts<'a>,
    entries: u64,
    bytes: u64,
    told: u64,
    told_bytes: u64,
    /// Names to be looked at once more (see [`super::examine`]).
    pub young: Vec<Entry>,
    /// What could not be looked into.
    pub skipped: Vec<Skipped>,
    /// What could not be synced.
    pub stuck: Vec<Stuck>,
}

impl<'a> First<'a> {
    /// Nothing read yet.
    pub fn new(
        ground: &'a Ground,
        view: &'a dyn View,
        watch: Option<&'a Watch>,
        progress: &'a Progress,
        sender: &'a mut Sender,
        onto: Onto,
    ) -> First<'a> {
        let facts = Facts::new(view);
        let (skipped, stuck, map) = (Vec::new(), Vec::new(), &**ground.map());
        First {
            ground,
            map,
            view,
            watch,
            progress,
            sender,
            onto,
            facts,
            entries: 0,
            bytes: 0,
            told: 0,
            told_bytes: 0,
            young: Vec::new(),
            skipped,
            stuck,
        }
    }

    /// Reads and says everything; it is with the secondary for good then, and in the map.
    ///
    /// # Errors
    /// [`FirstError`].
    pub fn run(&mut self) -> Result<(), FirstError> {
        let mut open = vec![Below::root(self.ground)];
        let stat = at::stat_fd(self.ground.root()).map_err(FirstError::Root)?;
        self.map.set_root(Known::from_stat(Gfid::ROOT, &stat))?;
        self.facts.object(Gfid::ROOT, Want::LOOKS);
        while let Some(below) = open.pop() {
            match self.directory(&below, &mut open)? {
                Ok(()) => {}
                Err(error) if below.path.is_empty() => return Err(FirstError::Root(error)),
                Err(error) if is_gone(&error) => {}
                Err(error) => self.skipped.push(Skipped { path: below.path, error }),
            }
            if self.entries >= CHUNK_ENTRIES || self.bytes >= CHUNK_BYTES {
                self.finish_chunk()?;
            }
        }
        self.finish_chunk()
    }

    fn finish_chunk(&mut self) -> Result<(), FirstError> {
        (self.entries, self.bytes) = (0, 0);
        hand_over(std::mem::replace(&mut self.facts, Facts::new(self.view)), self.sender)?;
        let stuck = self.sender.settle()?;
        self.stuck.extend(stuck);
        self.map.commit()?;
        self.progress.update(|progress| {
            (progress.done, progress.done_bytes) = (progress.found, progress.found_bytes);
        });
        Ok(())
    }

    /// The inner error is that of reading the directory.
    fn directory(&mut self, below: &Below, open: &mut Vec<Below>) -> Result<Result<(), Error>, FirstError> {
        let names = match self.enter(below) {
            Ok((dir, names)) => {
                for name in names {
                    self.entry(below, &dir, name, open)?;
                }
                Ok(())
            }
            Err(error) => Err(error),
        };
        let audits = matches!(self.onto, Onto::Copy { keep_surplus: false, .. });
        if audits && names.is_ok() {
            self.facts.audit(below.gfid);
        }
        self.tell();
        Ok(names)
    }

    fn enter(&self, below: &Below) -> Result<(Arc<OwnedFd>, Vec<Name>), Error> {
        let dir = below.enter(self.watch)?;
        self.ground.keep_open(below.gfid, &dir);
        let names = list(&dir, usize::MAX)?;
        Ok((dir, names))
    }

    fn tell(&mut self) {
        let pending = self.sender.pending() as u64;
        let (entries, found) = (std::mem::take(&mut self.told), std::mem::take(&mut self.told_bytes));
        let bytes = self.sender.counts().inline_bytes;
        self.progress.update(|progress| {
            progress.found += entries;
            progress.found_bytes += found;
            progress.scanned += entries;
            progress.done = progress.done.max(progress.found.saturating_sub(pending));
            progress.done_bytes = progress.done_bytes.max(bytes);
        });
    }

    fn entry(
        &mut self,
        below: &Below,
        dir: &Arc<OwnedFd>,
        name: Name,
        open: &mut Vec<Below>,
    ) -> Result<(), FirstError> {
        let at = Entry { parent: below.gfid, name };
        let name = at.name.as_bytes();
        let (stat, gfid) = match look(self.ground, dir, name) {
            Ok(Some(found)) => found,
            Ok(None) => return Ok(()),
            Err(error) => {
                self.skip(join(below.path.clone(), name), error);
                return Ok(());
            }
        };
        if self.ground.leaves_out(below.gfid, || below.path.clone(), name, stat.is_dir()) {
            return Ok(());
        }
        let is_first_name = stat.is_dir() || stat.nlink < 2 || self.map.names(gfid)?.is_empty();
        let known = Known::from_stat(gfid, &stat);
        if known.young && self.young.len() < YOUNG_LIMIT {
            self.young.push(at.clone());
        }
        self.map.put(&at, known)?;
        match self.read(dir, name, &stat, gfid, is_first_name) {
            Ok(object) => self.state(&at, &stat, object)?,
            Err(error) if is_gone(&error) => {
                self.map.remove(&at)?;
            }
            Err(error) => {
                self.map.mark(gfid, Changes::DATA.and(Changes::META).and(Changes::NAMES))?;
                self.skip(join(below.path.clone(), name), error);
            }
        }
        if stat.is_dir() {
            let path = join(below.path.clone(), name);
            open.push(Below { gfid, parent: Arc::clone(dir), name: name.into(), path });
        }
        Ok(())
    }

    fn skip(&mut self, path: Vec<u8>, error: Error) {
        self.skipped.push(Skipped { path, error });
    }

    fn state(&mut self, at: &Entry, stat: &Stat, object: Object) -> Result<(), FirstError> {
        self.entries += 1;
        self.told += 1;
        if object.body != Body::Untouched {
            self.bytes += stat.size;
            self.told_bytes += stat.size;
        }
        self.facts.met(at, object);
        if self.told >= TELL_EVERY {
            self.tell();
        }
        Ok(hand_over_when_full(self.view, &mut self.facts, self.sender)?)
    }

    fn read(
        &self,
        dir: &OwnedFd,
        name: &[u8],
        stat: &Stat,
        gfid: Gfid,
        is_first_name: bool,
    ) -> Result<Object, Error> {
        let kind = kind_of(dir, name, stat)?;
        let mut attributes = Sight::attributes_of(kind, stat);
        let (xattrs, body) = match attributes.kind {
            Kind::File => {
                let file = open_file(dir, name)?;
                if at::stat_fd(&file)?.ino != stat.ino {
                    return Err(Error::new("openat", name, Errno::STALE));
                }
                let content = if is_first_name { self.content(stat.size) } else { Body::Untouched };
                let body = match content {
                    Body::Inline(_) => facts::body(&file, Content::All, &mut attributes)?,
                    Body::Hash(_) => facts::body(&file, Content::Hash, &mut attributes)?,
                    other => other,
                };
                (xattrs_of(&file)?, body)
            }
            Kind::Symlink(_) => (Vec::new(), Body::Untouched),
            _ => (xattrs_at(&xattr::below(dir, name))?, Body::Untouched),
        };
        Ok(Object { gfid, attributes, xattrs: Some(xattrs), body, times_only: false })
    }

    /// How the content of a file of this size is said; without the content itself.
    fn content(&self, size: u64) -> Body {
        match self.onto {
            Onto::Copy { trust_mtime: true, .. } => Body::Compare,
            _ if size > INLINE_LIMIT_BYTES => Body::Follows,
            Onto::Copy { .. } => Body::Hash([0; 32]),
            Onto::Nothing => Body::Inline(Box::default()),
        }
    }
}

/// What is at a name; None: nothing any more.
fn look(ground: &Ground, dir: &OwnedFd, name: &[u8]) -> Result<Option<(Stat, Gfid)>, Error> {
    let Some(stat) = stat_of(dir, name)? else { return Ok(None) };
    if ground.is_other_file_system(&stat) {
        return Err(Error::new("fstatat", name, Errno::XDEV));
    }
    Ok(at::absent_is_none(ground.identify_here(dir, name))?.map(|gfid| (stat, gfid)))
}
