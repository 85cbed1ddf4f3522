//! The gsyncd binary.
#![forbid(unsafe_code)]

fn main() -> std::process::ExitCode {
    let argv: Vec<std::ffi::OsString> = std::env::args_os().skip(1).collect();
    std::process::ExitCode::from(gsyncd::mode::run(&argv))
}
