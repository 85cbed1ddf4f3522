//! A brick laid out in a directory, read.

use super::BrickView;
use crate::primary::testing::{TestBrick, VOLUME, entry};
use crate::primary::view::View;
use gsyncd_core::id::Gfid;
use gsyncd_core::truth::{Kind, Xattr};
use gsyncd_sys::{Errno, xattr};
use std::os::unix::ffi::OsStrExt;

#[test]
fn a_tree_deeper_than_the_kernels_symlink_limit_is_read() {
    let mut brick = TestBrick::create();
    let mut parent = Gfid::ROOT;
    for _ in 0..100 {
        parent = brick.mkdir(&entry(parent, b"d"));
    }
    let file = brick.file(&entry(parent, b"\xff\n"), b"deep");
    let view = BrickView::open(&brick.root()).unwrap();
    assert_eq!(view.volume(), VOLUME);
    assert_eq!(view.holder(&entry(parent, b"\xff\n")).unwrap(), Some(file));
    assert_eq!(view.names(file).unwrap(), [entry(parent, b"\xff\n")]);
    let sight = view.sight(file).unwrap().unwrap();
    assert_eq!((sight.attributes.size, sight.names), (4, 1));
    assert!(view.is_whole());
}

#[test]
fn hard_links_are_all_told_and_end_one_by_one() {
    let mut brick = TestBrick::create();
    let (a, b) = (entry(Gfid::ROOT, b"a"), entry(Gfid::ROOT, b"b"));
    let file = brick.file(&a, b"x");
    brick.link(file, &b);
    let view = BrickView::open(&brick.root()).unwrap();
    assert_eq!(view.names(file).unwrap(), [a.clone(), b.clone()]);
    brick.unlink(file, &a);
    assert_eq!(view.names(file).unwrap(), std::slice::from_ref(&b));
    assert_eq!(view.holder(&a).unwrap(), None);
    brick.unlink(file, &b);
    assert!(view.sight(file).unwrap().is_none());
    assert!(view.names(file).unwrap().is_empty());
}

#[test]
fn a_renamed_directory_keeps_its_identity() {
    let mut brick = TestBrick::create();
    let (old, new) = (entry(Gfid::ROOT, b"old"), entry(Gfid::ROOT, b"new"));
    let dir = brick.mkdir(&old);
    let file = brick.file(&entry(dir, b"f"), b"");
    let view = BrickView::open(&brick.root()).unwrap();
    assert_eq!(view.holder(&entry(dir, b"f")).unwrap(), Some(file));
    brick.rename_dir(dir, &old, &new);
    assert_eq!(view.holder(&entry(dir, b"f")).unwrap(), Some(file));
    assert_eq!(view.names(dir).unwrap(), [new]);
    assert_eq!(view.holder(&old).unwrap(), None);
}

#[test]
fn a_users_symlink_is_not_taken_for_a_directory() {
    let mut brick = TestBrick::create();
    let at = entry(Gfid::ROOT, b"s");
    let link = brick.symlink(&at, b"../../00/00/00000000-0000-0000-0000-000000000001/x");
    let view = BrickView::open(&brick.root()).unwrap();
    let sight = view.sight(link).unwrap().unwrap();
    assert!(matches!(sight.attributes.kind, Kind::Symlink(_)));
    assert_eq!(view.names(link).unwrap(), [at]);
}

#[test]
fn replicated_xattrs_only() {
    let mut brick = TestBrick::create();
    let dir = brick.mkdir(&entry(Gfid::ROOT, b"d"));
    let path = brick.path_of(&entry(Gfid::ROOT, b"d"));
    xattr::set(path.as_os_str().as_bytes(), b"user.k", b"v").unwrap();
    xattr::set(path.as_os_str().as_bytes(), b"trusted.k", b"v").unwrap();
    let view = BrickView::open(&brick.root()).unwrap();
    let expected = Xattr { key: b"user.k"[..].into(), value: b"v"[..].into() };
    assert_eq!(view.xattrs(dir).unwrap(), Some(vec![expected]));
    let mut listed = Vec::new();
    view.list(Gfid::ROOT, &mut |name, gfid| {
        listed.push((name.as_bytes().to_vec(), gfid));
        Ok(())
    })
    .unwrap();
    assert_eq!(listed, [(b"d".to_vec(), dir)]);
}

#[test]
fn a_directory_is_not_taken_for_dead_while_those_above_it_move() {
    let mut brick = TestBrick::create();
    let (old, new) = (entry(Gfid::ROOT, b"old"), entry(Gfid::ROOT, b"new"));
    let top = brick.mkdir(&old);
    let below = brick.mkdir(&entry(top, b"below"));
    brick.file(&entry(below, b"f"), b"");
    let mover = || {
        for _ in 0..300 {
            brick.rename_dir(top, &old, &new);
            brick.rename_dir(top, &new, &old);
        }
    };
    std::thread::scope(|scope| {
        let moving = scope.spawn(mover);
        while !moving.is_finished() {
            // a view of its own each time: one that has the way open does not look for it
            let view = BrickView::open(&brick.root()).unwrap();
            // "cannot be told now" is an answer too; "dead" is not
            match view.sight(below) {
                Ok(sight) => assert!(sight.is_some()),
                Err(error) => assert_eq!(error.errno, Errno::STALE),
            }
        }
    });
}

#[test]
fn the_handle_that_a_replaced_directory_leaves_behind_is_no_directory() {
    let mut brick = TestBrick::create();
    let (old, new) = (entry(Gfid::ROOT, b"old"), entry(Gfid::ROOT, b"new"));
    let (mover, replaced) = (brick.mkdir(&old), brick.mkdir(&new));
    std::fs::remove_dir(brick.path_of(&new)).unwrap();
    brick.rename_dir(mover, &old, &new);
    let view = BrickView::open(&brick.root()).unwrap();
    assert!(view.sight(replaced).unwrap().is_none());
    assert!(view.names(replaced).unwrap().is_empty());
    assert_eq!(view.names(mover).unwrap(), [new]);
}

#[test]
fn a_directory_without_a_handle_is_found_by_name_or_by_a_walk() {
    let mut brick = TestBrick::create();
    let at = entry(Gfid::ROOT, b"d");
    let lost = brick.mkdir(&at);
    let below = brick.mkdir(&entry(lost, b"below"));
    brick.lose_handle(lost);
    let view = BrickView::open(&brick.root()).unwrap();
    assert!(view.sight(below).is_err(), "what cannot be reached is not dead");
    view.relearn().unwrap();
    assert!(view.sight(below).unwrap().is_some());
    let view = BrickView::open(&brick.root()).unwrap();
    assert_eq!(view.holder(&at).unwrap(), Some(lost));
    assert!(view.sight(lost).unwrap().is_some());
    assert_eq!(view.names(lost).unwrap(), [at]);
    assert_eq!(view.names(below).unwrap(), [entry(lost, b"below")]);
}
