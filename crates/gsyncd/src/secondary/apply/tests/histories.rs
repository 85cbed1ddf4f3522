//! Random histories: whatever happens on the primary, whenever facts are read, batches lost and calls fail,
//! the secondary ends equal and never loses what lives.

use super::local::LocalSecondary;
use super::model::{Primary, Touched, entry, touched_by};
use crate::secondary::apply::Engine;
use crate::tree::memory::MemoryTree;
use crate::tree::{Durability, Tree};
use gsyncd_core::id::{Entry, Gfid};
use gsyncd_core::truth::{Batch, Kind, Why};
use gsyncd_sys::Errno;
use proptest::prelude::{ProptestConfig, any, prop_assert, prop_assert_eq, proptest};
use proptest::test_runner::TestCaseError;
use std::collections::VecDeque;
use std::sync::Arc;

/// How many times the primary may have to say things again before all is true.
const MOST_ROUNDS: usize = 40;
pub(super) const NAMES: [&[u8]; 5] = [b"a", b"b", b"\xff\n", b"d", b"e"];

/// One step: what, and three numbers that choose among what is there.
type Step = (u8, u8, u8, u8);

/// A secondary under test: a tree, and what can happen to it.
pub(super) trait Secondary {
    fn tree(&self) -> Arc<dyn Tree>;
    /// All calls after so many more fail.
    fn crash_after(&mut self, calls: u64);
    /// One call fails.
    fn fail_at(&mut self, call: u64);
    /// Nothing fails any more.
    fn recover(&mut self);
    /// Likewise; nobody uses the tree now, and what is not durable is lost.
    fn restart(&mut self);
    /// Somebody else changes something; false when nobody can.
    fn interfere(&mut self, step: (u8, u8, u8)) -> bool;
    /// A living object that was destroyed.
    fn lost(&self, primary: &Primary) -> Option<Gfid>;
    fn check_equal(&self, primary: &Primary) -> Result<(), TestCaseError>;
}

impl Secondary for MemoryTree {
    fn tree(&self) -> Arc<dyn Tree> {
        Arc::new(self.clone())
    }
    fn crash_after(&mut self, calls: u64) {
        MemoryTree::crash_after(self, calls);
    }
    fn fail_at(&mut self, call: u64) {
        MemoryTree::fail_at(self, call, Errno::IO);
    }
    fn recover(&mut self) {
        MemoryTree::recover(self);
        self.heal();
    }
    fn restart(&mut self) {
        Secondary::recover(self);
    }
    fn interfere(&mut self, _: (u8, u8, u8)) -> bool {
        false
    }
    fn lost(&self, primary: &Primary) -> Option<Gfid> {
        self.destroyed().into_iter().find(|gfid| primary.tree.node(*gfid).is_some())
    }
    fn check_equal(&self, primary: &Primary) -> Result<(), TestCaseError> {
        prop_assert_eq!(self.nodes(), primary.tree.nodes());
        Ok(())
    }
}

struct World<S> {
    primary: Primary,
    secondary: S,
    /// None only while the secondary starts again.
    engine: Option<Engine>,
    threads: usize,
    /// Facts read, in order, not applied yet.
    waiting: VecDeque<Batch>,
    /// What was read since all was last known to be true.
    uncommitted: Touched,
    /// Somebody else was at work since.
    disturbed: bool,
    rounds: usize,
}

impl<S: Secondary> World<S> {
    fn new(threads: usize, secondary: S) -> World<S> {
        let engine = Engine::open(secondary.tree(), threads).unwrap();
        World {
            primary: Primary::new(),
            secondary,
            engine: Some(engine),
            threads,
            waiting: VecDeque::new(),
            uncommitted: Touched::default(),
            disturbed: false,
            rounds: 0,
        }
    }

    fn gather(&mut self) {
        let touched = std::mem::take(&mut self.primary.journal);
        if !touched.is_empty() {
            self.waiting.push_back(self.primary.facts(&touched));
            self.uncommitted.add(&touched);
        }
    }

