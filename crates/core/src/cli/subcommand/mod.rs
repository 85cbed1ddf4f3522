//! The syntax that gsyncd uses with itself and people use with it (spec: glusterd-interface 3.6).
//! Words of releases 4 to 9 (`slave`, `--master-brick`) mean the same as those of 10 and later.

mod build;
mod table;

pub(super) use table::TABLE;

use super::words::{Flag, Style, Words, split, switch, value};
use super::{Command, Topic, UsageError};
use crate::vocabulary::modern;
use std::ffi::{OsStr, OsString};

/// One subcommand: its words, and how they become a command.
pub(super) struct Spec {
    /// Its name, in primary/secondary words.
    pub(super) name: &'static str,
    /// One line for people.
    pub(super) about: &'static str,
    /// Used between programs only.
    pub(super) is_hidden: bool,
    /// Words without dashes, in order.
    pub(super) positionals: &'static [&'static str],
    /// How many of them there must be.
    pub(super) required: usize,
    /// Its own flags.
    pub(super) flags: &'static [Flag],
    build: fn(&Words) -> Result<Command, UsageError>,
}

/// Accepted everywhere; `-c` is harmless where no session is named.
pub(super) const COMMON: &[Flag] = &[
    value("config-file", "FILE", "The session's config file, instead of glusterd's").short(b'c'),
    switch("debug", "Log everything, to stderr"),
    switch("inet6", "Do not resolve hosts to IPv4 addresses"),
    switch("inet", "Resolve hosts to IPv4 addresses, which is so anyway").hidden(),
    switch("help", "Print this").short(b'h'),
];

/// The subcommand of that name, in either vocabulary.
pub(super) fn find(word: &OsStr) -> Option<&'static Spec> {
    let word = modern(word.to_str()?);
    TABLE.iter().find(|spec| spec.name == word)
}

/// Reads argv whose word `at` is the subcommand's name.
pub(super) fn parse(spec: &'static Spec, argv: &[OsString], at: usize) -> Result<Command, UsageError> {
    let mut argv = argv.to_vec();
    if at < argv.len() {
        argv.remove(at);
    }
    let flags: Vec<&'static Flag> = spec.flags.iter().chain(COMMON).collect();
    read(spec, &argv, &flags).map_err(|error| error.within(spec.name))
}

fn read(spec: &'static Spec, argv: &[OsString], flags: &[&'static Flag]) -> Result<Command, UsageError> {
    let words = split(argv, flags, Style::Subcommand)?;
    if words.has("help") {
        return Ok(Command::Help(Topic::Subcommand(spec.name)));
    }
    complete(spec, &words)?;
    (spec.build)(&words)
}

/// All that is needed is there, and nothing else is.
fn complete(spec: &Spec, words: &Words) -> Result<(), UsageError> {
    let given = words.positionals.len();
    let missing: Vec<String> =
        spec.positionals.iter().take(spec.required).skip(given).map(|word| word.to_lowercase()).collect();
    if !missing.is_empty() {
        return Err(UsageError::syntax(format!(
            "the following arguments are required: {}",
            missing.join(", ")
        )));
    }
    let extra = words.positionals.iter().skip(spec.positionals.len()).map(|word| word.display().to_string());
    let extra: Vec<String> = words.unknown.iter().cloned().chain(extra).collect();
    if extra.is_empty() {
        return Ok(());
    }
    // argparse lets the program complain of these, not the subcommand
    Err(UsageError::syntax(format!("unrecognized arguments: {}", extra.join(" ").escape_debug())).within(""))
}
