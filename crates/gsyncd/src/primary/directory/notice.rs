//! From what the kernel tells, and from scans, to marks.

use super::below::is_gone;
use super::examine::{Cause, ExamineError, Examiner, Outcome};
use super::ground::stat_of;
use super::identity;
use super::map::Changes;
use super::scan::{Scan, Skipped};
use super::watch::{Heard, HeardNames, Watch};
use super::{Directory, Ending};
use crossbeam_channel::Receiver;
use gsyncd_core::id::{Entry, Gfid, Name};
use gsyncd_sys::Errno;
use gsyncd_sys::at::Stat;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// When names that were too young to tell are looked at again.
const YOUNG_PAUSE: Duration = Duration::from_millis(25);
/// Names that are kept for that; the next scan finds the others.
pub const YOUNG_LIMIT: usize = 100_000;
/// A scan that took so long may take this many times as long until the next: it costs two percent at most.
const SCAN_REST: u32 = 50;
/// Scans in a row at most, while something is looked for and not all that happens behind the scan's back is heard of.
const MOST_SCANS: u32 = 2;
/// Where the kernel allows too few watches a scan comes at least so often.
const EXHAUSTED_INTERVAL: Duration = Duration::from_secs(60);

impl Directory {
    /// Looks through the whole tree, and then at these names that were heard of.
    pub(super) fn scan(&mut self, names: HeardNames) -> Result<(), Ending> {
        let begun = Instant::now();
        identity::confirm_still(&self.ground, &self.plan.source, &self.plan.state).map_err(Ending::Failed)?;
        let watch = self.watch.as_ref().map(|(watch, _)| &**watch);
        let mut examiner = Examiner::new(&self.ground);
        let mut scan = Scan::new(&self.ground, watch, &self.progress);
        let (mut names, mut overflow) = (names, false);
        for _ in 0..MOST_SCANS {
            scan.skipped.clear();
            scan.everything(&mut examiner)?;
            if let Some(watch) = watch {
                overflow = catch_up(watch, &mut scan, &mut examiner, std::mem::take(&mut names))?;
            }
            // what moved behind the scan's back must not be taken for dead
            let is_blind = overflow || watch.is_none_or(Watch::is_exhausted);
            if !is_blind || !examiner.has_nameless()? {
                break;
            }
        }
        let gone = examiner.bury()?;
        if let Some(watch) = watch {
            gone.into_iter().for_each(|gfid| watch.forget(gfid));
        }
        if overflow {
            // once more, soon
            self.failing.look_for_lost();
        }
        let (skipped, young) = (scan.skipped, examiner.take_young());
        self.note_young(young);
        self.note_skipped(&skipped);
        // now, while others still connect: it has to be before anything of it is said
        self.map.commit()?;
        self.scanned = true;
        self.plan_scan(begun.elapsed());
        Ok(())
    }

    pub(super) fn plan_scan(&mut self, took: Duration) {
        let exhausted = self.watch.as_ref().is_some_and(|(watch, _)| watch.is_exhausted());
        let interval = match self.plan.crawl_interval {
            interval if !exhausted => interval,
            interval => {
                Some(interval.map_or(EXHAUSTED_INTERVAL, |interval| interval.min(EXHAUSTED_INTERVAL)))
            }
        };
        self.next_scan = interval.map(|interval| Instant::now() + interval.max(took * SCAN_REST));
    }

    pub(super) fn note_young(&mut self, young: Vec<Entry>) {
        if young.is_empty() {
            return;
        }
        self.young.0.extend(young);
        self.young.0.truncate(YOUNG_LIMIT);
        self.young.1.get_or_insert_with(|| Instant::now() + YOUNG_PAUSE);
    }

    /// Tells of what could not be looked into. Told with every scan that meets it.
    pub(super) fn note_skipped(&mut self, skipped: &[Skipped]) {
        self.unreadable = 0;
        for Skipped { path, error } in skipped {
            let path = path.escape_ascii();
            if error.errno == Errno::XDEV {
                tracing::warn!(%path, "another file system is mounted here: left alone");
                continue;
            }
            self.unreadable += 1;
            tracing::error!(%path, %error, "cannot be read: what the target has of it is left alone");
            let text = format!("{path}: {error}");
            self.progress.update(|progress| progress.last_error = Some(text));
        }
        self.tell_failing();
    }

