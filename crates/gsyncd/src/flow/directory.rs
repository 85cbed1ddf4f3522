//! A plain directory as the primary, a tree in memory as the secondary.

use crate::exit::Failure;
use crate::link::local;
use crate::primary::directory::{Connect, Conversation, Directory, Ending, Phase, Plan, Progress, Snapshot};
use crate::primary::send::Inbound;
use crate::secondary::serve::{ServeOptions, serve_messages};
use crate::tree::memory::MemoryTree;
use crossbeam_channel::{Sender, unbounded};
use gsyncd_core::id::Gfid;
use gsyncd_core::truth::Kind;
use proptest::prelude::{ProptestConfig, any, proptest};
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// Long enough for anything that works.
const BOUND: Duration = Duration::from_secs(30);

/// What users see of one path. Names of one object share the number of the first of them.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Shown {
    kind: u32,
    target: Vec<u8>,
    mode: u32,
    mtime: (i64, u32),
    content: Vec<u8>,
    first_name: Vec<u8>,
}

type Shape = BTreeMap<Vec<u8>, Shown>;

struct Near {
    tree: MemoryTree,
    /// Of the last connection, to break or stop it.
    report: Arc<Mutex<Option<Sender<Inbound>>>>,
}

impl Connect for Near {
    fn connect(&mut self, _tree: [u8; 16]) -> Result<Conversation, Failure> {
        let (outbox, requests) = local::pair();
        let (report, inbox) = unbounded();
        let say = {
            let report = report.clone();
            Arc::new(move |reply| drop(report.send(Inbound::Reply(reply))))
        };
        let tree = Arc::new(self.tree.clone());
        let options = ServeOptions { timeout: None };
        std::thread::spawn(move || {
            let say: crate::secondary::serve::Say = say;
            serve_messages(requests, &say, tree, &options)
        });
        *self.report.lock().unwrap() = Some(report.clone());
        Ok(Conversation { outbox: Arc::new(outbox), inbox, report })
    }
}

struct World {
    home: tempfile::TempDir,
    tree: MemoryTree,
}

impl World {
    fn new() -> World {
        let home = tempfile::tempdir().unwrap();
        fs::create_dir(home.path().join("source")).unwrap();
        fs::create_dir(home.path().join("state")).unwrap();
        World { home, tree: MemoryTree::new() }
    }

    fn source(&self) -> PathBuf {
        self.home.path().join("source")
    }

    fn plan(&self) -> Plan {
        Plan {
            source: self.source(),
            state: self.home.path().join("state"),
            excludes: Vec::new(),
            ignore_deletes: false,
            trust_mtime: false,
            once: true,
            crawl_interval: None,
        }
    }

    fn near(&self) -> Near {
        Near { tree: self.tree.clone(), report: Arc::default() }
    }

    fn sync_with(&self, plan: Plan) -> Snapshot {
        let progress = Arc::new(Progress::default());
        let mut directory = open(&plan, &progress).unwrap();
        let ending = directory.run(&mut self.near());
        assert!(matches!(ending, Ending::UpToDate), "{ending:?}");
        progress.now().1
    }

    fn sync(&self) -> Snapshot {
        let snapshot = self.sync_with(self.plan());
        assert_eq!(snapshot.failing, 0, "{:?}", snapshot.last_error);
        snapshot
    }

    fn assert_equal(&self) {
        let differences = differences(&self.there(), &here(&self.source()));
        assert!(differences.is_empty(), "{}", differences.join("\n"));
    }

    /// Mode and time of both roots.
    fn roots(&self) -> [(u32, i64, u32); 2] {
        let here = fs::metadata(self.source()).unwrap();
        let there = &self.tree.nodes()[&Gfid::ROOT];
        let mtime = there.times.1;
        [
            (here.mode() & 0o7777, here.mtime(), here.mtime_nsec() as u32),
            (there.mode & 0o7777, mtime.seconds, mtime.nanos),
        ]
    }

