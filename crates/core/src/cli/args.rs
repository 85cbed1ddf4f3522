//! What a command is told: the values that the three syntaxes are read into.

use crate::url::Secondary;
use std::ffi::OsString;
use std::path::PathBuf;

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
