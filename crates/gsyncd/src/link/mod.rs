//! The link between the two sides.

pub mod frames;
pub mod gluster;
pub mod handshake;
pub mod inbox;
pub mod local;
pub mod outbox;
pub mod ssh;
pub mod tail;
