//! The serving end of a Gluster session: mounts the volume, serves the primary on stdin and stdout.

use super::serve::{ServeOptions, serve};
use crate::exit::{Failure, Outcome};
use crate::link::gluster::Question;
use crate::program::Program;
use crate::tree::gluster::{AclMount, GlusterTree};
use crate::tree::mount::{
    AuxMount, MountRequest, default_base, sweep_stale, unbuffered_arguments, uncached_arguments,
};
use gsyncd_core::cli::SecondaryArgs;
use gsyncd_core::conf::Settings;
use gsyncd_core::gluster::names;
use gsyncd_sys::xattr;
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// How long glusterd may take to tell the volume's layout.
const ANSWER_PATIENCE: Duration = Duration::from_secs(10);

/// Serves one worker until it leaves.
///
/// # Errors
/// When the volume cannot be mounted, or the conversation breaks.
pub fn run(args: &SecondaryArgs, settings: &Settings) -> Outcome {
    if let Err(error) = sweep_stale(&default_base()) {
        tracing::warn!(%error, "stale mounts are not swept");
    }
    let request = mount_request(args, settings);
    let mount = AuxMount::open(&request).map_err(|error| Failure::new(error.to_string()))?;
    let acl_mount = acl_mount(request);
    let brick = local_brick(args, settings);
    tracing::info!(local_brick = brick.is_some(), "mounted");
    // `/proc/PID/cwd` is how others find what is served (spec: glusterd-interface 6.4)
    let directory = format!("/proc/self/fd/{}", mount.root().as_raw_fd());
    std::env::set_current_dir(directory).map_err(|error| Failure::new(format!("mount: {error}")))?;
    let tree = GlusterTree::open(own(&mount)?, Some(acl_mount), brick)?;
    let seconds = u64::try_from(settings.int("secondary-timeout")).unwrap_or(120);
    let timeout = (seconds > 0).then(|| Duration::from_secs(seconds));
    tracing::info!(context = "GLUSTER", volume = %args.session.secondary.volume, "secondary listening");
    let options = ServeOptions { timeout };
    let served = serve(std::io::stdin(), std::io::stdout(), Arc::new(tree), &options);
    // the process ends now, and the mount with its last descriptor: closing it properly would wait for the
    // client, which cannot leave before the threads that still work let go of it
    std::mem::forget(mount);
    served.map_err(|error| Failure::new(error.to_string()))
}

fn mount_request(args: &SecondaryArgs, settings: &Settings) -> MountRequest {
    MountRequest {
        program: Program::own(),
        command_dir: settings.path("secondary-gluster-command-dir"),
        volume: args.session.secondary.volume.clone().into(),
        volfile_server: "localhost".into(),
        log_file: settings.path("secondary-gluster-log-file"),
        log_level: settings.text("secondary-gluster-log-level").into(),
        extra_args: uncached_arguments().into_iter().chain(unbuffered_arguments()).collect(),
        base: None,
        connection_timeout: Duration::from_secs(
            u64::try_from(settings.int("connection-timeout")).unwrap_or(60),
        ),
    }
}

/// A second mount for default ACLs, made when the first one is met. Of the privileged clients this one (`-4`) may
/// write to a read-only volume too, and its FUSE bridge does not swallow the setting of default ACLs.
fn acl_mount(mut request: MountRequest) -> AclMount {
    // the last one counts
    request.extra_args.push("--client-pid=-4".into());
    let kept: Mutex<Option<AuxMount>> = Mutex::new(None);
    Box::new(move || {
        let mount = AuxMount::open(&request).map_err(|error| {
            tracing::error!(%error, "no mount for default ACLs");
            gsyncd_sys::Error::new("mount", b"", gsyncd_sys::Errno::IO)
        })?;
        let root = own(&mount)?;
        *kept.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(mount);
        Ok(root)
    })
}

/// The root of the volume's only brick, if it is on this machine; known by the volume id it carries.
fn local_brick(args: &SecondaryArgs, settings: &Settings) -> Option<OwnedFd> {
    let command_dir = settings.path("secondary-gluster-command-dir");
    let volume = &args.session.secondary.volume;
    let question = Question {
        command_dir: &command_dir,
        host: "localhost",
        volume,
        inet6: false,
        timeout: ANSWER_PATIENCE,
    };
    let volume = question
        .ask()
        .inspect_err(|error| tracing::warn!(%error, "the volume's layout is not known"))
        .ok()?;
    let [brick] = volume.bricks.as_slice() else { return None };
    let root = gsyncd_sys::at::open_root(brick.path.as_os_str().as_bytes()).ok()?;
    let id = xattr::get_through(&xattr::below(&root, b""), names::VOLUME_ID.as_bytes()).ok()??;
    (*id == volume.id).then_some(root)
}

/// A descriptor of the mount's root to keep.
fn own(mount: &AuxMount) -> Result<OwnedFd, gsyncd_sys::Error> {
    gsyncd_sys::at::open(mount.root(), b".", gsyncd_sys::OFlags::RDONLY | gsyncd_sys::OFlags::DIRECTORY)
}
