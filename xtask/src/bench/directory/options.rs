//! The command line of the bench of plain directories.
use super::tool::Tool;
use gsyncd_lab::{Done, Failure};
use std::str::FromStr;

/// What `--help` prints.
pub const HELP: &str = "\
usage: cargo xtask bench directory [OPTION]...

20,000 files of 4 KiB in 200 directories, and one file of 1 GiB, each synced to an empty target, again with nothing
changed, and again with 1% changed, by every tool in turn, several rounds; then how long a single change takes when the
tool follows, and what it uses when nothing happens. `sync -f` of the target is part of every time.

  --local-only, --ssh-only   leave the other place out (ssh is a sshd of the private host)
  --set small|large          only this tree (repeatable)
  --case NAME                only first-sync, no-change, changed, latency or idle (repeatable)
  --tool NAME                only gsyncd, rsync, rsync-delete, lsyncd or lsyncd-1s (repeatable)
  --rounds N                 how often everything is measured (default 6, so that both of two come first equally
                             often); medians are shown
  --files N                  how many small files (default 20,000)
  --mebibytes N              how large the large file is (default 1,024)
  --raw                      print every measurement as it is made

GSYNCD_UNDER_TEST names the binary to be measured; without it the release build is made and taken.
";

/// Where the target is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// On the same machine, by path.
    Local,
    /// Behind ssh.
    Ssh,
}

/// What is synced.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Set {
    /// Many small files.
    Small,
    /// One large file.
    Large,
}

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Case {
    /// To an empty target.
    FirstSync,
    /// Nothing to do.
    NoChange,
    /// 1% rewritten.
    Changed,
    /// A single change while following.
    Latency,
    /// Following with nothing happening.
    Idle,
}

/// The command line, read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// Where targets are.
    pub places: Vec<Place>,
    /// What is synced.
    pub sets: Vec<Set>,
    /// What is measured.
    pub cases: Vec<Case>,
    /// Who is measured.
    pub tools: Vec<Tool>,
    /// How often.
    pub rounds: usize,
    /// How many small files.
    pub files: usize,
    /// The size of the large file in MiB.
    pub mebibytes: usize,
    /// Every measurement is printed.
    pub raw: bool,
}

impl Options {
    /// Reads the words; `None` when help was asked for.
    ///
    /// # Errors
    /// An unknown word, or a value that is missing or wrong.
    pub fn parse(words: &[String]) -> Done<Option<Options>> {
        let (mut sets, mut cases, mut tools) = (Vec::new(), Vec::new(), Vec::new());
        let mut options = Options {
            places: vec![Place::Local, Place::Ssh],
            sets: vec![Set::Small, Set::Large],
            cases: vec![Case::FirstSync, Case::NoChange, Case::Changed, Case::Latency, Case::Idle],
            tools: Tool::ALL.to_vec(),
            rounds: 6,
            files: 20_000,
            mebibytes: 1024,
            raw: false,
        };
        let mut words = words.iter();
        while let Some(word) = words.next() {
            let mut value = || words.next().ok_or_else(|| Failure::new(format!("{word} needs a value")));
            match word.as_str() {
                "--help" | "-h" => return Ok(None),
                "--local-only" => options.places = vec![Place::Local],
                "--ssh-only" => options.places = vec![Place::Ssh],
                "--raw" => options.raw = true,
                "--set" => sets.push(set(value()?)?),
                "--case" => cases.push(case(value()?)?),
                "--tool" => tools.push(Tool::parse(value()?)?),
                "--rounds" => options.rounds = number(value()?)?,
                "--files" => options.files = number(value()?)?,
                "--mebibytes" => options.mebibytes = number(value()?)?,
                _ => return Err(Failure::new(format!("unknown word {word}; see --help"))),
            }
        }
        replace(&mut options.sets, sets);
        replace(&mut options.cases, cases);
        replace(&mut options.tools, tools);
        Ok(Some(options))
    }
}

fn replace<T>(all: &mut Vec<T>, named: Vec<T>) {
    if !named.is_empty() {
        *all = named;
    }
}

fn set(word: &str) -> Done<Set> {
    match word {
        "small" => Ok(Set::Small),
        "large" => Ok(Set::Large),
        _ => Err(Failure::new(format!("--set {word}: is small or large"))),
    }
}

fn case(word: &str) -> Done<Case> {
    match word {
        "first-sync" => Ok(Case::FirstSync),
        "no-change" => Ok(Case::NoChange),
        "changed" => Ok(Case::Changed),
        "latency" => Ok(Case::Latency),
        "idle" => Ok(Case::Idle),
        _ => Err(Failure::new(format!("--case {word}: is first-sync, no-change, changed, latency or idle"))),
    }
}

fn number(word: &str) -> Done<usize> {
    match usize::from_str(word) {
        Ok(number) if number > 0 => Ok(number),
        _ => Err(Failure::new(format!("{word}: is no positive number"))),
    }
}

#[cfg(test)]
mod tests {
    use super::{Case, Options, Place, Set};
    use crate::bench::directory::tool::Tool;

    fn parse(line: &str) -> gsyncd_lab::Done<Option<Options>> {
        Options::parse(&line.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn choices_replace_the_defaults() {
        let line = "--local-only --set small --case changed --case idle --tool rsync --rounds 3 --files 9 --mebibytes 2";
        let options = parse(line).unwrap().unwrap();
        assert_eq!(options.places, [Place::Local]);
        assert_eq!(options.sets, [Set::Small]);
        assert_eq!(options.cases, [Case::Changed, Case::Idle]);
        assert_eq!(options.tools, [Tool::Rsync]);
        assert_eq!((options.rounds, options.files, options.mebibytes), (3, 9, 2));
    }

    #[test]
    fn refused() {
        for line in ["--set", "--set middle", "--case x", "--tool cp", "--rounds 0", "what"] {
            assert!(parse(line).is_err(), "{line}");
        }
        assert!(parse("--help").unwrap().is_none());
    }
}
