//! The process table, as far as the restricted shell has to know it.

use gsyncd_core::shell::rsync::{Process, WorkingDirectory};
use std::fs;
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::path::Path;

/// All processes that can be seen. Those that end meanwhile are left out.
pub fn all() -> Vec<Process> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).filter_map(one).collect()
}

fn one(pid: u32) -> Option<Process> {
    let read = |name: &str| fs::read(format!("/proc/{pid}/{name}")).ok();
    Process::parse(pid, &read("status")?, &read("cmdline")?)
}

/// Where a process works, and that directory; nowhere when it has ended or is somebody else's.
pub fn working_directory(pid: u32) -> (WorkingDirectory, Option<OwnedFd>) {
    let path = format!("/proc/{pid}/cwd");
    let link = fs::read_link(&path).map(Into::into).unwrap_or_default();
    let directory = fs::File::open(&path).ok().map(OwnedFd::from);
    let is_on_volume = directory.as_ref().is_some_and(|directory| {
        let opened = format!("/proc/self/fd/{}", directory.as_raw_fd());
        gsyncd_sys::mount::is_fuse(Path::new(&opened)).unwrap_or(false)
    });
    (WorkingDirectory { link, is_on_volume }, directory)
}

#[cfg(test)]
mod tests {
    use super::{all, working_directory};
    use gsyncd_core::shell::rsync::{Process, Refusal, sibling};
    use gsyncd_sys::signal::{Signal, kill_process};
    use std::path::Path;
    use std::process::{Child, Command};
    use std::time::{Duration, Instant};

    /// A shell with the name of sshd's process, and below it a `gsyncd ROLE` for each role: programs that wait for
    /// a pipe of that name.
    fn tree(directory: &Path, sshd: &str, roles: &[&str]) -> Child {
        std::fs::copy("/bin/sh", directory.join(sshd)).unwrap();
        std::fs::copy("/bin/cat", directory.join("gsyncd")).unwrap();
        assert!(Command::new("mkfifo").args(roles).current_dir(directory).status().unwrap().success());
        let script: String = roles.iter().map(|role| format!("./gsyncd {role} & ")).collect();
        let mut command = Command::new(directory.join(sshd));
        command.args(["-c", &format!("{script} wait")]).current_dir(directory).spawn().unwrap()
    }

    /// The processes below `parent`, when all have become what they are to be.
    fn children(parent: u32, count: usize) -> Vec<Process> {
        let deadline = Instant::now() + Duration::from_secs(10);
        loop {
            let mut found = all();
            found.retain(|process| process.parent == parent && process.name == b"gsyncd");
            if found.len() == count {
                return found;
            }
            assert!(Instant::now() < deadline, "{found:?}");
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    #[test]
    fn a_real_tree_of_processes() {
        for (sshd, roles, want) in [
            ("sshd", &["own", "secondary"][..], Ok("secondary")),
            ("sshd-session", &["own", "keeper", "slave"], Ok("slave")),
            ("sshd", &["own", "keeper"], Err(Refusal::NoSibling)),
            ("sshd", &["own", "slave", "secondary"], Err(Refusal::SeveralSiblings)),
        ] {
            let directory = tempfile::tempdir().unwrap();
            let mut child = tree(directory.path(), sshd, roles);
            let children = children(child.id(), roles.len());
            let role = |pid: u32| {
                let process = children.iter().find(|process| process.pid == pid).unwrap();
                String::from_utf8(process.words[1].clone()).unwrap()
            };
            let own = children.iter().find(|process| process.words[1] == b"own").unwrap().pid;
            let found = sibling(&all(), own);
            for process in &children {
                kill_process(process.pid.try_into().unwrap(), Signal::TERM).unwrap();
            }
            child.wait().unwrap();
            assert_eq!(found.map(role), want.map(str::to_owned), "{sshd} {roles:?}");
        }
    }

    #[test]
    fn where_a_process_works() {
        let (here, directory) = working_directory(std::process::id());
        assert_eq!(here.link, std::env::current_dir().unwrap().into_os_string());
        assert!(!here.is_on_volume && directory.is_some());
        assert_eq!(working_directory(u32::MAX).0.link, "");
    }
}
