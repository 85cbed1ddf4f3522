//! What is the same for all sessions of this machine: glusterd's directory, its generation, the table of options.

use crate::store::conf_file::{self, Format};
use gsyncd_core::cli::{Common, Session};
use gsyncd_core::conf::old::upgrade::{Places, Release};
use gsyncd_core::conf::{Document, Facts, Generation, Settings, Table};
use std::env;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// The file beside the sessions that a starting glusterd fills; it remembers the generation of that one.
const TEMPLATE: &str = "gsyncd_template.conf";

/// Where an administrator or a distributor says what is different here (spec: glusterd-interface 4.7).
const INSTALLED_TEMPLATE: &str = "/etc/glusterfs/gsyncd.conf";

/// Names another one, where GlusterFS was built for other directories.
const INSTALLED_TEMPLATE_VARIABLE: &str = "GSYNCD_CONFIG_TEMPLATE";

/// See there.
#[derive(Debug)]
pub struct Machine {
    /// The options, in the words and places of the generation.
    pub table: Table,
    /// glusterd's directory of all sessions.
    pub sessions: PathBuf,
    /// glusterd's template, as files of the old format are read.
    pub template: Document,
    defaults: Vec<(&'static str, String)>,
}

impl Machine {
    /// Looks once a process; nothing that cannot be read stops anything.
    pub fn get() -> &'static Machine {
        static MACHINE: OnceLock<Machine> = OnceLock::new();
        MACHINE.get_or_init(Machine::look)
    }

    fn look() -> Machine {
        let installed = env::var_os(INSTALLED_TEMPLATE_VARIABLE).map(PathBuf::from);
        let installed = installed.unwrap_or_else(|| INSTALLED_TEMPLATE.into());
        let installed = conf_file::load(&installed, Format::New).unwrap_or_default();
        let defaults = environment_defaults();
        let facts = Facts { defaults: defaults.clone(), ..Facts::default() };
        let any = Table::with_template(Generation::default(), &installed);
        let workdir = Settings::new(&any, &Document::default(), &facts).path("glusterd-workdir");
        let sessions = workdir.join("geo-replication");
        let template = conf_file::load(&sessions.join(TEMPLATE), Format::Old).unwrap_or_default();
        let remembered = Generation::remembered(&template);
        let generation = remembered.unwrap_or_else(|| Generation::inferred(&installed, &template));
        let table =
            if generation == any.generation() { any } else { Table::with_template(generation, &installed) };
        Machine { table, sessions, template, defaults }
    }

    /// The generation of the glusterd that was here last; the newest where none was.
    pub fn generation(&self) -> Generation {
        self.table.generation()
    }

    /// Which of the old releases it is.
    pub fn release(&self) -> Release {
        Release::of(&self.template)
    }

    /// The directories that old files name.
    pub fn places(&self) -> Places<'_> {
        Places { sessions: self.sessions.to_str().unwrap_or_default(), data: self.data_directory() }
    }

    /// `/var`, or what stands for it in glusterd's working directory.
    pub fn data_directory(&self) -> &str {
        let sessions = self.sessions.to_str().unwrap_or_default();
        sessions.strip_suffix("/lib/glusterd/geo-replication").unwrap_or("/var")
    }

    /// Facts with what is known of this machine.
    pub fn facts(&self, facts: Facts) -> Facts {
        Facts { defaults: self.defaults.clone(), ..facts }
    }

    /// Settings of no session.
    pub fn settings(&self) -> Settings {
        Settings::new(&self.table, &Document::default(), &self.facts(Facts::default()))
    }

    /// The session's config file: the one that is named, or the computed one. Every spelling of the secondary and
    /// every file that glusterd may pass gives the same (spec: glusterd-interface 2.5).
    pub fn config_file(&self, session: &Session, common: &Common) -> PathBuf {
        match &common.config_file {
            Some(path) => path.clone(),
            None => self.sessions.join(session.directory_name()).join("gsyncd.conf"),
        }
    }

    /// The template of all sessions.
    pub fn template_file(&self) -> PathBuf {
        self.sessions.join(TEMPLATE)
    }

    /// What in the installed template was ignored, for the log.
    pub fn tell_problems(&self) {
        for problem in self.table.problems() {
            tracing::warn!(path = INSTALLED_TEMPLATE, "{problem}");
        }
    }

    /// Whether the file is the template of all sessions.
    pub fn is_template(file: &Path) -> bool {
        file.file_name().is_some_and(|name| name == TEMPLATE)
    }
}

/// Where glusterd itself looks up its working directory.
const GLUSTERD: &str = "/etc/glusterfs/glusterd.vol";

/// `GLUSTERD_WORKDIR` of the environment, which glusterd sets for its children, as a default of this machine; for
/// children of sshd and of people, what glusterd is configured with.
fn environment_defaults() -> Vec<(&'static str, String)> {
    let directory = env::var("GLUSTERD_WORKDIR").ok().or_else(configured_workdir);
    let directory = directory.filter(|path| path.starts_with('/'));
    directory.map(|path| ("glusterd-workdir", path.trim_end_matches('/').to_owned())).into_iter().collect()
}

fn configured_workdir() -> Option<String> {
    let text = std::fs::read_to_string(GLUSTERD).ok()?;
    let option = text.lines().find_map(|line| line.trim().strip_prefix("option working-directory"))?;
    Some(option.trim().to_owned())
}
