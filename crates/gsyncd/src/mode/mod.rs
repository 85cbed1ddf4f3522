//! From argv to one command, and from its outcome to an exit code. One file for each kind of command.

mod config;
mod config_get;
mod delete;
mod directory;
mod monitor_status;
mod register;
mod restricted;
mod run_session;
mod serve;
mod session;
mod sessions;
mod status;
mod urls;
mod volume_uuid;

use crate::exit::{self, Failure, Outcome};
use crate::tree;
use gsyncd_core::cli::{self, Command, Invocation, Syntax, VERSION_LINE};
use std::ffi::OsString;
use std::io::Write as _;

/// The program: `argv` without its name. Returns the exit code.
#[must_use]
pub fn run(argv: &[OsString]) -> u8 {
    match admit(argv) {
        Ok(()) => exit::SUCCESS,
        Err(failure) => {
            if !failure.message.is_empty() {
                // Nobody may be there to read it.
                let _ = writeln!(std::io::stderr(), "{failure}");
            }
            failure.code
        }
    }
}

/// Who calls decides what may run.
fn admit(argv: &[OsString]) -> Outcome {
    let Some(argv) = restricted::admit(argv)? else { return Ok(()) };
    if let Some((first, rest)) = argv.split_first()
        && first == tree::keeper::SUBCOMMAND
    {
        return ended(tree::keeper::run(rest));
    }
    let invocation = restricted::parse(&argv)?;
    match invocation.command {
        Command::Version => print(VERSION_LINE),
        Command::Help => print(cli::usage().trim_end()),
        // these take relative paths, and log in their own way
        Command::Directory(args) => directory::run(&args, &argv),
        Command::Serve(args) => serve::run(&args),
        Command::Sessions(args) => sessions::run(&args),
        _ => perform(invocation),
    }
}

/// An exit code of a role that has said everything itself.
fn ended(code: i32) -> Outcome {
    match u8::try_from(code).unwrap_or(exit::FAILURE) {
        exit::SUCCESS => Ok(()),
        code => Err(Failure { message: String::new(), code }),
    }
}

/// Everything but version and help: these must stay fast and touch nothing.
fn perform(Invocation { syntax, command }: Invocation) -> Outcome {
    // glusterd's children run there; relative paths and a directory that goes away must not matter.
    let _ = std::env::set_current_dir("/");
    if syntax == Syntax::Options {
        register::prepare(&command);
    }
    let label = command.label();
    let outcome = act(command);
    if let Err(failure) = &outcome
        && !failure.message.is_empty()
    {
        tracing::error!(command = label, code = failure.code, "{failure}");
    }
    outcome
}

fn act(command: Command) -> Outcome {
    match command {
        Command::Version
        | Command::Help
        | Command::Directory(_)
        | Command::Serve(_)
        | Command::Sessions(_)
        | Command::Verify
        | Command::SessionOwner(_) => Ok(()),
        // what such a key may do was decided before argv was read
        Command::Restricted { .. } => Err(Failure::new("restricted: for a line in authorized_keys only")),
        Command::RegisterConfig { file, .. } => {
            register::register(&file);
            Ok(())
        }
        Command::NormalizeUrls(urls) => urls::normalize(&urls),
        Command::CanonicalizeUrls { urls, inet6 } => urls::canonicalize(&urls, inet6),
        Command::Monitor(args) => run_session::monitor(&args),
        Command::Worker(args) => run_session::worker(&args),
        Command::Secondary(args) => run_session::secondary(&args),
        Command::Status(args) => status::run(&args),
        Command::MonitorStatus { session, common, text } => monitor_status::run(&session, &common, &text),
        Command::ConfigCheck { name, value } => config::check(&name, value.as_deref()),
        Command::ConfigGet(args) => config_get::run(&args),
        Command::ConfigSet { session, common, name, value } => config::set(&session, &common, &name, &value),
        Command::ConfigReset { session, common, name } => config::reset(&session, &common, &name),
        Command::VolumeUuid { host, volume, inet6 } => volume_uuid::run(&host, &volume, inet6),
        Command::Delete(args) => delete::run(&args),
    }
}

/// Prints lines to stdout. Data only ever comes through here: one stray or empty line costs glusterd everything
/// (spec: glusterd-interface 2.6).
fn print(lines: &str) -> Outcome {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{lines}")
        .and_then(|()| out.flush())
        .map_err(|error| Failure::new(format!("stdout: {error}")))
}
