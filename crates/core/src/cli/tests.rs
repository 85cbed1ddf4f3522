use super::{Command, parse};
use proptest::collection::vec;
use proptest::prelude::{Strategy, any, prop_oneof, proptest};
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt as _;

/// Words of a golden are separated by one blank; `␣` in a word is a blank.
fn words(line: &str) -> Vec<OsString> {
    line.split(' ')
        .filter(|word| !word.is_empty())
        .map(|word| OsString::from(word.replace('␣', " ")))
        .collect()
}

/// Lines `argv => what it means`, `argv !EXIT` for usage errors.
#[test]
fn argv_forms() {
    let table = include_str!("../../testdata/argv.txt");
    for line in table.lines().filter(|line| !line.starts_with('#') && !line.is_empty()) {
        if let Some((argv, exit)) = line.rsplit_once(" !") {
            let error = parse(&words(argv)).expect_err(line);
            assert_eq!(error.exit.to_string(), exit, "{line}: {error}");
            continue;
        }
        let (argv, meaning) = line.split_once(" => ").expect("golden line");
        let parsed = parse(&words(argv)).unwrap_or_else(|error| panic!("{line}: {error}"));
        assert_eq!(brief(&parsed.command), meaning, "{line}");
    }
}

/// One line that shows every field a golden cares about.
fn brief(command: &Command) -> String {
    let session = command.session().map_or(String::new(), |s| format!(" {} {}", s.primary, s.secondary));
    let rest = match command {
        Command::RegisterConfig { file, name, value } => {
            format!(" {} {name}={}", file.display(), value.display())
        }
        Command::NormalizeUrls(urls) | Command::CanonicalizeUrls { urls, .. } => {
            urls.iter().map(|url| format!(" {}", url.normalized())).collect()
        }
        Command::Monitor(args) => format!(" node={} paused={}", args.local_node_id, args.pause_on_start),
        Command::Worker(args) => format!(
            " brick={} fd={:?} node={} id={} secondary-id={} subvolume={} remote={} remote-id={} conf={:?}",
            args.local_path.display(),
            args.feedback_fd,
            args.local_node,
            args.local_node_id,
            args.secondary_id,
            args.subvol_num,
            args.resource_remote,
            args.resource_remote_id,
            args.common.config_file,
        ),
        Command::Secondary(args) => format!(
            " node={} id={} brick={} timeout={:?} level={:?} dir={:?} dist={:?} access={} xattrs={}",
            args.primary_node,
            args.primary_node_id,
            args.primary_brick.display(),
            args.secondary_timeout_seconds,
            args.secondary_log_level,
            args.secondary_gluster_command_dir,
            args.primary_dist_count,
            args.secondary_access_mount,
            args.use_rsync_xattrs,
        ),
        Command::Status(args) => format!(" {:?} json={}", args.local_paths, args.json),
        Command::MonitorStatus { text, .. } => format!(" '{text}'"),
        Command::ConfigCheck { name, value } => format!(" {name} {value:?}"),
        Command::ConfigGet(args) => format!(
            " {:?} defaults={} value={} underscore={} json={}",
            args.name, args.show_defaults, args.only_value, args.use_underscore, args.json
        ),
        Command::ConfigSet { name, value, .. } => format!(" {name}='{value}'"),
        Command::ConfigReset { name, .. } => format!(" {name}"),
        Command::VolumeUuid { host, volume, .. } => format!(" {host} {volume}"),
        Command::Delete(args) => format!(" {:?} reset={}", args.paths, args.reset_sync_time),
        _ => String::new(),
    };
    format!("{}{session}{rest}", command.label())
}

fn word() -> impl Strategy<Value = OsString> {
    let known =
        ["--monitor", "-c", "--config-set", "worker", ":m", "h::v", "--path=", "--", "delete", "--path-list"];
    prop_oneof![
        vec(any::<u8>(), 0..12).prop_map(OsString::from_vec),
        (0..known.len()).prop_map(move |at| OsString::from(known[at])),
    ]
}

proptest! {
    #[test]
    fn no_argv_panics(argv in vec(word(), 0..8)) {
        let _outcome = parse(&argv);
    }
}
