//! rsync below a session's key: a receiver whose target is the mount of a session that is being served over the same
//! connection (spec: glusterd-interface 6.4).

mod flags;

use super::basename;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::os::unix::ffi::OsStrExt as _;

/// An invocation that may run when its target is a session's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invocation {
    /// All words but the program's name.
    pub words: Vec<OsString>,
    /// The last of them, an absolute path.
    pub target: OsString,
}

/// Why rsync may not run. Displayed in the stock program's words; the last line is the same for all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// It is not a server.
    Other,
    /// It is no server that is told everything on its command line.
    Protected,
    /// No process above is sshd's for this connection.
    NoSshd,
    /// That process serves no session.
    NoSibling,
    /// It serves several.
    SeveralSiblings,
    /// The target is not the session's.
    Target,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let reason = match self {
            Refusal::Other => "",
            Refusal::Protected => "need an rsync invocation without protected args\n",
            Refusal::NoSshd => "sshd ancestor not found\n",
            Refusal::NoSibling => "gsyncd sibling not found\n",
            Refusal::SeveralSiblings => "gsyncd.py sibling is not unique\ngsyncd sibling not found\n",
            Refusal::Target => "rsync target does not match geo-replication session\n",
        };
        write!(f, "{reason}disallowed rsync invocation")
    }
}

impl Invocation {
    /// `--server`, flags, `.`, absolute target.
    ///
    /// # Errors
    /// Any other words, and flags that are not known to leave all but the target alone.
    pub fn parse(words: Vec<OsString>) -> Result<Invocation, Refusal> {
        let Some((first, rest)) = words.split_first() else { return Err(Refusal::Other) };
        if first != "--server" {
            return Err(Refusal::Other);
        }
        let flags = rest.iter().take_while(|word| word.as_bytes().first() == Some(&b'-')).count();
        let (flags, plain) = rest.split_at_checked(flags).unwrap_or_default();
        if !flags.iter().all(|flag| flags::is_harmless(flag.as_bytes())) {
            return Err(Refusal::Other);
        }
        match plain {
            [dot, target] if dot == "." && target.as_bytes().first() == Some(&b'/') => {
                Ok(Invocation { target: target.clone(), words })
            }
            _ => Err(Refusal::Protected),
        }
    }
}

/// One process, as `/proc` shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Process {
    /// Its id.
    pub pid: u32,
    /// Its parent's id.
    pub parent: u32,
    /// Its name (`Name:` of `/proc/PID/status`).
    pub name: Vec<u8>,
    /// Its command line.
    pub words: Vec<Vec<u8>>,
}

impl Process {
    /// From the bytes of `/proc/PID/status` and `/proc/PID/cmdline`; None when there is no process in them.
    #[must_use]
    pub fn parse(pid: u32, status: &[u8], cmdline: &[u8]) -> Option<Process> {
        let field = |name: &[u8]| {
            status.split(|&b| b == b'\n').find_map(|line| Some(line.strip_prefix(name)?.trim_ascii()))
        };
        let parent = std::str::from_utf8(field(b"PPid:")?).ok()?.parse().ok()?;
        let cmdline = cmdline.strip_suffix(b"\0").unwrap_or(cmdline);
        let words = cmdline.split(|&b| b == 0).map(<[u8]>::to_vec).collect();
        Some(Process { pid, parent, name: field(b"Name:")?.to_vec(), words })
    }

    /// Since OpenSSH 9.8 the process of one connection has another name than the one that listens.
    fn is_sshd(&self) -> bool {
        self.name == b"sshd" || self.name == b"sshd-session"
    }

    /// Whether it serves a session. A gsyncd that is about to become rsync or gluster has no words yet.
    fn is_serving(&self) -> bool {
        let Some((program, words)) = self.words.split_first() else { return false };
        let role = words.iter().find(|word| !word.starts_with(b"--"));
        let is_secondary = role.is_some_and(|role| role == b"secondary" || role == b"slave");
        basename(program) == b"gsyncd" && (is_secondary || words.iter().any(|word| word == b"--listen"))
    }
}

