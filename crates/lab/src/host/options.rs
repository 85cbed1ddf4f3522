//! The lab's command line.
use crate::{Done, Failure};
use std::ffi::OsString;
use std::path::PathBuf;

/// What `--help` prints.
pub const HELP: &str = "\
Runs a command on a private host: its own processes, mounts, network, host name (lab), sshd on port 22 and empty
GlusterFS state. Several can run at once; everything on it dies with the command. It needs root and /dev/fuse;
`cargo xtask setup` installs the packages.

usage: lab [--gsyncd PATH|stock] [--rsync 3.5.0|3.2.7|none|host] [--keep DIR] -- COMMAND [ARGUMENT...]

  --gsyncd PATH    put this binary in the place of glusterd's gsyncd, and hide the stock Python (default: stock)
  --rsync VERSION  3.5.0 or 3.2.7 as brought by `cargo xtask setup`, none: no rsync at all (default: host)
  --keep DIR       keep the host's state (logs, bricks, glusterd's files) in DIR; a DIR kept earlier is taken up again
  --help           this text

The exit code is the command's; 125 when the lab itself fails.

  cargo xtask lab -- bash
  cargo xtask lab --gsyncd target/release/gsyncd --rsync none -- gluster --version
";

/// Which gsyncd glusterd finds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Gsyncd {
    /// The one the package brought.
    Stock,
    /// This binary, in its place.
    Binary(PathBuf),
}

/// Which rsync is installed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rsync {
    /// 3.5.0, with which the stock gsyncd loses data.
    V3_5_0,
    /// 3.2.7.
    V3_2_7,
    /// None at all.
    None,
    /// What the machine has.
    Host,
}

impl Rsync {
    /// The word for the command line.
    pub fn word(self) -> &'static str {
        match self {
            Rsync::V3_5_0 => "3.5.0",
            Rsync::V3_2_7 => "3.2.7",
            Rsync::None => "none",
            Rsync::Host => "host",
        }
    }

    /// # Errors
    /// Not one of the words.
    pub fn parse(word: &str) -> Done<Rsync> {
        let all = [Rsync::V3_5_0, Rsync::V3_2_7, Rsync::None, Rsync::Host];
        let found = all.into_iter().find(|rsync| rsync.word() == word);
        found.ok_or_else(|| Failure::new(format!("--rsync {word}: is 3.5.0, 3.2.7, none or host")))
    }
}

/// One lab, as asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// Which gsyncd glusterd finds.
    pub gsyncd: Gsyncd,
    /// Which rsync is installed.
    pub rsync: Rsync,
    /// Where the state stays when all is over; none: it is removed.
    pub keep: Option<PathBuf>,
    /// The command and its arguments.
    pub command: Vec<OsString>,
}

impl Options {
    /// Reads the words after the program's name; `None` when help was asked for.
    ///
    /// # Errors
    /// An unknown option, a value missing, no command.
    pub fn parse(args: Vec<OsString>) -> Done<Option<Options>> {
        let mut options =
            Options { gsyncd: Gsyncd::Stock, rsync: Rsync::Host, keep: None, command: Vec::new() };
        let mut words = args.into_iter();
        while let Some(word) = words.next() {
            let mut value = || words.next().ok_or_else(|| Failure::new(format!("{word:?} needs a value")));
            match word.to_str() {
                Some("--help" | "-h") => return Ok(None),
                Some("--gsyncd") => options.gsyncd = Gsyncd::parse(value()?)?,
                Some("--rsync") => options.rsync = Rsync::parse(&value()?.to_string_lossy())?,
                Some("--keep") => options.keep = Some(std::path::absolute(value()?)?),
                Some("--") => {
                    options.command = words.collect();
                    break;
                }
                _ => return Err(Failure::new(format!("unknown word {word:?}; see lab --help"))),
            }
        }
        if options.command.is_empty() {
            return Err(Failure::new("no command; see lab --help"));
        }
        Ok(Some(options))
    }
}

impl Gsyncd {
    fn parse(word: OsString) -> Done<Gsyncd> {
        if word == "stock" {
            return Ok(Gsyncd::Stock);
        }
        let path = std::path::absolute(&word)?;
        if !path.is_file() {
            return Err(Failure::new(format!("--gsyncd {word:?}: no such file")));
        }
        Ok(Gsyncd::Binary(path))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Done<Option<Options>> {
        Options::parse(line.split(' ').map(OsString::from).collect())
    }

    #[test]
    fn all_options() {
        let options = parse("--gsyncd /bin/true --rsync none --keep /k -- a --help").unwrap().unwrap();
        assert_eq!(options.gsyncd, Gsyncd::Binary("/bin/true".into()));
        assert_eq!(options.rsync, Rsync::None);
        assert_eq!(options.keep, Some("/k".into()));
        assert_eq!(options.command, ["a", "--help"]);
    }

    #[test]
    fn refused() {
        for line in ["--rsync 4 -- a", "--gsyncd /nowhere -- a", "--keep", "--what -- a", "--"] {
            assert!(parse(line).is_err(), "{line}");
        }
        assert!(parse("--help").unwrap().is_none());
    }
}
