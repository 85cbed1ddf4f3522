//! What an object looks like.

/// A point in time with nanoseconds, as in `struct timespec`. Seconds may be negative.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct TimeStamp {
    /// Seconds since 1970.
    pub seconds: i64,
    /// Nanoseconds, below 1,000,000,000.
    pub nanos: u32,
}

impl From<(i64, u32)> for TimeStamp {
    fn from((seconds, nanos): (i64, u32)) -> TimeStamp {
        TimeStamp { seconds, nanos }
    }
}

impl From<TimeStamp> for (i64, u32) {
    fn from(stamp: TimeStamp) -> (i64, u32) {
        (stamp.seconds, stamp.nanos)
    }
}

/// What sort of object it is, with what only that sort has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// A symbolic link and its target, raw bytes.
    Symlink(Box<[u8]>),
    /// A named pipe.
    Fifo,
    /// A socket's name.
    Socket,
    /// A character device: the low 32 bits of glibc's `makedev` (all that GlusterFS carries).
    Char(u32),
    /// A block device, likewise.
    Block(u32),
}

impl Kind {
    /// The type bits of `st_mode`.
    #[must_use]
    pub fn type_bits(&self) -> u32 {
        match self {
            Kind::Fifo => 0o010_000,
            Kind::Char(_) => 0o020_000,
            Kind::Directory => 0o040_000,
            Kind::Block(_) => 0o060_000,
            Kind::File => 0o100_000,
            Kind::Symlink(_) => 0o120_000,
            Kind::Socket => 0o140_000,
        }
    }

    /// True for a directory.
    #[must_use]
    pub fn is_directory(&self) -> bool {
        matches!(self, Kind::Directory)
    }
}

/// One extended attribute: raw name and value.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Xattr {
    /// The full name, such as `user.color`.
    pub key: Box<[u8]>,
    /// The value.
    pub value: Box<[u8]>,
}

impl Xattr {
    /// The access ACL's key.
    pub const ACL_ACCESS: &'static [u8] = b"system.posix_acl_access";
    /// The default ACL's key (directories only).
    pub const ACL_DEFAULT: &'static [u8] = b"system.posix_acl_default";

    /// True for the keys that are replicated: `user.*` and both POSIX ACLs.
    #[must_use]
    pub fn is_replicated(key: &[u8]) -> bool {
        key.starts_with(b"user.") || key == Self::ACL_ACCESS || key == Self::ACL_DEFAULT
    }

    /// The replicated ones among these keys, with the values that `get` has; one that went away meanwhile is left out.
    ///
    /// # Errors
    /// What `get` returns.
    pub fn replicated<E>(
        keys: impl IntoIterator<Item = Box<[u8]>>,
        mut get: impl FnMut(&[u8]) -> Result<Option<Box<[u8]>>, E>,
    ) -> Result<Vec<Xattr>, E> {
        let mut found = Vec::new();
        for key in keys.into_iter().filter(|key| Xattr::is_replicated(key)) {
            if let Some(value) = get(&key)? {
                found.push(Xattr { key, value });
            }
        }
        Ok(found)
    }
}

/// Attributes of an object as the primary's users see them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attributes {
    /// The sort of object.
    pub kind: Kind,
    /// Permission bits with set-id and sticky bits (`st_mode & 07777`).
    pub mode: u32,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Size in bytes (regular files; else 0).
    pub size: u64,
    /// Last modification.
    pub mtime: TimeStamp,
    /// Last access, as far as the file system keeps it.
    pub atime: TimeStamp,
}
