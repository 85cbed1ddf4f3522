//! `gsyncd SOURCE TARGET`: a session between two directories, from its command line to its exit code.

mod connect;
mod follow;
mod places;
mod settings;
mod show;
mod stop;

use crate::exit::{Failure, Outcome};
use crate::obs::log::{self, Plain};
use crate::primary::directory::{Directory, Plan, Progress};
use crate::program::Program;
use crate::store::sessions::SessionDir;
use crate::supervise::daemon::{self, Stage, TAKEN_EXIT};
use crate::supervise::pid_file::PidFile;
use follow::Session;
use gsyncd_core::cli::DirectoryArgs;
use gsyncd_core::status::session::SessionInfo;
use gsyncd_core::url::place::shown;
use gsyncd_sys::descriptors::make_room;
use settings::Settings;
use show::Screen;
use std::ffi::OsString;
use std::os::fd::AsFd as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};
use stop::Stop;

/// Runs the session. `argv` is the command line that `args` were read from: a session in the background is this
/// program started again with it.
///
/// # Errors
/// What keeps it from running or made it end, and with `--once` what could not be synced.
pub fn run(args: &DirectoryArgs, argv: &[OsString]) -> Outcome {
    make_room(std::io::stderr().as_fd());
    let settings = Settings::of(args)?;
    let dir = SessionDir::of(&settings.base, &settings.pair.directory_name());
    let was_used = dir.is_used();
    dir.create()?;
    let Some(lock) = lock(args, argv, &dir)? else { return Ok(()) };
    let connected = AtomicBool::new(false);
    let outcome = locked(args, argv, &settings, &dir, &connected);
    // a look, or a mistyped host, is no session to remember
    let was_tried = outcome.is_err() && !connected.load(Ordering::Relaxed);
    if !was_used && (args.dry_run || was_tried) {
        dir.remove();
    }
    // to the end: nobody else may run the session before all is said
    drop(lock);
    outcome
}

/// The right to run the session; None in the caller of a session in the background, which has it now.
fn lock(args: &DirectoryArgs, argv: &[OsString], dir: &SessionDir) -> Result<Option<PidFile>, Failure> {
    let pid_file = dir.pid_file();
    let stage = if args.daemon {
        daemon::daemonise(&pid_file, Program::own().command(argv))
    } else {
        daemon::stay(&pid_file)
    };
    match stage {
        Stage::Daemon(taken) => Ok(Some(taken)),
        Stage::Caller { exit: 0, .. } => Ok(None),
        Stage::Caller { exit: TAKEN_EXIT, .. } => {
            let pid = dir.running_pid().map_or(String::new(), |pid| format!(" as process {pid}"));
            Err(Failure::new(format!("this session is running already{pid}; see gsyncd status")))
        }
        Stage::Caller { message, .. } => Err(Failure::new(message)),
    }
}

fn locked(
    args: &DirectoryArgs,
    argv: &[OsString],
    settings: &Settings,
    dir: &SessionDir,
    connected: &AtomicBool,
) -> Outcome {
    // before any thread starts
    let stop = Stop::on_signals(args.once || args.dry_run)?;
    let screen = Screen::open(args);
    start_log(args, settings, dir, &screen);
    let _pid_file = settings.pid_file.as_deref().map(extra_pid_file).transpose()?;
    let _ = std::env::set_current_dir("/");
    let progress = Arc::new(Progress::default());
    let mut directory = Directory::open(plan(args, settings, dir), Arc::clone(&progress))?;
    if args.dry_run {
        return directory.dry_run();
    }
    dir.write_info(&info(argv, settings))?;
    tracing::info!("{} -> {}", shown(settings.pair.source().as_os_str()), settings.pair.target_shown());
    let session = Session { args, settings, dir, progress: &progress, stop: &stop, connected };
    let outcome = follow::run(&session, &mut directory, screen);
    if let Err(failure) = &outcome
        && (args.daemon || settings.log_file.is_some())
    {
        tracing::error!("{failure}");
    }
    outcome
}

fn extra_pid_file(path: &Path) -> Result<PidFile, Failure> {
    match PidFile::take(path) {
        Ok(Some(taken)) => Ok(taken),
        Ok(None) => Err(Failure::new(format!("another process holds {}", path.display()))),
        Err(error) => Err(Failure::new(format!("pid file {}: {error}", path.display()))),
    }
}

fn plan(args: &DirectoryArgs, settings: &Settings, dir: &SessionDir) -> Plan {
    Plan {
        source: settings.pair.source().to_owned(),
        state: dir.path().to_owned(),
        excludes: settings.excludes.clone(),
        ignore_deletes: args.ignore_deletes,
        trust_mtime: args.trust_mtime,
        once: args.once,
        crawl_interval: args.crawl_interval,
    }
}

fn info(argv: &[OsString], settings: &Settings) -> SessionInfo {
    SessionInfo {
        source: shown(settings.pair.source().as_os_str()),
        target: settings.pair.target_shown(),
        arguments: argv.iter().map(|word| shown(word)).collect(),
        started_ms: milliseconds(SystemTime::now()),
        version: env!("CARGO_PKG_VERSION").to_owned(),
    }
}

/// Since 1970.
fn milliseconds(time: SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// On a terminal the live line says what is going on, and the log only what is wrong.
fn start_log(args: &DirectoryArgs, settings: &Settings, dir: &SessionDir, screen: &Screen) {
    let file = settings.log_file.clone().or_else(|| args.daemon.then(|| dir.log_file()));
    let usual = match (&args.log_level, args.quiet, &file) {
        (Some(name), ..) => name,
        (None, true, _) => "warn",
        (None, false, None) if screen.is_live() => "warn",
        (None, false, _) => "info",
    };
    log::start_plain(Plain { file, writer: screen.writer(), level: log::level(usual) });
}
