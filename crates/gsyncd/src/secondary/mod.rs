//! The secondary side: makes true what the primary says.

pub mod apply;
pub mod run;
pub mod serve;