    pub(super) fn look_at_young(&mut self) -> Result<(), Ending> {
        let young = std::mem::take(&mut self.young.0);
        self.young.1 = None;
        let names = young.into_iter().map(|at| ((at.parent, at.name), Cause::Again)).collect();
        self.examine(names)
    }

    pub(super) fn bell(&self) -> Receiver<()> {
        self.watch.as_ref().map_or_else(crossbeam_channel::never, |(_, bell)| bell.clone())
    }

    pub(super) fn hear(&self) -> Result<Heard, Ending> {
        match &self.watch {
            Some((watch, _)) => Ok(watch.take()?),
            None => Ok(Heard::default()),
        }
    }

    pub(super) fn take_in(&mut self, heard: Heard) -> Result<(), Ending> {
        if let Some(since) = heard.since {
            self.progress.update(|progress| progress.waiting_since = Some(since));
            self.failing.hurry();
        }
        let is_due = |due: Option<Instant>| due.is_some_and(|due| due <= Instant::now());
        if heard.root {
            self.map.mark(Gfid::ROOT, Changes::META)?;
        }
        if heard.overflow {
            tracing::warn!("more changed than the kernel kept a record of: scanning");
        }
        if self.is_lost() || heard.overflow {
            // one look at all of it: by itself a half of a move is a death or a birth
            return self.scan(heard.names);
        }
        self.examine(events(heard.names))?;
        if self.is_lost() || is_due(self.next_scan) {
            self.scan(HeardNames::new())?;
        } else if is_due(self.young.1) {
            self.look_at_young()?;
        }
        Ok(())
    }

    /// True, once, when something changed that was not heard of.
    fn is_lost(&mut self) -> bool {
        let is_lost = self.failing.take_lost();
        if is_lost {
            tracing::warn!("something changed that was not heard of: scanning");
        }
        is_lost
    }

    /// Compares names with the map.
    fn examine(&mut self, names: Names) -> Result<(), Ending> {
        if names.is_empty() {
            return Ok(());
        }
        let watch = self.watch.as_ref().map(|(watch, _)| Arc::clone(watch));
        let ground = Arc::clone(&self.ground);
        let mut examiner = Examiner::new(&ground);
        let mut scan = Scan::new(&ground, watch.as_deref(), &self.progress);
        let names = look_at_all(&mut scan, &mut examiner, names)?;
        let mut overflow = false;
        if let Some(watch) = &watch {
            overflow = seek(watch, &mut scan, &mut examiner)?;
        }
        let gone = examiner.bury()?;
        // what has no name after all was looked at is not in the tree any more
        let mut left = HashMap::new();
        for ((dir, name), cause) in names {
            if dir == Gfid::ROOT || !self.map.names(dir)?.is_empty() {
                left.insert((dir, name), cause);
            }
        }
        if !left.is_empty() {
            self.failing.look_again();
        }
        if overflow {
            self.failing.look_for_lost();
        }
        let (skipped, young) = (scan.skipped, examiner.take_young());
        if let Some(watch) = &watch {
            gone.into_iter().for_each(|gfid| watch.forget(gfid));
            watch.put_back(written(left));
        }
        self.note_young(young);
        if !skipped.is_empty() {
            self.note_skipped(&skipped);
        }
        Ok(())
    }
}

/// Names to be looked at, and why.
type Names = HashMap<(Gfid, Name), Cause>;

/// What was heard of names, as causes to look at them.
fn events(names: HeardNames) -> Names {
    names.into_iter().map(|(at, written)| (at, Cause::Event { written })).collect()
}

/// As the watch keeps them.
fn written(names: Names) -> Heard {
    let is_written = |(at, cause)| (at, cause == Cause::Event { written: true });
    Heard { names: names.into_iter().map(is_written).collect(), ..Heard::default() }
}

