//! The tree on real file systems: ext4 and tmpfs.

use super::open;
use crate::tree::{Access, Holder, Left, Tree};
use gsyncd_core::id::{Entry, Gfid, Name};
use gsyncd_core::identity::is_foreign;
use gsyncd_core::truth::{Kind, TimeStamp, Xattr};
use gsyncd_sys::Errno;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use tempfile::TempDir;

const PRIMARY: [u8; 16] = [3; 16];
const DIR: Gfid = Gfid([1; 16]);
const FILE: Gfid = Gfid([2; 16]);
/// Who is nobody in particular.
const NOBODY: u32 = 65_534;

fn at(parent: Gfid, name: &str) -> Entry {
    Entry { parent, name: Name::new(name.as_bytes()).unwrap() }
}

fn create(tree: &dyn Tree, parent: Gfid, name: &str, gfid: Gfid, kind: Kind) {
    tree.create(&at(parent, name), gfid, &kind, 0o755).unwrap();
}

fn write(tree: &dyn Tree, gfid: Gfid, content: &[u8]) {
    tree.open(gfid, Access::Content).unwrap().write_at(content, 0).unwrap();
}

/// A tree with a directory and a file in it, `d/f`.
fn sample(base: &str) -> (TempDir, PathBuf, Arc<dyn Tree>) {
    let home = tempfile::tempdir_in(base).unwrap();
    let root = home.path().join("root");
    let tree = open(&root, PRIMARY).unwrap();
    create(&*tree, Gfid::ROOT, "d", DIR, Kind::Directory);
    create(&*tree, DIR, "f", FILE, Kind::File);
    write(&*tree, FILE, b"content");
    (home, root, tree)
}

fn on_each(test: impl Fn(&str)) {
    for base in ["/tmp", "/dev/shm"] {
        test(base);
    }
}

#[test]
fn what_was_synced_is_known_again_and_what_was_not_is_foreign() {
    on_each(|base| {
        let (_home, root, tree) = sample(base);
        let copy = tree.copy();
        assert_eq!((tree.generation(), tree.sync().unwrap(), tree.sync().unwrap()), (0, 1, 1));
        create(&*tree, DIR, "late", Gfid([9; 16]), Kind::File);
        drop(tree);
        let tree = open(&root, PRIMARY).unwrap();
        assert_eq!((tree.copy(), tree.generation()), (copy, 1));
        assert_eq!(tree.look(FILE).unwrap().unwrap().size, 7);
        assert_eq!(tree.locate(DIR).unwrap(), Some(at(Gfid::ROOT, "d")));
        assert_eq!(tree.look(Gfid([9; 16])).unwrap(), None);
        let Holder::Held(late) = tree.identify(&at(DIR, "late")).unwrap() else { panic!("not there") };
        assert!(is_foreign(late));
        assert!(tree.look(late).unwrap().is_some());
        assert!(tree.adopt(&at(DIR, "late"), Gfid([9; 16]), &Kind::Directory).unwrap().is_none());
        assert!(tree.adopt(&at(DIR, "late"), Gfid([9; 16]), &Kind::File).unwrap().is_some());
        assert_eq!(tree.identify(&at(DIR, "late")).unwrap(), Holder::Held(Gfid([9; 16])));
        assert_eq!(tree.look(late).unwrap(), None);
        assert!(
            tree.adopt(&at(DIR, "f"), Gfid([8; 16]), &Kind::File).unwrap().is_none(),
            "it is not foreign"
        );
    });
}

#[test]
fn what_somebody_moved_is_found_when_it_is_met() {
    on_each(|base| {
        let (_home, root, tree) = sample(base);
        fs::rename(root.join("d"), root.join("moved")).unwrap();
        fs::rename(root.join("moved/f"), root.join("g")).unwrap();
        tree.begin();
        assert_eq!(tree.identify(&at(DIR, "f")).unwrap(), Holder::NoParent);
        assert_eq!(tree.look(FILE).unwrap(), None);
        assert_eq!(tree.identify(&at(Gfid::ROOT, "moved")).unwrap(), Holder::Held(DIR));
        assert_eq!(tree.identify(&at(Gfid::ROOT, "g")).unwrap(), Holder::Held(FILE));
        tree.rename(&at(Gfid::ROOT, "g"), &at(DIR, "f")).unwrap();
        assert_eq!(fs::read(root.join("moved/f")).unwrap(), b"content");
    });
}

