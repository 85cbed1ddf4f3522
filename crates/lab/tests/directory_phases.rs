//! A whole life of a session of plain directories; the trees are equal after every phase.
use gsyncd_lab::mirror::FileSystem::{Disk, Memory};
use gsyncd_lab::mirror::Reach::{Path, Ssh};
use gsyncd_lab::mirror::Who::{Ordinary, Root};
use gsyncd_lab::mirror::{FileSystem, Mirror, Reach, Room, Who, on_a_host_with_rooms};
use gsyncd_lab::{Done, Failure, load};
use std::fs;
use std::time::Duration;

const BOUND: Duration = Duration::from_secs(60);

fn life(name: &str, who: Who, file_system: FileSystem, reach: Reach) -> Done {
    on_a_host_with_rooms(name, env!("CARGO_BIN_EXE_gsyncd-lab"), who, || {
        let mirror = Mirror::new(&Room::on(file_system)?, "life", reach)?;
        first_sync(&mirror)?;
        live(&mirror)?;
        while_stopped(&mirror)?;
        at_once(&mirror)?;
        let said = mirror.said();
        let complaints: Vec<&str> = said.lines().filter(|line| line.contains(" ERROR ")).collect();
        if complaints.is_empty() { Ok(()) } else { Err(Failure::new(complaints.join("\n"))) }
    })
}

fn first_sync(mirror: &Mirror) -> Done {
    let source = &mirror.source;
    load::populate(&source.join("first"))?;
    load::change(&source.join("first"))?;
    for name in ["live", "stopped", "once"] {
        load::populate(&source.join(name))?;
    }
    load::populate_names(&source.join("names"))?;
    let follower = mirror.follow(BOUND)?;
    mirror.equal_within(BOUND, "first sync")?;
    follower.stop().map(drop)
}

fn live(mirror: &Mirror) -> Done {
    let source = &mirror.source;
    let follower = mirror.follow(BOUND)?;
    load::change(&source.join("live"))?;
    mirror.equal_within(BOUND, "each sort of change")?;
    load::populate(&source.join("live2"))?;
    load::change(&source.join("live2"))?;
    mirror.equal_within(BOUND, "a new tree, changed at once")?;
    load::change_names(&source.join("names"))?;
    mirror.equal_within(BOUND, "awkward names")?;
    load::shell(source, "mv first moved; echo more > moved/more; mv live2 moved/below; rm -r live/new")?;
    mirror.equal_within(BOUND, "whole directories")?;
    load::shell(
        source,
        "echo text > moved/below/edited; rm -r moved/dir-renamed-now; chmod 750 .; touch -d @1 .",
    )?;
    mirror.equal_within(BOUND, "below moved directories, and the root itself")?;
    follower.stop().map(drop)
}

fn while_stopped(mirror: &Mirror) -> Done {
    let source = &mirror.source;
    load::change(&source.join("stopped"))?;
    load::populate(&source.join("stopped2"))?;
    load::change(&source.join("stopped2"))?;
    load::shell(source, "mv moved/below back; mv stopped2 moved/stopped2; rm -r live; mv names Names")?;
    let follower = mirror.follow(BOUND)?;
    mirror.equal_within(BOUND, "what changed while it was stopped")?;
    fs::write(source.join("after"), "after")?;
    mirror.equal_within(BOUND, "and it follows again")?;
    follower.stop().map(drop)
}

fn at_once(mirror: &Mirror) -> Done {
    mirror.once()?;
    load::change(&mirror.source.join("once"))?;
    load::shell(&mirror.source, "rm -r moved; mv back moved")?;
    mirror.once()?;
    mirror.once()
}

#[test]
fn root_disk() -> Done {
    life("root_disk", Root, Disk, Path)
}

#[test]
fn root_memory() -> Done {
    life("root_memory", Root, Memory, Path)
}

#[test]
fn root_disk_ssh() -> Done {
    life("root_disk_ssh", Root, Disk, Ssh)
}

#[test]
fn root_memory_ssh() -> Done {
    life("root_memory_ssh", Root, Memory, Ssh)
}

#[test]
fn ordinary_disk() -> Done {
    life("ordinary_disk", Ordinary, Disk, Path)
}

#[test]
fn ordinary_memory() -> Done {
    life("ordinary_memory", Ordinary, Memory, Path)
}

#[test]
fn ordinary_disk_ssh() -> Done {
    life("ordinary_disk_ssh", Ordinary, Disk, Ssh)
}

#[test]
fn ordinary_memory_ssh() -> Done {
    life("ordinary_memory_ssh", Ordinary, Memory, Ssh)
}
