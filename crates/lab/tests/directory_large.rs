//! 100,000 files, and how much memory that takes.
use gsyncd_lab::census::{peak_bytes, processes};
use gsyncd_lab::mirror::{FileSystem, Follower, Mirror, Reach, Room, Who, on_a_host_with_rooms};
use gsyncd_lab::{Done, Failure};
use std::fs;
use std::time::{Duration, Instant};

const BOUND: Duration = Duration::from_secs(300);
const DIRECTORIES: usize = 1000;
const FILES_EACH: usize = 100;
/// Wide: memory must not grow with the tree, but the tests also run unoptimized builds.
const CEILING: u64 = 150 * 1_048_576;

fn large(name: &str, who: Who, reach: Reach) -> Done {
    on_a_host_with_rooms(name, env!("CARGO_BIN_EXE_gsyncd-lab"), who, || {
        let mirror = Mirror::new(&Room::on(FileSystem::Memory)?, "large", reach)?;
        for directory in 0..DIRECTORIES {
            let path = mirror.source.join(format!("a{}/d{directory}", directory % 10));
            fs::create_dir_all(&path)?;
            for file in 0..FILES_EACH {
                fs::write(path.join(format!("file number {file}")), format!("{directory} {file}"))?;
            }
        }
        let start = Instant::now();
        let follower = mirror.follow(BOUND)?;
        println!("first sync: {:.1} s", start.elapsed().as_secs_f64());
        mirror.equal_within(BOUND, "first sync")?;
        judge(&follower, "after the first sync")?;
        fs::write(mirror.source.join("a1/d1/file number 1"), "changed")?;
        fs::rename(mirror.source.join("a2"), mirror.source.join("a1/a2"))?;
        fs::remove_dir_all(mirror.source.join("a3"))?;
        mirror.equal_within(BOUND, "10,000 files moved, 10,000 removed")?;
        judge(&follower, "after live changes")?;
        follower.stop()?;
        let start = Instant::now();
        let follower = mirror.follow(BOUND)?;
        println!("started again: {:.1} s", start.elapsed().as_secs_f64());
        judge(&follower, "after the start with nothing to do")?;
        follower.stop()?;
        mirror.equal()
    })
}

fn judge(follower: &Follower, when: &str) -> Done {
    let here = follower.peak_bytes()?;
    // On the far side it is sshd's grandchild; its own words say what it is.
    let serves = |line: &str| line.contains("gsyncd serve ") && !line.starts_with("ssh ");
    let far = processes().into_iter().filter(|process| serves(&process.line) && process.name != "ssh");
    let far = far.filter_map(|process| peak_bytes(process.pid).ok()).max().unwrap_or_default();
    println!("peak memory {when}: {} MiB here, {} MiB there", here >> 20, far >> 20);
    let fine = here.max(far) <= CEILING;
    if fine { Ok(()) } else { Err(Failure::new(format!("{when}: {here} and {far} bytes of memory"))) }
}

#[test]
fn local() -> Done {
    large("local", Who::Root, Reach::Path)
}

#[test]
fn over_ssh() -> Done {
    large("over_ssh", Who::Root, Reach::Ssh)
}

#[test]
fn as_an_ordinary_user() -> Done {
    large("as_an_ordinary_user", Who::Ordinary, Reach::Path)
}
