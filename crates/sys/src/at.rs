//! Calls relative to a directory handle. Names are raw bytes; symlinks are never followed at the last step.

use crate::error::{Error, Result};
use rustix::fd::{AsFd, OwnedFd};
use rustix::fs::{self, AtFlags, Mode, OFlags, RenameFlags, ResolveFlags, Timespec, Timestamps};
use rustix::io::Errno;

/// What `fstatat` tells, with the types this program uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stat {
    /// Type and permission bits.
    pub mode: u32,
    /// Link count.
    pub nlink: u64,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Size in bytes.
    pub size: u64,
    /// Inode number.
    pub ino: u64,
    /// Device of the file system.
    pub dev: u64,
    /// Device number of a device node.
    pub rdev: u64,
    /// Modification: seconds and nanoseconds.
    pub mtime: (i64, u32),
    /// Access: seconds and nanoseconds.
    pub atime: (i64, u32),
    /// Last change of content or attributes: seconds and nanoseconds. Only the kernel sets it.
    pub ctime: (i64, u32),
}

impl Stat {
    /// The type bits of the mode.
    #[must_use]
    pub fn type_bits(&self) -> u32 {
        self.mode & 0o170_000
    }

    /// True for a regular file.
    #[must_use]
    pub fn is_file(&self) -> bool {
        self.type_bits() == 0o100_000
    }

    /// True for a directory.
    #[must_use]
    pub fn is_dir(&self) -> bool {
        self.type_bits() == 0o040_000
    }
}

impl From<fs::Stat> for Stat {
    fn from(raw: fs::Stat) -> Stat {
        Stat {
            mode: raw.st_mode,
            nlink: raw.st_nlink,
            uid: raw.st_uid,
            gid: raw.st_gid,
            size: u64::try_from(raw.st_size).unwrap_or(0),
            ino: raw.st_ino,
            dev: raw.st_dev,
            rdev: raw.st_rdev,
            mtime: (raw.st_mtime, raw.st_mtime_nsec as u32),
            atime: (raw.st_atime, raw.st_atime_nsec as u32),
            ctime: (raw.st_ctime, raw.st_ctime_nsec as u32),
        }
    }
}

/// Names the call and the path in an errno.
fn named<T>(call: &'static str, path: &[u8], outcome: rustix::io::Result<T>) -> Result<T> {
    outcome.map_err(|errno| Error::new(call, path, errno))
}

/// `openat` with the flags given; adds O_CLOEXEC, O_NOFOLLOW and O_NOCTTY.
///
/// # Errors
/// The errno of the call.
pub fn open(dir: impl AsFd, path: &[u8], flags: OFlags) -> Result<OwnedFd> {
    let flags = flags | OFlags::CLOEXEC | OFlags::NOFOLLOW | OFlags::NOCTTY;
    named("openat", path, fs::openat(dir, path, flags, Mode::empty()))
}

/// Creates a regular file that must not exist (O_EXCL), open for reading and writing.
///
/// # Errors
/// The errno of the call.
pub fn create(dir: impl AsFd, path: &[u8], mode: u32) -> Result<OwnedFd> {
    let flags = OFlags::CREATE | OFlags::EXCL | OFlags::RDWR | OFlags::CLOEXEC | OFlags::NOFOLLOW;
    named("openat", path, fs::openat(dir, path, flags, Mode::from_raw_mode(mode)))
}

/// Opens a handle for use as a directory or a place only (O_PATH).
///
/// # Errors
/// The errno of the call.
pub fn open_path(dir: impl AsFd, path: &[u8]) -> Result<OwnedFd> {
    open(dir, path, OFlags::PATH)
}

/// Opens once more what a handle stands for, for content: `flags` with O_CLOEXEC and O_NOCTTY.
///
/// # Errors
/// The errno of the call.
pub fn reopen(fd: impl AsFd, flags: OFlags) -> Result<OwnedFd> {
    let path = crate::xattr::below(fd, b"");
    named("open", b"", fs::open(path, flags | OFlags::CLOEXEC | OFlags::NOCTTY, Mode::empty()))
}

