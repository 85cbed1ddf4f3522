//! The two ways to a secondary: in this process, and over ssh.

use super::stop::Stop;
use crate::exit::Failure;
use crate::link::handshake::{self, HandshakeError};
use crate::link::local;
use crate::link::outbox::Outbox;
use crate::link::ssh::{Purpose, SshLink, SshProcess, SshSettings, SshTarget};
use crate::primary::client::{LinkOutbox, keep_alive, listen};
use crate::primary::directory::{Connect, Conversation};
use crate::primary::send::Inbound;
use crate::secondary::serve::{Say, ServeOptions, serve_messages};
use crate::tree;
use crossbeam_channel::unbounded;
use gsyncd_core::cli::DirectoryArgs;
use gsyncd_core::url::place::{Pair, Remote, shown};
use std::ffi::OsString;
use std::fs::File;
use std::io::{BufReader, Read, Write};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// How long ssh may take to end once its output has.
const LAST_WORDS_PATIENCE: Duration = Duration::from_secs(1);
/// What is read from a link at once, in bytes.
const READ_AHEAD: usize = 256 << 10;

/// The connector of a pair.
#[must_use]
pub fn connector(args: &DirectoryArgs, pair: &Pair, stop: &Stop) -> Box<dyn Connect> {
    match pair {
        Pair::Local { target, .. } => Box::new(Local { target: target.clone() }),
        Pair::Ssh { target, .. } => Box::new(Ssh {
            settings: ssh_settings(args, target),
            target: target.clone(),
            program: args.remote_gsyncd.clone(),
            stop: stop.clone(),
            process: None,
        }),
    }
}

/// A secondary in threads of this process.
struct Local {
    target: PathBuf,
}

impl Connect for Local {
    fn connect(&mut self, tree: [u8; 16]) -> Result<Conversation, Failure> {
        // anew each time: threads of the last connection let go of it, and its lock, when they are done
        let tree = tree::local::open(&self.target, tree)?;
        let (outbox, requests) = local::pair();
        let (report, inbox) = unbounded();
        let ended = report.clone();
        let replies = report.clone();
        let say: Say = Arc::new(move |reply| {
            // a primary that is gone needs no reply
            let _ = replies.send(Inbound::Reply(reply));
        });
        let options = ServeOptions { timeout: None };
        let work = move || {
            let why = match serve_messages(requests, &say, tree, &options) {
                Ok(()) => "the target's threads ended".to_owned(),
                Err(error) => error.to_string(),
            };
            let _ = ended.send(Inbound::Lost(why));
        };
        std::thread::Builder::new()
            .name("secondary".to_owned())
            .spawn(work)
            .map_err(|error| Failure::new(format!("cannot start a thread: {error}")))?;
        Ok(Conversation { outbox: Arc::new(outbox), inbox, report })
    }
}

/// A secondary below ssh on another host.
struct Ssh {
    settings: SshSettings,
    target: Remote,
    program: OsString,
    stop: Stop,
    /// The last connection's; ended before the next begins.
    process: Option<SharedProcess>,
}

type SharedProcess = Arc<Mutex<SshProcess>>;

impl Connect for Ssh {
    fn connect(&mut self, tree: [u8; 16]) -> Result<Conversation, Failure> {
        if let Some(process) = self.process.take() {
            lock(&process).end();
        }
        let target = SshTarget {
            user: self.target.user.clone().map(Into::into),
            host: self.target.host.clone().into(),
        };
        let link = SshLink::start(&self.settings, &target, &self.words(tree))
            .map_err(|error| Failure::new(error.to_string()))?;
        self.stop.connecting(link.process.handle().ok());
        let process = Arc::new(Mutex::new(link.process));
        self.process = Some(Arc::clone(&process));
        let (input, output) = meet(link.stdout, link.stdin).map_err(|error| explain(&error, &process))?;
        let last_words = move || lock(&process).why_ended(LAST_WORDS_PATIENCE).to_string();
        let conversation = conversation(input, output, last_words)?;
        let failed = |error: std::io::Error| Failure::new(format!("cannot start a thread: {error}"));
        keep_alive(Arc::clone(&conversation.outbox)).map_err(failed)?;
        Ok(conversation)
    }
}

