//! The options of releases 3.7 to 3.13, which every glusterd still speaks (spec: glusterd-interface 3.1), one table:
//! parser, defaults, `--config-check` of the old generation, help and documentation are views of it.
//!
//! A *tunable* may stand in the config file and is what `--config-set` and its kin name; the rest are actions and
//! what belongs to one run.

use super::words::{Flag, Value};
use crate::vocabulary::{modern, old};

/// What a row is to the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// May stand in the config file.
    Tunable,
    /// Selects what to do.
    Action,
    /// Belongs to this run only.
    Local,
}

/// The value of an option that is neither in the config file nor on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Preset {
    /// It has none.
    None,
    /// This text.
    Text(&'static str),
    /// The absolute path of this program.
    Program,
}

/// How the text of a config file becomes true or false.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Truth {
    /// It never does.
    No,
    /// `true/yes/1/on`, `false/no/0/off`, in any case; anything else is false, with a warning. The stock program
    /// takes three of these for true when they are not empty, the word `false` too (BUG in the spec).
    Words,
}

/// One row.
#[derive(Debug, Clone, Copy)]
pub struct SeedOption {
    /// Name, letter, value and help.
    pub(super) flag: Flag,
    /// What it is to the program.
    pub role: Role,
    preset: Preset,
    /// How text becomes a truth.
    pub truth: Truth,
}

impl SeedOption {
    /// The name with `-`, in primary/secondary words.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.flag.name
    }

    /// The name with `-`, as the old generation has it.
    #[must_use]
    pub fn old_name(&self) -> String {
        old(self.flag.name)
    }

    /// What its value is; [`Value::None`] for flags.
    #[must_use]
    pub fn value(&self) -> Value {
        self.flag.value
    }

    /// The value where nobody gave one. `program` is this program's absolute path.
    #[must_use]
    pub fn default<'a>(&self, program: &'a str) -> Option<&'a str>
    where
        'static: 'a,
    {
        match self.preset {
            Preset::None => None,
            Preset::Text(text) => Some(text),
            Preset::Program => Some(program),
        }
    }

    const fn hidden(self) -> Self {
        SeedOption { flag: self.flag.hidden(), ..self }
    }

    const fn short(self, letter: u8) -> Self {
        SeedOption { flag: self.flag.short(letter), ..self }
    }

    const fn default_is(self, text: &'static str) -> Self {
        SeedOption { preset: Preset::Text(text), ..self }
    }

    const fn words(self, count: u8) -> Self {
        SeedOption { flag: Flag { words: count, ..self.flag }, ..self }
    }
}

const fn row(
    name: &'static str,
    value: Value,
    metavar: &'static str,
    help: &'static str,
    role: Role,
) -> SeedOption {
    let words = if matches!(value, Value::None) { 0 } else { 1 };
    let flag = Flag { name, short: 0, words, value, metavar, help, is_hidden: false };
    SeedOption { flag, role, preset: Preset::None, truth: Truth::No }
}

const fn text(name: &'static str, metavar: &'static str, help: &'static str) -> SeedOption {
    row(name, Value::Text, metavar, help, Role::Tunable)
}

const fn path(name: &'static str, help: &'static str) -> SeedOption {
    row(name, Value::Path, "PATH", help, Role::Tunable)
}

const fn number(name: &'static str, default: &'static str, help: &'static str) -> SeedOption {
    row(name, Value::Int, "N", help, Role::Tunable).default_is(default)
}

const fn flag(name: &'static str, help: &'static str) -> SeedOption {
    truth(name, "false", help)
}

const fn truth(name: &'static str, default: &'static str, help: &'static str) -> SeedOption {
    let row = row(name, Value::None, "", help, Role::Tunable);
    SeedOption { preset: Preset::Text(default), truth: Truth::Words, ..row }
}

const fn act(name: &'static str, help: &'static str) -> SeedOption {
    row(name, Value::None, "", help, Role::Action)
}

const fn act_on(name: &'static str, metavar: &'static str, help: &'static str) -> SeedOption {
    row(name, Value::Text, metavar, help, Role::Action)
}

const fn local(name: &'static str, help: &'static str) -> SeedOption {
    row(name, Value::None, "", help, Role::Local)
}

