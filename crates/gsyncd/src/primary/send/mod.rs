//! Says facts to the secondary, hears what is missing, says that too, until all is true or given up.

mod repair;
mod stuck;
mod transfers;

pub use stuck::Stuck;
pub use transfers::Transfers;

use super::facts::Unreadable;
use super::plan::Sink;
use super::view::{UNSETTLED, View};
use crate::link::outbox::Outbox;
use crossbeam_channel::{Receiver, RecvTimeoutError, after, never, select};
use gsyncd_core::id::{Entry, Gfid};
use gsyncd_core::truth::{Answer, Batch, Body, Need, Why};
use gsyncd_core::wire::message::{Reply, Request, Welcome};
use gsyncd_sys::Errno;
use repair::Repair;
use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::Arc;
use std::time::Instant;

/// How many batches may be unanswered; the secondary works on one while others are on their way.
const WINDOW_BATCHES: usize = 4;
/// How many bytes of content may be unanswered.
const WINDOW_BYTES: usize = 32 * 1024 * 1024;
/// How many files may wait for a transfer before no more facts are said.
const WINDOW_TRANSFERS: usize = 256;

/// What comes in.
#[derive(Debug)]
pub enum Inbound {
    /// The peer's message.
    Reply(Reply),
    /// A transfer of ours ended.
    Ended {
        /// Its number.
        transfer: u64,
        /// Its file.
        gfid: Gfid,
        /// How: None is well; else an errno and the step that failed.
        failed: Option<(i32, Box<str>)>,
    },
    /// The link is gone, and why.
    Lost(String),
    /// The process was asked to end.
    Stop,
}

/// Why nothing more can be sent.
#[derive(Debug)]
pub enum SendError {
    /// The link broke.
    Lost(String),
    /// The secondary gave up, and why.
    Fatal(String),
    /// The process was asked to end.
    Stopped,
}

impl fmt::Display for SendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SendError::Lost(why) => write!(f, "connection to the secondary is broken: {why}"),
            SendError::Fatal(why) => write!(f, "the secondary gave up: {why}"),
            SendError::Stopped => write!(f, "asked to end"),
        }
    }
}

impl std::error::Error for SendError {}

/// A batch that is not answered yet.
struct Sent {
    follows: Vec<Gfid>,
    names: Vec<Entry>,
    /// Objects that were needed before: an answer without them ends their story.
    repaired: Vec<Gfid>,
    bytes: usize,
}

/// Running counts, for status and log.
#[derive(Clone, Copy, Debug, Default)]
pub struct Counts {
    /// Batches sent.
    pub batches: u64,
    /// Names stated.
    pub names: u64,
    /// Objects stated.
    pub objects: u64,
    /// Bytes of content sent inside batches.
    pub inline_bytes: u64,
    /// Things the secondary needed to hear again.
    pub needs: u64,
    /// Files that went as transfers.
    pub transfers: u64,
    /// Calls that the secondary made on its tree.
    pub calls: u64,
}

/// The primary's side of the conversation.
pub struct Sender {
    view: Arc<dyn View>,
    outbox: Arc<dyn Outbox>,
    inbox: Receiver<Inbound>,
    transfers: Transfers,
    next_number: u64,
    sent: BTreeMap<u64, Sent>,
    sent_bytes: usize,
    repair: Repair,
    counts: Counts,
    durable: Durable,
    /// Files that are being transferred.
    flying: HashMap<Gfid, u32>,
    /// Transfers that ended since [`Sender::landed`] was last called.
    landed: Vec<Gfid>,
}

/// What is known of the durability of what was answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Durable {
    /// All of it is; the secondary has synced so often.
    All(u64),
    /// Something was sent since.
    No,
    /// Asked for.
    Asked,
}

impl Sender {
    /// A conversation that starts now.
    pub fn new(
        view: Arc<dyn View>,
        outbox: Arc<dyn Outbox>,
        inbox: Receiver<Inbound>,
        transfers: Transfers,
    ) -> Sender {
        let repair = Repair::new(Arc::clone(&view));
        let (sent, counts) = (BTreeMap::new(), Counts::default());
        Sender {
            view,
            outbox,
            inbox,
            transfers,
            next_number: 1,
            sent,
            sent_bytes: 0,
            repair,
            counts,
            durable: Durable::All(0),
            flying: HashMap::new(),
            landed: Vec::new(),
        }
    }

