//! Content inside the link of two of ours.

pub mod receive;
