//! Gathers facts: reads the present truth about names and objects and writes it down as batches.

use super::view::{Opened, Sight, View};
use gsyncd_core::id::{Entry, Gfid};
use gsyncd_core::truth::{Attributes, Batch, Body, Holding, Kind, Object};
use gsyncd_sys::{Errno, Error, at};
use std::collections::{HashMap, HashSet};
use std::os::fd::OwnedFd;

/// A file up to this size goes inside its batch; a larger one is a transfer. Bytes.
pub const INLINE_LIMIT_BYTES: u64 = 256 * 1024;
/// A batch is sent when its contents come to this many bytes.
const CONTENT_LIMIT_BYTES: usize = 4 * 1024 * 1024;
/// More names of one object than this are not stated together (thousands of hard links to one file).
const NAMES_LIMIT: usize = 256;

/// What is wanted of an object's content.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Content {
    /// Nothing.
    None,
    /// Only if size or time differ (crawl over an existing copy).
    Compare,
    /// Only if it differs, judged by its hash or, for a large file, block by block.
    Hash,
    /// All of it.
    All,
}

/// What is wanted of an object.
#[derive(Clone, Copy, Debug)]
pub struct Want {
    /// Its content.
    pub content: Content,
    /// Its xattrs and ACLs too.
    pub xattrs: bool,
}

impl Want {
    /// Everything: the other side may have nothing of it.
    pub const ALL: Want = Want { content: Content::All, xattrs: true };
    /// All that is known of it but the content.
    pub const LOOKS: Want = Want { content: Content::None, xattrs: true };
    /// That it exists, and its attributes.
    pub const EXISTENCE: Want = Want { content: Content::None, xattrs: false };
}

/// An object that could not be read, and why.
#[derive(Clone, Debug)]
pub struct Unreadable {
    /// The object.
    pub gfid: Gfid,
    /// The name that could not be stated, when there is one.
    pub at: Option<Entry>,
    /// It is the name that could not be read, not the object, which is its directory.
    pub name_only: bool,
    /// The reason.
    pub error: Error,
}

/// A batch in the making. Keeps the invariants of [`Batch`].
pub struct Facts<'a> {
    view: &'a dyn View,
    batch: Batch,
    named: HashSet<Entry>,
    stated: HashMap<Gfid, usize>,
    parents: Vec<Gfid>,
    content_bytes: usize,
    unreadable: Vec<Unreadable>,
    /// Of the dead, those that were recorded as removed.
    recorded: HashSet<Gfid>,
}

impl<'a> Facts<'a> {
    /// An empty batch that will be read through `view`.
    pub fn new(view: &'a dyn View) -> Facts<'a> {
        Facts {
            view,
            batch: Batch::default(),
            named: HashSet::new(),
            stated: HashMap::new(),
            parents: Vec::new(),
            content_bytes: 0,
            unreadable: Vec::new(),
            recorded: HashSet::new(),
        }
    }

    /// True when the batch should be sent before more is added.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.batch.names.len() + self.batch.objects.len() + self.batch.dead.len()
            >= self.view.statements_limit()
            || self.content_bytes >= CONTENT_LIMIT_BYTES
    }

