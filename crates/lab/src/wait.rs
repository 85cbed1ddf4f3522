//! Waiting for a condition, with a bound and a good answer when it does not come.
use crate::{Done, Failure};
use std::fs;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// How long to wait, in all, between two looks.
const PAUSE: Duration = Duration::from_millis(100);
/// How much of each log a failure shows.
const TAIL_LINES: usize = 25;

/// Tries `attempt` until it returns `Ok`; its `Err` says what is still missing. Returns its value.
///
/// # Errors
/// `bound` has passed: the text has what was awaited, what was missing last, and the ends of the session's logs.
#[track_caller]
pub fn until<T>(bound: Duration, what: &str, mut attempt: impl FnMut() -> Result<T, String>) -> Done<T> {
    let start = Instant::now();
    loop {
        let missing = match attempt() {
            Ok(value) => return Ok(value),
            Err(missing) => missing,
        };
        if start.elapsed() > bound {
            let seconds = start.elapsed().as_secs_f64();
            return Err(Failure::new(format!(
                "{what}: not within {seconds:.1} s: {missing}\n{}",
                log_tails()
            )));
        }
        sleep(PAUSE);
    }
}

/// The lines of warning or error in the logs of geo-replication on this host, but for the one that every `create`
/// leaves: glusterd asks about the session before it makes its file.
pub fn complaints() -> Vec<String> {
    let is_expected = |line: &str| line.contains("Session config file not exists");
    let is_complaint = |line: &&str| (line.contains("] W [") || line.contains("] E [")) && !is_expected(line);
    let texts = log_files().into_iter().map(|file| fs::read_to_string(file).unwrap_or_default());
    texts.flat_map(|text| text.lines().filter(is_complaint).map(str::to_owned).collect::<Vec<_>>()).collect()
}

fn log_files() -> Vec<PathBuf> {
    let mut files = Vec::new();
    for dir in ["geo-replication", "geo-replication-secondaries", "geo-replication-slaves"] {
        collect(&Path::new("/var/log/glusterfs").join(dir), &mut files);
    }
    files.sort();
    files
}

/// The last lines of the logs of geo-replication on this host.
pub fn log_tails() -> String {
    let files = log_files();
    files.iter().map(|file| format!("--- {}\n{}\n", file.display(), tail(file))).collect()
}

fn collect(dir: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            collect(&path, files);
        } else if !is_of_a_mount(&path) {
            files.push(path);
        }
    }
}

/// Logs of GlusterFS clients: long, and seldom the answer.
fn is_of_a_mount(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    ["mnt-", "mbr-", "gverify-", "changes-", "cli.log"].iter().any(|start| name.starts_with(start))
}

fn tail(file: &Path) -> String {
    let text = fs::read(file).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default();
    let lines: Vec<&str> = text.lines().filter(|line| !line.contains(".c:")).collect();
    let first = lines.len().saturating_sub(TAIL_LINES);
    lines.into_iter().skip(first).collect::<Vec<_>>().join("\n")
}
