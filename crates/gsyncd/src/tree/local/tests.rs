//! The tree on real file systems.
