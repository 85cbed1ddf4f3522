//! The syntax that gsyncd uses with itself and people use with it (spec: glusterd-interface 3.6).
//! Words of releases 4 to 9 (`slave`, `--master-brick`) mean the same as those of 10 and later.

use super::words::{Flag, Unknown, Words, modern, short, split, switch, value};
use super::{
    Command, Common, ConfigGetArgs, DeleteArgs, MonitorArgs, SecondaryArgs, ServeArgs, Session, SessionsArgs,
    StatusArgs, UsageError, WorkerArgs, session, text,
};
use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

/// One subcommand: its name, how many positionals, its flags, and how they become a command.
pub(super) struct Spec {
    name: &'static str,
    positionals: std::ops::RangeInclusive<usize>,
    flags: &'static [Flag],
    build: fn(&Words) -> Result<Command, UsageError>,
}

/// Accepted everywhere; `-c` is harmless where no session is named.
const COMMON: &[Flag] = &[switch("debug"), switch("inet6"), switch("inet"), short("config-file", b'c', 1)];

const TABLE: &[Spec] = &[
    Spec {
        name: "monitor",
        positionals: 2..=2,
        flags: &[switch("pause-on-start"), value("local-node-id"), switch("use-gconf-volinfo")],
        build: monitor,
    },
    Spec {
        name: "worker",
        positionals: 2..=2,
        flags: &[
            value("local-path"),
            value("feedback-fd"),
            value("local-node"),
            value("local-node-id"),
            value("subvol-num"),
            switch("is-hottier"),
            value("resource-remote"),
            value("resource-remote-id"),
            value("secondary-id"),
        ],
        build: worker,
    },
    Spec {
        name: "secondary",
        positionals: 2..=2,
        flags: &[
            value("session-owner"),
            value("primary-brick"),
            value("primary-node"),
            value("primary-node-id"),
            value("local-node"),
            value("local-node-id"),
            value("secondary-timeout"),
            switch("use-rsync-xattrs"),
            value("secondary-log-level"),
            value("secondary-gluster-log-level"),
            value("secondary-gluster-command-dir"),
            switch("secondary-access-mount"),
            value("primary-dist-count"),
        ],
        build: secondary,
    },
    Spec {
        name: "status",
        positionals: 0..=2,
        flags: &[value("local-path"), switch("json"), value("state-dir")],
        build: status,
    },
    Spec { name: "serve", positionals: 0..=0, flags: &[value("root"), value("primary")], build: serve },
    Spec { name: "restricted", positionals: 0..=0, flags: &[value("root")], build: restricted },
    Spec { name: "monitor-status", positionals: 3..=3, flags: &[], build: monitor_status },
    Spec { name: "config-check", positionals: 1..=1, flags: &[value("value")], build: config_check },
    Spec {
        name: "config-get",
        positionals: 2..=2,
        flags: &[
            value("name"),
            switch("show-defaults"),
            switch("only-value"),
            switch("use-underscore"),
            switch("json"),
        ],
        build: config_get,
    },
    Spec {
        name: "config-set",
        positionals: 2..=4,
        flags: &[short("name", b'n', 1), short("value", b'v', 1)],
        build: config_set,
    },
    Spec { name: "config-reset", positionals: 3..=3, flags: &[], build: config_reset },
    Spec { name: "voluuidget", positionals: 2..=2, flags: &[], build: volume_uuid },
    Spec {
        name: "delete",
        positionals: 2..=2,
        flags: &[value("path"), switch("reset-sync-time")],
        build: delete,
    },
];

/// The subcommand of that name, in either vocabulary.
pub(super) fn find(word: &OsStr) -> Option<&'static Spec> {
    let word = modern(word.to_str()?);
    TABLE.iter().find(|spec| spec.name == word)
}

/// Reads argv whose word `at` is the subcommand's name.
pub(super) fn parse(spec: &Spec, argv: &[OsString], at: usize) -> Result<Command, UsageError> {
    let mut argv = argv.to_vec();
    if at < argv.len() {
        argv.remove(at);
    }
    let words = split(&argv, &[spec.flags, COMMON], Unknown::Refuse)?;
    if !spec.positionals.contains(&words.positionals.len()) {
        return Err(UsageError::syntax(format!(
            "{}: expected {} positional arguments, got {}",
            spec.name,
            spec.positionals.start(),
            words.positionals.len()
        )));
    }
    (spec.build)(&words)
}

/// The flags common to all subcommands.
fn common(words: &Words) -> Common {
    Common {
        debug: words.has("debug"),
        config_file: words.last("config-file").map(PathBuf::from),
        inet6: words.has("inet6"),
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

fn number<T: std::str::FromStr>(words: &Words, name: &str) -> Result<Option<T>, UsageError> {
    let Some(word) = optional(words, name)? else { return Ok(None) };
    word.parse()
        .map(Some)
        .map_err(|_| UsageError::syntax(format!("argument --{name}: invalid number: '{word}'")))
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
    }))
}

fn worker(words: &Words) -> Result<Command, UsageError> {
    Ok(Command::Worker(WorkerArgs {
        session: pair(words)?,
        common: common(words),
        local_path: path(words, "local-path"),
        feedback_fd: number(words, "feedback-fd")?,
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
        secondary_timeout_seconds: number(words, "secondary-timeout")?,
        secondary_log_level: optional(words, "secondary-log-level")?,
        secondary_gluster_log_level: optional(words, "secondary-gluster-log-level")?,
        secondary_gluster_command_dir: words.last("secondary-gluster-command-dir").map(PathBuf::from),
        secondary_access_mount: words.has("secondary-access-mount"),
        primary_dist_count: number(words, "primary-dist-count")?,
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
        2 => return Err(UsageError::syntax("status: --state-dir is for directory sessions")),
        given => {
            return Err(UsageError::syntax(format!("status: expected 2 positional arguments, got {given}")));
        }
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
    let primary = hexadecimal(&word)
        .ok_or_else(|| UsageError::syntax("serve: --primary must be 32 hexadecimal digits"))?;
    Ok(Command::Serve(ServeArgs { root: root(words, "serve")?, primary }))
}

fn restricted(words: &Words) -> Result<Command, UsageError> {
    Ok(Command::Restricted { root: root(words, "restricted")? })
}

fn root(words: &Words, command: &str) -> Result<PathBuf, UsageError> {
    let path = path(words, "root");
    if path.is_absolute() {
        Ok(path)
    } else {
        Err(UsageError::syntax(format!("{command}: --root must be an absolute path")))
    }
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
        return Err(UsageError::syntax("config-set: --name and --value are needed"));
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
