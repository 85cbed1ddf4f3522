//! Old versions of files, given up beside the work. To free what has no name any more takes a file system ten times as
//! long as the rename that took the last one; nobody needs to wait for it.

use crossbeam_channel::Sender;
use std::os::fd::OwnedFd;
use std::sync::OnceLock;
use std::thread;

/// How many are held at most; with more the work waits.
const MOST: usize = 256;

/// Takes handles of files and closes them on a thread of its own. A file that is not freed when the process ends is
/// freed by the kernel then, or by the file system after a crash.
#[derive(Default)]
pub(super) struct Displaced {
    closer: OnceLock<Option<Sender<OwnedFd>>>,
}

impl Displaced {
    /// Gives up a file that is held here only.
    pub(super) fn give_up(&self, file: OwnedFd) {
        if let Some(closer) = self.closer.get_or_init(start) {
            // without the thread it is closed here
            let _ = closer.send(file);
        }
    }
}

fn start() -> Option<Sender<OwnedFd>> {
    let (sender, files) = crossbeam_channel::bounded(MOST);
    let closing =
        thread::Builder::new().name("displaced".to_owned()).spawn(move || files.iter().for_each(drop));
    closing.ok().map(|_| sender)
}