    fn there(&self) -> Shape {
        let nodes = self.tree.nodes();
        let (mut shape, mut first_names) = (Shape::new(), BTreeMap::<Gfid, Vec<u8>>::new());
        let mut open = vec![(Gfid::ROOT, Vec::new())];
        let mut paths = BTreeMap::new();
        while let Some((dir, path)) = open.pop() {
            for (name, gfid) in &nodes[&dir].children {
                let path = joined(&path, name.as_bytes());
                if nodes[gfid].kind.is_directory() {
                    open.push((*gfid, path.clone()));
                }
                paths.insert(path, *gfid);
            }
        }
        for (path, gfid) in paths {
            let node = &nodes[&gfid];
            let first_name = first_names.entry(gfid).or_insert_with(|| path.clone()).clone();
            let target = if let Kind::Symlink(target) = &node.kind { target.to_vec() } else { Vec::new() };
            let mode = if target.is_empty() { node.mode & 0o7777 } else { 0 };
            let mtime = (node.times.1.seconds, node.times.1.nanos);
            let kind = node.kind.type_bits();
            shape.insert(path, Shown { kind, target, mode, mtime, content: node.data.clone(), first_name });
        }
        shape
    }
}

/// Opens a session's state, when the threads of the session before have let go of it.
fn open(plan: &Plan, progress: &Arc<Progress>) -> Result<Directory, Failure> {
    let deadline = Instant::now() + BOUND;
    loop {
        match Directory::open(plan.clone(), Arc::clone(progress)) {
            Err(failure) if failure.message.contains("already open") && Instant::now() < deadline => {
                std::thread::yield_now();
            }
            outcome => return outcome,
        }
    }
}

fn joined(path: &[u8], name: &[u8]) -> Vec<u8> {
    if path.is_empty() { name.to_vec() } else { [path, b"/", name].concat() }
}

/// A line for each path that is not the same, without the contents.
fn differences(there: &Shape, here: &Shape) -> Vec<String> {
    let short = |shown: Option<&Shown>| {
        shown.map_or("nothing".to_owned(), |shown| {
            let Shown { kind, mode, mtime, content, first_name, .. } = shown;
            let (length, first) = (content.len(), first_name.escape_ascii());
            format!("{kind:o} {mode:o} {mtime:?} {length} bytes of {:?}, first {first}", content.first())
        })
    };
    let paths: std::collections::BTreeSet<_> = there.keys().chain(here.keys()).collect();
    let differing = paths.into_iter().filter(|path| there.get(*path) != here.get(*path));
    differing
        .map(|path| {
            let (there, here) = (short(there.get(path)), short(here.get(path)));
            format!("{}: there {there}; here {here}", path.escape_ascii())
        })
        .collect()
}

fn here(root: &Path) -> Shape {
    let (mut shape, mut first_names) = (Shape::new(), BTreeMap::new());
    let mut paths = Vec::new();
    let mut open = vec![root.to_owned()];
    while let Some(dir) = open.pop() {
        for entry in fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if fs::symlink_metadata(&path).unwrap().is_dir() {
                open.push(path.clone());
            }
            paths.push((path.strip_prefix(root).unwrap().as_os_str().as_bytes().to_vec(), path));
        }
    }
    paths.sort();
    for (short, path) in paths {
        let seen = fs::symlink_metadata(&path).unwrap();
        let first_name = first_names.entry(seen.ino()).or_insert_with(|| short.clone()).clone();
        let target = if seen.is_symlink() {
            fs::read_link(&path).unwrap().as_os_str().as_bytes().to_vec()
        } else {
            Vec::new()
        };
        let mode = if seen.is_symlink() { 0 } else { seen.mode() & 0o7777 };
        let content = if seen.is_file() { fs::read(&path).unwrap() } else { Vec::new() };
        let mtime = (seen.mtime(), seen.mtime_nsec() as u32);
        let kind = seen.mode() & 0o170_000;
        shape.insert(short, Shown { kind, target, mode, mtime, content, first_name });
    }
    shape
}

/// Some path in the tree, there or not; the numbers choose.
fn place(root: &Path, dir: u8, name: u8) -> PathBuf {
    let shape = here(root);
    let mut dirs = vec![root.to_owned()];
    dirs.extend(
        shape
            .iter()
            .filter(|(_, shown)| shown.kind == 0o040_000)
            .map(|(path, _)| root.join(std::ffi::OsStr::from_bytes(path))),
    );
    dirs[usize::from(dir) % dirs.len()].join(std::ffi::OsStr::from_bytes(&[b'a' + name % 6, 0xff]))
}

