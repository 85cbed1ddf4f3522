//! How long it takes until the session is Active, and until a change is there. Wide ceilings: the bench measures.
use gsyncd_lab::host::Rsync;
use gsyncd_lab::inside::on_a_private_host;
use gsyncd_lab::scenario::{ACTIVE_CEILING, Scenario};
use gsyncd_lab::{Done, Failure, wait};
use std::fs;
use std::time::{Duration, Instant};

const START_CEILING: Duration = Duration::from_secs(20);
const CHANGE_CEILING: Duration = Duration::from_secs(15);

#[test]
fn start_and_live_change() -> Done {
    on_a_private_host("start_and_live_change", env!("CARGO_BIN_EXE_gsyncd-lab"), Rsync::V3_2_7, || {
        let lab = Scenario::new()?;
        let start = Instant::now();
        lab.session.start()?;
        lab.session.wait_active(ACTIVE_CEILING)?;
        println!("start to Active: {:.1} s", start.elapsed().as_secs_f64());
        if start.elapsed() > START_CEILING {
            return Err(Failure::new(format!("Active only after {:?}", start.elapsed())));
        }
        for round in 0..5 {
            let name = format!("file{round}");
            let start = Instant::now();
            fs::write(lab.primary.join(&name), "text")?;
            wait::until(CHANGE_CEILING, "the change is there", || {
                match fs::read(lab.secondary.join(&name)) {
                    Ok(text) if text == b"text" => Ok(()),
                    other => Err(format!("{other:?}")),
                }
            })?;
            println!("live change: {:.2} s", start.elapsed().as_secs_f64());
        }
        lab.end_in_peace()
    })
}