#[test]
fn nothing_leads_out_of_the_tree() {
    on_each(|base| {
        let (home, root, tree) = sample(base);
        // a directory that was used just now, replaced by a link to itself elsewhere
        let outside = home.path().join("outside");
        fs::rename(root.join("d"), &outside).unwrap();
        symlink(&outside, root.join("d")).unwrap();
        tree.begin();
        let new = Gfid([9; 16]);
        let refused = tree.create(&at(DIR, "new"), new, &Kind::File, 0o600).err();
        assert_eq!(refused.unwrap().errno, Errno::NOENT);
        assert_eq!(tree.look(FILE).unwrap(), None);
        assert_eq!(tree.open(FILE, Access::Content).err().unwrap().errno, Errno::NOENT);
        assert_eq!(tree.unlink(&at(DIR, "f")).unwrap_err().errno, Errno::NOENT);
        assert_eq!(tree.rename(&at(DIR, "f"), &at(Gfid::ROOT, "f")).unwrap_err().errno, Errno::NOENT);
        assert!(tree.entries(DIR, &mut |_, _| true).is_err());
        // the same for a file
        create(&*tree, Gfid::ROOT, "file", new, Kind::File);
        fs::remove_file(root.join("file")).unwrap();
        symlink(outside.join("f"), root.join("file")).unwrap();
        assert_eq!(tree.open(new, Access::Content).err().unwrap().errno, Errno::NOENT);
        assert_eq!(fs::read(outside.join("f")).unwrap(), b"content");
        assert_eq!(fs::read_dir(&outside).unwrap().count(), 1);
    });
}

#[test]
fn what_is_foreign_goes_aside_and_is_never_destroyed() {
    on_each(|base| {
        let (_home, root, tree) = sample(base);
        fs::write(root.join("d/theirs"), "1").unwrap();
        tree.unlink(&at(DIR, "theirs")).unwrap();
        fs::write(root.join("d/theirs"), "2").unwrap();
        tree.rename(&at(DIR, "f"), &at(DIR, "theirs")).unwrap();
        fs::create_dir_all(root.join("d/deep/er")).unwrap();
        fs::write(root.join("d/deep/er/x"), "3").unwrap();
        tree.rmdir(&at(DIR, "deep")).unwrap();
        let aside = root.join(".gsyncd/aside/d");
        assert_eq!(fs::read(aside.join("theirs")).unwrap(), b"1");
        assert_eq!(fs::read(aside.join("theirs.~1~")).unwrap(), b"2");
        assert_eq!(fs::read(aside.join("deep/er/x")).unwrap(), b"3");
        assert_eq!(fs::read(root.join("d/theirs")).unwrap(), b"content");
        // one of ours below one of theirs
        fs::create_dir(root.join("d/deep")).unwrap();
        fs::rename(root.join("d/theirs"), root.join("d/deep/f")).unwrap();
        assert_eq!(tree.rmdir(&at(DIR, "deep")).unwrap_err().errno, Errno::NOTEMPTY);
        // what is known is removed
        create(&*tree, DIR, "known", Gfid([9; 16]), Kind::File);
        tree.unlink(&at(DIR, "known")).unwrap();
        assert!(!aside.join("known").exists());
    });
}

#[test]
fn its_own_directory_is_not_part_of_the_tree() {
    let (_home, root, tree) = sample("/tmp");
    let own = at(Gfid::ROOT, ".gsyncd");
    assert_eq!(tree.identify(&own).unwrap(), Holder::Free);
    assert!(tree.reserves(&own) && !tree.reserves(&at(DIR, ".gsyncd")));
    let mut names = Vec::new();
    tree.entries(Gfid::ROOT, &mut |name, _| {
        names.push(name.as_bytes().to_vec());
        true
    })
    .unwrap();
    assert_eq!(names, [b"d"]);
    assert!(tree.create(&own, Gfid([9; 16]), &Kind::Directory, 0o755).is_err());
    assert!(tree.rename(&own, &at(DIR, "own")).is_err() && tree.rename(&at(DIR, "f"), &own).is_err());
    assert_eq!(fs::metadata(root.join(".gsyncd")).unwrap().mode() & 0o7777, 0o700);
    tree.unlink(&at(DIR, "f")).unwrap();
    tree.rmdir(&at(Gfid::ROOT, "d")).unwrap();
    assert!(tree.is_empty().unwrap());
}

#[test]
fn somebody_elses_directory_is_not_taken_for_its_own() {
    let (_home, root, tree) = sample("/tmp");
    drop(tree);
    std::os::unix::fs::chown(root.join(".gsyncd"), Some(NOBODY), None).unwrap();
    assert!(open(&root, PRIMARY).err().unwrap().message.contains("belongs to user"));
    fs::rename(root.join(".gsyncd"), root.join("other")).unwrap();
    symlink("other", root.join(".gsyncd")).unwrap();
    assert!(open(&root, PRIMARY).err().unwrap().message.contains("not a directory"));
}

