//! A storm over a plain directory: several writers in one tree, who meet.
use super::dice::Dice;
use super::names::Names;
use super::step::step;
use crate::{Done, Failure};
use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// What is to be done.
#[derive(Clone, Copy, Debug)]
pub struct Storm {
    /// Each writer does the same for the same seed; how they meet is chance.
    pub seed: u64,
    /// How many writers.
    pub threads: u64,
    /// Steps of each.
    pub steps: u64,
    /// How long each rests after a step.
    pub pause: Option<Duration>,
    /// Owners are changed too, which needs root.
    pub owners: bool,
}

/// What was done, a line for each step that succeeded, for a person who looks for what happened.
#[derive(Clone, Debug, Default)]
pub struct Log(Vec<String>);

impl Log {
    /// Writes it to a file.
    ///
    /// # Errors
    /// The file system's.
    pub fn save(&self, path: &Path) -> Done {
        Ok(fs::write(path, self.0.concat())?)
    }

    /// The last steps in which a path, or something below it, has a part.
    pub fn about(&self, path: &Path) -> String {
        let name = format!("{path:?}");
        let name = name.trim_end_matches('"');
        let lines: Vec<&str> = self.0.iter().map(String::as_str).filter(|line| line.contains(name)).collect();
        lines.get(lines.len().saturating_sub(20)..).unwrap_or_default().concat()
    }

    /// How many steps succeeded.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Nothing was done.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Makes the storm below `root`, until it is over or `stop` is set.
///
/// # Errors
/// The root cannot be made.
pub fn storm(root: &Path, storm: &Storm, stop: &AtomicBool) -> Done<Log> {
    fs::create_dir_all(root)?;
    let start = std::time::Instant::now();
    let write = |thread| writer(root, storm, thread, stop, start);
    let logs = std::thread::scope(|scope| {
        let write = &write;
        let handles: Vec<_> = (0..storm.threads).map(|thread| scope.spawn(move || write(thread))).collect();
        handles.into_iter().map(std::thread::ScopedJoinHandle::join).collect::<Result<Vec<_>, _>>()
    });
    let logs = logs.map_err(|_| Failure::new("a writer of the storm panicked"))?;
    let mut lines: Vec<(Duration, String)> = logs.into_iter().flatten().collect();
    lines.sort();
    Ok(Log(lines.into_iter().map(|(_, line)| line).collect()))
}

fn writer(
    root: &Path,
    storm: &Storm,
    thread: u64,
    stop: &AtomicBool,
    start: std::time::Instant,
) -> Vec<(Duration, String)> {
    let mut dice = Dice::new(storm.seed.wrapping_mul(1_000_003).wrapping_add(thread));
    let names = Names::new();
    let mut log = Vec::new();
    for number in 0..storm.steps {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        let began = start.elapsed();
        // A name that is not there, a directory that is not empty, another writer who was faster: part of the game.
        let (words, outcome) = step(root, &names, &mut dice, storm.owners);
        if outcome.is_ok() {
            let mut line = String::new();
            let ended = start.elapsed().as_secs_f64();
            let _ = writeln!(line, "{:.6}-{ended:.6} {thread}.{number} {words}", began.as_secs_f64());
            log.push((began, line));
        }
        if let Some(pause) = storm.pause {
            std::thread::sleep(pause);
        }
    }
    log
}

#[cfg(test)]
mod tests {
    use super::{Storm, storm};
    use crate::tree;
    use std::sync::atomic::AtomicBool;

    const ONE: Storm = Storm { seed: 7, threads: 1, steps: 3000, pause: None, owners: false };

    #[test]
    fn one_writer_does_the_same_again() {
        let top = tempfile::tempdir().unwrap();
        let (left, right) = (top.path().join("left"), top.path().join("right"));
        for root in [&left, &right] {
            let log = storm(root, &ONE, &AtomicBool::new(false)).unwrap();
            assert!(log.len() > 1000, "{}", log.len());
        }
        let mut found = tree::compare(&left, &right).unwrap();
        // Times that nobody set are those of the moment.
        found.retain(|difference| difference.aspect != tree::Aspect::Mtime);
        assert!(found.is_empty(), "{}", tree::report(&found));
    }

    /// One writer: what several leave is up to how they meet.
    #[test]
    fn all_sorts_of_things_are_left() {
        let top = tempfile::tempdir().unwrap();
        storm(top.path(), &ONE, &AtomicBool::new(false)).unwrap();
        let tree = tree::walk(top.path(), tree::Depth::Full).unwrap();
        let has = |wanted: &dyn Fn(&tree::Entry) -> bool| tree.values().any(wanted);
        for kind in [tree::Kind::File, tree::Kind::Directory, tree::Kind::Symlink, tree::Kind::Fifo] {
            assert!(has(&|entry| entry.kind == kind), "{kind:?}");
        }
        assert!(has(&|entry| entry.links > 1) && has(&|entry| !entry.xattrs.is_empty()));
        assert!(has(&|entry| entry.size > 256 * 1024));
    }

    #[test]
    fn several_writers_meet_in_one_tree() {
        let top = tempfile::tempdir().unwrap();
        let many = Storm { threads: 4, ..ONE };
        let log = storm(top.path(), &many, &AtomicBool::new(false)).unwrap();
        for writer in 0..many.threads {
            let part = format!("{writer}.");
            let by = |line: &String| line.split(' ').nth(1).is_some_and(|word| word.starts_with(&part));
            assert!(log.0.iter().any(by), "writer {writer}");
        }
        tree::walk(top.path(), tree::Depth::Full).unwrap();
    }
}
