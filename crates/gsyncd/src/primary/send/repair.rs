//! State-based repair: whatever the reason, the answer to a need is the present truth about it.

use super::stuck::Stuck;
use crate::primary::facts::{Facts, Unreadable, Want};
use crate::primary::view::View;
use gsyncd_core::id::{Entry, Gfid};
use gsyncd_core::truth::{Batch, Need, Why};
use std::collections::hash_map::Entry::{Occupied, Vacant};
use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How often one object may be said again for an error before it is given up for this round.
const FAILURES_LIMIT: u32 = 6;
/// How often it may be said again for want of facts: each round of a deep removal is one.
const ROUNDS_LIMIT: u32 = 40;
/// Pause before the first repetition after an error; doubles each time.
const FIRST_PAUSE: Duration = Duration::from_millis(50);

/// What must be said again.
pub struct Repair {
    view: Arc<dyn View>,
    now: VecDeque<Need>,
    names: Vec<Entry>,
    later: BTreeMap<(Instant, u64), Need>,
    sequence: u64,
    attempts: HashMap<Gfid, Attempts>,
    stuck: HashMap<Gfid, Stuck>,
    /// Names that were not made true for reasons of their own: their holder is not settled, or was given up before.
    unsettled: HashSet<Entry>,
}

#[derive(Default)]
struct Attempts {
    failures: u32,
    rounds: u32,
    /// Where it was needed: given up, these names are not true either.
    names: HashSet<Entry>,
}

impl Repair {
    /// Nothing to repair.
    pub fn new(view: Arc<dyn View>) -> Repair {
        Repair {
            view,
            now: VecDeque::new(),
            names: Vec::new(),
            later: BTreeMap::new(),
            sequence: 0,
            attempts: HashMap::new(),
            stuck: HashMap::new(),
            unsettled: HashSet::new(),
        }
    }

    /// How many needs wait.
    pub fn len(&self) -> usize {
        self.now.len() + self.later.len() + self.names.len()
    }

    /// True when no need waits.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Notes a name that must be stated again, unless its directory was given up: then so is what is in it.
    pub fn add_name(&mut self, at: Entry) {
        if !self.stuck.contains_key(&at.parent) {
            self.names.push(at);
        }
    }

    /// Notes a need, unless the object was said too often: then it is stuck.
    pub fn add(&mut self, need: Need) {
        if matches!(need.why, Why::Present) && (self.is_right(&need) || self.is_left_alone(&need)) {
            return;
        }
        // one that is not replicated any more is none of ours, whatever its times
        if matches!(need.why, Why::Times) && !matches!(self.view.sight(need.gfid), Ok(Some(_))) {
            return;
        }
        if self.stuck.contains_key(&need.gfid) {
            // nothing new can be said of it in this round
            self.unsettled.extend(need.at);
            return;
        }
        tracing::debug!(gfid = %need.gfid, at = ?need.at, why = ?need.why, "needed");
        let attempts = self.attempts.entry(need.gfid).or_default();
        attempts.names.extend(need.at.clone());
        if !matches!(need.why, Why::Failed { .. }) {
            attempts.rounds += 1;
            return if attempts.rounds > ROUNDS_LIMIT {
                self.give_up(need)
            } else {
                self.now.push_back(need)
            };
        }
        attempts.failures += 1;
        if attempts.failures > FAILURES_LIMIT {
            return self.give_up(need);
        }
        let pause = FIRST_PAUSE * (1 << attempts.failures);
        self.sequence += 1;
        self.later.insert((Instant::now() + pause, self.sequence), need);
    }

    /// True when an object was needed and may be needed again.
    pub fn knows(&self, gfid: Gfid) -> bool {
        self.attempts.contains_key(&gfid)
    }

    /// An object came out right.
    pub fn forget(&mut self, gfid: Gfid) {
        self.attempts.remove(&gfid);
    }

    /// An audited entry that the primary has too.
    fn is_right(&self, need: &Need) -> bool {
        let holder = need.at.as_ref().map(|at| self.view.holder(at));
        matches!(holder, Some(Ok(Some(holder))) if holder == need.gfid)
    }

