//! `voluuidget`: the uuid of a volume on another cluster.

use super::machine::Machine;
use super::{print, session};
use crate::exit::Outcome;
use crate::link::gluster::Question;
use gsyncd_core::volinfo::Volume;
use std::time::Duration;

/// How long the other cluster may take: glusterd waits for the answer.
const PATIENCE: Duration = Duration::from_secs(60);

/// Prints the uuid; nothing at all when it cannot be had, with exit 0: glusterd judges by the output.
///
/// # Errors
/// stdout is closed.
pub fn run(host: &str, volume: &str, inet6: bool) -> Outcome {
    session::start_cli_log("voluuidget");
    match ask(host, volume, inet6) {
        Ok(volume) => print(&volume.uuid()),
        Err(reason) => {
            tracing::error!(host, volume, "no uuid of the secondary volume: {reason}");
            Ok(())
        }
    }
}

fn ask(host: &str, volume: &str, inet6: bool) -> Result<Volume, String> {
    let settings = Machine::get().settings();
    let command_dir = settings.path("gluster-command-dir");
    Question { command_dir: &command_dir, host, volume, inet6, timeout: PATIENCE }.ask()
}
