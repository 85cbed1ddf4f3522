//! The commands that glusterd waits for, most of them while it holds its big lock: how long each takes, ours beside the
//! stock one, in turns.
use crate::{ci, setup};
use gsyncd_lab::host::{Gsyncd, Options, Rsync, outer, place};
use gsyncd_lab::inside::UNDER_TEST;
use gsyncd_lab::{Done, Failure};
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

const HELP: &str = "\
usage: cargo xtask bench quick [ROUNDS]

What `gluster` and glusterd call most: `--version`, `--status-get`, `--config-get-all` and others, ROUNDS times (31),
the stock gsyncd and ours in turns, on a private host. Shown are medians in milliseconds, their ratio and the bar.
GSYNCD_UNDER_TEST names another binary than the release build.
";

const ROUNDS: usize = 31;
const SESSION: &str = "/var/lib/glusterd/geo-replication/pvol_lab_svol";
const HEAD: &str =
    "-c /var/lib/glusterd/geo-replication/pvol_lab_svol/gsyncd.conf --iprefix=/var :pvol lab::svol";

/// One command: its name, its words (after `HEAD` where they begin with `+`), and the bar for ours in milliseconds.
struct Case {
    name: &'static str,
    words: &'static str,
    bar: Option<f64>,
}

const CASES: [Case; 6] = [
    Case { name: "--version", words: "--version", bar: Some(5.0) },
    Case { name: "--status-get", words: "+ --status-get --path /srv/b1", bar: Some(20.0) },
    Case { name: "--config-get-all", words: "+ --config-get-all", bar: Some(20.0) },
    Case { name: "--config-get pid-file", words: "+ --config-get pid-file", bar: None },
    Case { name: "--normalize-url", words: "--normalize-url lab::svol", bar: None },
    Case { name: "--config-set", words: "+ --config-set sync-jobs --value=5", bar: None },
];

/// Outside: builds, and starts itself on a private host. There: measures and prints the table.
///
/// # Errors
/// A command failed.
pub fn run(words: &[OsString]) -> Done {
    let words: Vec<String> = words.iter().map(|word| word.to_string_lossy().into_owned()).collect();
    match words.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["here", ours, rounds] => measure(Path::new(ours), rounds.parse().unwrap_or(ROUNDS)),
        [] => start(ROUNDS),
        [rounds] if rounds.parse::<usize>().is_ok_and(|count| count > 0) => {
            start(rounds.parse().unwrap_or(ROUNDS))
        }
        _ => {
            print!("{HELP}");
            Ok(())
        }
    }
}

fn start(rounds: usize) -> Done {
    setup::run()?;
    let ours = match std::env::var_os(UNDER_TEST) {
        Some(path) => PathBuf::from(path),
        None => ci::release()?,
    };
    let me = std::env::current_exe()?.into_os_string();
    let words = [me, "bench".into(), "quick".into(), "here".into(), ours.into(), rounds.to_string().into()];
    let options = Options { gsyncd: Gsyncd::Stock, rsync: Rsync::Host, keep: None, command: words.to_vec() };
    match outer::run(&options)? {
        ExitCode::SUCCESS => Ok(()),
        code => Err(Failure::new(format!("bench quick: {code:?}"))),
    }
}

fn measure(ours: &Path, rounds: usize) -> Done {
    furnish()?;
    let stock = place::libexec()?.join("gsyncd");
    println!("{:<24}{:>10}{:>10}{:>8}{:>12}", "median of each, ms", "stock", "ours", "ratio", "bar");
    for case in &CASES {
        let (mut theirs, mut own) = (Vec::new(), Vec::new());
        for round in 0..=rounds {
            let took = (timed(&stock, case)?, timed(ours, case)?);
            // the first is in nobody's page cache
            if round > 0 {
                theirs.push(took.0);
                own.push(took.1);
            }
        }
        println!("{}", line(case, median(theirs), median(own)));
    }
    Ok(())
}

/// A session as it is on disk; no glusterd is needed for these commands.
fn furnish() -> Done {
    fs::create_dir_all(SESSION)?;
    fs::create_dir_all("/var/log/glusterfs/geo-replication")?;
    let path = Path::new(SESSION);
    fs::write(
        path.join("gsyncd.conf"),
        "[vars]\nsync-jobs = 4\nstime-xattr-prefix = trusted.glusterfs.a.b\n",
    )?;
    fs::write(path.join("monitor.status"), "Started")?;
    let status = "{\"checkpoint_time\": 0, \"last_synced\": 1795356663, \"worker_status\": \"Active\"}";
    fs::write(path.join("brick_%2Fsrv%2Fb1.status"), status)?;
    Ok(())
}

fn timed(program: &Path, case: &Case) -> Done<Duration> {
    let mut command = Command::new(program);
    // as glusterd calls it
    command.env("_GLUSTERD_CALLED_", "1").env("GLUSTERD_WORKDIR", "/var/lib/glusterd");
    let words = case.words.strip_prefix('+').map_or(case.words.to_owned(), |rest| format!("{HEAD}{rest}"));
    command.args(words.split(' ')).stdin(Stdio::null());
    let start = Instant::now();
    let output = command.output()?;
    let took = start.elapsed();
    if output.status.success() {
        return Ok(took);
    }
    Err(Failure::new(format!("{command:?}: {}\n{}", output.status, String::from_utf8_lossy(&output.stderr))))
}

fn median(mut all: Vec<Duration>) -> f64 {
    all.sort();
    all.get(all.len() / 2).map_or(f64::NAN, |time| time.as_secs_f64() * 1000.0)
}

fn line(case: &Case, stock: f64, ours: f64) -> String {
    let bar = match case.bar {
        Some(bar) if ours < bar => format!("< {bar:.0} PASS"),
        Some(bar) => format!("< {bar:.0} miss"),
        None => "-".to_owned(),
    };
    format!("{:<24}{stock:>10.1}{ours:>10.2}{:>8.0}{bar:>12}", case.name, stock / ours)
}

#[cfg(test)]
mod tests {
    use super::{CASES, line, median};
    use std::time::Duration;

    #[test]
    fn a_line_and_a_median() {
        assert_eq!(median([3, 1, 2].map(Duration::from_millis).to_vec()), 2.0);
        assert_eq!(
            line(&CASES[0], 120.0, 2.0),
            "--version                    120.0      2.00      60    < 5 PASS"
        );
        assert!(line(&CASES[0], 120.0, 6.0).ends_with("miss"));
    }
}
