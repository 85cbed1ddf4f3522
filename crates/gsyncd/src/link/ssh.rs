//! The link to a node of the secondary: an ssh child whose standard streams are the wire.
//!
//! Operators configure OpenSSH, so this runs theirs. No control master: the data goes through the same link.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::time::Duration;

use gsyncd_core::shell::quoting::quote;
use gsyncd_sys::child::{self, CaptureError, Handle, Watched};

use super::tail::Tail;

/// What a forced command replaces; without one it fails with exit 127, and the hint says so.
const NO_REMOTE_PROGRAM: &str = "/nonexistent/gsyncd";
const VOLUME_INFO_LIMIT_BYTES: usize = 16 << 20;
const LAST_WORDS_WAIT: Duration = Duration::from_millis(200);

/// How to run ssh.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SshSettings {
    /// Setting `ssh-command`: a program, perhaps with arguments.
    pub command: OsString,
    /// Setting `ssh-options`: words separated by blanks; there is no quoting.
    pub options: OsString,
    /// Setting `ssh-port`; None leaves it to ssh's configuration.
    pub port: Option<u16>,
    /// What it is run for: tells what to advise when it fails.
    pub purpose: Purpose,
}

/// What a link is for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Purpose {
    /// A volume's session: a key of its own with a forced command.
    #[default]
    Volume,
    /// A directory's session: the user's own ssh and a gsyncd that is installed there.
    Directory,
}

/// A node to reach.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SshTarget {
    /// User on the other side, when the session's url names one.
    pub user: Option<OsString>,
    /// Host name or address.
    pub host: OsString,
}

impl SshTarget {
    /// `[user@]host`.
    fn login(&self) -> OsString {
        let mut login = OsString::new();
        if let Some(user) = &self.user {
            login.push(user);
            login.push("@");
        }
        login.push(&self.host);
        login
    }
}

/// The call of the other side's gsyncd (spec: glusterd-interface 6.7, the new form).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecondaryCall {
    /// Setting `remote-gsyncd`; empty means "whatever the forced command runs".
    pub remote_gsyncd: OsString,
    /// Name of the primary volume.
    pub primary_volume: OsString,
    /// The secondary as `host::volume`.
    pub secondary: OsString,
    /// This node's host name, as the volume info has it.
    pub primary_node: OsString,
    /// This node's uuid.
    pub primary_node_id: OsString,
    /// The brick that is served.
    pub primary_brick: PathBuf,
    /// The node that is called.
    pub local_node: OsString,
    /// Its uuid.
    pub local_node_id: OsString,
    /// Setting `secondary-timeout`: the other side leaves after so long without a word. 0: never.
    pub timeout_seconds: u64,
    /// Setting `secondary-log-level`.
    pub log_level: OsString,
    /// Setting `secondary-gluster-log-level`.
    pub gluster_log_level: OsString,
    /// Setting `secondary-gluster-command-dir`.
    pub gluster_command_dir: PathBuf,
    /// Number of distribute subvolumes of the primary.
    pub primary_dist_count: u32,
}

impl SecondaryCall {
    /// The words of the remote command, not quoted.
    #[must_use]
    pub fn words(&self) -> Vec<OsString> {
        let program =
            if self.remote_gsyncd.is_empty() { OsStr::new(NO_REMOTE_PROGRAM) } else { &self.remote_gsyncd };
        let mut words: Vec<OsString> = vec![program.into(), "secondary".into()];
        words.extend([self.primary_volume.clone(), self.secondary.clone()]);
        let options: [(&str, OsString); 10] = [
            ("--primary-node", self.primary_node.clone()),
            ("--primary-node-id", self.primary_node_id.clone()),
            ("--primary-brick", one_word(self.primary_brick.as_os_str())),
            ("--local-node", self.local_node.clone()),
            ("--local-node-id", self.local_node_id.clone()),
            ("--secondary-timeout", self.timeout_seconds.to_string().into()),
            ("--secondary-log-level", self.log_level.clone()),
            ("--secondary-gluster-log-level", self.gluster_log_level.clone()),
            ("--secondary-gluster-command-dir", self.gluster_command_dir.clone().into_os_string()),
            ("--primary-dist-count", self.primary_dist_count.to_string().into()),
        ];
        words.extend(options.into_iter().flat_map(|(name, value)| [name.into(), value]));
        words
    }
}

