//! What goes over the link between two of ours.
//!
//! The link starts with a [`hello`] in each direction, then carries [`frame`]s. Versions of the protocol:
//! * 1: batches of facts, answers, transfers, keep-alive, sync. Not released yet, so it still grows.

pub mod codec;
pub mod frame;
pub mod hello;
pub mod message;
