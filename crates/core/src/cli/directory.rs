//! `gsyncd [options] SOURCE TARGET`: what people type to replicate a plain directory. One table makes the parser, the
//! help, and the rule that tells such a command line from glusterd's.

use super::{Command, Topic, UsageError, legacy};
use crate::url::place::{self, Pair};
use clap::builder::ValueParser;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, ArgAction, ArgMatches, value_parser};
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt as _;
use std::path::PathBuf;
use std::time::Duration;

/// What is left out, in the order of the command line: later rules win.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Exclusion {
    /// A pattern in gitignore syntax.
    Pattern(String),
    /// A file of such patterns.
    File(PathBuf),
}

/// A session between two directories. Paths are as typed, relative ones too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DirectoryArgs {
    /// What is replicated to where.
    pub pair: Pair,
    /// End when all is up to date.
    pub once: bool,
    /// Say what would be done, change nothing.
    pub dry_run: bool,
    /// What is left out.
    pub exclusions: Vec<Exclusion>,
    /// What is deleted on the primary stays on the secondary.
    pub ignore_deletes: bool,
    /// Files with the same size and time are taken for equal.
    pub trust_mtime: bool,
    /// The program on the other side.
    pub remote_gsyncd: OsString,
    /// How ssh is called: a program, perhaps with arguments.
    pub ssh_command: OsString,
    /// How often the whole tree is looked through; None: never.
    pub crawl_interval: Option<Duration>,
    /// Run in the background.
    pub daemon: bool,
    /// A file that holds the pid, besides the session's own.
    pub pid_file: Option<PathBuf>,
    /// Where the log goes instead of stderr.
    pub log_file: Option<PathBuf>,
    /// Log level; None when not told.
    pub log_level: Option<String>,
    /// Where the state of all sessions is kept, instead of the usual place.
    pub state_dir: Option<PathBuf>,
    /// Say warnings and errors only.
    pub quiet: bool,
}

/// An option: its name, the name of its value if it takes one, its help.
struct Row(&'static str, Option<&'static str>, &'static str);

const OPTIONS: &[Row] = &[
    Row("once", None, "Bring the target up to date, print a summary, and end"),
    Row("dry-run", None, "Say what would be done and change nothing"),
    Row("exclude", Some("PATTERN"), "Leave out what matches, in gitignore syntax; may be given many times"),
    Row("exclude-from", Some("FILE"), "The same with one pattern a line, as .gitignore has them"),
    Row("ignore-deletes", None, "Keep on the target what is deleted in the source"),
    Row("trust-mtime", None, "Take files of equal size and time for equal, without reading them"),
    Row("remote-gsyncd", Some("PATH"), "The program on the other host [default: gsyncd, found in PATH]"),
    Row("ssh-command", Some("TEXT"), "How ssh is called [default: ssh]"),
    Row("port", Some("N"), "Port of sshd on the other host"),
    Row("crawl-interval", Some("SECONDS"), "Look through the whole tree this often; 0 never [default: 600]"),
    Row("daemon", None, "Go on in the background"),
    Row("pid-file", Some("PATH"), "Write the process's number to this file, locked while it runs"),
    Row("log-file", Some("PATH"), "Write the log to this file"),
    Row("log-level", Some("LEVEL"), "error, warn, info or debug [default: info]"),
    Row(
        "state-dir",
        Some("DIR"),
        "Where sessions are remembered [default: /var/lib/gsyncd or ~/.local/state/gsyncd]",
    ),
    Row("version", None, "Print the version"),
    Row("quiet", None, "Say warnings and errors only"),
];

const DEFAULT_CRAWL_SECONDS: u64 = 600;

/// Whether argv is a directory session's: it asks for no action of glusterd's, and its first positional is meant as
/// a directory.
pub(super) fn is_meant(argv: &[OsString]) -> bool {
    let mut positionals: Vec<&OsStr> = Vec::new();
    let mut rest = argv.iter();
    let (mut options_end, mut has_option) = (false, false);
    while let Some(word) = rest.next() {
        let bytes = word.as_bytes();
        if options_end || bytes.len() < 2 || !bytes.starts_with(b"-") {
            positionals.push(word);
            continue;
        }
        let Some(long) = bytes.strip_prefix(b"--") else { continue };
        let name = long.split(|&b| b == b'=').next().unwrap_or_default();
        options_end = long.is_empty();
        match find(name) {
            Some(Row(_, value, _)) => {
                has_option = true;
                if value.is_some() && name.len() == long.len() {
                    let _its_value = rest.next();
                }
            }
            None if legacy::is_action(name) => return false,
            None => {}
        }
    }
    match positionals.as_slice() {
        [] => has_option,
        // two bare names: directories of the working directory
        [source, _target] => place::is_meant(source) || is_bare(source),
        [first, ..] => place::is_meant(first),
    }
}

fn is_bare(word: &OsStr) -> bool {
    !word.is_empty() && !word.as_bytes().contains(&b':')
}

/// Whether a session between directories takes this option, `--` included.
pub(super) fn is_option(word: &str) -> bool {
    word.strip_prefix("--").is_some_and(|name| find(name.as_bytes()).is_some())
}

fn find(name: &[u8]) -> Option<&'static Row> {
    OPTIONS.iter().find(|row| row.0.as_bytes() == name)
}