const fn local_text(name: &'static str, metavar: &'static str, help: &'static str) -> SeedOption {
    row(name, Value::Text, metavar, help, Role::Local)
}

/// All rows: first what may stand in the config file, in the order of the spec.
pub static SEED: &[SeedOption] = &[
    text("gluster-command-dir", "DIR", "Directory of gluster and glusterfs, ending in /").default_is(""),
    path("gluster-log-file", "Log of the mount").default_is("/dev/null"),
    text("gluster-log-level", "LEVEL", "Log level of the mount"),
    text("gluster-params", "WORDS", "Options of the mount, separated by blanks").default_is(""),
    text("glusterd-uuid", "UUID", "This node's uuid in its cluster").default_is("").hidden(),
    text("gluster-cli-options", "WORDS", "Options of the gluster command").default_is("--log-file=-"),
    text("mountbroker", "LABEL", "Mount through glusterd, under this label"),
    path("pid-file", "File with the monitor's pid").short(b'p'),
    path("log-file", "Log; - is stderr").short(b'l'),
    path("iprefix", "What ${iprefix} stands for in values"),
    path("changelog-log-file", "Log of what reads the journal"),
    path("log-file-mbr", "Log of a serving end that is not root"),
    path("state-file", "File with the monitor's status"),
    path("state-detail-file", "File with details of the status"),
    path("georep-session-working-dir", "Directory of the session"),
    path("working-dir", "Directory of state that can be made anew"),
    path("state-socket-unencoded", "Not used; glusterd wants to see it"),
    flag("ignore-deletes", "Keep on the secondary what is deleted on the primary"),
    flag("isolated-secondary", "The secondary cannot be reached from everywhere"),
    flag("use-rsync-xattrs", "Let rsync carry extended attributes"),
    flag("log-rsync-performance", "Log what rsync says of itself"),
    flag("pause-on-start", "Stop the process group before the workers start"),
    flag("use-meta-volume", "Choose the active worker of a replica by a lock on the meta volume"),
    flag("use-tarssh", "Send content with tar instead of rsync"),
    flag("is-hottier", "The brick is in a hot tier"),
    truth("sync-xattrs", "true", "Carry extended attributes"),
    truth("sync-acls", "true", "Carry POSIX ACLs"),
    text("log-level", "LEVEL", "Log level").short(b'L'),
    SeedOption {
        preset: Preset::Program,
        ..text("remote-gsyncd", "WORDS", "How the program is called on the other side").short(b'r')
    },
    text("volume-id", "UUID", "Uuid of the primary volume"),
    text("secondary-id", "UUID", "Uuid of the secondary volume"),
    text("session-owner", "UUID", "Uuid of the primary volume, for the serving end"),
    text("local-id", "TEXT", "Name of the brick in names of files").default_is("").hidden(),
    text("local-path", "DIR", "Root of the brick").default_is("").hidden(),
    text("ssh-command", "WORDS", "How ssh is called").short(b's').default_is("ssh"),
    number("ssh-port", "22", "Port of sshd on the secondary"),
    text("ssh-command-tar", "WORDS", "How ssh is called where tar runs below it").default_is("ssh"),
    text("rsync-command", "WORDS", "How rsync is called").default_is("rsync"),
    text("rsync-options", "WORDS", "More options of rsync").default_is(""),
    text("rsync-ssh-options", "WORDS", "Options of ssh below rsync").default_is("--compress"),
    number("timeout", "120", "Seconds without a message after which the serving end leaves; 0 is never"),
    number("connection-timeout", "60", "Seconds that a worker has to come up").hidden(),
    number("sync-jobs", "3", "Transfers at a time"),
    number("replica-failover-interval", "1", "Seconds between two looks of a passive worker"),
    text("changelog-archive-format", "PATTERN", "Names of archives of done journals").default_is("%Y%m"),
    text("meta-volume-mnt", "DIR", "Where the meta volume is mounted")
        .default_is("/var/run/gluster/shared_storage"),
    number("turns", "0", "Crawls before the worker ends; 0 is no end").hidden(),
    text("allow-network", "NETWORKS", "Networks that sessions are served for, separated by commas")
        .default_is(""),
    text("socketdir", "DIR", "Not used"),
    text("checkpoint", "SECONDS", "Epoch seconds of the checkpoint; 0 is none").default_is("0"),
    text("special-sync-mode", "MODE", "partial or recover").hidden(),
    text("change-detector", "NAME", "How changes are found").default_is("xtime"),
    number("change-interval", "3", "Seconds between two looks for changes"),
    text("rpc-fd", "FDS", "Descriptors to an agent").hidden(),
    text("subvol-num", "N", "Number of the brick's subvolume").hidden(),
    text("path", "DIR", "A brick, for --status-get; may be given many times"),
    flag("reset-sync-time", "With --delete: the next session begins at the beginning"),
    text("local-node", "HOST", "This node's host name").hidden(),
    text("local-node-id", "UUID", "This node's uuid").hidden(),
    flag("access-mount", "Leave the mount visible"),
    number("max-rsync-retries", "10", "How often rsync is tried"),
    number("changelog-batch-size", "727040", "Bytes of journals taken together"),
    text("changelog-log-level", "LEVEL", "Log level of what reads the journal").default_is("INFO"),
    text("rsync-opt-ignore-missing-args", "BOOLEAN", "Whether rsync has this option").default_is("true"),
    text("rsync-opt-existing", "BOOLEAN", "Whether rsync has this option").default_is("true"),
    // what belongs to one run
    local_text("config-file", "FILE", "The config file").short(b'c'),
    local_text("resource-local", "URL", "The first address"),
    local_text("resource-remote", "URL", "The second address"),
    row("feedback-fd", Value::Int, "N", "Descriptor closed when the worker is ready", Role::Local).hidden(),
    local("no-daemon", "Stay in the foreground").short(b'N'),
    local("debug", "Stay in the foreground and log everything to stderr"),
    local_text("path-list", "WORDS", "With --delete: the bricks, as --path=DIR --path=DIR in one word"),
    local("inet6", "Do not resolve hosts to IPv4 addresses"),
    local("inet", "Resolve hosts to IPv4 addresses, which is so anyway"),
    // what to do
    act("monitor", "Run the session's daemon on this node"),
    act("status-get", "Print the status of the bricks named by --path"),
    act_on("create", "STATUS", "Write the monitor's status"),
    act("delete", "Remove what the session left on this node"),
    act_on("verify", "WORD", "Only say that the program starts"),
    act_on("config-check", "NAME", "Is this an option?"),
    act_on("config-get", "NAME", "Print an option's value"),
    act("config-get-all", "Print all options"),
    act_on("config-set", "NAME VALUE", "Set an option of the session; also NAME --value=VALUE").words(2),
    act_on("config-set-rx", "NAME VALUE", "Set it for all sessions that match regular expressions").words(2),
    act_on("config-set-glob", "NAME VALUE", "Set it for all sessions that match shell patterns").words(2),
    act_on("config-del", "NAME", "Unset an option of the session"),
    act_on("config-del-rx", "NAME", "Unset what --config-set-rx set"),
    act_on("config-del-glob", "NAME", "Unset what --config-set-glob set"),
    act("normalize-url", "Print each address with its scheme"),
    act("canonicalize-url", "Print each address with IPv4 addresses and users"),
    act("canonicalize-escape-url", "The same, escaped as in a query string"),
    act_on("secondaryvoluuid-get", "HOST::VOLUME", "Print the uuid of a volume of another cluster"),
    act("agent", "Read the journal for a worker of releases 3.7 to 3.13"),
    act("listen", "Serve a primary of releases 3.7 to 3.13").hidden(),
    act("version", "Print the version"),
    act("help", "Print the usage").short(b'h'),
];

/// All tunables, in the order of the spec.
pub fn tunables() -> impl Iterator<Item = &'static SeedOption> {
    SEED.iter().filter(|option| option.role == Role::Tunable)
}

/// The tunable of exactly that name; `_` and `-` are the same, and so are the two vocabularies.
#[must_use]
pub fn find(name: &str) -> Option<&'static SeedOption> {
    let name = modern(&name.replace('_', "-"));
    tunables().find(|option| option.name() == name)
}