/// Opens a directory by an absolute or cwd-relative path, following symlinks, for reading.
///
/// # Errors
/// The errno of the call.
pub fn open_root(path: &[u8]) -> Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    named("open", path, fs::open(path, flags, Mode::empty()))
}

/// `fstatat`, not following.
///
/// # Errors
/// The errno of the call.
pub fn stat(dir: impl AsFd, path: &[u8]) -> Result<Stat> {
    named("fstatat", path, fs::statat(dir, path, AtFlags::SYMLINK_NOFOLLOW)).map(Into::into)
}

/// As [`stat`], with "not there" as None.
///
/// # Errors
/// Any errno but ENOENT.
pub fn stat_if_there(dir: impl AsFd, path: &[u8]) -> Result<Option<Stat>> {
    absent_is_none(stat(dir, path))
}

/// `fstat`.
///
/// # Errors
/// The errno of the call.
pub fn stat_fd(fd: impl AsFd) -> Result<Stat> {
    named("fstat", b"", fs::fstat(fd)).map(Into::into)
}

/// Turns ENOENT into None.
///
/// # Errors
/// Any other error.
pub fn absent_is_none<T>(outcome: Result<T>) -> Result<Option<T>> {
    match outcome {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.errno == Errno::NOENT => Ok(None),
        Err(error) => Err(error),
    }
}

/// `readlinkat`.
///
/// # Errors
/// The errno of the call.
pub fn readlink(dir: impl AsFd, path: &[u8]) -> Result<Box<[u8]>> {
    named("readlinkat", path, fs::readlinkat(dir, path, Vec::new())).map(|text| text.into_bytes().into())
}

/// `linkat`, not following a symlink at `from`.
///
/// # Errors
/// The errno of the call.
pub fn link(from_dir: impl AsFd, from: &[u8], to_dir: impl AsFd, to: &[u8]) -> Result<()> {
    named("linkat", to, fs::linkat(from_dir, from, to_dir, to, AtFlags::empty()))
}

/// `renameat`, replacing like POSIX.
///
/// # Errors
/// The errno of the call.
pub fn rename(from_dir: impl AsFd, from: &[u8], to_dir: impl AsFd, to: &[u8]) -> Result<()> {
    named("renameat", to, fs::renameat(from_dir, from, to_dir, to))
}

/// `renameat2` with RENAME_NOREPLACE.
///
/// # Errors
/// The errno of the call.
pub fn rename_noreplace(from_dir: impl AsFd, from: &[u8], to_dir: impl AsFd, to: &[u8]) -> Result<()> {
    named("renameat2", to, fs::renameat_with(from_dir, from, to_dir, to, RenameFlags::NOREPLACE))
}

/// `unlinkat` of anything but a directory.
///
/// # Errors
/// The errno of the call.
pub fn unlink(dir: impl AsFd, path: &[u8]) -> Result<()> {
    named("unlinkat", path, fs::unlinkat(dir, path, AtFlags::empty()))
}

/// `unlinkat` of an empty directory.
///
/// # Errors
/// The errno of the call.
pub fn rmdir(dir: impl AsFd, path: &[u8]) -> Result<()> {
    named("rmdir", path, fs::unlinkat(dir, path, AtFlags::REMOVEDIR))
}

/// `mkdirat`.
///
/// # Errors
/// The errno of the call.
pub fn mkdir(dir: impl AsFd, path: &[u8], mode: u32) -> Result<()> {
    named("mkdirat", path, fs::mkdirat(dir, path, Mode::from_raw_mode(mode)))
}

/// `symlinkat`.
///
/// # Errors
/// The errno of the call.
pub fn symlink(target: &[u8], dir: impl AsFd, path: &[u8]) -> Result<()> {
    named("symlinkat", path, fs::symlinkat(target, dir, path))
}