    fn is_left_alone(&self, need: &Need) -> bool {
        let is_kept = |at: &Entry| self.view.keeps_deleted() && matches!(self.view.holder(at), Ok(None));
        need.at.as_ref().is_some_and(|at| self.view.leaves_alone(at) || is_kept(at))
    }

    /// Gives an object up for this round at once: what is wrong with it will not pass by itself.
    pub fn give_up(&mut self, need: Need) {
        if let Some(attempts) = self.attempts.get_mut(&need.gfid) {
            self.unsettled.extend(attempts.names.drain());
        }
        // the first reason is the one that counts: others may follow from it
        match self.stuck.entry(need.gfid) {
            Occupied(_) => self.unsettled.extend(need.at),
            Vacant(free) => drop(free.insert(need.into())),
        }
    }

    /// Gives a name up for this round: who holds it is not settled.
    pub fn give_up_name(&mut self, at: Entry) {
        self.unsettled.insert(at);
    }

    /// When the next delayed need is due; None when nothing is delayed.
    pub fn next_due(&self) -> Option<Instant> {
        self.later.keys().next().map(|(due, _)| *due)
    }

    /// What was given up; starts counting anew.
    pub fn take_stuck(&mut self) -> Vec<Stuck> {
        self.attempts.clear();
        let names = self.unsettled.drain().map(Stuck::unsettled);
        self.stuck.drain().map(|(_, stuck)| stuck).chain(names).collect()
    }

    /// The present truth about what is needed now; None when nothing is due.
    pub fn next_batch(&mut self) -> Option<(Batch, Vec<Unreadable>)> {
        self.wake();
        if self.now.is_empty() && self.names.is_empty() {
            return None;
        }
        let view = Arc::clone(&self.view);
        let mut facts = Facts::new(&*view);
        let mut asked: HashMap<Gfid, bool> = HashMap::new();
        while let Some(need) = self.now.pop_front() {
            let above = need.at.as_ref().and_then(|at| self.stuck.get(&at.parent));
            if let Some(passing) = above.map(|above| above.passing) {
                // not before its directory
                match self.stuck.entry(need.gfid) {
                    Occupied(_) => self.unsettled.extend(need.at),
                    Vacant(free) => drop(free.insert(Stuck { passing, ..Stuck::from(need) })),
                }
                continue;
            }
            // once each, but again when one need wants the content and the one before did not
            let wants_content = matches!(need.why, Why::Missing | Why::Failed { .. });
            let is_new = asked.get(&need.gfid).is_none_or(|had_content| wants_content && !had_content);
            if is_new {
                asked.insert(need.gfid, wants_content);
            }
            state(&mut facts, &need, is_new);
            if facts.is_full() {
                return Some(facts.finish());
            }
        }
        // names below directories that are stated above, so after them
        while let Some(at) = self.names.pop() {
            facts.name(&at);
            if facts.is_full() {
                break;
            }
        }
        Some(facts.finish())
    }

    fn wake(&mut self) {
        let now = Instant::now();
        while let Some(entry) = self.later.first_entry() {
            if entry.key().0 > now {
                break;
            }
            self.now.push_back(entry.remove());
        }
    }
}

/// Says all about one need.
fn state(facts: &mut Facts, need: &Need, is_new: bool) {
    if is_new {
        // its parent may be missing as well: say the whole way down
        if matches!(need.why, Why::Missing | Why::Unplaced | Why::Failed { .. }) {
            facts.ancestors(need.at.as_ref().map_or(need.gfid, |at| at.parent));
        }
        match need.why {
            Why::Missing | Why::Failed { .. } => facts.whole(need.gfid, Want::ALL),
            Why::Fate | Why::Unplaced | Why::Present => facts.whole(need.gfid, Want::LOOKS),
            Why::Times => drop(facts.object(need.gfid, Want::LOOKS)),
        }
    }
    if let Some(at) = &need.at {
        facts.name(at);
    }
}
