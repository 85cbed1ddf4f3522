//! The program: processes, threads, links and stores.
#![forbid(unsafe_code)]

pub mod program;
pub mod tree;
