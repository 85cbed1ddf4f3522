//! How the primary reaches the other site.

pub mod ssh;
pub mod tail;
