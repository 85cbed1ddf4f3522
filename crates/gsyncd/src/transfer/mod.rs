//! Engines that move the content of files.
//! Moves the content of files.

pub mod native;
