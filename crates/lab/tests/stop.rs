//! Stop ends everything, at once.
use gsyncd_lab::host::Rsync;
use gsyncd_lab::inside::on_a_private_host;
use gsyncd_lab::scenario::{ACTIVE_CEILING, Scenario};
use gsyncd_lab::{Done, load};
use std::time::{Duration, Instant};

/// The promise is one second; this is what a busy machine may add.
const CEILING: Duration = Duration::from_secs(5);

#[test]
fn stop_leaves_nothing() -> Done {
    on_a_private_host("stop_leaves_nothing", env!("CARGO_BIN_EXE_gsyncd-lab"), Rsync::Host, || {
        let lab = Scenario::new()?;
        for round in 0..3 {
            lab.session.start()?;
            lab.session.wait_active(ACTIVE_CEILING)?;
            load::populate(&lab.primary.join(format!("round{round}")))?;
            load::change(&lab.primary.join(format!("round{round}")))?;
            let start = Instant::now();
            lab.session.stop()?;
            let stopped = start.elapsed();
            lab.session.wait_gone(CEILING)?;
            let (stopped, gone) = (stopped.as_secs_f64(), start.elapsed().as_secs_f64());
            println!("stop returned after {stopped:.2} s, everything was gone after {gone:.2} s");
        }
        lab.session.start()?;
        lab.session.wait_active(ACTIVE_CEILING)?;
        lab.equal_within(Duration::from_secs(90), "after three stops at work")?;
        lab.session.stop_clean()
    })
}