#[test]
fn a_second_server_is_refused() {
    let (_home, root, tree) = sample("/tmp");
    let refused = open(&root, PRIMARY).err().unwrap();
    assert!(refused.message.contains("another gsyncd"), "{refused}");
    drop(tree);
    assert!(open(&root, PRIMARY).is_ok());
}

#[test]
fn an_index_of_other_trees_is_made_anew() {
    let (home, root, tree) = sample("/tmp");
    let copy = tree.copy();
    tree.sync().unwrap();
    drop(tree);
    let tree = open(&root, [4; 16]).unwrap();
    assert_eq!((tree.look(FILE).unwrap(), tree.generation()), (None, 0));
    assert_ne!(tree.copy(), copy);
    tree.sync().unwrap();
    drop(tree);
    // a copy of the copy has other objects
    let other = home.path().join("other");
    assert!(Command::new("cp").arg("-a").arg(&root).arg(&other).status().unwrap().success());
    assert_ne!(open(&other, [4; 16]).unwrap().copy(), open(&root, [4; 16]).unwrap().copy());
}

#[test]
fn a_damaged_index_is_put_aside() {
    let (_home, root, tree) = sample("/tmp");
    tree.sync().unwrap();
    drop(tree);
    let index = root.join(".gsyncd/index.redb");
    let good = fs::read(&index).unwrap();
    let mut flipped = good.clone();
    flipped.iter_mut().step_by(97).for_each(|byte| *byte ^= 0x55);
    let half = good.len() / 2;
    let mut torn = good.clone();
    torn[4096..].fill(0);
    for (number, bad) in [&b""[..], b"nonsense", &good[..half], &flipped, &torn].into_iter().enumerate() {
        fs::write(&index, bad).unwrap();
        let tree = open(&root, PRIMARY).unwrap();
        assert_eq!(tree.generation(), 0, "damage {number}");
        assert!(tree.adopt(&at(Gfid::ROOT, "d"), DIR, &Kind::Directory).unwrap().is_some());
        assert!(tree.adopt(&at(DIR, "f"), FILE, &Kind::File).unwrap().is_some());
        assert_eq!(tree.sync().unwrap(), 1);
        assert!(root.join(format!(".gsyncd/index.unreadable-{}", number + 1)).exists());
    }
}

#[test]
fn an_index_that_was_not_closed_is_read() {
    let (_home, root, tree) = sample("/tmp");
    tree.sync().unwrap();
    create(&*tree, DIR, "late", Gfid([9; 16]), Kind::File);
    // as a killed process leaves it
    let index = root.join(".gsyncd/index.redb");
    let killed = fs::read(&index).unwrap();
    drop(tree);
    fs::write(&index, killed).unwrap();
    let tree = open(&root, PRIMARY).unwrap();
    assert_eq!(tree.generation(), 1);
    assert!(tree.look(FILE).unwrap().is_some() && tree.look(Gfid([9; 16])).unwrap().is_none());
}

#[test]
fn what_a_killed_run_moved_and_made_is_found() {
    let (_home, root, tree) = sample("/tmp");
    let (other, late) = (Gfid([5; 16]), Gfid([6; 16]));
    create(&*tree, Gfid::ROOT, "other", other, Kind::Directory);
    tree.sync().unwrap();
    tree.rename(&at(Gfid::ROOT, "d"), &at(other, "moved")).unwrap();
    tree.rename(&at(DIR, "f"), &at(DIR, "g")).unwrap();
    create(&*tree, DIR, "late", late, Kind::File);
    drop(tree);
    let tree = open(&root, PRIMARY).unwrap();
    assert_eq!(tree.locate(DIR).unwrap(), Some(at(other, "moved")));
    assert_eq!(tree.locate(FILE).unwrap(), Some(at(DIR, "g")));
    let mut left = tree.unsettled();
    left.names.sort();
    left.directories.sort();
    assert_eq!(left.names, [at(DIR, "g"), at(DIR, "late"), at(other, "moved")]);
    assert_eq!(left.directories, [DIR, other]);
    tree.sync().unwrap();
    drop(tree);
    assert_eq!(open(&root, PRIMARY).unwrap().unsettled(), Left::default());
}

