//! Who this process is.

/// True when the process has root's user id in effect.
#[must_use]
pub fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}
