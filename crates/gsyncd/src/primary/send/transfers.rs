//! The threads that send large files, and who among them waits for which reply.

use super::Inbound;
use crate::link::outbox::Outbox;
use crate::primary::facts::{Facts, Want};
use crate::primary::view::View;
use crate::transfer::native::send::{Peer, TransferError, send_file};
use crossbeam_channel::{Receiver, Sender, unbounded};
use gsyncd_core::id::Gfid;
use gsyncd_core::truth::{Body, Object};
use gsyncd_core::wire::message::Reply;
use std::collections::HashMap;
use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex, PoisonError};

/// How many files are sent at once. Below the secondary's limit of open transfers.
const LANES: usize = 4;

/// Who waits for the replies of which transfer.
type Waiting = Arc<Mutex<HashMap<u64, Sender<Reply>>>>;

/// A file to be sent.
struct Job {
    transfer: u64,
    gfid: Gfid,
}

/// The lanes. Dropping it ends them.
pub struct Transfers {
    jobs: Sender<Job>,
    waiting: Waiting,
    next: u64,
    open: usize,
}

impl Transfers {
    /// Starts the lanes; each reports the end of a transfer to `report`.
    ///
    /// # Errors
    /// When a thread cannot be started.
    pub fn start_lanes(
        view: &Arc<dyn View>,
        outbox: &Arc<dyn Outbox>,
        report: &Sender<Inbound>,
    ) -> std::io::Result<Transfers> {
        let (jobs, queue) = unbounded::<Job>();
        let waiting = Waiting::default();
        for lane in 0..LANES {
            let lane_state = Lane {
                view: Arc::clone(view),
                outbox: Arc::clone(outbox),
                queue: queue.clone(),
                waiting: Arc::clone(&waiting),
                report: report.clone(),
            };
            std::thread::Builder::new().name(format!("transfer-{lane}")).spawn(move || lane_state.run())?;
        }
        Ok(Transfers { jobs, waiting, next: 1, open: 0 })
    }

    /// Queues a file.
    pub fn start(&mut self, gfid: Gfid) {
        let transfer = self.next;
        self.next += 1;
        if self.jobs.send(Job { transfer, gfid }).is_ok() {
            self.open += 1;
        }
    }

    /// How many are queued or under way.
    #[must_use]
    pub fn open(&self) -> usize {
        self.open
    }

    /// Notes the end of one.
    pub fn ended(&mut self, transfer: u64) {
        self.open = self.open.saturating_sub(1);
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).remove(&transfer);
    }

    /// Hands a reply to the lane that waits for it. One that nobody waits for belongs to an abandoned transfer.
    pub fn route(&self, reply: Reply) {
        let transfer = match &reply {
            Reply::Signature { transfer, .. } | Reply::Closed { transfer, .. } => *transfer,
            _ => return,
        };
        let waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(lane) = waiting.get(&transfer) {
            // a lane that is gone needs no reply
            let _ = lane.send(reply);
        }
    }
}

struct Lane {
    view: Arc<dyn View>,
    outbox: Arc<dyn Outbox>,
    queue: Receiver<Job>,
    waiting: Waiting,
    report: Sender<Inbound>,
}

impl Lane {
    fn run(&self) {
        for Job { transfer, gfid } in &self.queue {
            let (sender, replies) = unbounded();
            self.waiting.lock().unwrap_or_else(PoisonError::into_inner).insert(transfer, sender);
            let peer = Peer { transfer, outbox: &*self.outbox, replies: &replies };
            let failed = self.send(gfid, &peer).err().map(TransferError::into_reason);
            if self.report.send(Inbound::Ended { transfer, gfid, failed }).is_err() {
                return;
            }
        }
    }

    /// A file that is gone is no error: its end is recorded, and said when its turn comes.
    fn send(&self, gfid: Gfid, peer: &Peer) -> Result<(), TransferError> {
        match self.open(gfid)? {
            Some((file, object)) => send_file(&file, object, peer),
            None => Ok(()),
        }
    }

    /// What the file looks like, and then the file.
    fn open(&self, gfid: Gfid) -> Result<Option<(OwnedFd, Object)>, TransferError> {
        let mut facts = Facts::new(&*self.view);
        let alive = facts.object(gfid, Want { xattrs: true, ..Want::EXISTENCE });
        let (batch, unreadable) = facts.finish();
        if let Some(unreadable) = unreadable.into_iter().next() {
            return Err(unreadable.error.into());
        }
        let found = batch.objects.into_iter().find(|object| alive && object.gfid == gfid);
        let Some(mut object) = found else { return Ok(None) };
        object.body = Body::Untouched;
        Ok(self.view.open(gfid)?.map(|file| (file, object)))
    }
}
