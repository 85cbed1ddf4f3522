//! The lab: a private host (own processes, mounts, network, name and state directories) with a real glusterd, bricks,
//! FUSE mounts and sshd on it, and the tools with which tests and the bench work there.
//!
//! * [`host`] makes the private host and runs one command on it.
//! * [`inside`] lets a test (or the bench) run one of its functions on such a host.
//! * [`cluster`], [`session`], [`census`], [`wait`], [`tree`], [`load`], [`storm`] are used on the inside.
//! * [`mirror`] is a session of plain directories there, [`ordinary`] a user who is not root, [`count`] a stand-in for ssh
//!   that counts, [`record`] one for gsyncd that writes down how it is called, [`far`] a second host, [`transcript`] what an
//!   administrator types and is to read.

pub mod census;
pub mod cluster;
pub mod command;
pub mod count;
pub mod failure;
pub mod far;
pub mod host;
pub mod inside;
pub mod load;
pub mod mirror;
pub mod ordinary;
pub mod record;
pub mod scenario;
pub mod session;
pub mod storm;
pub mod transcript;
pub mod tree;
pub mod wait;

pub use failure::{Done, Failure};
