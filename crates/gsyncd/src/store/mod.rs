//! Files that outlive a process: the session's config, the status files, the pid file.

pub mod conf_file;
pub mod pidfile;
pub mod replace;
pub mod sessions;
pub mod status_file;
