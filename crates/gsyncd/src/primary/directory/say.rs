//! From what is marked in the map to batches of facts.

use super::map::{Changes, Dirty, Map, MapError};
use crate::primary::facts::{Content, Facts, Want};
use crate::primary::plan::{Sink, hand_over, hand_over_when_full};
use crate::primary::view::View;
use gsyncd_core::id::{Entry, Gfid};

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
    let mut facts = Facts::new(view);
    for dirty in marked {
        match dirty {
            Dirty::Object(gfid, changes) => object(&mut facts, map, *gfid, *changes),
            Dirty::Name(at, former) => name(&mut facts, view, map, at, *former, ignore_deletes),
        }
        .map_err(SayError::Map)?;
        hand_over_when_full(view, &mut facts, sink).map_err(SayError::Sink)?;
    }
    hand_over(facts, sink).map_err(SayError::Sink)
}

fn object(facts: &mut Facts, map: &Map, gfid: Gfid, changes: Changes) -> Result<(), MapError> {
    if gfid != Gfid::ROOT && map.names(gfid)?.is_empty() {
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
        facts.whole(gfid, want);
    } else {
        facts.object(gfid, want);
    }
    Ok(())
}

fn name(
    facts: &mut Facts,
    view: &dyn View,
    map: &Map,
    at: &Entry,
    former: Gfid,
    ignore_deletes: bool,
) -> Result<(), MapError> {
    if map.names(former)?.is_empty() {
        if ignore_deletes && matches!(view.holder(at), Ok(None)) {
            return Ok(());
        }
        facts.dead_as_recorded(former);
    }
    facts.name(at);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{Sink, say};
    use crate::primary::directory::excludes::Excludes;
    use crate::primary::directory::ground::Ground;
    use crate::primary::directory::map::Map;
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

    /// A name that is marked for its directory's sake (see `Directory::keep_names`): the root has no name, and lives.
    #[test]
    fn the_root_is_not_dead() {
        let home = tempfile::tempdir().unwrap();
        let map = Arc::new(Map::open(&home.path().join("map")).unwrap());
        let source = home.path().join("source");
        std::fs::create_dir(&source).unwrap();
        let ground = Arc::new(Ground::open(&source, Arc::clone(&map), Excludes::new(&[]).unwrap()).unwrap());
        let view = DirectoryView::new(ground, false);
        let passing = Entry { parent: Gfid::ROOT, name: Name::new(b"passing").unwrap() };
        map.mark_name(passing, Gfid::ROOT).unwrap();
        let marked = map.dirty(0, 10).unwrap();
        let mut said = Said(Vec::new());
        assert!(say(&view, &map, marked.iter().map(|(_, dirty)| dirty), false, &mut said).is_ok());
        let [batch] = &*said.0 else { panic!("{:?}", said.0) };
        assert_eq!(batch.dead, []);
        assert!(batch.objects.iter().any(|object| object.gfid == Gfid::ROOT));
    }
}
