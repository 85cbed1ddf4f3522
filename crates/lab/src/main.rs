//! The lab as a program of its own: the tests start it, people use `cargo xtask lab`, which is the same.
use std::process::ExitCode;

fn main() -> ExitCode {
    gsyncd_lab::host::main(std::env::args_os().skip(1).collect())
}
