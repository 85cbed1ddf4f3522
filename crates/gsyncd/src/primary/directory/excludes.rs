//! Names that are left out, in gitignore syntax.

use crate::exit::{Failure, USAGE};
use ignore::gitignore::{Gitignore, GitignoreBuilder};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// Which names are left out: neither replicated nor touched on the secondary.
pub struct Excludes {
    rules: Gitignore,
}

impl Excludes {
    /// Reads the patterns.
    ///
    /// # Errors
    /// A pattern that is none, by its text.
    pub fn new(patterns: &[String]) -> Result<Excludes, Failure> {
        let mut builder = GitignoreBuilder::new("");
        for pattern in patterns {
            builder.add_line(None, pattern).map_err(|error| refused(&format!("{pattern}: {error}")))?;
        }
        let rules = builder.build().map_err(|error| refused(&error.to_string()))?;
        Ok(Excludes { rules })
    }

    /// No patterns at all: paths need not be known.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// True when an entry is left out whose directory is not. `path` is relative to the root.
    #[must_use]
    pub fn leave_out(&self, path: &[u8], is_directory: bool) -> bool {
        self.rules.matched(Path::new(OsStr::from_bytes(path)), is_directory).is_ignore()
    }
}

fn refused(why: &str) -> Failure {
    Failure { message: format!("--exclude {why}"), code: USAGE }
}

#[cfg(test)]
mod tests {
    use super::Excludes;

    #[test]
    fn gitignore_syntax() {
        let excludes =
            Excludes::new(&["*.tmp".into(), "cache/".into(), "/top".into(), "!keep.tmp".into()]).unwrap();
        for (path, is_directory, left_out) in [
            (&b"a/b.tmp"[..], false, true),
            (b"a/keep.tmp", false, false),
            (b"a/cache", true, true),
            (b"a/cache", false, false),
            (b"top", false, true),
            (b"a/top", false, false),
            (b"a/\xff.tmp", false, true),
        ] {
            assert_eq!(excludes.leave_out(path, is_directory), left_out, "{}", path.escape_ascii());
        }
        assert!(Excludes::new(&[]).unwrap().is_empty());
    }
}
