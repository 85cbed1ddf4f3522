//! A session's settings, whatever generation's file they are in.

use super::machine::Machine;
use super::old_session;
use crate::exit::Failure;
use crate::obs::log;
use crate::store::conf_file::{self, Format};
use gsyncd_core::cli::{Common, Session};
use gsyncd_core::conf::{Document, Facts, Generation, Settings, upgrade};
use gsyncd_core::log::Role;
use std::path::{Path, PathBuf};

/// Settings, and the file they came from.
#[derive(Debug)]
pub struct Loaded {
    /// The settings in force.
    pub settings: Settings,
    /// The session's config file, whether it exists or not.
    pub config_file: PathBuf,
    /// What is known beside the files.
    pub facts: Facts,
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
    let machine = Machine::get();
    let config_file = machine.config_file(session, common);
    let facts = machine.facts(facts);
    let settings = match machine.generation() {
        Generation::Seed => old_session::settings(machine, (session, common), &config_file, &facts)?,
        Generation::Slave | Generation::Secondary => {
            Settings::new(&machine.table, &document(machine, session, &config_file)?, &facts)
        }
    };
    start_log(&settings, common.debug, role, "log-file", "log-level");
    machine.tell_problems();
    tell_missing(&config_file);
    tell_problems(&settings, &config_file);
    Ok(Loaded { settings, config_file, facts })
}

/// The session's file as it would be after [`bring_up_to_date`].
fn document(machine: &Machine, session: &Session, config_file: &Path) -> Result<Document, Failure> {
    let bytes = conf_file::read(config_file)?;
    let document = upgrade::from_old(&bytes, session, machine.generation());
    Ok(document.unwrap_or_else(|| Document::parse(&bytes)))
}

/// Makes a session's file of another generation one of this: in the new format, in the right words. The file is used
/// all the same where that fails, so it is only told (spec: glusterd-interface 4.11).
pub fn bring_up_to_date(session: &Session, common: &Common) {
    let machine = Machine::get();
    let file = machine.config_file(session, common);
    if machine.generation() == Generation::Seed || !file.exists() {
        return;
    }
    let done = up_to_date(machine, session, &file);
    if let Err(failure) = done {
        tracing::warn!(path = %file.display(), "the session's file cannot be brought up to date: {failure}");
    }
}

fn up_to_date(machine: &Machine, session: &Session, file: &Path) -> Result<(), Failure> {
    let generation = machine.generation();
    let bytes = conf_file::read(file)?;
    if upgrade::from_old(&bytes, session, generation).is_some() {
        return conf_file::convert(file, |bytes| upgrade::from_old(bytes, session, generation));
    }
    if upgrade::translate(&mut Document::parse(&bytes), generation) {
        return conf_file::update(file, Format::New, |document| {
            Ok::<_, Failure>(upgrade::translate(document, generation))
        });
    }
    Ok(())
}

/// The settings of a serving end: it has no session of its own on this side.
///
/// # Errors
/// The named config file cannot be read.
pub fn load_serving(common: &Common, role: Role<'_>, facts: Facts) -> Result<Settings, Failure> {
    // the restricted shell names the template, so that a client can name no file of its own
    let named = common.config_file.as_deref().filter(|file| !Machine::is_template(file));
    let document = match named {
        Some(path) => conf_file::load(path, Format::New)?,
        None => Document::default(),
    };
    let machine = Machine::get();
    let facts = machine.facts(facts);
    let settings = match (machine.generation(), named) {
        (Generation::Seed, None) => old_session::serving_settings(machine, &facts)?,
        _ => Settings::new(&machine.table, &document, &facts),
    };
    start_log(&settings, common.debug, role, "secondary-log-file", "secondary-log-level");
    Ok(settings)
}

/// The log of a command that is about no session.
pub fn start_cli_log(label: &str) {
    start_log(&Machine::get().settings(), false, Role::Command(label), "cli-log-file", "cli-log-level");
}

fn start_log(settings: &Settings, debug: bool, role: Role<'_>, file: &str, level: &str) {
    let generation = Machine::get().generation();
    let label = role.label(generation);
    log::start(if debug {
        log::Target::debug(&label, generation)
    } else {
        log::Target {
            file: Some(settings.path(file)),
            level: log::level(settings.text(level)),
            label,
            generation,
        }
    });
}

/// spec: glusterd-interface 3.6
fn tell_missing(config_file: &Path) {
    if !config_file.exists() {
        let path = config_file.display();
        tracing::warn!(%path, "Session config file not exists, using the default config");
    }
}

fn tell_problems(settings: &Settings, config_file: &Path) {
    for problem in settings.problems() {
        tracing::warn!(path = %config_file.display(), "{problem}");
    }
}
