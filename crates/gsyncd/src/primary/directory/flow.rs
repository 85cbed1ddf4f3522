//! The flow of a directory, start to end: connect and scan side by side, the first sync or what changed since, then
//! changes as they come.

use super::failing::Failing;
use super::first::{First, Onto};
use super::flights::Flights;
use super::map::Stage;
use super::meter::Meter;
use super::watch::{HeardNames, Watch};
use super::{Connect, Conversation, Directory, Ending, Phase};
use crate::exit::Failure;
use crate::link::outbox::Outbox;
use crate::primary::send::{Sender, Transfers};
use gsyncd_core::wire::message::Welcome;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

/// How long a secondary may take to open its tree.
const WELCOME_PATIENCE: Duration = Duration::from_secs(120);
/// How often a run that ends looks again for what was changing while it looked.
const LAST_LOOKS: u32 = 3;

/// Syncs until it is done.
///
/// # Errors
/// Any other ending.
pub fn run(directory: &mut Directory, connect: &mut dyn Connect) -> Result<(), Ending> {
    (directory.flights, directory.failing) = (Flights::default(), Failing::default());
    directory.listen()?;
    let conversation = directory.prepare(connect)?;
    let (mut sender, welcome) = directory.converse(conversation)?;
    directory.catch_up(&mut sender, &welcome)?;
    if directory.plan.once {
        return directory.finish(&mut sender);
    }
    directory.follow(&mut sender)
}

impl Directory {
    /// Starts to listen for changes, unless it does already or nobody will wait for any.
    pub(super) fn listen(&mut self) -> Result<(), Ending> {
        if !self.plan.once && self.watch.is_none() {
            self.watch = Some(Watch::start()?);
            self.scanned = false;
        }
        Ok(())
    }

    /// Connects, and scans meanwhile if the tree is known.
    fn prepare(&mut self, connect: &mut dyn Connect) -> Result<Conversation, Ending> {
        let tree = self.session.tree;
        // a scan with every try of a long outage would be for nothing: later ones come with the connection
        let is_known = self.session.stage == Stage::Complete && !std::mem::replace(&mut self.tried, true);
        self.progress.enter(if is_known && !self.scanned { Phase::Scanning } else { Phase::Connecting });
        let connected = std::thread::scope(|scope| {
            let connecting = scope.spawn(|| connect.connect(tree));
            let scanned = if is_known && !self.scanned { self.scan(HeardNames::new()) } else { Ok(()) };
            if scanned.is_ok() && is_known {
                self.progress.enter(Phase::Connecting);
            }
            let connected =
                connecting.join().unwrap_or_else(|_| Err(Failure::new("the connection's thread broke")));
            scanned.map(|()| connected)
        })?;
        connected.map_err(Ending::Lost)
    }

    fn converse(&self, conversation: Conversation) -> Result<(Sender, Welcome), Ending> {
        let Conversation { outbox, inbox, report } = conversation;
        let outbox: Arc<dyn Outbox> = Arc::new(Meter::new(outbox, Arc::clone(&self.progress)));
        let transfers = Transfers::start_lanes(&self.view, &outbox, &report)
            .map_err(|error| Ending::Failed(Failure::new(format!("thread: {error}"))))?;
        let mut sender = Sender::new(Arc::clone(&self.view), outbox, inbox, transfers);
        let welcome = sender.welcome(Instant::now() + WELCOME_PATIENCE)?;
        Ok((sender, welcome))
    }

    /// Brings the secondary up to what is known: all of it when it is new, or not the one that was left.
    fn catch_up(&mut self, sender: &mut Sender, welcome: &Welcome) -> Result<(), Ending> {
        let session = &self.session;
        let is_another = session.copy != welcome.copy || welcome.generation < session.generation;
        if is_another && session.stage == Stage::Complete {
            tracing::warn!("the target is not as it was left: comparing everything");
        }
        let is_first = is_another || session.stage != Stage::Complete;
        self.progress.enter(Phase::CatchingUp);
        (self.session.copy, self.session.generation) = (welcome.copy, welcome.generation);
        if is_first {
            self.first_sync(sender, welcome.empty)?;
        } else if !self.scanned {
            self.scan(HeardNames::new())?;
        }
        self.process(sender)?;
        self.land_all(sender)?;
        self.complete(sender)
    }

    fn first_sync(&mut self, sender: &mut Sender, onto_empty: bool) -> Result<(), Ending> {
        self.map.clear()?;
        self.session.stage = if onto_empty { Stage::Filling } else { Stage::Adopting };
        self.map.set_session(&self.session)?;
        let onto = if onto_empty {
            Onto::Nothing
        } else {
            Onto::Copy { trust_mtime: self.plan.trust_mtime, keep_surplus: self.plan.ignore_deletes }
        };
        let begun = Instant::now();
        let watch = self.watch.as_ref().map(|(watch, _)| &**watch);
        let mut first = First::new(&self.ground, &*self.view, watch, &self.progress, sender, onto);
        first.run()?;
        let (young, skipped, stuck) = (first.young, first.skipped, first.stuck);
        self.keep_names(&[], &stuck)?;
        self.note_young(young);
        self.note_skipped(&skipped);
        self.note_stuck(&stuck)?;
        self.scanned = true;
        self.plan_scan(begun.elapsed());
        Ok(())
    }

    /// Records what the secondary has by now. Without it the next run says some of it again.
    pub(super) fn record(&mut self, sender: &Sender) -> Result<(), Ending> {
        self.unrecorded = None;
        self.session.generation = sender.generation().unwrap_or(0).max(self.session.generation);
        Ok(self.map.set_session(&self.session)?)
    }

    /// Everything known was said.
    fn complete(&mut self, sender: &Sender) -> Result<(), Ending> {
        if self.session.stage != Stage::Complete {
            self.session.stage = Stage::Complete;
            self.record(sender)?;
        }
        if self.flights.is_empty() {
            self.progress.update(|progress| {
                progress.synced_at = Some(SystemTime::now());
                progress.waiting_since = None;
            });
        }
        Ok(())
    }

    /// The end of a run that does not follow: what was changing is looked at again.
    fn finish(&mut self, sender: &mut Sender) -> Result<(), Ending> {
        for _ in 0..LAST_LOOKS {
            if !self.failing.has_passing() {
                break;
            }
            self.scan(HeardNames::new())?;
            self.failing.hurry();
            self.process(sender)?;
            self.land_all(sender)?;
        }
        self.complete(sender)?;
        self.record(sender)?;
        self.progress.enter(Phase::Ended);
        Ok(())
    }

    /// Changes as they come, until something ends it.
    fn follow(&mut self, sender: &mut Sender) -> Result<(), Ending> {
        self.progress.enter(Phase::Following);
        loop {
            if self.unrecorded.is_some_and(|due| due <= Instant::now()) {
                self.record(sender)?;
            }
            let heard = self.hear()?;
            self.take_in(heard)?;
            // first what arrived: it would be taken for not sent yet
            sender.check()?;
            self.land(sender)?;
            self.process(sender)?;
            sender.check()?;
            self.land(sender)?;
            self.complete(sender)?;
            let (failing, flights) = (self.failing.next_due(), self.flights.next_due());
            let due = [self.young.1, failing, flights, self.next_scan, self.unrecorded];
            let due = due.into_iter().flatten().min();
            sender.idle(&self.bell(), due)?;
        }
    }
}
