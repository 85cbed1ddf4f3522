//! From what is marked in the map to batches of facts.

use super::map::{Changes, Dirty, Map, MapError};
use crate::primary::facts::{Content, Facts, Want};
use crate::primary::plan::{Sink, hand_over, hand_over_when_full};
use crate::primary::view::View;
use gsyncd_core::id::{Entry, Gfid};
use std::collections::HashSet;

/// Why no more could be said.
pub enum SayError<E> {
    /// The map is of no use any more.
    Map(MapError),
    /// Nobody takes it.
    Sink(E),
}

/// What is said, and how.
pub struct Said<'a> {
    /// Where the truth is read.
    pub view: &'a dyn View,
    /// What is known and marked.
    pub map: &'a Map,
    /// What is deleted stays on the secondary.
    pub ignore_deletes: bool,
    /// True for an object that was tried in vain a moment ago.
    pub rests: &'a dyn Fn(Gfid) -> bool,
}

/// States the present truth about everything that is marked.
///
/// # Errors
/// Of the map, or what the sink returns.
pub fn say<'d, S: Sink>(
    said: &Said<'_>,
    marked: impl Iterator<Item = &'d Dirty>,
    sink: &mut S,
) -> Result<(), SayError<S::Error>> {
    let mut saying = Saying { said, facts: Facts::new(said.view), above: HashSet::new() };
    for dirty in marked {
        match dirty {
            Dirty::Object(gfid, changes) => saying.object(*gfid, *changes),
            Dirty::Name(at, former) => saying.name(at, *former),
        }
        .map_err(SayError::Map)?;
        hand_over_when_full(said.view, &mut saying.facts, sink).map_err(SayError::Sink)?;
    }
    hand_over(saying.facts, sink).map_err(SayError::Sink)
}

struct Saying<'a> {
    said: &'a Said<'a>,
    facts: Facts<'a>,
    /// Directories of which the secondary knows where they are, or is told.
    above: HashSet<Gfid>,
}

