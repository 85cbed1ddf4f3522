//! `monitor-status`, `--create`: writes the monitor's text for glusterd.

use super::session;
use crate::exit::Outcome;
use crate::store::status_file;
use gsyncd_core::cli::{Common, Session};

/// Writes the text, exactly, into the state file.
///
/// # Errors
/// There is no session directory, or the file cannot be written.
pub fn run(session: &Session, common: &Common, text: &str) -> Outcome {
    let loaded = session::load(session, common, "monitor-status")?;
    status_file::write_monitor(&loaded.settings.path("state-file"), text)?;
    tracing::info!(status = text, "Monitor Status Change");
    Ok(())
}
