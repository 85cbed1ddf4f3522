//! One entry of a tree and how it is read.
use rustix::fs::{lgetxattr, llistxattr};
use rustix::io::Errno;
use std::collections::BTreeMap;
use std::fs::{self, File, FileType, Metadata};
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

/// The largest xattr value the kernel allows, in bytes.
const XATTR_LIMIT: usize = 65_536;
/// The POSIX ACLs, which not every file system lists.
const ACLS: [&str; 2] = ["system.posix_acl_access", "system.posix_acl_default"];

/// What an entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Regular file.
    File,
    /// Directory.
    Directory,
    /// Symbolic link.
    Symlink,
    /// Named pipe.
    Fifo,
    /// Socket.
    Socket,
    /// Character device.
    Character,
    /// Block device.
    Block,
}

/// All that is compared of one entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// What it is.
    pub kind: Kind,
    /// Permission bits, with set-id and sticky.
    pub mode: u32,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Bytes; 0 but for files.
    pub size: u64,
    /// Device number; 0 but for devices.
    pub device: u64,
    /// Modification time in nanoseconds since the epoch.
    pub mtime_ns: i128,
    /// Hash of a file's bytes.
    pub content: Option<String>,
    /// Where a symbolic link points.
    pub target: Option<PathBuf>,
    /// `user.*` and the ACLs.
    pub xattrs: BTreeMap<Vec<u8>, Vec<u8>>,
    /// Number of links, 1 for directories.
    pub links: u64,
    /// Device and inode, with which the walk finds the names of one file.
    pub identity: (u64, u64),
    /// All names of this file that were seen, when there is more than one.
    pub names: Vec<PathBuf>,
}

impl Entry {
    /// Reads an entry; content only when `content` is set.
    ///
    /// # Errors
    /// It is gone or unreadable.
    pub fn read(path: &Path, content: bool) -> io::Result<Entry> {
        let data = fs::symlink_metadata(path)?;
        let kind = kind(data.file_type());
        let is_device = matches!(kind, Kind::Character | Kind::Block);
        Ok(Entry {
            kind,
            mode: data.mode() & 0o7777,
            uid: data.uid(),
            gid: data.gid(),
            size: if kind == Kind::File { data.size() } else { 0 },
            device: if is_device { data.rdev() } else { 0 },
            mtime_ns: mtime_ns(&data),
            content: if content && kind == Kind::File { Some(hash(path)?) } else { None },
            target: if kind == Kind::Symlink { Some(fs::read_link(path)?) } else { None },
            xattrs: xattrs(path)?,
            links: if kind == Kind::Directory { 1 } else { data.nlink() },
            identity: (data.dev(), data.ino()),
            names: Vec::new(),
        })
    }
}

fn mtime_ns(data: &Metadata) -> i128 {
    i128::from(data.mtime()) * 1_000_000_000 + i128::from(data.mtime_nsec())
}

fn kind(kind: FileType) -> Kind {
    match kind {
        kind if kind.is_dir() => Kind::Directory,
        kind if kind.is_symlink() => Kind::Symlink,
        kind if kind.is_fifo() => Kind::Fifo,
        kind if kind.is_socket() => Kind::Socket,
        kind if kind.is_char_device() => Kind::Character,
        kind if kind.is_block_device() => Kind::Block,
        _ => Kind::File,
    }
}

fn hash(path: &Path) -> io::Result<String> {
    let mut file = File::open(path)?;
    let mut hasher = blake3::Hasher::new();
    let mut buffer = vec![0; 256 * 1024];
    loop {
        let count = file.read(&mut buffer)?;
        match buffer.get(..count) {
            Some(bytes) if count > 0 => hasher.update(bytes),
            _ => return Ok(hasher.finalize().to_hex().to_string()),
        };
    }
}

fn xattrs(path: &Path) -> io::Result<BTreeMap<Vec<u8>, Vec<u8>>> {
    let mut buffer = vec![0; XATTR_LIMIT];
    let listed = match llistxattr(path, &mut buffer) {
        Ok(count) => buffer.get(..count).unwrap_or_default().to_vec(),
        Err(Errno::NOTSUP | Errno::PERM) => Vec::new(),
        Err(error) => return Err(error.into()),
    };
    let users = listed.split(|byte| *byte == 0).filter(|name| name.starts_with(b"user."));
    let mut all = BTreeMap::new();
    for name in users.chain(ACLS.map(str::as_bytes)) {
        match lgetxattr(path, std::ffi::OsStr::from_bytes(name), &mut buffer) {
            Ok(count) => all.insert(name.to_vec(), buffer.get(..count).unwrap_or_default().to_vec()),
            Err(Errno::NODATA | Errno::NOTSUP | Errno::PERM) => None,
            Err(error) => return Err(error.into()),
        };
    }
    Ok(all)
}
