//! The command line: glusterd's options, our subcommands, a pair of directories; two vocabularies; one [`Command`].

mod directory;
pub mod document;
mod legacy;
mod subcommand;
pub mod tunables;
mod words;

pub use directory::{DirectoryArgs, Exclusion};
pub use document::help;
pub use words::Value;

use crate::url::{Resource, Secondary, UrlError};
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::os::unix::ffi::OsStrExt as _;
use std::path::PathBuf;

/// The line that `--version` prints. It must hold the word `gsyncd` (spec: glusterd-interface 1.2).
pub const VERSION_LINE: &str = concat!("gsyncd ", env!("CARGO_PKG_VERSION"));

/// The two volumes a command is about.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Session {
    /// Name of the primary volume, without the leading `:` of the old syntax.
    pub primary: String,
    /// The secondary's address.
    pub secondary: Secondary,
}

impl Session {
    /// `PRIMARY_HOST_VOLUME`, the name of the session's directories; the user is no part of it.
    #[must_use]
    pub fn directory_name(&self) -> String {
        format!("{}_{}_{}", self.primary, self.secondary.host, self.secondary.volume)
    }
}

/// What belongs to no single command.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Common {
    /// `--debug`: log to stderr, everything.
    pub debug: bool,
    /// `-c`: the session's config file instead of the computed one. Never set by the old syntax, whose `-c` names
    /// a file that may not exist yet (spec: glusterd-interface 2.5).
    pub config_file: Option<PathBuf>,
    /// `--inet6`: hosts are not resolved to IPv4 addresses.
    pub inet6: bool,
    /// Tunables given on a command line of the old syntax; they win over the config file.
    pub given: Vec<Given>,
}

/// A tunable on the command line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Given {
    /// Its name in [`tunables`].
    pub name: &'static str,
    /// Its value as received; `true` for a flag.
    pub value: OsString,
}

/// How an address is printed (spec: glusterd-interface 5.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UrlStyle {
    /// With its scheme.
    Normal,
    /// With IPv4 addresses and users.
    Canonical,
    /// That, as in a query string.
    Escaped,
}

/// What only releases 3.7 to 3.13 start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OldRole {
    /// The serving end.
    Listen,
    /// The reader of a brick's journal.
    Agent,
}

/// What help is asked about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Topic {
    /// The program.
    All,
    /// The options that glusterd uses.
    Options,
    /// What can be set for a session of volumes.
    Settings,
    /// A subcommand of that name.
    Subcommand(&'static str),
}

/// `monitor`: the daemon of one session on one node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MonitorArgs {
    /// Which session.
    pub session: Session,
    /// What belongs to no single command.
    pub common: Common,
    /// This node's uuid in the cluster; empty when not told.
    pub local_node_id: String,
    /// Stop the process group before the workers start.
    pub pause_on_start: bool,
    /// Stay in the foreground.
    pub foreground: bool,
}

/// `worker`: one local brick.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkerArgs {
    /// Which session.
    pub session: Session,
    /// What belongs to no single command.
    pub common: Common,
    /// The brick's root directory.
    pub local_path: PathBuf,
    /// The descriptor closed when the worker is ready.
    pub feedback_fd: Option<i32>,
    /// This node's host name.
    pub local_node: String,
    /// This node's uuid.
    pub local_node_id: String,
    /// The secondary volume's uuid.
    pub secondary_id: String,
    /// Number of the brick's subvolume, from 1 (spec: sync-semantics 1.4). Text, because tiered volumes prefix it.
    pub subvol_num: String,
    /// Whether the brick is in a hot tier.
    pub is_hottier: bool,
    /// Host of the secondary's node to connect to; empty means the session's host.
    pub resource_remote: String,
    /// That node's uuid.
    pub resource_remote_id: String,
}

/// `secondary`: the serving end, below ssh.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecondaryArgs {
    /// Which session.
    pub session: Session,
    /// What belongs to no single command.
    pub common: Common,
    /// The session's owner (old generation); empty when not told.
    pub session_owner: String,
    /// Host name of the primary's node.
    pub primary_node: String,
    /// Its uuid.
    pub primary_node_id: String,
    /// The brick the connected worker serves.
    pub primary_brick: PathBuf,
    /// This node's host name.
    pub local_node: String,
    /// This node's uuid.
    pub local_node_id: String,
    /// Leave after so many seconds without a message; 0 never; None when not told.
    pub secondary_timeout_seconds: Option<u64>,
    /// Log level of this process.
    pub secondary_log_level: Option<String>,
    /// Log level of its mount.
    pub secondary_gluster_log_level: Option<String>,
    /// Directory of `gluster` and `glusterfs` on this side.
    pub secondary_gluster_command_dir: Option<PathBuf>,
    /// Leave the mount visible.
    pub secondary_access_mount: bool,
    /// Number of distribute subvolumes of the primary volume.
    pub primary_dist_count: Option<u32>,
    /// Whether rsync carries xattrs.
    pub use_rsync_xattrs: bool,
}

