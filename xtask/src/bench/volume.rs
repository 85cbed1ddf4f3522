//! The same work through the stock gsyncd and through ours, in the same run, and the limit of the machine.
use crate::{ci, setup};
use gsyncd_lab::host::{Gsyncd, Options, Rsync, outer, place};
use gsyncd_lab::scenario::Scenario;
use gsyncd_lab::tree::{self, Depth, Kind};
use gsyncd_lab::{Done, Failure, wait};
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

const HELP: &str = "\
usage: cargo xtask bench [stock|ours|limit]...
       cargo xtask bench directory [OPTION]...   (plain directories; has its own --help)
       cargo xtask bench quick [ROUNDS]          (the commands that glusterd waits for)

Case 1: 10,000 files of 4 KiB in 100 directories, made while the session is stopped; from `start` to all there.
Beside it: start to Active, the latency of a live change, and the limit: four parallel cp of the same files from the
brick into the mount of a third volume of the same layout. Each part has a private host of its own.
";

const DIRECTORIES: usize = 100;
const FILES_EACH: usize = 100;
const FILE_BYTES: usize = 4096;
/// Live changes measured, and how long anything may take.
const CHANGES: usize = 5;
const BOUND: Duration = Duration::from_secs(400);
/// How long a small thing may take: the first look at the journal after a start, a live change.
const SOON: Duration = Duration::from_secs(60);
/// Between two looks at the brick: long enough not to take part in the race on a small machine.
const LOOK: Duration = Duration::from_millis(250);

/// Seconds by name of the measurement.
type Figures = BTreeMap<String, f64>;

/// Outside: runs the parts one after the other and prints the table. On a private host: one part.
///
/// # Errors
/// A part failed.
pub fn run(words: Vec<OsString>) -> Done {
    let words: Vec<String> = words.iter().map(|word| word.to_string_lossy().into_owned()).collect();
    if let [mark, part, result] = words.as_slice()
        && mark == "here"
    {
        return measure(part, Path::new(result));
    }
    let known = ["stock", "ours", "limit"];
    if words.iter().any(|word| !known.contains(&word.as_str())) {
        print!("{HELP}");
        return Ok(());
    }
    setup::run()?;
    let wanted = |part: &&str| words.is_empty() || words.iter().any(|word| word == part);
    let mut figures = Figures::new();
    for part in known.into_iter().filter(wanted) {
        eprintln!("bench: {part} …");
        figures.extend(on_a_host(part)?);
    }
    print!("{}", table(&figures));
    Ok(())
}

fn on_a_host(part: &str) -> Done<Figures> {
    let (gsyncd, rsync) = match part {
        "ours" => (Gsyncd::Binary(ci::release()?), Rsync::None),
        _ => (Gsyncd::Stock, Rsync::V3_2_7),
    };
    let result = place::target().join(format!("bench-{part}-{}", std::process::id()));
    let me = std::env::current_exe()?.into_os_string();
    let command = vec![me, "bench".into(), "here".into(), part.into(), result.clone().into_os_string()];
    let code = outer::run(&Options { gsyncd, rsync, keep: None, command })?;
    if code != ExitCode::SUCCESS {
        return Err(Failure::new(format!("bench {part} failed")));
    }
    let text = fs::read_to_string(&result)?;
    fs::remove_file(&result)?;
    let pairs = text.lines().filter_map(|line| line.split_once('='));
    Ok(pairs.filter_map(|(name, value)| Some((format!("{part} {name}"), value.parse().ok()?))).collect())
}

fn measure(part: &str, result: &Path) -> Done {
    let figures = match part {
        "limit" => limit()?,
        _ => session()?,
    };
    let lines: String = figures.iter().map(|(name, value)| format!("{name}={value}\n")).collect();
    fs::write(result, lines)?;
    Ok(())
}

/// Case 1, and the two latencies, with whatever gsyncd this host has.
fn session() -> Done<Figures> {
    let lab = Scenario::new()?;
    let mut figures = Figures::new();
    // Created and never started: the changelog begins now, and the crawl has all of it to do.
    make_files(&lab.primary)?;
    settle()?;
    let start = Instant::now();
    lab.session.start()?;
    wait_for_files(&lab.cluster.brick("svol"))?;
    figures.insert("case 1".into(), start.elapsed().as_secs_f64());
    verify(&lab)?;
    lab.session.stop_clean()?;
    let start = Instant::now();
    lab.session.start()?;
    lab.session.wait_active(BOUND)?;
    figures.insert("active".into(), start.elapsed().as_secs_f64());
    lab.session.wait_status(SOON, "crawl_status", |text| text == "Changelog Crawl")?;
    match live_change(&lab) {
        Ok(seconds) => drop(figures.insert("live".into(), seconds)),
        // The other figures are worth having without it (the stock one loses changes now and then).
        Err(failure) => eprintln!("bench: {failure}"),
    }
    lab.session.stop()?;
    Ok(figures)
}

/// The mean of some live changes, each from the write to the bytes being on the other side, in seconds.
fn live_change(lab: &Scenario) -> Done<f64> {
    let start = Instant::now();
    for round in 0..CHANGES {
        let name = format!("live{round}");
        fs::write(lab.primary.join(&name), "text")?;
        wait::until(SOON, "the change is there", || match fs::read(lab.secondary.join(&name)) {
            Ok(text) if text == b"text" => Ok(()),
            other => Err(format!("{other:?}")),
        })?;
    }
    Ok(start.elapsed().as_secs_f64() / CHANGES as f64)
}