    /// Waits for the secondary's first message.
    ///
    /// # Errors
    /// When it does not come.
    pub fn welcome(&mut self, deadline: Instant) -> Result<Welcome, SendError> {
        match self.inbox.recv_deadline(deadline) {
            Ok(Inbound::Reply(Reply::Welcome(welcome))) => Ok(welcome),
            Ok(Inbound::Reply(Reply::Fatal(why))) => Err(fatal(&why)),
            Ok(Inbound::Lost(why)) => Err(SendError::Lost(why)),
            Ok(Inbound::Stop) => Err(SendError::Stopped),
            Ok(other) => Err(SendError::Lost(format!("expected a welcome, got {other:?}"))),
            Err(_) => Err(SendError::Lost("no welcome in time".into())),
        }
    }

    /// The tree that facts are read from.
    #[must_use]
    pub fn view(&self) -> Arc<dyn View> {
        Arc::clone(&self.view)
    }

    /// Counts so far.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// How many statements wait for an answer or a repair, roughly.
    #[must_use]
    pub fn pending(&self) -> usize {
        self.sent.values().map(|sent| sent.names.len()).sum::<usize>()
            + self.repair.len()
            + self.transfers.open()
    }

    /// Has these objects said again, whole, in this round.
    pub fn say_again(&mut self, gfid: Gfid, at: Option<Entry>) {
        self.repair.add(Need { gfid, at, why: Why::Missing });
    }

    /// Waits until everything said is true and durable on the secondary, or given up. Returns what was given up.
    ///
    /// # Errors
    /// When the link breaks or the process is asked to end.
    pub fn settle(&mut self) -> Result<Vec<Stuck>, SendError> {
        self.settle_down_to(0)
    }

    /// As [`Sender::settle`], but for the files that are being transferred: these go on.
    ///
    /// # Errors
    /// As [`Sender::settle`].
    pub fn settle_batches(&mut self) -> Result<Vec<Stuck>, SendError> {
        self.settle_down_to(usize::MAX)
    }

    fn settle_down_to(&mut self, transfers: usize) -> Result<Vec<Stuck>, SendError> {
        loop {
            self.say_what_is_needed()?;
            // not before the last answer: what it needs (also what an earlier run left) the secondary tells only once,
            // and after a sync no other run would find it
            if self.sent.is_empty() && self.transfers.open() <= transfers && self.repair.is_empty() {
                match self.durable {
                    Durable::All(_) => return Ok(self.repair.take_stuck()),
                    Durable::No => self.ask_for_sync()?,
                    Durable::Asked => {}
                }
            }
            let due = self.repair.next_due();
            self.hear(due)?;
        }
    }

    fn ask_for_sync(&mut self) -> Result<(), SendError> {
        self.outbox.send(Request::Sync).map_err(|error| self.lost(&error))?;
        self.durable = Durable::Asked;
        Ok(())
    }

    /// How many syncs the secondary has done, as it said last.
    #[must_use]
    pub fn generation(&self) -> Option<u64> {
        if let Durable::All(generation) = self.durable { Some(generation) } else { None }
    }

    /// True while a file is being transferred.
    #[must_use]
    pub fn is_flying(&self, gfid: Gfid) -> bool {
        self.flying.contains_key(&gfid)
    }

    /// Files whose transfers ended since the last call, well or not; durable after the next settling.
    pub fn landed(&mut self) -> Vec<Gfid> {
        std::mem::take(&mut self.landed)
    }

