//! The same whatever rsync is installed: crawl, live, history in short.
use gsyncd_lab::host::Rsync;
use gsyncd_lab::inside::on_a_private_host;
use gsyncd_lab::scenario::{ACTIVE_CEILING, Scenario};
use gsyncd_lab::{Done, Failure, load};
use std::process::Command;
use std::time::Duration;

const BOUND: Duration = Duration::from_secs(90);

fn short_life(name: &str, rsync: Rsync) -> Done {
    on_a_private_host(name, env!("CARGO_BIN_EXE_gsyncd-lab"), rsync, || {
        check_version(rsync)?;
        let lab = Scenario::new()?;
        load::populate(&lab.primary.join("live"))?;
        load::populate(&lab.primary.join("history"))?;
        lab.session.start()?;
        lab.session.wait_active(ACTIVE_CEILING)?;
        lab.equal_within(BOUND, "crawl")?;
        load::change(&lab.primary.join("live"))?;
        lab.equal_within(BOUND, "live")?;
        lab.session.stop_clean()?;
        load::change(&lab.primary.join("history"))?;
        lab.session.start()?;
        lab.session.wait_active(ACTIVE_CEILING)?;
        lab.equal_within(BOUND, "history")?;
        lab.end_in_peace()
    })
}

/// The host really has that rsync.
fn check_version(rsync: Rsync) -> Done {
    let output = Command::new("rsync").arg("--version").output();
    let wanted = format!("version {} ", rsync.word());
    match output {
        Err(_) if rsync == Rsync::None => Ok(()),
        Ok(output) if String::from_utf8_lossy(&output.stdout).contains(&wanted) => Ok(()),
        other => Err(Failure::new(format!("not the rsync {} that was wanted: {other:?}", rsync.word()))),
    }
}

#[test]
fn rsync_3_5_0() -> Done {
    short_life("rsync_3_5_0", Rsync::V3_5_0)
}

#[test]
fn rsync_3_2_7() -> Done {
    short_life("rsync_3_2_7", Rsync::V3_2_7)
}

#[test]
fn no_rsync() -> Done {
    short_life("no_rsync", Rsync::None)
}
