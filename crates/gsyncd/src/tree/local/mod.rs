//! A plain directory as a secondary's tree: objects by gfid through an index of its own below `.gsyncd/`.

use crate::exit::Failure;
use crate::tree::Tree;
use std::path::Path;
use std::sync::Arc;

/// Opens the tree below `root`, creating the directory and its index where they are missing. `primary` is the id of
/// the primary's tree: an index made for another one is dropped, and its objects are adopted anew.
///
/// # Errors
/// What keeps it from being used, with the path.
pub fn open(root: &Path, primary: [u8; 16]) -> Result<Arc<dyn Tree>, Failure> {
    Err(Failure::new(format!("{}: not built yet ({primary:?})", root.display())))
}
