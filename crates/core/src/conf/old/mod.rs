//! The session's file of glusterd 3.7 to 3.13: sections that apply to sessions by their addresses, literally or by
//! regular expressions (spec: glusterd-interface 4.1 to 4.6).

pub mod change;
pub mod flatten;
pub mod peers;
pub mod section;
pub mod settings;
pub mod upgrade;

pub use flatten::{BadExpression, Sources, flatten};
pub use peers::Peers;
pub use section::Section;
