//! The table of options (spec: glusterd-interface 4.8), in primary/secondary words, with the names that other
//! releases use for the same thing.

use crate::vocabulary;

/// What a value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Any text.
    Text,
    /// A signed decimal number.
    Int,
    /// `true` or `false`.
    Bool,
    /// The path of something that this program makes: absolute, or a template of such a path.
    Path,
}

/// What `config-set` demands of a value beyond its kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Validation {
    /// Nothing. Numbers are still checked by their kind, truths may be said in other words.
    None,
    /// `true` or `false`, exactly.
    Bool,
    /// An integer of epoch seconds later than 1970.
    UnixTime,
    /// An integer within both bounds.
    Range(i64, i64),
    /// One of these words, exactly.
    Choice(&'static [&'static str]),
    /// The path of an existing executable file; a bare name is refused.
    Executable,
}

/// Who may set an option.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Anybody.
    Open,
    /// Shown as not configurable, but set without complaint as the stock program does.
    Informational,
    /// Never set: glusterd reckons with its value.
    Fixed,
}

/// One option.
#[derive(Debug, Clone, Copy)]
pub struct OptionSpec {
    /// Name with `-` between the words, in primary/secondary words.
    pub name: &'static str,
    /// The value where the session's file has none; None: the option has no value then.
    pub default: Option<&'static str>,
    /// What a value is.
    pub kind: Kind,
    /// What more is demanded.
    pub validation: Validation,
    /// Who may set it.
    pub access: Access,
    /// Whether `${name}` in the value is substituted.
    pub template: bool,
    /// One line for people.
    pub help: &'static str,
}

impl OptionSpec {
    const fn int(self) -> Self {
        OptionSpec { kind: Kind::Int, ..self }
    }

    const fn flag(self) -> Self {
        OptionSpec { kind: Kind::Bool, ..self }
    }

    const fn path(self) -> Self {
        OptionSpec { kind: Kind::Path, ..self }
    }

    const fn check(self, validation: Validation) -> Self {
        OptionSpec { validation, ..self }
    }

    const fn informational(self) -> Self {
        OptionSpec { access: Access::Informational, ..self }
    }

    const fn fixed(self) -> Self {
        OptionSpec { access: Access::Fixed, ..self }
    }

    const fn template(self) -> Self {
        OptionSpec { template: true, ..self }
    }

    const fn valueless(self) -> Self {
        OptionSpec { default: None, ..self }
    }
}

const fn text(name: &'static str, default: &'static str, help: &'static str) -> OptionSpec {
    OptionSpec {
        name,
        default: Some(default),
        kind: Kind::Text,
        validation: Validation::None,
        access: Access::Open,
        template: false,
        help,
    }
}

const LEVELS: Validation = Validation::Choice(&["ERROR", "INFO", "WARNING", "DEBUG"]);

/// The directory of the programs of GlusterFS.
const SBIN: &str = "/usr/sbin";

macro_rules! session {
    ($head:literal, $tail:literal) => {
        concat!($head, "${primary}_${primary_secondary_host}_${secondaryvol}/", $tail)
    };
}

