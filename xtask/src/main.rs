//! Checks, packaging and the lab: `cargo xtask help`.
mod bench;
mod ci;
mod demo;
mod docs;
mod setup;

use gsyncd_lab::{Done, Failure};
use std::ffi::OsString;
use std::process::ExitCode;

const HELP: &str = "\
usage: cargo xtask COMMAND

  ci       set up, then run every check and test there is: what CI runs
  demo     replicate a directory before your eyes; `demo cluster`: a volume, on a throw-away GlusterFS
  lab      run a command on a private host with GlusterFS (cargo xtask lab --help)
  bench    the stock gsyncd and ours at the same work, and the limit; `bench directory`: rsync, lsyncd and ours;
           `bench quick`: the commands that glusterd waits for
           (cargo xtask bench --help)
  docs     write the man page and the completions to target/docs
  setup    install the packages and fetch the files that the lab needs
";

fn main() -> ExitCode {
    let mut words = std::env::args_os().skip(1);
    let command = words.next().unwrap_or_default();
    let rest: Vec<OsString> = words.collect();
    let outcome = match command.to_str() {
        Some("lab" | "--inside-the-namespaces") => return lab(&command, rest),
        Some("ci") => ci::run(),
        Some("setup") => setup::run(),
        Some("demo") => demo::run(rest),
        Some("bench") => bench::run(rest),
        Some("docs") => docs::run(),
        Some("help" | "--help" | "-h" | "") => {
            print!("{HELP}");
            Ok(())
        }
        _ => Err(Failure::new(format!("no such command: {command:?}\n{HELP}"))),
    };
    ended(outcome)
}

/// The lab starts the same program again inside its namespaces: that word is passed on as it is.
fn lab(command: &OsString, mut rest: Vec<OsString>) -> ExitCode {
    if command != "lab" {
        rest.insert(0, command.clone());
    }
    gsyncd_lab::host::main(rest)
}

fn ended(outcome: Done) -> ExitCode {
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("xtask: {failure}");
            ExitCode::FAILURE
        }
    }
}
