//! What is found again: changes made while nothing ran, copies that somebody else made; and the options that say what
//! is not to be done.
use gsyncd_lab::command::run;
use gsyncd_lab::count::Counter;
use gsyncd_lab::mirror::{FileSystem, Mirror, Reach, Room, Who, on_a_host_with_rooms, said};
use gsyncd_lab::tree::{self, Aspect, Depth};
use gsyncd_lab::{Done, Failure, load};
use std::fs;
use std::path::Path;
use std::process::Output;
use std::time::Duration;

const LAB: &str = env!("CARGO_BIN_EXE_gsyncd-lab");
const BOUND: Duration = Duration::from_secs(60);

fn on_host(name: &str, reach: Reach, body: impl FnOnce(&mut Mirror, &Room) -> Done) -> Done {
    on_a_host_with_rooms(name, LAB, Who::Root, || {
        let room = Room::on(FileSystem::Disk)?;
        body(&mut Mirror::new(&room, "restart", reach)?, &room)
    })
}

#[track_caller]
fn must(fine: bool, what: impl FnOnce() -> String) -> Done {
    if fine { Ok(()) } else { Err(Failure::new(what())) }
}

#[track_caller]
fn is_fine(output: &Output) -> Done {
    must(output.status.success(), || format!("{}\n{}", output.status, said(output)))
}

#[track_caller]
fn is_there(path: &Path) -> Done {
    must(path.symlink_metadata().is_ok(), || format!("{path:?} is missing"))
}

#[track_caller]
fn is_missing(path: &Path) -> Done {
    must(path.symlink_metadata().is_err(), || format!("{path:?} is there"))
}

/// 300 files of 64 KiB and a hard link to some of them.
fn much(dir: &Path) -> Done<u64> {
    load::shell(
        dir,
        "mkdir a b; for i in $(seq 150); do head -c 65536 /dev/urandom > a/$i; head -c 65536 /dev/urandom > b/$i; done
         for i in 1 2 3; do ln a/$i b/link$i; ln a/$i a/more$i; done",
    )?;
    Ok(300 * 65_536)
}

#[test]
fn downtime() -> Done {
    on_host("downtime", Reach::Path, |mirror, _| {
        let source = mirror.source.clone();
        much(&source)?;
        load::populate(&source.join("all"))?;
        load::populate_names(&source.join("names"))?;
        mirror.once()?;
        let rounds = [
            "rm a/5 b/6; mv a/7 b/seven; mv b/8 a/9; echo more >> a/10; ln a/11 b/eleven; rm a/1",
            "mkdir deep; mv a deep/a; mkdir a; echo new > a/12; mv b/13 deep/a/13",
            "mv deep/a x; mv b deep/a; mv x b; rm -r names/dir; mv names/file names/dir",
            "rm b/14; mkdir b/14; echo in > b/14/in; rm -r names/link; echo file > names/link",
            "mv b/20 x; mv b/21 b/20; mv x b/21; chmod 600 b/22; touch -d @5 b/23; setfattr -n user.a -v 1 b/24",
            // The same name and size and time, but another file.
            "cp -p b/25 x; printf Z | dd of=x conv=notrunc status=none; touch -r b/25 x; mv x b/25",
        ];
        for (number, script) in rounds.into_iter().enumerate() {
            load::shell(&source, script)?;
            mirror.once().map_err(|failure| Failure::new(format!("round {number}: {failure}")))?;
        }
        load::change(&source.join("all"))?;
        let follower = mirror.follow(BOUND)?;
        mirror.equal_within(BOUND, "after downtime")?;
        follower.stop().map(drop)
    })
}

/// Makes the copy with rsync (which splits hard links) and lets gsyncd take it up; returns what that cost on the link.
fn adopt(mirror: &mut Mirror, room: &Room, prepare: &str, options: &[&str]) -> Done<u64> {
    let counter = Counter::new(&room.path.join("counter"), LAB)?;
    mirror.option("--ssh-command");
    mirror.option(&counter.program);
    let (from, to) = (format!("{}/", mirror.source.display()), format!("{}/", mirror.target.display()));
    run("rsync", &["-a", &from, &to])?;
    load::shell(&mirror.target, prepare)?;
    is_fine(&mirror.try_once(options)?)?;
    let bytes = counter.bytes()?;
    println!("adoption: {bytes:?}");
    Ok(bytes.sum())
}

#[test]
fn a_copy_made_by_rsync() -> Done {
    on_host("a_copy_made_by_rsync", Reach::Ssh, |mirror, room| {
        let content = much(&mirror.source)?;
        // Another byte in the middle, with the same size and time; a file too many; one that is missing.
        let spoil = "touch -r a/30 stamp; printf Z | dd of=a/30 bs=1 seek=30000 conv=notrunc status=none
                     touch -r stamp a/30; rm stamp; echo x > extra; mkdir -p more/extra; rm b/31";
        let bytes = adopt(mirror, room, spoil, &[])?;
        mirror.equal()?;
        must(bytes < content / 10, || format!("{bytes} bytes for {content} that were there already"))?;
        mirror.once()
    })
}

#[test]
fn a_copy_taken_by_its_times() -> Done {
    on_host("a_copy_taken_by_its_times", Reach::Ssh, |mirror, room| {
        let content = much(&mirror.source)?;
        load::shell(&mirror.source, "echo right > judged; touch -d @5 judged")?;
        let spoil = "echo wrong > judged; touch -d @5 judged; rm b/31";
        let bytes = adopt(mirror, room, spoil, &["--trust-mtime"])?;
        must(bytes < content / 10, || format!("{bytes} bytes for {content} that were there already"))?;
        let mut found = mirror.differences()?;
        // What it was told to believe.
        found.retain(|difference| difference.path != Path::new("judged"));
        must(found.is_empty(), || tree::report(&found))
    })
}

