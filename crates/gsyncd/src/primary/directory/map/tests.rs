use super::{Changes, Dirty, Known, Map, SessionState, Stage};
use gsyncd_core::id::{Entry, Gfid, Name};

fn at(parent: Gfid, name: &[u8]) -> Entry {
    Entry { parent, name: Name::new(name).unwrap() }
}

fn known(number: u8) -> Known {
    Known {
        gfid: Gfid([number; 16]),
        ino: 1,
        ctime: (2, 3),
        young: false,
        mtime: (4, 5),
        size: 6,
        mode: 0o100_644,
    }
}

/// Everything looks the same from memory, from the store and after a restart.
#[test]
fn what_was_noted_is_found_from_memory_and_from_the_store() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("map.redb");
    let map = Map::open(&path).unwrap();
    let (first, second) = (at(Gfid::ROOT, b"a"), at(Gfid::ROOT, b"b\xff"));
    map.put(&first, known(1)).unwrap();
    map.put(&second, known(1)).unwrap();
    map.put(&at(Gfid([1; 16]), b"below"), known(2)).unwrap();
    map.mark(Gfid([1; 16]), Changes::META).unwrap();
    map.mark_name(first.clone(), Gfid([9; 16])).unwrap();
    map.mark(Gfid([1; 16]), Changes::DATA).unwrap();
    let check = |map: &Map| {
        assert_eq!(map.entry(&first).unwrap(), Some(known(1)));
        let children = map.children(Gfid::ROOT).unwrap();
        assert_eq!(children, [(first.name.clone(), known(1)), (second.name.clone(), known(1))]);
        assert_eq!(map.names(Gfid([1; 16])).unwrap(), [first.clone(), second.clone()]);
        let both = Changes::META.and(Changes::DATA);
        let dirty: Vec<Dirty> = map.dirty(0, 10).unwrap().into_iter().map(|(_, dirty)| dirty).collect();
        assert_eq!(dirty, [Dirty::Name(first.clone(), Gfid([9; 16])), Dirty::Object(Gfid([1; 16]), both)]);
    };
    check(&map);
    map.commit().unwrap();
    check(&map);
    drop(map);
    check(&Map::open(&path).unwrap());
}

#[test]
fn what_was_replaced_said_or_removed_is_gone() {
    let home = tempfile::tempdir().unwrap();
    let map = Map::open(&home.path().join("map.redb")).unwrap();
    let first = at(Gfid::ROOT, b"a");
    map.put(&first, known(1)).unwrap();
    map.mark(Gfid([1; 16]), Changes::META).unwrap();
    map.commit().unwrap();
    map.put(&first, known(2)).unwrap();
    assert_eq!(map.names(Gfid([1; 16])).unwrap(), []);
    for (position, _) in map.dirty(0, 10).unwrap() {
        map.said(position, Gfid([1; 16])).unwrap();
    }
    assert_eq!(map.dirty(0, 10).unwrap(), []);
    assert_eq!(map.remove(&first).unwrap(), Some(known(2)));
    map.commit().unwrap();
    assert_eq!(map.children(Gfid::ROOT).unwrap(), []);
    // marked again while it is being said
    map.mark(Gfid([1; 16]), Changes::META).unwrap();
    let [(position, _)] = map.dirty(0, 10).unwrap()[..] else { panic!("one mark") };
    map.mark(Gfid([1; 16]), Changes::META).unwrap();
    map.said(position, Gfid([1; 16])).unwrap();
    assert_eq!(map.dirty(0, 10).unwrap().len(), 1);
}

#[test]
fn the_session_is_remembered_when_the_tree_is_forgotten() {
    let home = tempfile::tempdir().unwrap();
    let map = Map::open(&home.path().join("map.redb")).unwrap();
    assert_eq!(map.session().unwrap(), SessionState::default());
    let session = SessionState {
        tree: [1; 16],
        root: b"handle".to_vec(),
        file_system: b"fs".to_vec(),
        copy: [2; 16],
        generation: 7,
        stage: Stage::Adopting,
    };
    map.set_session(&session).unwrap();
    map.put(&at(Gfid::ROOT, b"a"), known(1)).unwrap();
    map.clear().unwrap();
    assert_eq!(map.session().unwrap(), session);
    assert_eq!(map.children(Gfid::ROOT).unwrap(), []);
}

#[test]
fn a_file_that_is_no_store_is_refused_by_name() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("map.redb");
    std::fs::write(&path, [b'x'; 10_000]).unwrap();
    let error = Map::open(&path).err().map(|error| error.to_string()).unwrap_or_default();
    assert!(error.contains("map.redb"), "{error}");
}

/// A run that changes nothing ends without waiting for the disk.
#[test]
fn what_is_on_record_already_is_not_written_again() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("map.redb");
    let map = Map::open(&path).unwrap();
    let session = SessionState { generation: 7, ..map.session().unwrap() };
    map.set_session(&session).unwrap();
    let before = std::fs::read(&path).unwrap();
    map.set_session(&session).unwrap();
    assert!(std::fs::read(&path).unwrap() == before);
    map.put(&at(Gfid::ROOT, b"a"), known(1)).unwrap();
    map.set_session(&session).unwrap();
    assert!(std::fs::read(&path).unwrap() != before);
}