/// A link could not be made or has ended.
#[derive(Debug)]
pub enum LinkError {
    /// The target would be taken for an option of ssh.
    BadTarget(OsString),
    /// ssh could not be started.
    Spawn(gsyncd_sys::Error),
    /// ssh gave no answer, or too long a one.
    NoAnswer(CaptureError),
    /// ssh has ended.
    Ended {
        /// The host it was to reach.
        host: OsString,
        /// What it was run for.
        purpose: Purpose,
        /// How it ended; `None` when it still runs.
        status: Option<ExitStatus>,
        /// The last it said.
        last_words: String,
    },
}

impl fmt::Display for LinkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LinkError::BadTarget(host) => write!(f, "{} is no host to reach by ssh", escape(host)),
            LinkError::Spawn(error) => write!(f, "start ssh: {error}"),
            LinkError::NoAnswer(error) => write!(f, "ssh: {error}"),
            LinkError::Ended { host, purpose, status, last_words } => {
                write!(f, "ssh to {} {}", escape(host), ending(*purpose, host, *status))?;
                if last_words.is_empty() { Ok(()) } else { write!(f, "; it said: {last_words}") }
            }
        }
    }
}

impl std::error::Error for LinkError {}

fn escape(word: &OsStr) -> String {
    word.as_bytes().escape_ascii().to_string()
}

fn ending(purpose: Purpose, host: &OsStr, status: Option<ExitStatus>) -> String {
    let Some(status) = status else { return "has closed the connection".to_owned() };
    match (status.code(), status.signal()) {
        (Some(code), _) => match advice(purpose, host, code) {
            Some(advice) => advice,
            None => format!("ended with exit code {code}"),
        },
        (None, signal) => format!("was killed by signal {}", signal.unwrap_or(0)),
    }
}

/// What to do about the exit codes that have a meaning of their own.
fn advice(purpose: Purpose, host: &OsStr, code: i32) -> Option<String> {
    let text = match (purpose, code) {
        (Purpose::Volume, 255) => {
            "failed (exit 255): is the host up, does sshd listen on ssh-port, and is the session's public \
             key in authorized_keys there (create push-pem)?"
                .to_owned()
        }
        (Purpose::Volume, 127) => {
            "found no gsyncd there (exit 127): the key has no forced command, so push the keys again \
             (create push-pem), or set remote-gsyncd"
                .to_owned()
        }
        (Purpose::Directory, 255) => {
            let host = escape(host);
            format!("failed (exit 255): does `ssh {host} true` work?")
        }
        (Purpose::Directory, 126 | 127) => {
            let host = escape(host);
            format!(
                "found no gsyncd there (exit {code}): copy this program to it, for example \
                 `scp \"$(command -v gsyncd)\" {host}:/usr/local/bin/`, or name it with --remote-gsyncd PATH"
            )
        }
        _ => return None,
    };
    Some(text)
}

/// A running link: two streams to hand to the ends of the wire, and the process to keep an eye on.
#[derive(Debug)]
pub struct SshLink {
    /// To the other side.
    pub stdin: ChildStdin,
    /// From the other side.
    pub stdout: ChildStdout,
    /// The ssh child; killed and reaped when dropped.
    pub process: SshProcess,
}

/// The ssh child of a link.
#[derive(Debug)]
pub struct SshProcess {
    host: OsString,
    purpose: Purpose,
    child: Watched,
    tail: Tail,
}

