//! Everything that must be right, in one command.
use crate::setup::{self, loud};
use gsyncd_lab::Done;
use gsyncd_lab::host::place;
use gsyncd_lab::inside::UNDER_TEST;
use std::process::Command;

/// The steps of `cargo` that come before the lab.
const STEPS: [&[&str]; 5] = [
    &["fmt", "--all", "--check"],
    &["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"],
    &["nextest", "run", "--workspace"],
    &["test", "--workspace", "--doc", "--quiet"],
    &["build", "--release", "--package", "gsyncd"],
];

/// Runs every check and test; the first that fails ends it. The last words are the test runner's own summary.
///
/// # Errors
/// A step failed.
pub fn run() -> Done {
    setup::run()?;
    for step in STEPS {
        println!("\n$ cargo {}", step.join(" "));
        loud(cargo().args(step))?;
    }
    println!("\n$ cargo nextest run --profile lab");
    let binary = place::target().join("release").join("gsyncd");
    loud(cargo().args(["nextest", "run", "--workspace", "--profile", "lab"]).env(UNDER_TEST, binary))
}

/// The release build of the program.
///
/// # Errors
/// It does not build.
pub fn release() -> Done<std::path::PathBuf> {
    loud(cargo().args(["build", "--release", "--package", "gsyncd"]))?;
    Ok(place::target().join("release").join("gsyncd"))
}

fn cargo() -> Command {
    let mut command = Command::new("cargo");
    command.current_dir(place::workspace());
    command
}
