//! A follower with nothing to do uses no processor, and is there at once when something happens. The bench measures
//! better; the ceilings here are wide.
use gsyncd_lab::census::processor_time;
use gsyncd_lab::mirror::{FileSystem, Mirror, Reach, Room, Who, on_a_host_with_rooms};
use gsyncd_lab::{Done, Failure, load, wait};
use std::fs;
use std::time::{Duration, Instant};

const BOUND: Duration = Duration::from_secs(60);
const CHANGE_CEILING: Duration = Duration::from_secs(5);
const OBSERVED: Duration = Duration::from_secs(3);
const PROCESSOR_CEILING: Duration = Duration::from_millis(10);

fn idle(name: &str, who: Who, reach: Reach) -> Done {
    on_a_host_with_rooms(name, env!("CARGO_BIN_EXE_gsyncd-lab"), who, || {
        let mirror = Mirror::new(&Room::on(FileSystem::Disk)?, "idle", reach)?;
        load::populate(&mirror.source.join("tree"))?;
        let follower = mirror.follow(BOUND)?;
        mirror.equal_within(BOUND, "first sync")?;
        for round in 0..5 {
            let (name, start) = (format!("tree/file{round}"), Instant::now());
            fs::write(mirror.source.join(&name), name.as_bytes())?;
            while fs::read(mirror.copy_of(&name)).ok().as_deref() != Some(name.as_bytes()) {
                if start.elapsed() > CHANGE_CEILING {
                    return Err(Failure::new(format!("a change has not arrived\n{}", mirror.log_tail())));
                }
                std::thread::sleep(Duration::from_millis(1));
            }
            println!("a single change: {:.0} ms", start.elapsed().as_secs_f64() * 1000.0);
        }
        // What it still does for the last change is not idleness: three quiet seconds must come.
        wait::until(BOUND, "it is idle", || {
            let before = processor_time();
            std::thread::sleep(OBSERVED);
            let used = processor_time().saturating_sub(before);
            println!("processor time in {OBSERVED:?}: {:.2} ms", used.as_secs_f64() * 1000.0);
            if used < PROCESSOR_CEILING { Ok(()) } else { Err(format!("{used:?}")) }
        })?;
        follower.stop().map(drop)
    })
}

#[test]
fn local() -> Done {
    idle("local", Who::Root, Reach::Path)
}

#[test]
fn over_ssh() -> Done {
    idle("over_ssh", Who::Root, Reach::Ssh)
}

#[test]
fn as_an_ordinary_user() -> Done {
    idle("as_an_ordinary_user", Who::Ordinary, Reach::Path)
}