/// As [`change`] while others change the tree too: names are chosen blindly.
fn weather(root: &Path, (what, x, y, z): (u8, u8, u8, u8)) {
    let path = |x: u8, y: u8| {
        let mut path = root.to_owned();
        for part in [x % 3, x / 3 % 3, x / 9 % 3].into_iter().take(usize::from(y) % 4) {
            path.push(format!("d{part}"));
        }
        path.join(if y.is_multiple_of(3) { format!("d{}", x % 3) } else { format!("f{}", x % 5) })
    };
    let (at, other) = (path(x, y), path(z, x));
    let _ = match what % 10 {
        0..3 => fs::write(&at, vec![z; usize::from(z) * 10]),
        3 | 4 => fs::create_dir(&at),
        5 if z.is_multiple_of(4) => fs::remove_dir_all(&at),
        5 => fs::remove_file(&at),
        6..9 => fs::rename(&at, &other),
        _ => fs::hard_link(&at, &other),
    };
}

/// One random change; those that the file system refuses are no changes.
fn change(root: &Path, (what, x, y, z): (u8, u8, u8, u8)) {
    let (at, other) = (place(root, x, y), place(root, z, x));
    let is_file = fs::symlink_metadata(&at).is_ok_and(|seen| seen.is_file());
    let length = if z.is_multiple_of(11) { 600_000 } else { usize::from(z) };
    let _ = match what % 12 {
        0..3 if !is_file && at.exists() => Ok(()),
        0..3 => fs::write(&at, vec![z; length]),
        3 => fs::create_dir(&at),
        4 => fs::remove_file(&at),
        5 if z.is_multiple_of(3) => fs::remove_dir_all(&at),
        5 => fs::remove_dir(&at),
        6..9 => fs::rename(&at, &other),
        9 if is_file => fs::hard_link(&at, &other),
        9 => std::os::unix::fs::symlink(&other, &at),
        10 if at.exists() => fs::set_permissions(&at, fs::Permissions::from_mode(0o700 | u32::from(z % 64))),
        11 if is_file => fs::OpenOptions::new()
            .append(true)
            .open(&at)
            .and_then(|mut file| std::io::Write::write_all(&mut file, &[y; 3])),
        _ => Ok(()),
    };
}

/// Follows in a thread until dropped.
struct Follower {
    progress: Arc<Progress>,
    report: Arc<Mutex<Option<Sender<Inbound>>>>,
    thread: Option<std::thread::JoinHandle<Ending>>,
}

impl Follower {
    fn start(world: &World) -> Follower {
        let plan = Plan { once: false, ..world.plan() };
        let mut near = world.near();
        let report = Arc::clone(&near.report);
        let progress = Arc::new(Progress::default());
        let told = Arc::clone(&progress);
        let thread = std::thread::spawn(move || open(&plan, &told).unwrap().run(&mut near));
        Follower { progress, report, thread: Some(thread) }
    }

    fn stop(mut self) {
        let deadline = Instant::now() + BOUND;
        while self.report.lock().unwrap().is_none() {
            assert!(Instant::now() < deadline, "never connected");
            std::thread::yield_now();
        }
        self.report.lock().unwrap().take().unwrap().send(Inbound::Stop).unwrap();
        let ending = self.thread.take().unwrap().join().unwrap();
        assert!(matches!(ending, Ending::Stopped), "{ending:?}");
    }
}

