//! The kernel door: the only place with `unsafe` or raw system calls.
//!
//! One system call is one function; errors carry the call, the path and the errno.

pub mod error;

pub use error::{Error, Result};