    /// True when nothing was said.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.batch.is_empty()
    }

    /// States who holds a name now, and that the holder exists.
    pub fn name(&mut self, at: &Entry) {
        if self.named.contains(at) || self.view.leaves_alone(at) {
            return;
        }
        match self.view.holder(at) {
            Ok(holder) => self.holding(at, holder),
            Err(error) => {
                let (gfid, at) = (at.parent, Some(at.clone()));
                self.unreadable.push(Unreadable { gfid, at, name_only: true, error });
            }
        }
    }

    /// States a name whose holder is known.
    pub fn holding(&mut self, at: &Entry, holder: Option<Gfid>) {
        if let Some(gfid) = holder {
            let before = self.unreadable.len();
            if !self.object(gfid, Want::EXISTENCE) {
                // it died between the two looks; the name is said again when its record comes
                for unreadable in self.unreadable.iter_mut().skip(before) {
                    unreadable.at = Some(at.clone());
                }
                return;
            }
        }
        if !self.named.insert(at.clone()) {
            return;
        }
        self.parents.push(at.parent);
        self.batch.names.push(Holding { at: at.clone(), holder });
    }

    /// States an object and a name of it that were read already.
    pub fn met(&mut self, at: &Entry, object: Object) {
        let gfid = object.gfid;
        self.keep(object);
        if self.named.insert(at.clone()) {
            self.parents.push(at.parent);
            self.batch.names.push(Holding { at: at.clone(), holder: Some(gfid) });
        }
    }

    /// States an object, or more about one already stated. False when it is dead (and says so).
    pub fn object(&mut self, gfid: Gfid, want: Want) -> bool {
        if self.says(gfid, want) {
            return true;
        }
        match self.read(gfid, want) {
            Ok(Some(object)) => {
                self.keep(object);
                true
            }
            Ok(None) => {
                self.dead(gfid);
                false
            }
            Err(error) => {
                self.cannot_read(gfid, error);
                false
            }
        }
    }

    /// True when all that is wanted is stated already.
    fn says(&self, gfid: Gfid, want: Want) -> bool {
        self.stated.get(&gfid).and_then(|&at| self.batch.objects.get(at)).is_some_and(|object| {
            let content = want.content == Content::None || object.body != Body::Untouched;
            let attributes = !object.times_only;
            content && attributes && (object.xattrs.is_some() || !want.xattrs)
        })
    }

    /// States an object together with all its names.
    pub fn whole(&mut self, gfid: Gfid, want: Want) {
        if !self.object(gfid, want) {
            return;
        }
        match self.view.names(gfid) {
            Ok(names) => {
                for at in names.iter().take(NAMES_LIMIT) {
                    self.holding(at, Some(gfid));
                }
            }
            Err(error) => self.cannot_read(gfid, error),
        }
    }

    /// States a directory and every directory above it, topmost first.
    pub fn ancestors(&mut self, dir: Gfid) {
        let mut chain = vec![dir];
        while let Some(&last) = chain.last() {
            if last == Gfid::ROOT || chain.len() > NAMES_LIMIT {
                break;
            }
            match self.view.names(last) {
                Ok(names) => match names.first() {
                    Some(at) => chain.push(at.parent),
                    None => break,
                },
                Err(error) => return self.cannot_read(last, error),
            }
        }
        for gfid in chain.into_iter().rev() {
            self.whole(gfid, Want::LOOKS);
        }
    }

    /// States that an object is dead which was recorded as removed, if the whole volume can be seen.
    pub fn dead_as_recorded(&mut self, gfid: Gfid) {
        self.dead(gfid);
        self.recorded.insert(gfid);
    }

    /// States that an object is dead, if the whole volume can be seen and it is still so when the batch is done.
    pub fn dead(&mut self, gfid: Gfid) {
        // it has no name, and lives
        if gfid == Gfid::ROOT {
            return;
        }
        if !self.view.is_whole() {
            return self.cannot_read(gfid, Error::new("lookup", b"", Errno::NOTCONN));
        }
        if !self.batch.dead.contains(&gfid) {
            self.batch.dead.push(gfid);
        }
    }

    /// Looks a second time for those that nobody recorded as removed: while a directory is renamed the brick
    /// has no handle of it for a moment.
    fn recheck_dead(&mut self) {
        let is_recorded = |gfid: &Gfid| self.recorded.contains(gfid);
        if self.batch.dead.iter().all(is_recorded) {
            return;
        }
        std::thread::sleep(self.view.rename_window());
        for gfid in std::mem::take(&mut self.batch.dead) {
            if self.recorded.contains(&gfid) || matches!(self.view.sight(gfid), Ok(None)) {
                self.batch.dead.push(gfid);
            } else {
                self.cannot_read(gfid, Error::new("lookup", b"", Errno::AGAIN));
            }
        }
    }

    /// Notes an object that could not be read.
    pub fn cannot_read(&mut self, gfid: Gfid, error: Error) {
        self.unreadable.push(Unreadable { gfid, at: None, name_only: false, error });
    }

    /// Asks the secondary to report a directory's entries.
    pub fn audit(&mut self, dir: Gfid) {
        self.batch.audit.push(dir);
    }

    /// The finished batch, with the times of every directory whose names it states, and what could not be read.
    #[must_use]
    pub fn finish(mut self) -> (Batch, Vec<Unreadable>) {
        for parent in std::mem::take(&mut self.parents) {
            if !self.stated.contains_key(&parent) {
                self.times(parent);
            }
        }
        self.recheck_dead();
        let batch = &mut self.batch;
        let stated = &self.stated;
        // read as alive first and as dead later: the later look counts, and the next round says the rest
        if batch.dead.iter().any(|gfid| stated.contains_key(gfid)) {
            let dead: HashSet<Gfid> = batch.dead.iter().copied().collect();
            batch.objects.retain(|object| !dead.contains(&object.gfid));
            batch.names.retain(|name| name.holder.is_none_or(|gfid| !dead.contains(&gfid)));
        }
        (self.batch, self.unreadable)
    }

    fn times(&mut self, dir: Gfid) {
        let mut object = match self.read(dir, Want::EXISTENCE) {
            Ok(Some(object)) => object,
            // gone: the record of its end comes
            Ok(None) => return,
            // also one that is on its way elsewhere: what is said of names in it may find nobody there
            Err(error) => return self.cannot_read(dir, error),
        };
        object.times_only = true;
        self.keep(object);
    }

    fn keep(&mut self, object: Object) {
        let known = self.stated.get(&object.gfid).and_then(|&at| self.batch.objects.get_mut(at));
        let Some(known) = known else {
            self.content_bytes += object.body.carried_bytes();
            self.stated.insert(object.gfid, self.batch.objects.len());
            self.batch.objects.push(object);
            return;
        };
        if object.body != Body::Untouched && !matches!(known.body, Body::Inline(_) | Body::Follows) {
            self.content_bytes += object.body.carried_bytes();
            known.body = object.body;
            known.attributes = object.attributes;
        }
        known.xattrs = known.xattrs.take().or(object.xattrs);
        known.times_only &= object.times_only;
    }

    /// Reads what is wanted; None when the object is dead. Attributes are read before the content, so that a
    /// change in between leaves a time that is too old, never one that vouches for content not sent.
    fn read(&self, gfid: Gfid, want: Want) -> Result<Option<Object>, Error> {
        let already = self.stated.get(&gfid).and_then(|&at| self.batch.objects.get(at));
        let sent = already.is_some_and(|object| matches!(object.body, Body::Inline(_) | Body::Follows));
        if !sent
            && want.xattrs
            && matches!(want.content, Content::All | Content::Hash)
            && let Some(Opened { sight, xattrs, file }) = self.view.file(gfid, INLINE_LIMIT_BYTES)?
        {
            let mut attributes = sight.attributes;
            let body = body(&file, want.content, &mut attributes)?;
            return Ok(Some(Object { gfid, attributes, xattrs: Some(xattrs), body, times_only: false }));
        }
        let Some(Sight { mut attributes, .. }) = self.view.sight(gfid)? else { return Ok(None) };
        let xattrs = if want.xattrs {
            let Some(xattrs) = self.view.xattrs(gfid)? else { return Ok(None) };
            Some(xattrs)
        } else {
            None
        };
        let body = match want.content {
            _ if attributes.kind != Kind::File || sent => Body::Untouched,
            Content::None => Body::Untouched,
            Content::Compare => Body::Compare,
            Content::All | Content::Hash if attributes.size > INLINE_LIMIT_BYTES => Body::Follows,
            Content::All | Content::Hash => {
                let Some(file) = self.view.open(gfid)? else { return Ok(None) };
                body(&file, want.content, &mut attributes)?
            }
        };
        Ok(Some(Object { gfid, attributes, xattrs, body, times_only: false }))
    }
}

