//! File handles: the identity of an object on its file system, also after renames and across restarts.
//!
//! A handle carries the inode's number and generation, so a number that is used again is told from its former
//! owner. Reading one needs no privilege; opening by one needs CAP_DAC_READ_SEARCH.

use crate::error::{Error, Result};
use rustix::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd};
use rustix::fs::{self, AtFlags, OFlags, StatxFlags};
use rustix::io::Errno;
use std::ffi::CString;

/// The longest handle a kernel gives, in bytes.
const LONGEST_BYTES: usize = 128;
/// The type of identities made here, where the file system has no handles. Kernels use 0 to 254 and 0xff as error.
pub const MADE_HERE: i32 = 0x100;

/// The identity of an object within one file system.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct FileHandle {
    /// The type, as the file system names it, or [`MADE_HERE`].
    pub kind: i32,
    /// The bytes, at most 128.
    pub bytes: Box<[u8]>,
}

/// `struct file_handle` with room for the longest one.
#[repr(C)]
struct Raw {
    length: u32,
    kind: i32,
    bytes: [u8; LONGEST_BYTES],
}

/// The handle of a name; a symlink is not followed. An empty name means `dir` itself. Where the file system has
/// no handles it is made of inode number and birth time: weaker, as a number may be used again at once where
/// birth times are coarse or missing.
///
/// # Errors
/// The errno of the call.
pub fn of(dir: impl AsFd, name: &[u8]) -> Result<FileHandle> {
    located(dir, name).map(|(handle, _)| handle)
}

/// As [`of`], with the id of the mount where the object is: handles of two file systems may be the same.
///
/// # Errors
/// The errno of the call.
pub fn located(dir: impl AsFd, name: &[u8]) -> Result<(FileHandle, u64)> {
    match native(&dir, name) {
        Err(error) if matches!(error.errno, Errno::OPNOTSUPP | Errno::NOSYS) => made_here(&dir, name),
        outcome => outcome,
    }
}

fn native(dir: &impl AsFd, name: &[u8]) -> Result<(FileHandle, u64)> {
    let failed = |errno| Error::new("name_to_handle_at", name, errno);
    let path = CString::new(name).map_err(|_| failed(Errno::INVAL))?;
    let flags = if name.is_empty() { libc::AT_EMPTY_PATH } else { 0 };
    let mut raw = Raw { length: LONGEST_BYTES as u32, kind: 0, bytes: [0; LONGEST_BYTES] };
    let mut mount = 0;
    // SAFETY: `path` is a NUL-terminated string and `dir` an open descriptor for the whole call; `raw` has the
    // layout of struct file_handle with `length` bytes of room behind its header, and the kernel writes no more
    // than that; `mount` is a valid place for one int.
    let outcome = unsafe {
        libc::syscall(
            libc::SYS_name_to_handle_at,
            dir.as_fd().as_raw_fd(),
            path.as_ptr(),
            std::ptr::from_mut(&mut raw),
            std::ptr::from_mut::<libc::c_int>(&mut mount),
            flags,
        )
    };
    if outcome != 0 {
        return Err(failed(last_errno()));
    }
    let length = (raw.length as usize).min(LONGEST_BYTES);
    let bytes = raw.bytes.get(..length).unwrap_or_default().into();
    Ok((FileHandle { kind: raw.kind, bytes }, u64::try_from(mount).unwrap_or(0)))
}

fn made_here(dir: &impl AsFd, name: &[u8]) -> Result<(FileHandle, u64)> {
    let flags = AtFlags::SYMLINK_NOFOLLOW | AtFlags::EMPTY_PATH;
    let seen = fs::statx(dir, name, flags, StatxFlags::INO | StatxFlags::BTIME | StatxFlags::MNT_ID)
        .map_err(|errno| Error::new("statx", name, errno))?;
    let born = seen.stx_btime;
    let mut bytes = seen.stx_ino.to_le_bytes().to_vec();
    bytes.extend_from_slice(&(born.tv_sec as u32).to_le_bytes());
    bytes.extend_from_slice(&((born.tv_nsec >> 14) as u16).to_le_bytes());
    Ok((FileHandle { kind: MADE_HERE, bytes: bytes.into() }, seen.stx_mnt_id))
}

/// Opens an object by its handle; adds O_CLOEXEC and O_NOCTTY. `mount` is any directory of the file system.
///
/// # Errors
/// ESTALE when the object does not exist any more, EPERM without the privilege, EOPNOTSUPP for an identity
/// that is no handle.
pub fn open(mount: impl AsFd, handle: &FileHandle, flags: OFlags) -> Result<OwnedFd> {
    let failed = |errno| Error::new("open_by_handle_at", b"", errno);
    if handle.kind == MADE_HERE || handle.bytes.len() > LONGEST_BYTES {
        return Err(failed(Errno::OPNOTSUPP));
    }
    let mut raw = Raw { length: handle.bytes.len() as u32, kind: handle.kind, bytes: [0; LONGEST_BYTES] };
    for (slot, byte) in raw.bytes.iter_mut().zip(handle.bytes.iter()) {
        *slot = *byte;
    }
    let flags = flags | OFlags::CLOEXEC | OFlags::NOCTTY;
    // SAFETY: `mount` is an open descriptor for the whole call; `raw` has the layout of struct file_handle and
    // `length` initialised bytes behind its header; the kernel only reads it.
    let outcome = unsafe {
        libc::syscall(
            libc::SYS_open_by_handle_at,
            mount.as_fd().as_raw_fd(),
            std::ptr::from_mut(&mut raw),
            flags.bits() as libc::c_int,
        )
    };
    if outcome < 0 {
        return Err(failed(last_errno()));
    }
    // SAFETY: the call succeeded, so this is a new descriptor that nobody else owns.
    Ok(unsafe { OwnedFd::from_raw_fd(outcome as libc::c_int) })
}

fn last_errno() -> Errno {
    Errno::from_raw_os_error(std::io::Error::last_os_error().raw_os_error().unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::{made_here, of};
    use crate::at;
    use std::os::unix::ffi::OsStrExt;

    #[test]
    fn an_identity_survives_a_rename_and_not_a_replacement() {
        let home = tempfile::tempdir().unwrap();
        let root = at::open_root(home.path().as_os_str().as_bytes()).unwrap();
        for identity in [of, |dir, name: &[u8]| made_here(&dir, name).map(|(handle, _)| handle)] {
            std::fs::write(home.path().join("a"), "a").unwrap();
            let first = identity(&root, b"a").unwrap();
            at::rename(&root, b"a", &root, b"b").unwrap();
            assert_eq!(identity(&root, b"b").unwrap(), first);
            std::fs::write(home.path().join("a"), "a").unwrap();
            assert_ne!(identity(&root, b"a").unwrap(), first);
        }
        assert_eq!(of(&root, b"").unwrap(), of(&root, b".").unwrap());
    }
}
