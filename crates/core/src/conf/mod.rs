//! Configuration: the table of options, the session's file, and what the two make together.

pub mod change;
pub mod generation;
pub mod ini;
pub mod old;
pub mod options;
pub mod settings;
pub mod table;
pub mod template;
pub mod upgrade;

pub use change::ConfigError;
pub use generation::Generation;
pub use ini::Document;
pub use settings::{Facts, Settings};
pub use table::Table;
