//! Where the directories of a test are: on which file system of the private host.
use crate::command::run;
use crate::host::Rsync;
use crate::inside::on_a_private_host;
use crate::ordinary::{self, as_an_ordinary_user};
use crate::{Done, Failure};
use std::fs;
use std::path::{Path, PathBuf};

/// A kind of file system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileSystem {
    /// The machine's disk (ext4 in CI).
    Disk,
    /// A tmpfs of the private host.
    Memory,
}

/// Who runs a test.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    /// root.
    Root,
    /// An ordinary user.
    Ordinary,
}

/// Runs `body` on a private host of its own where the rooms are made, as root or as an ordinary user; `name` and `lab`
/// as for [`on_a_private_host`].
///
/// # Errors
/// What `body` returned, or what the lab could not do.
pub fn on_a_host_with_rooms(name: &str, lab: &str, who: Who, body: impl FnOnce() -> Done) -> Done {
    on_a_private_host(name, lab, Rsync::Host, || {
        if ordinary::is_me() {
            return body();
        }
        Room::make()?;
        match who {
            Who::Root => body(),
            Who::Ordinary => as_an_ordinary_user(name, body),
        }
    })
}

/// A directory in which everybody may make directories.
pub struct Room {
    /// Where.
    pub path: PathBuf,
}

const DISK: &str = "/srv/room";
const MEMORY: &str = "/mnt/memory";

impl Room {
    /// Makes both rooms; root does that before anything else.
    ///
    /// # Errors
    /// Not root, or not on a private host.
    pub fn make() -> Done {
        for path in [DISK, MEMORY] {
            fs::create_dir_all(path)?;
        }
        run("mount", &["-t", "tmpfs", "tmpfs", MEMORY])?;
        run("chmod", &["1777", DISK, MEMORY]).map(drop)
    }

    /// One of them.
    ///
    /// # Errors
    /// They are not made.
    pub fn on(file_system: FileSystem) -> Done<Room> {
        let path = Path::new(match file_system {
            FileSystem::Disk => DISK,
            FileSystem::Memory => MEMORY,
        });
        if path.is_dir() { Ok(Room { path: path.into() }) } else { Err(Failure::new("no room is made")) }
    }
}
