//! The kernel's queue of events overflows: it was stopped for longer than the queue lasts.
use gsyncd_lab::mirror::{FileSystem, Mirror, Reach, Room, Who, on_a_host_with_rooms};
use gsyncd_lab::{Done, load};
use rustix::process::Signal;
use std::fs;
use std::time::Duration;

const BOUND: Duration = Duration::from_secs(120);
const DIRECTORIES: usize = 40;

/// How many events the kernel keeps for one reader.
fn limit() -> Done<usize> {
    let text = fs::read_to_string("/proc/sys/fs/inotify/max_queued_events")?;
    Ok(text.trim().parse().unwrap_or(16_384))
}

fn overflow(name: &str, who: Who) -> Done {
    on_a_host_with_rooms(name, env!("CARGO_BIN_EXE_gsyncd-lab"), who, || {
        let mirror = Mirror::new(&Room::on(FileSystem::Memory)?, "overflow", Reach::Path)?;
        let directory = |number: usize| mirror.source.join(format!("d{}", number % DIRECTORIES));
        for number in 0..DIRECTORIES {
            fs::create_dir(directory(number))?;
            fs::write(directory(number).join("old"), "old")?;
        }
        load::populate(&mirror.source.join("before"))?;
        let follower = mirror.follow(BOUND)?;
        mirror.equal_within(BOUND, "first sync")?;
        follower.signal(Signal::STOP)?;
        // A creation alone is an event; the others come on top.
        for number in 0..limit()? + 100 {
            fs::write(directory(number).join(format!("f{number}")), "new")?;
        }
        load::change(&mirror.source.join("before"))?;
        let moves = "for n in 1 2 3 4 5; do mv d$n moved$n; echo more > moved$n/old; rm -r d1$n; done; mv before after";
        load::shell(&mirror.source, moves)?;
        follower.signal(Signal::CONT)?;
        mirror.equal_within(BOUND, "after the overflow")?;
        load::shell(
            &mirror.source,
            "echo again > moved1/old; mv moved2 d2; mkdir -p d2/new/deep; echo 1 > d2/new/deep/one",
        )?;
        mirror.equal_within(BOUND, "and it follows again")?;
        follower.stop().map(drop)
    })
}

#[test]
fn as_root() -> Done {
    overflow("as_root", Who::Root)
}

#[test]
fn as_an_ordinary_user() -> Done {
    overflow("as_an_ordinary_user", Who::Ordinary)
}
