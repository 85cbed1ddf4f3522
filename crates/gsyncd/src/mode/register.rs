//! The empty files that a glusterd expects after it has talked to us (spec: glusterd-interface 2.2, 3.7).
//! Nothing here fails: a glusterd does not start when one of these calls does.

use super::session;
use crate::store::conf_file;
use gsyncd_core::cli::{Command, Common};
use std::ffi::OsStr;
use std::fs;
use std::path::Path;

/// glusterd's file for what holds for all sessions, in the directory of all sessions.
pub const TEMPLATE: &str = "gsyncd_template.conf";

/// What every call in glusterd's syntax does first: the template exists afterwards, and the session's file where
/// the session's directory exists. That directory is never made: its existence means "already created".
pub fn prepare(command: &Command) {
    let directory = session::sessions_directory();
    // The parent is glusterd's; where it is missing there is no glusterd to please.
    let _ = fs::create_dir(&directory);
    let _ = conf_file::create_empty(&directory.join(TEMPLATE));
    if let Some(session) = command.session() {
        let _ = conf_file::create_empty(&session::config_file(session, &Common::default()));
    }
}

/// `--config-set-rx`: the values are those that are built in, only the file matters. The series a glusterd sends
/// tells its generation; the place to remember it is the template file.
pub fn register(file: &Path) {
    let name = file.file_name().unwrap_or(OsStr::new(""));
    if name != "gsyncd.conf" && name != TEMPLATE {
        return;
    }
    if let Some(directory) = file.parent() {
        let _ = fs::create_dir(directory);
    }
    let _ = conf_file::create_empty(file);
}
