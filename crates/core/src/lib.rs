//! The brain of gsyncd: values in, values out. No I/O, clock, thread, environment or log.
#![forbid(unsafe_code)]

pub mod batch;
pub mod cli;
pub mod conf;
pub mod gluster;
pub mod htime;
pub mod id;
pub mod identity;
pub mod log;
pub mod record;
pub mod shell;
pub mod status;
#[cfg(test)]
mod testing;
pub mod truth;
pub mod url;
pub mod vocabulary;
pub mod volinfo;
pub mod wire;
