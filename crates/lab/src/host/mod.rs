//! A private host: what `lab -- COMMAND` is.
//!
//! Three steps, each a module: [`options`] reads the command line, [`outer`] checks what is needed, makes a state
//! directory and starts the namespaces, [`inner`] is the first process in them: it mounts, starts sshd, runs the
//! command and reaps. Everything dies with the command, and with whoever started the lab.

pub mod inner;
pub mod mounts;
pub mod options;
pub mod outer;
pub mod place;

pub use options::{Gsyncd, Options, Rsync};
use std::ffi::OsString;
use std::process::ExitCode;

/// The hidden first word with which the program starts itself inside the namespaces.
pub(crate) const INNER: &str = "--inside-the-namespaces";

/// Runs `lab`'s command line (without the program's name).
pub fn main(args: Vec<OsString>) -> ExitCode {
    if args.first().is_some_and(|word| word == INNER) {
        return inner::main(&args);
    }
    let outcome = match Options::parse(args) {
        Ok(None) => {
            print!("{}", options::HELP);
            return ExitCode::SUCCESS;
        }
        Ok(Some(options)) => outer::run(&options),
        Err(failure) => Err(failure),
    };
    outcome.unwrap_or_else(|failure| {
        eprintln!("lab: {failure}");
        ExitCode::from(125)
    })
}
