//! The worker of one brick.

pub mod worker;
//! The side that has the truth: reads the journal, gathers facts, says them, commits.

pub mod commit;
pub mod crawl;
pub mod facts;
pub mod plan;
pub mod send;
#[cfg(test)]
#[allow(missing_docs, reason = "test fixtures")]
pub mod testing;
pub mod view;