impl SshLink {
    /// Starts ssh with `words` as remote command, in the caller's process group.
    ///
    /// Success means only that ssh runs: what it meets shows as an end of `stdout`; ask
    /// [`SshProcess::why_ended`] then.
    ///
    /// # Errors
    /// When the target is no host name or ssh does not start.
    pub fn start(
        settings: &SshSettings,
        target: &SshTarget,
        words: &[OsString],
    ) -> Result<SshLink, LinkError> {
        let mut command = ssh_command(settings, target, words)?;
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        child::prepare(&mut command, Vec::new());
        let mut child = Watched::spawn(&mut command).map_err(LinkError::Spawn)?;
        let streams = child.child_mut();
        let taken = (streams.stdin.take(), streams.stdout.take(), streams.stderr.take());
        let (Some(stdin), Some(stdout), Some(stderr)) = taken else {
            child.kill_and_reap();
            let (host, last_words) = (target.login(), "no pipes".to_owned());
            return Err(LinkError::Ended { host, purpose: settings.purpose, status: None, last_words });
        };
        let (host, purpose) = (target.login(), settings.purpose);
        let process = SshProcess { host, purpose, child, tail: Tail::follow(stderr) };
        Ok(SshLink { stdin, stdout, process })
    }
}

impl SshProcess {
    /// The reason after an end of the stream; waits at most `patience` for ssh to end.
    pub fn why_ended(&mut self, patience: Duration) -> LinkError {
        let status = self.child.wait(Some(patience)).unwrap_or(None);
        let last_words = self.tail.text(LAST_WORDS_WAIT);
        LinkError::Ended { host: self.host.clone(), purpose: self.purpose, status, last_words }
    }

    /// A descriptor to signal ssh by, from another thread.
    ///
    /// # Errors
    /// What duplicating a descriptor says.
    pub fn handle(&self) -> Result<Handle, gsyncd_sys::Error> {
        self.child.handle()
    }

    /// What ssh and the far side said on standard error so far.
    #[must_use]
    pub fn last_words(&self) -> String {
        self.tail.text(Duration::ZERO)
    }
}

impl SshProcess {
    /// Ends ssh, if it still runs.
    pub fn end(&mut self) {
        self.child.kill_and_reap();
    }
}

impl Drop for SshProcess {
    fn drop(&mut self) {
        self.child.kill_and_reap();
    }
}

/// `gluster volume info` of `volume` as its own cluster says it, through the session's key: the XML.
///
/// # Errors
/// When ssh or the remote command fails, or the answer takes longer than `timeout`.
pub fn remote_volume_info(
    settings: &SshSettings,
    target: &SshTarget,
    command_dir: &OsStr,
    volume: &OsStr,
    timeout: Duration,
) -> Result<Vec<u8>, LinkError> {
    let program = PathBuf::from(command_dir).join("gluster").into_os_string();
    let mut words = vec![program];
    words.extend(["--xml", "--remote-host=localhost", "volume", "info"].map(OsString::from));
    words.push(volume.to_os_string());
    let mut command = ssh_command(settings, target, &words)?;
    let answer =
        child::capture(&mut command, timeout, VOLUME_INFO_LIMIT_BYTES).map_err(LinkError::NoAnswer)?;
    if answer.status.success() {
        return Ok(answer.stdout);
    }
    let last_words = answer.stderr.trim_ascii().escape_ascii().to_string();
    let (host, purpose) = (target.login(), settings.purpose);
    Err(LinkError::Ended { host, purpose, status: Some(answer.status), last_words })
}

fn ssh_command(settings: &SshSettings, target: &SshTarget, words: &[OsString]) -> Result<Command, LinkError> {
    let mut command_words = split(&settings.command);
    let program = command_words.next().unwrap_or_else(|| OsString::from("ssh"));
    let mut command = Command::new(program);
    command.args(command_words).args(split(&settings.options));
    if let Some(port) = settings.port {
        command.arg("-p").arg(port.to_string());
    }
    command.arg(destination(target)?).args(words.iter().map(|word| quote(word)));
    Ok(command)
}

fn destination(target: &SshTarget) -> Result<OsString, LinkError> {
    let destination = target.login();
    let is_bad = target.host.is_empty() || destination.as_bytes().first() == Some(&b'-');
    if is_bad { Err(LinkError::BadTarget(destination)) } else { Ok(destination) }
}

fn split(text: &OsStr) -> impl Iterator<Item = OsString> + '_ {
    let words = text.as_bytes().split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
    words.map(|word| OsString::from_vec(word.to_vec()))
}