/// Looks at what happened behind a scan's back. Returns true when not all of it was heard of.
fn catch_up(
    watch: &Watch,
    scan: &mut Scan,
    examiner: &mut Examiner,
    names: HeardNames,
) -> Result<bool, ExamineError> {
    let mut heard = watch.take()?;
    for (at, written) in names {
        heard.add(at, written);
    }
    if heard.root {
        scan.ground.map().mark(Gfid::ROOT, Changes::META)?;
    }
    let left = look_at_all(scan, examiner, events(heard.names))?;
    watch.put_back(written(left));
    Ok(heard.overflow || seek(watch, scan, examiner)?)
}

/// What was lost may have moved on while it was looked for: whoever has it by now is looked at too, and whoever has
/// what lost its name by that. The rest of what was heard is put back: it may be the death of something else, which is
/// not to be looked for without end. Returns true when not all was heard of.
fn seek(watch: &Watch, scan: &mut Scan, examiner: &mut Examiner) -> Result<bool, ExamineError> {
    if !examiner.has_nameless()? {
        return Ok(false);
    }
    let mut heard = watch.take()?;
    let overflow = std::mem::take(&mut heard.overflow);
    loop {
        let mut found = Names::new();
        for ((dir, name), written) in std::mem::take(&mut heard.names) {
            let at = Entry { parent: dir, name };
            match examiner.holds_nameless(&at) {
                Ok(true) => drop(found.insert((dir, at.name), Cause::Event { written })),
                Ok(false) | Err(ExamineError::Tree(_)) => drop(heard.names.insert((dir, at.name), written)),
                Err(error) => return Err(error),
            }
        }
        if found.is_empty() {
            break;
        }
        let left = look_at_all(scan, examiner, found)?;
        watch.put_back(written(left));
    }
    let is_left = heard.root || !heard.names.is_empty();
    if is_left {
        watch.put_back(heard);
    }
    if is_left || overflow {
        watch.ring();
    }
    Ok(overflow)
}

/// Looks at names, again at those whose directory was found to have moved only after them. Returns those whose
/// directory was not found at all.
fn look_at_all(scan: &mut Scan, examiner: &mut Examiner, mut names: Names) -> Result<Names, ExamineError> {
    loop {
        let (mut later, count) = (HashMap::new(), names.len());
        for ((dir, name), cause) in names {
            let at = Entry { parent: dir, name };
            if !look(scan, examiner, &at, cause)? {
                later.insert((at.parent, at.name), cause);
            }
        }
        if later.is_empty() || later.len() == count {
            return Ok(later);
        }
        names = later;
    }
}

/// A directory whose entries are not known: a new one, or one that moved away before it could be listed.
fn to_be_listed(
    scan: &Scan,
    at: &Entry,
    stat: &Stat,
    outcome: Outcome,
) -> Result<Option<Gfid>, ExamineError> {
    match (outcome, scan.watch) {
        (Outcome::NewDirectory(gfid), _) => Ok(Some(gfid)),
        (_, Some(watch)) if stat.is_dir() => {
            let known = scan.ground.map().entry(at)?;
            Ok(known.map(|known| known.gfid).filter(|gfid| !watch.has(*gfid)))
        }
        _ => Ok(None),
    }
}

/// Looks at one name; false when its directory cannot be found yet.
fn look(scan: &mut Scan, examiner: &mut Examiner, at: &Entry, cause: Cause) -> Result<bool, ExamineError> {
    let ground = scan.ground;
    match look_there(scan, examiner, at, cause) {
        Err(ExamineError::Tree(error)) if is_gone(&error) => Ok(true),
        Err(ExamineError::Tree(error)) => {
            let path = super::ground::join(ground.path(at.parent), at.name.as_bytes());
            scan.skipped.push(Skipped { path, error });
            Ok(true)
        }
        outcome => outcome,
    }
}

