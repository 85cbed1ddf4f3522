//! An existing copy, made by something else, becomes the secondary's.

use super::model::entry;
use crate::secondary::apply::Engine;
use crate::tree::{Holder, Tree, local};
use gsyncd_core::id::{Entry, Gfid};
use gsyncd_core::truth::{Attributes, Batch, Body, Holding, Kind, Need, Object, TimeStamp, Why};
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::PathBuf;
use std::sync::Arc;
use tempfile::TempDir;

const TIME: TimeStamp = TimeStamp { seconds: 1_000_000_000, nanos: 3 };
const DIR: Gfid = Gfid([1; 16]);
const ONE: Gfid = Gfid([2; 16]);
const TWO: Gfid = Gfid([3; 16]);

struct Copy {
    _home: TempDir,
    root: PathBuf,
    tree: Arc<dyn Tree>,
    engine: Engine,
}

/// A directory that `fill` made something in before it became a secondary's.
fn copy(fill: impl Fn(&PathBuf)) -> Copy {
    let home = tempfile::tempdir().unwrap();
    let root = home.path().join("root");
    fs::create_dir(&root).unwrap();
    fill(&root);
    let tree = local::open(&root, [7; 16]).unwrap();
    let engine = Engine::open(Arc::clone(&tree), 2).unwrap();
    Copy { _home: home, root, tree, engine }
}

impl Copy {
    fn say(&self, names: &[(Entry, Option<Gfid>)], objects: &[Object]) -> Vec<Need> {
        let names = names.iter().map(|(at, holder)| Holding { at: at.clone(), holder: *holder }).collect();
        let batch = Batch { names, objects: objects.to_vec(), ..Batch::default() };
        let answer = self.engine.apply(&batch).unwrap();
        self.tree.sync().unwrap();
        answer.needs
    }

    fn aside(&self, path: &str) -> Vec<u8> {
        fs::read(self.root.join(".gsyncd/aside").join(path)).unwrap()
    }
}

fn object(gfid: Gfid, kind: Kind, size: u64, body: Body) -> Object {
    let attributes = Attributes { kind, mode: 0o640, uid: 5, gid: 6, size, mtime: TIME, atime: TIME };
    Object { gfid, attributes, xattrs: Some(Vec::new()), body, times_only: false }
}

fn hashed(gfid: Gfid, content: &[u8]) -> Object {
    object(gfid, Kind::File, content.len() as u64, Body::Hash(*blake3::hash(content).as_bytes()))
}

fn inline(gfid: Gfid, content: &[u8]) -> Object {
    object(gfid, Kind::File, content.len() as u64, Body::Inline(content.into()))
}

fn top(name: &str) -> Entry {
    entry(Gfid::ROOT, name.as_bytes())
}

#[test]
fn an_equal_copy_is_taken_over_without_content() {
    let copy = copy(|root| {
        fs::create_dir(root.join("d")).unwrap();
        fs::write(root.join("d/f"), "equal").unwrap();
        symlink("target", root.join("l")).unwrap();
    });
    let inode = fs::metadata(copy.root.join("d/f")).unwrap().ino();
    let names = [(top("d"), Some(DIR)), (entry(DIR, b"f"), Some(ONE)), (top("l"), Some(TWO))];
    let link = object(TWO, Kind::Symlink(b"target"[..].into()), 6, Body::Untouched);
    let objects = [object(DIR, Kind::Directory, 0, Body::Untouched), hashed(ONE, b"equal"), link];
    assert_eq!(copy.say(&names, &objects), []);
    let about = fs::metadata(copy.root.join("d/f")).unwrap();
    assert_eq!((about.ino(), about.mode() & 0o7777, about.uid(), about.gid()), (inode, 0o640, 5, 6));
    assert_eq!((about.mtime(), about.mtime_nsec()), (TIME.seconds, TIME.nanos.into()));
    assert!(!copy.root.join(".gsyncd/aside").exists());
    assert_eq!(copy.say(&names, &objects), []);
}

