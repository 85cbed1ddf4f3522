//! The benches: [`volume`] and [`quick`] against the stock gsyncd, [`directory`] against rsync and lsyncd.
mod directory;
mod quick;
mod volume;

use gsyncd_lab::Done;
use std::ffi::OsString;

/// Runs the bench that the first word names.
///
/// # Errors
/// A part of it failed.
pub fn run(mut words: Vec<OsString>) -> Done {
    if words.first().is_some_and(|word| word == "directory") {
        words.remove(0);
        return directory::run(words);
    }
    if words.first().is_some_and(|word| word == "quick") {
        return quick::run(words.get(1..).unwrap_or_default());
    }
    volume::run(words)
}
