//! What differs between two trees.
use super::{Depth, Entry, Tree, walk};
use crate::Done;
use std::fmt;
use std::path::{Path, PathBuf};

/// In what two entries of one name differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Aspect {
    /// One of them is not there.
    Existence,
    /// File, directory, …
    Kind,
    /// Permission bits.
    Mode,
    /// uid or gid.
    Owner,
    /// Size in bytes.
    Size,
    /// Bytes.
    Content,
    /// Where a symbolic link points.
    Target,
    /// Device number.
    Device,
    /// `user.*` xattrs and ACLs.
    Xattrs,
    /// The group of names of one file, and the link count.
    Links,
    /// Modification time.
    Mtime,
}

/// One difference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Below the roots.
    pub path: PathBuf,
    /// In what.
    pub aspect: Aspect,
    /// What the first tree has.
    pub left: String,
    /// What the second tree has.
    pub right: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path.as_os_str().as_encoded_bytes().escape_ascii();
        write!(f, "{path}: {:?}: {} | {}", self.aspect, self.left, self.right)
    }
}

/// Compares two mounted trees in everything.
///
/// # Errors
/// One of them cannot be read.
pub fn compare(left: &Path, right: &Path) -> Done<Vec<Difference>> {
    Ok(difference_between(&walk(left, Depth::Full)?, &walk(right, Depth::Full)?))
}

/// Compares two trees that were read.
pub fn difference_between(left: &Tree, right: &Tree) -> Vec<Difference> {
    let mut all = Vec::new();
    for (path, entry) in left {
        match right.get(path) {
            Some(other) => compare_entries(path, entry, other, &mut all),
            None => all.push(missing(path, &format!("{:?}", entry.kind), "missing")),
        }
    }
    for (path, entry) in right.iter().filter(|(path, _)| !left.contains_key(*path)) {
        all.push(missing(path, "missing", &format!("{:?}", entry.kind)));
    }
    all
}

fn missing(path: &Path, left: &str, right: &str) -> Difference {
    Difference { path: path.to_path_buf(), aspect: Aspect::Existence, left: left.into(), right: right.into() }
}

fn compare_entries(path: &Path, left: &Entry, right: &Entry, all: &mut Vec<Difference>) {
    let mut add = |aspect, left: &dyn fmt::Debug, right: &dyn fmt::Debug| {
        let (left, right) = (format!("{left:?}"), format!("{right:?}"));
        if left != right {
            all.push(Difference { path: path.to_path_buf(), aspect, left, right });
        }
    };
    add(Aspect::Kind, &left.kind, &right.kind);
    add(Aspect::Mode, &format!("{:o}", left.mode), &format!("{:o}", right.mode));
    add(Aspect::Owner, &(left.uid, left.gid), &(right.uid, right.gid));
    add(Aspect::Size, &left.size, &right.size);
    add(Aspect::Content, &left.content, &right.content);
    add(Aspect::Target, &left.target, &right.target);
    add(Aspect::Device, &left.device, &right.device);
    add(Aspect::Xattrs, &readable(left), &readable(right));
    add(Aspect::Links, &(&left.names, left.links), &(&right.names, right.links));
    add(Aspect::Mtime, &left.mtime_ns, &right.mtime_ns);
}

fn readable(entry: &Entry) -> Vec<String> {
    let pairs = entry.xattrs.iter();
    pairs.map(|(name, value)| format!("{}={}", name.escape_ascii(), value.escape_ascii())).collect()
}

