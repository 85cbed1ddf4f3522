//! Running a function of a test on a private host: the test starts the lab with itself as the command.
use crate::host::{Rsync, place};
use crate::{Done, Failure};
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// Set on the inside to the name of the test.
const MARK: &str = "GSYNCD_LAB_TEST";
/// The gsyncd under test: a path, or `stock`.
pub const UNDER_TEST: &str = "GSYNCD_UNDER_TEST";

/// Which gsyncd the tests try: `GSYNCD_UNDER_TEST` (a path or `stock`), else the newest build in the target directory.
///
/// # Errors
/// There is none.
pub fn under_test() -> Done<String> {
    if let Ok(word) = std::env::var(UNDER_TEST) {
        return Ok(word);
    }
    let built = |profile: &str| place::target().join(profile).join("gsyncd");
    let age = |path: &PathBuf| path.metadata().and_then(|data| data.modified()).ok();
    let newest = [built("release"), built("debug")].into_iter().filter(|path| path.exists()).max_by_key(age);
    match newest {
        Some(path) => Ok(path.to_string_lossy().into_owned()),
        None => Err(Failure::new(
            "no gsyncd is built: cargo build --release -p gsyncd (or set GSYNCD_UNDER_TEST)",
        )),
    }
}

/// Is the gsyncd of this host the stock one?
pub fn is_stock() -> bool {
    std::env::var(UNDER_TEST).is_ok_and(|word| word == "stock")
}

/// Runs `body` on a private host of its own. `name` is the test's own full name, `lab` the lab program
/// (`env!("CARGO_BIN_EXE_gsyncd-lab")`).
///
/// # Errors
/// What `body` returned, or what the lab could not do.
pub fn on_a_private_host(name: &str, lab: &str, rsync: Rsync, body: impl FnOnce() -> Done) -> Done {
    if std::env::var(MARK).is_ok_and(|mark| mark == name) {
        return body();
    }
    let gsyncd = under_test()?;
    // The stock one copies nothing with the newest rsync.
    let rsync = if gsyncd == "stock" && rsync == Rsync::Host { Rsync::V3_2_7 } else { rsync };
    let mut command = Command::new(lab);
    command.args(["--gsyncd", &gsyncd, "--rsync", rsync.word()]);
    if let Some(keep) = std::env::var_os("GSYNCD_LAB_KEEP") {
        command.arg("--keep").arg(PathBuf::from(keep).join(name));
    }
    command.arg("--").arg(std::env::current_exe()?).args([
        "--exact",
        name,
        "--nocapture",
        "--include-ignored",
    ]);
    let status = command.env(MARK, name).env(UNDER_TEST, &gsyncd).stdin(Stdio::null()).status()?;
    if status.success() { Ok(()) } else { Err(Failure::new(format!("{name} on its private host: {status}"))) }
}
