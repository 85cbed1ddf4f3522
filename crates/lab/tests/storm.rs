//! The same few names change at random while workers and secondaries die: equal at the end.
use gsyncd_lab::census::kill;
use gsyncd_lab::host::Rsync;
use gsyncd_lab::inside::on_a_private_host;
use gsyncd_lab::scenario::{ACTIVE_CEILING, Scenario};
use gsyncd_lab::storm::storm;
use gsyncd_lab::{Done, Failure};
use std::time::Duration;

const BOUND: Duration = Duration::from_secs(240);
/// A storm makes so many changes.
const STEPS: u64 = 800;

fn seed(name: &str, seed: u64) -> Done {
    on_a_private_host(name, env!("CARGO_BIN_EXE_gsyncd-lab"), Rsync::Host, || {
        let lab = Scenario::new()?;
        let root = lab.primary.join("storm");
        storm(&root, seed, STEPS)?;
        lab.session.start()?;
        lab.session.wait_active(ACTIVE_CEILING)?;
        storm(&root, seed + 1000, STEPS)?;
        lab.equal_within(BOUND, "a storm over the first sync")?;
        for round in 0..4 {
            storm(&root, seed + 2000 + round, STEPS)?;
            let victims =
                if round % 2 == 0 { lab.session.census.workers() } else { lab.session.census.secondaries() };
            let victim = victims.first().ok_or_else(|| Failure::new("nobody to kill"))?;
            kill(victim)?;
            storm(&root, seed + 3000 + round, STEPS)?;
            lab.session.wait_active(ACTIVE_CEILING)?;
        }
        lab.equal_within(BOUND, "storms with kills")?;
        lab.session.stop_clean()
    })
}

#[test]
fn storm_one() -> Done {
    seed("storm_one", 1)
}

#[test]
fn storm_two() -> Done {
    seed("storm_two", 2)
}
