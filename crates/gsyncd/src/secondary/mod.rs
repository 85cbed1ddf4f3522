//! The serving end.

use crate::exit::{Failure, Outcome};
use gsyncd_core::cli::SecondaryArgs;
use gsyncd_core::conf::Settings;

/// Serves one worker on stdin and stdout until it leaves.
///
/// # Errors
/// Not supported yet.
pub fn run(args: &SecondaryArgs, _settings: &Settings) -> Outcome {
    Err(Failure::new(format!("serving {} is not supported yet", args.session.directory_name())))
}
//! The secondary side: makes true what the primary says.

pub mod apply;
