//! The engine against every kind of history.

mod histories;
mod model;
