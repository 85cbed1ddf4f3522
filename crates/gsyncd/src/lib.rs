//! The program: processes, threads, links and stores.
#![forbid(unsafe_code)]

pub mod exit;
#[cfg(test)]
mod flow;
pub mod link;
pub mod liveness;
pub mod mode;
pub mod obs;
pub mod primary;
pub mod program;
pub mod secondary;
pub mod store;
pub mod supervise;
pub mod transfer;
pub mod tree;
