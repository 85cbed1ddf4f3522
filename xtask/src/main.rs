//! Checks, packaging and the lab.
fn main() {}
