//! Engines that move the content of files.

pub mod native;
