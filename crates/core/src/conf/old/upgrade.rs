//! What is put right in every old file before it is used (spec: glusterd-interface 4.6).

use super::section::Section;
use crate::conf::ini::Document;

/// Which releases of the old generation the file is for: told by what their glusterds say at their start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Release {
    /// 3.7 up to 3.7.11.
    Early,
    /// To 3.9: files of the monitor have plain names, sections name volumes.
    Plain,
    /// From 3.10: logs of the serving end are named by node and brick.
    Named,
}

impl Release {
    /// Judges by the template that glusterd fills at its start (spec: glusterd-interface 2.2).
    #[must_use]
    pub fn of(template: &Document) -> Release {
        let says = |section: &str, key: &str, word: &str| {
            template.entries(section).any(|(found, value)| found == key && value.contains(word))
        };
        match () {
            () if says("peersrx .", "log_file", "${local_node}") => Release::Named,
            () if says("peersrx . .", "pid_file", "/monitor.pid") => Release::Plain,
            () => Release::Early,
        }
    }
}

/// Directories that come into the rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Places<'a> {
    /// `GD`: glusterd's directory of sessions.
    pub sessions: &'a str,
    /// `DATADIR`: `/var`.
    pub data: &'a str,
}

/// A rule: in a section that exists, an absent option, or one of the old value, gets the new value.
struct Rule {
    section: &'static str,
    option: &'static str,
    /// Empty: only where the option is absent or empty.
    old: String,
    new: String,
    since: Release,
}

const BOTH: &str = "peersrx . .";
const SERVING: &str = "peersrx .";
const SESSION: &str = "${mastervol}_${remotehost}_${slavevol}/";

#[rustfmt::skip]
fn rules(places: Places<'_>) -> Vec<Rule> {
    let Places { sessions, data } = places;
    let rule = |section, option, old: String, new: String, since| Rule { section, option, old, new, since };
    let s = String::from;
    vec![
        rule(BOTH, "georep_session_working_dir", s(""), format!("{sessions}/{SESSION}"), Release::Early),
        rule(SERVING, "gluster_params", s("aux-gfid-mount xlator-option=\\*-dht.assert-no-child-down=true"), s("aux-gfid-mount"), Release::Early),
        rule(SERVING, "gluster_params", s("aux-gfid-mount"), s("aux-gfid-mount acl"), Release::Early),
        rule(BOTH, "ssh_command_tar", s(""), format!("ssh -oPasswordAuthentication=no -oStrictHostKeyChecking=no -i {sessions}/tar_ssh.pem"), Release::Early),
        rule(BOTH, "changelog_log_file", s(""), s("${iprefix}/log/glusterfs/geo-replication/${mastervol}/${eSlave}${local_id}-changes.log"), Release::Early),
        rule(BOTH, "working_dir", format!("{data}/run/gluster/${{mastervol}}/${{eSlave}}"), s("${iprefix}/lib/misc/glusterfsd/${mastervol}/${eSlave}"), Release::Early),
        rule(BOTH, "ignore_deletes", s("true"), s("false"), Release::Early),
        rule(BOTH, "pid_file", format!("{sessions}/{SESSION}${{eSlave}}.pid"), format!("{sessions}/{SESSION}monitor.pid"), Release::Plain),
        rule(BOTH, "state_file", format!("{sessions}/{SESSION}${{eSlave}}.status"), format!("{sessions}/{SESSION}monitor.status"), Release::Plain),
    ]
}

/// Applies all rules of a release; tells whether anything changed. The early release's template is put right too,
/// that of later ones is left as glusterd sent it: `is_template`.
pub fn upgrade(document: &mut Document, release: Release, is_template: bool, places: Places<'_>) -> bool {
    if is_template && release > Release::Early {
        return false;
    }
    let before = document.clone();
    for rule in rules(places).iter().filter(|rule| release >= rule.since) {
        apply(document, rule);
    }
    if release >= Release::Named {
        name_logs(document);
    }
    if release >= Release::Plain {
        name_volumes(document);
    }
    *document != before
}

