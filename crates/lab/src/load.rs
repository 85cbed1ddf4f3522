//! What users do to a tree, all kinds of it. Every function takes the directory to work in.
use crate::command::run;
use crate::{Done, Failure};
use std::ffi::OsStr;
use std::fs::{self, File, FileTimes, OpenOptions};
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

/// What is there before [`change`]: one thing for every way of changing one.
const POPULATE: &str = r#"
for f in edited renamed moved deleted linked chmoded chowned tagged untagged acled unacled truncated emptied appended \
         replaced touched twice hl-first hl-last swap-a swap-b mapped; do
  echo "first content of $f" > $f
done
head -c 300000 /dev/urandom > big
mkdir dir-renamed dir-moved dir-deleted dir-deep dir-mode dir-acl dir-tagged over target-dir dir-swap-a dir-swap-b
for d in dir-renamed dir-moved dir-deleted dir-deep over dir-swap-a dir-swap-b; do
  echo "in $d" > $d/one; mkdir -p $d/sub/sub; echo "deep in $d" > $d/sub/sub/two
done
setfattr -n user.gone -v old untagged
setfattr -n user.changed -v old tagged
setfacl -m u:1001:rw,g:1002:r unacled
setfacl -m u:1001:rwx acled
setfacl -d -m u:1001:rwx dir-acl
ln linked linked-too
ln hl-first hl-second; ln hl-last hl-last-too
ln -s edited link-kept; ln -s nowhere/at/all link-changed; ln -s edited link-gone
mkfifo fifo-gone fifo-kept
"#;

/// Every kind of change, to what [`POPULATE`] made and to new things.
const CHANGE: &str = r#"
echo "second content" > edited
printf 'XY' | dd of=big bs=1 seek=150000 conv=notrunc status=none
mv renamed renamed-now
mv moved target-dir/moved-now
rm deleted
ln linked linked-three
chmod 4751 chmoded
chown 1001:1002 chowned
setfattr -n user.tag -v value tagged; setfattr -n user.changed -v new tagged
setfattr -n user.on-dir -v value dir-tagged
setfattr -n user.bytes -v 0x00ff0a25 mapped
setfattr -x user.gone untagged
setfacl -m u:1003:r,g:1004:rwx acled; setfacl -x u:1001 acled
setfacl -b unacled
setfacl -m u:1003:rx dir-acl; setfacl -k dir-acl
truncate -s 5 truncated
: > emptied
echo "appended text" >> appended
echo "replacement" > .replaced.new; chmod 640 .replaced.new; mv .replaced.new replaced
touch -d '2001-02-03 04:05:06.789012345' touched
touch -h -d '2002-03-04 05:06:07.123456789' link-kept
mv twice twice-a; mv twice-a twice-b; mv twice-b twice-c
rm hl-first
mv hl-last hl-last-moved; rm hl-last-too
mv swap-a swap-x; mv swap-b swap-a; mv swap-x swap-b
mv dir-swap-a dir-swap-x; mv dir-swap-b dir-swap-a; mv dir-swap-x dir-swap-b
mv dir-renamed dir-renamed-now; echo "after the rename" > dir-renamed-now/three
mv dir-moved target-dir/dir-moved-now
rm -r dir-deleted
mv dir-deep/sub/sub dir-deep/up; rmdir dir-deep/sub
chmod 2770 dir-mode; chown 1001:1002 dir-mode
rm -r over; echo "now a file" > over
ln -sfn somewhere/else link-changed
rm link-gone; mkdir link-gone; echo "under a former symlink" > link-gone/file
rm fifo-gone; echo "a former fifo" > fifo-gone; chmod 600 fifo-kept
mkdir -p new/a/b/c; for i in 1 2 3 4 5 6 7 8 9; do echo $i > new/a/b/c/$i; done
truncate -s 20000000 new/sparse; printf 'middle' | dd of=new/sparse bs=1 seek=10000000 conv=notrunc status=none
head -c 2000000 /dev/urandom > new/random
: > new/empty
echo short-lived > new/gone; rm new/gone
echo one > new/name; mv new/name new/name-two
for i in 1 2 3 4; do echo "log $i" > new/log; rm -f new/log.3; [ ! -e new/log.2 ] || mv new/log.2 new/log.3
  [ ! -e new/log.1 ] || mv new/log.1 new/log.2; mv new/log new/log.1; done
for i in 1 2 3 4 5; do echo $i > new/d_$i; mv -f new/d_$i new/d; done
echo linked > new/l1; ln new/l1 new/l2; mv new/l2 new/l3; rm new/l1
echo x > new/f; ln new/f new/f.hl; mv new/f.hl new/f.hl1
ln -s target new/s1; mv new/s1 new/s2; mv new/s2 new/s3; mkdir new/s1
mkfifo -m 640 new/fifo
mknod -m 600 new/character c 5 257; mknod -m 660 new/block b 259 70000; mknod new/null c 1 3
chown 1001:1002 new/fifo new/character; touch -d '2003-04-05 06:07:08.5' new/fifo new/block
chown -h 1001:1002 new/s3
"#;

/// For who may do neither.
const WITHOUT_ROOT: &str = "chown() { :; }; mknod() { :; }\n";

/// Makes one thing for every way of changing one.
///
/// # Errors
/// A command failed.
pub fn populate(dir: &Path) -> Done {
    fs::create_dir_all(dir)?;
    shell(dir, POPULATE)
}

