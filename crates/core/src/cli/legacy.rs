//! The option syntax that every glusterd speaks, from 3.7 to today (spec: glusterd-interface 1.4, 3.1, 3.7).
//! The words of all releases are in the tables; the meaning is that of releases 4 and later.

use super::words::{Flag, Unknown, Words, short, split, switch, value};
use super::{
    Command, Common, ConfigGetArgs, DeleteArgs, MonitorArgs, Session, StatusArgs, UsageError, session, text,
};
use crate::url::Secondary;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::PathBuf;

/// How an action's words become a command.
type Build = fn(&Words) -> Result<Command, UsageError>;

/// Words that select what to do, in the order in which they are looked for. `--config-set` takes its two words
/// itself, because the second one may be `--value=VALUE`.
const ACTIONS: &[(Flag, Build)] = &[
    (switch("monitor"), monitor),
    (switch("status-get"), status),
    (switch("canonicalize-url"), canonicalize_urls),
    (switch("normalize-url"), normalize_urls),
    (switch("config-get-all"), config_get_all),
    (value("verify"), |_| Ok(Command::Verify)),
    (value("secondaryvoluuid-get"), volume_uuid),
    (Flag { name: "config-set-rx", short: 0, arity: 2 }, register_config),
    (value("create"), monitor_status),
    (value("config-get"), config_get),
    (Flag { name: "config-set", short: 0, arity: 2 }, config_set),
    (value("config-check"), config_check),
    (value("config-del"), config_reset),
    (switch("delete"), delete),
    (Flag { name: "config-set-glob", short: 0, arity: 2 }, unsupported),
    (value("config-del-glob"), unsupported),
    (value("config-del-rx"), unsupported),
    (switch("canonicalize-escape-url"), unsupported),
    (switch("listen"), unsupported),
    (switch("agent"), unsupported),
];

/// Everything else that any release may say. Most are settings of the old generation, accepted and not used.
const SETTINGS: &[Flag] = &[
    short("config-file", b'c', 1),
    short("pid-file", b'p', 1),
    short("log-file", b'l', 1),
    short("log-level", b'L', 1),
    short("remote-gsyncd", b'r', 1),
    short("ssh-command", b's', 1),
    short("no-daemon", b'N', 0),
    switch("debug"),
    switch("inet6"),
    switch("inet"),
    value("iprefix"),
    value("path"),
    value("path-list"),
    switch("reset-sync-time"),
    switch("pause-on-start"),
    value("glusterd-uuid"),
    value("gluster-command-dir"),
    value("gluster-log-file"),
    value("gluster-log-level"),
    value("gluster-params"),
    value("gluster-cli-options"),
    value("mountbroker"),
    value("changelog-log-file"),
    value("changelog-log-level"),
    value("log-file-mbr"),
    value("state-file"),
    value("state-detail-file"),
    value("georep-session-working-dir"),
    value("working-dir"),
    value("state-socket-unencoded"),
    switch("ignore-deletes"),
    switch("isolated-secondary"),
    switch("use-rsync-xattrs"),
    switch("log-rsync-performance"),
    switch("use-meta-volume"),
    switch("use-tarssh"),
    switch("is-hottier"),
    switch("sync-xattrs"),
    switch("sync-acls"),
    switch("access-mount"),
    value("volume-id"),
    value("secondary-id"),
    value("session-owner"),
    value("local-id"),
    value("local-path"),
    value("local-node"),
    value("local-node-id"),
    value("ssh-port"),
    value("ssh-command-tar"),
    value("rsync-command"),
    value("rsync-options"),
    value("rsync-ssh-options"),
    value("rsync-opt-ignore-missing-args"),
    value("rsync-opt-existing"),
    value("max-rsync-retries"),
    value("timeout"),
    value("connection-timeout"),
    value("sync-jobs"),
    value("replica-failover-interval"),
    value("changelog-archive-format"),
    value("changelog-batch-size"),
    value("meta-volume-mnt"),
    value("turns"),
    value("allow-network"),
    value("socketdir"),
    value("checkpoint"),
    value("special-sync-mode"),
    value("change-detector"),
    value("change-interval"),
    value("rpc-fd"),
    value("subvol-num"),
    value("resource-local"),
    value("resource-remote"),
    value("feedback-fd"),
];

/// Reads glusterd's argv.
///
/// # Errors
/// Exit 1 for missing positionals and malformed addresses; exit 2 for actions that releases 4 and later refuse.
pub(super) fn parse(argv: &[OsString]) -> Result<Command, UsageError> {
    let actions: Vec<Flag> = ACTIONS.iter().map(|(flag, _)| *flag).collect();
    let words = split(argv, &[&actions, SETTINGS], Unknown::Skip)?;
    let chosen = ACTIONS.iter().find(|(flag, _)| words.has(flag.name));
    match chosen {
        Some((_, build)) => build(&words),
        None => Err(UsageError::syntax("no action is given; see gsyncd --help")),
    }
}

/// The names of all options in argv, in primary/secondary words.
pub(super) fn given(argv: &[OsString]) -> Result<Vec<&'static str>, UsageError> {
    let actions: Vec<Flag> = ACTIONS.iter().map(|(flag, _)| *flag).collect();
    Ok(split(argv, &[&actions, SETTINGS], Unknown::Skip)?.names())
}

/// Whether `name` (without dashes) is the name of an action or begins one, in either vocabulary.
pub(super) fn is_action(name: &[u8]) -> bool {
    let Ok(name) = std::str::from_utf8(name) else { return false };
    let name = super::words::modern(name);
    !name.is_empty() && ACTIONS.iter().any(|(flag, _)| flag.name.starts_with(&name))
}

