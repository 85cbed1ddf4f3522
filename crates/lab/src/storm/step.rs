//! One step of a storm over a plain directory.
use super::dice::Dice;
use super::names::Names;
use rustix::fs::{
    AtFlags, CWD, FallocateFlags, RenameFlags, Timespec, Timestamps, XattrFlags, fallocate, mkfifoat,
    renameat_with, utimensat,
};
use std::fmt::Debug;
use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt, PermissionsExt, lchown, symlink};
use std::path::Path;

const MEBIBYTE: u64 = 1_048_576;

/// What was tried, for a person, and what became of it.
type Tried = (String, io::Result<()>);

/// Tries one step; what it is, and where, is up to the dice.
pub fn step(root: &Path, names: &Names, dice: &mut Dice, owners: bool) -> Tried {
    let (path, other) = (names.existing(dice, root), names.path(dice, root));
    match dice.roll(64) {
        0..12 => create(&other, dice),
        12..27 => content(&path, dice),
        27..42 => name(&path, &other, dice),
        42..52 => attribute(&path, dice, owners),
        52..60 => made(&other, names, dice),
        _ => removed(&path, dice),
    }
}

/// A file is there.
fn create(path: &Path, dice: &mut Dice) -> Tried {
    let bytes = bytes(dice);
    match dice.roll(2) {
        0 => said("write", path, bytes.len(), write(path, &bytes)),
        _ => said("create", path, bytes.len(), create_in_parts(path, &bytes, dice)),
    }
}

/// What a file holds.
fn content(path: &Path, dice: &mut Dice) -> Tried {
    match dice.roll(18) {
        0..4 => {
            let bytes = bytes(dice);
            said("write again", path, bytes.len(), existing(path).and_then(|_| write(path, &bytes)))
        }
        4..7 => said("append", path, "", append(path, &bytes(dice))),
        7..11 => {
            let offset = dice.roll(9000);
            said("edit", path, offset, existing(path).and_then(|file| file.write_all_at(b"edited", offset)))
        }
        11..14 => {
            let length = length(dice);
            said("truncate", path, length, existing(path).and_then(|file| file.set_len(length)))
        }
        14..16 => said("make holes in", path, "", sparse(path, dice)),
        _ => {
            let bytes = bytes(dice);
            said("save", path, bytes.len(), save(path, &bytes, dice))
        }
    }
}

/// Which names there are.
fn name(path: &Path, other: &Path, dice: &mut Dice) -> Tried {
    match dice.roll(15) {
        0..9 => said("rename", path, other, fs::rename(path, other)),
        9 => said("exchange", path, other, renamed(path, other, RenameFlags::EXCHANGE)),
        10 => said("rename to what is free", path, other, renamed(path, other, RenameFlags::NOREPLACE)),
        11 => said("swap", path, other, swap(path, other, dice)),
        _ => said("link", path, other, fs::hard_link(path, other)),
    }
}

/// What an object looks like.
fn attribute(path: &Path, dice: &mut Dice, owners: bool) -> Tried {
    match dice.roll(9) {
        0..3 => {
            let bits = dice.small(0o10000);
            said("chmod", path, bits, chmod(path, bits))
        }
        3 if owners => {
            let (uid, gid) = (dice.small(3), dice.small(3));
            said("chown", path, (uid, gid), lchown(path, Some(uid), Some(gid)))
        }
        4..6 => {
            let (key, size) = (dice.roll(3), dice.roll(300));
            said("set xattr", path, key, set_xattr(path, key, &dice.bytes(size)))
        }
        6 => {
            let key = format!("user.k{}", dice.roll(3));
            said(
                "remove xattr",
                path,
                &key,
                Ok(()).and(rustix::fs::removexattr(path, &*key)).map_err(Into::into),
            )
        }
        _ => {
            let (seconds, nanoseconds) = (dice.roll(2_000_000_000), dice.roll(1_000_000_000));
            // A few before 1970.
            let seconds = i64::try_from(seconds).unwrap_or_default() - 100_000_000;
            said("touch", path, seconds, touch(path, seconds, nanoseconds))
        }
    }
}

/// What is not a file is there.
fn made(path: &Path, names: &Names, dice: &mut Dice) -> Tried {
    match dice.roll(10) {
        0..6 => said("mkdir", path, "", DirBuilder::new().mode(0o755).create(path)),
        6..9 => {
            let target = names.target(dice);
            said("symlink", path, &target, symlink(&target, path))
        }
        _ => said("mkfifo", path, "", mkfifoat(CWD, path, 0o640.into()).map_err(Into::into)),
    }
}