#[test]
fn an_index_that_is_lost() -> Done {
    on_host("an_index_that_is_lost", Reach::Path, |mirror, _| {
        much(&mirror.source)?;
        mirror.once()?;
        fs::remove_dir_all(mirror.copy_of(".gsyncd"))?;
        load::shell(&mirror.source, "mv a moved; rm b/1; echo new > new")?;
        mirror.once()?;
        load::shell(&mirror.source, "rm new; mv moved a")?;
        let follower = mirror.follow(BOUND)?;
        mirror.equal_within(BOUND, "after the index was lost")?;
        follower.stop().map(drop)
    })
}

#[test]
fn deletions_are_ignored() -> Done {
    on_host("deletions_are_ignored", Reach::Path, |mirror, _| {
        load::shell(
            &mirror.source,
            "mkdir -p a/b; for f in a/b/1 a/b/2 keep gone renamed; do echo $f > $f; done",
        )?;
        mirror.option("--ignore-deletes");
        mirror.once()?;
        load::shell(&mirror.source, "rm gone a/b/1; echo more >> keep")?;
        is_fine(&mirror.try_once(&[])?)?;
        let follower = mirror.follow(BOUND)?;
        load::shell(&mirror.source, "rm -r a; echo marker > marker; mv renamed renamed-now")?;
        mirror.until(BOUND, "the change after the deletions is there", || {
            let seen = [mirror.copy_of("marker"), mirror.copy_of("renamed-now")].map(|path| path.exists());
            if seen == [true, true] { Ok(()) } else { Err(format!("{seen:?}")) }
        })?;
        follower.stop()?;
        for path in ["gone", "a/b/1", "a/b/2"] {
            is_there(&mirror.copy_of(path))?;
        }
        let mut found = mirror.differences()?;
        let kept =
            |path: &Path| path.starts_with("a") || path == Path::new("gone") || path == Path::new("renamed");
        found.retain(|one| !(one.aspect == Aspect::Existence && one.left == "missing" && kept(&one.path)));
        must(found.is_empty(), || tree::report(&found))
    })
}

#[test]
fn exclusions() -> Done {
    on_host("exclusions", Reach::Path, |mirror, _| {
        let make = "mkdir -p cache/deep a/cache a/tmp.d; for f in cache/x cache/deep/y a/cache/z a/one.tmp two.tmp a/keep
                    do echo $f > $f; done; echo in > a/tmp.d/in";
        load::shell(&mirror.source, make)?;
        for word in ["--exclude", "*.tmp", "--exclude", "/cache/", "--exclude", "tmp.d"] {
            mirror.option(word);
        }
        let check = |when: &str| {
            for path in ["cache", "a/one.tmp", "two.tmp", "a/tmp.d", "a/new.tmp"] {
                let outcome = is_missing(&mirror.copy_of(path));
                outcome.map_err(|failure| Failure::new(format!("{when}: {failure}")))?;
            }
            ["a/cache/z", "a/keep"].into_iter().try_for_each(|path| is_there(&mirror.copy_of(path)))
        };
        is_fine(&mirror.try_once(&[])?)?;
        check("first sync")?;
        let follower = mirror.follow(BOUND)?;
        load::shell(
            &mirror.source,
            "echo 1 > a/new.tmp; echo 2 > cache/new; mv two.tmp three; mv a/keep a/gone.tmp",
        )?;
        mirror.until(BOUND, "names that come out of and go into exclusion", || {
            match (mirror.copy_of("three").exists(), mirror.copy_of("a/keep").exists()) {
                (true, false) => Ok(()),
                other => Err(format!("{other:?}")),
            }
        })?;
        follower.stop()?;
        is_missing(&mirror.copy_of("a/gone.tmp"))?;
        load::shell(&mirror.source, "mv a/gone.tmp a/keep")?;
        is_fine(&mirror.try_once(&[])?)?;
        check("the end")
    })
}

#[test]
fn a_dry_run() -> Done {
    on_host("a_dry_run", Reach::Path, |mirror, _| {
        load::populate(&mirror.source)?;
        let output = mirror.output(&["--dry-run"])?;
        is_fine(&output)?;
        must(said(&output).contains("edited"), || format!("it names nothing: {}", said(&output)))?;
        must(!mirror.target.exists() || fs::read_dir(&mirror.target)?.next().is_none(), || {
            "it made things".into()
        })?;
        mirror.once()?;
        load::shell(
            &mirror.source,
            "rm deleted; echo new > new; echo more >> edited; mv renamed renamed-now",
        )?;
        let (source, target) =
            (tree::walk(&mirror.source, Depth::Full)?, tree::walk(&mirror.target, Depth::Full)?);
        let output = mirror.output(&["--dry-run"])?;
        is_fine(&output)?;
        for name in ["deleted", "new", "edited", "renamed-now"] {
            must(said(&output).contains(name), || format!("{name} is not named:\n{}", said(&output)))?;
        }
        let found = tree::difference_between(&target, &tree::walk(&mirror.target, Depth::Full)?);
        must(found.is_empty(), || format!("the dry run changed the target: {}", tree::report(&found)))?;
        let found = tree::difference_between(&source, &tree::walk(&mirror.source, Depth::Full)?);
        must(found.is_empty(), || format!("the dry run changed the source: {}", tree::report(&found)))?;
        mirror.once()
    })
}