/// `status`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatusArgs {
    /// Which session.
    pub session: Session,
    /// What belongs to no single command.
    pub common: Common,
    /// Bricks to report.
    pub local_paths: Vec<PathBuf>,
    /// One JSON object instead of lines.
    pub json: bool,
}

/// `config-get`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigGetArgs {
    /// Which session.
    pub session: Session,
    /// What belongs to no single command.
    pub common: Common,
    /// One option; None for all.
    pub name: Option<String>,
    /// Options that are not in the session's file too.
    pub show_defaults: bool,
    /// The value without its name.
    pub only_value: bool,
    /// Names with `_` for `-`.
    pub use_underscore: bool,
    /// A JSON array instead of lines.
    pub json: bool,
}

/// `delete`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeleteArgs {
    /// Which session.
    pub session: Session,
    /// What belongs to no single command.
    pub common: Common,
    /// Bricks whose stime is set back.
    pub paths: Vec<PathBuf>,
    /// Whether the stime is set back at all.
    pub reset_sync_time: bool,
}

/// `serve`: the serving end of a directory session, below ssh.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServeArgs {
    /// The directory that is the secondary's tree; absolute.
    pub root: PathBuf,
    /// Id of the primary's tree.
    pub primary: [u8; 16],
}

/// `status` without a volume: all directory sessions.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SessionsArgs {
    /// Where sessions are remembered, instead of the usual place.
    pub state_dir: Option<PathBuf>,
    /// A JSON array instead of lines.
    pub json: bool,
}

/// How the patterns of a general setting are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RuleScope {
    /// Regular expressions.
    Regex,
    /// Shell patterns.
    Glob,
}

/// `--config-set-rx`, `-set-glob`, `-del-rx`, `-del-glob`: a setting for the sessions whose addresses match
/// (spec: glusterd-interface 4.2). Without patterns, as without addresses, it is for all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleArgs {
    /// `-c`; None: the template of all sessions.
    pub file: Option<PathBuf>,
    /// How the patterns are written.
    pub scope: RuleScope,
    /// One for each address.
    pub patterns: Vec<String>,
    /// Option name, as sent.
    pub name: String,
    /// Template text to set, as sent; None deletes the setting.
    pub value: Option<String>,
}

impl RuleArgs {
    fn label(&self) -> &'static str {
        match (self.scope, &self.value) {
            (RuleScope::Regex, Some(_)) => "config-set-rx",
            (RuleScope::Regex, None) => "config-del-rx",
            (RuleScope::Glob, Some(_)) => "config-set-glob",
            (RuleScope::Glob, None) => "config-del-glob",
        }
    }
}

/// What one run of the program is to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Print [`VERSION_LINE`].
    Version,
    /// Print help.
    Help(Topic),
    /// `--verify spawning`: starting was the test.
    Verify,
    /// `--config-set-rx` and its kin: general settings.
    ConfigRule(RuleArgs),
    /// `--config-set session-owner`: only the old generation keeps it.
    SessionOwner {
        /// Which session.
        session: Session,
        /// What belongs to no single command.
        common: Common,
        /// The primary volume's uuid.
        owner: String,
    },
    /// `--normalize-url`, `--canonicalize-url`, `--canonicalize-escape-url`.
    PrintUrls {
        /// The addresses, in order; one line is printed for each.
        urls: Vec<Resource>,
        /// How.
        style: UrlStyle,
        /// `--inet6`: leave the hosts as they are.
        inet6: bool,
    },
    /// `--listen`, `--agent`: what serves a primary of releases 3.7 to 3.13.
    Old(OldRole),
    /// The daemon of a session.
    Monitor(MonitorArgs),
    /// One brick.
    Worker(WorkerArgs),
    /// The serving end.
    Secondary(SecondaryArgs),
    /// Print a brick's status.
    Status(StatusArgs),
    /// Write the monitor's status text.
    MonitorStatus {
        /// Which session.
        session: Session,
        /// What belongs to no single command.
        common: Common,
        /// The text, as glusterd reads it back.
        text: String,
    },
    /// Is this an option (with this value)?
    ConfigCheck {
        /// Option name as received.
        name: String,
        /// A value to check too.
        value: Option<String>,
    },
    /// Print options.
    ConfigGet(ConfigGetArgs),
    /// Set one option.
    ConfigSet {
        /// Which session.
        session: Session,
        /// What belongs to no single command.
        common: Common,
        /// Option name as received.
        name: String,
        /// The new value.
        value: String,
    },
    /// Set one option, or `all`, back to its default.
    ConfigReset {
        /// Which session.
        session: Session,
        /// What belongs to no single command.
        common: Common,
        /// Option name as received.
        name: String,
    },
    /// Print the uuid of a volume on another cluster.
    VolumeUuid {
        /// A node of that cluster.
        host: String,
        /// The volume.
        volume: String,
        /// `--inet6`.
        inet6: bool,
    },
    /// Remove what a session left on this node.
    Delete(DeleteArgs),
    /// Replicate a directory.
    Directory(Box<DirectoryArgs>),
    /// The serving end of a directory session.
    Serve(ServeArgs),
    /// The forced command of a key that may reach one directory only; what is asked for comes in the environment.
    Restricted {
        /// The directory.
        root: PathBuf,
    },
    /// Print the directory sessions.
    Sessions(SessionsArgs),
}

