//! The syntax that gsyncd uses with itself and people use with it (spec: glusterd-interface 3.6).
//! Words of releases 4 to 9 (`slave`, `--master-brick`) mean the same as those of 10 and later.

use super::words::{Flag, Style, Words, integer, modern, number, split, switch, value};
use super::{
    Command, Common, ConfigGetArgs, DeleteArgs, MonitorArgs, SecondaryArgs, ServeArgs, Session, SessionsArgs,
    StatusArgs, Topic, UsageError, WorkerArgs, session, text,
};
use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

/// One subcommand: its words, and how they become a command.
pub(super) struct Spec {
    /// Its name, in primary/secondary words.
    pub(super) name: &'static str,
    /// One line for people.
    pub(super) about: &'static str,
    /// Used between programs only.
    pub(super) is_hidden: bool,
    /// Words without dashes, in order.
    pub(super) positionals: &'static [&'static str],
    /// How many of them there must be.
    pub(super) required: usize,
    /// Its own flags.
    pub(super) flags: &'static [Flag],
    build: fn(&Words) -> Result<Command, UsageError>,
}

/// Accepted everywhere; `-c` is harmless where no session is named.
pub(super) const COMMON: &[Flag] = &[
    value("config-file", "FILE", "The session's config file, instead of glusterd's").short(b'c'),
    switch("debug", "Log everything, to stderr"),
    switch("inet6", "Do not resolve hosts to IPv4 addresses"),
    switch("inet", "Resolve hosts to IPv4 addresses, which is so anyway").hidden(),
    switch("help", "Print this").short(b'h'),
];

const PAIR: &[&str] = &["PRIMARY", "SECONDARY"];

