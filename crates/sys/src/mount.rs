//! Mount points: listing and lazy unmounting.

use std::os::fd::BorrowedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use rustix::io::Errno;
use rustix::mount::UnmountFlags;

use crate::{Error, Result};

/// Detaches the mount at `path` from the tree; it ends when nobody has it open any more.
///
/// # Errors
/// What `umount2` says; EINVAL when nothing is mounted there. A symlink as last component is not followed.
pub fn detach(path: &Path) -> Result<()> {
    rustix::mount::unmount(path, UnmountFlags::DETACH | UnmountFlags::NOFOLLOW)
        .map_err(|errno| Error::new("umount2", path.as_os_str().as_bytes(), errno))
}

/// Whether `path`, symlinks followed, is on a FUSE file system. A mount that is not in the tree any more is one too.
///
/// # Errors
/// What `statfs` says.
pub fn is_fuse(path: &Path) -> Result<bool> {
    // FUSE_SUPER_MAGIC of linux/magic.h
    const FUSE: u64 = 0x6573_5546;
    let seen =
        rustix::fs::statfs(path).map_err(|errno| Error::new("statfs", path.as_os_str().as_bytes(), errno))?;
    Ok(u64::try_from(seen.f_type).is_ok_and(|kind| kind == FUSE))
}

/// All mount points of this mount namespace, in the order of the kernel's table.
///
/// It touches none of them, so a dead or hung mount does no harm.
///
/// # Errors
/// What reading `/proc/self/mountinfo` says.
pub fn mount_points() -> Result<Vec<Vec<u8>>> {
    let table = std::fs::read("/proc/self/mountinfo").map_err(|error| {
        let errno = rustix::io::Errno::from_io_error(&error).unwrap_or(rustix::io::Errno::IO);
        Error::new("read", b"/proc/self/mountinfo", errno)
    })?;
    Ok(parse_mountinfo(&table))
}

/// Whether something is mounted at exactly `path`, which must be absolute and without symlinks.
///
/// # Errors
/// As [`mount_points`].
pub fn is_mount_point(path: &Path) -> Result<bool> {
    Ok(mount_points()?.iter().any(|point| point == path.as_os_str().as_bytes()))
}

/// A small virtual xattr of a mount's root; `None` when this kind of volume does not have it.
///
/// ENOENT, EOPNOTSUPP and ENODATA all mean that (spec: sync-semantics 8.2 item 6).
///
/// # Errors
/// What `fgetxattr` says else; ENOTCONN when the client has gone.
pub fn root_attribute(root: BorrowedFd<'_>, name: &str) -> Result<Option<Vec<u8>>> {
    let mut value = [0; 64];
    match rustix::fs::fgetxattr(root, name, &mut value) {
        Ok(length) => Ok(value.get(..length).map(<[u8]>::to_vec)),
        Err(Errno::NOENT | Errno::OPNOTSUPP | Errno::NODATA) => Ok(None),
        Err(errno) => Err(Error::new("fgetxattr", name.as_bytes(), errno)),
    }
}

fn parse_mountinfo(table: &[u8]) -> Vec<Vec<u8>> {
    let lines = table.split(|byte| *byte == b'\n');
    lines.filter_map(|line| line.split(|byte| *byte == b' ').nth(4)).map(unescape_octal).collect()
}

/// Undoes the kernel's `\ooo` for blank, tab, newline and backslash (proc(5)).
fn unescape_octal(field: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(field.len());
    let mut rest = field;
    while let Some((first, tail)) = rest.split_first() {
        match (first, tail) {
            (b'\\', [a @ b'0'..=b'3', b @ b'0'..=b'7', c @ b'0'..=b'7', after @ ..]) => {
                plain.push((a - b'0') << 6 | (b - b'0') << 3 | (c - b'0'));
                rest = after;
            }
            _ => {
                plain.push(*first);
                rest = tail;
            }
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_undone() {
        let table = b"22 1 8:1 / / rw - ext4 /dev/sda1 rw\n\
            40 22 0:50 / /mnt/a\\040b\\011c\\134d\\012e\\9 rw,nosuid shared:3 - fuse.glusterfs h:v rw\nshort line\n";
        assert_eq!(parse_mountinfo(table), [b"/".to_vec(), b"/mnt/a b\tc\\d\ne\\9".to_vec()]);
    }

    #[test]
    fn proc_is_a_mount_point_and_a_plain_directory_is_not() {
        assert!(is_mount_point(Path::new("/proc")).unwrap());
        let directory = tempfile::tempdir().unwrap();
        assert!(!is_mount_point(directory.path()).unwrap());
        assert!(detach(directory.path()).is_err());
    }
}
