//! Where a session's files are, and its settings.

use crate::exit::Failure;
use crate::obs::log;
use crate::store::conf_file;
use gsyncd_core::cli::{Common, Session};
use gsyncd_core::conf::{Document, Facts, Settings};
use gsyncd_core::log::Role;
use gsyncd_core::status::display::Layout;
use std::env;
use std::path::{Path, PathBuf};

/// Settings, and the file they came from.
#[derive(Debug)]
pub struct Loaded {
    /// The settings in force.
    pub settings: Settings,
    /// The session's config file, whether it exists or not.
    pub config_file: PathBuf,
}

/// Where glusterd itself looks up its working directory.
const GLUSTERD: &str = "/etc/glusterfs/glusterd.vol";

/// `GLUSTERD_WORKDIR` of the environment, which glusterd sets for its children, as a default of this machine; for
/// children of sshd and of people, what glusterd is configured with.
pub fn machine_defaults() -> Vec<(&'static str, String)> {
    let directory = env::var("GLUSTERD_WORKDIR").ok().or_else(configured_workdir);
    let directory = directory.filter(|path| path.starts_with('/'));
    directory.map(|path| ("glusterd-workdir", path.trim_end_matches('/').to_owned())).into_iter().collect()
}

fn configured_workdir() -> Option<String> {
    let text = std::fs::read_to_string(GLUSTERD).ok()?;
    let option = text.lines().find_map(|line| line.trim().strip_prefix("option working-directory"))?;
    Some(option.trim().to_owned())
}

/// glusterd's directory of all sessions, where the template is too.
pub fn sessions_directory() -> PathBuf {
    let facts = Facts { defaults: machine_defaults(), ..Facts::default() };
    Settings::new(&Document::default(), &facts).path("glusterd-workdir").join("geo-replication")
}

/// The session's config file: the one that is named, or the computed one. Every spelling of the secondary and
/// every file that glusterd may pass gives the same (spec: glusterd-interface 2.5).
pub fn config_file(session: &Session, common: &Common) -> PathBuf {
    match &common.config_file {
        Some(path) => path.clone(),
        None => sessions_directory().join(session.directory_name()).join("gsyncd.conf"),
    }
}

/// Loads a session's settings and starts the log.
///
/// # Errors
/// The config file exists and cannot be read.
pub fn load(session: &Session, common: &Common, label: &str) -> Result<Loaded, Failure> {
    load_with(session, common, Role::Command(label), Facts::of(session))
}

/// As [`load`], with more facts than the session tells.
///
/// # Errors
/// As [`load`].
pub fn load_with(
    session: &Session,
    common: &Common,
    role: Role<'_>,
    facts: Facts,
) -> Result<Loaded, Failure> {
    let config_file = config_file(session, common);
    let document = conf_file::load(&config_file)?;
    let settings = Settings::new(&document, &Facts { defaults: machine_defaults(), ..facts });
    start_log(&settings, common.debug, role, "log-file", "log-level");
    tell_problems(&settings, &config_file);
    Ok(Loaded { settings, config_file })
}

/// The settings of a serving end: it has no session of its own on this side.
///
/// # Errors
/// The named config file cannot be read.
pub fn load_serving(common: &Common, role: Role<'_>, facts: Facts) -> Result<Settings, Failure> {
    let document = match &common.config_file {
        Some(path) => conf_file::load(path)?,
        None => Document::default(),
    };
    let settings = Settings::new(&document, &Facts { defaults: machine_defaults(), ..facts });
    start_log(&settings, common.debug, role, "secondary-log-file", "secondary-log-level");
    Ok(settings)
}

/// The log of a command that is about no session.
pub fn start_cli_log(label: &str) {
    let facts = Facts { defaults: machine_defaults(), ..Facts::default() };
    let settings = Settings::new(&Document::default(), &facts);
    start_log(&settings, false, Role::Command(label), "cli-log-file", "cli-log-level");
}

fn start_log(settings: &Settings, debug: bool, role: Role<'_>, file: &str, level: &str) {
    let layout = Layout::Modern;
    let label = role.label(layout);
    log::start(if debug {
        log::Target::debug(&label, layout)
    } else {
        log::Target {
            file: Some(settings.path(file)),
            level: log::level(settings.text(level)),
            label,
            layout,
        }
    });
}

fn tell_problems(settings: &Settings, config_file: &Path) {
    for problem in settings.problems() {
        tracing::warn!(path = %config_file.display(), "{problem}");
    }
}
