//! What a batch costs in a plain directory: calls are counted, as they are a tested property.

use crate::secondary::apply::Engine;
use crate::secondary::apply::tests::model::entry;
use crate::tree::local;
use gsyncd_core::id::Gfid;
use gsyncd_core::truth::{Attributes, Batch, Body, Holding, Kind, Object, TimeStamp};

const FILES_A_DIRECTORY: u32 = 100;

fn gfid(number: u32) -> Gfid {
    let mut gfid = Gfid([1; 16]);
    gfid.0[12..].copy_from_slice(&number.to_be_bytes());
    gfid
}

fn object(gfid: Gfid, kind: Kind, content: &[u8]) -> Object {
    let mtime = TimeStamp { seconds: 1_700_000_000, nanos: 5 };
    let mode = if kind.is_directory() { 0o755 } else { 0o644 };
    let size = content.len() as u64;
    let body = if kind.is_directory() { Body::Untouched } else { Body::Inline(content.into()) };
    let attributes = Attributes { kind, mode, uid: 0, gid: 0, size, mtime, atime: mtime };
    Object { gfid, attributes, xattrs: Some(Vec::new()), body, times_only: false }
}

/// A directory with its files.
fn batch(number: u32, content: &[u8]) -> Batch {
    let first = number * (FILES_A_DIRECTORY + 1);
    let dir = gfid(first);
    let name = format!("dir-{number}");
    let mut batch = Batch { number: number.into(), ..Batch::default() };
    batch.names.push(Holding { at: entry(Gfid::ROOT, name.as_bytes()), holder: Some(dir) });
    batch.objects.push(object(dir, Kind::Directory, b""));
    for file in 1..=FILES_A_DIRECTORY {
        let (gfid, name) = (gfid(first + file), format!("file-{file}"));
        batch.names.push(Holding { at: entry(dir, name.as_bytes()), holder: Some(gfid) });
        batch.objects.push(object(gfid, Kind::File, content));
    }
    batch
}

#[test]
fn a_new_file_costs_five_calls_and_one_that_is_right_few() {
    let home = tempfile::tempdir().unwrap();
    let tree = local::open(home.path(), [7; 16]).unwrap();
    let engine = Engine::open(tree.clone(), 2).unwrap();
    let cost = |content: &[u8]| {
        let answers: Vec<_> = (0..4).map(|n| engine.apply(&batch(n, content)).unwrap()).collect();
        assert!(answers.iter().all(|answer| answer.needs.is_empty()), "{answers:?}");
        tree.sync().unwrap();
        answers.iter().map(|answer| answer.calls).sum::<u64>() as f64 / f64::from(4 * FILES_A_DIRECTORY)
    };
    // create, handle, write, size, times; and something for the directories
    let new = cost(&[7; 4096]);
    assert!(new < 5.5, "{new} calls a new file");
    let same = cost(&[7; 4096]);
    assert!(same < 12.5, "{same} calls a file that is right");
}