fn unsupported(words: &Words) -> Result<Command, UsageError> {
    let name = ACTIONS.iter().find(|(flag, _)| words.has(flag.name)).map_or("", |(flag, _)| flag.name);
    Err(UsageError::syntax(format!("--{name} of the old generation is not supported")))
}

/// `-c` is never taken over: glusterd passes the template while there is no session yet, and the answer must be
/// the same for both (spec: glusterd-interface 2.5).
fn common(words: &Words) -> Common {
    Common { debug: words.has("debug"), config_file: None, inet6: words.has("inet6") }
}

fn pair(words: &Words) -> Result<Session, UsageError> {
    match words.positionals.as_slice() {
        [primary, secondary] => session(primary, secondary),
        _ => Err(UsageError::meaning("incorrect number of arguments: expected <primary> <secondary>")),
    }
}

fn urls(words: &Words) -> Result<Vec<Secondary>, UsageError> {
    words.positionals.iter().map(|word| Ok(Secondary::parse(&text(word, "the secondary")?)?)).collect()
}

fn string(words: &Words, name: &str) -> Result<String, UsageError> {
    text(words.last(name).unwrap_or_default(), &format!("--{name}"))
}

fn monitor(words: &Words) -> Result<Command, UsageError> {
    Ok(Command::Monitor(MonitorArgs {
        session: pair(words)?,
        common: common(words),
        local_node_id: string(words, "glusterd-uuid")?,
        pause_on_start: words.has("pause-on-start"),
    }))
}

fn status(words: &Words) -> Result<Command, UsageError> {
    Ok(Command::Status(StatusArgs {
        session: pair(words)?,
        common: common(words),
        local_paths: words.all("path").map(PathBuf::from).collect(),
        json: false,
    }))
}

fn canonicalize_urls(words: &Words) -> Result<Command, UsageError> {
    Ok(Command::CanonicalizeUrls { urls: urls(words)?, inet6: words.has("inet6") })
}

fn normalize_urls(words: &Words) -> Result<Command, UsageError> {
    Ok(Command::NormalizeUrls(urls(words)?))
}

fn config_get_all(words: &Words) -> Result<Command, UsageError> {
    Ok(Command::ConfigGet(ConfigGetArgs {
        session: pair(words)?,
        common: common(words),
        name: None,
        show_defaults: true,
        only_value: false,
        use_underscore: true,
        json: false,
    }))
}

fn config_get(words: &Words) -> Result<Command, UsageError> {
    Ok(Command::ConfigGet(ConfigGetArgs {
        session: pair(words)?,
        common: common(words),
        name: Some(string(words, "config-get")?),
        show_defaults: true,
        only_value: true,
        use_underscore: false,
        json: false,
    }))
}

fn volume_uuid(words: &Words) -> Result<Command, UsageError> {
    let target = Secondary::parse(&string(words, "secondaryvoluuid-get")?)?;
    Ok(Command::VolumeUuid { host: target.host, volume: target.volume, inet6: words.has("inet6") })
}

fn two(words: &Words, name: &str) -> (OsString, OsString) {
    let mut values = words.all(name);
    let first = values.next().unwrap_or_default().to_owned();
    (first, values.next().unwrap_or_default().to_owned())
}

fn register_config(words: &Words) -> Result<Command, UsageError> {
    let (name, value) = two(words, "config-set-rx");
    let file = words.last("config-file").map(PathBuf::from).unwrap_or_default();
    Ok(Command::RegisterConfig { file, name: text(&name, "the option's name")?, value })
}

fn monitor_status(words: &Words) -> Result<Command, UsageError> {
    Ok(Command::MonitorStatus {
        session: pair(words)?,
        common: common(words),
        text: string(words, "create")?,
    })
}

/// glusterd 5 and later say `NAME --value=VALUE`, earlier ones `NAME VALUE`.
fn config_set(words: &Words) -> Result<Command, UsageError> {
    let (name, value) = two(words, "config-set");
    let name = text(&name, "the option's name")?;
    if name.replace('_', "-") == "session-owner" {
        return Ok(Command::SessionOwner(pair(words)?));
    }
    let value = match value.as_bytes().strip_prefix(b"--value=") {
        Some(value) => OsStr::from_bytes(value).to_owned(),
        None => value,
    };
    let value = text(&value, "the option's value")?;
    Ok(Command::ConfigSet { session: pair(words)?, common: common(words), name, value })
}

fn config_check(words: &Words) -> Result<Command, UsageError> {
    Ok(Command::ConfigCheck { name: string(words, "config-check")?, value: None })
}

fn config_reset(words: &Words) -> Result<Command, UsageError> {
    Ok(Command::ConfigReset {
        session: pair(words)?,
        common: common(words),
        name: string(words, "config-del")?,
    })
}

fn delete(words: &Words) -> Result<Command, UsageError> {
    Ok(Command::Delete(DeleteArgs {
        session: pair(words)?,
        common: common(words),
        paths: words.last("path-list").map(path_list).unwrap_or_default(),
        reset_sync_time: words.has("reset-sync-time"),
    }))
}

/// `--path=/b1 --path=/b2 ` in one word; `(null)` on a node without bricks.
fn path_list(word: &OsStr) -> Vec<PathBuf> {
    const MARK: &[u8] = b"--path=";
    let mut paths = Vec::new();
    let mut rest = word.as_bytes();
    while let Some(start) = find(rest, MARK).map(|at| at + MARK.len()) {
        let tail = rest.get(start..).unwrap_or_default();
        let end = find(tail, MARK).unwrap_or(tail.len());
        let (path, next) = tail.split_at_checked(end).unwrap_or((tail, &[]));
        paths.push(PathBuf::from(OsString::from_vec(path.trim_ascii_end().to_vec())));
        rest = next;
    }
    paths
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|window| window == needle)
}
