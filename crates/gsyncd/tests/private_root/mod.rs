//! A test that runs where all of this machine's files are seen through a layer: what is written is kept in the layer
//! and can be looked at, nothing reaches the machine. There are no other processes and there is no network.
#![allow(clippy::unwrap_used, clippy::panic, reason = "for tests")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Set on the inside to the directory where the layer is seen.
const MARK: &str = "GSYNCD_PRIVATE_ROOT";

/// Arguments: the directory for the layer, the test binary, the binary under test, the test's name.
const PREPARE: &str = r#"
set -e
mount -t tmpfs layer "$1"
mkdir "$1/upper" "$1/work" "$1/root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$1/upper,workdir=$1/work" "$1/root"
mount -t proc proc "$1/root/proc"
mount --rbind /dev "$1/root/dev"
for file in "$2" "$3"; do
  if [ ! -e "$1/root$file" ]; then mkdir -p "$1/root${file%/*}"; mount --bind "${file%/*}" "$1/root${file%/*}"; fi
done
for program in gluster glusterfs glusterd; do
  if [ -e "$1/root/usr/sbin/$program" ]; then mount --bind /bin/false "$1/root/usr/sbin/$program"; fi
done
mkdir -p "$1/root$1"
mount --bind "$1/upper" "$1/root$1"
export GSYNCD_PRIVATE_ROOT="$1"
exec chroot "$1/root" "$2" --exact "$4" --nocapture --test-threads=1
"#;

/// The layer over the machine's files.
pub struct Layer {
    path: PathBuf,
    before: BTreeSet<PathBuf>,
}

/// Runs `body` in a private root of its own; `name` is the test's full name.
pub fn in_a_private_root(name: &str, body: impl FnOnce(&mut Layer)) {
    if let Some(path) = std::env::var_os(MARK) {
        assert_eq!(std::process::id(), 1, "not the first process of a private root");
        let mut layer = Layer { path: path.into(), before: BTreeSet::new() };
        layer.accept();
        return body(&mut layer);
    }
    let directory = tempfile::tempdir().unwrap();
    let mut command = Command::new("unshare");
    if !gsyncd_sys::user::is_root() {
        command.arg("--map-root-user");
    }
    command.args(["--mount", "--pid", "--fork", "--kill-child", "--net", "--propagation", "private"]);
    command.args(["sh", "-c", PREPARE, "sh"]).arg(directory.path()).arg(std::env::current_exe().unwrap());
    let status = command.arg(env!("CARGO_BIN_EXE_gsyncd")).arg(name).status().unwrap();
    assert!(status.success(), "{name} in its private root: {status}");
}

impl Layer {
    /// What is there now may be there.
    pub fn accept(&mut self) {
        self.before = self.changed();
    }

    /// What was written, changed or removed since, but for what is below `allowed` and the directories above those.
    pub fn strays(&self, allowed: &[&str]) -> Vec<PathBuf> {
        let is_allowed = |path: &Path| {
            allowed.iter().any(|allowed| path.starts_with(allowed) || Path::new(allowed).starts_with(path))
        };
        self.changed().difference(&self.before).filter(|path| !is_allowed(path)).cloned().collect()
    }

    fn changed(&self) -> BTreeSet<PathBuf> {
        let mut found = BTreeSet::new();
        let mut todo = vec![self.path.clone()];
        while let Some(directory) = todo.pop() {
            for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
                let is_directory = entry.file_type().is_ok_and(|kind| kind.is_dir());
                found.insert(Path::new("/").join(entry.path().strip_prefix(&self.path).unwrap()));
                if is_directory {
                    todo.push(entry.path());
                }
            }
        }
        found
    }
}

/// Ends every other process in here, one by one, and waits for each.
pub fn end_the_others() {
    assert_eq!(std::process::id(), 1, "only in a private root");
    let entries = fs::read_dir("/proc").unwrap().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    for pid in pids.filter(|pid| *pid != 1) {
        let _ = gsyncd_sys::signal::kill_process(pid, gsyncd_sys::signal::Signal::KILL);
    }
}
