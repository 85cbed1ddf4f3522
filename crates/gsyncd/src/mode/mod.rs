//! From argv to one command, and from its outcome to an exit code. One file for each kind of command.

mod config;
mod config_get;
mod delete;
mod directory;
mod machine;
mod monitor_status;
mod old_session;
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
use gsyncd_core::cli::{self, Command, Invocation, OldRole, Syntax, VERSION_LINE};
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
        Command::Help(topic) => print(cli::help(topic).trim_end()),
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
    let outcome = act(syntax, command);
    if let Err(failure) = &outcome
        && !failure.message.is_empty()
    {
        tracing::error!(command = label, code = failure.code, "{failure}");
    }
    outcome
}

fn act(syntax: Syntax, command: Command) -> Outcome {
    // Releases 4 and later say such names back with `-` (spec: glusterd-interface 3.7, 4.10).
    let echoed = |name: String| if syntax == Syntax::Options { name.replace('_', "-") } else { name };
    match command {
        Command::Version
        | Command::Help(_)
        | Command::Directory(_)
        | Command::Serve(_)
        | Command::Sessions(_)
        | Command::Verify => Ok(()),
        // what such a key may do was decided before argv was read
        Command::Restricted { .. } => Err(Failure::new("restricted: for a line in authorized_keys only")),
        Command::ConfigRule(args) => register::run(&args),
        Command::SessionOwner { session, common, owner } => config::set_owner(&session, &common, &owner),
        Command::PrintUrls { urls, style, inet6 } => urls::run(&urls, style, inet6),
        Command::Old(role) => Err(not_spoken(role)),
        Command::Monitor(args) => run_session::monitor(&args),
        Command::Worker(args) => run_session::worker(&args),
        Command::Secondary(args) => run_session::secondary(&args),
        Command::Status(args) => status::run(&args),
        Command::MonitorStatus { session, common, text } => monitor_status::run(&session, &common, &text),
        Command::ConfigCheck { name, value } => config::check(&echoed(name), value.as_deref()),
        Command::ConfigGet(args) => config_get::run(&args, syntax),
        Command::ConfigSet { session, common, name, value } => config::set(&session, &common, &name, &value),
        Command::ConfigReset { session, common, name } => config::reset(&session, &common, &echoed(name)),
        Command::VolumeUuid { host, volume, inet6 } => volume_uuid::run(&host, &volume, inet6),
        Command::Delete(args) => delete::run(&args),
    }
}

/// What a stock primary of releases 3.7 to 3.13 wants of us over ssh.
fn not_spoken(role: OldRole) -> Failure {
    let role = if role == OldRole::Listen { "--listen" } else { "--agent" };
    Failure::new(format!("{role}: the protocol of GlusterFS 3.7 to 3.13 between gsyncds is not spoken yet"))
}

/// Prints lines to stdout. Data only ever comes through here: one stray or empty line costs glusterd everything
/// (spec: glusterd-interface 2.6).
fn print(lines: &str) -> Outcome {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{lines}")
        .and_then(|()| out.flush())
        .map_err(|error| Failure::new(format!("stdout: {error}")))
}

/// One line whatever a setting holds: a session's file may have continuation lines.
fn one_line(value: &str) -> String {
    value.replace(['\n', '\r'], " ")
}

/// A line that glusterd reads as one; see [`gsyncd_core::conf::change::VALUE_LIMIT_BYTES`]. No setting of its own is
/// that long, so it misses nothing.
fn cut_for_glusterd(mut line: String) -> String {
    const LIMIT_BYTES: usize = 4300;
    line.truncate(line.floor_char_boundary(LIMIT_BYTES));
    line
}
