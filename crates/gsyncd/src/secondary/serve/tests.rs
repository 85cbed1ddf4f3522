use super::{Say, ServeError, ServeOptions, serve, serve_messages};
use crate::link::frames::{FrameWriter, read};
use crate::link::handshake::meet;
use crate::link::local;
use crate::link::outbox::Outbox;
use crate::tree::Tree;
use crate::tree::memory::MemoryTree;
use crossbeam_channel::unbounded;
use gsyncd_core::id::{Entry, Gfid, Name};
use gsyncd_core::truth::{Answer, Attributes, Batch, Body, Holding, Kind, Object, TimeStamp};
use gsyncd_core::wire::message::{Reply, Request};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

const FILE: Gfid = Gfid([7; 16]);

struct Link {
    stream: UnixStream,
    writer: FrameWriter<UnixStream>,
    serving: JoinHandle<Result<(), ServeError>>,
}

fn start(tree: &MemoryTree, timeout: Option<Duration>) -> Link {
    let (near, far) = UnixStream::pair().unwrap();
    near.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    let (input, tree) = (far.try_clone().unwrap(), Arc::new(tree.clone()));
    let options = ServeOptions { timeout };
    let serving = std::thread::spawn(move || serve(input, far, tree, &options));
    let mut stream = near.try_clone().unwrap();
    meet(&mut stream, &mut near.try_clone().unwrap()).unwrap();
    Link { stream, writer: FrameWriter::new(near), serving }
}

impl Link {
    fn next(&mut self) -> Reply {
        read(&mut self.stream).unwrap()
    }

    fn end(self) -> Result<(), ServeError> {
        self.stream.shutdown(Shutdown::Write).unwrap();
        self.serving.join().unwrap()
    }
}

fn batch(number: u64, body: Body) -> Batch {
    let at = Entry { parent: Gfid::ROOT, name: Name::new(b"f").unwrap() };
    let times = TimeStamp { seconds: 5, nanos: 5 };
    let attributes =
        Attributes { kind: Kind::File, mode: 0o640, uid: 1, gid: 1, size: 3, mtime: times, atime: times };
    let object = Object { gfid: FILE, attributes, xattrs: None, body, times_only: false };
    let names = vec![Holding { at, holder: Some(FILE) }];
    Batch { number, names, objects: vec![object], ..Batch::default() }
}

#[test]
fn a_primary_is_served_until_it_leaves() {
    let tree = MemoryTree::new();
    let mut link = start(&tree, None);
    assert!(matches!(link.next(), Reply::Welcome(welcome) if welcome.empty));
    link.writer.write(&Request::KeepAlive).unwrap();
    assert_eq!(link.next(), Reply::KeepAlive);
    link.writer.write(&Request::Batch(batch(1, Body::Follows))).unwrap();
    assert!(matches!(link.next(), Reply::Answer(answer) if answer.number == 1 && answer.needs.is_empty()));
    assert_eq!(tree.barriers(), 1);
    link.writer.write(&Request::Open { transfer: 9, gfid: FILE, size: 3 }).unwrap();
    assert!(matches!(link.next(), Reply::Signature { transfer: 9, .. }));
    link.writer.write(&Request::Data { transfer: 9, offset: 0, bytes: b"abc"[..].into() }).unwrap();
    let hash = *blake3::hash(b"abc").as_bytes();
    let object = batch(0, Body::Untouched).objects.remove(0);
    link.writer.write(&Request::Close { transfer: 9, size: 3, hash, object }).unwrap();
    assert_eq!(link.next(), Reply::Closed { transfer: 9, failed: None });
    assert_eq!(tree.node(FILE).unwrap().data, b"abc");
    // facts that are true already cost no change and no barrier
    link.writer.write(&Request::Batch(batch(2, Body::Compare))).unwrap();
    assert!(matches!(link.next(), Reply::Answer(answer) if answer.number == 2 && answer.needs.is_empty()));
    assert_eq!(tree.barriers(), 1);
    assert!(link.end().is_ok());
}

#[test]
fn a_sync_is_answered_after_all_that_came_before_it() {
    let tree = MemoryTree::new();
    let (outbox, requests) = local::pair();
    let (sender, replies) = unbounded();
    let serving = std::thread::spawn(move || {
        let say: Say = Arc::new(move |reply| sender.send(reply).unwrap());
        let options = ServeOptions { timeout: None };
        serve_messages(requests, &say, Arc::new(tree), &options)
    });
    for number in 1..=20 {
        outbox.send(Request::Batch(batch(number, Body::Inline(b"abc"[..].into())))).unwrap();
    }
    outbox.send(Request::Sync).unwrap();
    let next = || replies.recv_timeout(Duration::from_secs(10)).unwrap();
    assert!(matches!(next(), Reply::Welcome(_)));
    for wanted in 1..=20 {
        assert!(matches!(next(), Reply::Answer(Answer { number, .. }) if number == wanted));
    }
    assert_eq!(next(), Reply::Synced { generation: 0 });
    drop(outbox);
    assert!(serving.join().unwrap().is_ok());
}

#[test]
fn a_dead_mount_ends_it_and_the_primary_hears_why() {
    let tree = MemoryTree::new();
    let mut link = start(&tree, None);
    assert!(matches!(link.next(), Reply::Welcome(_)));
    tree.crash_after(2);
    link.writer.write(&Request::Batch(batch(1, Body::Inline(b"abc"[..].into())))).unwrap();
    assert!(matches!(link.next(), Reply::Fatal(_)));
    assert!(matches!(link.serving.join().unwrap(), Err(ServeError::Tree(_))));
    assert!(tree.calls() > 0);
}

#[test]
fn silence_is_taken_for_death() {
    let link = start(&MemoryTree::new(), Some(Duration::from_millis(50)));
    assert!(matches!(link.serving.join().unwrap(), Err(ServeError::Silence(_))));
}

#[test]
fn nonsense_ends_the_link() {
    let mut link = start(&MemoryTree::new(), None);
    assert!(matches!(link.next(), Reply::Welcome(_)));
    std::io::Write::write_all(&mut link.stream, &[0xff; 64]).unwrap();
    assert!(matches!(link.end(), Err(ServeError::Link(_))));
}
