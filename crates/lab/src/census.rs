//! Who runs on this host, and what is mounted, in any mount namespace. What was there before is not the session's.
use crate::{Done, Failure};
use rustix::process::{Pid, Signal, kill_process};
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::time::Duration;

/// What was there at one moment.
#[derive(Clone, Debug, Default)]
pub struct Census {
    pids: BTreeSet<u32>,
    mounts: BTreeSet<String>,
}

/// A process, as `/proc` shows it.
#[derive(Clone, Debug)]
pub struct Process {
    /// Its id.
    pub pid: u32,
    /// Its parent's id.
    pub parent: u32,
    /// `comm`.
    pub name: String,
    /// The command line, words parted by blanks.
    pub line: String,
    /// Dead and not yet reaped.
    pub zombie: bool,
}

impl Census {
    /// What is there now.
    pub fn take() -> Census {
        Census { pids: processes().iter().map(|process| process.pid).collect(), mounts: mounts() }
    }

    /// What runs now under that name is no newcomer: a daemon that was started again.
    pub fn forgive(&mut self, name: &str) {
        self.pids
            .extend(processes().iter().filter(|process| process.name == name).map(|process| process.pid));
    }

    /// The processes that are there now and were not then; the test itself does not count.
    pub fn newcomers(&self) -> Vec<Process> {
        let new = |process: &Process| !self.pids.contains(&process.pid) && process.pid != std::process::id();
        processes().into_iter().filter(|process| new(process) && !process.zombie).collect()
    }

    /// Processes and mounts that are there now and were not then, one text for each.
    pub fn left(&self) -> Vec<String> {
        let processes =
            self.newcomers().into_iter().map(|process| format!("process {} {}", process.pid, process.line));
        let mounts = mounts();
        let mounts = mounts.difference(&self.mounts).map(|mount| format!("mount {mount}"));
        processes.chain(mounts).collect()
    }

    /// The monitor: the process whose id is in the session's pid file, if it is alive.
    pub fn monitor(&self) -> Option<Process> {
        let files = fs::read_dir("/run/gluster").into_iter().flatten().flatten();
        let pid_files = files.filter(|file| file.file_name().to_string_lossy().starts_with("gsyncd-"));
        let pids: Vec<u32> =
            pid_files.filter_map(|file| fs::read_to_string(file.path()).ok()?.trim().parse().ok()).collect();
        self.newcomers().into_iter().find(|process| pids.contains(&process.pid))
    }

    /// The workers: children of the monitor.
    pub fn workers(&self) -> Vec<Process> {
        let Some(monitor) = self.monitor() else { return Vec::new() };
        self.newcomers()
            .into_iter()
            .filter(|process| process.parent == monitor.pid && is_ours(process))
            .collect()
    }

    /// The secondary processes: descendants of sshd that are neither sshd nor a shell.
    pub fn secondaries(&self) -> Vec<Process> {
        let all = processes();
        let below_sshd = |process: &Process| {
            let mut parent = process.parent;
            while let Some(found) = all.iter().find(|other| other.pid == parent) {
                if found.name == "sshd" {
                    return true;
                }
                parent = found.parent;
            }
            false
        };
        self.newcomers().into_iter().filter(|process| is_ours(process) && below_sshd(process)).collect()
    }
}

fn is_ours(process: &Process) -> bool {
    !["sshd", "ssh", "sh", "bash", "glusterfs", "fusermount", "fusermount-glus"]
        .contains(&process.name.as_str())
}

/// SIGKILLs a process.
///
/// # Errors
/// It is not there (ESRCH).
pub fn kill(process: &Process) -> Done {
    let pid = i32::try_from(process.pid).ok().and_then(Pid::from_raw);
    let pid = pid.ok_or_else(|| Failure::new(format!("{process:?} is no process")))?;
    kill_process(pid, Signal::KILL).map_err(|error| Failure::new(format!("kill {process:?}: {error}")))
}

/// The time that all living threads of this host have had a processor, but for those of the first process and of this
/// one.
pub fn processor_time() -> Duration {
    let mine = std::process::id();
    let others = processes().into_iter().filter(|process| process.pid != 1 && process.pid != mine);
    others.map(|process| threads_time(process.pid)).sum()
}

fn threads_time(pid: u32) -> Duration {
    let tasks = fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    let texts = tasks.filter_map(|task| fs::read_to_string(task.path().join("schedstat")).ok());
    let nanoseconds = texts.filter_map(|text| text.split(' ').next()?.parse().ok());
    nanoseconds.map(Duration::from_nanos).sum()
}

/// The largest resident set a process has had, in bytes.
///
/// # Errors
/// It is not there.
pub fn peak_bytes(pid: u32) -> Done<u64> {
    let text = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kibibytes = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse::<u64>().ok());
    kibibytes.map(|count| count * 1024).ok_or_else(|| Failure::new(format!("{pid} has no VmHWM: {text}")))
}

/// All processes of this host.
pub fn processes() -> Vec<Process> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| process(entry.file_name().to_str()?.parse().ok()?)).collect()
}

fn process(pid: u32) -> Option<Process> {
    let dir = Path::new("/proc").join(pid.to_string());
    let stat = fs::read(dir.join("stat")).ok()?;
    let stat = String::from_utf8_lossy(&stat).into_owned();
    let (before, after) = stat.rsplit_once(") ")?;
    let mut fields = after.split(' ');
    let zombie = fields.next()? == "Z";
    let parent = fields.next()?.parse().ok()?;
    let line = fs::read(dir.join("cmdline")).ok()?;
    let line = String::from_utf8_lossy(&line).replace('\0', " ");
    Some(Process { pid, parent, name: before.split_once(" (")?.1.to_owned(), line, zombie })
}

/// GlusterFS mounts in the mount namespaces of all processes: `target source`.
fn mounts() -> BTreeSet<String> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let tables = entries.filter_map(|entry| fs::read_to_string(entry.path().join("mounts")).ok());
    let mut all = BTreeSet::new();
    for table in tables {
        for line in table.lines().filter(|line| line.contains(" fuse.glusterfs ")) {
            all.insert(line.split(' ').take(2).collect::<Vec<_>>().join(" "));
        }
    }
    all
}