/// All options, sorted by name.
pub static OPTIONS: &[OptionSpec] = &[
    text("access-mount", "false", "Leave the mount of the primary volume visible, for debugging").flag().check(Validation::Bool),
    text("allow-network", "", "Networks from which the secondary accepts sessions; not enforced"),
    text("change-detector", "changelog", "How changes are found")
        .check(Validation::Choice(&["changelog", "xsync"])),
    text("change-interval", "5", "Seconds between two looks for changes").int(),
    text("changelog-archive-format", "%Y%m", "Pattern of the names of archives of done changelogs"),
    text("changelog-batch-size", "727040", "Most bytes of changelogs in one batch").int(),
    text(
        "changelog-log-file",
        session!("${gluster_logdir}/geo-replication/", "changes-${local_id}.log"),
        "Log of the reader of changelogs",
    ).path()
    .informational()
    .template(),
    text("changelog-log-level", "INFO", "Log level of the reader of changelogs").check(LEVELS),
    text("checkpoint", "0", "Everything up to this time (epoch seconds) is to be confirmed; 0 is none")
        .int()
        .check(Validation::UnixTime),
    text("cli-log-file", "${gluster_logdir}/geo-replication/cli.log", "Log of commands without a session").path()
        .informational()
        .template(),
    text("cli-log-level", "INFO", "Log level of commands without a session").check(LEVELS),
    text("connection-timeout", "60", "Seconds a worker may take to become ready").int(),
    text(
        "georep-session-working-dir",
        session!("${glusterd_workdir}/geo-replication/", ""),
        "Directory of the session's files",
    ).path()
    .fixed()
    .template(),
    text("gfid-conflict-resolution", "true", "Resolve gfids that disagree").flag().check(Validation::Bool),
    text("gluster-cli-options", "", "Options of every call of the gluster command"),
    text("gluster-command", "gluster", "Path of the gluster command").check(Validation::Executable),
    text("gluster-command-dir", SBIN, "Directory of gluster and glusterfs on the primary"),
    text(
        "gluster-log-file",
        session!("${gluster_logdir}/geo-replication/", "mnt-${local_id}.log"),
        "Log of the mount of the primary volume",
    ).path()
    .informational()
    .template(),
    text("gluster-log-level", "INFO", "Log level of the mount of the primary volume").check(LEVELS),
    text("gluster-logdir", "/var/log/glusterfs", "Directory of logs").path(),
    text("gluster-params", "aux-gfid-mount acl", "Options of the mount of the primary volume"),
    text("gluster-rundir", "/var/run/gluster", "Directory of pid files").path(),
    text("glusterd-workdir", "/var/lib/glusterd", "glusterd's working directory").path(),
    text("gsyncd-miscdir", "/var/lib/misc/gluster/gsyncd", "Directory of working directories").path(),
    text("ignore-deletes", "false", "Do not delete on the secondary").flag(),
    text("isolated-secondarys", "", "Nodes of the secondary that are not to be used"),
    text("log-file", session!("${gluster_logdir}/geo-replication/", "gsyncd.log"), "Log of the session").path()
        .informational()
        .template(),
    text("log-level", "INFO", "Log level of the session").check(LEVELS),
    text("log-rsync-performance", "false", "Log what rsync says about its work").flag().check(Validation::Bool),
    text("max-rsync-retries", "10", "How often data is sent again before it is given up").int(),
    text("meta-volume-mnt", "/run/gluster/shared_storage", "Where the meta volume is mounted").path(),
    text(
        "pid-file",
        "${gluster_rundir}/gsyncd-${primary}-${primary_secondary_host}-${secondaryvol}.pid",
        "Pid file of the monitor",
    ).path()
    .fixed()
    .template(),
    text("primary-bricks", "", "Bricks of the primary volume").valueless().informational(),
    text("primary-disperse-count", "1", "Bricks of a disperse subvolume of the primary").int().informational(),
    text("primary-distribution-count", "1", "Subvolumes of the primary").int().informational(),
    text("primary-reads", "auto", "Where content is read: from the brick or through the mount")
        .check(Validation::Choice(&["auto", "brick", "mount"])),
    text("primary-replica-count", "1", "Bricks of a replica subvolume of the primary").int().informational(),
    text("primary-volume-id", "", "Uuid of the primary volume").valueless().informational(),
    text("remote-gsyncd", "", "Path of gsyncd on the secondary where its ssh key names no command"),
    text("replica-failover-interval", "1", "Seconds between two tries of a passive worker to become active").int(),
    text("rsync-command", "rsync", "Path of rsync").check(Validation::Executable),
    text("rsync-opt-existing", "true", "Give rsync --existing").flag(),
    text("rsync-opt-ignore-missing-args", "true", "Give rsync --ignore-missing-args").flag(),
    text("rsync-options", "", "More options of rsync"),
    text("rsync-ssh-options", "", "More options of rsync's ssh"),
    text("secondary-access-mount", "false", "Leave the mount of the secondary volume visible, for debugging").flag().check(Validation::Bool),
    text("secondary-bricks", "", "Bricks of the secondary volume").valueless().informational(),
    text("secondary-gluster-command-dir", SBIN, "Directory of gluster and glusterfs on the secondary"),
    text(
        "secondary-gluster-log-file",
        session!("${gluster_logdir}/geo-replication-secondaries/", "mnt-${primary_node}-${primary_brick_id}.log"),
        "Log of the mount of the secondary volume",
    ).path()
    .informational()
    .template(),
    text(
        "secondary-gluster-log-file-mbr",
        session!("${gluster_logdir}/geo-replication-secondaries/", "mnt-mbr-${primary_node}-${primary_brick_id}.log"),
        "The same, below the mountbroker",
    ).path()
    .informational()
    .template(),
    text("secondary-gluster-log-level", "INFO", "Log level of the mount of the secondary volume").check(LEVELS),
    text("secondary-gluster-params", "aux-gfid-mount acl", "Options of the mount of the secondary volume"),
    text(
        "secondary-log-file",
        session!("${gluster_logdir}/geo-replication-secondaries/", "gsyncd.log"),
        "Log of the serving end",
    ).path()
    .informational()
    .template(),
    text("secondary-log-level", "INFO", "Log level of the serving end").check(LEVELS),
    text("secondary-timeout", "120", "Seconds without a message after which the serving end leaves; 0 is never")
        .int(),
    text("secondary-volume-id", "", "Uuid of the secondary volume").valueless().informational(),
    text("special-sync-mode", "", "partial or recover"),
    text("ssh-command", "ssh", "Path of ssh").check(Validation::Executable),
    text(
        "ssh-options",
        "-oPasswordAuthentication=no -oStrictHostKeyChecking=no -i ${glusterd_workdir}/geo-replication/secret.pem",
        "Options of ssh",
    )
    .template(),
    text(
        "ssh-options-tar",
        "-oPasswordAuthentication=no -oStrictHostKeyChecking=no -i ${glusterd_workdir}/geo-replication/tar_ssh.pem",
        "Options of ssh where tar runs below it",
    )
    .template(),
    text("ssh-port", "22", "Port of sshd on the secondary").int().check(Validation::Range(1, 65535)),
    text("state-file", session!("${glusterd_workdir}/geo-replication/", "monitor.status"), "The monitor's status").path()
        .fixed()
        .template(),
    text("state-socket-unencoded", "", "Not used; glusterd wants to see it"),
    text("stime-xattr-prefix", "", "Prefix of the xattrs of progress"),
    text("sync-acls", "true", "Carry POSIX ACLs").flag(),
    text("sync-jobs", "3", "Transfers at a time").int().check(Validation::Range(1, 100)),
    text("sync-method", "rsync", "How content is sent to a stock secondary")
        .check(Validation::Choice(&["tarssh", "rsync"])),
    text("sync-xattrs", "true", "Carry extended attributes").flag(),
    text("tar-command", "tar", "Path of tar").check(Validation::Executable),
    text("use-meta-volume", "false", "Choose the active worker of a replica by a lock on the meta volume").flag(),
    text("use-rsync-xattrs", "false", "Let rsync carry extended attributes").flag(),
    text("working-dir", session!("${gsyncd_miscdir}/", ""), "Directory of state that can be made anew").path()
        .informational()
        .template(),
];

