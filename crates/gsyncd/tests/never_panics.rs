//! No command line, no config file and no status file of any bytes makes the program panic, or write where it has
//! nothing to write. The built binary, in a root of its own where nothing can reach the machine.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test: helpers outside of test functions may fail too"
)]

#[path = "../../core/tests/any/mod.rs"]
mod any;
mod private_root;

use any::{any_bytes, brick_status, config_file, keep_below, monitor_status};
use private_root::{Layer, end_the_others, in_a_private_root};
use proptest::collection::vec;
use proptest::prelude::{BoxedStrategy, Just, Strategy, prop_oneof};
use proptest::sample::select;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestRng, TestRunner};
use std::cell::Cell;
use std::ffi::OsString;
use std::fs;
use std::os::unix::ffi::OsStringExt as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

const GSYNCD: &str = env!("CARGO_BIN_EXE_gsyncd");
const SESSION: &str = "/var/lib/glusterd/geo-replication/pvol_lab_svol";
const BRICK_STATUS: &str = "brick_%2Fb1.status";
/// Where the program has something to write.
const ROOMS: [&str; 7] = [
    "/var/lib/glusterd/geo-replication",
    "/var/log/glusterfs",
    "/run/gluster",
    "/var/run/gluster",
    "/var/lib/misc/gluster",
    "/var/lib/gsyncd",
    "/scratch",
];
/// What a template remembers (see `conf::generation`).
const GENERATION: &str = "# gsyncd: the glusterd here is of the generation ";
/// A command that is to last is ended after that: a daemon in the foreground, a directory that is followed.
const LASTING: Duration = Duration::from_millis(400);

/// Options, subcommands and values that mean something somewhere.
const WORDS: &[&str] = &[
    "--version",
    "--help",
    "-h",
    "--",
    "--debug",
    "--inet6",
    "--inet",
    "-c",
    "-N",
    "-p",
    "-l",
    "-L",
    "-r",
    "-s",
    "-",
    "--monitor",
    "--agent",
    "--listen",
    "--verify",
    "spawning",
    "--create",
    "--delete",
    "--status-get",
    "--path",
    "--path=/b1",
    "--path=/b1 --path=/b2 ",
    "--path-list=--path=/b1 ",
    "--path-list",
    "--reset-sync-time",
    "--config-get",
    "--config-get-all",
    "--config-set",
    "--config-set-rx",
    "--config-set-glob",
    "--config-del",
    "--config-del-rx",
    "--config-del-glob",
    "--config-check",
    "--config-file",
    "--normalize-url",
    "--canonicalize-url",
    "--canonicalize-escape-url",
    "--slavevoluuid-get",
    "--secondaryvoluuid-get",
    "--glusterd-uuid=1",
    "--pause-on-start",
    "--iprefix=/scratch",
    "--value=5",
    "--value",
    "--name",
    "-n",
    "-v",
    "--local-path",
    "--feedback-fd",
    "--rpc-fd",
    "--resource-remote",
    "--json",
    "--show-defaults",
    "--only-value",
    "--use-underscore",
    "--log-file",
    "--state-dir",
    "--once",
    "--dry-run",
    "--daemon",
    "--exclude",
    "--port=22",
    "--sync-jobs",
    "--timeout=5",
    "--ignore-deletes",
    "--pid-file=/scratch/p",
    "--state-file",
    "--conf",
    "--co",
    "--config-s",
    "--no-d",
    "monitor",
    "worker",
    "secondary",
    "slave",
    "status",
    "monitor-status",
    "config-check",
    "config-get",
    "config-set",
    "config-reset",
    "voluuidget",
    "delete",
    "serve",
    "restricted",
    "completions",
    "man",
    "help",
    "sync-jobs",
    "sync_jobs",
    "checkpoint",
    "now",
    "session-owner",
    "remote-gsyncd",
    "state_file",
    "5",
    "all",
    ":pvol",
    "pvol",
    ":m",
    "lab::svol",
    "root@lab::svol",
    "ssh://lab::svol",
    "ssh://lab::svol:91de",
    "gluster://h:v",
    "file:///scratch/src",
    "/scratch/src",
    "/scratch/dst",
    "src",
    "dst",
    "h:/dst",
    "/scratch/none",
    "/b1",
    ".",
    "^ssh:",
    "/var/lib/glusterd/geo-replication/pvol_lab_svol/gsyncd.conf",
    "/scratch/gsyncd.conf",
    "Paused",
    "Stopped",
    "../x",
    "pvol/../../x",
    "a::b/../c",
    "--root",
    "--primary",
    "00112233445566778899aabbccddeeff",
    "peers",
    "",
];

