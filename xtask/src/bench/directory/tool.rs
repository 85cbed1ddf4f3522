//! The programs that are compared, and how each is called.
use super::options::Place;
use gsyncd_lab::host::place;
use gsyncd_lab::{Done, Failure};
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The name under which the private host's sshd is reached.
pub const HOST: &str = "lab";

/// A program that keeps a directory equal to another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Tool {
    /// Ours.
    Gsyncd,
    /// `rsync -a`.
    Rsync,
    /// `rsync -a --delete`.
    RsyncDelete,
    /// lsyncd with its own defaults: changes are gathered for 15 s.
    Lsyncd,
    /// lsyncd with the shortest delay it takes.
    LsyncdOneSecond,
}

impl Tool {
    /// All of them; ours first.
    pub const ALL: [Tool; 5] =
        [Tool::Gsyncd, Tool::Rsync, Tool::RsyncDelete, Tool::LsyncdOneSecond, Tool::Lsyncd];

    /// The word of the command line and of the table.
    pub fn word(self) -> &'static str {
        match self {
            Tool::Gsyncd => "gsyncd",
            Tool::Rsync => "rsync",
            Tool::RsyncDelete => "rsync-delete",
            Tool::Lsyncd => "lsyncd",
            Tool::LsyncdOneSecond => "lsyncd-1s",
        }
    }

    /// # Errors
    /// Not one of the words.
    pub fn parse(word: &str) -> Done<Tool> {
        let found = Tool::ALL.into_iter().find(|tool| tool.word() == word);
        found.ok_or_else(|| Failure::new(format!("--tool {word}: there is no such tool here")))
    }

    /// Does it work through once and end?
    pub fn ends(self) -> bool {
        matches!(self, Tool::Gsyncd | Tool::Rsync | Tool::RsyncDelete)
    }

    /// Can it follow?
    pub fn follows(self) -> bool {
        matches!(self, Tool::Gsyncd | Tool::Lsyncd | Tool::LsyncdOneSecond)
    }
}

/// One tool's work: from where to where, and where it keeps what it has to keep.
pub struct Job {
    /// Who works.
    pub tool: Tool,
    /// Behind ssh or not.
    pub place: Place,
    /// The source.
    pub source: PathBuf,
    /// The target, as a path of this machine.
    pub target: PathBuf,
    /// The tool's own files.
    pub state: PathBuf,
}

impl Job {
    /// The command that brings the target up to date and ends.
    ///
    /// # Errors
    /// There is no gsyncd on this host.
    pub fn once(&self) -> Done<Command> {
        let mut command = match self.tool {
            Tool::Gsyncd => self.gsyncd()?,
            _ => Command::new("rsync"),
        };
        match self.tool {
            Tool::Gsyncd => command.arg("--once").arg(&self.source).arg(self.address("")),
            Tool::RsyncDelete => {
                command.args(["-a", "--delete"]).arg(slashed(&self.source)).arg(self.address("/"))
            }
            _ => command.arg("-a").arg(slashed(&self.source)).arg(self.address("/")),
        };
        Ok(command)
    }

    /// The command that follows until it is ended.
    ///
    /// # Errors
    /// There is no gsyncd on this host, or lsyncd's configuration cannot be written.
    pub fn follow(&self) -> Done<Command> {
        if self.tool == Tool::Gsyncd {
            let mut command = self.gsyncd()?;
            command.arg(&self.source).arg(self.address(""));
            return Ok(command);
        }
        fs::create_dir_all(&self.state)?;
        let file = self.state.join("lsyncd.lua");
        fs::write(&file, self.lsyncd_configuration())?;
        let mut command = Command::new("lsyncd");
        command.arg("-nodaemon").arg(file);
        Ok(command)
    }

    fn lsyncd_configuration(&self) -> String {
        let delay = if self.tool == Tool::LsyncdOneSecond { "delay = 1, " } else { "" };
        let (source, target) = (self.source.display(), self.address("/").to_string_lossy().into_owned());
        format!(
            "settings {{ nodaemon = true }}\nsync {{ default.rsync, {delay}source = \"{source}\", target = \"{target}\" }}\n"
        )
    }

    fn gsyncd(&self) -> Done<Command> {
        // The lab has put the binary under test in the place of glusterd's.
        let binary = place::libexec()?.join("gsyncd");
        let mut command = Command::new(&binary);
        command.arg("--state-dir").arg(&self.state);
        if self.place == Place::Ssh {
            command.arg("--remote-gsyncd").arg(binary);
        }
        Ok(command)
    }

    fn address(&self, end: &str) -> OsString {
        let mut address = match self.place {
            Place::Local => OsString::new(),
            Place::Ssh => OsString::from(format!("{HOST}:")),
        };
        address.push(&self.target);
        address.push(end);
        address
    }
}

fn slashed(path: &Path) -> OsString {
    let mut text = path.as_os_str().to_owned();
    text.push("/");
    text
}
