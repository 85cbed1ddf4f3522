//! The option syntax that every glusterd speaks, from 3.7 to today (spec: glusterd-interface 1.4, 3.1 to 3.3, 3.7).
//! The words of all releases are in one table; where the generations differ, the later one decides.

use super::tunables::{Role, SEED};
use super::words::{Flag, Style, Value, Words, integer, split};
use super::{
    Command, Common, ConfigGetArgs, DeleteArgs, Given, MonitorArgs, OldRole, RuleArgs, RuleScope, Session,
    StatusArgs, Topic, UrlStyle, UsageError, directory, text,
};
use crate::url::{Resource, Secondary, Target, is_volume};
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::PathBuf;

/// How an action's words become a command.
type Build = fn(&Words) -> Result<Command, UsageError>;

/// The actions in the order in which they are looked for (spec: glusterd-interface 3.7). `--config-set` takes its two
/// words itself, because the second one may be `--value=VALUE`.
const ACTIONS: &[(&str, Build)] = &[
    ("version", |_| Ok(Command::Version)),
    ("help", |_| Ok(Command::Help(Topic::All))),
    ("monitor", monitor),
    ("status-get", status),
    ("canonicalize-url", canonicalize_urls),
    ("normalize-url", normalize_urls),
    ("canonicalize-escape-url", escape_urls),
    ("config-get-all", config_get_all),
    ("verify", |_| Ok(Command::Verify)),
    ("secondaryvoluuid-get", volume_uuid),
    ("config-set-rx", |words| set_rule(words, "config-set-rx", RuleScope::Regex)),
    ("create", monitor_status),
    ("config-get", config_get),
    ("config-set", config_set),
    ("config-check", config_check),
    ("config-del", config_reset),
    ("delete", delete),
    ("config-set-glob", |words| set_rule(words, "config-set-glob", RuleScope::Glob)),
    ("config-del-glob", |words| delete_rule(words, "config-del-glob", RuleScope::Glob)),
    ("config-del-rx", |words| delete_rule(words, "config-del-rx", RuleScope::Regex)),
    ("listen", listen),
    ("agent", agent),
];

const COUNT: &str =
    "error: incorrect number of arguments\n\nUsage: gsyncd [options...] <primary> <secondary>\n";

/// Reads glusterd's argv.
///
/// # Errors
/// Exit 2 for words that do not fit the table, exit 1 for missing positionals and malformed addresses.
pub(super) fn parse(argv: &[OsString]) -> Result<Command, UsageError> {
    let words = sort(argv)?;
    let chosen = ACTIONS.iter().find(|(name, _)| words.has(name));
    // an option of directories is known, but not what is meant
    let unknown = words.unknown.iter().find(|name| !directory::is_option(name));
    match (chosen, unknown) {
        (Some((_, build)), _) => build(&words),
        (None, Some(unknown)) => Err(UsageError::syntax(format!("no such option: {unknown}")).within("")),
        (None, None) => Err(UsageError::syntax("no action is given; see gsyncd --help")),
    }
}

/// The names of all options that argv gives, in order, in primary/secondary words.
///
/// # Errors
/// Those of [`parse`] that are about options.
pub(super) fn given(argv: &[OsString]) -> Result<Vec<&'static str>, UsageError> {
    Ok(sort(argv)?.names().collect())
}

/// The names of all actions, in the order in which they are looked for.
#[cfg(test)]
pub(super) fn actions() -> impl Iterator<Item = &'static str> {
    ACTIONS.iter().map(|(name, _)| *name)
}

/// Whether `name` (without dashes) is the name of an action or begins one, in either vocabulary.
pub(super) fn is_action(name: &[u8]) -> bool {
    let Ok(name) = std::str::from_utf8(name) else { return false };
    let name = super::words::modern(name);
    let mut actions = SEED.iter().filter(|option| option.role == Role::Action);
    !name.is_empty() && actions.any(|option| option.name().starts_with(&name))
}

fn sort(argv: &[OsString]) -> Result<Words, UsageError> {
    let flags: Vec<&'static Flag> = SEED.iter().map(|option| &option.flag).collect();
    split(argv, &flags, Style::Options).map_err(|error| error.within(""))
}

fn failure(message: impl std::fmt::Display) -> UsageError {
    UsageError::meaning(format!("failure: {message}"))
}

/// `-c` is never taken over: glusterd passes the template while there is no session yet, and the answer must be
/// the same for both (spec: glusterd-interface 2.5).
fn common(words: &Words) -> Common {
    Common { debug: words.has("debug"), config_file: None, inet6: words.has("inet6"), given: tunables(words) }
}

/// What is set for this run: it wins over the config file (spec: glusterd-interface 3.3).
fn tunables(words: &Words) -> Vec<Given> {
    let set = |name: &'static str, value: Value| match value {
        Value::None => Some(Given { name, value: OsString::from("true") }),
        Value::Int => words.last(name).and_then(integer).map(|n| Given { name, value: n.to_string().into() }),
        Value::Path => words.last(name).map(|path| Given { name, value: absolute(path) }),
        Value::Text => words.last(name).map(|value| Given { name, value: value.to_owned() }),
    };
    let options = SEED.iter().filter(|option| option.role == Role::Tunable && words.has(option.name()));
    options.filter(|option| option.name() != "path").filter_map(|o| set(o.name(), o.value())).collect()
}