#[test]
fn content_that_nothing_vouches_for_is_asked_for() {
    let copy = copy(|root| {
        for name in ["hash", "size", "untouched", "time"] {
            fs::write(root.join(name), "theirs").unwrap();
        }
    });
    let untouched = object(Gfid([4; 16]), Kind::File, 6, Body::Untouched);
    let compared = object(Gfid([5; 16]), Kind::File, 6, Body::Compare);
    let wanted = [hashed(ONE, b"others"), hashed(TWO, b"longer text"), untouched, compared];
    for (name, object) in ["hash", "size", "untouched", "time"].into_iter().zip(wanted) {
        let needs = copy.say(&[(top(name), Some(object.gfid))], std::slice::from_ref(&object));
        assert!(
            matches!(&*needs, [need] if (need.gfid, &need.why) == (object.gfid, &Why::Missing)),
            "{name}"
        );
        // it is the object all the same, and gets its content in place
        assert_eq!(copy.tree.identify(&top(name)).unwrap(), Holder::Held(object.gfid));
        assert_eq!(copy.say(&[(top(name), Some(object.gfid))], &[inline(object.gfid, b"right")]), []);
        assert_eq!(fs::read(copy.root.join(name)).unwrap(), b"right");
    }
    assert!(!copy.root.join(".gsyncd/aside").exists());
}

#[test]
fn hard_links_are_mended() {
    let copy = copy(|root| {
        fs::write(root.join("a"), "same").unwrap();
        fs::write(root.join("b"), "same").unwrap();
        fs::write(root.join("x"), "first").unwrap();
        fs::hard_link(root.join("x"), root.join("y")).unwrap();
    });
    let (x, y) = (Gfid([4; 16]), Gfid([5; 16]));
    let names = [(top("a"), Some(ONE)), (top("b"), Some(ONE)), (top("x"), Some(x)), (top("y"), Some(y))];
    let objects = [hashed(ONE, b"same"), inline(x, b"first"), inline(y, b"second")];
    assert_eq!(copy.say(&names, &objects), []);
    let inode = |name: &str| fs::metadata(copy.root.join(name)).unwrap().ino();
    assert_eq!(inode("a"), inode("b"));
    assert_ne!(inode("x"), inode("y"));
    assert_eq!(fs::read(copy.root.join("x")).unwrap(), b"first");
    assert_eq!(fs::read(copy.root.join("y")).unwrap(), b"second");
    assert_eq!(copy.aside("b"), b"same");
}

#[test]
fn what_does_not_fit_goes_aside_with_all_that_is_in_it() {
    let copy = copy(|root| {
        fs::create_dir_all(root.join("file/below")).unwrap();
        fs::write(root.join("file/below/f"), "1").unwrap();
        fs::write(root.join("dir"), "2").unwrap();
        fs::write(root.join("link"), "3").unwrap();
        symlink("elsewhere", root.join("other")).unwrap();
        fs::write(root.join("gone"), "4").unwrap();
    });
    let (link, other) = (Gfid([4; 16]), Gfid([5; 16]));
    let names = [
        (top("file"), Some(ONE)),
        (top("dir"), Some(DIR)),
        (top("link"), Some(link)),
        (top("other"), Some(other)),
        (top("gone"), None),
    ];
    let target = |gfid| object(gfid, Kind::Symlink(b"target"[..].into()), 6, Body::Untouched);
    let directory = object(DIR, Kind::Directory, 0, Body::Untouched);
    assert_eq!(copy.say(&names, &[inline(ONE, b"new"), directory, target(link), target(other)]), []);
    assert_eq!(fs::read(copy.root.join("file")).unwrap(), b"new");
    assert!(copy.root.join("dir").is_dir() && !copy.root.join("gone").exists());
    for name in ["link", "other"] {
        assert_eq!(fs::read_link(copy.root.join(name)).unwrap(), PathBuf::from("target"));
    }
    let found =
        [copy.aside("file/below/f"), copy.aside("dir"), copy.aside("link"), copy.aside("gone")].concat();
    assert_eq!(found, b"1234");
    assert_eq!(fs::read_link(copy.root.join(".gsyncd/aside/other")).unwrap(), PathBuf::from("elsewhere"));
}