/// Names of other releases that are no mere change of vocabulary (spec: glusterd-interface 4.8, 4.11).
const RENAMED: &[(&str, &str)] = &[
    ("isolated-secondaries", "isolated-secondarys"),
    ("isolated-secondary", "isolated-secondarys"),
    ("chnagelog-archive-format", "changelog-archive-format"),
    ("timeout", "secondary-timeout"),
    ("use-tarssh", "sync-method"),
];

/// Whether a name of another release is that of an option of another kind, so that what is said of it (but for the
/// value, see [`canonical_value`]) is not said of the option here.
#[must_use]
pub fn is_other_kind(name: &str) -> bool {
    name.to_ascii_lowercase().replace('_', "-") == "use-tarssh"
}

/// The value to show for one asked for under `name`: the other way round than [`canonical_value`].
#[must_use]
pub fn spoken_value(name: &str, value: &str) -> String {
    if is_other_kind(name) { (value == "tarssh").to_string() } else { value.to_owned() }
}

/// The name as the table has it (or would have it), for any spelling: `_` or `-`, upper case, old vocabulary.
#[must_use]
pub fn canonical_name(name: &str) -> String {
    let name = vocabulary::modern(&name.to_ascii_lowercase().replace('_', "-"));
    match RENAMED.iter().find(|(old, _)| *old == name) {
        Some((_, new)) => (*new).to_owned(),
        None => name,
    }
}

