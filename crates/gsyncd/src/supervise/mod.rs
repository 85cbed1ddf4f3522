//! The monitor of a session.

pub mod monitor;