fn word() -> BoxedStrategy<OsString> {
    let known = || select(WORDS).prop_map(OsString::from);
    // no NUL can be in an argument; a blank path could be anywhere
    let junk = vec(1..=255_u8, 0..12).prop_map(|bytes| OsString::from_vec(keep_below(bytes)));
    let joined = (known(), known()).prop_map(|(one, other)| {
        let mut word = one;
        word.push("=");
        word.push(other);
        word
    });
    prop_oneof![8 => known(), 1 => junk, 1 => joined].boxed()
}

/// Lines that mean something: to them words are added, and others left out.
const LINES: [&str; 12] = [
    "--path=/b1␣ --monitor -c C --iprefix=/var :pvol --glusterd-uuid=1 lab::svol",
    "--verify spawning :pvol lab::svol",
    "--canonicalize-url ssh://lab::svol lab::svol",
    "-c C --config-set-rx log-file /scratch/x . .",
    "-c C --iprefix=/var :pvol lab::svol --config-set checkpoint now",
    "worker pvol lab::svol --feedback-fd 7 --local-path /b1 --local-node n --local-node-id i --subvol-num 1",
    "secondary pvol lab::svol --primary-node n --primary-brick /b1 --secondary-timeout 1 --primary-dist-count 1",
    "monitor-status pvol lab::svol Stopped",
    "config-set pvol lab::svol --name sync-jobs --value 5",
    "delete pvol lab::svol --path /b1 --reset-sync-time",
    "--once /scratch/src /scratch/dst --exclude *.o",
    "serve --root /scratch/dst --primary 00112233445566778899aabbccddeeff",
];

/// A command line: any words, or a line with changes.
fn argv() -> BoxedStrategy<Vec<OsString>> {
    let lines: Vec<&str> = LINES.iter().chain(&CALLS).copied().collect();
    let change = (0..12_usize, prop_oneof![Just(None), word().prop_map(Some)]);
    let changed = (select(lines), vec(change, 0..3)).prop_map(|(line, changes)| {
        let mut argv = words(line);
        for (at, word) in changes {
            match word {
                Some(word) => argv.insert(at.min(argv.len()), word),
                None => drop((at < argv.len()).then(|| argv.remove(at))),
            }
        }
        argv
    });
    prop_oneof![vec(word(), 0..8), changed].boxed()
}

/// One run: stdin is empty; a run that lasts is ended.
fn run(words: &[OsString], environment: &[(&str, &str)]) -> Output {
    let mut command = Command::new(GSYNCD);
    command.args(words).env_clear().env("PATH", "/usr/bin:/bin").env("HOME", "/scratch").env("TZ", "UTC");
    command.envs(environment.iter().copied()).current_dir("/scratch/here");
    let (out, err) = (Path::new("/scratch/out"), Path::new("/scratch/err"));
    command
        .stdin(Stdio::null())
        .stdout(fs::File::create(out).unwrap())
        .stderr(fs::File::create(err).unwrap());
    let mut child = command.spawn().unwrap();
    let start = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        if start.elapsed() > LASTING {
            child.kill().unwrap();
        }
        std::thread::sleep(Duration::from_micros(300));
    };
    Output { status, stdout: fs::read(out).unwrap(), stderr: fs::read(err).unwrap() }
}

fn words(line: &str) -> Vec<OsString> {
    line.split(' ').map(|word| OsString::from(word.replace('␣', " "))).collect()
}

/// As it is before each case.
fn furnish() {
    for directory in ["/scratch/here/src", "/scratch/src", "/run/gluster", "/var/log/glusterfs", SESSION] {
        fs::create_dir_all(directory).unwrap();
    }
    fs::write("/scratch/src/file", "text").unwrap();
}

fn judge(layer: &Layer, output: &Output, what: &str) -> Result<(), TestCaseError> {
    let stderr = String::from_utf8_lossy(&output.stderr);
    let fail = |text: String| Err(TestCaseError::fail(format!("{what}: {text}\n{stderr}")));
    if output.status.code() == Some(101) || stderr.contains("panicked") {
        return fail("it panics".into());
    }
    let strays = layer.strays(&ROOMS);
    if strays.is_empty() {
        return Ok(());
    }
    for path in &strays {
        // for the next case
        let _ = fs::remove_file(path);
    }
    fail(format!("it changes {strays:?}"))
}

/// A fixed seed: the same cases for everybody, every time.
fn cases(count: u32) -> TestRunner {
    let config =
        Config { cases: count, failure_persistence: None, max_shrink_iters: 200, ..Config::default() };
    TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha))
}