/// `mknodat`; `mode` with the type bits, `device` as glibc's `makedev` makes it.
///
/// # Errors
/// The errno of the call.
pub fn mknod(dir: impl AsFd, path: &[u8], mode: u32, device: u64) -> Result<()> {
    let (kind, mode) = (fs::FileType::from_raw_mode(mode), Mode::from_raw_mode(mode & 0o7777));
    named("mknodat", path, fs::mknodat(dir, path, kind, mode, device))
}

/// From now on this process creates with exactly the permissions it asks for (`umask` 0).
pub fn clear_umask() {
    rustix::process::umask(Mode::empty());
}

/// Effective user and group of this process.
#[must_use]
pub fn effective_ids() -> (u32, u32) {
    (rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw())
}

/// `fchownat`, not following.
///
/// # Errors
/// The errno of the call.
pub fn chown(dir: impl AsFd, path: &[u8], uid: u32, gid: u32) -> Result<()> {
    let (uid, gid) = (fs::Uid::from_raw(uid), fs::Gid::from_raw(gid));
    named("fchownat", path, fs::chownat(dir, path, Some(uid), Some(gid), AtFlags::SYMLINK_NOFOLLOW))
}

/// `fchmodat`. The caller must know that `path` is not a symlink: it would be followed.
///
/// # Errors
/// The errno of the call.
pub fn chmod(dir: impl AsFd, path: &[u8], mode: u32) -> Result<()> {
    named("fchmodat", path, fs::chmodat(dir, path, Mode::from_raw_mode(mode), AtFlags::empty()))
}

/// Access and modification time as the kernel wants them.
fn timestamps(atime: (i64, u32), mtime: (i64, u32)) -> Timestamps {
    Timestamps {
        last_access: Timespec { tv_sec: atime.0, tv_nsec: atime.1.into() },
        last_modification: Timespec { tv_sec: mtime.0, tv_nsec: mtime.1.into() },
    }
}

/// `utimensat`, not following. Times are (seconds, nanoseconds).
///
/// # Errors
/// The errno of the call.
pub fn set_times(dir: impl AsFd, path: &[u8], atime: (i64, u32), mtime: (i64, u32)) -> Result<()> {
    let times = timestamps(atime, mtime);
    named("utimensat", path, fs::utimensat(dir, path, &times, AtFlags::SYMLINK_NOFOLLOW))
}

/// `fchownat` of what an O_PATH handle stands for, also a symlink.
///
/// # Errors
/// The errno of the call.
pub fn chown_handle(fd: impl AsFd, uid: u32, gid: u32) -> Result<()> {
    let (uid, gid) = (fs::Uid::from_raw(uid), fs::Gid::from_raw(gid));
    named("fchownat", b"", fs::chownat(fd, "", Some(uid), Some(gid), AtFlags::EMPTY_PATH))
}

/// As [`chown_handle`], the group only.
///
/// # Errors
/// The errno of the call.
pub fn chgrp_handle(fd: impl AsFd, gid: u32) -> Result<()> {
    let gid = fs::Gid::from_raw(gid);
    named("fchownat", b"", fs::chownat(fd, "", None, Some(gid), AtFlags::EMPTY_PATH))
}

/// `chmod` of what an O_PATH handle stands for, through its path in `/proc`.
///
/// # Errors
/// The errno of the call.
pub fn chmod_handle(fd: impl AsFd, mode: u32) -> Result<()> {
    let path = crate::xattr::below(fd, b"");
    named("chmod", b"", fs::chmod(path, Mode::from_raw_mode(mode)))
}

/// `utimensat` of what an O_PATH handle stands for, also a symlink, through its path in `/proc`.
///
/// # Errors
/// The errno of the call.
pub fn set_times_handle(fd: impl AsFd, atime: (i64, u32), mtime: (i64, u32)) -> Result<()> {
    let (path, times) = (crate::xattr::below(fd, b""), timestamps(atime, mtime));
    named("utimensat", b"", fs::utimensat(fs::CWD, path, &times, AtFlags::empty()))
}

/// `futimens`.
///
/// # Errors
/// The errno of the call.
pub fn set_times_fd(fd: impl AsFd, atime: (i64, u32), mtime: (i64, u32)) -> Result<()> {
    named("futimens", b"", fs::futimens(fd, &timestamps(atime, mtime)))
}

