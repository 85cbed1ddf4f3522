//! Being told about changes of files: inotify, and a wake-up that other threads can ring.

use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::time::Duration;

use rustix::event::{EventfdFlags, eventfd};
use rustix::fs::inotify::{self, CreateFlags, ReadFlags};
use rustix::io::Errno;

use crate::{Error, Result, poll};

pub use rustix::fs::inotify::{ReadFlags as EventFlags, WatchFlags};

/// Identity of a watch within its [`Inotify`].
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct WatchId(i32);

/// What happened, without names: look again at what is watched.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Seen {
    /// How many events were taken off the queue.
    pub events: usize,
    /// The queue overflowed: events were lost, so everything watched may have changed.
    pub overflow: bool,
}

/// One event with its name.
#[derive(Clone, Copy, Debug)]
pub struct Event<'a> {
    /// The watch that saw it; None: the queue overflowed, events were lost.
    pub watch: Option<WatchId>,
    /// What happened.
    pub what: EventFlags,
    /// The name in the watched directory; empty for the watched object itself.
    pub name: &'a [u8],
}

/// A queue of file events.
#[derive(Debug)]
pub struct Inotify {
    queue: OwnedFd,
}

impl Inotify {
    /// An empty queue; close-on-exec, never blocks on reading.
    ///
    /// # Errors
    /// EMFILE when the user's instances are used up.
    pub fn new() -> Result<Inotify> {
        let flags = CreateFlags::CLOEXEC | CreateFlags::NONBLOCK;
        let queue = inotify::init(flags).map_err(|errno| Error::new("inotify_init1", b"", errno))?;
        Ok(Inotify { queue })
    }

    /// Watches a file or directory; a second watch of the same object replaces the first and has its identity.
    ///
    /// # Errors
    /// ENOSPC when the user's watches are used up, or what path resolution says.
    pub fn add_watch(&self, path: &[u8], flags: WatchFlags) -> Result<WatchId> {
        inotify::add_watch(&self.queue, path, flags)
            .map(WatchId)
            .map_err(|errno| Error::new("inotify_add_watch", path, errno))
    }

    /// Ends a watch. One that ended by itself, its object being gone, is no error.
    ///
    /// # Errors
    /// What the kernel says but EINVAL.
    pub fn remove_watch(&self, watch: WatchId) -> Result<()> {
        match inotify::remove_watch(&self.queue, watch.0) {
            Ok(()) | Err(Errno::INVAL) => Ok(()),
            Err(errno) => Err(Error::new("inotify_rm_watch", b"", errno)),
        }
    }

    /// Takes all queued events without waiting; only counts them.
    ///
    /// # Errors
    /// What reading says.
    pub fn drain(&self) -> Result<Seen> {
        let mut seen = Seen::default();
        self.for_each_event(|event| {
            seen.events += 1;
            seen.overflow |= event.watch.is_none();
        })?;
        Ok(seen)
    }

    /// Takes all queued events without waiting and hands each to `each`, in their order.
    ///
    /// # Errors
    /// What reading says.
    pub fn for_each_event(&self, mut each: impl FnMut(Event<'_>)) -> Result<()> {
        let mut buffer = [MaybeUninit::uninit(); 16 * 1024];
        let mut reader = inotify::Reader::new(&self.queue, &mut buffer);
        loop {
            match reader.next() {
                Ok(event) => {
                    let what = event.events();
                    let overflow = what.contains(ReadFlags::QUEUE_OVERFLOW);
                    let watch = (!overflow).then(|| WatchId(event.wd()));
                    each(Event { watch, what, name: event.file_name().map_or(&[], |name| name.to_bytes()) });
                }
                Err(Errno::AGAIN) => return Ok(()),
                Err(Errno::INTR) => {}
                Err(errno) => return Err(Error::new("read", b"inotify", errno)),
            }
        }
    }
}

impl AsFd for Inotify {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.queue.as_fd()
    }
}

