//! The program: processes, threads, links and stores.
#![forbid(unsafe_code)]

pub mod link;
pub mod primary;
pub mod program;
pub mod transfer;
pub mod secondary;
pub mod tree;
pub mod primary;
