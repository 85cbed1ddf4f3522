//! The monitor: one process per session and node that keeps a worker running for every local brick.

pub mod backoff;
pub mod daemon;
pub mod distribute;
pub mod fleet;
pub mod monitor;
pub mod pid_file;
pub mod probe;
pub mod session;
pub mod spawn;
pub mod watch;