/// Something is gone.
fn removed(path: &Path, dice: &mut Dice) -> Tried {
    match dice.roll(8) {
        0..6 => said("unlink", path, "", fs::remove_file(path)),
        6 => said("rmdir", path, "", fs::remove_dir(path)),
        _ => said("remove all of", path, "", fs::remove_dir_all(path)),
    }
}

fn said(verb: &str, path: &Path, more: impl Debug, outcome: io::Result<()>) -> Tried {
    (format!("{verb} {path:?} {more:?}"), outcome)
}

/// Mostly small, and a few large ones.
fn length(dice: &mut Dice) -> u64 {
    match dice.roll(40) {
        0..3 => 0,
        3..16 => dice.roll(100),
        16..35 => dice.roll(9000),
        35..38 => dice.roll(100_000),
        _ => 256 * 1024 + dice.roll(MEBIBYTE - 256 * 1024),
    }
}

fn bytes(dice: &mut Dice) -> Vec<u8> {
    let length = length(dice);
    dice.bytes(length)
}

/// Never waits at a FIFO, and never goes through a symbolic link at the end of the path.
fn options() -> OpenOptions {
    let mut options = OpenOptions::new();
    let flags = rustix::fs::OFlags::NONBLOCK | rustix::fs::OFlags::NOFOLLOW;
    options.write(true).custom_flags(i32::try_from(flags.bits()).unwrap_or_default());
    options
}

fn existing(path: &Path) -> io::Result<File> {
    options().open(path)
}

fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    options().create(true).truncate(true).open(path)?.write_all(bytes)
}

/// In several steps, so that a reader can meet a part of it.
fn create_in_parts(path: &Path, bytes: &[u8], dice: &mut Dice) -> io::Result<()> {
    let mut file = options().create_new(true).mode(0o600).open(path)?;
    let parts = usize::try_from(1 + dice.roll(3)).unwrap_or(1);
    for part in bytes.chunks(bytes.len() / parts + 1) {
        file.write_all(part)?;
        std::thread::yield_now();
    }
    Ok(())
}

fn append(path: &Path, bytes: &[u8]) -> io::Result<()> {
    options().append(true).open(path)?.write_all(bytes)
}

/// A hole at the end, or in the middle.
fn sparse(path: &Path, dice: &mut Dice) -> io::Result<()> {
    let file = options().create(true).truncate(false).open(path)?;
    if dice.roll(2) == 0 {
        file.set_len(dice.roll(MEBIBYTE))?;
        return file.write_all_at(b"between holes", dice.roll(MEBIBYTE));
    }
    let mode = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
    Ok(fallocate(&file, mode, dice.roll(20_000), 1 + dice.roll(20_000))?)
}

/// As editors do: a new file beside, renamed over the old one.
fn save(path: &Path, bytes: &[u8], dice: &mut Dice) -> io::Result<()> {
    let beside = path.with_extension(format!("tmp{}", dice.roll(1000)));
    write(&beside, bytes)?;
    fs::rename(&beside, path).inspect_err(|_| drop(fs::remove_file(&beside)))
}

fn renamed(path: &Path, other: &Path, flags: RenameFlags) -> io::Result<()> {
    Ok(renameat_with(CWD, path, CWD, other, flags)?)
}

fn swap(path: &Path, other: &Path, dice: &mut Dice) -> io::Result<()> {
    let beside = path.with_file_name(format!("swap{}", dice.roll(1000)));
    fs::rename(path, &beside)?;
    let moved = fs::rename(other, path);
    fs::rename(&beside, if moved.is_ok() { other } else { path })
}

/// Its owner can always read a file, and enter and change a directory: an ordinary user's session has to.
fn chmod(path: &Path, bits: u32) -> io::Result<()> {
    let data = fs::symlink_metadata(path)?;
    if data.is_symlink() {
        return Err(io::ErrorKind::Unsupported.into());
    }
    let kept = if data.is_dir() { 0o700 } else { 0o600 };
    fs::set_permissions(path, Permissions::from_mode(bits | kept))
}

fn set_xattr(path: &Path, key: u64, value: &[u8]) -> io::Result<()> {
    Ok(rustix::fs::setxattr(path, format!("user.k{key}"), value, XattrFlags::empty())?)
}

fn touch(path: &Path, seconds: i64, nanoseconds: u64) -> io::Result<()> {
    let time = Timespec { tv_sec: seconds, tv_nsec: i64::try_from(nanoseconds).unwrap_or_default() };
    let times = Timestamps { last_access: time, last_modification: time };
    Ok(utimensat(CWD, path, &times, AtFlags::SYMLINK_NOFOLLOW)?)
}
