//! The brain of gsyncd: values in, values out. No I/O, clock, thread, environment or log.
#![forbid(unsafe_code)]

pub mod gluster;
pub mod htime;
pub mod id;
pub mod record;
#[cfg(test)]
mod testing;
pub mod truth;
pub mod wire;
