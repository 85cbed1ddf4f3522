//! The brain of gsyncd: values in, values out. No I/O, clock, thread, environment or log.
#![forbid(unsafe_code)]

pub mod cli;
pub mod conf;
pub mod id;
pub mod shell;
pub mod status;
pub mod truth;
pub mod url;
pub mod volinfo;
pub mod wire;
