//! The program: processes, threads, links and stores.
#![forbid(unsafe_code)]

pub mod primary;
