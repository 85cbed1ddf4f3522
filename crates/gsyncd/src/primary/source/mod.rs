//! Where changes come from.

mod changelog_file;
pub mod journal;
mod seek;
mod segment;
