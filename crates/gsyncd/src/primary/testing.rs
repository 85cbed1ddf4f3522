//! A directory laid out as a brick, for tests. Needs root, because gfids live in `trusted.*` xattrs.

use gsyncd_core::gluster::{handle, names};
use gsyncd_core::id::{Entry, Gfid, Name};
use gsyncd_sys::xattr;
use std::fs;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

/// The volume id of every test brick.
pub const VOLUME: Gfid = Gfid([0xaa; 16]);

/// A brick below a temporary directory; names are changed as a brick process would change them.
pub struct TestBrick {
    dir: tempfile::TempDir,
    next: u128,
}

impl TestBrick {
    pub fn create() -> TestBrick {
        let dir = tempfile::tempdir().unwrap();
        let brick = TestBrick { dir, next: 100 };
        let root = brick.root();
        set(&root, names::VOLUME_ID, &VOLUME.0);
        set(&root, names::GFID, &Gfid::ROOT.0);
        let own = root.join(path(&handle::path(Gfid::ROOT)));
        fs::create_dir_all(own.parent().unwrap()).unwrap();
        std::os::unix::fs::symlink("../../..", own).unwrap();
        brick
    }

    pub fn root(&self) -> PathBuf {
        self.dir.path().to_owned()
    }

    pub fn path_of(&self, at: &Entry) -> PathBuf {
        self.dir_path(at.parent).join(std::ffi::OsStr::from_bytes(at.name.as_bytes()))
    }

    /// Climbs by the handles, because the kernel follows no more than 40 of them.
    fn dir_path(&self, gfid: Gfid) -> PathBuf {
        if gfid == Gfid::ROOT {
            return self.root();
        }
        let target = fs::read_link(self.root().join(path(&handle::path(gfid)))).unwrap();
        self.path_of(&handle::parse_link(target.as_os_str().as_bytes()).unwrap())
    }

    fn gfid(&mut self) -> Gfid {
        self.next += 1;
        Gfid(self.next.to_be_bytes())
    }

    fn handle_of(&self, gfid: Gfid) -> PathBuf {
        let handle = self.root().join(path(&handle::path(gfid)));
        fs::create_dir_all(handle.parent().unwrap()).unwrap();
        handle
    }

    pub fn mkdir(&mut self, at: &Entry) -> Gfid {
        let gfid = self.gfid();
        fs::create_dir(self.path_of(at)).unwrap();
        set(&self.path_of(at), names::GFID, &gfid.0);
        self.point(gfid, at);
        gfid
    }

    /// Makes a directory's handle point to its place.
    fn point(&self, gfid: Gfid, at: &Entry) {
        let mut target = b"../../".to_vec();
        target.extend_from_slice(handle::path(at.parent).strip_prefix(b".glusterfs/").unwrap());
        target.push(b'/');
        target.extend_from_slice(at.name.as_bytes());
        let own = self.handle_of(gfid);
        let _ = fs::remove_file(&own);
        std::os::unix::fs::symlink(path(&target), own).unwrap();
    }

    pub fn file(&mut self, at: &Entry, content: &[u8]) -> Gfid {
        let gfid = self.gfid();
        fs::write(self.path_of(at), content).unwrap();
        set(&self.path_of(at), names::GFID, &gfid.0);
        fs::hard_link(self.path_of(at), self.handle_of(gfid)).unwrap();
        self.note_name(gfid, at);
        gfid
    }

    pub fn symlink(&mut self, at: &Entry, target: &[u8]) -> Gfid {
        let gfid = self.gfid();
        std::os::unix::fs::symlink(path(target), self.path_of(at)).unwrap();
        set(&self.path_of(at), names::GFID, &gfid.0);
        fs::hard_link(self.path_of(at), self.handle_of(gfid)).unwrap();
        self.note_name(gfid, at);
        gfid
    }

    pub fn link(&self, gfid: Gfid, at: &Entry) {
        fs::hard_link(self.handle_of(gfid), self.path_of(at)).unwrap();
        self.note_name(gfid, at);
    }

    pub fn unlink(&self, gfid: Gfid, at: &Entry) {
        let _ = xattr::remove(self.handle_of(gfid).as_os_str().as_bytes(), note_key(at).as_bytes());
        fs::remove_file(self.path_of(at)).unwrap();
        let handle = self.handle_of(gfid);
        if std::os::unix::fs::MetadataExt::nlink(&fs::symlink_metadata(&handle).unwrap()) == 1 {
            fs::remove_file(handle).unwrap();
        }
    }

    /// What a brick does to some directories that it renames.
    pub fn lose_handle(&self, gfid: Gfid) {
        fs::remove_file(self.handle_of(gfid)).unwrap();
    }

    /// Writes a file's whole content.
    pub fn write(&self, gfid: Gfid, content: &[u8]) {
        fs::write(self.handle_of(gfid), content).unwrap();
    }

    /// Renames as POSIX does; what is replaced loses its name first. False when that cannot be.
    pub fn rename(&self, gfid: Gfid, from: &Entry, to: &Entry, replaced: Option<Gfid>) -> bool {
        let (source, target) = (self.path_of(from), self.path_of(to));
        let is_directory = fs::symlink_metadata(&source).unwrap().is_dir();
        if target.starts_with(&source) || replaced == Some(gfid) {
            return false;
        }
        if let Some(replaced) = replaced
            && (is_directory != fs::symlink_metadata(&target).unwrap().is_dir() || !self.remove(replaced, to))
        {
            return false;
        }
        if is_directory {
            self.rename_dir(gfid, from, to);
            return true;
        }
        let handle = self.handle_of(gfid);
        xattr::remove(handle.as_os_str().as_bytes(), note_key(from).as_bytes()).unwrap();
        fs::rename(source, target).unwrap();
        self.note_name(gfid, to);
        true
    }

    /// Removes a name, or an empty directory. False when it is not empty.
    pub fn remove(&self, gfid: Gfid, at: &Entry) -> bool {
        let path = self.path_of(at);
        if !fs::symlink_metadata(&path).unwrap().is_dir() {
            self.unlink(gfid, at);
            return true;
        }
        let gone = fs::remove_dir(path).is_ok();
        if gone {
            fs::remove_file(self.handle_of(gfid)).unwrap();
        }
        gone
    }

    pub fn rename_dir(&self, gfid: Gfid, from: &Entry, to: &Entry) {
        fs::rename(self.path_of(from), self.path_of(to)).unwrap();
        self.point(gfid, to);
    }

    fn note_name(&self, gfid: Gfid, at: &Entry) {
        let mut value = at.parent.canonical().to_vec();
        value.push(b'/');
        value.extend_from_slice(at.name.as_bytes());
        let handle = self.handle_of(gfid);
        xattr::set(handle.as_os_str().as_bytes(), note_key(at).as_bytes(), &value).unwrap();
    }
}

/// Any key is good for the reader, as long as two names differ.
fn note_key(at: &Entry) -> String {
    let sum: u64 = format!("{at:?}").bytes().fold(7, |sum, byte| sum.wrapping_mul(31) + u64::from(byte));
    format!("trusted.gfid2path.{sum:016x}")
}

fn set(target: &Path, key: &str, value: &[u8]) {
    xattr::set(target.as_os_str().as_bytes(), key.as_bytes(), value).unwrap();
}

fn path(bytes: &[u8]) -> PathBuf {
    PathBuf::from(std::ffi::OsString::from_vec(bytes.to_vec()))
}

pub fn entry(parent: Gfid, name: &[u8]) -> Entry {
    Entry { parent, name: Name::new(name).unwrap() }
}
