//! The program: processes, threads, links and stores.
#![forbid(unsafe_code)]

pub mod link;
pub mod program;
pub mod supervise;
pub mod tree;