fn look_there(
    scan: &mut Scan,
    examiner: &mut Examiner,
    at: &Entry,
    cause: Cause,
) -> Result<bool, ExamineError> {
    let ground = scan.ground;
    let Some(dir) = ground.dir(at.parent)? else { return Ok(false) };
    let known = ground.map().entry(at)?;
    let name = at.name.as_bytes();
    let stat = stat_of(&dir, name)?;
    let is_directory =
        stat.as_ref().map_or(known.is_some_and(|known| known.is_directory()), |stat| stat.is_dir());
    if ground.leaves_out(at.parent, || ground.path(at.parent), name, is_directory) {
        return Ok(true);
    }
    match (stat, known) {
        // come and gone between two looks: only the directory's times tell
        (None, None) if cause != Cause::Again => ground.map().mark(at.parent, Changes::META)?,
        (None, None) => {}
        (None, Some(known)) => examiner.vanished(at, &known, cause)?,
        (Some(stat), _) if ground.is_other_file_system(&stat) => {}
        (Some(stat), known) => {
            let outcome = examiner.found(&dir, at, &stat, known.as_ref(), cause)?;
            if let Some(gfid) = to_be_listed(scan, at, &stat, outcome)? {
                scan.below(at, gfid, &dir, examiner)?;
            }
        }
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::{Heard, HeardNames};
    use crate::primary::directory::map::{Changes, Dirty};
    use crate::primary::directory::{Directory, Plan, Progress};
    use gsyncd_core::id::{Gfid, Name};
    use std::fs;
    use std::path::Path;
    use std::sync::Arc;

    fn followed(home: &Path) -> Directory {
        let (source, state) = (home.join("source"), home.join("state"));
        [&source, &state].into_iter().for_each(|path| fs::create_dir(path).unwrap());
        for name in ["file", "dir/inside"] {
            let path = source.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, name).unwrap();
        }
        let plan = Plan {
            source,
            state,
            excludes: Vec::new(),
            ignore_deletes: false,
            trust_mtime: false,
            once: false,
            crawl_interval: None,
        };
        let mut directory = Directory::open(plan, Arc::new(Progress::default())).unwrap();
        directory.listen().unwrap();
        directory.scan(HeardNames::new()).unwrap();
        for (position, dirty) in directory.map.dirty(0, 100).unwrap() {
            let (Dirty::Object(gfid, _) | Dirty::Name(_, gfid)) = dirty;
            directory.map.said(position, gfid).unwrap();
        }
        directory
    }

    /// One turn that begins with these names of the root, whatever else there was to be heard of.
    fn hear(directory: &mut Directory, names: &[&str], overflow: bool) {
        let name = |name: &&str| ((Gfid::ROOT, Name::new(name.as_bytes()).unwrap()), false);
        let heard = Heard { names: names.iter().map(name).collect(), overflow, ..Heard::default() };
        directory.take_in(heard).unwrap();
    }

    fn gfid(directory: &Directory, name: &str) -> Gfid {
        let root = directory.map.children(Gfid::ROOT).unwrap();
        root.iter().find(|(known, _)| known.as_bytes() == name.as_bytes()).unwrap().1.gfid
    }

    fn changes(directory: &Directory, of: Gfid) -> Option<Changes> {
        directory.map.dirty(0, 100).unwrap().into_iter().find_map(|(_, dirty)| match dirty {
            Dirty::Object(gfid, changes) if gfid == of => Some(changes),
            _ => None,
        })
    }

    #[test]
    fn a_file_whose_new_name_is_heard_of_later_only_moved() {
        let home = tempfile::tempdir().unwrap();
        let mut directory = followed(home.path());
        let file = gfid(&directory, "file");
        let source = directory.plan.source.clone();
        fs::rename(source.join("file"), source.join("dir/moved")).unwrap();
        hear(&mut directory, &["file"], false);
        assert_eq!(changes(&directory, file), Some(Changes::META.and(Changes::NAMES)));
    }

    #[test]
    fn a_file_whose_new_name_was_never_heard_of_is_compared() {
        let home = tempfile::tempdir().unwrap();
        let mut directory = followed(home.path());
        let file = gfid(&directory, "file");
        let source = directory.plan.source.clone();
        fs::rename(source.join("file"), source.join("dir/moved")).unwrap();
        directory.hear().unwrap();
        hear(&mut directory, &["file"], true);
        let compared = Changes::DOUBT.and(Changes::META).and(Changes::NAMES);
        assert_eq!(changes(&directory, file), Some(compared));
    }

    #[test]
    fn a_directory_whose_new_name_is_heard_of_later_keeps_what_is_in_it() {
        let home = tempfile::tempdir().unwrap();
        let mut directory = followed(home.path());
        let dir = gfid(&directory, "dir");
        let inside = directory.map.children(dir).unwrap();
        let source = directory.plan.source.clone();
        fs::rename(source.join("dir"), source.join("moved")).unwrap();
        hear(&mut directory, &["dir"], false);
        assert_eq!(directory.map.children(dir).unwrap(), inside);
        assert_eq!(changes(&directory, dir), Some(Changes::META.and(Changes::NAMES)));
        assert_eq!(changes(&directory, inside[0].1.gfid), None);
    }

    /// Log rotation, while something else is looked for.
    #[test]
    fn what_loses_its_name_to_a_find_is_looked_for_too() {
        let home = tempfile::tempdir().unwrap();
        let mut directory = followed(home.path());
        let dir = gfid(&directory, "dir");
        let source = directory.plan.source.clone();
        fs::rename(source.join("dir"), source.join("older")).unwrap();
        fs::rename(source.join("file"), source.join("dir")).unwrap();
        hear(&mut directory, &["file"], false);
        assert_eq!(changes(&directory, dir), Some(Changes::META.and(Changes::NAMES)));
        assert_eq!(directory.map.children(dir).unwrap().len(), 1);
    }

    #[test]
    fn what_is_written_through_a_new_name_is_sent_whatever_its_times() {
        let home = tempfile::tempdir().unwrap();
        let mut directory = followed(home.path());
        let file = gfid(&directory, "file");
        let (old, new) = (directory.plan.source.join("file"), directory.plan.source.join("new"));
        let modified = fs::metadata(&old).unwrap().modified().unwrap();
        fs::rename(&old, &new).unwrap();
        fs::write(&new, "elif").unwrap();
        fs::File::options().write(true).open(&new).unwrap().set_modified(modified).unwrap();
        hear(&mut directory, &["file"], false);
        assert!(changes(&directory, file).unwrap().include(Changes::DATA));
    }

    #[test]
    fn what_turns_up_nowhere_is_gone() {
        let home = tempfile::tempdir().unwrap();
        let mut directory = followed(home.path());
        let (file, dir) = (gfid(&directory, "file"), gfid(&directory, "dir"));
        let source = directory.plan.source.clone();
        fs::remove_file(source.join("file")).unwrap();
        fs::remove_dir_all(source.join("dir")).unwrap();
        hear(&mut directory, &["file", "dir"], false);
        assert_eq!(directory.map.children(Gfid::ROOT).unwrap(), []);
        assert_eq!(directory.map.children(dir).unwrap(), []);
        let marked = directory.map.dirty(0, 100).unwrap();
        assert!(marked.iter().any(|(_, dirty)| matches!(dirty, Dirty::Name(_, former) if *former == file)));
    }

    /// What was heard of while something was looked for is not forgotten over that.
    #[test]
    fn what_is_of_no_use_to_a_search_is_left_for_the_next_turn() {
        let home = tempfile::tempdir().unwrap();
        let mut directory = followed(home.path());
        let source = directory.plan.source.clone();
        fs::remove_file(source.join("file")).unwrap();
        fs::remove_file(source.join("dir/inside")).unwrap();
        hear(&mut directory, &["file"], false);
        assert!(directory.bell().try_recv().is_ok());
        let names: Vec<Name> = directory.hear().unwrap().names.into_keys().map(|(_, name)| name).collect();
        assert!(names.contains(&Name::new(b"inside").unwrap()), "{names:?}");
    }
}
