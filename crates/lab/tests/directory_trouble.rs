//! What stands in the way: directories that cannot be read, mount points, files that do not stand still, a source that is
//! not the source any more, strangers at the target.
use gsyncd_lab::command::run;
use gsyncd_lab::mirror::{FileSystem, Mirror, Reach, Room, Who, on_a_host_with_rooms, said};
use gsyncd_lab::{Done, Failure, load};
use std::fs::{self, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

const BOUND: Duration = Duration::from_secs(60);
/// How long files do not stand still.
const UNREST: Duration = Duration::from_secs(4);

fn on_host(name: &str, who: Who, body: impl FnOnce(&mut Mirror) -> Done) -> Done {
    on_a_host_with_rooms(name, env!("CARGO_BIN_EXE_gsyncd-lab"), who, || {
        body(&mut Mirror::new(&Room::on(FileSystem::Disk)?, "trouble", Reach::Path)?)
    })
}

#[track_caller]
fn must(fine: bool, what: impl FnOnce() -> String) -> Done {
    if fine { Ok(()) } else { Err(Failure::new(what())) }
}

#[track_caller]
fn holds(path: &Path, text: &str) -> Done {
    let found = fs::read_to_string(path);
    must(found.as_ref().is_ok_and(|found| found == text), || format!("{path:?}: {found:?}, not {text:?}"))
}

#[test]
fn an_unreadable_directory() -> Done {
    on_host("an_unreadable_directory", Who::Ordinary, |mirror| {
        let make = "mkdir -p closed/deep open; echo in > closed/file; echo in > closed/deep/file; echo 1 > open/file; echo 1 > secret";
        load::shell(&mirror.source, make)?;
        mirror.once()?;
        load::shell(
            &mirror.source,
            "echo 2 > open/file; echo new > new; echo 2 > secret; chmod 0 closed secret",
        )?;
        let output = mirror.try_once(&[])?;
        must(!output.status.success(), || format!("unreadable, and {}", output.status))?;
        must(said(&output).contains("closed"), || format!("it is not named:\n{}", said(&output)))?;
        holds(&mirror.copy_of("open/file"), "2\n")?;
        holds(&mirror.copy_of("new"), "new\n")?;
        // The mode may have come along.
        load::shell(&mirror.target, "chmod 700 closed")?;
        holds(&mirror.copy_of("closed/file"), "in\n")?;
        holds(&mirror.copy_of("closed/deep/file"), "in\n")?;
        load::shell(
            &mirror.source,
            "chmod 755 closed; chmod 600 secret; echo more > closed/more; rm closed/file",
        )?;
        mirror.once()
    })
}

#[test]
fn a_directory_that_becomes_unreadable_while_followed() -> Done {
    let name = "a_directory_that_becomes_unreadable_while_followed";
    on_host(name, Who::Ordinary, |mirror| {
        load::shell(
            &mirror.source,
            "mkdir -p closed/deep; echo in > closed/file; echo in > closed/deep/file",
        )?;
        let follower = mirror.follow(BOUND)?;
        load::shell(&mirror.source, "chmod 0 closed; echo new > new")?;
        mirror.until(BOUND, "the rest is synced", || {
            fs::read(mirror.copy_of("new")).map(drop).map_err(|error| error.to_string())
        })?;
        load::shell(&mirror.source, "chmod 755 closed; rm closed/file; echo more > closed/deep/more")?;
        mirror.equal_within(BOUND, "readable again")?;
        follower.stop().map(drop)
    })
}

#[test]
fn a_mount_point_inside() -> Done {
    on_host("a_mount_point_inside", Who::Root, |mirror| {
        load::shell(&mirror.source, "mkdir -p a/mnt; echo below > a/mnt/below; echo 1 > a/file")?;
        mirror.once()?;
        let point = mirror.source.join("a/mnt");
        let point = point.to_string_lossy();
        run("mount", &["-t", "tmpfs", "tmpfs", &point])?;
        load::shell(&mirror.source, "echo above > a/mnt/above; echo 2 > a/file")?;
        let follower = mirror.follow(BOUND)?;
        load::shell(&mirror.source, "echo live > a/mnt/live; echo 3 > a/file")?;
        mirror.until(BOUND, "the rest is synced", || {
            holds(&mirror.copy_of("a/file"), "3\n").map_err(|failure| failure.to_string())
        })?;
        must(follower.said().contains("a/mnt"), || format!("it is not named:\n{}", follower.said()))?;
        holds(&mirror.copy_of("a/mnt/below"), "below\n")?;
        for name in ["above", "live"] {
            must(!mirror.copy_of("a/mnt").join(name).exists(), || {
                format!("{name} is of another file system")
            })?;
        }
        follower.stop()?;
        run("umount", &[&*point])?;
        mirror.once()
    })
}

/// Writes over and over into some files, in place and with lengths that change, until the time is over.
fn restless(source: &Path, over: &AtomicBool) -> Done {
    let mut round = 0_u64;
    while !over.load(Ordering::Relaxed) {
        for (name, bytes) in [("large", 3_000_000), ("medium", 200_000), ("small", 3000)] {
            let file = OpenOptions::new().write(true).create(true).truncate(false).open(source.join(name))?;
            let piece = vec![u8::try_from(round % 251).unwrap_or_default(); 4096];
            let place = (round * 7919 * 4096) % bytes;
            file.write_all_at(&piece, place)?;
            if round.is_multiple_of(97) {
                file.set_len(bytes - round % bytes)?;
            }
        }
        round += 1;
    }
    Ok(())
}

#[test]
fn files_that_change_while_they_are_read() -> Done {
    on_host("files_that_change_while_they_are_read", Who::Root, |mirror| {
        load::shell(&mirror.source, "head -c 3000000 /dev/zero > large")?;
        let over = AtomicBool::new(false);
        let follower = std::thread::scope(|scope| {
            let writer = scope.spawn(|| restless(&mirror.source, &over));
            let started = mirror.follow(BOUND);
            std::thread::sleep(UNREST);
            over.store(true, Ordering::Relaxed);
            writer.join().map_err(|_| Failure::new("the writer panicked"))??;
            started
        })?;
        mirror.equal_within(BOUND, "when the files stand still")?;
        follower.stop()?;
        mirror.once()
    })
}

/// `--once` refuses, says why, and leaves the copy alone.
fn refused(mirror: &Mirror, what: &str) -> Done {
    let output = mirror.try_once(&[])?;
    must(!output.status.success(), || format!("{what}: {}\n{}", output.status, said(&output)))?;
    println!("{what}: {}", said(&output));
    holds(&mirror.copy_of("file"), "text\n")
}

#[test]
fn a_source_that_is_not_mounted() -> Done {
    on_host("a_source_that_is_not_mounted", Who::Root, |mirror| {
        let point = mirror.source.to_string_lossy();
        run("mount", &["-t", "tmpfs", "tmpfs", &point])?;
        load::shell(&mirror.source, "echo text > file; mkdir dir; echo text > dir/file")?;
        mirror.once()?;
        run("umount", &[&*point])?;
        refused(mirror, "not mounted")
    })
}

#[test]
fn a_source_that_was_replaced() -> Done {
    on_host("a_source_that_was_replaced", Who::Root, |mirror| {
        load::shell(&mirror.source, "echo text > file; mkdir dir; echo text > dir/file")?;
        mirror.once()?;
        let aside = mirror.source.with_file_name("aside");
        fs::rename(&mirror.source, &aside)?;
        refused(mirror, "missing")?;
        fs::create_dir(&mirror.source)?;
        refused(mirror, "replaced")?;
        fs::remove_dir(&mirror.source)?;
        fs::rename(&aside, &mirror.source)?;
        load::shell(&mirror.source, "echo more > more")?;
        mirror.once()
    })
}

#[test]
fn a_source_that_is_replaced_while_followed() -> Done {
    on_host("a_source_that_is_replaced_while_followed", Who::Root, |mirror| {
        load::shell(&mirror.source, "echo text > file; mkdir dir; echo text > dir/file")?;
        let mut follower = mirror.follow(BOUND)?;
        let aside = mirror.source.with_file_name("aside");
        fs::rename(&mirror.source, &aside)?;
        fs::create_dir(&mirror.source)?;
        fs::write(mirror.source.join("stranger"), "stranger")?;
        // It may end, or follow the one it has open; it may not take the new one for the old one.
        let _ = follower.wait(Duration::from_secs(3));
        holds(&mirror.copy_of("file"), "text\n")?;
        holds(&mirror.copy_of("dir/file"), "text\n")?;
        must(!mirror.copy_of("stranger").exists(), || "another directory was synced".into())
    })
}

#[test]
fn strangers_at_the_target() -> Done {
    on_host("strangers_at_the_target", Who::Root, |mirror| {
        let make = "mkdir -p a/b c; for f in a/1 a/2 a/3 a/4 a/b/5 c/6 c/7 c/8; do echo $f > $f; done";
        load::shell(&mirror.source, make)?;
        let follower = mirror.follow(BOUND)?;
        mirror.equal_within(BOUND, "first sync")?;
        let change = "rm a/1; rm a/2; mkdir a/2; echo x > a/2/x; echo other > a/3; mv a/4 a/four; rm -r a/b; echo file > a/b
                      mv c cc; mkdir d; echo in > d/in";
        load::shell(&mirror.target, change)?;
        let answer = "for f in a/1 a/2 a/3 a/4 a/b/5 c/6; do echo now >> $f; done; rm c/7; mv c/8 c/eight; mkdir d; echo 1 > d/1
                      touch a a/b c d .";
        load::shell(&mirror.source, answer)?;
        mirror.until(BOUND, "what is in the way is healed", || {
            let mut found = mirror.differences().map_err(|failure| failure.to_string())?;
            // What is in nobody's way is found by the next crawl.
            found.retain(|one| one.left != "missing" && one.aspect != gsyncd_lab::tree::Aspect::Mtime);
            if found.is_empty() { Ok(()) } else { Err(gsyncd_lab::tree::report(&found)) }
        })?;
        follower.stop().map(drop)
    })
}

#[test]
fn what_the_kernel_does_not_tell() -> Done {
    on_host("what_the_kernel_does_not_tell", Who::Root, |mirror| {
        for word in ["--crawl-interval", "2"] {
            mirror.option(word);
        }
        let outside = mirror.source.with_file_name("outside");
        load::shell(
            &mirror.source,
            "echo first > file; echo first > mapped; head -c 9000 /dev/zero > mapped",
        )?;
        fs::hard_link(mirror.source.join("file"), &outside)?;
        let follower = mirror.follow(BOUND)?;
        let text = "written through a link outside the tree\n";
        let start = Instant::now();
        fs::write(&outside, text)?;
        // The copy has one link less: the trees are not equal, and need not be.
        mirror.until(BOUND, "found by the crawl", || {
            holds(&mirror.copy_of("file"), text).map_err(|failure| failure.to_string())
        })?;
        println!("found after {:.1} s", start.elapsed().as_secs_f64());
        follower.stop().map(drop)
    })
}
