//! The daemon: distribute, spawn, watch, restart.

use crate::exit::{Failure, Outcome};
use gsyncd_core::cli::MonitorArgs;
use gsyncd_core::conf::Settings;

/// Runs a session on this node until it is stopped.
///
/// # Errors
/// Not supported yet.
pub fn run(args: &MonitorArgs, _settings: &Settings) -> Outcome {
    Err(Failure::new(format!("monitor of {} is not supported yet", args.session.directory_name())))
}