/// `fchown`.
///
/// # Errors
/// The errno of the call.
pub fn chown_fd(fd: impl AsFd, uid: u32, gid: u32) -> Result<()> {
    named("fchown", b"", fs::fchown(fd, Some(fs::Uid::from_raw(uid)), Some(fs::Gid::from_raw(gid))))
}

/// `fchmod`.
///
/// # Errors
/// The errno of the call.
pub fn chmod_fd(fd: impl AsFd, mode: u32) -> Result<()> {
    named("fchmod", b"", fs::fchmod(fd, Mode::from_raw_mode(mode)))
}

/// `fsync`.
///
/// # Errors
/// The errno of the call.
pub fn fsync(fd: impl AsFd) -> Result<()> {
    named("fsync", b"", fs::fsync(fd))
}

/// `syncfs`: everything written to the file system of `fd` so far is durable.
///
/// # Errors
/// The errno of the call, also of an earlier write-back that failed.
pub fn sync_file_system(fd: impl AsFd) -> Result<()> {
    named("syncfs", b"", fs::syncfs(fd))
}

/// `close`, with its outcome: a network file system reports failed writes here.
///
/// # Errors
/// The errno of the call; the descriptor is gone all the same.
pub fn close(fd: OwnedFd) -> Result<()> {
    let raw = rustix::fd::IntoRawFd::into_raw_fd(fd);
    // SAFETY: the descriptor was owned and is given up here, so nobody else closes or uses it.
    if unsafe { libc::close(raw) } == 0 {
        return Ok(());
    }
    Err(Error::new("close", b"", Errno::from_io_error(&std::io::Error::last_os_error()).unwrap_or(Errno::IO)))
}

/// `ftruncate`.
///
/// # Errors
/// The errno of the call.
pub fn truncate(fd: impl AsFd, size: u64) -> Result<()> {
    named("ftruncate", b"", fs::ftruncate(fd, size))
}

/// Writes all bytes at an offset, looping over short writes.
///
/// # Errors
/// The errno of the first call that fails.
pub fn write_all_at(fd: impl AsFd, mut bytes: &[u8], mut offset: u64) -> Result<()> {
    while !bytes.is_empty() {
        let written = match rustix::io::pwrite(&fd, bytes, offset) {
            Ok(0) => return Err(Error::new("pwrite", b"", Errno::IO)),
            Ok(written) => written,
            Err(Errno::INTR) => continue,
            Err(errno) => return Err(Error::new("pwrite", b"", errno)),
        };
        bytes = bytes.get(written..).unwrap_or_default();
        offset += written as u64;
    }
    Ok(())
}

/// Reads at an offset until the buffer is full or the file ends; returns the number of bytes.
///
/// # Errors
/// The errno of the first call that fails.
pub fn read_at(fd: impl AsFd, buffer: &mut [u8], offset: u64) -> Result<usize> {
    let mut filled = 0;
    while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match rustix::io::pread(&fd, rest, offset + filled as u64) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(Errno::INTR) => {}
            Err(errno) => return Err(Error::new("pread", b"", errno)),
        }
    }
    Ok(filled)
}

/// Deallocates a range so that it reads as zeros (`fallocate` PUNCH_HOLE, size kept).
///
/// # Errors
/// The errno of the call; EOPNOTSUPP where the file system cannot.
pub fn punch_hole(fd: impl AsFd, offset: u64, length: u64) -> Result<()> {
    let flags = fs::FallocateFlags::PUNCH_HOLE | fs::FallocateFlags::KEEP_SIZE;
    named("fallocate", b"", fs::fallocate(fd, flags, offset, length))
}