    /// Waits until the bell rings, a transfer ends or the time has come, handling what arrives.
    ///
    /// # Errors
    /// When the link is broken or the process is asked to end.
    pub fn idle(&mut self, bell: &Receiver<()>, until: Option<Instant>) -> Result<(), SendError> {
        let time = until.map_or_else(never, |until| after(until.saturating_duration_since(Instant::now())));
        loop {
            let inbound = select! {
                recv(bell) -> _ => return Ok(()),
                recv(time) -> _ => return Ok(()),
                recv(self.inbox) -> inbound => inbound,
            };
            self.handle(inbound.map_err(|_| SendError::Lost("nobody listens".into()))?)?;
            if !self.landed.is_empty() {
                return Ok(());
            }
        }
    }

    /// True when something has arrived that must be handled.
    ///
    /// # Errors
    /// When the link is broken or the process is asked to end.
    pub fn check(&mut self) -> Result<(), SendError> {
        while let Ok(inbound) = self.inbox.try_recv() {
            self.handle(inbound)?;
        }
        Ok(())
    }

    fn say_what_is_needed(&mut self) -> Result<(), SendError> {
        while self.has_room() {
            let Some((batch, unreadable)) = self.repair.next_batch() else { break };
            self.post(batch, unreadable)?;
        }
        Ok(())
    }

    fn has_room(&self) -> bool {
        self.sent.len() < WINDOW_BATCHES
            && self.sent_bytes < WINDOW_BYTES
            && self.transfers.open() < WINDOW_TRANSFERS
    }

    /// Waits for one inbound thing, or until `due`.
    fn hear(&mut self, due: Option<Instant>) -> Result<(), SendError> {
        let inbound = match due {
            None => self.inbox.recv().map_err(|_| SendError::Lost("nobody listens".into()))?,
            Some(due) => match self.inbox.recv_deadline(due) {
                Ok(inbound) => inbound,
                Err(RecvTimeoutError::Timeout) => return Ok(()),
                Err(RecvTimeoutError::Disconnected) => return Err(SendError::Lost("nobody listens".into())),
            },
        };
        self.handle(inbound)
    }

    fn handle(&mut self, inbound: Inbound) -> Result<(), SendError> {
        match inbound {
            Inbound::Reply(Reply::Answer(answer)) => self.answered(answer),
            Inbound::Reply(Reply::Synced { generation }) => {
                if self.durable == Durable::Asked {
                    self.durable = Durable::All(generation);
                }
                Ok(())
            }
            Inbound::Reply(Reply::Fatal(why)) => Err(fatal(&why)),
            Inbound::Reply(Reply::KeepAlive | Reply::Welcome(_)) => Ok(()),
            Inbound::Reply(reply @ (Reply::Signature { .. } | Reply::Closed { .. })) => {
                self.transfers.route(reply);
                Ok(())
            }
            Inbound::Ended { transfer, gfid, failed } => {
                self.transfers.ended(transfer);
                self.land(gfid);
                if let Some((errno, call)) = failed {
                    self.repair.add(Need { gfid, at: None, why: Why::Failed { errno, call } });
                }
                Ok(())
            }
            Inbound::Lost(why) => Err(SendError::Lost(why)),
            Inbound::Stop => Err(SendError::Stopped),
        }
    }

    fn answered(&mut self, answer: Answer) -> Result<(), SendError> {
        let Some(sent) = self.sent.remove(&answer.number) else {
            return Err(SendError::Lost(format!("answer to batch {} that is not open", answer.number)));
        };
        self.sent_bytes -= sent.bytes;
        self.counts.calls += answer.calls;
        let is_need = |need: &&Need| !matches!(need.why, Why::Present | Why::Times);
        self.counts.needs += answer.needs.iter().filter(is_need).count() as u64;
        let undone: std::collections::HashSet<Gfid> = answer.needs.iter().map(|need| need.gfid).collect();
        // these are said again with their content; one that is only in the way here is not
        let is_said_again = |need: &&Need| matches!(need.why, Why::Missing | Why::Failed { .. });
        let said_again: std::collections::HashSet<Gfid> =
            answer.needs.iter().filter(is_said_again).map(|need| need.gfid).collect();
        // names below a directory that is missing were left undone with it
        for at in sent.names.into_iter().filter(|at| undone.contains(&at.parent)) {
            self.repair.add_name(at);
        }
        for gfid in sent.repaired.iter().filter(|gfid| !undone.contains(gfid)) {
            self.repair.forget(*gfid);
        }
        for need in answer.needs {
            self.repair.add(need);
        }
        for gfid in sent.follows.into_iter().filter(|gfid| !said_again.contains(gfid)) {
            self.counts.transfers += 1;
            self.transfers.start(gfid);
            *self.flying.entry(gfid).or_default() += 1;
        }
        Ok(())
    }