/// The first differences as text, with how many there are.
pub fn report(differences: &[Difference]) -> String {
    let lines: Vec<String> = differences.iter().take(40).map(Difference::to_string).collect();
    format!("{} differences\n{}", differences.len(), lines.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::run;
    use std::fs;
    use std::os::unix::fs::{PermissionsExt, symlink};
    use std::time::{Duration, SystemTime};

    const MOMENT: SystemTime = SystemTime::UNIX_EPOCH;

    /// Two equal trees with a bit of everything.
    fn pair() -> tempfile::TempDir {
        let top = tempfile::tempdir().unwrap();
        for side in ["a", "b"] {
            let root = top.path().join(side);
            fs::create_dir_all(root.join("dir")).unwrap();
            fs::write(root.join("file"), "text").unwrap();
            fs::write(root.join("linked"), "text").unwrap();
            fs::hard_link(root.join("linked"), root.join("second")).unwrap();
            symlink("file", root.join("symlink")).unwrap();
            shell(&root, "mkfifo fifo; setfattr -n user.one -v 1 file; touch -h -d @7.000000001 symlink");
            for name in ["file", "linked", "dir", "."] {
                touch(&root.join(name), 5);
            }
            shell(&root, "touch -d @7 fifo dir .");
        }
        top
    }

    fn shell(root: &Path, text: &str) {
        run("sh", &["-ec", &format!("cd {}; {text}", root.display())]).unwrap();
    }

    fn touch(path: &Path, nanoseconds: u64) {
        let times =
            fs::FileTimes::new().set_modified(MOMENT + Duration::new(7, u32::try_from(nanoseconds).unwrap()));
        fs::File::open(path).unwrap().set_times(times).unwrap();
    }

    /// The aspects that differ after `change` in tree b; the root's own time is set back.
    fn after(change: &str) -> Vec<Aspect> {
        let top = pair();
        let (a, b) = (top.path().join("a"), top.path().join("b"));
        assert_eq!(report(&compare(&a, &b).unwrap()), "0 differences\n");
        shell(&b, &format!("{change}; touch -d @7 ."));
        compare(&a, &b).unwrap().into_iter().map(|difference| difference.aspect).collect()
    }

    #[test]
    fn each_aspect_is_seen() {
        let back = "touch -d @7.000000005 file";
        assert_eq!(after("rm file"), [Aspect::Existence]);
        assert_eq!(after("touch new"), [Aspect::Existence]);
        assert_eq!(after("chmod 4711 file"), [Aspect::Mode]);
        assert_eq!(after(&format!("printf TEXT > file; {back}")), [Aspect::Content]);
        assert_eq!(after(&format!("printf texts > file; {back}")), [Aspect::Size, Aspect::Content]);
        assert_eq!(after("setfattr -n user.one -v 2 file"), [Aspect::Xattrs]);
        assert_eq!(after("setfattr -x user.one file"), [Aspect::Xattrs]);
        assert_eq!(after("touch -d @7.000000006 file"), [Aspect::Mtime]);
        assert_eq!(after("touch -h -d @8 symlink"), [Aspect::Mtime]);
        assert_eq!(after("touch -d @8 dir"), [Aspect::Mtime]);
        assert_eq!(after("ln -sf File symlink; touch -h -d @7.000000001 symlink"), [Aspect::Target]);
        assert_eq!(after("cp -a second copy; mv copy second"), [Aspect::Links, Aspect::Links]);
        assert_eq!(after("rm fifo; echo > fifo; touch -d @7 fifo").first(), Some(&Aspect::Kind));
    }

    #[test]
    fn aspects_that_need_root() {
        assert!(rustix::process::geteuid().is_root(), "owners and devices can only be tried as root");
        assert_eq!(after("chown 7:8 file"), [Aspect::Owner]);
        assert_eq!(after("chown -h 7:8 symlink"), [Aspect::Owner]);
        let found = after("setfacl -m u:7:r file");
        assert!(found.contains(&Aspect::Xattrs), "{found:?}");
        assert_eq!(
            after("rm fifo; mknod -m 644 fifo c 1 3; touch -d @7 fifo"),
            [Aspect::Kind, Aspect::Device]
        );
    }

    #[test]
    fn names_are_bytes() {
        let top = pair();
        let name = <std::ffi::OsStr as std::os::unix::ffi::OsStrExt>::from_bytes(b"\xff\n");
        fs::write(top.path().join("b").join(name), "").unwrap();
        touch(&top.path().join("b"), 0);
        let found = compare(&top.path().join("a"), &top.path().join("b")).unwrap();
        assert_eq!(report(&found), "1 differences\n\\xff\\n: Existence: missing | File");
    }

    #[test]
    fn permissions_of_the_root_count() {
        let top = pair();
        fs::set_permissions(top.path().join("b"), fs::Permissions::from_mode(0o700)).unwrap();
        let found = compare(&top.path().join("a"), &top.path().join("b")).unwrap();
        assert_eq!(found.first().map(|difference| difference.aspect), Some(Aspect::Mode));
    }
}
