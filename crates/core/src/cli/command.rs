//! The one list of what a run of the program can be for.

use super::args::{
    Common, ConfigGetArgs, DeleteArgs, MonitorArgs, OldRole, RuleArgs, RuleScope, SecondaryArgs, ServeArgs,
    Session, SessionsArgs, StatusArgs, Topic, UrlStyle, WorkerArgs,
};
use super::directory::DirectoryArgs;
use crate::url::Resource;
use std::path::PathBuf;

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
