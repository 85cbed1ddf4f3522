//! The side that has the changes.

pub mod source;
