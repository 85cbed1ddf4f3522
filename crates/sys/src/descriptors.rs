//! The process's table of open files.

use rustix::io;
use std::os::fd::BorrowedFd;

/// As far as the usual soft limit of 1024 reaches.
const HIGHEST: i32 = 1000;

/// Lets the kernel make the table as large as it may become. While there is one thread this is for nothing; with several
/// the kernel waits for all processors each time it enlarges the table, some ten milliseconds.
pub fn make_room(any: BorrowedFd<'_>) {
    // what it cannot make now it makes later
    drop(io::fcntl_dupfd_cloexec(any, HIGHEST));
}
