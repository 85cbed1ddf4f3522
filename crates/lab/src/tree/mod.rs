//! Two trees, compared in everything that replication promises.
mod compare;
mod entry;
mod walk;

pub use compare::{Aspect, Difference, compare, difference_between, report};
pub use entry::{Entry, Kind};
pub use walk::{Depth, Tree, walk};

/// Every entry of a tree as one line of text, for a person who looks for what happened.
///
/// # Errors
/// The tree cannot be read.
pub fn describe(root: &std::path::Path) -> crate::Done<String> {
    let tree = walk(root, Depth::Full)?;
    Ok(tree
        .iter()
        .map(|(path, entry)| format!("{} {entry:?}\n", path.as_os_str().as_encoded_bytes().escape_ascii()))
        .collect())
}