fn apply(document: &mut Document, rule: &Rule) {
    if !document.sections().any(|name| name == rule.section) {
        return;
    }
    let said = value(document, rule.section, rule.option);
    if said.is_none_or(|said| said == rule.old) {
        document.set(rule.section, rule.option, &rule.new, |key| key == rule.option);
    }
}

fn value(document: &Document, section: &str, option: &str) -> Option<String> {
    document.entries(section).filter(|(key, _)| *key == option).last().map(|(_, value)| value.to_owned())
}

/// The serving end's logs of 3.10 and later.
fn name_logs(document: &mut Document) {
    const OLD: &str = "${session_owner}:${eSlave}";
    const NEW: &str = "${session_owner}:${local_node}${local_id}.${slavevol}";
    for option in ["log_file", "log_file_mbr", "gluster_log_file"] {
        if let Some(said) = value(document, SERVING, option).filter(|said| said.contains(OLD)) {
            document.set(SERVING, option, &said.replace(OLD, NEW), |key| key == option);
        }
    }
}

/// `peers <address> <address>` becomes `peers <volume> <volume>`.
fn name_volumes(document: &mut Document) {
    let names: Vec<String> = document.sections().map(str::to_owned).collect();
    for name in names {
        let Some(Section::Literal(parts)) = Section::parse(&name) else { continue };
        let volumes = Section::Literal(parts.iter().map(|part| volume(part).to_owned()).collect()).name();
        if parts.len() == 2 && volumes != name {
            document.rename_section(&name, &volumes);
        }
    }
}

/// The volume of an address, a volume's name being its own: the text after the last colon.
#[must_use]
pub fn volume(address: &str) -> &str {
    address.rsplit(':').next().unwrap_or(address)
}

#[cfg(test)]
mod tests {
    use super::{Places, Release, upgrade, volume};
    use crate::conf::Document;

    #[test]
    fn rules_of_the_table() {
        let table = include_str!("../../../testdata/config-old-upgrade.txt");
        let mut rows = 0;
        for row in table.split("\n=== ").skip(1) {
            let (title, rest) = row.split_once('\n').unwrap();
            let (before, after) = rest.split_once("=>\n").unwrap();
            let mut words = title.split(' ');
            let release = match words.next() {
                Some("early") => Release::Early,
                Some("plain") => Release::Plain,
                _ => Release::Named,
            };
            let is_template = words.next() == Some("template:");
            let mut document = Document::parse_old(before.as_bytes());
            let places = Places { sessions: "/w", data: "/var" };
            let changed = upgrade(&mut document, release, is_template, places);
            let shown = String::from_utf8(document.render()).unwrap();
            assert_eq!(
                (shown.trim_end(), changed),
                (after.trim_end(), before.trim_end() != after.trim_end()),
                "{title}"
            );
            assert!(!upgrade(&mut document, release, is_template, places), "{title}: twice");
            rows += 1;
        }
        assert!(rows >= 13, "{rows}");
    }

    #[test]
    fn the_template_tells_the_release() {
        for (pid, log, want) in [
            ("/w/${eSlave}.pid", "${eSlave}.log", Release::Early),
            ("/w/monitor.pid", "${eSlave}.log", Release::Plain),
            ("/w/monitor.pid", "${local_node}.log", Release::Named),
        ] {
            let text = format!("[peersrx . .]\npid-file = {pid}\n[peersrx .]\nlog_file = {log}\n");
            assert_eq!(Release::of(&Document::parse_old(text.as_bytes())), want, "{text}");
        }
        assert_eq!(volume("ssh://root@127.0.0.1:gluster://127.0.0.1:svol"), "svol");
        assert_eq!(volume("svol"), "svol");
    }
}