/// The body of a small file that is open; its attributes get the size that was read.
///
/// # Errors
/// Of reading.
pub fn body(file: &OwnedFd, content: Content, attributes: &mut Attributes) -> Result<Body, Error> {
    let Some(bytes) = small_content(file, attributes.size)? else { return Ok(Body::Follows) };
    attributes.size = bytes.len() as u64;
    Ok(if content == Content::Hash {
        Body::Hash(*blake3::hash(&bytes).as_bytes())
    } else {
        Body::Inline(bytes)
    })
}

/// The whole content of a file that had this size a moment ago; None when it is too large for a batch.
fn small_content(file: &OwnedFd, size: u64) -> Result<Option<Box<[u8]>>, Error> {
    if size > INLINE_LIMIT_BYTES {
        return Ok(None);
    }
    // one byte more than it should have tells whether it grew
    let mut bytes = vec![0; size as usize + 1];
    let mut filled = at::read_at(file, &mut bytes, 0)?;
    if filled == bytes.len() {
        bytes.resize(INLINE_LIMIT_BYTES as usize + 1, 0);
        filled = at::read_at(file, &mut bytes, 0)?;
    }
    if filled as u64 > INLINE_LIMIT_BYTES {
        return Ok(None);
    }
    bytes.truncate(filled);
    Ok(Some(bytes.into()))
}
