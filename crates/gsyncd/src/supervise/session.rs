//! The `monitor` command: from a session's settings to the plan of its monitor.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use gsyncd_core::cli::{MonitorArgs, Session};
use gsyncd_core::conf::{Generation, Settings};
use gsyncd_core::status::{BrickStatus, worker};
use gsyncd_core::volinfo::Volume;

use super::daemon::{self, Stage};
use super::distribute::{Brick, Node, WorkerSpec, distribute};
use super::monitor::{self, MonitorPlan, Undiscovered};
use super::spawn::WorkerCall;
use super::watch::StatusBoard;
use crate::exit::{Failure, Outcome};
use crate::link::gluster::Question;
use crate::link::ssh::{Purpose, SshSettings, SshTarget, remote_volume_info};
use crate::program::Program;
use crate::store::{conf_file, status_file};
use crate::tree::mount;

/// Runs a session on this node until it is stopped; in the calling process, only starts the daemon that does.
///
/// # Errors
/// The pid file is taken (code 2, as glusterd expects it), or what a daemon needs cannot be had.
pub fn run(args: &MonitorArgs, settings: &Settings, config_file: &Path) -> Outcome {
    let pid_file = settings.path("pid-file");
    let stage = if args.foreground {
        daemon::stay(&pid_file)
    } else {
        daemon::daemonise(&pid_file, Program::own().command(std::env::args_os().skip(1)))
    };
    match stage {
        Stage::Caller { exit: 0, .. } => Ok(()),
        Stage::Caller { exit, message } => Err(Failure { message, code: u8::try_from(exit).unwrap_or(1) }),
        // The name keeps the lock until the process ends.
        Stage::Daemon(_pid_file) => {
            forget_former_states(&settings.path("state-file"));
            monitor::run(plan(args, settings, config_file)).map(|_| ()).map_err(Failure::new)
        }
    }
}

/// What a former monitor's workers said of themselves is not true any more, and would be shown as soon as the
/// monitor says `Started`.
fn forget_former_states(state_file: &Path) {
    for brick in status_file::bricks(state_file) {
        let path = status_file::brick_path(state_file, &brick);
        let forget = |status: &mut BrickStatus| worker::INITIALIZING.clone_into(&mut status.worker_status);
        complain("brick status", status_file::update_brick(&path, forget));
    }
}

fn plan(args: &MonitorArgs, settings: &Settings, config_file: &Path) -> MonitorPlan {
    let board: Arc<dyn StatusBoard> = Arc::new(Files { state_file: settings.path("state-file") });
    let atlas = Atlas::new(args, settings, config_file, Arc::clone(&board));
    let seconds = u64::try_from(settings.int("connection-timeout")).unwrap_or(60);
    MonitorPlan {
        pause_on_start: args.pause_on_start,
        mount_bases: vec![mount::default_base()],
        ssh_port: atlas.ssh.port.unwrap_or(22),
        connection_timeout: Duration::from_secs(seconds),
        call: WorkerCall {
            program: Program::own(),
            primary: args.session.primary.clone().into(),
            secondary: args.session.secondary.to_string().into(),
            local_node_id: atlas.local_node_id.clone().into(),
            config_file: args.common.config_file.clone(),
            debug: args.common.debug,
        },
        discover: Box::new(move || atlas.workers()),
        board,
    }
}

/// The status files as a board.
struct Files {
    state_file: PathBuf,
}

impl StatusBoard for Files {
    fn monitor(&self, text: &str) {
        complain("monitor status", status_file::write_monitor(&self.state_file, text));
    }

    fn worker(&self, brick: &Path, state: &str, error: &str) {
        let path = status_file::brick_path(&self.state_file, brick);
        let written = status_file::update_brick(&path, |status| {
            if status.worker_status != state {
                tracing::info!(context = "GeorepStatus", status = state, brick = %brick.display(), "Worker Status Change");
            }
            state.clone_into(&mut status.worker_status);
            if [worker::FAULTY, worker::INCONSISTENT].contains(&state) {
                error.clone_into(&mut status.last_error);
                status.last_error_time = epoch_seconds();
            }
        });
        complain("brick status", written);
    }
}

/// The session goes on without its status: what it does matters more than what is shown.
fn complain(what: &str, written: Outcome) {
    if let Err(failure) = written {
        tracing::error!("cannot write the {what}: {failure}");
    }
}

fn epoch_seconds() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

/// What is needed to ask both clusters where things are.
struct Atlas {
    session: Session,
    local_node_id: String,
    command_dir: PathBuf,
    ssh: SshSettings,
    secondary_command_dir: PathBuf,
    timeout: Duration,
    config_file: PathBuf,
    generation: Generation,
    board: Arc<dyn StatusBoard>,
    is_announced: AtomicBool,
}

impl Atlas {
    fn new(
        args: &MonitorArgs,
        settings: &Settings,
        config_file: &Path,
        board: Arc<dyn StatusBoard>,
    ) -> Atlas {
        let told = Some(args.local_node_id.clone()).filter(|id| !id.is_empty());
        Atlas {
            session: args.session.clone(),
            local_node_id: told.or_else(|| node_uuid(&settings.path("glusterd-workdir"))).unwrap_or_default(),
            command_dir: settings.path("gluster-command-dir"),
            ssh: SshSettings {
                command: settings.text("ssh-command").into(),
                options: settings.text("ssh-options").into(),
                port: Some(u16::try_from(settings.int("ssh-port")).unwrap_or(22)),
                purpose: Purpose::Volume,
            },
            secondary_command_dir: settings.path("secondary-gluster-command-dir"),
            timeout: Duration::from_secs(u64::try_from(settings.int("connection-timeout")).unwrap_or(60)),
            config_file: config_file.to_path_buf(),
            generation: settings.generation(),
            board,
            is_announced: AtomicBool::new(false),
        }
    }

