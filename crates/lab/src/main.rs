//! The lab as a program of its own: the tests start it, people use `cargo xtask lab`, which is the same.
use gsyncd_lab::{count, host};
use std::ffi::OsString;
use std::process::ExitCode;

fn main() -> ExitCode {
    let words: Vec<OsString> = std::env::args_os().skip(1).collect();
    match words.split_first() {
        Some((first, rest)) if first == count::WORD => count::main(rest),
        _ => host::main(words),
    }
}