fn make_files(root: &Path) -> Done {
    std::thread::scope(|scope| {
        let handles: Vec<_> = (0..4).map(|thread| scope.spawn(move || make_some(root, thread))).collect();
        handles.into_iter().filter_map(|handle| handle.join().ok()).collect::<Done>()
    })
}

fn make_some(root: &Path, thread: usize) -> Done {
    for directory in (thread..DIRECTORIES).step_by(4) {
        let path = root.join(directory_name(directory));
        fs::create_dir_all(&path)?;
        for file in 0..FILES_EACH {
            let byte = u8::try_from((directory + file) % 251).unwrap_or_default();
            fs::write(path.join(format!("f{file:03}")), vec![byte; FILE_BYTES])?;
        }
    }
    Ok(())
}

fn directory_name(number: usize) -> String {
    format!("d{number:03}")
}

/// What is written is on the disk, and nobody's roll-over is in the way.
fn settle() -> Done {
    gsyncd_lab::command::run::<&str>("sync", &[])?;
    std::thread::sleep(Duration::from_secs(5));
    Ok(())
}

/// Looks at the brick itself: cheap, and no client of the volume takes part.
fn wait_for_files(brick: &Path) -> Done {
    let mut done = [false; DIRECTORIES];
    let start = Instant::now();
    loop {
        for (number, done) in done.iter_mut().enumerate().filter(|(_, done)| !**done) {
            *done = is_whole(&brick.join(directory_name(number)));
        }
        let missing = done.iter().filter(|done| !**done).count();
        if missing == 0 {
            return Ok(());
        }
        if start.elapsed() > BOUND {
            return Err(Failure::new(format!("{missing} directories are not whole\n{}", wait::log_tails())));
        }
        std::thread::sleep(LOOK);
    }
}

fn is_whole(directory: &Path) -> bool {
    let whole = |number: usize| {
        let data = fs::metadata(directory.join(format!("f{number:03}")));
        data.is_ok_and(|data| data.len() == FILE_BYTES as u64)
    };
    // From the end: the file most likely to be missing is asked for first.
    (0..FILES_EACH).rev().all(whole)
}

fn verify(lab: &Scenario) -> Done {
    let walk = |root: PathBuf| tree::walk(&root, Depth::Full);
    let (left, right) = (walk(lab.cluster.brick("pvol"))?, walk(lab.cluster.brick("svol"))?);
    let mut found = tree::difference_between(&left, &right);
    found.retain(|difference| difference.aspect != tree::Aspect::Mtime);
    let files = right.values().filter(|entry| entry.kind == Kind::File).count();
    if found.is_empty() && files == DIRECTORIES * FILES_EACH {
        return Ok(());
    }
    Err(Failure::new(format!("{files} files; {}", tree::report(&found))))
}

/// Four parallel cp from the primary brick into a mount of a third volume, and `sync`.
fn limit() -> Done<Figures> {
    let lab = Scenario::new()?;
    make_files(&lab.primary)?;
    lab.cluster.volume("tvol")?;
    let target = lab.cluster.mount("tvol")?;
    settle()?;
    let start = Instant::now();
    let mut children = Vec::new();
    for thread in 0..4 {
        let brick = lab.cluster.brick("pvol");
        let sources = (thread..DIRECTORIES).step_by(4).map(|number| brick.join(directory_name(number)));
        children.push(Command::new("cp").arg("-r").args(sources).arg(&target).spawn()?);
    }
    for mut child in children {
        if !child.wait()?.success() {
            return Err(Failure::new("cp failed"));
        }
    }
    gsyncd_lab::command::run::<&str>("sync", &[])?;
    let seconds = start.elapsed().as_secs_f64();
    wait_for_files(&lab.cluster.brick("tvol"))?;
    Ok(Figures::from([("case 1".to_owned(), seconds)]))
}

fn table(figures: &Figures) -> String {
    let mut text = format!("{:<44}{:>9}{:>9}{:>9}{:>9}\n", "", "stock", "ours", "ratio", "limit");
    let rows = [
        ("case 1", "10,000 x 4 KiB, start to all there (s)"),
        ("active", "start to Active (s)"),
        ("live", "a live change, roll-over every 2 s (s)"),
    ];
    for (name, title) in rows {
        let get = |part: &str| figures.get(&format!("{part} {name}")).copied();
        let (stock, ours) = (get("stock"), get("ours"));
        let ratio = stock.zip(ours).map(|(stock, ours)| stock / ours);
        let cells = [stock, ours, ratio, get("limit")].map(cell);
        text.push_str(&format!("{title:<44}{}\n", cells.join("")));
    }
    text
}

fn cell(value: Option<f64>) -> String {
    value.map_or(format!("{:>9}", "-"), |value| format!("{value:>9.1}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_with_all_and_with_holes() {
        let mut figures =
            Figures::from([("stock case 1".to_owned(), 46.0), ("ours case 1".to_owned(), 11.5)]);
        figures.insert("limit case 1".into(), 9.0);
        let line = "10,000 x 4 KiB, start to all there (s)           46.0     11.5      4.0      9.0";
        assert_eq!(table(&figures).lines().nth(1), Some(line));
        assert!(table(&Figures::new()).lines().nth(2).unwrap().ends_with("-"));
    }
}
