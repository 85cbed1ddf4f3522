//! A tree in memory with the rules of a Gluster volume, for tests: it can fail and it can crash.

use super::{Access, Durability, Handle, Holder, Seen, Tree};
use gsyncd_core::id::{Entry, Gfid, Name};
use gsyncd_core::truth::{Kind, TimeStamp, Xattr};
use gsyncd_sys::{Errno, Error, Result};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard};

/// One object. The atime is left out of comparisons nowhere: it is replicated too.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Node {
    pub(crate) kind: Kind,
    pub(crate) mode: u32,
    pub(crate) owner: (u32, u32),
    pub(crate) times: (TimeStamp, TimeStamp),
    pub(crate) data: Vec<u8>,
    pub(crate) xattrs: BTreeMap<Box<[u8]>, Box<[u8]>>,
    pub(crate) names: BTreeSet<Entry>,
    pub(crate) children: BTreeMap<Name, Gfid>,
}

#[derive(Default)]
struct State {
    nodes: BTreeMap<Gfid, Node>,
    calls: u64,
    clock: i64,
    failures: BTreeMap<u64, Errno>,
    crash_at: Option<u64>,
    destroyed: Vec<Gfid>,
    barriers: u64,
    durability: Option<Durability>,
}

/// The tree; clones are the same tree.
#[derive(Clone)]
pub(crate) struct MemoryTree {
    state: Arc<Mutex<State>>,
}

fn fail<T>(call: &'static str, errno: Errno) -> Result<T> {
    Err(Error::new(call, b"", errno))
}

impl State {
    fn node(kind: Kind, mode: u32, clock: i64) -> Node {
        let now = TimeStamp { seconds: clock, nanos: 1 };
        Node {
            kind,
            mode,
            owner: (0, 0),
            times: (now, now),
            data: Vec::new(),
            xattrs: BTreeMap::new(),
            names: BTreeSet::new(),
            children: BTreeMap::new(),
        }
    }

    fn holder(&self, at: &Entry) -> Option<Gfid> {
        self.nodes.get(&at.parent)?.children.get(&at.name).copied()
    }

    fn directory(&mut self, gfid: Gfid, call: &'static str) -> Result<&mut Node> {
        match self.nodes.get_mut(&gfid) {
            Some(node) if node.kind.is_directory() => Ok(node),
            Some(_) => fail(call, Errno::NOTDIR),
            None => fail(call, Errno::NOENT),
        }
    }

    /// Puts or takes a name, and moves the parent's time.
    fn set(&mut self, at: &Entry, holder: Option<Gfid>) {
        self.clock += 1;
        let now = TimeStamp { seconds: self.clock, nanos: 5 };
        let before = self.holder(at);
        let parent = self.nodes.get_mut(&at.parent).unwrap();
        parent.times.1 = now;
        match holder {
            Some(gfid) => parent.children.insert(at.name.clone(), gfid),
            None => parent.children.remove(&at.name),
        };
        if let Some(gfid) = before {
            let node = self.nodes.get_mut(&gfid).unwrap();
            node.names.remove(at);
        }
        if let Some(gfid) = holder {
            self.nodes.get_mut(&gfid).unwrap().names.insert(at.clone());
        }
    }

    /// Destroys an object without names.
    fn reap(&mut self, gfid: Gfid) {
        if self.nodes.get(&gfid).is_some_and(|node| node.names.is_empty() && node.children.is_empty()) {
            self.nodes.remove(&gfid);
            self.destroyed.push(gfid);
        }
    }

    fn is_below(&self, mut gfid: Gfid, above: Gfid) -> bool {
        loop {
            if gfid == above {
                return true;
            }
            match self.nodes.get(&gfid).and_then(|node| node.names.first()) {
                Some(at) => gfid = at.parent,
                None => return false,
            }
        }
    }

    fn check_rename(&mut self, from: &Entry, to: &Entry) -> Result<(Gfid, Option<Gfid>)> {
        self.directory(from.parent, "rename")?;
        self.directory(to.parent, "rename")?;
        let Some(gfid) = self.holder(from) else { return fail("rename", Errno::NOENT) };
        let moves_directory = self.nodes[&gfid].kind.is_directory();
        if moves_directory && self.is_below(to.parent, gfid) {
            return fail("rename", Errno::INVAL);
        }
        let target = self.holder(to);
        if let Some(target) = target.filter(|target| *target != gfid) {
            let node = &self.nodes[&target];
            match (moves_directory, node.kind.is_directory()) {
                (true, false) => return fail("rename", Errno::NOTDIR),
                (false, true) => return fail("rename", Errno::ISDIR),
                (true, true) if !node.children.is_empty() => return fail("rename", Errno::NOTEMPTY),
                _ => {}
            }
        }
        Ok((gfid, target))
    }
}