impl Ssh {
    /// The remote command.
    fn words(&self, tree: [u8; 16]) -> Vec<OsString> {
        let id = format!("{:032x}", u128::from_be_bytes(tree));
        let root = self.target.path.clone().into_os_string();
        vec![self.program.clone(), "serve".into(), "--root".into(), root, "--primary".into(), id.into()]
    }
}

fn ssh_settings(args: &DirectoryArgs, target: &Remote) -> SshSettings {
    // keep-alives, so that a host that went away without a word is noticed
    let mut options = "-T -oServerAliveInterval=15".to_owned();
    if File::open("/dev/tty").is_err() {
        // nobody could answer a question
        options.push_str(" -oBatchMode=yes");
    }
    SshSettings {
        command: args.ssh_command.clone(),
        options: options.into(),
        port: target.port,
        purpose: Purpose::Directory,
    }
}

fn meet<R: Read, W: Write>(input: R, mut output: W) -> Result<(BufReader<R>, W), HandshakeError> {
    let mut input = BufReader::with_capacity(READ_AHEAD, input);
    let met = handshake::meet(&mut input, &mut output)?;
    if !met.banner.is_empty() {
        tracing::debug!(banner = %met.banner.escape_ascii(), "the remote shell prints before gsyncd starts");
    }
    Ok((input, output))
}

fn conversation(
    input: impl Read + Send + 'static,
    output: impl Write + Send + 'static,
    last_words: impl Fn() -> String + Send + 'static,
) -> Result<Conversation, Failure> {
    let (report, inbox) = unbounded();
    let outbox: Arc<dyn Outbox> = Arc::new(LinkOutbox::new(output));
    listen(input, report.clone(), last_words)
        .map_err(|error| Failure::new(format!("cannot start a thread: {error}")))?;
    Ok(Conversation { outbox, inbox, report })
}

/// ssh's exit code and last words tell more than a broken stream.
fn explain(error: &HandshakeError, process: &SharedProcess) -> Failure {
    let ended = lock(process).why_ended(LAST_WORDS_PATIENCE);
    match error {
        HandshakeError::Ended { .. } => Failure::new(ended.to_string()),
        other => {
            let said = shown(std::ffi::OsStr::new(&lock(process).last_words()));
            let said = if said.is_empty() { said } else { format!("; ssh said: {said}") };
            Failure::new(format!("{other}{said}"))
        }
    }
}

fn lock(process: &SharedProcess) -> std::sync::MutexGuard<'_, SshProcess> {
    process.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::{Ssh, ssh_settings};
    use crate::mode::directory::stop::Stop;
    use gsyncd_core::cli::{Command, parse};
    use gsyncd_core::shell::quoting::{quote, unquote};
    use gsyncd_core::url::place::Pair;
    use std::ffi::{OsStr, OsString};

    #[test]
    fn the_remote_command_is_read_back_by_the_other_side() {
        let argv = ["/src", "ssh://geo@vault:2222:/srv/my copy's"].map(OsString::from);
        let Command::Directory(args) = parse(&argv).unwrap().command else { panic!("no directory") };
        let Pair::Ssh { target, .. } = args.pair.clone() else { panic!("no ssh") };
        let settings = ssh_settings(&args, &target);
        assert_eq!((settings.command.as_os_str(), settings.port), (OsStr::new("ssh"), Some(2222)));
        let program = args.remote_gsyncd.clone();
        let ssh = Ssh { settings, target, program, stop: Stop::default(), process: None };
        let words = ssh.words([0xa; 16]);
        let line = words.iter().map(|word| quote(word)).collect::<Vec<_>>().join(OsStr::new(" "));
        assert_eq!(
            line,
            r"gsyncd serve --root '/srv/my copy'\''s' --primary 0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a"
        );
        let words = unquote(&line).unwrap();
        let Command::Serve(serve) = parse(&words[1..]).unwrap().command else { panic!("no serve") };
        assert_eq!((serve.root.to_str(), serve.primary), (Some("/srv/my copy's"), [0xa; 16]));
    }
}