/// A bell: any thread that holds a clone can end another thread's [`wait`]. Rings are not counted.
#[derive(Clone, Debug)]
pub struct Waker {
    bell: Arc<OwnedFd>,
}

impl Waker {
    /// A silent bell.
    ///
    /// # Errors
    /// EMFILE or ENFILE.
    pub fn new() -> Result<Waker> {
        let flags = EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK;
        let bell = eventfd(0, flags).map_err(|errno| Error::new("eventfd", b"", errno))?;
        Ok(Waker { bell: Arc::new(bell) })
    }

    /// Rings. A bell that rings already is fine.
    ///
    /// # Errors
    /// What writing says.
    pub fn wake(&self) -> Result<()> {
        loop {
            match rustix::io::write(&*self.bell, &1u64.to_ne_bytes()) {
                Ok(_) | Err(Errno::AGAIN) => return Ok(()),
                Err(Errno::INTR) => {}
                Err(errno) => return Err(Error::new("write", b"eventfd", errno)),
            }
        }
    }

    /// Silences the bell; true when it was ringing.
    ///
    /// # Errors
    /// What reading says.
    pub fn silence(&self) -> Result<bool> {
        loop {
            match rustix::io::read(&*self.bell, &mut [0u8; 8]) {
                Ok(_) => return Ok(true),
                Err(Errno::AGAIN) => return Ok(false),
                Err(Errno::INTR) => {}
                Err(errno) => return Err(Error::new("read", b"eventfd", errno)),
            }
        }
    }
}

impl AsFd for Waker {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.bell.as_fd()
    }
}

/// Waits until the queue has an event, the bell rings or the time is up. Consumes neither events nor rings; without a
/// queue only the bell and the time count.
///
/// # Errors
/// What poll says, but EINTR, which is waited through.
pub fn wait(queue: Option<&Inotify>, waker: &Waker, timeout: Duration) -> Result<()> {
    let mut waited = vec![waker.as_fd()];
    waited.extend(queue.map(AsFd::as_fd));
    poll::wait_readable(&waited, Some(timeout)).map(drop)
}

#[cfg(test)]
mod tests {
    use super::{Inotify, Waker, WatchFlags, wait};
    use std::os::unix::ffi::OsStrExt;
    use std::time::{Duration, Instant};

    const LONG: Duration = Duration::from_secs(20);

    #[test]
    fn an_event_ends_the_wait_and_is_drained_once() {
        let dir = tempfile::tempdir().unwrap();
        let queue = Inotify::new().unwrap();
        queue.add_watch(dir.path().as_os_str().as_bytes(), WatchFlags::CREATE).unwrap();
        assert_eq!(queue.drain().unwrap().events, 0);
        std::fs::write(dir.path().join("x"), b"").unwrap();
        let begun = Instant::now();
        wait(Some(&queue), &Waker::new().unwrap(), LONG).unwrap();
        assert!(begun.elapsed() < LONG);
        assert_eq!(queue.drain().unwrap().events, 1);
        assert_eq!(queue.drain().unwrap().events, 0);
    }

    #[test]
    fn a_bell_rung_by_another_thread_ends_the_wait() {
        let waker = Waker::new().unwrap();
        let other = waker.clone();
        let ringer = std::thread::spawn(move || other.wake().unwrap());
        let begun = Instant::now();
        wait(None, &waker, LONG).unwrap();
        assert!(begun.elapsed() < LONG);
        ringer.join().unwrap();
        assert!(waker.silence().unwrap());
        assert!(!waker.silence().unwrap());
    }

    #[test]
    fn the_time_ends_the_wait_and_a_missing_object_is_told() {
        let queue = Inotify::new().unwrap();
        wait(Some(&queue), &Waker::new().unwrap(), Duration::from_millis(1)).unwrap();
        let error = queue.add_watch(b"/nonexistent/x", WatchFlags::MODIFY).unwrap_err();
        assert_eq!((error.call, error.raw()), ("inotify_add_watch", 2));
    }
}
