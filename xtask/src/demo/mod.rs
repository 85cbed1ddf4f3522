//! The first look: something is replicated before the user's eyes.

mod cluster;
mod directory;

use gsyncd_lab::{Done, Failure};
use std::ffi::OsString;

/// `demo`: two directories. `demo cluster [stock]`: two GlusterFS volumes.
///
/// # Errors
/// Something that is needed is missing, or something does not arrive.
pub fn run(words: Vec<OsString>) -> Done {
    match words.first().and_then(|word| word.to_str()) {
        None => directory::run(),
        Some("cluster") => cluster::run(words.into_iter().skip(1).collect()),
        Some(_) => Err(Failure::new("usage: cargo xtask demo [cluster [stock]]".to_owned())),
    }
}