fn wait_until(holds: impl Fn() -> bool) -> bool {
    let deadline = Instant::now() + BOUND;
    while !holds() {
        if Instant::now() > deadline {
            return false;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    true
}

fn wait_until_equal(world: &World) {
    if !wait_until(|| world.there() == here(&world.source())) {
        world.assert_equal();
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, max_shrink_iters: 0, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_history_ends_equal_after_each_run(
        steps in proptest::collection::vec(any::<(u8, u8, u8, u8)>(), 1..60)
    ) {
        let world = World::new();
        for (number, step) in steps.into_iter().enumerate() {
            change(&world.source(), step);
            if number % 17 == 0 {
                world.sync();
                world.assert_equal();
            }
        }
        world.sync();
        world.assert_equal();
        let idle = world.sync();
        assert_eq!((idle.sent_bytes, idle.removed), (0, 0));
    }

    #[test]
    fn every_history_is_followed(
        before in proptest::collection::vec(any::<(u8, u8, u8, u8)>(), 0..30),
        live in proptest::collection::vec(any::<(u8, u8, u8, u8)>(), 1..60)
    ) {
        let world = World::new();
        before.into_iter().for_each(|step| change(&world.source(), step));
        let follower = Follower::start(&world);
        for step in live {
            change(&world.source(), step);
        }
        wait_until_equal(&world);
        follower.stop();
    }

    #[test]
    fn every_storm_is_followed(
        storm in proptest::collection::vec(proptest::collection::vec(any::<(u8, u8, u8, u8)>(), 100..400), 3)
    ) {
        let world = World::new();
        let follower = Follower::start(&world);
        assert!(wait_until(|| follower.progress.now().1.phase == Phase::Following));
        let root = &world.source();
        std::thread::scope(|scope| {
            for steps in storm {
                scope.spawn(move || steps.into_iter().for_each(|step| weather(root, step)));
            }
        });
        wait_until_equal(&world);
        follower.stop();
    }
}

#[test]
fn what_moved_while_nobody_looked_is_not_sent_again() {
    let world = World::new();
    let root = world.source();
    fs::create_dir_all(root.join("a/b")).unwrap();
    for number in 0..50 {
        fs::write(root.join(format!("a/b/{number}")), [7; 1000]).unwrap();
    }
    fs::write(root.join("large"), vec![9; 2_000_000]).unwrap();
    assert_eq!(world.sync().sent_bytes, 2_050_000);
    fs::rename(root.join("a/b"), root.join("c")).unwrap();
    fs::rename(root.join("large"), root.join("c/large")).unwrap();
    fs::hard_link(root.join("c/7"), root.join("seven")).unwrap();
    let moved = world.sync();
    world.assert_equal();
    assert_eq!(moved.sent_bytes, 0);
}

#[test]
fn what_moves_while_it_is_followed_is_not_sent_again() {
    let world = World::new();
    let root = world.source();
    fs::create_dir(root.join("a")).unwrap();
    fs::create_dir(root.join("b")).unwrap();
    for number in 0..300 {
        fs::write(root.join(format!("a/{number}")), [7; 1000]).unwrap();
    }
    let follower = Follower::start(&world);
    wait_until_equal(&world);
    for number in 0..300 {
        fs::rename(root.join(format!("a/{number}")), root.join(format!("b/{number}"))).unwrap();
    }
    fs::rename(root.join("b/1"), root.join("b/t")).unwrap();
    fs::rename(root.join("b/2"), root.join("b/1")).unwrap();
    fs::rename(root.join("b/t"), root.join("b/2")).unwrap();
    wait_until_equal(&world);
    // whoever is interrupted in the middle of a rename for long enough makes it two changes
    let sent = follower.progress.now().1.sent_bytes;
    assert!((300_000..=305_000).contains(&sent), "{sent} bytes");
    follower.stop();
}

#[test]
fn the_second_of_two_quick_changes_is_heard() {
    let world = World::new();
    let root = world.source();
    let follower = Follower::start(&world);
    for number in 0..40 {
        let path = root.join(format!("{number}"));
        fs::write(&path, "x").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        // of different lengths, so that the first is seen at different moments before the second
        std::thread::sleep(Duration::from_micros(number * 200));
        let past = std::time::SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000 + number);
        let times = fs::FileTimes::new().set_modified(past);
        fs::File::options().write(true).open(&path).unwrap().set_times(times).unwrap();
    }
    wait_until_equal(&world);
    follower.stop();
}

#[test]
fn a_large_file_is_sent_once_for_one_change() {
    let world = World::new();
    let path = world.source().join("large");
    fs::write(&path, vec![1; 3_000_000]).unwrap();
    let follower = Follower::start(&world);
    wait_until_equal(&world);
    for round in 0..10 {
        let before = follower.progress.now().1.found;
        let mut file = fs::File::options().append(true).open(&path).unwrap();
        std::io::Write::write_all(&mut file, &[round; 10]).unwrap();
        wait_until_equal(&world);
        let waits = || follower.progress.now().1.waiting_since.is_none();
        assert!(wait_until(waits));
        // once for the change, and at most once more for what was heard while it was sent
        assert!(follower.progress.now().1.found <= before + 2, "{:?}", follower.progress.now());
    }
    follower.stop();
}

#[test]
fn the_root_and_passing_names_leave_the_right_times() {
    let world = World::new();
    let root = world.source();
    fs::create_dir(root.join("d")).unwrap();
    world.sync();
    fs::set_permissions(&root, fs::Permissions::from_mode(0o710)).unwrap();
    fs::write(root.join("d/x"), "x").unwrap();
    fs::remove_file(root.join("d/x")).unwrap();
    world.sync();
    world.assert_equal();
    let [here, there] = world.roots();
    assert_eq!(there, here);
    let follower = Follower::start(&world);
    wait_until_equal(&world);
    for _ in 0..20 {
        fs::write(root.join("d/y"), "y").unwrap();
        fs::remove_file(root.join("d/y")).unwrap();
        fs::write(root.join("y"), "y").unwrap();
        fs::remove_file(root.join("y")).unwrap();
    }
    wait_until_equal(&world);
    let are_equal = || world.roots()[0] == world.roots()[1];
    assert!(wait_until(are_equal), "{:?}", world.roots());
    follower.stop();
}

#[test]
fn an_excluded_name_is_not_there_and_a_kept_one_stays() {
    let world = World::new();
    let root = world.source();
    fs::write(root.join("a.tmp"), "x").unwrap();
    fs::write(root.join("b"), "x").unwrap();
    fs::create_dir(root.join(".gsyncd")).unwrap();
    let plan = Plan { excludes: vec!["*.tmp".into()], ignore_deletes: true, ..world.plan() };
    world.sync_with(plan.clone());
    assert_eq!(world.there().into_keys().collect::<Vec<_>>(), [b"b".to_vec()]);
    fs::remove_file(root.join("b")).unwrap();
    fs::write(root.join("c"), "x").unwrap();
    world.sync_with(plan);
    assert_eq!(world.there().into_keys().collect::<Vec<_>>(), [b"b".to_vec(), b"c".to_vec()]);
}

#[test]
fn what_is_excluded_later_stays_as_it_is_and_lets_others_go() {
    let world = World::new();
    let root = world.source();
    fs::create_dir_all(root.join("e/below")).unwrap();
    for name in ["e/f", "e/below/k"] {
        fs::write(root.join(name), name).unwrap();
    }
    world.sync();
    fs::rename(root.join("e/f"), root.join("g")).unwrap();
    fs::rename(root.join("e/below/k"), root.join("k")).unwrap();
    let end = world.sync_with(Plan { excludes: vec!["/e".into()], ..world.plan() });
    assert_eq!(end.failing, 0, "{:?}", end.last_error);
    let there = world.there();
    assert_eq!(there[&b"g"[..]].content, b"e/f");
    assert_eq!(there[&b"k"[..]].content, b"e/below/k");
    assert!(there.contains_key(&b"e/below"[..]));
}

#[test]
fn another_directory_in_its_place_is_refused() {
    let world = World::new();
    let root = world.source();
    fs::write(root.join("a"), "x").unwrap();
    world.sync();
    fs::rename(&root, world.home.path().join("away")).unwrap();
    fs::create_dir(&root).unwrap();
    let refused = open(&world.plan(), &Arc::default()).err().unwrap();
    assert!(refused.message.contains("not the directory that was synced before"), "{refused}");
    assert_eq!(world.there().len(), 1);
}

#[test]
fn a_store_through_a_mapping_is_found_by_the_next_scan() {
    let world = World::new();
    let path = world.source().join("mapped");
    fs::write(&path, [0; 8192]).unwrap();
    world.sync();
    // what a store through a mapping leaves behind: other content, other times, and no event
    let file = fs::OpenOptions::new().write(true).open(&path).unwrap();
    std::os::unix::fs::FileExt::write_all_at(&file, b"stored", 4096).unwrap();
    world.sync();
    world.assert_equal();
}
