//! The worker of one brick.

pub mod worker;
