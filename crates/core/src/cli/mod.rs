//! The command line: glusterd's options, our subcommands, a pair of directories; two vocabularies; one [`Command`].

mod args;
mod command;
mod directory;
pub mod document;
mod legacy;
mod subcommand;
pub mod tunables;
mod words;

pub use args::{
    Common, ConfigGetArgs, DeleteArgs, Given, MonitorArgs, OldRole, RuleArgs, RuleScope, SecondaryArgs,
    ServeArgs, Session, SessionsArgs, StatusArgs, Topic, UrlStyle, WorkerArgs,
};
pub use command::Command;
pub use directory::{DirectoryArgs, Exclusion};
pub use document::help;
pub use words::Value;

use crate::url::{Secondary, UrlError};
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::os::unix::ffi::OsStrExt as _;

/// The line that `--version` prints. It must hold the word `gsyncd` (spec: glusterd-interface 1.2).
pub const VERSION_LINE: &str = concat!("gsyncd ", env!("CARGO_PKG_VERSION"));

/// Which of the two syntaxes a command line was written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Syntax {
    /// glusterd's: `--monitor :vol host::vol`. Makes empty config files as a side effect.
    Options,
    /// Ours: `monitor vol host::vol`.
    Subcommand,
    /// A pair of directories: `/src host:/dst`.
    Directories,
}

/// A command and how it was said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invocation {
    /// Which syntax.
    pub syntax: Syntax,
    /// What to do.
    pub command: Command,
}

/// A command line that means nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsageError {
    /// One line, without the program's name.
    pub message: String,
    /// The exit code: 1, or 2 for a word that is not in the syntax.
    pub exit: u8,
}

impl UsageError {
    fn syntax(message: impl Into<String>) -> UsageError {
        UsageError { message: message.into(), exit: 2 }
    }

    fn meaning(message: impl Into<String>) -> UsageError {
        UsageError { message: message.into(), exit: 1 }
    }

    /// As Python's parsers put it: who complains, then about what. Other errors stay as they are.
    fn within(self, subcommand: &str) -> UsageError {
        if self.exit != 2 || self.message.starts_with("gsyncd: ") {
            return self;
        }
        let program = if subcommand.is_empty() { "gsyncd" } else { "gsyncd " };
        UsageError { message: format!("{program}{subcommand}: error: {}", self.message), exit: self.exit }
    }
}

impl fmt::Display for UsageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for UsageError {}

impl From<UrlError> for UsageError {
    fn from(error: UrlError) -> UsageError {
        UsageError::meaning(error.to_string())
    }
}

/// Reads a command line (without the program's name).
///
/// `--version` anywhere wins, since every `gluster` process asks for it; then the first word decides the syntax.
///
/// # Errors
/// A usage error with the exit code the generation uses for it.
pub fn parse(argv: &[OsString]) -> Result<Invocation, UsageError> {
    let first = argv.iter().find(|word| !is_global(word));
    let is_subcommand = first.is_some_and(|word| word == "help" || subcommand::find(word).is_some());
    if !is_subcommand && !wants_version(argv) && directory::is_meant(argv) {
        return Ok(Invocation { syntax: Syntax::Directories, command: directory::parse(argv)? });
    }
    parse_commands(argv)
}

/// As [`parse`], for callers that may not start a session between directories.
///
/// # Errors
/// As [`parse`].
pub fn parse_commands(argv: &[OsString]) -> Result<Invocation, UsageError> {
    let said = |command| Ok(Invocation { syntax: Syntax::Subcommand, command });
    if wants_version(argv) {
        return said(Command::Version);
    }
    let Some((at, word)) = argv.iter().enumerate().find(|(_, word)| !is_global(word)) else {
        return said(Command::Help(Topic::All));
    };
    if let Some(spec) = subcommand::find(word) {
        return said(subcommand::parse(spec, argv, at)?);
    }
    if word == "help" {
        return said(Command::Help(topic(argv.get(at + 1))?));
    }
    Ok(Invocation { syntax: Syntax::Options, command: legacy::parse(argv)? })
}

/// `--version` as a word of its own, that is no value of an option's.
fn wants_version(argv: &[OsString]) -> bool {
    let mut words = argv.iter().take_while(|word| *word != "--");
    while let Some(word) = words.next() {
        match word.as_bytes() {
            b"--version" => return true,
            b"--config-set" | b"--config-set-rx" | b"--config-set-glob" => {
                let _its_name_and_value = words.nth(1);
            }
            _ => {}
        }
    }
    false
}

fn topic(word: Option<&OsString>) -> Result<Topic, UsageError> {
    let Some(word) = word else { return Ok(Topic::All) };
    match word.to_str() {
        Some("options") => return Ok(Topic::Options),
        Some("settings") => return Ok(Topic::Settings),
        _ => {}
    }
    subcommand::find(word).map(|spec| Topic::Subcommand(spec.name)).ok_or_else(|| {
        let word = word.display().to_string();
        UsageError::syntax(format!("there is no help on '{}'; see gsyncd --help", word.escape_debug()))
    })
}

/// The names of all options of the old syntax that argv gives, in order, in primary/secondary words: what a
/// restricted shell judges (spec: glusterd-interface 6.3).
///
/// # Errors
/// argv does not fit the table of options.
pub fn given_options(argv: &[OsString]) -> Result<Vec<&'static str>, UsageError> {
    legacy::given(argv)
}

fn is_global(word: &OsStr) -> bool {
    matches!(word.as_bytes(), b"--inet6" | b"--inet" | b"--debug")
}

fn text(word: &OsStr, what: &str) -> Result<String, UsageError> {
    word.to_str()
        .map(str::to_owned)
        .ok_or_else(|| UsageError::meaning(format!("{what} is not text: {}", word.as_bytes().escape_ascii())))
}

fn session(primary: &OsStr, secondary: &OsStr) -> Result<Session, UsageError> {
    let name = text(primary, "the primary volume")?;
    let name = name.trim_matches(':');
    if !crate::url::is_volume(name) {
        return Err(UsageError::meaning(format!("malformed primary volume '{}'", name.escape_debug())));
    }
    let secondary = Secondary::parse(&text(secondary, "the secondary")?)?;
    Ok(Session { primary: name.to_owned(), secondary })
}
#[cfg(test)]
mod tests;
