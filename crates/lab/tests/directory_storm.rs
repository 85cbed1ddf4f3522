//! Several writers change the same few names at random while the session, or only its connection, dies: equal at the
//! end of each seed. `GSYNCD_STORM_SEEDS=FIRST..END` (END is not one of them) or one number chooses the seeds.
use gsyncd_lab::mirror::{FileSystem, Follower, Mirror, Reach, Room, Who, kill_all, on_a_host_with_rooms};
use gsyncd_lab::storm::plain::{Log, Storm, storm};
use gsyncd_lab::tree::Aspect;
use gsyncd_lab::{Done, Failure};
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::sleep;
use std::time::Duration;

const BOUND: Duration = Duration::from_secs(90);
/// Until then everything has arrived but what the kernel does not tell.
const HEARD_BOUND: Duration = Duration::from_secs(30);
/// Between two looks at everything: the first comes after [`HEARD_BOUND`].
const CRAWL_SECONDS: &str = "60";
const SEEDS: Range<u64> = 1..6;
/// Between two deaths: from hardly started to well on its way.
const SHORTEST_LIFE_MS: u64 = 30;
const LONGEST_LIFE_MS: u64 = 1500;

/// What dies.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Victim {
    Session,
    Connection,
    Nobody,
}

fn seeds() -> Done<Range<u64>> {
    let Ok(text) = std::env::var("GSYNCD_STORM_SEEDS") else { return Ok(SEEDS) };
    let number = |text: &str| text.parse().map_err(|_| Failure::new(format!("GSYNCD_STORM_SEEDS: {text}")));
    match text.split_once("..") {
        Some((first, end)) => Ok(number(first)?..number(end)?),
        None => number(&text).map(|one| one..one + 1),
    }
}

fn storms(name: &str, who: Who, reach: Reach, victim: Victim) -> Done {
    on_a_host_with_rooms(name, env!("CARGO_BIN_EXE_gsyncd-lab"), who, || {
        seeds()?.try_for_each(|seed| {
            let file_system = if seed % 2 == 0 { FileSystem::Memory } else { FileSystem::Disk };
            let mut mirror = Mirror::new(&Room::on(file_system)?, &format!("seed{seed}"), reach)?;
            mirror.option("--crawl-interval");
            mirror.option(CRAWL_SECONDS);
            let owners = who == Who::Root;
            one(&mirror, seed, owners, victim)
                .map_err(|failure| Failure::new(format!("seed {seed}: {failure}")))
        })
    })
}

fn one(mirror: &Mirror, seed: u64, owners: bool, victim: Victim) -> Done {
    let never = AtomicBool::new(false);
    let before = Storm { seed: seed + 1_000_000, threads: 2, steps: 500, pause: None, owners };
    let mut log = storm(&mirror.source, &before, &never)?;
    println!("seed {seed}: {} changes before the start", log.len());
    let pause = Some(Duration::from_millis(2));
    let long = Storm { seed, threads: 4, steps: 1500, pause, owners };
    let over = AtomicBool::new(false);
    let (follower, deaths) = std::thread::scope(|scope| {
        let writers = scope.spawn(|| {
            let log = storm(&mirror.source, &long, &never);
            over.store(true, Ordering::Relaxed);
            log
        });
        let outcome = deaths(mirror, seed, victim, &over);
        log = writers.join().map_err(|_| Failure::new("the storm panicked"))??;
        outcome
    })?;
    println!("seed {seed}: {} changes, {deaths} deaths", log.len());
    log.save(&mirror.source.with_file_name("storm.log"))?;
    settled(mirror, seed, &log)?;
    follower.stop()?;
    let outcome = mirror.once();
    outcome
        .map_err(|failure| Failure::new(format!("--once at the end: {failure}\n{}", history(mirror, &log))))
}

fn settled(mirror: &Mirror, seed: u64, log: &Log) -> Done {
    let at_last = |failure| Failure::new(format!("{failure}\n{}", history(mirror, log)));
    let Err(failure) = mirror.equal_within(HEARD_BOUND, &format!("seed {seed}")) else { return Ok(()) };
    // A file that is written through a link which came and went meanwhile: nothing tells that it was this file.
    let untold =
        |aspect| !matches!(aspect, Aspect::Existence | Aspect::Kind | Aspect::Links | Aspect::Target);
    if !mirror.differences()?.iter().all(|difference| untold(difference.aspect)) {
        return Err(at_last(failure));
    }
    println!("seed {seed}: left to the next look at everything: {failure}");
    mirror.equal_within(BOUND, &format!("seed {seed}")).map_err(at_last)
}

/// What was done to the first paths that differ.
fn history(mirror: &Mirror, log: &Log) -> String {
    let differences = mirror.differences().unwrap_or_default();
    let paths = differences.iter().take(4).map(|difference| mirror.source.join(&difference.path));
    paths.map(|path| format!("--- {path:?}\n{}", log.about(&path))).collect()
}

/// Lets it be killed until the storm is over; returns it alive, and how often it, or its connection, was killed.
fn deaths(mirror: &Mirror, seed: u64, victim: Victim, over: &AtomicBool) -> Done<(Follower, usize)> {
    let mut follower = Follower::start(mirror)?;
    if victim == Victim::Connection {
        // one that never had a connection says so and ends
        follower.wait_said(BOUND, "connected")?;
    }
    let (mut deaths, mut chance) = (0, seed);
    while !over.load(Ordering::Relaxed) {
        chance = chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        sleep(Duration::from_millis(
            SHORTEST_LIFE_MS + (chance >> 33) % (LONGEST_LIFE_MS - SHORTEST_LIFE_MS),
        ));
        match victim {
            Victim::Session => {
                follower.kill()?;
                deaths += 1;
                follower = Follower::start(mirror)?;
            }
            Victim::Connection => deaths += kill_all(&follower.ssh()),
            Victim::Nobody => {}
        }
    }
    Ok((follower, deaths))
}

#[test]
fn killed() -> Done {
    storms("killed", Who::Root, Reach::Path, Victim::Session)
}

#[test]
fn killed_over_ssh() -> Done {
    storms("killed_over_ssh", Who::Root, Reach::Ssh, Victim::Session)
}

#[test]
fn connection_killed() -> Done {
    storms("connection_killed", Who::Root, Reach::Ssh, Victim::Connection)
}

#[test]
fn undisturbed() -> Done {
    storms("undisturbed", Who::Root, Reach::Path, Victim::Nobody)
}

#[test]
fn killed_as_an_ordinary_user() -> Done {
    storms("killed_as_an_ordinary_user", Who::Ordinary, Reach::Path, Victim::Session)
}
