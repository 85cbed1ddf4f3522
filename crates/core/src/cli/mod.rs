//! The command line: glusterd's options, our subcommands, a pair of directories; two vocabularies; one [`Command`].

mod directory;
mod legacy;
mod subcommand;
mod words;

pub use directory::{DirectoryArgs, Exclusion};

use crate::url::{Secondary, UrlError};
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

/// What one run of the program is to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Print [`VERSION_LINE`].
    Version,
    /// Print the usage.
    Help,
    /// `--verify spawning`: starting was the test.
    Verify,
    /// `--config-set-rx`: what a glusterd says about itself (spec: glusterd-interface 2.2).
    RegisterConfig {
        /// The config file it is meant for.
        file: PathBuf,
        /// Option name, as sent.
        name: String,
        /// Template text, as sent.
        value: OsString,
    },
    /// `--config-set session-owner`: accepted, nothing to keep.
    SessionOwner(Session),
    /// `--normalize-url`.
    NormalizeUrls(Vec<Secondary>),
    /// `--canonicalize-url`.
    CanonicalizeUrls {
        /// The addresses, in order; one line is printed for each.
        urls: Vec<Secondary>,
        /// `--inet6`: leave the hosts as they are.
        inet6: bool,
    },
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
            Command::SessionOwner(session)
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
            Command::MonitorStatus { common, .. }
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
            Command::Help => "help",
            Command::Verify => "verify",
            Command::RegisterConfig { .. } => "config-set-rx",
            Command::SessionOwner(_) => "session-owner",
            Command::NormalizeUrls(_) => "normalize-url",
            Command::CanonicalizeUrls { .. } => "canonicalize-url",
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
    let is_subcommand =
        argv.iter().find(|word| !is_global(word)).is_some_and(|word| subcommand::find(word).is_some());
    let is_version = argv.iter().any(|word| word == "--version");
    if !is_subcommand && !is_version && directory::is_meant(argv) {
        return Ok(Invocation { syntax: Syntax::Directories, command: directory::parse(argv)? });
    }
    parse_commands(argv)
}

/// As [`parse`], for callers that may not start a session between directories.
///
/// # Errors
/// As [`parse`].
pub fn parse_commands(argv: &[OsString]) -> Result<Invocation, UsageError> {
    if argv.iter().any(|word| word == "--version") {
        return Ok(Invocation { syntax: Syntax::Subcommand, command: Command::Version });
    }
    let first = argv.iter().position(|word| !is_global(word));
    let name = first.and_then(|at| argv.get(at));
    if let Some((at, spec)) = first.zip(name.and_then(|name| subcommand::find(name))) {
        let command = subcommand::parse(spec, argv, at)?;
        return Ok(Invocation { syntax: Syntax::Subcommand, command });
    }
    if name.is_none_or(|name| name == "-h" || name == "--help" || name == "help") {
        return Ok(Invocation { syntax: Syntax::Subcommand, command: Command::Help });
    }
    Ok(Invocation { syntax: Syntax::Options, command: legacy::parse(argv)? })
}

/// The names of the options in a command line of the option syntax, for who forbids some of them.
///
/// # Errors
/// A usage error, as of [`parse`].
pub fn given_options(argv: &[OsString]) -> Result<Vec<&'static str>, UsageError> {
    legacy::given(argv)
}

/// The usage, as `--help` prints it.
#[must_use]
pub fn usage() -> String {
    directory::help(VOLUMES)
}

const VOLUMES: &str = "\
GlusterFS volumes: `gluster volume geo-replication` calls this program; by hand:
  gsyncd <command> <primary volume> [user@]<host>::<secondary volume> [options]
  monitor          run the session on this node
  status           what the bricks' workers are doing
  config-get       show options
  config-set       set an option
  config-reset     set an option, or all, back to the default
  config-check     is this an option?
  delete           remove what the session left on this node
  voluuidget       uuid of a volume on another cluster
  monitor-status, secondary, worker   used by glusterd and by gsyncd itself
";

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
