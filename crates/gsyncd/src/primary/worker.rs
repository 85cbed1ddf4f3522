//! One brick: connects to a node of the secondary, then runs the pipeline until something ends it.

use super::client::{LinkOutbox, keep_alive, listen};
use super::commit::Commit;
use super::patrol::Patrol;
use super::pipeline::Pipeline;
use super::quarantine::Quarantine;
use super::report::Report;
use super::send::{Inbound, Sender, Transfers};
use super::source::journal;
use super::view::View;
use super::view::brick::BrickView;
use crate::exit::{Failure, NOT_LET_IN, Outcome};
use crate::link::handshake;
use crate::link::outbox::Outbox;
use crate::link::ssh::{Purpose, SecondaryCall, SshLink, SshProcess, SshSettings, SshTarget};
use crate::liveness::{self, BrickGuard};
use crate::store::status_file;
use crossbeam_channel::{Receiver, unbounded};
use gsyncd_core::cli::WorkerArgs;
use gsyncd_core::conf::Settings;
use gsyncd_core::gluster::VolumeId;
use gsyncd_core::id::{Gfid, Stime};
use gsyncd_sys::child;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long a former worker of the same brick may take to end.
const FORMER_WORKER_PATIENCE: Duration = Duration::from_secs(10);
/// How long ssh may take to end once its output has.
const LAST_WORDS_PATIENCE: Duration = Duration::from_secs(1);

/// Syncs one brick until it is stopped.
///
/// # Errors
/// Always, in the end: the reason why it cannot go on.
pub fn run(args: &WorkerArgs, settings: &Settings, config: &Path) -> Outcome {
    liveness::follow_monitor().map_err(|error| Failure::new(format!("monitor: {error}")))?;
    let working_dir = settings.path("working-dir");
    let _guard = BrickGuard::take(&working_dir, args.local_path.as_os_str(), FORMER_WORKER_PATIENCE)
        .map_err(|error| Failure::new(format!("working directory: {error}")))?;
    let patience = Duration::from_secs(u64::try_from(settings.int("connection-timeout")).unwrap_or(60));
    let deadline = Instant::now() + patience;
    let brick = BrickView::open(&args.local_path)?;
    let secondary = secondary_volume(args)?;
    let commit = Commit::open(brick.root(), brick.volume(), secondary)?;
    let view: Arc<dyn View> = Arc::new(brick);
    let (mut sender, process) = connect(args, settings, &view)?;
    let welcome = sender.welcome(deadline).map_err(|error| explain(&error, &process))?;
    let mut report = Report::new(status_path(args, settings), config.to_owned());
    report.active(&args.resource_remote);
    tracing::info!(node = %args.resource_remote, stime = ?commit.done(), empty = welcome.empty, "connected");
    confirm(args)?;
    // a first sync looks at everything itself: its patrols begin where its journal does
    let changelogs = changelog_directory(&args.local_path);
    let newest =
        journal::newest_stamp(&changelogs).ok().flatten().map(|stamp| Stime::at(stamp.saturating_sub(1)));
    let progress = commit.done().filter(|done| *done != Stime::ZERO).or(newest);
    let pipeline = Pipeline {
        view,
        sender,
        commit,
        quarantine: Quarantine::default(),
        patrol: Patrol::starting_at(progress),
        report,
        changelogs,
        onto_empty: welcome.empty,
    };
    match pipeline.run() {
        Ok(never) => match never {},
        Err(error) => Err(explain(&error, &process)),
    }
}

/// The secondary volume's id as the monitor found it; part of the stime's name.
fn secondary_volume(args: &WorkerArgs) -> Result<VolumeId, Failure> {
    Gfid::parse(args.secondary_id.as_bytes())
        .ok_or_else(|| Failure::new(format!("--secondary-id '{}' is no volume id", args.secondary_id)))
}

/// Where the brick keeps its journal.
fn changelog_directory(brick: &Path) -> PathBuf {
    brick.join(".glusterfs/changelogs")
}

fn status_path(args: &WorkerArgs, settings: &Settings) -> PathBuf {
    status_file::brick_path(&settings.path("state-file"), &args.local_path)
}

/// The ssh child, shared with the thread that may have to explain its end.
type SharedProcess = Arc<Mutex<SshProcess>>;

/// Starts ssh, shakes hands, starts the threads of the conversation.
fn connect(
    args: &WorkerArgs,
    settings: &Settings,
    view: &Arc<dyn View>,
) -> Result<(Sender, SharedProcess), Failure> {
    let link = SshLink::start(&ssh_settings(settings), &target(args), &call(args, settings).words())
        .map_err(|error| Failure::new(error.to_string()))?;
    let SshLink { mut stdin, mut stdout, process } = link;
    let process = Arc::new(Mutex::new(process));
    let met = handshake::meet(&mut stdout, &mut stdin).map_err(|error| not_met(&error, &process))?;
    if !met.banner.is_empty() {
        tracing::warn!(banner = %met.banner.escape_ascii(), "the remote shell prints before gsyncd starts");
    }
    let (report, inbox): (_, Receiver<Inbound>) = unbounded();
    let outbox: Arc<dyn Outbox> = Arc::new(LinkOutbox::new(stdin));
    let failed = |error: std::io::Error| Failure::new(format!("thread: {error}"));
    let shared = Arc::clone(&process);
    listen(stdout, report.clone(), move || last_words(&shared)).map_err(failed)?;
    keep_alive(Arc::clone(&outbox)).map_err(failed)?;
    let transfers = Transfers::start_lanes(view, &outbox, &report).map_err(failed)?;
    Ok((Sender::new(Arc::clone(view), outbox, inbox, transfers), process))
}

