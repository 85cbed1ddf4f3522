//! Source and target as they are on this machine: they exist where they must, and neither is inside the other.

use crate::exit::{self, Failure};
use gsyncd_core::url::place::{Pair, shown};
use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Component, Path, PathBuf};

/// Makes the local paths absolute and free of symlinks.
///
/// # Errors
/// A source that is no directory that can be read; a target that is something else than a directory; one inside the
/// other.
pub fn resolve(pair: &Pair) -> Result<Pair, Failure> {
    let source = existing(pair.source())?;
    match pair {
        Pair::Ssh { target, .. } => Ok(Pair::Ssh { source, target: target.clone() }),
        Pair::Local { target, .. } => {
            let target = canonical(target)?;
            if fs::metadata(&target).is_ok_and(|data| !data.is_dir()) {
                return Err(refuse(format!("{} is not a directory", name(&target))));
            }
            apart(&source, &target)?;
            Ok(Pair::Local { source, target })
        }
    }
}

fn existing(source: &Path) -> Result<PathBuf, Failure> {
    let failed = |error: std::io::Error| match error.kind() {
        ErrorKind::NotFound => refuse(format!("{}: there is no such directory", name(source))),
        _ => refuse(format!("{}: {error}", name(source))),
    };
    let path = fs::canonicalize(source).map_err(failed)?;
    if !fs::metadata(&path).map_err(failed)?.is_dir() {
        return Err(refuse(format!("{} is not a directory", name(source))));
    }
    Ok(path)
}

/// An absolute path without symlinks, of something that need not exist.
///
/// # Errors
/// What cannot be looked at, and `..` below what does not exist.
pub fn canonical(path: &Path) -> Result<PathBuf, Failure> {
    let failed = |error: std::io::Error| refuse(format!("{}: {error}", name(path)));
    let mut existing = std::path::absolute(path).map_err(failed)?;
    let mut missing = Vec::new();
    loop {
        match fs::canonicalize(&existing) {
            Ok(found) => {
                return Ok(missing.iter().rev().fold(found, |path, part| path.join(part)));
            }
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(failed(error)),
            Err(error) => {
                let last = existing.components().next_back();
                // a link that leads nowhere is there all the same
                let is_link = fs::symlink_metadata(&existing).is_ok();
                let Some(Component::Normal(part)) = last.filter(|_| !is_link) else {
                    return Err(failed(error));
                };
                missing.push(part.to_owned());
                existing.pop();
            }
        }
    }
}

/// Neither is, or is inside, the other: by their paths, and by what the directories above them are, which finds
/// bind mounts too.
fn apart(source: &Path, target: &Path) -> Result<(), Failure> {
    if source == target || (identity(source).is_some() && identity(source) == identity(target)) {
        return Err(refuse(format!("{} and {} are the same directory", name(source), name(target))));
    }
    if is_inside(target, source) {
        return Err(refuse(format!("the target {} is inside the source {}", name(target), name(source))));
    }
    if is_inside(source, target) {
        return Err(refuse(format!("the source {} is inside the target {}", name(source), name(target))));
    }
    Ok(())
}

fn is_inside(inner: &Path, outer: &Path) -> bool {
    let wanted = identity(outer);
    inner.starts_with(outer) || inner.ancestors().any(|path| wanted.is_some() && identity(path) == wanted)
}

fn identity(path: &Path) -> Option<(u64, u64)> {
    fs::metadata(path).ok().map(|data| (data.dev(), data.ino()))
}

fn name(path: &Path) -> String {
    shown(path.as_os_str())
}

fn refuse(message: String) -> Failure {
    Failure { message, code: exit::USAGE }
}

#[cfg(test)]
mod tests {
    use super::resolve;
    use gsyncd_core::url::place::Pair;
    use std::fs;
    use std::os::unix::fs::symlink;
    use std::path::Path;

    fn pair(source: &Path, target: &Path) -> Pair {
        Pair::Local { source: source.to_owned(), target: target.to_owned() }
    }

    #[test]
    fn paths_are_made_real() {
        let directory = tempfile::tempdir().unwrap();
        let top = directory.path().canonicalize().unwrap();
        fs::create_dir_all(top.join("src/deep")).unwrap();
        symlink(top.join("src"), top.join("link")).unwrap();
        let got = resolve(&pair(&top.join("link/deep/.."), &top.join("link2/../new/x"))).unwrap_err();
        assert!(got.message.contains("No such file"), "{got}");
        let got = resolve(&pair(&top.join("link/deep/.."), &top.join("new/x"))).unwrap();
        assert_eq!(got, pair(&top.join("src"), &top.join("new/x")));
    }

    #[test]
    fn source_and_target_are_apart() {
        let directory = tempfile::tempdir().unwrap();
        let top = directory.path();
        fs::create_dir_all(top.join("src/deep")).unwrap();
        fs::create_dir(top.join("srcs")).unwrap();
        fs::write(top.join("file"), "").unwrap();
        symlink(top.join("src"), top.join("link")).unwrap();
        for (source, target, want) in [
            ("src", "src", Some("are the same directory")),
            ("src", "link", Some("are the same directory")),
            ("src", "src/copy", Some("is inside the source")),
            ("src", "link/deep/copy", Some("is inside the source")),
            ("src/deep", "src", Some("is inside the target")),
            ("link/deep", ".", Some("is inside the target")),
            ("file", "srcs", Some("is not a directory")),
            ("src", "file", Some("is not a directory")),
            ("nothing", "srcs", Some("there is no such directory")),
            ("src", "srcs", None),
            ("src", "copy", None),
        ] {
            let got = resolve(&pair(&top.join(source), &top.join(target)));
            let message = got.as_ref().err().map(|failure| failure.message.as_str());
            assert_eq!(message.is_some(), want.is_some(), "{source} {target}: {got:?}");
            assert!(message.unwrap_or_default().contains(want.unwrap_or_default()), "{got:?}");
        }
    }
}