fn property<T: std::fmt::Debug>(
    layer: &mut Layer,
    count: u32,
    strategy: impl Strategy<Value = T>,
    test: impl Fn(&Layer, T) -> Result<(), TestCaseError>,
) {
    furnish();
    layer.accept();
    let done = Cell::new(0);
    let start = Instant::now();
    let outcome = cases(count).run(&strategy, |case| {
        furnish();
        done.set(done.get() + 1);
        let outcome = test(layer, case);
        end_the_others();
        outcome
    });
    outcome.unwrap_or_else(|error| panic!("{error}"));
    println!("{} cases in {:.1} s", done.get(), start.elapsed().as_secs_f64());
}

#[test]
fn any_command_line() {
    in_a_private_root("any_command_line", |layer| {
        let who = select(vec![
            ("_GLUSTERD_CALLED_", "1"),
            ("_GSYNCD_CHILD_", "1"),
            ("SSH_ORIGINAL_COMMAND", "gsyncd secondary pvol lab::svol"),
            ("SSH_ORIGINAL_COMMAND", "gsyncd status"),
            ("OTHER", ""),
        ]);
        property(layer, 900, (who, argv()), |layer, (who, argv)| {
            let output = run(&argv, &[who]);
            judge(layer, &output, &format!("{who:?} {argv:?}"))
        });
    });
}

const CALLER: (&str, &str) = ("_GLUSTERD_CALLED_", "1");

/// What glusterd calls most, and what writes.
const CALLS: [&str; 8] = [
    "-c C --iprefix=/var :pvol lab::svol --config-get-all",
    "-c C --iprefix=/var :pvol lab::svol --config-get pid-file",
    "-c C --iprefix=/var :pvol lab::svol --status-get --path /b1",
    "-c C --iprefix=/var :pvol lab::svol --config-set sync-jobs --value=5",
    "-c C --iprefix=/var :pvol lab::svol --config-del sync-jobs",
    "--create Paused -c C --iprefix=/var :pvol lab::svol",
    "config-get pvol lab::svol --json",
    "--delete -c C --iprefix=/var --path-list=--path=/b1␣ :pvol lab::svol",
];

/// glusterd takes no answer that has an empty line or one without a colon (spec: glusterd-interface 2.6), and its
/// buffers have 255 bytes for a value of a status.
fn lines_for_glusterd(call: &str, output: &Output) -> Result<(), TestCaseError> {
    let text = String::from_utf8_lossy(&output.stdout);
    let is_status = call.contains("--status-get");
    if !output.status.success() || !(is_status || call.contains("-get-all")) {
        return Ok(());
    }
    for line in text.lines() {
        let Some((key, value)) = line.split_once(':') else {
            return Err(TestCaseError::fail(format!("{call}: a line without a colon: {line:?}")));
        };
        if key.is_empty() || (is_status && value.trim().len() > 254) || line.len() > 4350 {
            return Err(TestCaseError::fail(format!("{call}: too long, or no key: {line:?}")));
        }
    }
    Ok(())
}

fn calls(layer: &Layer, what: &str) -> Result<(), TestCaseError> {
    for call in CALLS {
        let output = run(&words(call), &[CALLER]);
        judge(layer, &output, &format!("{call} with {what}"))?;
        lines_for_glusterd(call, &output)?;
    }
    Ok(())
}

#[test]
fn any_config_file() {
    in_a_private_root("any_config_file", |layer| {
        let generation = select(vec!["seed", "seed", "slave", "secondary", "other"]);
        property(
            layer,
            250,
            (generation, config_file(), config_file()),
            |layer, (word, config, template)| {
                fs::write(format!("{SESSION}/gsyncd.conf"), &config).unwrap();
                let template = [format!("{GENERATION}{word}\n").into_bytes(), template].concat();
                fs::write(format!("{SESSION}/../gsyncd_template.conf"), &template).unwrap();
                calls(
                    layer,
                    &format!(
                        "{:?} {:?}",
                        String::from_utf8_lossy(&config),
                        String::from_utf8_lossy(&template)
                    ),
                )
            },
        );
    });
}

#[test]
fn any_status_file() {
    in_a_private_root("any_status_file", |layer| {
        let files = (brick_status(), monitor_status(), any_bytes(12));
        property(layer, 120, files, |layer, (brick, monitor, pid)| {
            fs::write(format!("{SESSION}/gsyncd.conf"), "[vars]\ncheckpoint = 5\n").unwrap();
            fs::write(format!("{SESSION}/{BRICK_STATUS}"), &brick).unwrap();
            fs::write(format!("{SESSION}/monitor.status"), &monitor).unwrap();
            fs::write("/run/gluster/gsyncd-pvol-lab-svol.pid", &pid).unwrap();
            let what =
                format!("{:?} {:?}", String::from_utf8_lossy(&brick), String::from_utf8_lossy(&monitor));
            for call in ["status pvol lab::svol", "status pvol lab::svol --json --local-path /b1"] {
                judge(layer, &run(&words(call), &[]), &format!("{call} with {what}"))?;
            }
            calls(layer, &what)
        });
    });
}
