//! What is moved is not sent again: the bytes on the link are counted.
use gsyncd_lab::count::{Bytes, Counter};
use gsyncd_lab::mirror::{FileSystem, Mirror, Reach, Room, Who, on_a_host_with_rooms};
use gsyncd_lab::{Done, Failure};
use std::fs::{self, File};
use std::io::Write;
use std::time::Duration;

const LAB: &str = env!("CARGO_BIN_EXE_gsyncd-lab");
const BOUND: Duration = Duration::from_secs(300);
const MEBIBYTE: u64 = 1_048_576;
const FILES: u64 = 10_000;
const FILE_BYTES: u64 = 4096;
/// What may be said of one object that only has another place, in bytes: its names and what it looks like.
const WORDS_EACH: u64 = 400;
/// Greetings and whatever else does not depend on how much there is.
const ALWAYS: u64 = 100_000;
/// The hashes of a file's blocks, in bytes: a file that was renamed while nobody looked is compared.
const HASHES_OF_A_MEBIBYTE: u64 = 256;

/// Is run with an ssh that counts.
fn counted(name: &str, body: fn(&Mirror, &Counter) -> Done) -> Done {
    on_a_host_with_rooms(name, LAB, Who::Root, || {
        let room = Room::on(FileSystem::Disk)?;
        let counter = Counter::new(&room.path.join("counter"), LAB)?;
        let mut mirror = Mirror::new(&room, "moves", Reach::Ssh)?;
        mirror.option("--ssh-command");
        mirror.option(&counter.program);
        body(&mirror, &counter)
    })
}

/// Runs `change`, waits until the trees are equal, and judges what that has cost.
fn costs(
    mirror: &Mirror,
    counter: &Counter,
    what: &str,
    ceiling: u64,
    change: impl FnOnce() -> Done,
) -> Done<Bytes> {
    let before = counter.bytes()?;
    change()?;
    mirror.equal_within(BOUND, what)?;
    let bytes = counter.bytes()?.since(before);
    println!("{what}: {} bytes to and {} bytes from the other side", bytes.to, bytes.from);
    if bytes.sum() > ceiling {
        return Err(Failure::new(format!("{what}: {bytes:?}, more than {ceiling}")));
    }
    Ok(bytes)
}

fn noise(seed: u64, count: u64) -> Vec<u8> {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&seed.to_le_bytes());
    let mut bytes = vec![0; usize::try_from(count).unwrap_or_default()];
    hasher.finalize_xof().fill(&mut bytes);
    bytes
}

#[test]
fn a_directory_of_10000_files() -> Done {
    counted("a_directory_of_10000_files", |mirror, counter| {
        let source = &mirror.source;
        fs::create_dir_all(source.join("many/deep"))?;
        fs::create_dir(source.join("elsewhere"))?;
        for number in 0..FILES {
            fs::write(source.join(format!("many/deep/f{number}")), noise(number, FILE_BYTES))?;
        }
        let content = FILES * FILE_BYTES;
        let first = counter.bytes()?;
        let follower = mirror.follow(BOUND)?;
        mirror.equal_within(BOUND, "first sync")?;
        let sent = counter.bytes()?.since(first);
        if sent.to < content {
            return Err(Failure::new(format!("the counter is wrong: {sent:?} for {content} bytes")));
        }
        // One name says it all; but a secondary that asks again for each file is still far below the content.
        let ceiling = ALWAYS + FILES * WORDS_EACH;
        let away = || Ok(fs::rename(source.join("many"), source.join("elsewhere/moved"))?);
        costs(mirror, counter, "a directory moved", ceiling, away)?;
        let one_by_one = || {
            fs::create_dir(source.join("single"))?;
            let pairs = (0..FILES).map(|number| format!("f{number}"));
            pairs.into_iter().try_for_each(|name| {
                let from = source.join("elsewhere/moved/deep").join(&name);
                Ok(fs::rename(from, source.join("single").join(&name))?)
            })
        };
        costs(mirror, counter, "each file moved", ceiling, one_by_one)?;
        follower.stop()?;
        let before = counter.bytes()?;
        fs::rename(source.join("single"), source.join("elsewhere/again"))?;
        mirror.once()?;
        let bytes = counter.bytes()?.since(before);
        println!("moved while it was stopped: {bytes:?}");
        let fine = bytes.sum() <= ceiling;
        if fine { Ok(()) } else { Err(Failure::new(format!("moved while it was stopped: {bytes:?}"))) }
    })
}

/// `GSYNCD_LARGE_MEBIBYTES` says how large it is (1,024 by hand).
#[test]
fn a_large_file() -> Done {
    counted("a_large_file", |mirror, counter| {
        let words = std::env::var("GSYNCD_LARGE_MEBIBYTES").unwrap_or_else(|_| "256".into());
        let mebibytes: u64 = words.parse().map_err(|_| Failure::new(format!("{words} MiB?")))?;
        let source = &mirror.source;
        fs::create_dir(source.join("elsewhere"))?;
        let mut file = File::create(source.join("large"))?;
        (0..mebibytes).try_for_each(|number| file.write_all(&noise(number, MEBIBYTE)))?;
        drop(file);
        let follower = mirror.follow(BOUND)?;
        mirror.equal_within(BOUND, "first sync")?;
        let rename = || Ok(fs::rename(source.join("large"), source.join("elsewhere/renamed"))?);
        costs(mirror, counter, "renamed", ALWAYS, rename)?;
        let directory = || Ok(fs::rename(source.join("elsewhere"), source.join("other"))?);
        costs(mirror, counter, "its directory renamed", ALWAYS, directory)?;
        follower.stop()?;
        let before = counter.bytes()?;
        fs::rename(source.join("other/renamed"), source.join("while stopped"))?;
        mirror.once()?;
        let bytes = counter.bytes()?.since(before);
        println!("renamed while it was stopped: {bytes:?}");
        let fine = bytes.sum() <= ALWAYS + mebibytes * HASHES_OF_A_MEBIBYTE;
        if fine { Ok(()) } else { Err(Failure::new(format!("renamed while it was stopped: {bytes:?}"))) }
    })
}