/// All subcommands: first those that people use.
pub(super) const TABLE: &[Spec] = &[
    Spec {
        name: "status",
        about: "What the bricks' workers are doing; without volumes: the sessions of directories",
        is_hidden: false,
        positionals: PAIR,
        required: 0,
        flags: &[
            value("local-path", "DIR", "A brick of this node; may be given many times"),
            switch("json", "One JSON object instead of lines"),
            value("state-dir", "DIR", "Where sessions of directories are remembered"),
        ],
        build: status,
    },
    Spec {
        name: "config-get",
        about: "Show options",
        is_hidden: false,
        positionals: PAIR,
        required: 2,
        flags: &[
            value("name", "NAME", "This option only"),
            switch("show-defaults", "Options that the session does not set too"),
            switch("only-value", "The value without its name"),
            switch("use-underscore", "Names with _ instead of -"),
            switch("json", "A JSON array with defaults instead of lines"),
        ],
        build: config_get,
    },
    Spec {
        name: "config-set",
        about: "Set an option of the session",
        is_hidden: false,
        positionals: &["PRIMARY", "SECONDARY", "NAME", "VALUE"],
        required: 2,
        flags: &[
            value("name", "NAME", "The option").short(b'n'),
            value("value", "VALUE", "Its value").short(b'v'),
        ],
        build: config_set,
    },
    Spec {
        name: "config-reset",
        about: "Set an option, or all, back to the default",
        is_hidden: false,
        positionals: &["PRIMARY", "SECONDARY", "NAME"],
        required: 3,
        flags: &[],
        build: config_reset,
    },
    Spec {
        name: "config-check",
        about: "Is this an option (with that value)?",
        is_hidden: false,
        positionals: &["NAME"],
        required: 1,
        flags: &[value("value", "VALUE", "Check this value too")],
        build: config_check,
    },
    Spec {
        name: "monitor",
        about: "Run the session's daemon on this node",
        is_hidden: false,
        positionals: PAIR,
        required: 2,
        flags: &[
            switch("pause-on-start", "Stop the process group before the workers start"),
            value("local-node-id", "UUID", "This node's uuid"),
            switch("use-gconf-volinfo", "Accepted, has no meaning"),
        ],
        build: monitor,
    },
    Spec {
        name: "delete",
        about: "Remove what the session left on this node",
        is_hidden: false,
        positionals: PAIR,
        required: 2,
        flags: &[
            value("path", "DIR", "A brick of this node; may be given many times"),
            switch("reset-sync-time", "The next session of these bricks begins at the beginning"),
        ],
        build: delete,
    },
    Spec {
        name: "voluuidget",
        about: "Print the uuid of a volume of another cluster",
        is_hidden: false,
        positionals: &["HOST", "VOLNAME"],
        required: 2,
        flags: &[],
        build: volume_uuid,
    },
    Spec {
        name: "restricted",
        about: "Before a key in authorized_keys: let it write below one directory only",
        is_hidden: false,
        positionals: &[],
        required: 0,
        flags: &[value("root", "DIR", "The directory; absolute")],
        build: restricted,
    },
    Spec {
        name: "monitor-status",
        about: "Write the monitor's status text",
        is_hidden: true,
        positionals: &["PRIMARY", "SECONDARY", "STATUS"],
        required: 3,
        flags: &[],
        build: monitor_status,
    },
    Spec {
        name: "worker",
        about: "Replicate one brick; started by the monitor",
        is_hidden: true,
        positionals: PAIR,
        required: 2,
        flags: &[
            value("local-path", "DIR", "Root of the brick"),
            number("feedback-fd", "Descriptor closed when the worker is ready"),
            value("local-node", "HOST", "This node's host name"),
            value("local-node-id", "UUID", "This node's uuid"),
            value("subvol-num", "N", "Number of the brick's subvolume"),
            switch("is-hottier", "The brick is in a hot tier"),
            value("resource-remote", "HOST", "The secondary's node to connect to"),
            value("resource-remote-id", "UUID", "That node's uuid"),
            value("secondary-id", "UUID", "The secondary volume's uuid"),
        ],
        build: worker,
    },
    Spec {
        name: "secondary",
        about: "Serve a worker; started by it over ssh",
        is_hidden: true,
        positionals: PAIR,
        required: 2,
        flags: &[
            value("session-owner", "UUID", "The primary volume's uuid"),
            value("primary-brick", "DIR", "The brick that the worker serves"),
            value("primary-node", "HOST", "The worker's host name"),
            value("primary-node-id", "UUID", "Uuid of the worker's node"),
            value("local-node", "HOST", "This node's host name"),
            value("local-node-id", "UUID", "This node's uuid"),
            number("secondary-timeout", "Seconds without a message after which to leave; 0 is never"),
            switch("use-rsync-xattrs", "Let rsync carry extended attributes"),
            value("secondary-log-level", "LEVEL", "Log level"),
            value("secondary-gluster-log-level", "LEVEL", "Log level of the mount"),
            value("secondary-gluster-command-dir", "DIR", "Directory of gluster and glusterfs"),
            switch("secondary-access-mount", "Leave the mount visible"),
            number("primary-dist-count", "Number of distribute subvolumes of the primary volume"),
        ],
        build: secondary,
    },
    Spec {
        name: "serve",
        about: "Serve a session of directories; started over ssh",
        is_hidden: true,
        positionals: &[],
        required: 0,
        flags: &[
            value("root", "DIR", "The target directory; absolute"),
            value("primary", "ID", "Id of the source: 32 hexadecimal digits"),
        ],
        build: serve,
    },
];

/// The subcommand of that name, in either vocabulary.
pub(super) fn find(word: &OsStr) -> Option<&'static Spec> {
    let word = modern(word.to_str()?);
    TABLE.iter().find(|spec| spec.name == word)
}

/// Reads argv whose word `at` is the subcommand's name.
pub(super) fn parse(spec: &'static Spec, argv: &[OsString], at: usize) -> Result<Command, UsageError> {
    let mut argv = argv.to_vec();
    if at < argv.len() {
        argv.remove(at);
    }
    let flags: Vec<&'static Flag> = spec.flags.iter().chain(COMMON).collect();
    read(spec, &argv, &flags).map_err(|error| error.within(spec.name))
}

fn read(spec: &'static Spec, argv: &[OsString], flags: &[&'static Flag]) -> Result<Command, UsageError> {
    let words = split(argv, flags, Style::Subcommand)?;
    if words.has("help") {
        return Ok(Command::Help(Topic::Subcommand(spec.name)));
    }
    complete(spec, &words)?;
    (spec.build)(&words)
}

