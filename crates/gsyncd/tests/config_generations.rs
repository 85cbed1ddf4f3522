//! The configuration as glusterds of all generations see it: scripts of calls, each with what comes out.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test: helpers outside of test functions may fail too"
)]

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Command, Output};
use std::sync::Mutex;

const SERIES: &str = include_str!("../testdata/config/rx-series.txt");
/// Releases between which the series differ.
const RELEASES: [&str; 7] = ["3.7", "3.8", "3.10", "4", "8", "9", "10"];

struct Place {
    directory: tempfile::TempDir,
}

impl Place {
    fn new() -> Place {
        // the place's own name must not be taken for a word of a script, whatever it is
        let directory = tempfile::Builder::new().prefix("CONFTMPLGDDATADIR").tempdir().unwrap();
        let place = Place { directory };
        fs::create_dir_all(place.sessions()).unwrap();
        place
    }

    fn sessions(&self) -> PathBuf {
        self.directory.path().join("lib/glusterd/geo-replication")
    }

    fn template(&self) -> PathBuf {
        self.sessions().join("gsyncd_template.conf")
    }

    fn session(&self) -> PathBuf {
        self.sessions().join("pvol_lab_svol")
    }

    fn conf(&self) -> PathBuf {
        self.session().join("gsyncd.conf")
    }

    fn run(&self, words: &[String]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_gsyncd"));
        command.arg0("/usr/libexec/glusterfs/gsyncd").args(words).env_clear();
        command.env("_GLUSTERD_CALLED_", "1").env("TZ", "UTC");
        command.env("GLUSTERD_WORKDIR", self.directory.path().join("lib/glusterd"));
        command.env("GSYNCD_CONFIG_TEMPLATE", self.directory.path().join("installed.conf"));
        command.output().unwrap()
    }

    /// `CONF`, `TMPL` and `GD` are where glusterd has them; `DATADIR` is the directory of all.
    fn fill(&self, text: &str) -> String {
        let words = [
            ("CONF", self.conf()),
            ("TMPL", self.template()),
            ("GD", self.sessions()),
            ("DATADIR", self.directory.path().to_owned()),
        ];
        let first = |text: &str| {
            let found = words.iter().filter_map(|(word, path)| Some((text.find(word)?, *word, path)));
            found.min_by_key(|(at, ..)| *at)
        };
        let (mut filled, mut rest) = (String::new(), text);
        while let Some((at, word, path)) = first(rest) {
            filled.push_str(&rest[..at]);
            filled.push_str(path.to_str().unwrap());
            rest = &rest[at + word.len()..];
        }
        filled + rest
    }

    /// What [`Place::series`] makes of no file; each is really sent once, because that starts many processes.
    fn file_of_series(&self, release: &str, when: char) {
        type Made = BTreeMap<(String, char, String), String>;
        static MADE: Mutex<Made> = Mutex::new(BTreeMap::new());
        let file = if when == 'T' { self.template() } else { self.conf() };
        if file.exists() {
            return self.series(release, when);
        }
        let top = self.directory.path().to_str().unwrap();
        let text = |file: PathBuf| fs::read_to_string(file).unwrap_or_default().replace(top, "DATADIR");
        // of both depends whose words and places they are
        let before = text(self.template()) + &text(self.directory.path().join("installed.conf"));
        let key = (release.to_owned(), when, before);
        let mut made = MADE.lock().unwrap();
        if let Some(text) = made.get(&key) {
            return fs::write(file, text.replace("DATADIR", top)).unwrap();
        }
        self.series(release, when);
        made.insert(key, text(file));
    }

    /// Sends a release's whole series to the template or to the session's file, as `when` says.
    fn series(&self, release: &str, when: char) {
        let file = if when == 'T' { "TMPL" } else { "CONF" };
        let mut count = 0;
        for line in SERIES.lines().filter(|line| !line.starts_with('#')) {
            let [releases, times, patterns, name, value] =
                line.split('|').map(str::trim).collect::<Vec<_>>()[..]
            else {
                panic!("{line}")
            };
            if !includes(releases, release) || !times.contains(when) {
                continue;
            }
            let value = if number(release) >= number("10") { modern(value) } else { value.to_owned() };
            let head = ["-c", file, "--config-set-rx", name, &value];
            let words: Vec<String> =
                head.into_iter().chain(patterns.split(' ')).map(|word| self.fill(word)).collect();
            let output = self.run(&words);
            assert!(output.status.success() && output.stdout.is_empty(), "{release} {line}: {output:?}");
            count += 1;
        }
        assert!(count > 20);
    }

