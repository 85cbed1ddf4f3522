//! Names are bytes, in every phase.
use gsyncd_lab::host::Rsync;
use gsyncd_lab::inside::on_a_private_host;
use gsyncd_lab::scenario::{ACTIVE_CEILING, Scenario};
use gsyncd_lab::{Done, load};
use std::time::Duration;

const BOUND: Duration = Duration::from_secs(90);

#[test]
fn odd_names_in_every_phase() -> Done {
    on_a_private_host("odd_names_in_every_phase", env!("CARGO_BIN_EXE_gsyncd-lab"), Rsync::Host, || {
        let lab = Scenario::new()?;
        let dir = |name: &str| lab.primary.join(name);
        for name in ["crawl", "live", "history"] {
            load::populate_names(&dir(name))?;
        }
        load::change_names(&dir("crawl"))?;
        lab.session.start()?;
        lab.session.wait_active(ACTIVE_CEILING)?;
        lab.equal_within(BOUND, "crawl")?;
        load::change_names(&dir("live"))?;
        load::populate_names(&dir("live2"))?;
        lab.equal_within(BOUND, "live")?;
        lab.session.stop_clean()?;
        load::change_names(&dir("history"))?;
        load::populate_names(&dir("history2"))?;
        load::change_names(&dir("history2"))?;
        lab.session.start()?;
        lab.session.wait_active(ACTIVE_CEILING)?;
        lab.equal_within(BOUND, "history")?;
        lab.end_in_peace()
    })
}
