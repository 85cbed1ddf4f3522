//! Two directories, and gsyncd between them. Needs nothing but the program itself.

use crate::ci;
use gsyncd_lab::{Done, Failure, tree, wait};
use gsyncd_sys::child::Watched;
use gsyncd_sys::signal::Signal;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// How long anything in the demonstration may take.
const BOUND: Duration = Duration::from_secs(60);
/// How many files there are at the beginning, in each of ten directories.
const FILES: usize = 200;

/// Directories for one demonstration; gone with it.
struct Place {
    home: PathBuf,
}

impl Drop for Place {
    fn drop(&mut self) {
        // what cannot be removed is in the temporary directory
        let _ = fs::remove_dir_all(&self.home);
    }
}

/// Replicates one directory to another and shows what arrives.
///
/// # Errors
/// The program cannot be built, or something does not arrive.
pub fn run() -> Done {
    let program = ci::release()?;
    let place = Place { home: std::env::temp_dir().join(format!("gsyncd-demo-{}", std::process::id())) };
    let (source, target) = (place.home.join("source"), place.home.join("target"));
    fill(&source)?;
    let state = place.home.join("state");
    println!("$ gsyncd {} {}", source.display(), target.display());
    let mut command = Command::new(&program);
    command.arg("--state-dir").arg(&state).arg(&source).arg(&target).stdin(Stdio::null());
    let mut session = Watched::spawn(&mut command).map_err(failed)?;
    let shown = show(&source, &target);
    if shown.is_ok() {
        println!("$ gsyncd status");
        Command::new(&program).arg("status").arg("--state-dir").arg(&state).status()?;
    }
    session.signal(Signal::TERM).map_err(failed)?;
    session.wait(Some(BOUND)).map_err(failed)?;
    shown
}

fn failed(error: gsyncd_sys::Error) -> Failure {
    Failure::new(error.to_string())
}

fn fill(source: &Path) -> Done {
    for directory in 0..10 {
        let directory = source.join(format!("directory {directory}"));
        fs::create_dir_all(&directory)?;
        for file in 0..FILES {
            fs::write(directory.join(format!("file {file}")), format!("{file}\n").repeat(500))?;
        }
    }
    Ok(())
}

fn show(source: &Path, target: &Path) -> Done {
    let begun = Instant::now();
    equal(source, target)?;
    println!("{} files are in the target after {:.2} s.", 10 * FILES, begun.elapsed().as_secs_f64());
    for round in 1..=3 {
        let name = format!("live {round}");
        let begun = Instant::now();
        fs::write(source.join(&name), format!("written in round {round}\n"))?;
        arrives(&target.join(&name), begun)?;
        println!("\"{name}\" arrived {:.1} ms after it was written.", begun.elapsed().as_secs_f64() * 1000.0);
    }
    fs::rename(source.join("directory 1"), source.join("directory 2").join("moved"))?;
    fs::remove_dir_all(source.join("directory 3"))?;
    fs::hard_link(source.join("live 1"), source.join("directory 4").join("linked"))?;
    equal(source, target)?;
    println!("A directory was moved, one removed, a file linked: the target is equal again.");
    Ok(())
}

/// Waits for a file with something in it, looking so often that what is told is its time and not ours.
fn arrives(path: &Path, begun: Instant) -> Done {
    while fs::metadata(path).map_or(0, |seen| seen.len()) == 0 {
        if begun.elapsed() > BOUND {
            return Err(Failure::new(format!("{} does not arrive", path.display())));
        }
        std::thread::sleep(Duration::from_micros(200));
    }
    Ok(())
}

fn equal(source: &Path, target: &Path) -> Done {
    wait::until(BOUND, "both are equal", || {
        let differences = tree::compare(source, target).map_err(|failure| failure.to_string())?;
        if differences.is_empty() { Ok(()) } else { Err(tree::report(&differences)) }
    })
    .map_err(|failure| Failure::new(failure.to_string()))
}
