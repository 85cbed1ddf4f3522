//! Asks a cluster by its own command line program.

use gsyncd_core::volinfo::{MAX_BYTES, Volume};
use gsyncd_sys::child;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

/// A question about one volume.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// Directory of the `gluster` program (setting `gluster-command-dir`).
    pub command_dir: &'a Path,
    /// The host whose glusterd is asked.
    pub host: &'a str,
    /// Name of the volume.
    pub volume: &'a str,
    /// Reach it by IPv6.
    pub inet6: bool,
    /// How long the answer may take.
    pub timeout: Duration,
}

impl Question<'_> {
    /// `gluster volume info` of the volume.
    ///
    /// # Errors
    /// When the program cannot be run, takes too long, or does not know the volume: one line for people.
    pub fn ask(&self) -> Result<Volume, String> {
        let mut command = Command::new(self.command_dir.join("gluster"));
        command.arg("--xml").arg(format!("--remote-host={}", self.host)).args([
            "volume",
            "info",
            self.volume,
        ]);
        if self.inet6 {
            command.arg("--inet6");
        }
        let answer = child::capture(&mut command, self.timeout, MAX_BYTES)
            .map_err(|error| format!("gluster volume info: {error}"))?;
        Volume::parse(&answer.stdout, self.volume).map_err(|error| {
            let said = answer.stderr.trim_ascii().escape_ascii();
            format!("{error} (gluster ended with {}) {said}", answer.status)
        })
    }
}