#[test]
fn an_object_that_is_here_already_is_moved_and_what_is_in_the_way_goes_aside() {
    let copy = copy(|_| ());
    assert_eq!(copy.say(&[(top("a"), Some(ONE))], &[inline(ONE, b"ours")]), []);
    fs::write(copy.root.join("b"), "theirs").unwrap();
    fs::set_permissions(copy.root.join("b"), fs::Permissions::from_mode(0o600)).unwrap();
    let names = [(top("a"), None), (top("b"), Some(ONE))];
    assert_eq!(copy.say(&names, &[object(ONE, Kind::File, 4, Body::Untouched)]), []);
    assert_eq!(fs::read(copy.root.join("b")).unwrap(), b"ours");
    assert!(!copy.root.join("a").exists());
    assert_eq!(copy.aside("b"), b"theirs");
}

#[test]
fn a_new_version_is_put_in_place_whole_but_for_hard_links() {
    let copy = copy(|_| ());
    let names = [
        (top("d"), Some(DIR)),
        (entry(DIR, b"alone"), Some(ONE)),
        (entry(DIR, b"a"), Some(TWO)),
        (entry(DIR, b"b"), Some(TWO)),
    ];
    let directory = object(DIR, Kind::Directory, 0, Body::Untouched);
    assert_eq!(copy.say(&names, &[directory, inline(ONE, b"old"), inline(TWO, b"old")]), []);
    let path = |name: &str| copy.root.join("d").join(name);
    let inode = |name: &str| fs::metadata(path(name)).unwrap().ino();
    let (alone, linked) = (inode("alone"), inode("a"));
    let mut reader = fs::File::open(path("alone")).unwrap();
    assert_eq!(copy.say(&[], &[inline(ONE, b"new"), inline(TWO, b"newer")]), []);
    let mut read = String::new();
    std::io::Read::read_to_string(&mut reader, &mut read).unwrap();
    assert_eq!((&*read, fs::read(path("alone")).unwrap()), ("old", b"new".to_vec()));
    assert_ne!(inode("alone"), alone);
    assert_eq!((inode("a"), inode("b"), fs::read(path("b")).unwrap()), (linked, linked, b"newer".to_vec()));
    let about = fs::metadata(path("alone")).unwrap();
    assert_eq!((about.mode() & 0o7777, about.uid(), about.mtime()), (0o640, 5, TIME.seconds));
    assert_eq!(fs::metadata(copy.root.join("d")).unwrap().mtime(), TIME.seconds);
    // the index knows the new one
    assert_eq!(copy.tree.identify(&entry(DIR, b"alone")).unwrap(), Holder::Held(ONE));
    assert_eq!(fs::read_dir(copy.root.join(".gsyncd/stage")).unwrap().count(), 0);
}

/// The primary may have forgotten what it said: a name that came and went there while nothing was synced.
#[test]
fn what_a_killed_run_left_is_told_of_with_the_first_answer() {
    let Copy { _home, root, tree, engine } = copy(|_| ());
    let directory = object(DIR, Kind::Directory, 0, Body::Untouched);
    let batch = |names: &[(Entry, Gfid)], objects: &[Object]| {
        let names = names.iter().map(|(at, gfid)| Holding { at: at.clone(), holder: Some(*gfid) }).collect();
        Batch { names, objects: objects.to_vec(), ..Batch::default() }
    };
    engine.apply(&batch(&[(top("d"), DIR)], &[directory])).unwrap();
    tree.sync().unwrap();
    engine.apply(&batch(&[(entry(DIR, b"late"), ONE)], &[inline(ONE, b"1")])).unwrap();
    drop((tree, engine));
    let tree = local::open(&root, [7; 16]).unwrap();
    let engine = Engine::open(Arc::clone(&tree), 2).unwrap();
    let needs = engine.apply(&Batch::default()).unwrap().needs;
    let [times, present] = &*needs else { panic!("{needs:?}") };
    assert_eq!((times.gfid, &times.why), (DIR, &Why::Times));
    assert_eq!((present.at.as_ref(), &present.why), (Some(&entry(DIR, b"late")), &Why::Present));
    assert_eq!(engine.apply(&Batch::default()).unwrap().needs, []);
}

