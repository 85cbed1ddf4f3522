use super::tunables::{Role, SEED, SeedOption, Truth};
use super::{
    Command, Common, DirectoryArgs, Exclusion, Topic, Value, help, legacy, parse, subcommand, tunables,
};
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

/// Lines `argv => what it means`, `argv !EXIT the message` for usage errors; both end with `  # where it stands`.
#[test]
fn argv_forms() {
    let table = include_str!("../../testdata/argv.txt");
    let mut wrong = Vec::new();
    for line in table.lines().filter(|line| !line.starts_with('#') && !line.is_empty()) {
        let (row, section) = line.rsplit_once("  # ").expect(line);
        assert!(!section.is_empty(), "{line}");
        let argv = row.split(" => ").next().and_then(|argv| argv.split(" !").next()).unwrap_or_default();
        let outcome = match parse(&words(argv)) {
            Ok(parsed) => format!("{argv} => {}", brief(&parsed.command)),
            Err(error) => format!("{argv} !{} {}", error.exit, error.message.replace('\n', "⏎")),
        };
        if outcome.trim_end() != row {
            wrong.push(format!("{outcome}  # {section}"));
        }
    }
    assert!(wrong.is_empty(), "instead:\n{}", wrong.join("\n"));
}

/// One line that shows every field a golden cares about.
fn brief(command: &Command) -> String {
    let session = command.session().map_or(String::new(), |s| format!(" {} {}", s.primary, s.secondary));
    let rest = match command {
        Command::ConfigRule(rule) => {
            let file = rule.file.as_deref().unwrap_or("template".as_ref());
            let value = rule.value.as_ref().map_or(String::new(), |value| format!("={value}"));
            format!(" {} {}{value} for {}", file.display(), rule.name, rule.patterns.join(" "))
        }
        Command::Help(topic) => format!(" {topic:?}"),
        Command::SessionOwner { owner, .. } => format!(" {owner}"),
        Command::PrintUrls { urls, .. } => urls.iter().map(|url| format!(" {}", url.normalized())).collect(),
        Command::Monitor(args) => {
            let foreground = if args.foreground { " foreground" } else { "" };
            format!(" node={} paused={}{foreground}", args.local_node_id, args.pause_on_start)
        }
        Command::Worker(args) => format!(
            " brick={} fd={:?} node={} id={} secondary-id={} subvolume={} remote={} remote-id={}",
            args.local_path.display(),
            args.feedback_fd,
            args.local_node,
            args.local_node_id,
            args.secondary_id,
            args.subvol_num,
            args.resource_remote,
            args.resource_remote_id,
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
        Command::Directory(args) => directory(args),
        Command::Serve(args) => {
            format!(" {} {:032x}", args.root.display(), u128::from_be_bytes(args.primary))
        }
        Command::Restricted { root } => format!(" {}", root.display()),
        Command::Sessions(args) => format!(" {:?} json={}", args.state_dir, args.json),
        Command::Delete(args) => format!(" {:?} reset={}", args.paths, args.reset_sync_time),
        _ => String::new(),
    };
    let common = command.common().map_or(String::new(), common);
    format!("{}{session}{rest}{common}", command.label())
}

/// What is not as it is by default.
fn common(common: &Common) -> String {
    let mut text = String::new();
    if let Some(file) = &common.config_file {
        text.push_str(&format!(" conf={}", file.display()));
    }
    text.push_str(if common.debug { " debug" } else { "" });
    text.push_str(if common.inet6 { " inet6" } else { "" });
    let given: Vec<String> =
        common.given.iter().map(|given| format!("{}={}", given.name, given.value.display())).collect();
    if given.is_empty() { text } else { format!("{text} given {}", given.join(", ")) }
}

/// A row for each option of releases 3.7 to 3.13.
#[test]
fn options_of_the_old_generation() {
    let table = include_str!("../../testdata/seed-options.tsv");
    let rows: Vec<&str> = table.lines().filter(|line| !line.starts_with('#')).collect();
    for row in &rows {
        let columns: Vec<&str> = row.split('\t').collect();
        let section = columns[0];
        let option = SEED.iter().find(|option| option.old_name() == columns[1]).expect(row);
        let letter = match option.flag.short {
            0 => "-".to_owned(),
            letter => char::from(letter).to_string(),
        };
        let value = match (option.value(), option.flag.words) {
            (Value::None, _) => "flag",
            (Value::Int, _) => "int",
            (Value::Path, _) => "path",
            (Value::Text, 2) => "text text",
            (Value::Text, _) => "text",
        };
        let default = match option.default("/self") {
            None => "-",
            Some("") => "\"\"",
            Some(default) => default,
        };
        let role = match option.role {
            Role::Tunable => "tunable",
            Role::Action => "action",
            Role::Local => "local",
        };
        let shown = if option.flag.is_hidden { "hidden" } else { "shown" };
        let name = option.old_name();
        let found = [section, &name, &letter, value, default, role, shown].join("\t");
        assert_eq!(found, *row);
        assert!(!option.flag.help.is_empty() && option.flag.help.len() < 90, "{row}");
        assert_eq!(option.truth == Truth::Words, role == "tunable" && value == "flag", "{row}");
        assert_eq!(tunables::find(&name.replace('-', "_")).is_some(), role == "tunable", "{row}");
        assert_eq!(tunables::find(option.name()).is_some(), role == "tunable", "{row}");
    }
    assert_eq!(rows.len(), SEED.len(), "every option has its row");
}

#[test]
fn every_action_is_looked_for_and_nothing_else() {
    let mut actions: Vec<&str> =
        SEED.iter().filter(|option| option.role == Role::Action).map(SeedOption::name).collect();
    let mut looked_for: Vec<&str> = legacy::actions().collect();
    actions.sort_unstable();
    looked_for.sort_unstable();
    assert_eq!(actions, looked_for);
}

/// The pair, and what is not as it is by default.
fn directory(args: &DirectoryArgs) -> String {
    let mut text = format!(" {} -> {}", args.pair.source().display(), args.pair.target_shown());
    for (name, is_set) in [
        ("once", args.once),
        ("dry-run", args.dry_run),
        ("ignore-deletes", args.ignore_deletes),
        ("trust-mtime", args.trust_mtime),
        ("daemon", args.daemon),
        ("quiet", args.quiet),
    ] {
        text.push_str(if is_set { " " } else { "" });
        text.push_str(if is_set { name } else { "" });
    }
    for exclusion in &args.exclusions {
        match exclusion {
            Exclusion::Pattern(pattern) => text.push_str(&format!(" without {pattern}")),
            Exclusion::File(path) => text.push_str(&format!(" without those in {}", path.display())),
        }
    }
    let crawl = args.crawl_interval.map(|interval| interval.as_secs());
    for (name, value, default) in [
        ("remote", format!("{}", args.remote_gsyncd.display()), "gsyncd"),
        ("ssh", format!("{}", args.ssh_command.display()), "ssh"),
        ("crawl", format!("{crawl:?}"), "Some(600)"),
        ("pid", format!("{:?}", args.pid_file), "None"),
        ("log", format!("{:?}", args.log_file), "None"),
        ("level", format!("{:?}", args.log_level), "None"),
        ("state", format!("{:?}", args.state_dir), "None"),
    ] {
        if value != default {
            text.push_str(&format!(" {name}={value}"));
        }
    }
    text
}

fn word() -> impl Strategy<Value = OsString> {
    let known = [
        "--monitor",
        "-c",
        "--config-set",
        "worker",
        ":m",
        "h::v",
        "--path=",
        "--",
        "delete",
        "--path-list",
        "/src",
        "h:/dst",
        "--once",
        "--exclude",
        "--port=22",
        "--help",
        "serve",
        "status",
    ];
    prop_oneof![
        vec(any::<u8>(), 0..12).prop_map(OsString::from_vec),
        (0..known.len()).prop_map(move |at| OsString::from(known[at])),
    ]
}

#[test]
fn the_help_begins_with_directories_and_fits_a_terminal() {
    let text = help(Topic::All);
    let at = |what: &str| text.find(what).unwrap_or_else(|| panic!("no {what} in\n{text}"));
    let places = [
        "SOURCE TARGET",
        "Examples:",
        "--once",
        "--state-dir <DIR>",
        "restricted --root",
        "volumes:",
        "voluuidget",
    ];
    let order: Vec<usize> = places.iter().map(|what| at(what)).collect();
    assert!(order.is_sorted(), "{text}");
    assert!(text.lines().all(|line| line.chars().count() <= 120), "{text}");
}

/// The help is a view of the tables: nothing that they hold is kept from who asks.
#[test]
fn the_help_tells_of_every_row() {
    let options = help(Topic::Options);
    for option in SEED {
        let is_told = options.contains(&format!("--{} ", option.name()))
            || options.contains(&format!("--{}\n", option.name()));
        assert_eq!(is_told, !option.flag.is_hidden, "{}", option.name());
    }
    let all = help(Topic::All);
    for spec in subcommand::TABLE {
        assert!(all.contains(spec.name), "{}", spec.name);
        let one = help(Topic::Subcommand(spec.name));
        assert!(one.contains(&format!("Usage: gsyncd {}", spec.name)), "{one}");
        for flag in spec.flags.iter().filter(|flag| !flag.is_hidden) {
            assert!(one.contains(&format!("--{}", flag.name)) && one.contains(flag.help), "{one}");
        }
        assert!(one.lines().chain(options.lines()).all(|line| line.chars().count() <= 120), "{one}");
    }
    assert!(help(Topic::Settings).contains("sync-jobs = 3\n"));
}

proptest! {
    #[test]
    fn no_argv_panics(argv in vec(word(), 0..8)) {
        let _outcome = parse(&argv);
    }
}
