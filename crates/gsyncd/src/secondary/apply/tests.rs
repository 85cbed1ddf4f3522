//! The engine against every kind of history.

mod adoption;
mod cost;
mod histories;
mod local;
mod model;
