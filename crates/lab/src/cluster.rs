//! A one-node cluster on the private host.
use crate::command::{output, run};
use crate::{Done, Failure, wait};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The node's host name.
pub const HOST: &str = "lab";

/// A running glusterd.
pub struct Cluster(());

/// Options of an ordinary client mount without any cache, so that it shows what is there now.
const UNCACHED: [&str; 5] = [
    "--acl",
    "--entry-timeout=0",
    "--attribute-timeout=0",
    "--xlator-option=*md-cache.md-cache-timeout=0",
    "--xlator-option=*quick-read.quick-read-cache-timeout=0",
];

impl Cluster {
    /// Starts glusterd and waits until it answers.
    ///
    /// # Errors
    /// It does not start or answer within 20 s.
    pub fn start() -> Done<Cluster> {
        run("glusterd", &["--log-level=WARNING"])?;
        wait::until(Duration::from_secs(20), "glusterd answers", || {
            gluster(&["volume", "list"]).map(drop).map_err(|failure| failure.to_string())
        })?;
        Ok(Cluster(()))
    }

    /// Creates and starts a volume of one brick; its changelog rolls over every 2 s.
    ///
    /// # Errors
    /// The gluster CLI's.
    pub fn volume(&self, name: &str) -> Done {
        let brick = self.brick(name);
        fs::create_dir_all(&brick)?;
        let address = format!("{HOST}:{}", brick.display());
        gluster(&["volume", "create", name, &address, "force"])?;
        // 1 is never right: two changelogs of one second share a name, and the later overwrites the earlier.
        gluster(&["volume", "set", name, "changelog.rollover-time", "2"])?;
        gluster(&["volume", "start", name])?;
        Ok(())
    }

    /// The brick of a volume.
    pub fn brick(&self, volume: &str) -> PathBuf {
        Path::new("/srv").join(volume).join("brick")
    }

    /// Mounts a volume as an ordinary client does, but without caches; returns where.
    ///
    /// # Errors
    /// The mount does not come up within 10 s.
    pub fn mount(&self, volume: &str) -> Done<PathBuf> {
        let path = Path::new("/mnt").join(volume);
        fs::create_dir_all(&path)?;
        let mut words = vec![format!("--volfile-server={HOST}"), format!("--volfile-id={volume}")];
        words.extend(UNCACHED.map(String::from));
        words.push(path.to_string_lossy().into_owned());
        run("glusterfs", &words)?;
        wait::until(Duration::from_secs(10), &format!("{volume} is mounted"), || {
            let mounts = fs::read_to_string("/proc/mounts").map_err(|error| error.to_string())?;
            let there = mounts
                .lines()
                .any(|line| line.contains("fuse.glusterfs") && line.contains(&*path.to_string_lossy()));
            if there && fs::read_dir(&path).is_ok() { Ok(()) } else { Err("not there".into()) }
        })?;
        Ok(path)
    }
}

/// Runs the gluster CLI without questions; returns what it printed.
///
/// # Errors
/// Its exit code is not 0.
#[track_caller]
pub fn gluster(words: &[&str]) -> Done<String> {
    let mut all = vec!["--mode=script"];
    all.extend(words);
    run("gluster", &all)
}

/// Runs the gluster CLI where a failure is awaited; returns what it printed.
///
/// # Errors
/// Its exit code is 0.
#[track_caller]
pub fn gluster_refuses(words: &[&str]) -> Done<String> {
    let mut all = vec!["--mode=script"];
    all.extend(words);
    let output = output("gluster", &all)?;
    let text = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    if output.status.success() {
        Err(Failure::new(format!("gluster {words:?} succeeded: {text}")))
    } else {
        Ok(text)
    }
}
