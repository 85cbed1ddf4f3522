//! Extended attributes by path (never following a symlink) or by handle.
//!
//! An object below an O_PATH handle is named by [`below`], which costs no look-up of the handle itself.

use crate::error::{Error, Result};
use rustix::fd::{AsFd, AsRawFd};
use rustix::fs::{self, XattrFlags};
use rustix::io::Errno;

/// Largest value the kernel allows, in bytes.
const LARGEST_VALUE_BYTES: usize = 65_536;
/// First guess for the length of a name list, in bytes.
const FIRST_LIST_BYTES: usize = 1024;

/// The path of `name` below an open handle, through `/proc/self/fd`; the handle itself with an empty name.
#[must_use]
pub fn below(dir: impl AsFd, name: &[u8]) -> Vec<u8> {
    let mut path = format!("/proc/self/fd/{}", dir.as_fd().as_raw_fd()).into_bytes();
    if !name.is_empty() {
        path.push(b'/');
        path.extend_from_slice(name);
    }
    path
}

/// The value of `key`; None when the object has none (ENODATA) or the file system knows no xattrs.
///
/// # Errors
/// Any other errno.
pub fn get(path: &[u8], key: &[u8]) -> Result<Option<Box<[u8]>>> {
    value("lgetxattr", path, |buffer| fs::lgetxattr(path, key, buffer))
}

/// As [`get`], following: for the path of a handle, which is a magic link.
///
/// # Errors
/// As [`get`].
pub fn get_through(path: &[u8], key: &[u8]) -> Result<Option<Box<[u8]>>> {
    value("getxattr", path, |buffer| fs::getxattr(path, key, buffer))
}

/// As [`get`], by an open (not O_PATH) descriptor.
///
/// # Errors
/// As [`get`].
pub fn get_fd(fd: impl AsFd, key: &[u8]) -> Result<Option<Box<[u8]>>> {
    value("fgetxattr", b"", |buffer| fs::fgetxattr(&fd, key, buffer))
}

/// Reads a value: a small buffer first, then the largest.
fn value(
    call: &'static str,
    path: &[u8],
    read: impl Fn(&mut [u8]) -> rustix::io::Result<usize>,
) -> Result<Option<Box<[u8]>>> {
    let mut buffer = vec![0; 256];
    loop {
        match read(&mut buffer) {
            Ok(length) => return Ok(buffer.get(..length).map(Into::into)),
            Err(Errno::RANGE) if buffer.len() < LARGEST_VALUE_BYTES => buffer.resize(LARGEST_VALUE_BYTES, 0),
            Err(Errno::NODATA | Errno::OPNOTSUPP) => return Ok(None),
            Err(errno) => return Err(Error::new(call, path, errno)),
        }
    }
}

/// The names of all xattrs.
///
/// # Errors
/// The errno of the call; a file system without xattrs gives an empty list.
pub fn list(path: &[u8]) -> Result<Vec<Box<[u8]>>> {
    names("llistxattr", path, |buffer| fs::llistxattr(path, buffer))
}

/// As [`list`], following: for the path of a handle.
///
/// # Errors
/// As [`list`].
pub fn list_through(path: &[u8]) -> Result<Vec<Box<[u8]>>> {
    names("listxattr", path, |buffer| fs::listxattr(path, buffer))
}

/// As [`list`], by an open descriptor.
///
/// # Errors
/// As [`list`].
pub fn list_fd(fd: impl AsFd) -> Result<Vec<Box<[u8]>>> {
    names("flistxattr", b"", |buffer| fs::flistxattr(&fd, buffer))
}

/// Reads a name list, growing the buffer while the list grows.
fn names(
    call: &'static str,
    path: &[u8],
    read: impl Fn(&mut [u8]) -> rustix::io::Result<usize>,
) -> Result<Vec<Box<[u8]>>> {
    let mut buffer = vec![0; FIRST_LIST_BYTES];
    loop {
        match read(&mut buffer) {
            Ok(length) => {
                let list = buffer.get(..length).unwrap_or_default();
                return Ok(list.split(|&b| b == 0).filter(|name| !name.is_empty()).map(Into::into).collect());
            }
            Err(Errno::RANGE) if buffer.len() < LARGEST_VALUE_BYTES => buffer.resize(LARGEST_VALUE_BYTES, 0),
            Err(Errno::OPNOTSUPP) => return Ok(Vec::new()),
            Err(errno) => return Err(Error::new(call, path, errno)),
        }
    }
}

/// Sets a value, creating or replacing.
///
/// # Errors
/// The errno of the call.
pub fn set(path: &[u8], key: &[u8], value: &[u8]) -> Result<()> {
    fs::lsetxattr(path, key, value, XattrFlags::empty()).map_err(|errno| Error::new("lsetxattr", path, errno))
}

/// As [`set`], following: for the path of a handle.
///
/// # Errors
/// The errno of the call.
pub fn set_through(path: &[u8], key: &[u8], value: &[u8]) -> Result<()> {
    fs::setxattr(path, key, value, XattrFlags::empty()).map_err(|errno| Error::new("setxattr", path, errno))
}

/// As [`remove`], following: for the path of a handle.
///
/// # Errors
/// As [`remove`].
pub fn remove_through(path: &[u8], key: &[u8]) -> Result<()> {
    fs::removexattr(path, key).map_err(|errno| Error::new("removexattr", path, errno))
}

/// Removes a value.
///
/// # Errors
/// The errno of the call; ENODATA when there is none.
pub fn remove(path: &[u8], key: &[u8]) -> Result<()> {
    fs::lremovexattr(path, key).map_err(|errno| Error::new("lremovexattr", path, errno))
}

#[cfg(test)]
mod tests {
    use super::{get, list, remove, set};
    use std::os::unix::ffi::OsStrExt;

    #[test]
    fn values_of_any_bytes_come_back() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let path = file.path().as_os_str().as_bytes();
        assert_eq!(get(path, b"user.none").unwrap(), None);
        set(path, b"user.\xffkey", &[0, 1, 255]).unwrap();
        set(path, b"user.large", &[7; 1000]).unwrap();
        assert_eq!(get(path, b"user.\xffkey").unwrap().as_deref(), Some(&[0, 1, 255][..]));
        assert_eq!(get(path, b"user.large").unwrap().map(|value| value.len()), Some(1000));
        assert!(list(path).unwrap().iter().any(|key| **key == *b"user.large"));
        remove(path, b"user.large").unwrap();
        assert_eq!(get(path, b"user.large").unwrap(), None);
    }
}