impl Saying<'_> {
    fn object(&mut self, gfid: Gfid, changes: Changes) -> Result<(), MapError> {
        let names = self.said.map.names(gfid)?;
        if gfid != Gfid::ROOT && names.is_empty() {
            // the end of it is marked with the names it had
            return Ok(());
        }
        let content = if changes.include(Changes::DATA) {
            Content::All
        } else if changes.include(Changes::DOUBT) {
            Content::Hash
        } else {
            Content::None
        };
        let want = Want { content, xattrs: true };
        if changes.include(Changes::NAMES) {
            for at in &names {
                self.directories_above(at)?;
            }
            self.facts.whole(gfid, want);
        } else {
            self.facts.object(gfid, want);
        }
        Ok(())
    }

    fn name(&mut self, at: &Entry, former: Gfid) -> Result<(), MapError> {
        if let Some(other) = self.said.map.names(former)?.first() {
            // before it loses this one: or the secondary asks what became of it
            self.directories_above(other)?;
            self.facts.name(other);
        } else if former != Gfid::ROOT {
            // the root has no name, and lives
            if self.said.ignore_deletes && matches!(self.said.view.holder(at), Ok(None)) {
                return Ok(());
            }
            self.facts.dead_as_recorded(former);
        }
        self.facts.name(at);
        Ok(())
    }

    /// States the directories above a name that are new where they are, topmost first: or the secondary has to ask for
    /// them.
    fn directories_above(&mut self, at: &Entry) -> Result<(), MapError> {
        let (mut new, mut dir) = (Vec::new(), at.parent);
        while dir != Gfid::ROOT && self.above.insert(dir) {
            let is_new =
                self.said.map.marked(dir)?.is_some_and(|(_, changes)| changes.include(Changes::NAMES));
            // one that failed has its own time, or everything in it would fail with it
            if is_new && !(self.said.rests)(dir) {
                new.push(dir);
            }
            let Some(at) = self.said.map.names(dir)?.into_iter().next() else { break };
            dir = at.parent;
        }
        new.into_iter().rev().for_each(|dir| self.facts.whole(dir, Want::LOOKS));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{Said, Sink, say};
    use crate::primary::directory::excludes::Excludes;
    use crate::primary::directory::ground::{Ground, identify, stat_of};
    use crate::primary::directory::map::{Changes, Dirty, Known, Map};
    use crate::primary::directory::view::DirectoryView;
    use crate::primary::facts::Unreadable;
    use gsyncd_core::id::{Entry, Gfid, Name};
    use gsyncd_core::truth::Batch;
    use std::convert::Infallible;
    use std::sync::Arc;

    struct Batches(Vec<Batch>);

    impl Sink for Batches {
        type Error = Infallible;

        fn take(&mut self, batch: Batch, _: Vec<Unreadable>) -> Result<(), Infallible> {
            self.0.push(batch);
            Ok(())
        }
    }

    struct World {
        home: tempfile::TempDir,
        map: Arc<Map>,
        ground: Arc<Ground>,
        view: DirectoryView,
    }

    fn world() -> World {
        let home = tempfile::tempdir().unwrap();
        let map = Arc::new(Map::open(&home.path().join("map")).unwrap());
        let source = home.path().join("source");
        std::fs::create_dir(&source).unwrap();
        let ground = Arc::new(Ground::open(&source, Arc::clone(&map), Excludes::new(&[]).unwrap()).unwrap());
        World { home, map, ground: Arc::clone(&ground), view: DirectoryView::new(ground, false) }
    }

    impl World {
        /// Notes what is there.
        fn put(&self, at: &Entry) -> Gfid {
            let dir = self.ground.dir(at.parent).unwrap().unwrap();
            let stat = stat_of(&dir, at.name.as_bytes()).unwrap().unwrap();
            let gfid = identify(&dir, at.name.as_bytes()).unwrap();
            self.map.put(at, Known::from_stat(gfid, &stat)).unwrap();
            gfid
        }

        /// A directory that is marked as new, and a file that moved into it.
        fn file_in_a_new_directory(&self) -> (Gfid, Gfid) {
            let source = self.home.path().join("source");
            std::fs::create_dir(source.join("new")).unwrap();
            std::fs::write(source.join("new/file"), "content").unwrap();
            let dir = self.put(&top("new"));
            self.map.mark(dir, Changes::META.and(Changes::NAMES)).unwrap();
            (dir, self.put(&Entry { parent: dir, name: Name::new(b"file").unwrap() }))
        }

        fn say(&self, marked: &[Dirty]) -> Batch {
            self.say_but_for(&[], marked)
        }

        fn say_but_for(&self, resting: &[Gfid], marked: &[Dirty]) -> Batch {
            let rests = |gfid: Gfid| resting.contains(&gfid);
            let said = Said { view: &self.view, map: &self.map, ignore_deletes: true, rests: &rests };
            let mut batches = Batches(Vec::new());
            assert!(say(&said, marked.iter(), &mut batches).is_ok());
            let [batch] = &*batches.0 else { panic!("{:?}", batches.0) };
            batch.clone()
        }
    }

    fn top(name: &str) -> Entry {
        Entry { parent: Gfid::ROOT, name: Name::new(name.as_bytes()).unwrap() }
    }

    /// A name that is marked for its directory's sake (see `Directory::keep_names`): the root has no name, and lives.
    #[test]
    fn the_root_is_not_dead() {
        let batch = world().say(&[Dirty::Name(top("passing"), Gfid::ROOT)]);
        assert_eq!(batch.dead, []);
        assert!(batch.objects.iter().any(|object| object.gfid == Gfid::ROOT));
    }

    #[test]
    fn a_new_directory_is_said_before_what_moved_into_it() {
        let world = world();
        let (dir, file) = world.file_in_a_new_directory();
        let batch = world.say(&[Dirty::Object(file, Changes::META.and(Changes::NAMES))]);
        let said: Vec<_> = batch.names.iter().filter_map(|holding| holding.holder).collect();
        assert_eq!(said, [dir, file]);
    }

    /// One directory that the secondary refuses holds up nothing but itself.
    #[test]
    fn a_directory_that_failed_is_not_said_before_its_time() {
        let world = world();
        let (dir, file) = world.file_in_a_new_directory();
        let batch = world.say_but_for(&[dir], &[Dirty::Object(file, Changes::META.and(Changes::NAMES))]);
        let said: Vec<_> = batch.names.iter().filter_map(|holding| holding.holder).collect();
        assert_eq!(said, [file]);
    }

    /// Or the secondary asks for each file that moved what became of it.
    #[test]
    fn where_an_object_lives_is_said_before_the_name_it_lost() {
        let world = world();
        std::fs::write(world.home.path().join("source/new"), "content").unwrap();
        let gfid = world.put(&top("new"));
        let batch = world.say(&[Dirty::Name(top("old"), gfid)]);
        let said: Vec<_> = batch.names.iter().map(|holding| (holding.at.clone(), holding.holder)).collect();
        assert_eq!(said, [(top("new"), Some(gfid)), (top("old"), None)]);
    }
}
