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