impl Command {
    /// The session that the command is about, if it is about one.
    #[must_use]
    pub fn session(&self) -> Option<&Session> {
        match self {
            Command::SessionOwner { session, .. }
            | Command::MonitorStatus { session, .. }
            | Command::ConfigSet { session, .. }
            | Command::ConfigReset { session, .. } => Some(session),
            Command::Monitor(args) => Some(&args.session),
            Command::Worker(args) => Some(&args.session),
            Command::Secondary(args) => Some(&args.session),
            Command::Status(args) => Some(&args.session),
            Command::ConfigGet(args) => Some(&args.session),
            Command::Delete(args) => Some(&args.session),
            _ => None,
        }
    }

    /// What belongs to no single command, for commands that have it.
    #[must_use]
    pub fn common(&self) -> Option<&Common> {
        match self {
            Command::SessionOwner { common, .. }
            | Command::MonitorStatus { common, .. }
            | Command::ConfigSet { common, .. }
            | Command::ConfigReset { common, .. } => Some(common),
            Command::Monitor(args) => Some(&args.common),
            Command::Worker(args) => Some(&args.common),
            Command::Secondary(args) => Some(&args.common),
            Command::Status(args) => Some(&args.common),
            Command::ConfigGet(args) => Some(&args.common),
            Command::Delete(args) => Some(&args.common),
            _ => None,
        }
    }

    /// The subcommand's name: the label of its log lines.
    #[must_use]
    pub fn label(&self) -> &'static str {
        match self {
            Command::Version => "version",
            Command::Help(_) => "help",
            Command::Verify => "verify",
            Command::ConfigRule(args) => args.label(),
            Command::SessionOwner { .. } => "session-owner",
            Command::PrintUrls { style: UrlStyle::Normal, .. } => "normalize-url",
            Command::PrintUrls { style: UrlStyle::Canonical, .. } => "canonicalize-url",
            Command::PrintUrls { style: UrlStyle::Escaped, .. } => "canonicalize-escape-url",
            Command::Old(OldRole::Listen) => "listen",
            Command::Old(OldRole::Agent) => "agent",
            Command::Monitor(_) => "monitor",
            Command::Worker(_) => "worker",
            Command::Secondary(_) => "secondary",
            Command::Status(_) => "status",
            Command::MonitorStatus { .. } => "monitor-status",
            Command::ConfigCheck { .. } => "config-check",
            Command::ConfigGet(_) => "config-get",
            Command::ConfigSet { .. } => "config-set",
            Command::ConfigReset { .. } => "config-reset",
            Command::VolumeUuid { .. } => "voluuidget",
            Command::Delete(_) => "delete",
            Command::Directory(_) => "directory",
            Command::Serve(_) => "serve",
            Command::Restricted { .. } => "restricted",
            Command::Sessions(_) => "status",
        }
    }
}

/// Which of the two syntaxes a command line was written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Syntax {
    /// glusterd's: `--monitor :vol host::vol`. Makes empty config files as a side effect.
    Options,
    /// Ours: `monitor vol host::vol`.
    Subcommand,
    /// A pair of directories: `/src host:/dst`.
    Directories,
}

/// A command and how it was said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invocation {
    /// Which syntax.
    pub syntax: Syntax,
    /// What to do.
    pub command: Command,
}

/// A command line that means nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsageError {
    /// One line, without the program's name.
    pub message: String,
    /// The exit code: 1, or 2 for a word that is not in the syntax.
    pub exit: u8,
}