/// The next range of data at or after `offset`: (start, end); None when only a hole is left.
///
/// # Errors
/// The errno of `lseek`.
pub fn next_data(fd: impl AsFd, offset: u64, size: u64) -> Result<Option<(u64, u64)>> {
    let start = match fs::seek(&fd, fs::SeekFrom::Data(offset)) {
        Ok(start) => start,
        Err(Errno::NXIO) => return Ok(None),
        // a file system that knows no holes: all is data
        Err(Errno::INVAL | Errno::OPNOTSUPP) => return Ok((offset < size).then_some((offset, size))),
        Err(errno) => return Err(Error::new("lseek", b"", errno)),
    };
    let end = named("lseek", b"", fs::seek(&fd, fs::SeekFrom::Hole(start)))?;
    Ok(Some((start, end)))
}

/// Opens one name in a directory without ever leaving its mount: not by a symlink, not across a mount point.
///
/// # Errors
/// EXDEV when something is mounted there, ELOOP for a symlink, else the errno of the call.
pub fn open_here(dir: impl AsFd, name: &[u8], flags: OFlags) -> Result<OwnedFd> {
    // no O_NOCTTY as elsewhere: with O_PATH this call refuses what the other ignores
    let flags = flags | OFlags::CLOEXEC | OFlags::NOFOLLOW;
    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_XDEV;
    loop {
        match fs::openat2(&dir, name, flags, Mode::empty(), resolve) {
            // a rename somewhere made the kernel unsure
            Err(Errno::AGAIN) => {}
            outcome => return named("openat2", name, outcome),
        }
    }
}

/// The file system's id as `statfs` tells it; not the same after every mount on some kinds.
///
/// # Errors
/// The errno of the call.
pub fn file_system_id(fd: impl AsFd) -> Result<u64> {
    named("fstatvfs", b"", fs::fstatvfs(fd)).map(|seen| seen.f_fsid)
}

/// One directory entry: raw name and the inode number that readdir tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DirEntry {
    /// Raw base name.
    pub name: Box<[u8]>,
    /// Inode number.
    pub ino: u64,
}

/// Calls `each` with every entry but `.` and `..`, in directory order; stops at the first error it returns.
///
/// # Errors
/// The errno of opening or reading, or what `each` returns.
pub fn for_each_entry<E: From<Error>>(
    dir: impl AsFd,
    path: &[u8],
    mut each: impl FnMut(DirEntry) -> std::result::Result<(), E>,
) -> std::result::Result<(), E> {
    let fd = open(dir, path, OFlags::RDONLY | OFlags::DIRECTORY)?;
    let mut buffer = Vec::with_capacity(64 * 1024);
    let mut reader = fs::RawDir::new(fd, buffer.spare_capacity_mut());
    while let Some(entry) = reader.next() {
        let entry = named("getdents64", path, entry)?;
        let name = entry.file_name().to_bytes();
        if name != b"." && name != b".." {
            each(DirEntry { name: name.into(), ino: entry.ino() })?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{
        create, for_each_entry, next_data, open_root, read_at, stat_if_there, truncate, write_all_at,
    };
    use crate::error::Error;
    use std::os::unix::ffi::OsStrExt;

    #[test]
    fn holes_are_found_and_bytes_come_back() {
        let dir = tempfile::tempdir().unwrap();
        let root = open_root(dir.path().as_os_str().as_bytes()).unwrap();
        let file = create(&root, b"\xff sparse\n", 0o600).unwrap();
        write_all_at(&file, b"tail", 1 << 20).unwrap();
        truncate(&file, 2 << 20).unwrap();
        let (start, end) = next_data(&file, 0, 2 << 20).unwrap().unwrap();
        assert!(start > 0 && start <= 1 << 20 && end < 2 << 20, "{start} {end}");
        let mut buffer = [0; 8];
        assert_eq!(read_at(&file, &mut buffer, 1 << 20).unwrap(), 8);
        assert_eq!(&buffer, b"tail\0\0\0\0");
        assert_eq!(stat_if_there(&root, b"none").unwrap(), None);
        let mut names = Vec::new();
        for_each_entry::<Error>(&root, b".", |entry| {
            names.push(entry.name);
            Ok(())
        })
        .unwrap();
        assert_eq!(names, [b"\xff sparse\n"[..].into()]);
    }
}
