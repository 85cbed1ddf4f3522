//! Moves the content of files.

pub mod native;