#[test]
fn set_id_bits_come_with_the_owner_only() {
    let (_home, root, tree) = sample("/tmp");
    let program = Gfid([9; 16]);
    tree.create(&at(DIR, "program"), program, &Kind::File, 0o4755).unwrap();
    assert_eq!(fs::metadata(root.join("d/program")).unwrap().mode() & 0o7777, 0o755);
}

/// All that an ordinary user cannot do as it should be is done as it can be.
#[test]
fn an_ordinary_user_is_served() {
    for base in ["/tmp", "/dev/shm"] {
        let home = tempfile::tempdir_in(base).unwrap();
        std::os::unix::fs::chown(home.path(), Some(NOBODY), Some(NOBODY)).unwrap();
        // the link works also where this user may not go to the program itself
        let mut child = Command::new("/proc/self/exe");
        child.args(["tree::local::tests::as_an_ordinary_user", "--exact", "--ignored", "--nocapture"]);
        child.env("GSYNCD_TEST_HOME", home.path()).current_dir("/").uid(NOBODY).gid(NOBODY);
        let output = child.output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success() && said.contains("1 passed"), "{said}{output:?}");
    }
}

#[test]
#[ignore = "run by an_ordinary_user_is_served, as another user"]
fn as_an_ordinary_user() {
    let home = PathBuf::from(std::env::var_os("GSYNCD_TEST_HOME").unwrap());
    let root = home.join("root");
    let tree = open(&root, PRIMARY).unwrap();
    let mode = |path: &Path| fs::symlink_metadata(path).unwrap().permissions().mode() & 0o7777;
    assert_eq!(tree.creator(), (NOBODY, NOBODY));
    // an owner that cannot be had, and no set-id bits for the wrong one
    create(&*tree, Gfid::ROOT, "d", DIR, Kind::Directory);
    let file = tree.create(&at(DIR, "f"), FILE, &Kind::File, 0o400).unwrap().unwrap();
    file.write_at(b"content", 0).unwrap();
    file.set_xattr(&Xattr { key: b"user.k"[..].into(), value: b"v"[..].into() }).unwrap();
    file.set_owner(0, 0).unwrap();
    file.set_mode(0o6555).unwrap();
    file.set_times(TimeStamp::default(), TimeStamp { seconds: 5, nanos: 6 }).unwrap();
    file.close().unwrap();
    assert_eq!(mode(&root.join("d/f")), 0o555);
    // a file and directories that may not be written to are written to, and stay as they are
    tree.open(DIR, Access::Attributes).unwrap().set_mode(0o500).unwrap();
    tree.open(FILE, Access::Attributes).unwrap().set_mode(0o000).unwrap();
    write(&*tree, FILE, b"CONTENT");
    let new = Gfid([9; 16]);
    create(&*tree, DIR, "new", new, Kind::Symlink(b"nowhere"[..].into()));
    tree.link(FILE, &at(DIR, "linked")).unwrap();
    tree.rename(&at(DIR, "new"), &at(DIR, "renamed")).unwrap();
    tree.open(DIR, Access::Attributes).unwrap().set_mode(0o000).unwrap();
    tree.begin();
    assert_eq!(tree.look(FILE).unwrap().unwrap().size, 7);
    let mut count = 0;
    tree.entries(DIR, &mut |_, _| {
        count += 1;
        true
    })
    .unwrap();
    assert_eq!((count, mode(&root.join("d"))), (3, 0o000));
    tree.unlink(&at(DIR, "linked")).unwrap();
    tree.unlink(&at(DIR, "renamed")).unwrap();
    assert_eq!(mode(&root.join("d")), 0o000);
    // a directory that may not be written to is moved
    create(&*tree, Gfid::ROOT, "e", Gfid([8; 16]), Kind::Directory);
    tree.rename(&at(Gfid::ROOT, "d"), &at(Gfid([8; 16]), "d")).unwrap();
    tree.rename(&at(Gfid([8; 16]), "d"), &at(Gfid::ROOT, "d")).unwrap();
    assert_eq!(mode(&root.join("d")), 0o000);
    // nodes of devices cannot be made, and say so
    let refused = tree.create(&at(Gfid::ROOT, "null"), Gfid([7; 16]), &Kind::Char(0x103), 0o600);
    assert_eq!(refused.err().unwrap().errno, Errno::PERM);
    assert_eq!(tree.sync().unwrap(), 1);
    fs::set_permissions(root.join("d"), fs::Permissions::from_mode(0o700)).unwrap();
    assert_eq!(mode(&root.join("d/f")), 0o000);
    fs::set_permissions(root.join("d/f"), fs::Permissions::from_mode(0o600)).unwrap();
    assert_eq!(fs::read(root.join("d/f")).unwrap(), b"CONTENT");
}
