//! The kernel door: the only place with `unsafe` or raw system calls.
//!
//! One system call is one function; errors carry the call, the path and the errno.

pub mod at;
pub mod child;
pub mod descriptors;
pub mod error;
pub mod handle;
pub mod inotify;
pub mod lock;
pub mod mount;
pub mod poll;
pub mod random;
pub mod signal;
pub mod usage;
pub mod user;
pub mod xattr;

pub use error::{Error, Result};
pub use rustix::fs::OFlags;
pub use rustix::io::Errno;