/// Changes everything that [`populate`] made, in every way, and makes new things of every kind; an ordinary user gives
/// no owners and makes no devices.
///
/// # Errors
/// A command failed.
pub fn change(dir: &Path) -> Done {
    let before = if rustix::process::geteuid().is_root() { "" } else { WITHOUT_ROOT };
    shell(dir, &format!("{before}{CHANGE}"))?;
    let listener = std::os::unix::net::UnixListener::bind(dir.join("new/socket"));
    listener.map(drop).map_err(|error| Failure::new(format!("socket below {}: {error}", dir.display())))
}

/// Runs a script in a directory.
///
/// # Errors
/// A command of it failed.
#[track_caller]
pub fn shell(dir: &Path, script: &str) -> Done {
    let words = ["-euc", "cd \"$0\"; eval \"$1\"", &dir.to_string_lossy(), script].map(String::from);
    run("bash", &words).map(drop)
}

/// Names that are only bytes.
pub fn odd_names() -> Vec<Vec<u8>> {
    let mut names: Vec<Vec<u8>> = [
        &b"\xff"[..],
        b"\xc3\x28",
        b"new\nline",
        b"carriage\rreturn",
        b"tab at the end\t",
        b"100%",
        b"%0A",
        b"%25",
        b"a+b",
        b"a b",
        b" ",
        b"\n",
        b"\t",
        b"-rf",
        b"'\"\\",
        b"*?[",
        b"\x01\x7f",
        "übergröße".as_bytes(),
        b"\xed\xa0\x80",
        b"...",
    ]
    .map(<[u8]>::to_vec)
    .to_vec();
    names.push(vec![b'n'; 255]);
    names.push(vec![0xfe; 255]);
    names.push([&[b'%'; 254][..], b"\n"].concat());
    names
}

/// Every odd name as a file, a directory with something in it, a symlink (to itself), a hard link.
///
/// # Errors
/// The file system's.
pub fn populate_names(dir: &Path) -> Done {
    for kind in ["file", "dir", "symlink", "link", "renamed", "deleted"] {
        fs::create_dir_all(dir.join(kind))?;
    }
    for bytes in odd_names() {
        let name = OsStr::from_bytes(&bytes);
        fs::write(dir.join("file").join(name), &bytes)?;
        fs::hard_link(dir.join("file").join(name), dir.join("link").join(name))?;
        fs::create_dir(dir.join("dir").join(name))?;
        fs::write(dir.join("dir").join(name).join(name), "below")?;
        symlink(name, dir.join("symlink").join(name))?;
        fs::write(dir.join("renamed").join(name), "to be renamed")?;
        fs::write(dir.join("deleted").join(name), "to be deleted")?;
    }
    Ok(())
}

/// Edits, renames and deletes what [`populate_names`] made.
///
/// # Errors
/// The file system's.
pub fn change_names(dir: &Path) -> Done {
    fs::create_dir_all(dir.join("renamed-to"))?;
    for bytes in odd_names() {
        let name = OsStr::from_bytes(&bytes);
        OpenOptions::new().append(true).open(dir.join("file").join(name))?.write_all(b" edited")?;
        fs::rename(dir.join("renamed").join(name), dir.join("renamed-to").join(name))?;
        fs::rename(dir.join("dir").join(name).join(name), dir.join("dir").join(name).join("plain"))?;
        fs::remove_file(dir.join("deleted").join(name))?;
        fs::remove_file(dir.join("symlink").join(name))?;
        symlink("plain", dir.join("symlink").join(name))?;
    }
    Ok(())
}

/// Copies a tree of directories, files and symlinks, with modes and times, with several threads.
/// Returns how many files.
///
/// # Errors
/// The file system's.
pub fn copy(source: &Path, target: &Path, threads: usize) -> Done<usize> {
    let mut files = Vec::new();
    copy_frame(source, target, &mut files)?;
    let count = files.len();
    let todo = Mutex::new(files.into_iter());
    let results: Vec<Done> = std::thread::scope(|scope| {
        let handles: Vec<_> = (0..threads).map(|_| scope.spawn(|| copy_some(&todo))).collect();
        handles.into_iter().filter_map(|handle| handle.join().ok()).collect()
    });
    results.into_iter().collect::<Done>()?;
    Ok(count)
}

type Pairs = Vec<(PathBuf, PathBuf)>;

fn copy_frame(source: &Path, target: &Path, files: &mut Pairs) -> Done {
    fs::create_dir_all(target)?;
    for entry in fs::read_dir(source)? {
        let entry = entry?;
        let (from, to) = (entry.path(), target.join(entry.file_name()));
        match entry.file_type()? {
            kind if kind.is_dir() => copy_frame(&from, &to, files)?,
            kind if kind.is_symlink() => symlink(fs::read_link(&from)?, &to)?,
            _ => files.push((from, to)),
        }
    }
    Ok(())
}

fn copy_some(todo: &Mutex<std::vec::IntoIter<(PathBuf, PathBuf)>>) -> Done {
    loop {
        let next = todo.lock().map(|mut files| files.next()).unwrap_or_default();
        let Some((from, to)) = next else { return Ok(()) };
        fs::copy(&from, &to)?;
        let modified = fs::metadata(&from)?.modified()?;
        File::open(&to)?.set_times(FileTimes::new().set_modified(modified))?;
    }
}
