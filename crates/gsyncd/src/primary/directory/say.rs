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

/// States the present truth about everything that is marked.
///
/// # Errors
/// Of the map, or what the sink returns.
pub fn say<'d, S: Sink>(
    view: &dyn View,
    map: &Map,
    marked: impl Iterator<Item = &'d Dirty>,
    ignore_deletes: bool,
    sink: &mut S,
) -> Result<(), SayError<S::Error>> {
    let mut saying = Saying { facts: Facts::new(view), view, map, ignore_deletes, above: HashSet::new() };
    for dirty in marked {
        match dirty {
            Dirty::Object(gfid, changes) => saying.object(*gfid, *changes),
            Dirty::Name(at, former) => saying.name(at, *former),
        }
        .map_err(SayError::Map)?;
        hand_over_when_full(view, &mut saying.facts, sink).map_err(SayError::Sink)?;
    }
    hand_over(saying.facts, sink).map_err(SayError::Sink)
}

const NO_CONTENT: Want = Want { content: Content::None, xattrs: true };

struct Saying<'a> {
    facts: Facts<'a>,
    view: &'a dyn View,
    map: &'a Map,
    ignore_deletes: bool,
    /// Directories of which the secondary knows where they are, or is told.
    above: HashSet<Gfid>,
}

impl Saying<'_> {
    fn object(&mut self, gfid: Gfid, changes: Changes) -> Result<(), MapError> {
        let names = self.map.names(gfid)?;
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
        if let Some(other) = self.map.names(former)?.first() {
            // before it loses this one: or the secondary asks what became of it
            self.directories_above(other)?;
            self.facts.name(other);
        } else {
            if self.ignore_deletes && matches!(self.view.holder(at), Ok(None)) {
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
            if self.map.marked(dir)?.is_some_and(|(_, changes)| changes.include(Changes::NAMES)) {
                new.push(dir);
            }
            let Some(at) = self.map.names(dir)?.into_iter().next() else { break };
            dir = at.parent;
        }
        new.into_iter().rev().for_each(|dir| self.facts.whole(dir, NO_CONTENT));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{Sink, say};
    use crate::primary::directory::excludes::Excludes;
    use crate::primary::directory::ground::{Ground, identify, stat_of};
    use crate::primary::directory::map::{Changes, Dirty, Known, Map};
    use crate::primary::directory::view::DirectoryView;
    use crate::primary::facts::Unreadable;
    use gsyncd_core::id::{Entry, Gfid, Name};
    use gsyncd_core::truth::Batch;
    use std::convert::Infallible;
    use std::sync::Arc;

    struct Said(Vec<Batch>);

    impl Sink for Said {
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

        fn say(&self, marked: &[Dirty]) -> Batch {
            let mut said = Said(Vec::new());
            assert!(say(&self.view, &self.map, marked.iter(), false, &mut said).is_ok());
            let [batch] = &*said.0 else { panic!("{:?}", said.0) };
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
        let source = world.home.path().join("source");
        std::fs::create_dir(source.join("new")).unwrap();
        std::fs::write(source.join("new/file"), "content").unwrap();
        let dir = world.put(&top("new"));
        let file = world.put(&Entry { parent: dir, name: Name::new(b"file").unwrap() });
        world.map.mark(dir, Changes::META.and(Changes::NAMES)).unwrap();
        let batch = world.say(&[Dirty::Object(file, Changes::META.and(Changes::NAMES))]);
        let said: Vec<_> = batch.names.iter().filter_map(|holding| holding.holder).collect();
        assert_eq!(said, [dir, file]);
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