    fn workers(&self) -> Result<Vec<WorkerSpec>, Undiscovered> {
        let primary = self.primary().map_err(|reason| Undiscovered { bricks: Vec::new(), reason })?;
        let bricks = bricks(&primary);
        let local = bricks.iter().filter(|brick| brick.host_uuid == self.local_node_id);
        let local: Vec<PathBuf> = local.map(|brick| brick.path.clone()).collect();
        if local.is_empty() {
            return Ok(Vec::new());
        }
        if !self.is_announced.swap(true, Ordering::Relaxed) {
            // What a killed monitor's workers left there says Active, and the other site may be slow to answer.
            local.iter().for_each(|brick| self.board.worker(brick, worker::INITIALIZING, ""));
        }
        let secondary = self.secondary().and_then(|secondary| {
            check_layout(&primary)?;
            check_layout(&secondary)?;
            Ok(secondary)
        });
        let secondary = secondary.map_err(|reason| Undiscovered { bricks: local, reason })?;
        self.remember(&primary, &secondary);
        let nodes: Vec<Node> =
            secondary.nodes().into_iter().map(|(host, uuid)| Node { host, uuid }).collect();
        Ok(distribute(&bricks, &nodes, &secondary.uuid(), &self.local_node_id))
    }

    fn primary(&self) -> Result<Volume, String> {
        let question = Question {
            command_dir: &self.command_dir,
            host: "localhost",
            volume: &self.session.primary,
            inet6: false,
            timeout: self.timeout,
        };
        question.ask().map_err(|error| format!("primary: {error}"))
    }

    fn secondary(&self) -> Result<Volume, String> {
        let address = &self.session.secondary;
        let target =
            SshTarget { user: address.user.clone().map(Into::into), host: address.host.clone().into() };
        let volume = OsStr::new(&address.volume);
        let directory = self.secondary_command_dir.as_os_str();
        let xml = remote_volume_info(&self.ssh, &target, directory, volume, self.timeout)
            .map_err(|error| format!("secondary volume info: {error}"))?;
        Volume::parse(&xml, &address.volume).map_err(|error| format!("secondary {error}"))
    }

    /// Keeps what `delete reset-sync-time` and others look up in the session's file (spec: sync-semantics 1.4).
    fn remember(&self, primary: &Volume, secondary: &Volume) {
        let facts = [
            ("stime-xattr-prefix", format!("trusted.glusterfs.{}.{}", primary.uuid(), secondary.uuid())),
            ("primary-distribution-count", primary.distribute.to_string()),
        ];
        if self.config_file.exists() {
            complain("session's config file", conf_file::keep(&self.config_file, self.generation, &facts));
        }
    }
}

/// Facts are read from the brick, and made durable there: right only where the brick is the whole volume and
/// its files are the users'. To refuse is better than to take what another brick has for deleted.
fn check_layout(volume: &Volume) -> Result<(), String> {
    let (name, count) = (&volume.name, volume.bricks.len());
    if count != 1 {
        return Err(format!("volume {name} has {count} bricks: only volumes of one brick are supported yet"));
    }
    let is_on = |value: &str| matches!(value, "on" | "enable" | "true" | "1" | "yes");
    if volume.option("features.shard").is_some_and(is_on) {
        return Err(format!("volume {name} is sharded: this is not supported yet"));
    }
    if volume.option("changelog.rollover-time") == Some("1") {
        tracing::warn!(volume = %name, "changelog.rollover-time is 1: changes are lost, set it to 2 or more");
    }
    Ok(())
}

fn bricks(volume: &Volume) -> Vec<Brick> {
    let bricks = volume.bricks.iter().enumerate();
    bricks
        .map(|(index, brick)| Brick {
            host: brick.host.clone(),
            host_uuid: brick.host_uuid.clone(),
            path: brick.path.clone(),
            subvolume: volume.subvolume_number(index),
        })
        .collect()
}

/// This node's uuid from glusterd's own file, for who starts a monitor by hand.
fn node_uuid(workdir: &Path) -> Option<String> {
    let text = std::fs::read_to_string(workdir.join("glusterd.info")).ok()?;
    text.lines().find_map(|line| line.strip_prefix("UUID=")).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use gsyncd_core::volinfo;

    #[test]
    fn only_what_can_be_synced_right_is_accepted() {
        let brick =
            volinfo::Brick { host: "h".into(), host_uuid: "u".into(), path: "/b".into(), is_arbiter: false };
        let volume = |bricks: usize, options: &[(&str, &str)]| Volume {
            name: "v".into(),
            id: [1; 16],
            started: true,
            bricks: vec![brick.clone(); bricks],
            replica: 1,
            disperse: 0,
            distribute: 1,
            options: options.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect(),
        };
        assert_eq!(check_layout(&volume(1, &[("features.shard", "off")])), Ok(()));
        assert!(check_layout(&volume(2, &[])).unwrap_err().contains("2 bricks"));
        assert!(check_layout(&volume(1, &[("features.shard", "on")])).unwrap_err().contains("sharded"));
    }

    #[test]
    fn what_former_workers_said_is_not_shown() {
        let directory = tempfile::tempdir().unwrap();
        let state_file = directory.path().join("monitor.status");
        let status = status_file::brick_path(&state_file, Path::new("/b/1"));
        status_file::update_brick(&status, |status| {
            status.worker_status = "Active".into();
            status.last_synced = 7;
        })
        .unwrap();
        forget_former_states(&state_file);
        let after = status_file::read_brick(&status);
        assert_eq!((after.worker_status.as_str(), after.last_synced), (worker::INITIALIZING, 7));
    }
}
