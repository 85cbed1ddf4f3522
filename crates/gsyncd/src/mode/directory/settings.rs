//! What a session runs with: paths made absolute, patterns read, what cannot be refused.

use super::places;
use crate::exit::{self, Failure};
use crate::store::sessions;
use gsyncd_core::cli::{DirectoryArgs, Exclusion};
use gsyncd_core::url::place::Pair;
use std::fs;
use std::path::{Path, PathBuf};

/// See there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Source and target, absolute and without symlinks where they are on this machine.
    pub pair: Pair,
    /// Where all sessions are remembered.
    pub base: PathBuf,
    /// Patterns in gitignore syntax.
    pub excludes: Vec<String>,
    /// A pid file besides the session's own.
    pub pid_file: Option<PathBuf>,
    /// Where the log goes instead of stderr.
    pub log_file: Option<PathBuf>,
}

impl Settings {
    /// Looks at the places that were named. Only reads; relative paths are those of the working directory.
    ///
    /// # Errors
    /// A source that is no directory, source and target inside one another, patterns that cannot be read.
    pub fn of(args: &DirectoryArgs) -> Result<Settings, Failure> {
        let pair = places::resolve(&args.pair)?;
        let base = match &args.state_dir {
            Some(path) => absolute(path)?,
            None => sessions::usual_base()?,
        };
        let base = places::canonical(&base)?;
        let mut excludes = patterns(&args.exclusions)?;
        excludes.extend(own_state(&pair, &base)?);
        Ok(Settings {
            pair,
            base,
            excludes,
            pid_file: args.pid_file.as_deref().map(absolute).transpose()?,
            log_file: args.log_file.as_deref().map(absolute).transpose()?,
        })
    }
}

fn absolute(path: &Path) -> Result<PathBuf, Failure> {
    std::path::absolute(path).map_err(|error| Failure::new(format!("{}: {error}", path.display())))
}

fn patterns(exclusions: &[Exclusion]) -> Result<Vec<String>, Failure> {
    let mut patterns = Vec::new();
    for exclusion in exclusions {
        match exclusion {
            Exclusion::Pattern(pattern) => patterns.push(pattern.clone()),
            Exclusion::File(path) => {
                let failed = |error| usage(format!("--exclude-from {}: {error}", path.display()));
                let text = fs::read_to_string(path).map_err(failed)?;
                patterns.extend(text.lines().map(str::to_owned));
            }
        }
    }
    Ok(patterns)
}

fn usage(message: String) -> Failure {
    Failure { message, code: exit::USAGE }
}

/// The state of sessions is never replicated: every change of it would be another change of the source.
fn own_state(pair: &Pair, base: &Path) -> Result<Option<String>, Failure> {
    if let Pair::Local { target, .. } = pair
        && base.starts_with(target)
    {
        let (target, base) = (target.display(), base.display());
        let message =
            format!("{target} would replace what gsyncd remembers in {base}; name another --state-dir");
        return Err(usage(message));
    }
    let Ok(inside) = base.strip_prefix(pair.source()) else { return Ok(None) };
    let text = inside.to_str().filter(|text| !text.is_empty() && !text.contains('\n'));
    let text = text.ok_or_else(|| {
        usage(format!("{} cannot be left out of the source; name another --state-dir", base.display()))
    })?;
    Ok(Some(format!("/{}/", escaped(text))))
}

/// A path as a gitignore pattern that means itself.
fn escaped(path: &str) -> String {
    let special = |c: char| matches!(c, '*' | '?' | '[' | ']' | '\\' | '!' | '#' | ' ');
    path.chars().flat_map(|c| special(c).then_some('\\').into_iter().chain([c])).collect()
}

#[cfg(test)]
mod tests {
    use super::{escaped, own_state, patterns};
    use gsyncd_core::cli::Exclusion;
    use gsyncd_core::url::place::Pair;
    use std::path::Path;

    #[test]
    fn the_state_is_left_out_of_the_source() {
        let pair = Pair::Local { source: "/home/me".into(), target: "/copy".into() };
        let left_out = |base: &str| own_state(&pair, Path::new(base));
        assert_eq!(left_out("/home/me/.local/state/gsyncd").unwrap().unwrap(), "/.local/state/gsyncd/");
        assert_eq!(left_out("/var/lib/gsyncd").unwrap(), None);
        assert_eq!(left_out("/home/me").unwrap_err().code, 2);
        assert_eq!(left_out("/copy/state").unwrap_err().code, 2);
        assert_eq!(escaped("a*b c"), "a\\*b\\ c");
    }

    #[test]
    fn patterns_keep_their_order() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("list");
        std::fs::write(&path, "*.o\n!keep.o\n").unwrap();
        let said = [Exclusion::Pattern("a".into()), Exclusion::File(path), Exclusion::Pattern("b".into())];
        assert_eq!(patterns(&said).unwrap(), ["a", "*.o", "!keep.o", "b"]);
        assert_eq!(patterns(&[Exclusion::File("/no/such".into())]).unwrap_err().code, 2);
    }
}
