use super::{BLOCK_BYTES, Receiver, Step};
use crate::tree::Tree;
use crate::tree::memory::MemoryTree;
use crossbeam_channel::{Receiver as Inbox, unbounded};
use gsyncd_core::id::{Entry, Gfid, Name};
use gsyncd_core::truth::{Attributes, Body, Kind, Object, TimeStamp};
use gsyncd_core::wire::message::Reply;
use std::sync::Arc;
use std::time::Duration;

const FILE: Gfid = Gfid([7; 16]);
const MTIME: TimeStamp = TimeStamp { seconds: 77, nanos: 7 };

fn object(size: u64) -> Box<Object> {
    let attributes = Attributes {
        kind: Kind::File,
        mode: 0o4711,
        uid: 3,
        gid: 4,
        size,
        mtime: MTIME,
        atime: TimeStamp::default(),
    };
    Box::new(Object { gfid: FILE, attributes, xattrs: None, body: Body::Untouched, times_only: false })
}

fn start(content: &[u8]) -> (MemoryTree, Receiver, Inbox<Reply>) {
    let tree = MemoryTree::new();
    let at = Entry { parent: Gfid::ROOT, name: Name::new(b"f").unwrap() };
    tree.create(&at, FILE, &Kind::File, 0o600).unwrap();
    tree.change(FILE, |node| node.data = content.to_vec());
    let (sender, replies) = unbounded();
    let receiver = Receiver::new(Arc::new(tree.clone()), Arc::new(move |reply| sender.send(reply).unwrap()));
    (tree, receiver, replies)
}

fn next(replies: &Inbox<Reply>) -> Reply {
    replies.recv_timeout(Duration::from_secs(10)).unwrap()
}

#[test]
fn blocks_holes_and_a_shorter_end() {
    let block = BLOCK_BYTES as usize;
    let (tree, mut receiver, replies) = start(&vec![1; 4 * block]);
    receiver.open(5, FILE);
    let expected = blake3::hash(&vec![1; block]).as_bytes()[..16].to_vec();
    match next(&replies) {
        Reply::Signature { transfer: 5, block_bytes: BLOCK_BYTES, size, blocks } => {
            assert_eq!((size, blocks.len()), (4 * block as u64, 4));
            assert!(blocks.iter().all(|hash| hash[..] == expected));
        }
        other => panic!("{other:?}"),
    }
    receiver.step(5, Step::Data { offset: 10, bytes: b"new"[..].into() });
    receiver.step(5, Step::Hole { offset: block as u64, length: u64::MAX });
    let (size, hash) = (2 * block as u64 + 5, *blake3::hash(b"new").as_bytes());
    receiver.step(5, Step::Close { size, hash, object: object(size) });
    assert_eq!(next(&replies), Reply::Closed { transfer: 5, failed: None });
    let node = tree.node(FILE).unwrap();
    let mut wanted = vec![1; block];
    wanted[10..13].copy_from_slice(b"new");
    wanted.resize(2 * block + 5, 0);
    assert!(node.data == wanted);
    assert_eq!((node.mode, node.owner, node.times.1), (0o4711, (3, 4), MTIME));
}

#[test]
fn bytes_that_changed_on_the_way_are_no_success() {
    let (tree, mut receiver, replies) = start(b"");
    receiver.open(1, FILE);
    assert!(matches!(next(&replies), Reply::Signature { size: 0, blocks, .. } if blocks.is_empty()));
    receiver.step(1, Step::Data { offset: 0, bytes: b"abd"[..].into() });
    let hash = *blake3::hash(b"abc").as_bytes();
    receiver.step(1, Step::Close { size: 3, hash, object: object(3) });
    assert!(matches!(next(&replies), Reply::Closed { transfer: 1, failed: Some((5, _)) }));
    // it must not look complete to a later comparison by size and time
    assert_ne!(tree.node(FILE).unwrap().times.1, MTIME);
}

#[test]
fn a_missing_file_is_told_and_an_abandoned_one_is_not() {
    let (_, mut receiver, replies) = start(b"x");
    receiver.open(1, Gfid([9; 16]));
    assert!(matches!(next(&replies), Reply::Closed { transfer: 1, failed: Some((2, _)) }));
    receiver.step(1, Step::Hole { offset: 0, length: 1 });
    receiver.open(2, FILE);
    assert!(matches!(next(&replies), Reply::Signature { transfer: 2, .. }));
    receiver.abandon(2);
    drop(receiver);
    // the thread's end drops the last sender
    assert_eq!(replies.recv_timeout(Duration::from_secs(10)).ok(), None);
}