fn ssh_settings(settings: &Settings) -> SshSettings {
    SshSettings {
        command: settings.text("ssh-command").into(),
        options: settings.text("ssh-options").into(),
        port: Some(u16::try_from(settings.int("ssh-port")).unwrap_or(22)),
        purpose: Purpose::Volume,
    }
}

fn target(args: &WorkerArgs) -> SshTarget {
    let secondary = &args.session.secondary;
    let host = if args.resource_remote.is_empty() { &secondary.host } else { &args.resource_remote };
    SshTarget { user: secondary.user.clone().map(Into::into), host: host.into() }
}

fn call(args: &WorkerArgs, settings: &Settings) -> SecondaryCall {
    let secondary = &args.session.secondary;
    let text = |name: &str| OsString::from(settings.text(name));
    SecondaryCall {
        remote_gsyncd: text("remote-gsyncd"),
        primary_volume: args.session.primary.clone().into(),
        secondary: format!("{}::{}", secondary.host, secondary.volume).into(),
        primary_node: args.local_node.clone().into(),
        primary_node_id: args.local_node_id.clone().into(),
        primary_brick: args.local_path.clone(),
        local_node: args.resource_remote.clone().into(),
        local_node_id: args.resource_remote_id.clone().into(),
        timeout_seconds: u64::try_from(settings.int("secondary-timeout")).unwrap_or(120),
        log_level: text("secondary-log-level"),
        gluster_log_level: text("secondary-gluster-log-level"),
        gluster_command_dir: settings.path("secondary-gluster-command-dir"),
        primary_dist_count: u32::try_from(settings.int("primary-distribution-count")).unwrap_or(1),
    }
}

/// Tells the monitor that set-up, where hangs happen, is over.
fn confirm(args: &WorkerArgs) -> Outcome {
    if let Some(number) = args.feedback_fd {
        drop(child::take_inherited(number)?);
    }
    Ok(())
}

fn last_words(process: &SharedProcess) -> String {
    let mut process = process.lock().unwrap_or_else(PoisonError::into_inner);
    process.why_ended(LAST_WORDS_PATIENCE).to_string()
}

/// As [`explain`], with an exit code by which the monitor knows that it is worth trying again soon.
fn not_met(error: &impl std::fmt::Display, process: &SharedProcess) -> Failure {
    let ended = process.lock().unwrap_or_else(PoisonError::into_inner).why_ended(LAST_WORDS_PATIENCE);
    match ended.is_not_let_in() {
        true => Failure { message: ended.to_string(), code: NOT_LET_IN },
        false => explain(error, process),
    }
}

/// The reason, with what ssh and the far side said.
fn explain(error: &impl std::fmt::Display, process: &SharedProcess) -> Failure {
    let said = process.lock().unwrap_or_else(PoisonError::into_inner).last_words();
    if said.is_empty() {
        Failure::new(error.to_string())
    } else {
        Failure::new(format!("{error}; ssh said: {said}"))
    }
}

#[cfg(test)]
mod tests {
    use super::not_met;
    use crate::exit::{FAILURE, NOT_LET_IN};
    use crate::link::ssh::{Purpose, SshLink, SshSettings, SshTarget};
    use std::io::Read as _;
    use std::sync::{Arc, Mutex};

    /// How the worker ends when "ssh" does that.
    fn end(script: &str) -> (u8, String) {
        let settings = SshSettings {
            command: "sh -c".into(),
            options: script.replace(' ', "${IFS}").into(),
            port: None,
            purpose: Purpose::Volume,
        };
        let target = SshTarget { user: None, host: "vault".into() };
        let mut link = SshLink::start(&settings, &target, &[]).unwrap();
        link.stdout.read_to_end(&mut Vec::new()).unwrap();
        let failure = not_met(&"no hello", &Arc::new(Mutex::new(link.process)));
        (failure.code, failure.message)
    }

    #[test]
    fn only_a_closed_door_is_worth_knocking_again() {
        let (code, message) = end("echo denied >&2; exit 255");
        assert!(
            code == NOT_LET_IN && message.contains("push-pem") && message.ends_with("denied"),
            "{message}"
        );
        assert_eq!(end("exit 127").0, NOT_LET_IN);
        assert_eq!(end("exit 1").0, FAILURE);
        assert_eq!(end("kill -9 $$").0, FAILURE);
    }
}
