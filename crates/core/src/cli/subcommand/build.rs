//! How the words of each subcommand become a command.

use crate::cli::words::{Words, integer};
use crate::cli::{
    Command, Common, ConfigGetArgs, DeleteArgs, MonitorArgs, SecondaryArgs, ServeArgs, Session, SessionsArgs,
    StatusArgs, UsageError, WorkerArgs, session, text,
};
use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

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

pub(super) fn monitor(words: &Words) -> Result<Command, UsageError> {
    Ok(Command::Monitor(MonitorArgs {
        session: pair(words)?,
        common: common(words),
        local_node_id: string(words, "local-node-id")?,
        pause_on_start: words.has("pause-on-start"),
        foreground: words.has("debug"),
    }))
}

pub(super) fn worker(words: &Words) -> Result<Command, UsageError> {
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

pub(super) fn secondary(words: &Words) -> Result<Command, UsageError> {
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
pub(super) fn status(words: &Words) -> Result<Command, UsageError> {
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

pub(super) fn serve(words: &Words) -> Result<Command, UsageError> {
    let word = string(words, "primary")?;
    let primary =
        hexadecimal(&word).ok_or_else(|| UsageError::syntax("--primary must be 32 hexadecimal digits"))?;
    Ok(Command::Serve(ServeArgs { root: root(words)?, primary }))
}

pub(super) fn restricted(words: &Words) -> Result<Command, UsageError> {
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

pub(super) fn monitor_status(words: &Words) -> Result<Command, UsageError> {
    let text = text(positional(words, 2), "the status")?;
    Ok(Command::MonitorStatus { session: pair(words)?, common: common(words), text })
}

pub(super) fn config_check(words: &Words) -> Result<Command, UsageError> {
    let name = text(positional(words, 0), "the option's name")?;
    Ok(Command::ConfigCheck { name, value: optional(words, "value")? })
}

pub(super) fn config_get(words: &Words) -> Result<Command, UsageError> {
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
pub(super) fn config_set(words: &Words) -> Result<Command, UsageError> {
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

pub(super) fn config_reset(words: &Words) -> Result<Command, UsageError> {
    let name = text(positional(words, 2), "the option's name")?;
    Ok(Command::ConfigReset { session: pair(words)?, common: common(words), name })
}

pub(super) fn volume_uuid(words: &Words) -> Result<Command, UsageError> {
    Ok(Command::VolumeUuid {
        host: text(positional(words, 0), "the host")?,
        volume: text(positional(words, 1), "the volume")?,
        inet6: words.has("inet6"),
    })
}

pub(super) fn delete(words: &Words) -> Result<Command, UsageError> {
    Ok(Command::Delete(DeleteArgs {
        session: pair(words)?,
        common: common(words),
        paths: words.all("path").map(PathBuf::from).collect(),
        reset_sync_time: words.has("reset-sync-time"),
    }))
}
