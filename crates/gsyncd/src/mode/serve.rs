//! `serve`: the serving end of a directory session, on stdin and stdout. Ends with the link.

use crate::exit::{Failure, Outcome};
use crate::obs::log::{self, Plain};
use crate::secondary::serve::{ServeOptions, serve};
use crate::tree;
use gsyncd_core::cli::ServeArgs;
use gsyncd_core::shell::Below;
use gsyncd_core::url::place::shown;
use gsyncd_sys::descriptors::make_room;
use gsyncd_sys::{Errno, OFlags, at};
use std::fs::File;
use std::io::BufReader;
use std::os::fd::{AsFd as _, AsRawFd as _, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Component, Path};
use tracing::level_filters::LevelFilter;

/// What is read from the link at once, in bytes.
const READ_AHEAD: usize = 256 << 10;
/// Of directories made on the way to the one that is served.
const DIRECTORY_MODE: u32 = 0o755;

/// Serves one primary until it leaves.
///
/// # Errors
/// The directory cannot be used, or the conversation breaks.
pub fn run(args: &ServeArgs) -> Outcome {
    serve_at(&args.root, args.primary)
}

/// The same for a key that may reach one directory only.
///
/// # Errors
/// As [`run`], and a symlink on the way.
pub fn below(below: &Below) -> Outcome {
    let fd = descend(below)?;
    // by the descriptor: whoever holds the key could put a symlink in the way of a name
    let path = format!("/proc/self/fd/{}", fd.as_raw_fd());
    serve_at(Path::new(&path), below.primary).map_err(|failure| {
        let message = failure.message.replace(&path, &asked(below));
        Failure { message, ..failure }
    })
}

/// The directory as the primary named it.
fn asked(below: &Below) -> String {
    shown(below.root.join(&below.way).as_os_str())
}

fn serve_at(root: &Path, primary: [u8; 16]) -> Outcome {
    make_room(std::io::stdin().as_fd());
    log::start_plain(Plain { file: None, writer: None, level: LevelFilter::WARN });
    let tree = tree::local::open(root, primary)?;
    let options = ServeOptions::default();
    let input = File::from(std::io::stdin().as_fd().try_clone_to_owned().map_err(broken)?);
    let output = File::from(std::io::stdout().as_fd().try_clone_to_owned().map_err(broken)?);
    serve(BufReader::with_capacity(READ_AHEAD, input), output, tree, &options)
        .map_err(|error| Failure::new(error.to_string()))
}

fn broken(error: std::io::Error) -> Failure {
    Failure::new(format!("stdin or stdout: {error}"))
}

/// Opens the directory step by step from the root, makes what is missing, and follows no symlink.
fn descend(below: &Below) -> Result<OwnedFd, Failure> {
    let mut here = at::open_root(below.root.as_os_str().as_bytes())?;
    for part in below.way.components() {
        let Component::Normal(name) = part else { continue };
        let name = name.as_bytes();
        here = match open_directory(&here, name) {
            Err(error) if error.errno == Errno::NOENT => {
                at::mkdir(&here, name, DIRECTORY_MODE)?;
                open_directory(&here, name)
            }
            opened => opened,
        }
        .map_err(|error| Failure::new(format!("{}: {error}; this key follows no symlinks", asked(below))))?;
    }
    Ok(here)
}

fn open_directory(dir: &OwnedFd, name: &[u8]) -> gsyncd_sys::Result<OwnedFd> {
    at::open(dir, name, OFlags::RDONLY | OFlags::DIRECTORY)
}

#[cfg(test)]
mod tests {
    use super::descend;
    use gsyncd_core::shell::Below;
    use std::fs;
    use std::os::unix::fs::symlink;
    use std::path::PathBuf;

    #[test]
    fn the_way_is_made_and_no_symlink_leads_out() {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path().join("root");
        fs::create_dir(&root).unwrap();
        symlink("/etc", root.join("link")).unwrap();
        let below = |way: &str| Below { root: root.clone(), way: PathBuf::from(way), primary: [0; 16] };
        assert!(descend(&below("")).is_ok());
        assert!(descend(&below("a/b")).is_ok() && root.join("a/b").is_dir());
        for way in ["link", "link/x", "a/../../x/link"] {
            assert!(descend(&below(way)).is_err() || !way.starts_with("link"), "{way}");
        }
        let message = descend(&below("link/x")).unwrap_err().message;
        assert!(message.contains("link/x") && message.contains("follows no symlinks"), "{message}");
        assert!(!PathBuf::from("/etc/x").exists());
    }
}
