//! File operation numbers as a brick writes them (spec: on-disk-formats 2.4).

macro_rules! fops {
    ($($variant:ident = $number:literal, $name:literal;)*) => {
        /// One file operation. The numbering is append-only and the same in all releases that have changelogs.
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
        #[repr(u8)]
        pub enum Fop {
            $(#[doc = concat!("Operation ", stringify!($number), ", `", $name, "` in text form.")] $variant = $number,)*
        }

        impl Fop {
            /// Every operation, ascending by number, without holes.
            pub const ALL: &'static [Fop] = &[$(Fop::$variant,)*];

            /// The name used in parsed changelog text.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self {
                    $(Fop::$variant => $name,)*
                }
            }
        }
    };
}

fops! {
    Null = 0, "NULL"; Stat = 1, "STAT"; Readlink = 2, "READLINK"; Mknod = 3, "MKNOD"; Mkdir = 4, "MKDIR";
    Unlink = 5, "UNLINK"; Rmdir = 6, "RMDIR"; Symlink = 7, "SYMLINK"; Rename = 8, "RENAME"; Link = 9, "LINK";
    Truncate = 10, "TRUNCATE"; Open = 11, "OPEN"; Read = 12, "READ"; Write = 13, "WRITE"; Statfs = 14, "STATFS";
    Flush = 15, "FLUSH"; Fsync = 16, "FSYNC"; Setxattr = 17, "SETXATTR"; Getxattr = 18, "GETXATTR";
    Removexattr = 19, "REMOVEXATTR"; Opendir = 20, "OPENDIR"; Fsyncdir = 21, "FSYNCDIR"; Access = 22, "ACCESS";
    Create = 23, "CREATE"; Ftruncate = 24, "FTRUNCATE"; Fstat = 25, "FSTAT"; Lk = 26, "LK"; Lookup = 27, "LOOKUP";
    Readdir = 28, "READDIR"; Inodelk = 29, "INODELK"; Finodelk = 30, "FINODELK"; Entrylk = 31, "ENTRYLK";
    Fentrylk = 32, "FENTRYLK"; Xattrop = 33, "XATTROP"; Fxattrop = 34, "FXATTROP"; Fgetxattr = 35, "FGETXATTR";
    Fsetxattr = 36, "FSETXATTR"; Rchecksum = 37, "RCHECKSUM"; Setattr = 38, "SETATTR"; Fsetattr = 39, "FSETATTR";
    Readdirp = 40, "READDIRP"; Forget = 41, "FORGET"; Release = 42, "RELEASE"; Releasedir = 43, "RELEASEDIR";
    Getspec = 44, "GETSPEC"; Fremovexattr = 45, "FREMOVEXATTR"; Fallocate = 46, "FALLOCATE"; Discard = 47, "DISCARD";
    Zerofill = 48, "ZEROFILL"; Ipc = 49, "IPC"; Seek = 50, "SEEK"; Lease = 51, "LEASE"; Compound = 52, "COMPOUND";
    Getactivelk = 53, "GETACTIVELK"; Setactivelk = 54, "SETACTIVELK"; Put = 55, "PUT"; Icreate = 56, "ICREATE";
    Namelink = 57, "NAMELINK"; CopyFileRange = 58, "COPY_FILE_RANGE";
}

impl Fop {
    /// The number a brick writes.
    #[must_use]
    pub fn number(self) -> u32 {
        self as u32
    }

    /// The operation of a number; None above 58.
    #[must_use]
    pub fn from_number(number: u32) -> Option<Fop> {
        Fop::ALL.get(usize::try_from(number).ok()?).copied()
    }

    /// The operation of a name in parsed changelog text.
    #[must_use]
    pub fn from_name(name: &[u8]) -> Option<Fop> {
        Fop::ALL.iter().copied().find(|fop| fop.name().as_bytes() == name)
    }
}

#[cfg(test)]
mod tests {
    use super::Fop;

    #[test]
    fn numbers_have_no_holes_and_names_are_unique() {
        assert_eq!(Fop::ALL.len(), 59);
        for (at, &fop) in Fop::ALL.iter().enumerate() {
            assert_eq!(fop.number() as usize, at);
            assert_eq!(Fop::from_number(fop.number()), Some(fop));
            assert_eq!(Fop::from_name(fop.name().as_bytes()), Some(fop));
        }
        assert_eq!(Fop::from_number(59), None);
        assert_eq!((Fop::Fgetxattr.number(), Fop::Fsetxattr.number()), (35, 36));
    }
}