    fn create(&self, release: &str) {
        fs::create_dir(self.session()).unwrap();
        self.file_of_series(release, 'C');
        assert!(self.conf().exists());
    }

    fn ok(&self, words: &str) -> String {
        let words: Vec<String> = words.split(' ').map(|word| self.fill(word)).collect();
        let output = self.run(&words);
        assert!(output.status.success(), "{words:?}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    }
}

fn modern(value: &str) -> String {
    let words = [
        ("${mastervol}", "${primaryvol}"),
        ("${slavevol}", "${secondaryvol}"),
        ("${eSlave}", "${eSecondary}"),
        ("-slaves/", "-secondaries/"),
    ];
    words.iter().fold(value.to_owned(), |value, (old, new)| value.replace(old, new))
}

/// `3.10` is later than `3.8`.
fn number(release: &str) -> (u32, u32) {
    let (major, minor) = release.split_once('.').unwrap_or((release, "0"));
    (major.parse().unwrap(), minor.parse().unwrap())
}

fn includes(range: &str, release: &str) -> bool {
    let (first, last) = range.split_once('-').unwrap();
    number(first) <= number(release) && (last.is_empty() || number(release) <= number(last))
}

/// The series of every release, at its start and at create, is taken whole, and the file of one generation does not
/// trouble the next (spec: glusterd-interface 10.2).
#[test]
fn the_series_of_every_release_is_taken() {
    let place = Place::new();
    for release in RELEASES {
        place.series(release, 'T');
        assert!(place.template().exists());
        place.create(release);
        let all = place.ok("-c CONF --iprefix=DATADIR :pvol lab::svol --config-get-all");
        assert!(all.lines().all(|line| line.contains(':')), "{release}: {all}");
        for key in ["state_file", "georep_session_working_dir", "state_socket_unencoded"] {
            assert!(
                all.lines().any(|line| line.split(':').next() == Some(key)),
                "{release}: no {key} in {all}"
            );
        }
        fs::remove_dir_all(place.session()).unwrap();
    }
}

/// The answers before create are those after, for each spelling of the secondary (spec: glusterd-interface 10.4, 10.5).
#[test]
fn the_template_answers_as_the_session_does() {
    for release in RELEASES {
        let place = Place::new();
        place.series(release, 'T');
        let ask = |file: &str, secondary: &str| {
            let words = format!("-c {file} --iprefix=DATADIR :pvol {secondary}");
            let all = place.ok(&format!("{words} --config-get-all"));
            let lines =
                all.lines().filter(|line| line.starts_with("state_file") || line.starts_with("georep_"));
            let lines: Vec<&str> = lines.collect();
            (lines.join("\n"), place.ok(&format!("{words} --config-get pid-file")))
        };
        let before = ask("TMPL", "lab::svol");
        assert_eq!(fs::read_dir(place.sessions()).unwrap().count(), 1, "{release}");
        place.create(release);
        for secondary in ["lab::svol", "ssh://lab::svol", "ssh://lab::svol:91decf54-1b1b"] {
            assert_eq!(ask("CONF", secondary), before, "{release} {secondary}");
        }
        let state = place.session().join("");
        assert!(before.0.contains(&format!(
            "georep_session_working_dir:{}",
            if number(release) < (4, 0) { " " } else { "" }
        )));
        assert!(
            before.0.contains(state.to_str().unwrap()) && before.1.ends_with(".pid\n"),
            "{release}: {before:?}"
        );
    }
}

/// spec: glusterd-interface 2.6: a line that is too long for glusterd costs it all lines
#[test]
fn no_line_is_too_long_for_glusterd() {
    for release in RELEASES {
        let place = Place::new();
        place.series(release, 'T');
        place.create(release);
        let longest = |words: &str| place.ok(words).lines().map(str::len).max().unwrap();
        let session = "-c CONF --iprefix=DATADIR :pvol lab::svol";
        let set = |bytes: usize| {
            let value = "ö".repeat(bytes / 2);
            let words = format!("{session} --config-set rsync-options --value={value}");
            place.run(&words.split(' ').map(|word| place.fill(word)).collect::<Vec<_>>())
        };
        assert!(set(4096).status.success(), "{release}");
        assert!((4096..4350).contains(&longest(&format!("{session} --config-get-all"))), "{release}");
        assert!(!set(4098).status.success(), "{release}");
        // an administrator's editor takes it all the same
        let text = fs::read_to_string(place.conf()).unwrap().replace("öö", "ööö");
        fs::write(place.conf(), text).unwrap();
        assert!((4096..4350).contains(&longest(&format!("{session} --config-get-all"))), "{release}");
    }
}

/// Scripts: `glusterd RELEASE`, `create`, `$ WORDS`, then lines of what is printed; `? CODE MESSAGE`; `file NAME` and
/// its lines after `| `.
#[test]
fn scripts_of_calls() {
    let scripts = include_str!("../testdata/config/scripts.txt");
    let mut count = 0;
    for script in scripts.split("\n=== ").skip(1) {
        let (title, lines) = script.split_once('\n').unwrap();
        play(title, lines);
        count += 1;
    }
    assert!(count >= 10, "{count}");
}

fn play(title: &str, lines: &str) {
    let place = Place::new();
    let mut release = "10".to_owned();
    let mut expected: Vec<String> = Vec::new();
    for line in lines.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).chain(["end"]) {
        if let Some(text) = line.strip_prefix("= ").or_else(|| (line == "=").then_some("")) {
            let found = if expected.is_empty() { "(nothing more)".to_owned() } else { expected.remove(0) };
            assert_eq!(found, place.fill(text), "{title}");
            continue;
        }
        assert!(expected.is_empty(), "{title}: before '{line}' there is also {expected:?}");
        let (verb, rest) = line.split_once(' ').unwrap_or((line, ""));
        match verb {
            "glusterd" => {
                release = rest.to_owned();
                place.file_of_series(&release, 'T');
            }
            "create" => place.create(&release),
            "$" => expected = call(&place, rest),
            "write" | "program" => {
                let (name, text) = rest.split_once(' ').unwrap();
                fs::write(place.fill(name), place.fill(text).replace('⏎', "\n")).unwrap();
                let mode = if verb == "program" { 0o755 } else { 0o644 };
                fs::set_permissions(place.fill(name), fs::Permissions::from_mode(mode)).unwrap();
            }
            "file" => {
                let text = fs::read_to_string(place.fill(rest)).unwrap();
                expected = text.lines().map(str::to_owned).collect();
            }
            "grep" => {
                let (file, word) = rest.split_once(' ').unwrap();
                let text = fs::read_to_string(place.fill(file)).unwrap();
                expected = text.lines().filter(|line| line.contains(word)).map(str::to_owned).collect();
            }
            "logged" => {
                let text = fs::read_to_string(place.fill(rest)).unwrap();
                expected = text.lines().map(logged).collect();
            }
            "end" => {}
            _ => panic!("{title}: {line}"),
        }
    }
}

/// A line of a log without its time and place: the level, the label, the message.
fn logged(line: &str) -> String {
    let (_time, line) = line.split_once("] ").unwrap();
    let (head, message) = line.split_once(">: ").unwrap();
    let label =
        head.split_once('(').and_then(|(_, rest)| rest.split_once(')')).map_or("", |(label, _)| label);
    format!("{} ({label}) {message}", &head[..1])
}

/// The lines of stdout, or `? CODE` and the last line of stderr.
fn call(place: &Place, words: &str) -> Vec<String> {
    let words: Vec<String> = words
        .split(' ')
        .filter(|word| !word.is_empty())
        .map(|word| place.fill(&word.replace('␣', " ")))
        .collect();
    let output = place.run(&words);
    let text = String::from_utf8(output.stdout).unwrap();
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    if !output.status.success() {
        let message = String::from_utf8(output.stderr).unwrap();
        let last = message.lines().last().unwrap_or_default();
        lines.push(format!("? {} {last}", output.status.code().unwrap()).trim_end().to_owned());
    }
    lines
}
