//! Configuration: the table of options, the session's file, and what the two make together.

pub mod change;
pub mod ini;
pub mod options;
pub mod settings;
pub mod template;

pub use change::ConfigError;
pub use ini::Document;
pub use settings::{Facts, Settings};
