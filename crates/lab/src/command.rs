//! Running programs and judging how they ended.
use crate::{Done, Failure};
use std::ffi::OsStr;
use std::process::{Command, Output};

/// Runs a program to its end and returns what it wrote to standard output.
///
/// # Errors
/// It could not be started, or did not end with 0: the text has both outputs.
#[track_caller]
pub fn run<S: AsRef<OsStr>>(program: &str, args: &[S]) -> Done<String> {
    let output = output(program, args)?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    Err(Failure::new(describe(program, args, &output)))
}

/// Runs a program to its end, whatever that is.
///
/// # Errors
/// It could not be started.
#[track_caller]
pub fn output<S: AsRef<OsStr>>(program: &str, args: &[S]) -> Done<Output> {
    let mut command = Command::new(program);
    command.args(args).stdin(std::process::Stdio::null());
    command.output().map_err(|error| Failure::new(format!("{program} does not start: {error}")))
}

fn describe<S: AsRef<OsStr>>(program: &str, args: &[S], output: &Output) -> String {
    let words: Vec<_> = args.iter().map(|word| word.as_ref().to_string_lossy().into_owned()).collect();
    format!(
        "{program} {}: {}\n{}{}",
        words.join(" "),
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}
