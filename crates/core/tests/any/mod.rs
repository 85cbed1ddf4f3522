//! What to give the parsers: bytes of any kind, and what is nearly right.

use proptest::collection::vec;
use proptest::prelude::{BoxedStrategy, Just, Strategy, any, prop_oneof};
use proptest::sample::select;

/// Keys of both generations of config files, and what else may be in one.
const KEYS: &[&str] = &[
    "sync-jobs",
    "sync_jobs",
    "log-level",
    "log_level",
    "log-file",
    "log_file",
    "state-file",
    "state_file",
    "pid-file",
    "pid_file",
    "working-dir",
    "working_dir",
    "georep-session-working-dir",
    "georep_session_working_dir",
    "state-socket-unencoded",
    "checkpoint",
    "ssh-port",
    "ssh-command",
    "ssh_command",
    "use-tarssh",
    "ignore_deletes",
    "gluster-rundir",
    "glusterd-workdir",
    "gsyncd-miscdir",
    "gluster-logdir",
    "stime-xattr-prefix",
    "remote_gsyncd",
    "slave-timeout",
    "timeout",
    "version",
    "__section_order__",
    "peers gluster://127.0.0.1:pvol",
    "nonsense",
];
const HEADINGS: &[&str] = &[
    "[vars]",
    "[__meta__]",
    "[__section_order__]",
    "[peers pvol svol]",
    "[peersrx . .]",
    "[peersrx . ^ssh:]",
    "[peersrx .]",
    "[peersrx (a ]",
    "[peersrx .* %5essh%3a]",
    "[peers gluster%3A%2F%2F127.0.0.1%3Apvol ssh%3A]",
    "[vars",
    "[]",
];
const VALUES: &[&str] = &[
    "",
    "5",
    "0",
    "-1",
    "99999999999999999999",
    "true",
    "FALSE",
    "INFO",
    "x",
    "../x",
    ".",
    "..",
    "/scratch/p",
    "/scratch/q/r",
    "${primary}",
    "${state-file}",
    "${match1_1}",
    "${mastervol}/${eSlave}",
    "${",
    "a${b}c",
    "é ü",
    "/scratch/${match2_1}",
    "%d",
    "rsync",
    "tarssh",
    "2026-01-01",
    "\u{0}",
];
const STATUS_KEYS: &[&str] = &[
    "worker_status",
    "slave_node",
    "secondary_node",
    "last_synced",
    "last_synced_entry",
    "crawl_status",
    "entry",
    "data",
    "meta",
    "failures",
    "checkpoint_completed",
    "checkpoint_time",
    "checkpoint_completion_time",
    "last_error",
    "last_error_time",
    "lag_seconds",
    "backlog",
    "quarantined",
    "other",
];
const STATUS_VALUES: &[&str] = &[
    "0",
    "1",
    "-1",
    "1.5",
    "1e400",
    "18446744073709551615",
    "99999999999999999999999",
    "\"\"",
    "\"Active\"",
    "\"Passive\"",
    "\"Faulty\"",
    "\"a\\nb\"",
    "\"\\u0000\"",
    "\"N/A\"",
    "\"Yes\"",
    "null",
    "true",
    "[]",
    "{}",
    "253402300800",
    "-99999999999",
    "\"1795356663\"",
];
const MONITOR_TEXTS: &[&str] =
    &["Created", "Started", "Paused", "Stopped", "Config Corrupted", "\n", "x\ny", ""];

/// Bytes of any kind.
pub fn any_bytes(most: usize) -> BoxedStrategy<Vec<u8>> {
    vec(any::<u8>(), 0..most).boxed()
}

/// Without `/`: a path made of junk must not lead out of the directory where the command runs.
pub fn keep_below(mut bytes: Vec<u8>) -> Vec<u8> {
    bytes.retain(|byte| *byte != b'/');
    bytes
}

/// A config file of either format, or nearly.
pub fn config_file() -> BoxedStrategy<Vec<u8>> {
    let entry = (select(KEYS), select(vec![" = ", "=", ":", " : ", ""]), select(VALUES));
    let entry = entry.prop_map(|(key, sign, value)| format!("{key}{sign}{value}").into_bytes());
    let heading = select(HEADINGS).prop_map(|text| text.as_bytes().to_vec());
    let other = select(vec!["# comment", "; x", "  continued", "\t", "", "\r", "=x"]);
    let other = other.prop_map(|text| text.as_bytes().to_vec());
    let line = prop_oneof![5 => entry, 2 => heading, 1 => other, 1 => any_bytes(20).prop_map(keep_below)];
    let lines = vec(line, 0..14).prop_map(|lines| lines.join(&b'\n'));
    prop_oneof![Just(Vec::new()), any_bytes(60).prop_map(keep_below), lines.clone(), lines].boxed()
}

/// A brick's status file, or nearly.
pub fn brick_status() -> BoxedStrategy<Vec<u8>> {
    let entry =
        (select(STATUS_KEYS), select(STATUS_VALUES)).prop_map(|(key, value)| format!("\"{key}\": {value}"));
    let object = vec(entry, 0..8).prop_map(|entries| format!("{{{}}}", entries.join(", ")).into_bytes());
    let cut = (object.clone(), 0..200_usize).prop_map(|(mut bytes, at)| {
        bytes.truncate(at);
        bytes
    });
    prop_oneof![3 => object, 1 => cut, 1 => any_bytes(60)].boxed()
}

/// The monitor's status file, or nearly.
pub fn monitor_status() -> BoxedStrategy<Vec<u8>> {
    prop_oneof![3 => select(MONITOR_TEXTS).prop_map(|text| text.as_bytes().to_vec()), 1 => any_bytes(40)]
        .boxed()
}