/// glusterd's children run in `/`, so that is what a path is relative to (spec: glusterd-interface 1.1).
fn absolute(path: &OsStr) -> OsString {
    if path.is_empty() || path == "-" || path.as_bytes().starts_with(b"/") {
        return path.to_owned();
    }
    let mut absolute = OsString::from("/");
    absolute.push(path);
    absolute
}

/// A log level that is given must be one (spec: glusterd-interface 3.3).
fn check_level(words: &Words) -> Result<(), UsageError> {
    const LEVELS: [&str; 8] = ["CRITICAL", "FATAL", "ERROR", "WARN", "WARNING", "INFO", "DEBUG", "NOTSET"];
    let Some(level) = words.last("log-level") else { return Ok(()) };
    let is_one = level.to_str().is_some_and(|level| LEVELS.contains(&level.to_uppercase().as_str()));
    if is_one {
        return Ok(());
    }
    Err(failure(format_args!("cannot recognize log level \"{}\"", level.as_bytes().escape_ascii())))
}

/// All addresses: `--resource-local` and `--resource-remote` come first.
fn addresses(words: &Words) -> Result<Vec<OsString>, UsageError> {
    let named = |name: &'static str| words.last(name).map(OsStr::to_owned);
    let (local, remote) = (named("resource-local"), named("resource-remote"));
    if local.is_none() && remote.is_some() && words.positionals.is_empty() {
        return Err(failure("local resource unspecfied"));
    }
    let mut all = words.positionals.clone();
    if let Some(local) = local {
        all.insert(0, local);
    }
    if let Some(remote) = remote {
        all.insert(1.min(all.len()), remote);
    }
    Ok(all)
}

fn pair(words: &Words) -> Result<Session, UsageError> {
    match addresses(words)?.as_slice() {
        [primary, secondary] => session(primary, secondary),
        [only] if is_about_settings(words) => Err(alone(only)),
        [] if words.has("config-get") || words.has("config-get-all") => {
            Err(failure("no peers given, cannot select matching options"))
        }
        _ => Err(UsageError::meaning(COUNT)),
    }
}

/// Actions on settings may have fewer addresses (spec: glusterd-interface 3.2).
fn is_about_settings(words: &Words) -> bool {
    words.names().any(|name| name.starts_with("config-") && name != "config-file")
}

/// One address is that of a serving end; a secondary has none beside its own.
fn alone(word: &OsStr) -> UsageError {
    match resource(word) {
        Err(error) => error,
        Ok(only) if matches!(only.target, Target::Ssh { .. }) => cannot_work(&only, None),
        Ok(only) => failure(format_args!("{}: a serving end alone has no settings here", only.body())),
    }
}

fn cannot_work(local: &Resource, remote: Option<&Resource>) -> UsageError {
    failure(format_args!("{} cannot work with {}", local.body(), remote.map_or("None", Resource::body)))
}

fn resource(word: &OsStr) -> Result<Resource, UsageError> {
    Resource::parse(&text(word, "the address")?).map_err(failure)
}

/// A volume here, and one behind ssh.
fn session(primary: &OsStr, secondary: &OsStr) -> Result<Session, UsageError> {
    // releases 4 and later take the name with or without colons around it
    let local = match primary.to_str().map(|name| name.trim_matches(':')) {
        Some(name) if is_volume(name) => resource(OsStr::new(&format!(":{name}")))?,
        _ => resource(primary)?,
    };
    let remote = resource(secondary)?;
    let (Target::Gluster { volume, .. }, Some(secondary)) = (&local.target, remote.secondary()) else {
        return Err(cannot_work(&local, Some(&remote)));
    };
    if !is_volume(volume) {
        return Err(failure(format_args!("malformed primary volume '{}'", volume.escape_debug())));
    }
    Ok(Session { primary: volume.clone(), secondary })
}

/// One volume, for those that serve (spec: glusterd-interface 3.2).
fn served(words: &Words) -> Result<(), UsageError> {
    let all = addresses(words)?;
    match all.as_slice() {
        [local] => {
            let local = resource(local)?;
            match local.target {
                Target::Ssh { .. } => Err(cannot_work(&local, None)),
                _ => Ok(()),
            }
        }
        [local, remote] => session(local, remote).map(drop),
        _ => Err(UsageError::meaning(COUNT)),
    }
}

fn listen(words: &Words) -> Result<Command, UsageError> {
    served(words)?;
    Ok(Command::Old(OldRole::Listen))
}

fn agent(words: &Words) -> Result<Command, UsageError> {
    let _session = pair(words)?;
    Ok(Command::Old(OldRole::Agent))
}

fn urls(words: &Words) -> Result<Vec<Resource>, UsageError> {
    addresses(words)?.iter().map(|word| resource(word)).collect()
}

