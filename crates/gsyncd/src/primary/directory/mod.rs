//! A plain directory as the primary: what is known of it ([`map`]), how changes are found ([`scan`], [`watch`],
//! [`examine`]), and the flow from there to the secondary.
//!
//! Nothing is written into the tree. Whatever finds a change marks it in the map; only what is marked is said, and a
//! mark goes when the secondary has the truth about it for good.

mod ahead;
mod below;
mod ending;
mod examine;
mod excludes;
mod failing;
mod first;
mod flights;
mod flow;
mod ground;
mod identity;
mod map;
mod meter;
mod notice;
mod preview;
mod process;
mod progress;
mod say;
mod scan;
mod view;
mod watch;

pub use progress::{Phase, Progress, Snapshot};

use super::send::Inbound;
use super::view::View;
use crate::exit::Failure;
use crate::link::outbox::Outbox;
use crossbeam_channel::{Receiver, Sender};
use excludes::Excludes;
use failing::Failing;
use flights::Flights;
use ground::Ground;
use gsyncd_core::id::Entry;
use map::{Map, SessionState};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};
use view::DirectoryView;
use watch::Watch;

/// The map's file in the session's state.
const MAP_FILE: &str = "map.redb";

/// What is to be replicated, and how.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The directory; absolute.
    pub source: PathBuf,
    /// Where the state of this session is kept; exists, and is this session's alone.
    pub state: PathBuf,
    /// What is left out, in gitignore syntax.
    pub excludes: Vec<String>,
    /// What is deleted on the primary stays on the secondary.
    pub ignore_deletes: bool,
    /// Files of an existing copy with the same size and time are taken for equal.
    pub trust_mtime: bool,
    /// End when all is up to date.
    pub once: bool,
    /// How often the tree is looked through for what the kernel does not tell; None: never.
    pub crawl_interval: Option<Duration>,
}

/// The two ends of a link that has shaken hands.
pub struct Conversation {
    /// Where requests go.
    pub outbox: Arc<dyn Outbox>,
    /// What comes in: replies, the link's end, the wish to stop.
    pub inbox: Receiver<Inbound>,
    /// Where the threads of the conversation report to.
    pub report: Sender<Inbound>,
}

/// Makes connections, each time anew.
pub trait Connect: Send {
    /// Connects; may take its time, other work goes on meanwhile. `tree` is the primary tree's id, which a
    /// secondary keeps: an index made for another tree is of no use to this one.
    ///
    /// # Errors
    /// Why there is no connection.
    fn connect(&mut self, tree: [u8; 16]) -> Result<Conversation, Failure>;
}

/// How a run ended.
#[derive(Debug)]
pub enum Ending {
    /// All is up to date (only with [`Plan::once`]); what could not be synced is in the progress.
    UpToDate,
    /// Asked to stop.
    Stopped,
    /// The link is gone or was never there: worth another try later.
    Lost(Failure),
    /// It makes no sense to try again.
    Failed(Failure),
}

/// The primary's end of a session; keeps what it knows from one connection to the next.
pub struct Directory {
    plan: Plan,
    progress: Arc<Progress>,
    map: Arc<Map>,
    ground: Arc<Ground>,
    view: Arc<dyn View>,
    session: SessionState,
    failing: Failing,
    flights: Flights,
    /// Names to be looked at once more, and when.
    young: (Vec<Entry>, Option<Instant>),
    /// What could not be looked into by the last scan.
    unreadable: u64,
    /// The map agrees with the tree but for what is heard from now on.
    scanned: bool,
    /// A connection was tried before.
    tried: bool,
    watch: Option<(Arc<Watch>, Receiver<()>)>,
    next_scan: Option<Instant>,
    /// When what was acknowledged is recorded for good.
    unrecorded: Option<Instant>,
}

impl Directory {
    /// Opens the directory and the state.
    ///
    /// # Errors
    /// A directory that cannot be read or is not the one of this state; a state that cannot be read.
    pub fn open(plan: Plan, progress: Arc<Progress>) -> Result<Directory, Failure> {
        let excludes = Excludes::new(&plan.excludes)?;
        let map = Map::open(&plan.state.join(MAP_FILE)).map_err(|error| Failure::new(error.to_string()))?;
        let map = Arc::new(map);
        let ground = Arc::new(Ground::open(&plan.source, Arc::clone(&map), excludes)?);
        let session = identity::confirm(&ground, &plan.source, &plan.state)?;
        let view: Arc<dyn View> = Arc::new(DirectoryView::new(Arc::clone(&ground), plan.ignore_deletes));
        Ok(Directory {
            plan,
            progress,
            map,
            ground,
            view,
            session,
            failing: Failing::default(),
            flights: Flights::default(),
            young: (Vec::new(), None),
            unreadable: 0,
            scanned: false,
            tried: false,
            watch: None,
            next_scan: None,
            unrecorded: None,
        })
    }

    /// Says on stdout what a run would do, and changes nothing.
    ///
    /// # Errors
    /// When the directory cannot be read.
    pub fn dry_run(&mut self) -> Result<(), Failure> {
        preview::preview(self)
    }

    /// Connects and syncs until it is done, stopped or broken.
    pub fn run(&mut self, connect: &mut dyn Connect) -> Ending {
        match flow::run(self, connect) {
            Ok(()) => Ending::UpToDate,
            Err(ending) => {
                // what happens until the next connection is heard, but too late to see what it was in between
                self.scanned = false;
                ending
            }
        }
    }
}
