//! The host with which most tests begin: two volumes, both mounted without caches, a session created between them.
use crate::cluster::Cluster;
use crate::host::place;
use crate::session::Session;
use crate::tree::{self, Depth, Difference};
use crate::wait;
use crate::{Done, Failure};
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// Two volumes and a session.
pub struct Scenario {
    /// The node.
    pub cluster: Cluster,
    /// From `pvol` to `svol`, created.
    pub session: Session,
    /// An ordinary mount of `pvol`, caches off.
    pub primary: PathBuf,
    /// An ordinary mount of `svol`, caches off.
    pub secondary: PathBuf,
}

/// How long `start` may take to Active before a test fails (the promise is 5 s; the bench measures it).
pub const ACTIVE_CEILING: Duration = Duration::from_secs(60);

impl Scenario {
    /// Brings it up.
    ///
    /// # Errors
    /// Any step's.
    pub fn new() -> Done<Scenario> {
        let cluster = Cluster::start()?;
        cluster.volume("pvol")?;
        cluster.volume("svol")?;
        let primary = cluster.mount("pvol")?;
        let secondary = cluster.mount("svol")?;
        let session = Session::create("pvol", "svol")?;
        Ok(Scenario { cluster, session, primary, secondary })
    }

    /// Waits until both trees are equal in everything. The bricks are compared first, without times (which bricks of a
    /// volume with the ctime feature do not keep), because that is cheap; then the mounts, with times.
    ///
    /// # Errors
    /// They are not equal within `bound`: the differences that are left.
    #[track_caller]
    pub fn equal_within(&self, bound: Duration, phase: &str) -> Done {
        let start = Instant::now();
        let (left, right) = (self.cluster.brick("pvol"), self.cluster.brick("svol"));
        let near = wait::until(bound, &format!("{phase}: bricks hold the same"), || {
            let walk = |root| tree::walk(root, Depth::Full).map_err(|failure| failure.to_string());
            let mut differences = tree::difference_between(&walk(&left)?, &walk(&right)?);
            differences.retain(|difference| difference.aspect != tree::Aspect::Mtime);
            judge(&differences)
        });
        near?;
        let rest = bound.saturating_sub(start.elapsed()).max(Duration::from_secs(10));
        wait::until(rest, &format!("{phase}: trees are equal"), || {
            let found =
                tree::compare(&self.primary, &self.secondary).map_err(|failure| failure.to_string())?;
            judge(&found)
        })?;
        println!("{phase}: trees are equal after {:.1} s", start.elapsed().as_secs_f64());
        Ok(())
    }

    /// Stops the session; nothing of it may be left, and it may not have logged any warning or error.
    ///
    /// # Errors
    /// Something is left, or was complained about.
    #[track_caller]
    pub fn end_in_peace(&self) -> Done {
        self.session.stop_clean()?;
        let complaints = wait::complaints();
        if complaints.is_empty() { Ok(()) } else { Err(Failure::new(complaints.join("\n"))) }
    }
}

fn judge(differences: &[Difference]) -> Result<(), String> {
    if differences.is_empty() { Ok(()) } else { Err(tree::report(differences)) }
}

/// The unpacked sources of a public package of more than 5,000 files, as `cargo xtask setup` fetched them.
///
/// # Errors
/// They are not there.
pub fn sources() -> Done<PathBuf> {
    let path = place::cache().join("sources");
    if path.is_dir() {
        Ok(path)
    } else {
        Err(Failure::new("no sources are fetched; run `cargo xtask setup`"))
    }
}
