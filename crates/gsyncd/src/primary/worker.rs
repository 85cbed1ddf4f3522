//! One brick: journal to link.

use crate::exit::{Failure, Outcome};
use gsyncd_core::cli::WorkerArgs;
use gsyncd_core::conf::Settings;

/// Syncs one brick until it is stopped.
///
/// # Errors
/// Not supported yet.
pub fn run(args: &WorkerArgs, _settings: &Settings) -> Outcome {
    Err(Failure::new(format!("worker of {} is not supported yet", args.local_path.display())))
}
