//! What the kernel tells of changes, gathered while the rest of the program is busy.

use crossbeam_channel::{Receiver, Sender, TrySendError, bounded};
use gsyncd_core::id::{Gfid, Name};
use gsyncd_sys::inotify::{Event, EventFlags, Inotify, WatchFlags, WatchId};
use gsyncd_sys::{Errno, Error, poll, xattr};
use std::collections::HashMap;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Names kept between two looks; more is an overflow, and everything is looked at.
const NAMES_LIMIT: usize = 100_000;
/// The second half of a rename comes right behind the first, unless whoever renames is interrupted between them.
const RENAME_PATIENCE: Duration = Duration::from_millis(60);

/// Names, and whether the content was written to.
pub type HeardNames = HashMap<(Gfid, Name), bool>;

/// What happened since the last look.
#[derive(Default)]
pub struct Heard {
    /// Names that something happened to.
    pub names: HeardNames,
    /// The root's own attributes changed.
    pub root: bool,
    /// Something was lost: everything may have changed.
    pub overflow: bool,
    /// When the first of these was heard.
    pub since: Option<Instant>,
}

impl Heard {
    /// Something happened to a name; written to once is written to.
    pub fn add(&mut self, at: (Gfid, Name), written: bool) {
        *self.names.entry(at).or_default() |= written;
    }
}

#[derive(Default)]
struct State {
    heard: Heard,
    directories: HashMap<WatchId, Gfid>,
    watches: HashMap<Gfid, WatchId>,
    /// The kernel allows no more watches.
    exhausted: bool,
    /// Half of a rename is missing.
    moving: u32,
}

/// Watches of directories.
pub struct Watch {
    queue: Inotify,
    state: Mutex<State>,
    bell: Sender<()>,
}

impl Watch {
    /// Starts the thread that listens; the receiver hears of something to look at.
    ///
    /// # Errors
    /// When the kernel gives no queue, or no thread.
    pub fn start() -> Result<(Arc<Watch>, Receiver<()>), Error> {
        let (bell, ringing) = bounded(1);
        let watch = Arc::new(Watch { queue: Inotify::new()?, state: Mutex::default(), bell });
        let listener = Arc::downgrade(&watch);
        std::thread::Builder::new()
            .name("watch".into())
            .spawn(move || {
                while let Some(watch) = listener.upgrade() {
                    if let Err(error) = watch.listen() {
                        tracing::error!(%error, "changes cannot be heard");
                        watch.lock().heard.overflow = true;
                        watch.ring();
                        return;
                    }
                }
            })
            .map_err(|error| {
                let errno = error.raw_os_error().unwrap_or(0);
                Error::new("thread", b"watch", Errno::from_raw_os_error(errno))
            })?;
        Ok((watch, ringing))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn listen(&self) -> Result<(), Error> {
        poll::wait_readable(&[self.queue.as_fd()], None)?;
        self.drain()?;
        match self.bell.try_send(()) {
            Ok(()) | Err(TrySendError::Full(())) => Ok(()),
            Err(TrySendError::Disconnected(())) => Err(Error::new("bell", b"", Errno::PIPE)),
        }
    }

    /// Takes the kernel's queue.
    fn drain(&self) -> Result<(), Error> {
        let mut state = self.lock();
        self.queue.for_each_event(|event| state.note(&event))
    }

    /// Watches a directory that is open; one that cannot be watched is found by scans only.
    pub fn add(&self, gfid: Gfid, dir: &OwnedFd) {
        let flags = WatchFlags::CREATE
            | WatchFlags::DELETE
            | WatchFlags::MODIFY
            | WatchFlags::ATTRIB
            | WatchFlags::MOVED_FROM
            | WatchFlags::MOVED_TO
            | WatchFlags::ONLYDIR;
        let mut state = self.lock();
        match self.queue.add_watch(&xattr::below(dir, b""), flags) {
            Ok(watch) => {
                state.directories.insert(watch, gfid);
                state.watches.insert(gfid, watch);
            }
            Err(error) if error.errno == Errno::NOSPC => {
                if !state.exhausted {
                    tracing::warn!(
                        watched = state.watches.len(),
                        "the kernel allows no more watches (raise fs.inotify.max_user_watches): \
                         changes elsewhere are found by scans only"
                    );
                }
                state.exhausted = true;
            }
            Err(error) => tracing::debug!(%gfid, %error, "not watched"),
        }
    }

    /// Watches a directory no more.
    pub fn forget(&self, gfid: Gfid) {
        let mut state = self.lock();
        if let Some(watch) = state.watches.remove(&gfid) {
            state.directories.remove(&watch);
            // one that ended by itself is no error
            if let Err(error) = self.queue.remove_watch(watch) {
                tracing::debug!(%gfid, %error, "still watched");
            }
        }
    }

    /// True when a directory is watched.
    #[must_use]
    pub fn has(&self, gfid: Gfid) -> bool {
        self.lock().watches.contains_key(&gfid)
    }

    /// True when some directories could not be watched.
    #[must_use]
    pub fn is_exhausted(&self) -> bool {
        self.lock().exhausted
    }

    /// What happened since the last call; both halves of a rename, if it has two.
    ///
    /// # Errors
    /// When the kernel's queue cannot be read.
    pub fn take(&self) -> Result<Heard, Error> {
        self.drain()?;
        // what left the tree has no second half
        let deadline = Instant::now() + RENAME_PATIENCE;
        while self.lock().moving > 0 && Instant::now() < deadline {
            let patience = deadline.saturating_duration_since(Instant::now());
            poll::wait_readable(&[self.queue.as_fd()], Some(patience))?;
            self.drain()?;
        }
        let mut state = self.lock();
        state.moving = 0;
        Ok(std::mem::take(&mut state.heard))
    }

    /// Wakes whoever waits for something to look at, as what was put back does not.
    pub fn ring(&self) {
        // one that rings already is heard too
        let _ = self.bell.try_send(());
    }

    /// Puts back what could not be looked at yet.
    pub fn put_back(&self, back: Heard) {
        let mut state = self.lock();
        for (at, written) in back.names {
            state.heard.add(at, written);
        }
        state.heard.root |= back.root;
        state.heard.overflow |= back.overflow;
        state.heard.since = back.since.or(state.heard.since);
    }
}

impl State {
    fn note(&mut self, event: &Event<'_>) {
        self.heard.since.get_or_insert_with(Instant::now);
        let Some(watch) = event.watch else {
            self.heard.overflow = true;
            return;
        };
        let Some(gfid) = self.directories.get(&watch).copied() else { return };
        if event.what.contains(EventFlags::IGNORED) {
            self.directories.remove(&watch);
            self.watches.remove(&gfid);
            return;
        }
        if event.what.contains(EventFlags::MOVED_FROM) {
            self.moving += 1;
        } else if event.what.contains(EventFlags::MOVED_TO) {
            self.moving = self.moving.saturating_sub(1);
        }
        match Name::new(event.name) {
            Some(name) if self.heard.names.len() < NAMES_LIMIT => {
                let written = event.what.contains(EventFlags::MODIFY);
                self.heard.add((gfid, name), written);
            }
            Some(_) => self.heard.overflow = true,
            // every other directory's own changes are told with its name
            None => self.heard.root |= gfid == Gfid::ROOT,
        }
    }
}