/// A path as one word without quoting, anything unusual as `%XX`: the forced command splits at blanks and unquotes
/// nothing. The other side uses it for names of logs only.
fn one_word(path: &OsStr) -> OsString {
    let mut word = Vec::new();
    for byte in path.as_bytes() {
        if byte.is_ascii_alphanumeric() || b"/._-".contains(byte) {
            word.push(*byte);
        } else {
            word.extend_from_slice(format!("%{byte:02X}").as_bytes());
        }
    }
    OsString::from_vec(word)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};
    use std::os::unix::fs::PermissionsExt;

    fn settings(command: impl Into<OsString>) -> SshSettings {
        SshSettings {
            command: command.into(),
            options: "-oA=no  -i /k/secret.pem".into(),
            port: Some(2222),
            purpose: Purpose::Volume,
        }
    }

    fn target(user: Option<&str>, host: &str) -> SshTarget {
        SshTarget { user: user.map(OsString::from), host: host.into() }
    }

    /// An "ssh" that runs `script` with its arguments.
    fn fake_ssh(script: &str) -> (tempfile::TempDir, OsString) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("ssh");
        std::fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o755)).unwrap();
        (directory, path.into_os_string())
    }

    #[test]
    fn the_command_line_is_the_new_form() {
        let call = SecondaryCall {
            remote_gsyncd: OsString::new(),
            primary_volume: "pvol".into(),
            secondary: "shost::svol".into(),
            primary_node: "p1".into(),
            primary_node_id: "uuid-1".into(),
            primary_brick: "/d/a b'c".into(),
            local_node: "s1".into(),
            local_node_id: "uuid-2".into(),
            timeout_seconds: 120,
            log_level: "INFO".into(),
            gluster_log_level: "INFO".into(),
            gluster_command_dir: "/usr/sbin".into(),
            primary_dist_count: 3,
        };
        let command =
            ssh_command(&settings("/usr/bin/ssh -4"), &target(Some("geo"), "s1"), &call.words()).unwrap();
        let words: Vec<&str> = command.get_args().map(|word| word.to_str().unwrap()).collect();
        assert_eq!(
            words.join(" "),
            "-4 -oA=no -i /k/secret.pem -p 2222 geo@s1 /nonexistent/gsyncd secondary pvol shost::svol --primary-node p1 \
             --primary-node-id uuid-1 --primary-brick /d/a%20b%27c --local-node s1 --local-node-id uuid-2 \
             --secondary-timeout 120 --secondary-log-level INFO --secondary-gluster-log-level INFO \
             --secondary-gluster-command-dir /usr/sbin --primary-dist-count 3"
        );
    }

    #[test]
    fn a_host_that_looks_like_an_option_is_refused() {
        for host in ["-oProxyCommand=touch /tmp/x", ""] {
            assert!(matches!(
                ssh_command(&settings("ssh"), &target(None, host), &[]),
                Err(LinkError::BadTarget(_))
            ));
        }
    }

    #[test]
    fn streams_are_the_wire_and_the_end_has_a_reason() {
        let (_directory, ssh) = fake_ssh("echo 'Permission denied' >&2; cat; exit 255");
        let mut link = SshLink::start(&settings(ssh), &target(None, "s1"), &[]).unwrap();
        link.stdin.write_all(b"ping").unwrap();
        drop(link.stdin);
        let mut answer = String::new();
        link.stdout.read_to_string(&mut answer).unwrap();
        assert_eq!(answer, "ping");
        let reason = link.process.why_ended(Duration::from_secs(10)).to_string();
        assert!(reason.contains("exit 255") && reason.ends_with("it said: Permission denied"), "{reason}");
    }

    #[test]
    fn volume_info_is_asked_through_ssh() {
        let (_directory, ssh) = fake_ssh("shift 6; echo \"$@\"; [ \"$6\" = svol ] || exit 127");
        let ask = |volume: &str| {
            let place = (OsStr::new("/usr/sbin"), OsStr::new(volume));
            remote_volume_info(
                &settings(ssh.clone()),
                &target(None, "s1"),
                place.0,
                place.1,
                Duration::from_secs(10),
            )
        };
        let answer = ask("svol").unwrap();
        assert_eq!(answer, b"/usr/sbin/gluster --xml --remote-host=localhost volume info svol\n");
        assert!(ask("other").unwrap_err().to_string().contains("push-pem"));
    }
}