    /// Applies the oldest batch; a failing mount loses all that waits.
    fn apply(&mut self) -> Result<(), TestCaseError> {
        let Some(batch) = self.waiting.pop_front() else { return Ok(()) };
        match self.engine.as_ref().unwrap().apply(&batch) {
            Ok(answer) if answer.needs.is_empty() => {}
            Ok(mut answer) => {
                self.rounds += 1;
                let is_right = |at: &Entry, gfid| self.primary.holder(at) == Some(gfid);
                answer.needs.retain(|need| {
                    need.why != Why::Present || !need.at.as_ref().is_some_and(|at| is_right(at, need.gfid))
                });
                let touched = touched_by(&answer.needs);
                self.uncommitted.add(&touched);
                if !touched.is_empty() {
                    self.waiting.push_back(self.primary.facts(&touched));
                }
            }
            Err(_) => self.restart(),
        }
        prop_assert_eq!(self.secondary.lost(&self.primary), None, "a living object was destroyed");
        Ok(())
    }

    /// The secondary's process ends and another one starts; the primary says again what was not committed.
    fn restart(&mut self) {
        self.engine = None;
        self.secondary.restart();
        let tree = self.secondary.tree();
        // a copy that never saw a sync is compared with everything, as any copy that is met for the first time
        self.disturbed |= tree.durability() == Durability::Sync && tree.generation() == 0;
        self.engine = Some(Engine::open(tree, self.threads).unwrap());
        self.waiting.clear();
        self.primary.journal.add(&std::mem::take(&mut self.uncommitted));
    }

    fn settle(&mut self) -> Result<(), TestCaseError> {
        self.secondary.recover();
        self.rounds = 0;
        self.gather();
        // what an earlier run left parked is asked about even when nothing is said
        self.waiting.push_back(Batch::default());
        self.drain()?;
        if std::mem::take(&mut self.disturbed) {
            self.say_everything()?;
        }
        self.secondary.tree().sync().unwrap();
        self.uncommitted = Touched::default();
        self.secondary.check_equal(&self.primary)
    }

    fn drain(&mut self) -> Result<(), TestCaseError> {
        while !self.waiting.is_empty() {
            self.apply()?;
            prop_assert!(self.rounds < MOST_ROUNDS, "needs do not end: {:?}", self.waiting);
        }
        Ok(())
    }

    /// Everything there is, and what should not be there, until nothing is found any more.
    fn say_everything(&mut self) -> Result<(), TestCaseError> {
        let nodes = self.primary.tree.nodes();
        let mut all = Touched::default();
        for (gfid, node) in &nodes {
            all.gfids.insert(*gfid);
            all.names.extend(node.names.iter().cloned());
        }
        for _ in 0..3 {
            let mut batch = self.primary.facts(&all);
            batch.audit =
                nodes.iter().filter(|(_, node)| node.kind.is_directory()).map(|(gfid, _)| *gfid).collect();
            self.waiting.push_back(batch);
            self.drain()?;
        }
        Ok(())
    }

    fn place(&self, dir: u8, name: u8) -> Entry {
        let nodes = self.primary.tree.nodes();
        let dirs: Vec<Gfid> =
            nodes.iter().filter(|(_, node)| node.kind.is_directory()).map(|(gfid, _)| *gfid).collect();
        entry(dirs[usize::from(dir) % dirs.len()], NAMES[usize::from(name) % NAMES.len()])
    }

    /// A name that is taken.
    fn taken(&self, pick: u8) -> Option<Entry> {
        let nodes = self.primary.tree.nodes();
        let names: Vec<&Entry> = nodes.values().flat_map(|node| &node.names).collect();
        names.get(usize::from(pick) % names.len().max(1)).map(|at| (*at).clone())
    }

