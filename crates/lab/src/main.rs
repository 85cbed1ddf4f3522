//! The lab as a program of its own: the tests start it, people use `cargo xtask lab`, which is the same.
use gsyncd_lab::{count, host, record};
use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    let mut words: Vec<OsString> = std::env::args_os().collect();
    let name = if words.is_empty() { OsString::new() } else { words.remove(0) };
    if Path::new(&name).file_name().is_some_and(|name| name == record::NAME) {
        return record::main(&name, &words);
    }
    match words.split_first() {
        Some((first, rest)) if first == count::WORD => count::main(rest),
        _ => host::main(words),
    }
}