/// Reads argv.
///
/// # Errors
/// Exit 2, with one line.
pub(super) fn parse(argv: &[OsString]) -> Result<Command, UsageError> {
    match clap_command().try_get_matches_from(argv) {
        Ok(matches) => Ok(Command::Directory(Box::new(build(&matches)?))),
        Err(error) if error.kind() == ErrorKind::DisplayHelp => Ok(Command::Help(Topic::All)),
        Err(error) => Err(UsageError::syntax(one_line(&error))),
    }
}

/// The options as `--help` lists them.
pub(super) fn options() -> String {
    clap_command().help_template("{options}").render_help().to_string().trim_end().to_owned()
}

/// The parser, which is the documentation too.
pub(super) fn clap_command() -> clap::Command {
    let value = |name| Arg::new(name).value_parser(value_parser!(OsString)).hide(true);
    clap::Command::new("gsyncd")
        .no_binary_name(true)
        .override_usage("gsyncd [options] SOURCE TARGET")
        .term_width(100)
        .args(OPTIONS.iter().map(argument))
        .arg(value("SOURCE").required(true))
        .arg(value("TARGET").required(true))
}

fn argument(Row(name, value, help): &Row) -> Arg {
    let argument = Arg::new(*name).long(*name).help(*help);
    let Some(value) = value else { return argument.action(ArgAction::SetTrue).overrides_with(*name) };
    let argument = argument.value_name(*value).value_parser(parser(name)).hide_possible_values(true);
    match *name {
        "exclude" | "exclude-from" => argument.action(ArgAction::Append),
        _ => argument.overrides_with(*name),
    }
}

/// What an option's value must be.
fn parser(name: &str) -> ValueParser {
    match name {
        "exclude" => value_parser!(String),
        "port" => value_parser!(u16).range(1..).into(),
        "crawl-interval" => value_parser!(u64).into(),
        "log-level" => ["error", "warn", "info", "debug"].into(),
        _ => value_parser!(OsString),
    }
}

fn build(matches: &ArgMatches) -> Result<DirectoryArgs, UsageError> {
    let word = |name: &str| matches.get_one::<OsString>(name);
    let path = |name: &str| word(name).map(PathBuf::from);
    let source = word("SOURCE").cloned().unwrap_or_default();
    let target = word("TARGET").cloned().unwrap_or_default();
    let pair = Pair::parse(&source, &target).map_err(|error| UsageError::syntax(error.to_string()))?;
    let seconds = matches.get_one("crawl-interval").copied().unwrap_or(DEFAULT_CRAWL_SECONDS);
    let args = DirectoryArgs {
        pair: with_port(pair, matches.get_one("port").copied())?,
        once: matches.get_flag("once"),
        dry_run: matches.get_flag("dry-run"),
        exclusions: exclusions(matches),
        ignore_deletes: matches.get_flag("ignore-deletes"),
        trust_mtime: matches.get_flag("trust-mtime"),
        remote_gsyncd: word("remote-gsyncd").cloned().unwrap_or_else(|| "gsyncd".into()),
        ssh_command: word("ssh-command").cloned().unwrap_or_else(|| "ssh".into()),
        crawl_interval: (seconds > 0).then(|| Duration::from_secs(seconds)),
        daemon: matches.get_flag("daemon"),
        pid_file: path("pid-file"),
        log_file: path("log-file"),
        log_level: matches.get_one("log-level").cloned(),
        state_dir: path("state-dir"),
        quiet: matches.get_flag("quiet"),
    };
    if args.daemon && (args.once || args.dry_run) {
        let other = if args.once { "--once" } else { "--dry-run" };
        return Err(UsageError::syntax(format!("--daemon and {other} exclude each other")));
    }
    Ok(args)
}

/// The port may be said in the url or by the option.
fn with_port(pair: Pair, port: Option<u16>) -> Result<Pair, UsageError> {
    let Some(port) = port else { return Ok(pair) };
    let Pair::Ssh { source, mut target } = pair else {
        return Err(UsageError::syntax("--port needs a target on another host"));
    };
    if target.port.is_some_and(|said| said != port) {
        return Err(UsageError::syntax(format!("--port {port} and {target} say two ports")));
    }
    target.port = Some(port);
    Ok(Pair::Ssh { source, target })
}

/// Patterns and files in the order in which they were said.
fn exclusions(matches: &ArgMatches) -> Vec<Exclusion> {
    let positions = |name| matches.indices_of(name).into_iter().flatten();
    let patterns = matches.get_many::<String>("exclude").into_iter().flatten();
    let patterns = patterns.map(|pattern| Exclusion::Pattern(pattern.clone()));
    let files = matches.get_many::<OsString>("exclude-from").into_iter().flatten();
    let files = files.map(|file| Exclusion::File(PathBuf::from(file)));
    let mut all: Vec<(usize, Exclusion)> =
        positions("exclude").zip(patterns).chain(positions("exclude-from").zip(files)).collect();
    all.sort_by_key(|(position, _)| *position);
    all.into_iter().map(|(_, exclusion)| exclusion).collect()
}

/// clap's error without its colours, hints and usage block.
fn one_line(error: &clap::Error) -> String {
    let text = error.to_string();
    let first: Vec<&str> = text.lines().take_while(|line| !line.trim().is_empty()).map(str::trim).collect();
    let line = first.join(" ");
    let line = line.strip_prefix("error: ").unwrap_or(&line).to_owned();
    let line: String = line.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let hint = match error.get(ContextKind::SuggestedArg) {
        Some(ContextValue::String(name)) => format!(" (did you mean {name}?)"),
        _ => String::new(),
    };
    format!("{line}{hint}; see gsyncd --help")
}