impl MemoryTree {
    pub(crate) fn new() -> MemoryTree {
        let mut state = State::default();
        state.nodes.insert(Gfid::ROOT, State::node(Kind::Directory, 0o755, 0));
        MemoryTree { state: Arc::new(Mutex::new(state)) }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// Counts a call; fails when it is the one chosen to fail, or after the crash.
    fn enter(&self, call: &'static str) -> Result<MutexGuard<'_, State>> {
        let mut state = self.lock();
        state.calls += 1;
        if state.crash_at.is_some_and(|at| state.calls >= at) {
            return fail(call, Errno::NOTCONN);
        }
        let count = state.calls;
        match state.failures.remove(&count) {
            Some(errno) => fail(call, errno),
            None => Ok(state),
        }
    }

    /// All calls after `count` more fail as on a mount that died.
    pub(crate) fn crash_after(&self, count: u64) {
        let mut state = self.lock();
        state.crash_at = Some(state.calls + count);
    }

    /// The mount is back.
    pub(crate) fn recover(&self) {
        self.lock().crash_at = None;
    }

    /// The `count`th call from now fails.
    pub(crate) fn fail_at(&self, count: u64, errno: Errno) {
        let mut state = self.lock();
        let at = state.calls + count;
        state.failures.insert(at, errno);
    }

    pub(crate) fn heal(&self) {
        self.lock().failures.clear();
    }

    pub(crate) fn nodes(&self) -> BTreeMap<Gfid, Node> {
        self.lock().nodes.clone()
    }

    pub(crate) fn node(&self, gfid: Gfid) -> Option<Node> {
        self.lock().nodes.get(&gfid).cloned()
    }

    pub(crate) fn destroyed(&self) -> Vec<Gfid> {
        self.lock().destroyed.clone()
    }

    /// From now on files are made durable all at once.
    pub(crate) fn hold_content_at_the_barrier(&self) {
        self.lock().durability = Some(Durability::Barrier);
    }

    /// How often everything was made durable.
    pub(crate) fn barriers(&self) -> u64 {
        self.lock().barriers
    }

    /// Changes an object as a user would; its mtime moves.
    pub(crate) fn change(&self, gfid: Gfid, change: impl FnOnce(&mut Node)) {
        let mut state = self.lock();
        state.clock += 1;
        let now = TimeStamp { seconds: state.clock, nanos: 9 };
        let node = state.nodes.get_mut(&gfid).unwrap();
        change(node);
        node.times.1 = now;
    }
}

impl Tree for MemoryTree {
    fn identify(&self, at: &Entry) -> Result<Holder> {
        let state = self.enter("identify")?;
        Ok(match state.nodes.get(&at.parent) {
            None => Holder::NoParent,
            Some(_) => state.holder(at).map_or(Holder::Free, Holder::Held),
        })
    }

    fn look(&self, gfid: Gfid) -> Result<Option<Seen>> {
        Ok(self.enter("look")?.nodes.get(&gfid).map(seen))
    }

    fn create(&self, at: &Entry, gfid: Gfid, kind: &Kind, mode: u32) -> Result<Option<Box<dyn Handle>>> {
        let mut state = self.enter("create")?;
        assert!(*kind == Kind::File || !state.nodes.contains_key(&gfid), "corruption: {gfid} created twice");
        state.directory(at.parent, "create")?;
        if state.holder(at).is_some() {
            return fail("create", Errno::EXIST);
        }
        // as GlusterFS 10.3 answers for a regular file
        if state.nodes.contains_key(&gfid) {
            return fail("create", Errno::NODATA);
        }
        let node = State::node(kind.clone(), mode, state.clock);
        state.nodes.insert(gfid, node);
        state.set(at, Some(gfid));
        Ok(None)
    }

    fn link(&self, gfid: Gfid, at: &Entry) -> Result<()> {
        let mut state = self.enter("link")?;
        state.directory(at.parent, "link")?;
        match state.nodes.get(&gfid) {
            None => return fail("link", Errno::NOENT),
            Some(node) if node.kind.is_directory() => return fail("link", Errno::PERM),
            Some(_) => {}
        }
        if state.holder(at).is_some() {
            return fail("link", Errno::EXIST);
        }
        state.set(at, Some(gfid));
        Ok(())
    }

    fn rename(&self, from: &Entry, to: &Entry) -> Result<()> {
        let mut state = self.enter("rename")?;
        let (gfid, target) = state.check_rename(from, to)?;
        if target == Some(gfid) {
            return Ok(());
        }
        state.set(from, None);
        state.set(to, Some(gfid));
        if let Some(target) = target {
            state.reap(target);
        }
        Ok(())
    }

    fn unlink(&self, at: &Entry) -> Result<()> {
        let mut state = self.enter("unlink")?;
        let Some(gfid) = state.holder(at) else { return fail("unlink", Errno::NOENT) };
        if state.nodes[&gfid].kind.is_directory() {
            return fail("unlink", Errno::ISDIR);
        }
        state.set(at, None);
        state.reap(gfid);
        Ok(())
    }

    fn rmdir(&self, at: &Entry) -> Result<()> {
        let mut state = self.enter("rmdir")?;
        let Some(gfid) = state.holder(at) else { return fail("rmdir", Errno::NOENT) };
        let node = state.directory(gfid, "rmdir")?;
        if !node.children.is_empty() {
            return fail("rmdir", Errno::NOTEMPTY);
        }
        state.set(at, None);
        state.reap(gfid);
        Ok(())
    }

    fn locate(&self, directory: Gfid) -> Result<Option<Entry>> {
        Ok(self.enter("locate")?.nodes.get(&directory).and_then(|node| node.names.first().cloned()))
    }

    fn entries(&self, directory: Gfid, each: &mut dyn FnMut(Name, Gfid) -> bool) -> Result<()> {
        let children = self.enter("entries")?.directory(directory, "entries")?.children.clone();
        let _ = children.into_iter().all(|(name, gfid)| each(name, gfid));
        Ok(())
    }

    fn open(&self, gfid: Gfid, access: Access) -> Result<Box<dyn Handle>> {
        let state = self.enter("open")?;
        match state.nodes.get(&gfid) {
            None => fail("open", Errno::NOENT),
            Some(node) if access == Access::Content && node.kind != Kind::File => fail("open", Errno::NXIO),
            Some(_) => Ok(Box::new(Open { tree: self.clone(), gfid })),
        }
    }

    fn durability(&self) -> Durability {
        self.lock().durability.unwrap_or(Durability::EachFile)
    }

    /// Not counted: the real one asks the brick, not the volume.
    fn stored_size(&self, gfid: Gfid) -> Result<Option<u64>> {
        Ok(self.lock().nodes.get(&gfid).map(|node| node.data.len() as u64))
    }

    fn barrier(&self) -> Result<()> {
        self.enter("barrier")?.barriers += 1;
        Ok(())
    }

    fn calls(&self) -> u64 {
        self.lock().calls
    }
}

fn seen(node: &Node) -> Seen {
    let device = match node.kind {
        Kind::Char(device) | Kind::Block(device) => device,
        _ => 0,
    };
    Seen {
        mode: node.mode | node.kind.type_bits(),
        nlink: node.names.len() as u64,
        uid: node.owner.0,
        gid: node.owner.1,
        size: node.data.len() as u64,
        device,
        mtime: node.times.1,
        atime: node.times.0,
    }
}

struct Open {
    tree: MemoryTree,
    gfid: Gfid,
}

impl Open {
    fn with<T>(&self, call: &'static str, work: impl FnOnce(&mut Node) -> T) -> Result<T> {
        let mut state = self.tree.enter(call)?;
        match state.nodes.get_mut(&self.gfid) {
            Some(node) => Ok(work(node)),
            None => fail(call, Errno::STALE),
        }
    }
}

impl Handle for Open {
    fn seen(&self) -> Result<Seen> {
        self.with("fstat", |node| seen(node))
    }
    fn set_owner(&self, uid: u32, gid: u32) -> Result<()> {
        self.with("fchown", |node| {
            node.owner = (uid, gid);
            if node.kind == Kind::File {
                node.mode &= !0o6000;
            }
        })
    }
    fn set_mode(&self, mode: u32) -> Result<()> {
        self.with("fchmod", |node| node.mode = mode)
    }
    fn set_times(&self, atime: TimeStamp, mtime: TimeStamp) -> Result<()> {
        self.with("futimens", |node| node.times = (atime, mtime))
    }
    fn xattrs(&self) -> Result<Vec<Xattr>> {
        self.with("flistxattr", |node| {
            node.xattrs.iter().map(|(key, value)| Xattr { key: key.clone(), value: value.clone() }).collect()
        })
    }
    fn set_xattr(&self, xattr: &Xattr) -> Result<()> {
        self.with("fsetxattr", |node| {
            node.xattrs.insert(xattr.key.clone(), xattr.value.clone());
        })
    }
    fn remove_xattr(&self, key: &[u8]) -> Result<()> {
        self.with("fremovexattr", |node| {
            node.xattrs.remove(key);
        })
    }
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> Result<usize> {
        self.with("pread", |node| {
            let rest = node.data.get(offset as usize..).unwrap_or_default();
            let count = rest.len().min(buffer.len());
            buffer[..count].copy_from_slice(&rest[..count]);
            count
        })
    }
    fn write_at(&self, bytes: &[u8], offset: u64) -> Result<()> {
        self.with("pwrite", |node| {
            let end = offset as usize + bytes.len();
            node.data.resize(node.data.len().max(end), 0);
            node.data[offset as usize..end].copy_from_slice(bytes);
            // as a brick does, even for root
            node.mode &= !0o6000;
            node.times.1 = TimeStamp { seconds: -1, nanos: 0 };
        })
    }
    fn truncate(&self, size: u64) -> Result<()> {
        self.with("ftruncate", |node| node.data.resize(size as usize, 0))
    }
    fn punch_hole(&self, offset: u64, length: u64) -> Result<()> {
        self.with("fallocate", |node| {
            let end = (offset + length).min(node.data.len() as u64) as usize;
            node.data[offset as usize..end].fill(0);
        })
    }
    fn sync(&self) -> Result<()> {
        self.with("fsync", |_| ())
    }
    fn close(self: Box<Self>) -> Result<()> {
        Ok(())
    }
}