/// The process that serves a session over the connection that `own` came by.
///
/// # Errors
/// There is no such connection, or not exactly one session on it.
pub fn sibling(table: &[Process], own: u32) -> Result<u32, Refusal> {
    let sshd = connection(table, own).ok_or(Refusal::NoSshd)?;
    let mut serving =
        table.iter().filter(|process| process.parent == sshd && process.pid != own && process.is_serving());
    match (serving.next(), serving.next()) {
        (None, _) => Err(Refusal::NoSibling),
        (Some(one), None) => Ok(one.pid),
        _ => Err(Refusal::SeveralSiblings),
    }
}

/// Up the chain of parents to sshd's process for the connection, `own` included. A table that was read while
/// processes came and went may hold a circle.
fn connection(table: &[Process], own: u32) -> Option<u32> {
    let mut pid = own;
    for _ in 0..table.len() {
        let process = table.iter().find(|process| process.pid == pid)?;
        if process.is_sshd() {
            return Some(pid);
        }
        pid = process.parent;
    }
    None
}

/// The directory in which a serving process works.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkingDirectory {
    /// What `/proc/PID/cwd` links to; `/` for a mount that is not in the tree any more.
    pub link: OsString,
    /// Whether it is on a volume. A process that has not mounted yet works in the machine's own root.
    pub is_on_volume: bool,
}

/// Whether `target` is where the process `sibling` works.
///
/// # Errors
/// It is not.
pub fn check_target(target: &OsStr, sibling: u32, directory: &WorkingDirectory) -> Result<(), Refusal> {
    let is_literal = target == OsStr::new(&format!("/proc/{sibling}/cwd"));
    let is_linked = target == directory.link && target != "/";
    if directory.is_on_volume && (is_literal || is_linked) { Ok(()) } else { Err(Refusal::Target) }
}

#[cfg(test)]
mod tests {
    use super::{Process, WorkingDirectory, check_target, sibling};
    use crate::testing::rows;
    use proptest::collection::vec;
    use proptest::prelude::{any, proptest};
    use std::ffi::OsStr;

    /// own pid, `pid parent name command line; …`, sibling or refusal
    #[test]
    fn siblings() {
        for row in rows("shell-siblings.tsv") {
            let table: Vec<Process> = row[1].split(';').map(|text| process(text.trim())).collect();
            let found = match sibling(&table, row[0].parse().unwrap()) {
                Ok(pid) => pid.to_string(),
                Err(refusal) => refusal.to_string().replace('\n', "; "),
            };
            assert_eq!(found, row[2], "{row:?}");
        }
    }

    fn process(text: &str) -> Process {
        let parts: Vec<&str> = text.splitn(4, ' ').collect();
        let status = format!("Name:\t{}\nUmask:\t0022\nPPid:\t{}\n", parts[2], parts[1]);
        let cmdline = format!("{}\0", parts.get(3).unwrap_or(&"").replace(' ', "\0"));
        Process::parse(parts[0].parse().unwrap(), status.as_bytes(), cmdline.as_bytes()).unwrap()
    }

    /// target, sibling, link, volume or other, yes or refusal
    #[test]
    fn targets() {
        for row in rows("shell-targets.tsv") {
            let directory =
                WorkingDirectory { link: row[2].clone().into(), is_on_volume: row[3] == "volume" };
            let outcome = check_target(OsStr::new(&row[0]), row[1].parse().unwrap(), &directory);
            let outcome =
                outcome.map_or_else(|refusal| refusal.to_string().replace('\n', "; "), |()| "yes".to_owned());
            assert_eq!(outcome, row[4], "{row:?}");
        }
    }

    proptest! {
        #[test]
        fn any_process_is_taken(status in vec(any::<u8>(), 0..60), cmdline in vec(any::<u8>(), 0..20)) {
            let _process = Process::parse(1, &status, &cmdline);
        }
    }
}
