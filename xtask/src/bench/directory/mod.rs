//! A plain directory kept equal to another one: ours against rsync and lsyncd, in one run on one private host.
mod figures;
mod follow;
mod measure;
mod options;
mod sync;
mod table;
mod tool;
mod trees;

use crate::{ci, setup};
use figures::Figures;
use gsyncd_lab::host::{Gsyncd, Options as Host, Rsync, outer};
use gsyncd_lab::inside::UNDER_TEST;
use gsyncd_lab::{Done, Failure, tree};
use options::{Case, HELP, Options, Set};
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use tool::Tool;
use trees::Source;

/// The hidden word with which the bench goes on on its private host.
const HERE: &str = "here";
/// The hidden word with which it compares two trees in a process of its own.
const SAME: &str = "same";
/// On the private host: its own directory of the machine's disk.
const ROOM: &str = "/srv/bench";

/// Outside: checks the words, builds, starts a private host with this command on it. On it: the bench.
///
/// # Errors
/// Wrong words, something that is needed is missing, a tool failed.
pub fn run(words: Vec<OsString>) -> Done {
    if let [mark, who, left, right] = words.as_slice()
        && mark == SAME
    {
        return same(who == Tool::Gsyncd.word(), Path::new(left), Path::new(right));
    }
    let mut words: Vec<String> = words.iter().map(|word| word.to_string_lossy().into_owned()).collect();
    let inside = words.first().is_some_and(|word| word == HERE);
    if inside {
        words.remove(0);
    }
    match Options::parse(&words)? {
        None => {
            print!("{HELP}");
            Ok(())
        }
        Some(options) if inside => bench(&options),
        Some(options) => on_a_host(&options, words),
    }
}

fn on_a_host(options: &Options, words: Vec<String>) -> Done {
    setup::run()?;
    let gsyncd =
        if options.tools.contains(&Tool::Gsyncd) { Gsyncd::Binary(under_test()?) } else { Gsyncd::Stock };
    let mut command = vec![std::env::current_exe()?.into_os_string()];
    command.extend(["bench", "directory", HERE].map(OsString::from));
    command.extend(words.into_iter().map(OsString::from));
    let code = outer::run(&Host { gsyncd, rsync: Rsync::Host, keep: None, command })?;
    if code == ExitCode::SUCCESS { Ok(()) } else { Err(Failure::new("the bench failed")) }
}

fn under_test() -> Done<PathBuf> {
    match std::env::var_os(UNDER_TEST) {
        Some(path) => Ok(std::path::absolute(path)?),
        None => ci::release(),
    }
}

fn bench(options: &Options) -> Done {
    let room = Path::new(ROOM);
    fs::create_dir_all(room)?;
    let mut figures = Figures::default();
    figures.raw = options.raw;
    let once = [Case::FirstSync, Case::NoChange, Case::Changed];
    let following = options.cases.iter().any(|case| !once.contains(case));
    let syncing = options.cases.iter().any(|case| once.contains(case));
    for set in [Set::Small, Set::Large] {
        let wanted = syncing && options.sets.contains(&set);
        let followed = following && set == Set::Small;
        if !wanted && !followed {
            continue;
        }
        let source = source(set, options, room);
        eprintln!("bench: making {} …", source.root.display());
        source.make()?;
        measure::settle(room)?;
        for place in options.places.iter().copied() {
            eprintln!("bench: {place:?}, {set:?} …");
            if wanted {
                sync::Bout { source: &source, place, options, figures: &mut figures }.fight(room)?;
            }
            if followed {
                follow::follow(&source, place, options, room, &mut figures)?;
            }
        }
        trees::clear(&source.root)?;
    }
    print!("{}", table::table(&figures));
    Ok(())
}

fn source(set: Set, options: &Options, room: &Path) -> Source {
    match set {
        Set::Small => Source { set, root: room.join("small"), count: options.files },
        Set::Large => Source { set, root: room.join("large"), count: options.mebibytes },
    }
}

/// rsync leaves a time alone that is right to the second.
fn same(with_times: bool, left: &Path, right: &Path) -> Done {
    let mut found = tree::compare(left, right)?;
    found.retain(|difference| with_times || difference.aspect != tree::Aspect::Mtime);
    if found.is_empty() { Ok(()) } else { Err(Failure::new(tree::report(&found))) }
}