    fn land(&mut self, gfid: Gfid) {
        self.durable = Durable::No;
        if let Some(flights) = self.flying.get_mut(&gfid) {
            *flights -= 1;
            if *flights == 0 {
                self.flying.remove(&gfid);
                self.landed.push(gfid);
            }
        }
    }

    fn post(&mut self, mut batch: Batch, unreadable: Vec<Unreadable>) -> Result<(), SendError> {
        for Unreadable { gfid, at, name_only, error } in unreadable {
            let why = Why::Failed { errno: error.raw(), call: format!("primary: {error}").into() };
            let need = Need { gfid, at, why };
            match error.errno {
                // looked at in the middle of a rename: ordinary
                Errno::AGAIN => {
                    tracing::debug!(%gfid, "is moving on the primary, to be read again");
                    self.repair.add(need);
                }
                // an event about it is on its way
                UNSETTLED if name_only => need.at.into_iter().for_each(|at| self.repair.give_up_name(at)),
                UNSETTLED => self.repair.give_up(need),
                errno => {
                    tracing::warn!(%gfid, %error, "cannot be read on the primary");
                    if matches!(errno, Errno::ACCESS | Errno::PERM) {
                        self.repair.give_up(need);
                    } else {
                        self.repair.add(need);
                    }
                }
            }
        }
        if batch.is_empty() {
            return Ok(());
        }
        batch.number = self.next_number;
        self.next_number += 1;
        let sent = self.sent_of(&batch);
        self.durable = Durable::No;
        self.counts.batches += 1;
        self.counts.names += batch.names.len() as u64;
        self.counts.objects += batch.objects.len() as u64;
        self.counts.inline_bytes += sent.bytes as u64;
        self.sent_bytes += sent.bytes;
        let number = batch.number;
        tracing::debug!(number, names = ?batch.names, dead = ?batch.dead, objects = batch.objects.len(), "said");
        self.outbox.send(Request::Batch(batch)).map_err(|error| self.lost(&error))?;
        self.sent.insert(number, sent);
        Ok(())
    }

    fn sent_of(&self, batch: &Batch) -> Sent {
        let gfids = batch.objects.iter().map(|object| object.gfid).chain(batch.dead.iter().copied());
        let follows = batch.objects.iter().filter(|object| object.body == Body::Follows);
        Sent {
            follows: follows.map(|object| object.gfid).collect(),
            names: batch.names.iter().map(|name| name.at.clone()).collect(),
            repaired: gfids.filter(|gfid| self.repair.knows(*gfid)).collect(),
            bytes: batch.objects.iter().map(|object| object.body.carried_bytes()).sum(),
        }
    }

    /// A write that failed says less than what the reader saw: prefer its word.
    fn lost(&self, error: &std::io::Error) -> SendError {
        let soon = Instant::now() + std::time::Duration::from_secs(1);
        while let Ok(inbound) = self.inbox.recv_deadline(soon) {
            match inbound {
                Inbound::Lost(why) => return SendError::Lost(why),
                Inbound::Reply(Reply::Fatal(why)) => return fatal(&why),
                Inbound::Stop => return SendError::Stopped,
                Inbound::Reply(_) | Inbound::Ended { .. } => {}
            }
        }
        SendError::Lost(error.to_string())
    }
}

impl Sink for Sender {
    type Error = SendError;

    fn take(&mut self, batch: Batch, unreadable: Vec<Unreadable>) -> Result<(), SendError> {
        self.check()?;
        self.say_what_is_needed()?;
        while !self.has_room() {
            self.hear(None)?;
        }
        self.post(batch, unreadable)
    }
}

fn fatal(why: &[u8]) -> SendError {
    SendError::Fatal(why.escape_ascii().to_string())
}
