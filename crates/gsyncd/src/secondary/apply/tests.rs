//! The engine against every kind of history.

mod cost;
mod histories;
mod local;
mod model;