fn string(words: &Words, name: &str) -> Result<String, UsageError> {
    text(words.last(name).unwrap_or_default(), &format!("--{name}"))
}

fn monitor(words: &Words) -> Result<Command, UsageError> {
    check_level(words)?;
    Ok(Command::Monitor(MonitorArgs {
        session: pair(words)?,
        common: common(words),
        local_node_id: string(words, "glusterd-uuid")?,
        pause_on_start: words.has("pause-on-start"),
        foreground: words.has("debug") || words.has("no-daemon"),
    }))
}

fn status(words: &Words) -> Result<Command, UsageError> {
    check_level(words)?;
    Ok(Command::Status(StatusArgs {
        session: pair(words)?,
        common: common(words),
        local_paths: words.all("path").map(PathBuf::from).collect(),
        json: false,
    }))
}

fn canonicalize_urls(words: &Words) -> Result<Command, UsageError> {
    print_urls(words, UrlStyle::Canonical)
}

fn normalize_urls(words: &Words) -> Result<Command, UsageError> {
    print_urls(words, UrlStyle::Normal)
}

fn escape_urls(words: &Words) -> Result<Command, UsageError> {
    print_urls(words, UrlStyle::Escaped)
}

fn print_urls(words: &Words, style: UrlStyle) -> Result<Command, UsageError> {
    Ok(Command::PrintUrls { urls: urls(words)?, style, inet6: words.has("inet6") })
}

/// The session whose settings are asked for (spec: glusterd-interface 4.2).
fn asked_session(words: &Words) -> Result<Session, UsageError> {
    if addresses(words)?.is_empty() {
        return Err(failure("no peers given, cannot select matching options"));
    }
    pair(words)
}

fn config_get_all(words: &Words) -> Result<Command, UsageError> {
    Ok(Command::ConfigGet(ConfigGetArgs {
        session: asked_session(words)?,
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
        session: asked_session(words)?,
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

/// The two words of the last occurrence.
fn two(words: &Words, name: &str) -> (OsString, OsString) {
    match words.last_values(name) {
        [first, second] => (first.clone(), second.clone()),
        _ => (OsString::new(), OsString::new()),
    }
}

/// glusterd 5 and later say `NAME --value=VALUE`, earlier ones `NAME VALUE`.
fn name_and_value(words: &Words, action: &str) -> Result<(String, OsString), UsageError> {
    let (name, value) = two(words, action);
    let value = match value.as_bytes().strip_prefix(b"--value=") {
        Some(value) => OsStr::from_bytes(value).to_owned(),
        None => value,
    };
    Ok((text(&name, "the option's name")?, value))
}

fn set_rule(words: &Words, action: &str, scope: RuleScope) -> Result<Command, UsageError> {
    let (name, value) = name_and_value(words, action)?;
    // A glusterd does not start when this fails, so nothing is too strange.
    rule(words, scope, name, Some(value.to_string_lossy().into_owned()))
}

fn delete_rule(words: &Words, action: &str, scope: RuleScope) -> Result<Command, UsageError> {
    rule(words, scope, string(words, action)?, None)
}

/// Without addresses it is for all sessions (spec: glusterd-interface 4.2).
fn rule(words: &Words, scope: RuleScope, name: String, value: Option<String>) -> Result<Command, UsageError> {
    let patterns = words.positionals.iter().map(|word| text(word, "a pattern"));
    let patterns = patterns.collect::<Result<Vec<String>, UsageError>>()?;
    let file = words.last("config-file").map(PathBuf::from);
    let args = if patterns.is_empty() {
        let all = vec![".".to_owned(), ".".to_owned()];
        RuleArgs { file, scope: RuleScope::Regex, patterns: all, name, value }
    } else {
        RuleArgs { file, scope, patterns, name, value }
    };
    Ok(Command::ConfigRule(args))
}

fn monitor_status(words: &Words) -> Result<Command, UsageError> {
    check_level(words)?;
    Ok(Command::MonitorStatus {
        session: pair(words)?,
        common: common(words),
        text: string(words, "create")?,
    })
}

fn config_set(words: &Words) -> Result<Command, UsageError> {
    let (name, value) = name_and_value(words, "config-set")?;
    let value = text(&value, "the option's value")?;
    if addresses(words)?.is_empty() {
        return rule(words, RuleScope::Regex, name, Some(value));
    }
    let (session, common) = (pair(words)?, common(words));
    if name.replace('_', "-") == "session-owner" {
        return Ok(Command::SessionOwner { session, common, owner: value });
    }
    Ok(Command::ConfigSet { session, common, name, value })
}

fn config_check(words: &Words) -> Result<Command, UsageError> {
    Ok(Command::ConfigCheck { name: string(words, "config-check")?, value: None })
}

fn config_reset(words: &Words) -> Result<Command, UsageError> {
    if addresses(words)?.is_empty() {
        return delete_rule(words, "config-del", RuleScope::Regex);
    }
    Ok(Command::ConfigReset {
        session: pair(words)?,
        common: common(words),
        name: string(words, "config-del")?,
    })
}

fn delete(words: &Words) -> Result<Command, UsageError> {
    check_level(words)?;
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
