//! The side that has the truth: reads the journal, gathers facts, says them, commits.

pub mod client;
pub mod commit;
pub mod crawl;
pub mod directory;
pub mod facts;
pub mod group;
pub mod patrol;
pub mod pipeline;
pub mod plan;
pub mod quarantine;
pub mod report;
pub mod send;
pub mod source;
#[cfg(test)]
#[allow(missing_docs, reason = "test fixtures")]
pub mod testing;
pub mod view;
pub mod worker;