/// The needs of the first answer of a run that finds what another one left without a sync.
fn first_needs(copy: Copy) -> Vec<Need> {
    let Copy { _home, root, tree, engine } = copy;
    drop((tree, engine));
    let tree = local::open(&root, [7; 16]).unwrap();
    let engine = Engine::open(tree, 2).unwrap();
    engine.apply(&Batch::default()).unwrap().needs
}

/// A kill between the rename over the old version and the directory's old times would leave the wrong ones for ever.
#[test]
fn where_a_killed_run_published_the_times_are_asked_for() {
    let copy = copy(|_| ());
    let directory = object(DIR, Kind::Directory, 0, Body::Untouched);
    let names = [(top("d"), Some(DIR)), (entry(DIR, b"f"), Some(ONE))];
    assert_eq!(copy.say(&names, &[directory, inline(ONE, b"old")]), []);
    let object = inline(ONE, b"a new version");
    copy.engine.apply(&Batch { objects: vec![object], ..Batch::default() }).unwrap();
    let needs = first_needs(copy);
    assert!(needs.contains(&Need { gfid: DIR, at: None, why: Why::Times }), "{needs:?}");
}

/// What the root looked like before the parking directory was made is known to nobody after a kill.
#[test]
fn where_a_killed_run_parked_the_roots_times_are_asked_for() {
    let copy = copy(|_| ());
    let names = [(top("x"), Some(ONE))];
    assert_eq!(copy.say(&names, &[inline(ONE, b"lives on")]), []);
    // another takes the name, and the one that has it lives on under one that is not said
    let alive = object(ONE, Kind::File, 8, Body::Untouched);
    copy.say(&[(top("x"), Some(TWO))], &[inline(TWO, b"2"), alive]);
    assert!(copy.root.join(".gsyncd-parking").exists());
    let needs = first_needs(copy);
    assert!(needs.contains(&Need { gfid: Gfid::ROOT, at: None, why: Why::Times }), "{needs:?}");
}

/// A moved file can arrive before the directory that it moved to: that is no reason to send its content again.
#[test]
fn a_file_that_is_here_is_not_missing_when_its_new_directory_is() {
    let copy = copy(|_| {});
    assert_eq!(copy.say(&[(top("old"), Some(ONE))], &[inline(ONE, b"content")]), []);
    let moved = [(entry(DIR, b"new"), Some(ONE)), (top("old"), None)];
    let file = object(ONE, Kind::File, 7, Body::Untouched);
    let needs = copy.say(&moved, std::slice::from_ref(&file));
    let dir = Need { gfid: DIR, at: None, why: Why::Missing };
    let unplaced = Need { gfid: ONE, at: Some(entry(DIR, b"new")), why: Why::Unplaced };
    assert!(needs.contains(&dir) && needs.contains(&unplaced), "{needs:?}");
    assert!(needs.iter().all(|need| need.gfid != ONE || need.why != Why::Missing), "{needs:?}");
    assert_eq!(fs::read(copy.root.join("old")).unwrap(), b"content");
    let names = [&[(top("dir"), Some(DIR))][..], &moved].concat();
    assert_eq!(copy.say(&names, &[object(DIR, Kind::Directory, 0, Body::Untouched), file]), []);
    assert_eq!(fs::read(copy.root.join("dir/new")).unwrap(), b"content");
    assert!(!copy.root.join("old").exists());
}
