//! Every action that is not about settings: how its words become a command.

use super::addresses::{pair, served, urls};
use super::given::{check_level, common};
use super::string;
use crate::cli::words::Words;
use crate::cli::{Command, DeleteArgs, MonitorArgs, OldRole, StatusArgs, UrlStyle, UsageError};
use crate::url::Secondary;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::PathBuf;

pub(super) fn monitor(words: &Words) -> Result<Command, UsageError> {
    check_level(words)?;
    Ok(Command::Monitor(MonitorArgs {
        session: pair(words)?,
        common: common(words),
        local_node_id: string(words, "glusterd-uuid")?,
        pause_on_start: words.has("pause-on-start"),
        foreground: words.has("debug") || words.has("no-daemon"),
    }))
}

pub(super) fn status(words: &Words) -> Result<Command, UsageError> {
    check_level(words)?;
    Ok(Command::Status(StatusArgs {
        session: pair(words)?,
        common: common(words),
        local_paths: words.all("path").map(PathBuf::from).collect(),
        json: false,
    }))
}

pub(super) fn canonicalize_urls(words: &Words) -> Result<Command, UsageError> {
    print_urls(words, UrlStyle::Canonical)
}

pub(super) fn normalize_urls(words: &Words) -> Result<Command, UsageError> {
    print_urls(words, UrlStyle::Normal)
}

pub(super) fn escape_urls(words: &Words) -> Result<Command, UsageError> {
    print_urls(words, UrlStyle::Escaped)
}

fn print_urls(words: &Words, style: UrlStyle) -> Result<Command, UsageError> {
    Ok(Command::PrintUrls { urls: urls(words)?, style, inet6: words.has("inet6") })
}

pub(super) fn volume_uuid(words: &Words) -> Result<Command, UsageError> {
    let target = Secondary::parse(&string(words, "secondaryvoluuid-get")?)?;
    Ok(Command::VolumeUuid { host: target.host, volume: target.volume, inet6: words.has("inet6") })
}

pub(super) fn monitor_status(words: &Words) -> Result<Command, UsageError> {
    check_level(words)?;
    Ok(Command::MonitorStatus {
        session: pair(words)?,
        common: common(words),
        text: string(words, "create")?,
    })
}

pub(super) fn listen(words: &Words) -> Result<Command, UsageError> {
    served(words)?;
    Ok(Command::Old(OldRole::Listen))
}

pub(super) fn agent(words: &Words) -> Result<Command, UsageError> {
    let _session = pair(words)?;
    Ok(Command::Old(OldRole::Agent))
}

pub(super) fn delete(words: &Words) -> Result<Command, UsageError> {
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