/// The value to keep when it was given under `name`: `use-tarssh true` is `sync-method tarssh`.
#[must_use]
pub fn canonical_value(name: &str, value: &str) -> String {
    if !is_other_kind(name) {
        return value.to_owned();
    }
    let method = if truth(value) == Some(true) { "tarssh" } else { "rsync" };
    method.to_owned()
}

/// A truth in the words that glusterd lets pass (spec: glusterd-interface 2.8, 3.1).
#[must_use]
pub fn truth(value: &str) -> Option<bool> {
    match value.to_ascii_lowercase().as_str() {
        "true" | "yes" | "1" | "on" => Some(true),
        "false" | "no" | "0" | "off" => Some(false),
        _ => None,
    }
}

/// True for an option that is true or false by its words (spec: glusterd-interface 3.1).
#[must_use]
pub fn is_truth(name: &str) -> bool {
    find(name).is_some_and(|option| option.kind == Kind::Bool)
}

/// The option of that name, in any spelling.
#[must_use]
pub fn find(name: &str) -> Option<&'static OptionSpec> {
    let name = canonical_name(name);
    OPTIONS.iter().find(|option| option.name == name)
}

#[cfg(test)]
mod tests {
    use super::{Kind, OPTIONS, Validation, find};

    #[test]
    fn the_table_is_sorted_and_its_defaults_are_of_their_kind() {
        assert!(OPTIONS.windows(2).all(|pair| pair[0].name < pair[1].name));
        for option in OPTIONS {
            let Some(default) = option.default else { continue };
            match option.kind {
                Kind::Int => assert!(default.parse::<i64>().is_ok(), "{}", option.name),
                Kind::Bool => assert!(["true", "false"].contains(&default), "{}", option.name),
                Kind::Path => assert!(default.starts_with(['/', '$']), "{}", option.name),
                Kind::Text => {}
            }
            if let Validation::Choice(words) = option.validation {
                assert!(words.contains(&default), "{}", option.name);
            }
            assert_eq!(option.template, default.contains("${"), "{}", option.name);
        }
    }

    #[test]
    fn other_spellings_find_the_same_option() {
        for (spelling, name) in [
            ("sync_jobs", "sync-jobs"),
            ("slave-timeout", "secondary-timeout"),
            ("timeout", "secondary-timeout"),
            ("master_distribution_count", "primary-distribution-count"),
            ("isolated-slaves", "isolated-secondarys"),
            ("use-tarssh", "sync-method"),
            ("state_socket_unencoded", "state-socket-unencoded"),
        ] {
            assert_eq!(find(spelling).map(|option| option.name), Some(name), "{spelling}");
        }
        assert!(find("no-such-option").is_none());
    }
}