/// All that is needed is there, and nothing else is.
fn complete(spec: &Spec, words: &Words) -> Result<(), UsageError> {
    let given = words.positionals.len();
    let missing: Vec<String> =
        spec.positionals.iter().take(spec.required).skip(given).map(|word| word.to_lowercase()).collect();
    if !missing.is_empty() {
        return Err(UsageError::syntax(format!(
            "the following arguments are required: {}",
            missing.join(", ")
        )));
    }
    let extra = words.positionals.iter().skip(spec.positionals.len()).map(|word| word.display().to_string());
    let extra: Vec<String> = words.unknown.iter().cloned().chain(extra).collect();
    if extra.is_empty() {
        return Ok(());
    }
    // argparse lets the program complain of these, not the subcommand
    Err(UsageError::syntax(format!("unrecognized arguments: {}", extra.join(" ").escape_debug())).within(""))
}

/// The flags common to all subcommands.
fn common(words: &Words) -> Common {
    Common {
        debug: words.has("debug"),
        config_file: words.last("config-file").map(PathBuf::from),
        inet6: words.has("inet6"),
        given: Vec::new(),
    }
}

fn positional(words: &Words, at: usize) -> &OsStr {
    words.positionals.get(at).map_or(OsStr::new(""), OsString::as_os_str)
}

fn pair(words: &Words) -> Result<Session, UsageError> {
    session(positional(words, 0), positional(words, 1))
}

fn string(words: &Words, name: &str) -> Result<String, UsageError> {
    text(words.last(name).unwrap_or_default(), &format!("--{name}"))
}

fn optional(words: &Words, name: &str) -> Result<Option<String>, UsageError> {
    words.last(name).map(|word| text(word, &format!("--{name}"))).transpose()
}

/// A number that fits; that it is one is known already.
fn fitting<T: TryFrom<i64>>(words: &Words, name: &str) -> Result<Option<T>, UsageError> {
    let Some(word) = words.last(name) else { return Ok(None) };
    let number = integer(word).and_then(|number| T::try_from(number).ok());
    number.map(Some).ok_or_else(|| {
        let word = word.display().to_string();
        UsageError::syntax(format!("argument --{name}: out of range: '{}'", word.escape_debug()))
    })
}

fn path(words: &Words, name: &str) -> PathBuf {
    words.last(name).map(PathBuf::from).unwrap_or_default()
}

fn monitor(words: &Words) -> Result<Command, UsageError> {
    Ok(Command::Monitor(MonitorArgs {
        session: pair(words)?,
        common: common(words),
        local_node_id: string(words, "local-node-id")?,
        pause_on_start: words.has("pause-on-start"),
        foreground: words.has("debug"),
    }))
}

fn worker(words: &Words) -> Result<Command, UsageError> {
    Ok(Command::Worker(WorkerArgs {
        session: pair(words)?,
        common: common(words),
        local_path: path(words, "local-path"),
        feedback_fd: fitting(words, "feedback-fd")?,
        local_node: string(words, "local-node")?,
        local_node_id: string(words, "local-node-id")?,
        secondary_id: string(words, "secondary-id")?,
        subvol_num: string(words, "subvol-num")?,
        is_hottier: words.has("is-hottier"),
        resource_remote: string(words, "resource-remote")?,
        resource_remote_id: string(words, "resource-remote-id")?,
    }))
}

fn secondary(words: &Words) -> Result<Command, UsageError> {
    Ok(Command::Secondary(SecondaryArgs {
        session: pair(words)?,
        common: common(words),
        session_owner: string(words, "session-owner")?,
        primary_node: string(words, "primary-node")?,
        primary_node_id: string(words, "primary-node-id")?,
        primary_brick: path(words, "primary-brick"),
        local_node: string(words, "local-node")?,
        local_node_id: string(words, "local-node-id")?,
        secondary_timeout_seconds: fitting(words, "secondary-timeout")?,
        secondary_log_level: optional(words, "secondary-log-level")?,
        secondary_gluster_log_level: optional(words, "secondary-gluster-log-level")?,
        secondary_gluster_command_dir: words.last("secondary-gluster-command-dir").map(PathBuf::from),
        secondary_access_mount: words.has("secondary-access-mount"),
        primary_dist_count: fitting(words, "primary-dist-count")?,
        use_rsync_xattrs: words.has("use-rsync-xattrs"),
    }))
}

