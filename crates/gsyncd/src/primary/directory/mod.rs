//! A plain directory as the primary: its state, its source of changes, its flow.

mod progress;

pub use progress::{Phase, Progress, Snapshot};

use super::send::Inbound;
use crate::exit::Failure;
use crate::link::outbox::Outbox;
use crossbeam_channel::{Receiver, Sender};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

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
}

impl Directory {
    /// Opens the directory and the state.
    ///
    /// # Errors
    /// A directory that cannot be read or is not the one of this state; a state that cannot be read.
    pub fn open(plan: Plan, progress: Arc<Progress>) -> Result<Directory, Failure> {
        Ok(Directory { plan, progress })
    }

    /// Says on stdout what a run would do, and changes nothing.
    ///
    /// # Errors
    /// When the directory cannot be read.
    pub fn dry_run(&mut self) -> Result<(), Failure> {
        Err(Failure::new(format!("{}: not built yet", self.plan.source.display())))
    }

    /// Connects and syncs until it is done, stopped or broken.
    pub fn run(&mut self, connect: &mut dyn Connect) -> Ending {
        self.progress.enter(Phase::Connecting);
        match connect.connect([0; 16]) {
            Ok(_) => Ending::Failed(Failure::new("not built yet".to_owned())),
            Err(failure) => Ending::Lost(failure),
        }
    }
}