impl UsageError {
    fn syntax(message: impl Into<String>) -> UsageError {
        UsageError { message: message.into(), exit: 2 }
    }

    fn meaning(message: impl Into<String>) -> UsageError {
        UsageError { message: message.into(), exit: 1 }
    }

    /// As Python's parsers put it: who complains, then about what. Other errors stay as they are.
    fn within(self, subcommand: &str) -> UsageError {
        if self.exit != 2 || self.message.starts_with("gsyncd: ") {
            return self;
        }
        let program = if subcommand.is_empty() { "gsyncd" } else { "gsyncd " };
        UsageError { message: format!("{program}{subcommand}: error: {}", self.message), exit: self.exit }
    }
}

impl fmt::Display for UsageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for UsageError {}

impl From<UrlError> for UsageError {
    fn from(error: UrlError) -> UsageError {
        UsageError::meaning(error.to_string())
    }
}

/// Reads a command line (without the program's name).
///
/// `--version` anywhere wins, since every `gluster` process asks for it; then the first word decides the syntax.
///
/// # Errors
/// A usage error with the exit code the generation uses for it.
pub fn parse(argv: &[OsString]) -> Result<Invocation, UsageError> {
    let first = argv.iter().find(|word| !is_global(word));
    let is_subcommand = first.is_some_and(|word| word == "help" || subcommand::find(word).is_some());
    if !is_subcommand && !wants_version(argv) && directory::is_meant(argv) {
        return Ok(Invocation { syntax: Syntax::Directories, command: directory::parse(argv)? });
    }
    parse_commands(argv)
}

/// As [`parse`], for callers that may not start a session between directories.
///
/// # Errors
/// As [`parse`].
pub fn parse_commands(argv: &[OsString]) -> Result<Invocation, UsageError> {
    let said = |command| Ok(Invocation { syntax: Syntax::Subcommand, command });
    if wants_version(argv) {
        return said(Command::Version);
    }
    let Some((at, word)) = argv.iter().enumerate().find(|(_, word)| !is_global(word)) else {
        return said(Command::Help(Topic::All));
    };
    if let Some(spec) = subcommand::find(word) {
        return said(subcommand::parse(spec, argv, at)?);
    }
    if word == "help" {
        return said(Command::Help(topic(argv.get(at + 1))?));
    }
    Ok(Invocation { syntax: Syntax::Options, command: legacy::parse(argv)? })
}

/// `--version` as a word of its own, that is no value of an option's.
fn wants_version(argv: &[OsString]) -> bool {
    let mut words = argv.iter().take_while(|word| *word != "--");
    while let Some(word) = words.next() {
        match word.as_bytes() {
            b"--version" => return true,
            b"--config-set" | b"--config-set-rx" | b"--config-set-glob" => {
                let _its_name_and_value = words.nth(1);
            }
            _ => {}
        }
    }
    false
}

fn topic(word: Option<&OsString>) -> Result<Topic, UsageError> {
    let Some(word) = word else { return Ok(Topic::All) };
    match word.to_str() {
        Some("options") => return Ok(Topic::Options),
        Some("settings") => return Ok(Topic::Settings),
        _ => {}
    }
    subcommand::find(word).map(|spec| Topic::Subcommand(spec.name)).ok_or_else(|| {
        let word = word.display().to_string();
        UsageError::syntax(format!("there is no help on '{}'; see gsyncd --help", word.escape_debug()))
    })
}

/// The names of all options of the old syntax that argv gives, in order, in primary/secondary words: what a
/// restricted shell judges (spec: glusterd-interface 6.3).
///
/// # Errors
/// argv does not fit the table of options.
pub fn given_options(argv: &[OsString]) -> Result<Vec<&'static str>, UsageError> {
    legacy::given(argv)
}

fn is_global(word: &OsStr) -> bool {
    matches!(word.as_bytes(), b"--inet6" | b"--inet" | b"--debug")
}

fn text(word: &OsStr, what: &str) -> Result<String, UsageError> {
    word.to_str()
        .map(str::to_owned)
        .ok_or_else(|| UsageError::meaning(format!("{what} is not text: {}", word.as_bytes().escape_ascii())))
}

fn session(primary: &OsStr, secondary: &OsStr) -> Result<Session, UsageError> {
    let name = text(primary, "the primary volume")?;
    let name = name.trim_matches(':');
    if !crate::url::is_volume(name) {
        return Err(UsageError::meaning(format!("malformed primary volume '{}'", name.escape_debug())));
    }
    let secondary = Secondary::parse(&text(secondary, "the secondary")?)?;
    Ok(Session { primary: name.to_owned(), secondary })
}

#[cfg(test)]
mod tests;
