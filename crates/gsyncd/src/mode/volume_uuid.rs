//! `voluuidget`: the uuid of a volume on another cluster.

use super::{print, session};
use crate::exit::Outcome;
use gsyncd_core::conf::{Document, Facts, Settings};
use gsyncd_core::volinfo::{MAX_BYTES, Volume};
use std::io::Read as _;
use std::process::{Command, Stdio};

/// Prints the uuid; nothing at all when it cannot be had, with exit 0: glusterd judges by the output.
///
/// # Errors
/// stdout is closed.
pub fn run(host: &str, volume: &str, inet6: bool) -> Outcome {
    session::start_cli_log("voluuidget");
    match ask(host, volume, inet6) {
        Ok(volume) => print(&volume.uuid()),
        Err(reason) => {
            tracing::error!(host, volume, "no uuid of the secondary volume: {reason}");
            Ok(())
        }
    }
}

fn ask(host: &str, volume: &str, inet6: bool) -> Result<Volume, String> {
    let settings = Settings::new(&Document::default(), &Facts::default());
    let mut command = Command::new(settings.path("gluster-command-dir").join("gluster"));
    command.arg("--xml").arg(format!("--remote-host={host}")).args(["volume", "info", volume]);
    if inet6 {
        command.arg("--inet6");
    }
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().map_err(|error| format!("gluster cannot be run: {error}"))?;
    let mut xml = Vec::new();
    let limit = u64::try_from(MAX_BYTES).unwrap_or(u64::MAX).saturating_add(1);
    let read = child.stdout.take().map(|out| out.take(limit).read_to_end(&mut xml));
    // The pipe is closed now, so a command that had more to say dies of it.
    let status = child.wait().map_err(|error| error.to_string())?;
    match read {
        Some(Ok(_)) => {
            Volume::parse(&xml, volume).map_err(|error| format!("{error} (gluster ended with {status})"))
        }
        _ => Err("the output of gluster cannot be read".to_owned()),
    }
}
