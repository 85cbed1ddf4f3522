//! The private host's own files, mounted over the machine's.
use super::{Rsync, outer, place};
use crate::command::run;
use crate::{Done, Failure};
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

/// Where the machine's own `/usr/bin` is kept from a host without rsync.
const BINARIES: &str = "/usr/bin";

/// What gets a private directory in place of the machine's: (name in the state directory, path).
const PRIVATE: [(&str, &str); 7] = [
    ("glusterd", "/var/lib/glusterd"),
    ("log", "/var/log/glusterfs"),
    ("run", "/run"),
    ("misc", "/var/lib/misc/gluster"),
    ("ssh", "/root/.ssh"),
    ("bricks", "/srv"),
    ("mnt", "/mnt"),
];

/// Mounts everything; `/tmp` last, because what is asked for may lie below it.
///
/// # Errors
/// A mount fails.
pub fn prepare(state: &Path, rsync: Rsync, gsyncd: Option<&Path>) -> Done {
    hosts(state)?;
    for (name, path) in PRIVATE {
        let source = state.join(name);
        fs::create_dir_all(&source)?;
        fs::create_dir_all(path)?;
        if name == "glusterd" && !source.join("hooks").exists() {
            run("cp", &["-a".as_ref(), "/var/lib/glusterd/hooks".as_ref(), source.as_os_str()])?;
        }
        bind(&source, Path::new(path))?;
    }
    for path in ["/run/sshd", "/run/gluster", "/run/lock"] {
        fs::create_dir_all(path)?;
    }
    install_rsync(rsync)?;
    if let Some(binary) = gsyncd {
        install_gsyncd(binary)?;
    }
    private_tmp(state)
}

fn hosts(state: &Path) -> Done {
    let file = state.join("hosts");
    let name = place::name(state);
    let others = fs::read_to_string(state.join(place::NEIGHBOURS)).unwrap_or_default();
    fs::write(&file, format!("127.0.0.1 localhost {name} {name}.local\n::1 localhost\n{others}"))?;
    bind(&file, Path::new("/etc/hosts"))
}

/// Our binary where glusterd looks for it. The stock Python is hidden, so that nothing of it can be in the path.
fn install_gsyncd(binary: &Path) -> Done {
    let libexec = place::libexec()?;
    bind(binary, &libexec.join("gsyncd"))?;
    let python = libexec.join("python");
    if python.is_dir() {
        tmpfs(&python)?;
    }
    Ok(())
}

fn install_rsync(rsync: Rsync) -> Done {
    let target = Path::new(BINARIES).join("rsync");
    match outer::rsync_file(rsync) {
        Some(file) if target.exists() => bind(&file, &target),
        Some(file) => {
            overlay_binaries()?;
            fs::copy(file, target)?;
            Ok(())
        }
        None if rsync == Rsync::None && target.exists() => {
            overlay_binaries()?;
            fs::remove_file(target)?;
            Ok(())
        }
        None => Ok(()),
    }
}

/// A writable layer over `/usr/bin`, in memory.
fn overlay_binaries() -> Done {
    tmpfs(Path::new("/run/lock"))?;
    fs::create_dir_all("/run/lock/upper")?;
    fs::create_dir_all("/run/lock/work")?;
    let layers = "lowerdir=/usr/bin,upperdir=/run/lock/upper,workdir=/run/lock/work";
    run("mount", &["-t", "overlay", "overlay", "-o", layers, BINARIES])?;
    Ok(())
}

/// An empty `/tmp`, with what the lab needs from the machine's own `/tmp` put back in its place.
fn private_tmp(state: &Path) -> Done {
    let kept: Vec<PathBuf> = needed(state)?.into_iter().filter(|path| path.starts_with("/tmp")).collect();
    let aside = Path::new("/mnt/.machine-tmp");
    let inside = state.join("tmp");
    fs::create_dir_all(&inside)?;
    if kept.is_empty() {
        return open_tmp(&inside);
    }
    fs::create_dir_all(aside)?;
    run("mount", &["--rbind", "/tmp", "/mnt/.machine-tmp"])?;
    let here = std::env::current_dir();
    open_tmp(&inside)?;
    for path in kept {
        let Ok(relative) = path.strip_prefix("/tmp") else { continue };
        if !path.exists() {
            fs::create_dir_all(&path)?;
            bind(&aside.join(relative), &path)?;
        }
    }
    run("umount", &["-l", "/mnt/.machine-tmp"])?;
    // The working directory still means the hidden tree: enter it again by name.
    if let Ok(path) = here.and_then(std::path::absolute) {
        let _ = std::env::set_current_dir(path);
    }
    Ok(())
}

fn open_tmp(inside: &Path) -> Done {
    bind(inside, Path::new("/tmp"))?;
    run("chmod", &["1777", "/tmp"])?;
    Ok(())
}

/// Directories of the machine that stay visible, outermost first.
fn needed(state: &Path) -> Done<Vec<PathBuf>> {
    let mut all = vec![place::workspace(), place::target(), state.to_path_buf()];
    all.extend(std::env::current_exe()?.parent().map(Path::to_path_buf));
    if let Ok(path) = std::env::current_dir()
        && path != Path::new("/tmp")
    {
        all.push(path);
    }
    all.sort();
    Ok(all)
}

fn bind(source: &Path, target: &Path) -> Done {
    mount(&["--bind".as_ref(), source.as_os_str(), target.as_os_str()])
}

fn tmpfs(target: &Path) -> Done {
    mount(&["-t".as_ref(), "tmpfs".as_ref(), "tmpfs".as_ref(), target.as_os_str()])
}

fn mount(args: &[&OsStr]) -> Done {
    run("mount", args).map(drop).map_err(|failure| Failure::new(format!("private host: {failure}")))
}
