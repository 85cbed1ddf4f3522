//! The kinds of tree that can be kept equal.

pub mod keeper;
pub mod mount;
pub mod place;
