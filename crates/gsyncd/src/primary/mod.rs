//! The side that has the truth: reads the journal, gathers facts, says them, commits.

pub mod facts;
pub mod plan;
pub mod send;
pub mod view;
pub mod worker;
