//! From what records touched to batches of facts.

use super::facts::{Content, Facts, Unreadable, Want};
use super::view::View;
use gsyncd_core::batch::{Touch, Touched};
use gsyncd_core::id::{Entry, Gfid};
use gsyncd_core::truth::Batch;

/// Takes finished batches, with what could not be read for them.
pub trait Sink {
    /// What can go wrong with taking one.
    type Error;

    /// Takes one batch; may wait until there is room for it.
    ///
    /// # Errors
    /// When no more can be taken.
    fn take(&mut self, batch: Batch, unreadable: Vec<Unreadable>) -> Result<(), Self::Error>;
}

/// Reads the present truth about everything touched and hands it over in batches.
///
/// The living come first, in the order in which they were first recorded (a parent's creation is recorded
/// before its children's); the dead last, in the order of their last records (children are removed before
/// their parent). A name, its former holders and all names of its present holder are said in one batch, so
/// that the secondary never has to guess whether a name is an object's last.
///
/// # Errors
/// What the sink returns.
pub fn gather<S: Sink>(view: &dyn View, touched: &Touched, sink: &mut S) -> Result<(), S::Error> {
    let mut facts = Facts::new(view);
    let mut dead = Vec::new();
    for (gfid, touch) in touched.objects() {
        if is_dead(view, gfid, &touch.names) {
            dead.push((touch.last, gfid, touch));
            continue;
        }
        state_living(&mut facts, view, touched, gfid, touch);
        hand_over_when_full(view, &mut facts, sink)?;
    }
    dead.sort_by_key(|(last, _, _)| *last);
    let (nameless, named): (Vec<_>, Vec<_>) =
        dead.into_iter().partition(|(_, _, touch)| touch.names.is_empty());
    for (_, gfid, touch) in named {
        state_dead(&mut facts, gfid, touch);
        state_names(&mut facts, view, touched, &touch.names);
        hand_over_when_full(view, &mut facts, sink)?;
    }
    if !nameless.is_empty() {
        // nothing is to be said of those that are gone, but one that is being renamed is not
        std::thread::sleep(view.rename_window());
    }
    for (_, gfid, touch) in nameless {
        if !is_dead(view, gfid, &touch.names) {
            state_living(&mut facts, view, touched, gfid, touch);
        }
        hand_over_when_full(view, &mut facts, sink)?;
    }
    hand_over(facts, sink)
}

fn state_dead(facts: &mut Facts, gfid: Gfid, touch: &Touch) {
    if touch.removed { facts.dead_as_recorded(gfid) } else { facts.dead(gfid) }
}

/// Dead for certain: an error leaves it among the living, where it is reported.
fn is_dead(view: &dyn View, gfid: Gfid, names: &[Entry]) -> bool {
    // a directory whose handle is lost is found by the names it was recorded with
    let is_gone = || matches!(view.sight(gfid), Ok(None));
    is_gone()
        && !names.iter().any(|at| matches!(view.holder(at), Ok(Some(holder)) if holder == gfid) && !is_gone())
}

fn state_living(facts: &mut Facts, view: &dyn View, touched: &Touched, gfid: Gfid, touch: &Touch) {
    let content = if touch.data { Content::All } else { Content::None };
    let want = Want { content, xattrs: touch.meta || touch.made };
    if touch.names.is_empty() {
        facts.object(gfid, want);
    } else {
        facts.whole(gfid, want);
        state_names(facts, view, touched, &touch.names);
    }
}

/// States names, and the fate of everybody who was recorded with one of them.
fn state_names(facts: &mut Facts, view: &dyn View, touched: &Touched, names: &[Entry]) {
    for at in names {
        for &user in touched.users(at) {
            if let Some(touch) = touched.get(user)
                && is_dead(view, user, &touch.names)
            {
                state_dead(facts, user, touch);
            }
        }
        facts.name(at);
    }
}

/// Hands the batch over and starts a new one when it is large enough.
///
/// # Errors
/// What the sink returns.
pub fn hand_over_when_full<'a, S: Sink>(
    view: &'a dyn View,
    facts: &mut Facts<'a>,
    sink: &mut S,
) -> Result<(), S::Error> {
    if !facts.is_full() {
        return Ok(());
    }
    hand_over(std::mem::replace(facts, Facts::new(view)), sink)
}

/// Hands the batch over, if it says anything.
///
/// # Errors
/// What the sink returns.
pub fn hand_over<S: Sink>(facts: Facts, sink: &mut S) -> Result<(), S::Error> {
    let (batch, unreadable) = facts.finish();
    if batch.is_empty() && unreadable.is_empty() {
        return Ok(());
    }
    sink.take(batch, unreadable)
}
