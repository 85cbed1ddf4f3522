//! Patience with errors that Gluster gives while it finds its way (spec: sync-semantics 8.4).

use gsyncd_sys::{Errno, Result};
use std::time::Duration;

/// How often a call is made at most.
const TRIES: u64 = 10;
/// The pause grows by this much from try to try, in milliseconds.
const STEP_MILLISECONDS: u64 = 50;
/// The longest pause, in milliseconds.
const LONGEST_MILLISECONDS: u64 = 250;

/// Makes a call again while it fails with EBUSY, or with EINVAL from a call that sets attributes or xattrs.
///
/// ESTALE is not waited for: the callers treat it as "not there" and look again.
pub(super) fn patiently<T>(mut call: impl FnMut() -> Result<T>) -> Result<T> {
    for attempt in 1..TRIES {
        match call() {
            Err(error) if is_transient(&error) => {
                let pause = (attempt * STEP_MILLISECONDS).min(LONGEST_MILLISECONDS);
                std::thread::sleep(Duration::from_millis(pause));
            }
            outcome => return outcome,
        }
    }
    call()
}

fn is_transient(error: &gsyncd_sys::Error) -> bool {
    const SETTING: [&str; 8] =
        ["setxattr", "removexattr", "fchown", "fchownat", "chmod", "fchmod", "futimens", "utimensat"];
    match error.errno {
        Errno::BUSY => true,
        Errno::INVAL | Errno::STALE => SETTING.contains(&error.call),
        _ => false,
    }
}
