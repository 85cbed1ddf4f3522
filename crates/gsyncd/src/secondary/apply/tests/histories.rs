//! Random histories: whatever happens on the primary, whenever facts are read, batches lost and calls fail,
//! the secondary ends equal and never loses what lives.

use super::model::{Primary, Touched, entry, touched_by};
use crate::secondary::apply::Engine;
use crate::tree::memory::MemoryTree;
use gsyncd_core::id::{Entry, Gfid};
use gsyncd_core::truth::{Batch, Kind};
use gsyncd_sys::Errno;
use proptest::prelude::{ProptestConfig, any, prop_assert, prop_assert_eq, proptest};
use proptest::test_runner::TestCaseError;
use std::collections::VecDeque;
use std::sync::Arc;

/// How many times the primary may have to say things again before all is true.
const MOST_ROUNDS: usize = 40;
const NAMES: [&[u8]; 5] = [b"a", b"b", b"\xff\n", b"d", b"e"];

/// One step: what, and three numbers that choose among what is there.
type Step = (u8, u8, u8, u8);

struct World {
    primary: Primary,
    secondary: MemoryTree,
    engine: Engine,
    threads: usize,
    /// Facts read, in order, not applied yet.
    waiting: VecDeque<Batch>,
    /// What was read since all was last known to be true.
    uncommitted: Touched,
    rounds: usize,
}

impl World {
    fn new(threads: usize) -> World {
        let secondary = MemoryTree::new();
        if threads > 1 {
            secondary.hold_content_at_the_barrier();
        }
        let engine = Engine::open(Arc::new(secondary.clone()), threads).unwrap();
        World {
            primary: Primary::new(),
            secondary,
            engine,
            threads,
            waiting: VecDeque::new(),
            uncommitted: Touched::default(),
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
        match self.engine.apply(&batch) {
            Ok(answer) if answer.needs.is_empty() => {}
            Ok(answer) => {
                self.rounds += 1;
                let touched = touched_by(&answer.needs);
                self.uncommitted.add(&touched);
                self.waiting.push_back(self.primary.facts(&touched));
            }
            Err(_) => self.restart(),
        }
        let lost =
            self.secondary.destroyed().into_iter().find(|gfid| self.primary.tree.node(*gfid).is_some());
        prop_assert_eq!(lost, None, "a living object was destroyed");
        Ok(())
    }

    /// The secondary's process ends and another one starts; the primary says again what was not committed.
    fn restart(&mut self) {
        self.secondary.recover();
        self.secondary.heal();
        self.engine = Engine::open(Arc::new(self.secondary.clone()), self.threads).unwrap();
        self.waiting.clear();
        self.primary.journal.add(&std::mem::take(&mut self.uncommitted));
    }

    fn settle(&mut self) -> Result<(), TestCaseError> {
        self.secondary.recover();
        self.secondary.heal();
        self.rounds = 0;
        self.gather();
        // what an earlier run left parked is asked about even when nothing is said
        self.waiting.push_back(Batch::default());
        while !self.waiting.is_empty() {
            self.apply()?;
            prop_assert!(self.rounds < MOST_ROUNDS, "needs do not end: {:?}", self.waiting);
        }
        self.uncommitted = Touched::default();
        prop_assert_eq!(self.secondary.nodes(), self.primary.tree.nodes());
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
        match (what % 24, taken) {
            (0..3, _) => drop(self.primary.create(&place, Kind::File, &vec![z; usize::from(z % 7)])),
            (3..6, _) => drop(self.primary.create(&place, Kind::Directory, b"")),
            (6, _) => drop(self.primary.create(&place, Kind::Symlink(Box::from(&[z, b'x'][..])), b"")),
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
            (22, _) => self.secondary.fail_at(u64::from(z), Errno::IO),
            (23, _) => self.restart(),
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
            if !matches!(node.kind, Kind::Symlink(_)) {
                node.xattrs.insert(Box::from(&b"user.k"[..]), Box::from(&[x][..]));
            } else {
                node.mode = 0o640;
            }
        });
    }
}

fn live(steps: &[Step], threads: usize) -> Result<(), TestCaseError> {
    let mut world = World::new(threads);
    for step in steps {
        world.step(*step)?;
    }
    world.settle()?;
    // the same again changes nothing
    let again = world.uncommitted.clone();
    world.primary.journal.add(&again);
    world.settle()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_history_ends_equal(steps in proptest::collection::vec(any::<Step>(), 1..80)) {
        live(&steps, 1)?;
    }

    #[test]
    fn so_it_does_side_by_side(steps in proptest::collection::vec(any::<Step>(), 1..80)) {
        live(&steps, 3)?;
    }
}
