//! The flow of a directory, start to end: connect and scan side by side, the first sync or what changed since, then
//! changes as they come.

use super::examine::{Cause, ExamineError, Examiner, Outcome};
use super::first::{First, FirstError, Onto};
use super::flights::Flights;
use super::ground::stat_of;
use super::map::{Changes, Dirty, Map, MapError, Stage};
use super::meter::Meter;
use super::say::{SayError, say};
use super::scan::{Scan, Skipped, is_gone};
use super::watch::{Heard, Watch};
use super::{Connect, Conversation, Directory, Ending, Phase};
use crate::exit::Failure;
use crate::link::outbox::Outbox;
use crate::primary::send::{SendError, Sender, Stuck, Transfers};
use crossbeam_channel::Receiver;
use gsyncd_core::id::{Entry, Gfid, Name};
use gsyncd_core::wire::message::Welcome;
use gsyncd_sys::Errno;
use gsyncd_sys::at::Stat;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

/// How long a secondary may take to open its tree.
const WELCOME_PATIENCE: Duration = Duration::from_secs(120);
/// How many marks are said together.
const STEP: usize = 4096;
/// When names that were too young to tell are looked at again.
const YOUNG_PAUSE: Duration = Duration::from_millis(25);
/// Names that are kept for that; the next scan finds the others.
pub const YOUNG_LIMIT: usize = 100_000;
/// A scan that took so long may take this many times as long until the next: it costs two percent at most.
const SCAN_REST: u32 = 50;
/// Where the kernel allows too few watches a scan comes at least so often.
const EXHAUSTED_INTERVAL: Duration = Duration::from_secs(60);
/// What was acknowledged is recorded for good this much later, unless something new is: that records it too.
const RECORD_PAUSE: Duration = Duration::from_secs(1);
/// With so many failures something larger is wrong: better to start over a little later.
const FAILURES_LIMIT: usize = 10_000;
/// How often a run that ends looks again for what was changing while it looked.
const LAST_LOOKS: u32 = 3;

impl From<MapError> for Ending {
    fn from(error: MapError) -> Ending {
        Ending::Failed(Failure::new(error.to_string()))
    }
}

impl From<SendError> for Ending {
    fn from(error: SendError) -> Ending {
        match error {
            SendError::Stopped => Ending::Stopped,
            SendError::Lost(_) | SendError::Fatal(_) => Ending::Lost(Failure::new(error.to_string())),
        }
    }
}

impl From<SayError<SendError>> for Ending {
    fn from(error: SayError<SendError>) -> Ending {
        match error {
            SayError::Map(error) => error.into(),
            SayError::Sink(error) => error.into(),
        }
    }
}

impl From<ExamineError> for Ending {
    fn from(error: ExamineError) -> Ending {
        Ending::Failed(explain(&error))
    }
}

impl From<gsyncd_sys::Error> for Ending {
    fn from(error: gsyncd_sys::Error) -> Ending {
        Ending::Failed(error.into())
    }
}

impl From<FirstError> for Ending {
    fn from(error: FirstError) -> Ending {
        match error {
            FirstError::Map(error) => error.into(),
            FirstError::Send(error) => error.into(),
            FirstError::Root(error) => error.into(),
        }
    }
}

/// The failure that an examination ended with.
pub fn explain(error: &ExamineError) -> Failure {
    match error {
        ExamineError::Map(error) => Failure::new(error.to_string()),
        ExamineError::Tree(error) => Failure::new(error.to_string()),
    }
}