    fn step(&mut self, (what, x, y, z): Step) -> Result<(), TestCaseError> {
        let place = self.place(x, y);
        let taken = self.taken(z);
        match (what % 28, taken) {
            (0..3, _) => drop(self.primary.create(&place, Kind::File, &vec![z; usize::from(z % 7)])),
            (3..6, _) => drop(self.primary.create(&place, Kind::Directory, b"")),
            (6, _) => drop(self.primary.create(&place, Kind::Symlink(Box::from(&[z | 1, b'x'][..])), b"")),
            (7, _) => drop(self.primary.create(&place, Kind::Char(u32::from(z)), b"")),
            (8..12, Some(from)) => self.primary.rename(&from, &place),
            (12, Some(at)) => {
                let gfid = self.primary.holder(&at).unwrap();
                self.primary.link(gfid, &place);
            }
            (13, Some(at)) => self.primary.remove(&at),
            (14, Some(at)) => self.replace(&at, z),
            (15..18, Some(at)) => self.swap(&at, y),
            (18, Some(at)) => self.change(&at, x, y),
            (19, _) => self.gather(),
            (20, _) => self.apply()?,
            (21, _) => {
                self.secondary.crash_after(u64::from(z) % 60);
                self.apply()?;
            }
            (22, _) => self.secondary.fail_at(u64::from(z)),
            (23, _) => self.restart(),
            (24, _) => self.settle()?,
            (25.., _) => self.disturbed |= self.secondary.interfere((x, y, z)),
            _ => {}
        }
        Ok(())
    }

    /// A directory becomes a file, or the other way round.
    fn replace(&mut self, at: &Entry, z: u8) {
        let was = self.primary.holder(at).and_then(|gfid| self.primary.tree.node(gfid)).unwrap();
        self.primary.remove(at);
        let kind = if was.kind.is_directory() { Kind::File } else { Kind::Directory };
        self.primary.create(at, kind, &[z; 3]);
    }

    fn swap(&mut self, at: &Entry, pick: u8) {
        let Some(other) = self.taken(pick) else { return };
        let aside = entry(Gfid::ROOT, b"aside");
        self.primary.rename(at, &aside);
        self.primary.rename(&other, at);
        self.primary.rename(&aside, &other);
        if self.primary.holder(&aside).is_some() {
            self.primary.rename(&aside, at);
        }
    }

    fn change(&mut self, at: &Entry, x: u8, y: u8) {
        let gfid = self.primary.holder(at).unwrap();
        self.primary.change(gfid, |node| {
            node.mode = 0o4700 | u32::from(x % 64);
            node.owner = (u32::from(y % 3), 7);
            if node.kind == Kind::File {
                node.data = vec![x; usize::from(y % 9)];
            }
            if matches!(node.kind, Kind::File | Kind::Directory) {
                node.xattrs.insert(Box::from(&b"user.k"[..]), Box::from(&[x][..]));
            }
            if matches!(node.kind, Kind::Symlink(_)) {
                node.mode = 0o640;
            }
        });
    }
}

fn live(steps: &[Step], threads: usize, secondary: impl Secondary) -> Result<(), TestCaseError> {
    let mut world = World::new(threads, secondary);
    for step in steps {
        world.step(*step)?;
    }
    world.settle()?;
    // the same again changes nothing
    let again = world.uncommitted.clone();
    world.primary.journal.add(&again);
    world.settle()
}

fn volume(threads: usize) -> MemoryTree {
    let tree = MemoryTree::new();
    if threads > 1 {
        tree.hold_content_at_the_barrier();
    }
    tree
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_history_ends_equal(steps in proptest::collection::vec(any::<Step>(), 1..80)) {
        live(&steps, 1, volume(1))?;
    }

    #[test]
    fn so_it_does_side_by_side(steps in proptest::collection::vec(any::<Step>(), 1..80)) {
        live(&steps, 3, volume(3))?;
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn so_it_does_in_a_directory(steps in proptest::collection::vec(any::<Step>(), 1..80)) {
        live(&steps, 3, LocalSecondary::on("/tmp", false))?;
    }

    #[test]
    fn so_it_does_while_others_work_there(steps in proptest::collection::vec(any::<Step>(), 1..80)) {
        live(&steps, 1, LocalSecondary::on("/dev/shm", true))?;
        live(&steps, 3, LocalSecondary::on("/tmp", true))?;
    }
}