/// Of one volume's session; without one, of all directory sessions.
fn status(words: &Words) -> Result<Command, UsageError> {
    let state_dir = words.last("state-dir").map(PathBuf::from);
    match words.positionals.len() {
        0 if !words.has("local-path") => {
            return Ok(Command::Sessions(SessionsArgs { state_dir, json: words.has("json") }));
        }
        2 if state_dir.is_none() => {}
        2 => return Err(UsageError::syntax("--state-dir is for sessions of directories")),
        0 => return Err(UsageError::syntax("the following arguments are required: primary, secondary")),
        _ => return Err(UsageError::syntax("the following arguments are required: secondary")),
    }
    Ok(Command::Status(StatusArgs {
        session: pair(words)?,
        common: common(words),
        local_paths: words.all("local-path").map(PathBuf::from).collect(),
        json: words.has("json"),
    }))
}

fn serve(words: &Words) -> Result<Command, UsageError> {
    let word = string(words, "primary")?;
    let primary =
        hexadecimal(&word).ok_or_else(|| UsageError::syntax("--primary must be 32 hexadecimal digits"))?;
    Ok(Command::Serve(ServeArgs { root: root(words)?, primary }))
}

fn restricted(words: &Words) -> Result<Command, UsageError> {
    Ok(Command::Restricted { root: root(words)? })
}

fn root(words: &Words) -> Result<PathBuf, UsageError> {
    let path = path(words, "root");
    if path.is_absolute() { Ok(path) } else { Err(UsageError::syntax("--root must be an absolute path")) }
}

fn hexadecimal(text: &str) -> Option<[u8; 16]> {
    let is_plain = text.len() == 32 && text.bytes().all(|b| b.is_ascii_hexdigit());
    is_plain.then(|| u128::from_str_radix(text, 16).ok()).flatten().map(u128::to_be_bytes)
}

fn monitor_status(words: &Words) -> Result<Command, UsageError> {
    let text = text(positional(words, 2), "the status")?;
    Ok(Command::MonitorStatus { session: pair(words)?, common: common(words), text })
}

fn config_check(words: &Words) -> Result<Command, UsageError> {
    let name = text(positional(words, 0), "the option's name")?;
    Ok(Command::ConfigCheck { name, value: optional(words, "value")? })
}

fn config_get(words: &Words) -> Result<Command, UsageError> {
    Ok(Command::ConfigGet(ConfigGetArgs {
        session: pair(words)?,
        common: common(words),
        name: optional(words, "name")?,
        show_defaults: words.has("show-defaults"),
        only_value: words.has("only-value"),
        use_underscore: words.has("use-underscore"),
        json: words.has("json"),
    }))
}

/// Release 4 has name and value as positionals, later ones as flags.
fn config_set(words: &Words) -> Result<Command, UsageError> {
    let mut more = words.positionals.iter().skip(2).map(OsString::as_os_str);
    let name = words.last("name").or_else(|| more.next());
    let value = words.last("value").or_else(|| more.next());
    let (Some(name), Some(value)) = (name, value) else {
        return Err(UsageError::syntax("the following arguments are required: -n/--name, -v/--value"));
    };
    Ok(Command::ConfigSet {
        session: pair(words)?,
        common: common(words),
        name: text(name, "the option's name")?,
        value: text(value, "the option's value")?,
    })
}

fn config_reset(words: &Words) -> Result<Command, UsageError> {
    let name = text(positional(words, 2), "the option's name")?;
    Ok(Command::ConfigReset { session: pair(words)?, common: common(words), name })
}

fn volume_uuid(words: &Words) -> Result<Command, UsageError> {
    Ok(Command::VolumeUuid {
        host: text(positional(words, 0), "the host")?,
        volume: text(positional(words, 1), "the volume")?,
        inet6: words.has("inet6"),
    })
}

fn delete(words: &Words) -> Result<Command, UsageError> {
    Ok(Command::Delete(DeleteArgs {
        session: pair(words)?,
        common: common(words),
        paths: words.all("path").map(PathBuf::from).collect(),
        reset_sync_time: words.has("reset-sync-time"),
    }))
}