/// Syncs until it is done.
///
/// # Errors
/// Any other ending.
pub fn run(directory: &mut Directory, connect: &mut dyn Connect) -> Result<(), Ending> {
    directory.flights = Flights::default();
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
    fn listen(&mut self) -> Result<(), Ending> {
        if !self.plan.once && self.watch.is_none() {
            self.watch = Some(Watch::start()?);
            self.scanned = false;
        }
        Ok(())
    }

    /// Connects, and scans meanwhile if the tree is known.
    fn prepare(&mut self, connect: &mut dyn Connect) -> Result<Conversation, Ending> {
        let tree = self.session.tree;
        let is_known = self.session.stage == Stage::Complete;
        self.progress.enter(if is_known && !self.scanned { Phase::Scanning } else { Phase::Connecting });
        let connected = std::thread::scope(|scope| {
            let connecting = scope.spawn(|| connect.connect(tree));
            let scanned = if is_known && !self.scanned { self.scan() } else { Ok(()) };
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

    /// Looks through the whole tree.
    fn scan(&mut self) -> Result<(), Ending> {
        let begun = Instant::now();
        let watch = self.watch.as_ref().map(|(watch, _)| &**watch);
        let mut examiner = Examiner::new(&self.ground);
        let mut scan = Scan::new(&self.ground, watch, &self.progress);
        scan.everything(&mut examiner)?;
        let gone = examiner.bury()?;
        if let Some(watch) = watch {
            gone.into_iter().for_each(|gfid| watch.forget(gfid));
        }
        let (skipped, young) = (scan.skipped, examiner.take_young());
        self.note_young(young);
        self.note_skipped(&skipped);
        self.scanned = true;
        self.plan_scan(begun.elapsed());
        Ok(())
    }

    fn plan_scan(&mut self, took: Duration) {
        let exhausted = self.watch.as_ref().is_some_and(|(watch, _)| watch.is_exhausted());
        let interval = match self.plan.crawl_interval {
            interval if !exhausted => interval,
            interval => {
                Some(interval.map_or(EXHAUSTED_INTERVAL, |interval| interval.min(EXHAUSTED_INTERVAL)))
            }
        };
        self.next_scan = interval.map(|interval| Instant::now() + interval.max(took * SCAN_REST));
    }

    fn note_young(&mut self, young: Vec<Entry>) {
        if young.is_empty() {
            return;
        }
        self.young.0.extend(young);
        self.young.0.truncate(YOUNG_LIMIT);
        self.young.1.get_or_insert_with(|| Instant::now() + YOUNG_PAUSE);
    }

    /// Tells of what could not be looked into. Told with every scan that meets it.
    fn note_skipped(&mut self, skipped: &[Skipped]) {
        self.unreadable = 0;
        for Skipped { path, error } in skipped {
            let path = path.escape_ascii();
            if error.errno == Errno::XDEV {
                tracing::warn!(%path, "another file system is mounted here: left alone");
                continue;
            }
            self.unreadable += 1;
            tracing::error!(%path, %error, "cannot be read: what the target has of it is left alone");
            let text = format!("{path}: {error}");
            self.progress.update(|progress| progress.last_error = Some(text));
        }
        self.tell_failing();
    }

    fn tell_failing(&self) {
        let failing = self.unreadable + self.failing.len() as u64;
        let example = self.failing.example();
        self.progress.update(|progress| {
            progress.failing = failing;
            if example.is_some() {
                progress.last_error = example;
            }
        });
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
            self.scan()?;
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
        self.note_young(young);
        self.note_skipped(&skipped);
        self.note_stuck(&stuck)?;
        self.scanned = true;
        self.plan_scan(begun.elapsed());
        Ok(())
    }

    /// Records what the secondary has by now. Without it the next run says some of it again.
    fn record(&mut self, sender: &Sender) -> Result<(), Ending> {
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

    /// Says all that is marked, but for what rests after a failure.
    fn process(&mut self, sender: &mut Sender) -> Result<(), Ending> {
        let (mut from, begun) = (0, Instant::now());
        loop {
            let marked = self.map.dirty(from, STEP)?;
            let Some((last, _)) = marked.last() else {
                self.failing.sweep(begun);
                return Ok(());
            };
            from = last + 1;
            let due: Vec<(u64, Dirty)> =
                marked.into_iter().filter(|(_, dirty)| !self.waits(dirty, sender)).collect();
            if due.is_empty() {
                continue;
            }
            // before it is said: or after a crash nobody would know that the secondary heard of it
            self.map.commit()?;
            self.say(&due, sender)?;
            if self.failing.len() > FAILURES_LIMIT {
                let why = self.failing.example().unwrap_or_default();
                return Err(Ending::Lost(Failure::new(format!("too much cannot be synced, such as {why}"))));
            }
        }
    }

    /// True for what was tried in vain a moment ago, and for a large file that is on its way or was just now.
    fn waits(&self, dirty: &Dirty, sender: &Sender) -> bool {
        let gfid = subject(dirty);
        let is_object = matches!(dirty, Dirty::Object(..));
        self.failing.rests(gfid) || (is_object && (self.flights.rests(gfid) || sender.is_flying(gfid)))
    }

    fn say(&mut self, due: &[(u64, Dirty)], sender: &mut Sender) -> Result<(), Ending> {
        let count = due.len() as u64;
        self.progress.update(|progress| progress.found += count);
        let marked = due.iter().map(|(_, dirty)| dirty);
        say(&*self.view, &self.map, marked, self.plan.ignore_deletes, sender)?;
        let stuck = sender.settle_batches()?;
        let undone = Undone::of(&stuck);
        let mut removed = 0;
        for (position, dirty) in due {
            let gfid = subject(dirty);
            if sender.is_flying(gfid) && matches!(dirty, Dirty::Object(..)) {
                self.flights.begin(gfid, *position);
            } else if !undone.concerns(dirty, &self.map)? {
                self.map.said(*position, gfid)?;
                self.failing.forget(gfid);
                removed += u64::from(matches!(dirty, Dirty::Name(..)));
            }
        }
        self.note_stuck(&stuck)?;
        self.session.generation = sender.generation().unwrap_or(0).max(self.session.generation);
        self.unrecorded.get_or_insert_with(|| Instant::now() + RECORD_PAUSE);
        self.progress.update(|progress| {
            progress.done += count;
            progress.removed += removed;
        });
        Ok(())
    }

    /// Takes note of the large files that arrived since.
    fn land(&mut self, sender: &mut Sender) -> Result<(), Ending> {
        let landed = sender.landed();
        if landed.is_empty() {
            return Ok(());
        }
        let stuck = sender.settle_batches()?;
        for gfid in landed.into_iter().filter(|gfid| !sender.is_flying(*gfid)) {
            let position = self.flights.end(gfid);
            if let Some(position) = position
                && stuck.iter().all(|stuck| stuck.gfid != gfid)
            {
                self.map.said(position, gfid)?;
                self.failing.forget(gfid);
            }
        }
        self.note_stuck(&stuck)?;
        self.unrecorded.get_or_insert_with(|| Instant::now() + RECORD_PAUSE);
        Ok(())
    }

    /// Waits for all large files.
    fn land_all(&mut self, sender: &mut Sender) -> Result<(), Ending> {
        let stuck = sender.settle()?;
        self.note_stuck(&stuck)?;
        self.land(sender)
    }

    /// Whatever could not be made true is marked, whoever asked for it.
    fn note_stuck(&mut self, stuck: &[Stuck]) -> Result<(), Ending> {
        for stuck in stuck {
            if stuck.name_only {
                self.failing.look_again();
                continue;
            }
            if !self.map.names(stuck.gfid)?.is_empty() || stuck.gfid == Gfid::ROOT {
                let all = Changes::DOUBT.and(Changes::META).and(Changes::NAMES);
                self.map.mark(stuck.gfid, all)?;
            } else if let Some(at) = &stuck.at {
                self.map.mark_name(at.clone(), stuck.gfid)?;
            } else {
                // it is gone, and whoever needed it is marked
                continue;
            }
            self.failing.add(stuck);
        }
        self.tell_failing();
        Ok(())
    }

    /// The end of a run that does not follow: what was changing is looked at again.
    fn finish(&mut self, sender: &mut Sender) -> Result<(), Ending> {
        for _ in 0..LAST_LOOKS {
            if !self.failing.has_passing() {
                break;
            }
            self.scan()?;
            self.failing.hurry();
            self.process(sender)?;
            self.land_all(sender)?;
        }
        self.complete(sender)?;
        self.record(sender)?;
        self.progress.enter(Phase::Ended);
        Ok(())
    }

    fn look_at_young(&mut self) -> Result<(), Ending> {
        let young = std::mem::take(&mut self.young.0);
        self.young.1 = None;
        let names = young.into_iter().map(|at| ((at.parent, at.name), Cause::Again)).collect();
        self.examine(names)
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

    fn bell(&self) -> Receiver<()> {
        self.watch.as_ref().map_or_else(crossbeam_channel::never, |(_, bell)| bell.clone())
    }

    fn hear(&self) -> Result<Heard, Ending> {
        match &self.watch {
            Some((watch, _)) => Ok(watch.take()?),
            None => Ok(Heard::default()),
        }
    }

    fn take_in(&mut self, heard: Heard) -> Result<(), Ending> {
        if let Some(since) = heard.since {
            self.progress.update(|progress| progress.waiting_since = Some(since));
            self.failing.hurry();
        }
        let is_due = |due: Option<Instant>| due.is_some_and(|due| due <= Instant::now());
        if heard.root {
            self.map.mark(Gfid::ROOT, Changes::META)?;
        }
        if heard.overflow {
            tracing::warn!("more changed than the kernel kept a record of: scanning");
        }
        let event = |(at, written)| (at, Cause::Event { written });
        self.examine(heard.names.into_iter().map(event).collect())?;
        let is_lost = self.failing.take_lost();
        if is_lost {
            tracing::warn!("something changed that was not heard of: scanning");
        }
        if heard.overflow || is_lost || is_due(self.next_scan) {
            self.scan()?;
        } else if is_due(self.young.1) {
            self.look_at_young()?;
        }
        Ok(())
    }

    /// Compares names with the map.
    fn examine(&mut self, mut names: HashMap<(Gfid, Name), Cause>) -> Result<(), Ending> {
        if names.is_empty() {
            return Ok(());
        }
        let watch = self.watch.as_ref().map(|(watch, _)| Arc::clone(watch));
        let ground = Arc::clone(&self.ground);
        let mut examiner = Examiner::new(&ground);
        let mut scan = Scan::new(&ground, watch.as_deref(), &self.progress);
        // again for those whose directory was found to have moved only after them
        loop {
            let (mut later, count) = (HashMap::new(), names.len());
            for ((dir, name), cause) in names {
                let at = Entry { parent: dir, name };
                if !look(&mut scan, &mut examiner, &at, cause)? {
                    later.insert((at.parent, at.name), cause);
                }
            }
            names = later;
            if names.is_empty() || names.len() == count {
                break;
            }
        }
        let gone = examiner.bury()?;
        // what has no name after all was looked at is not in the tree any more
        let mut left = HashMap::new();
        for ((dir, name), cause) in names {
            if dir == Gfid::ROOT || !self.map.names(dir)?.is_empty() {
                left.insert((dir, name), cause);
            }
        }
        if !left.is_empty() {
            self.failing.look_again();
        }
        let (skipped, young) = (scan.skipped, examiner.take_young());
        if let Some(watch) = &watch {
            gone.into_iter().for_each(|gfid| watch.forget(gfid));
            let written = |cause| cause == Cause::Event { written: true };
            watch.put_back(left.into_iter().map(|(at, cause)| (at, written(cause))).collect());
        }
        self.note_young(young);
        if !skipped.is_empty() {
            self.note_skipped(&skipped);
        }
        Ok(())
    }
}

/// A directory whose entries are not known: a new one, or one that moved away before it could be listed.
fn to_be_listed(
    scan: &Scan,
    at: &Entry,
    stat: &Stat,
    outcome: Outcome,
) -> Result<Option<Gfid>, ExamineError> {
    match (outcome, scan.watch) {
        (Outcome::NewDirectory(gfid), _) => Ok(Some(gfid)),
        (_, Some(watch)) if stat.is_dir() => {
            let known = scan.ground.map().entry(at)?;
            Ok(known.map(|known| known.gfid).filter(|gfid| !watch.has(*gfid)))
        }
        _ => Ok(None),
    }
}

/// What was not made true in one round.
struct Undone<'a> {
    objects: HashSet<Gfid>,
    names: HashSet<&'a Entry>,
}

impl<'a> Undone<'a> {
    fn of(stuck: &'a [Stuck]) -> Undone<'a> {
        Undone {
            objects: stuck.iter().filter(|stuck| !stuck.name_only).map(|stuck| stuck.gfid).collect(),
            names: stuck.iter().filter_map(|stuck| stuck.at.as_ref()).collect(),
        }
    }

    /// A mark stays when anything that it depends on was not made true: its object, one of its names, a directory
    /// that one of them is in.
    fn concerns(&self, dirty: &Dirty, map: &Map) -> Result<bool, MapError> {
        if self.objects.is_empty() && self.names.is_empty() {
            return Ok(false);
        }
        if self.objects.contains(&subject(dirty)) {
            return Ok(true);
        }
        let is_undone = |at: &Entry| self.objects.contains(&at.parent) || self.names.contains(at);
        Ok(match dirty {
            Dirty::Object(gfid, _) => map.names(*gfid)?.iter().any(is_undone),
            Dirty::Name(at, _) => {
                is_undone(at) || map.entry(at)?.is_some_and(|holder| self.objects.contains(&holder.gfid))
            }
        })
    }
}

/// Whose failure keeps this from being said.
fn subject(dirty: &Dirty) -> Gfid {
    match dirty {
        Dirty::Object(gfid, _) | Dirty::Name(_, gfid) => *gfid,
    }
}

/// Looks at one name; false when its directory cannot be found yet.
fn look(scan: &mut Scan, examiner: &mut Examiner, at: &Entry, cause: Cause) -> Result<bool, ExamineError> {
    let ground = scan.ground;
    match look_there(scan, examiner, at, cause) {
        Err(ExamineError::Tree(error)) if is_gone(&error) => Ok(true),
        Err(ExamineError::Tree(error)) => {
            let path = super::ground::join(ground.path(at.parent), at.name.as_bytes());
            scan.skipped.push(Skipped { path, error });
            Ok(true)
        }
        outcome => outcome,
    }
}

fn look_there(
    scan: &mut Scan,
    examiner: &mut Examiner,
    at: &Entry,
    cause: Cause,
) -> Result<bool, ExamineError> {
    let ground = scan.ground;
    let Some(dir) = ground.dir(at.parent)? else { return Ok(false) };
    let known = ground.map().entry(at)?;
    let name = at.name.as_bytes();
    let stat = stat_of(&dir, name)?;
    let is_directory =
        stat.as_ref().map_or(known.is_some_and(|known| known.is_directory()), |stat| stat.is_dir());
    if ground.leaves_out(at.parent, || ground.path(at.parent), name, is_directory) {
        return Ok(true);
    }
    match (stat, known) {
        // come and gone between two looks: only the directory's times tell
        (None, None) if cause != Cause::Again => ground.map().mark(at.parent, Changes::META)?,
        (None, None) => {}
        (None, Some(known)) => examiner.vanished(at, &known, cause)?,
        (Some(stat), _) if ground.is_other_file_system(&stat) => {}
        (Some(stat), known) => {
            let outcome = examiner.found(&dir, at, &stat, known.as_ref(), cause)?;
            if let Some(gfid) = to_be_listed(scan, at, &stat, outcome)? {
                scan.below(at, gfid, &dir, examiner)?;
            }
        }
    }
    Ok(true)
}
