//! What the lab needs of the machine: packages of the distribution (Debian 12), two versions of rsync, a source tree.
use gsyncd_lab::command::run as output;
use gsyncd_lab::host::place;
use gsyncd_lab::{Done, Failure};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Packages to be installed.
const PACKAGES: [&str; 11] = [
    "glusterfs-server",
    "glusterfs-client",
    "openssh-server",
    "openssh-client",
    "rsync",
    "lsyncd",
    "attr",
    "acl",
    "iproute2",
    "hostname",
    "util-linux",
];
/// The versions of rsync that are tried, as the beginnings of the package's versions.
const RSYNCS: [&str; 2] = ["3.5.0", "3.2.7"];
/// A package of about 8,000 source files.
const SOURCES: &str = "golang-1.19-src";

/// Installs and fetches what is missing; does nothing when nothing is.
///
/// # Errors
/// apt's.
pub fn run() -> Done {
    let mut apt = Apt { updated: false };
    let missing: Vec<&str> = PACKAGES.into_iter().filter(|name| !is_installed(name)).collect();
    if !missing.is_empty() {
        apt.install(&missing)?;
    }
    nextest()?;
    for version in RSYNCS {
        let target = place::cache().join(format!("rsync-{version}"));
        if !target.is_dir() {
            apt.unpack("rsync", Some(version), &target, Path::new(""))?;
        }
    }
    let sources = place::cache().join("sources");
    if !sources.is_dir() {
        apt.unpack(SOURCES, None, &sources, Path::new("usr/share"))?;
    }
    Ok(())
}

fn is_installed(package: &str) -> bool {
    let status = output("dpkg-query", &["-W", "-f", "${Status}", package]);
    status.is_ok_and(|text| text == "install ok installed")
}

/// The test runner is a program of its own.
fn nextest() -> Done {
    if output("cargo", &["nextest", "--version"]).is_ok() {
        return Ok(());
    }
    println!("installing cargo-nextest");
    loud(Command::new("cargo").args(["install", "--locked", "cargo-nextest"]))
}

struct Apt {
    updated: bool,
}

impl Apt {
    /// The package lists, once and only when something is to be fetched.
    fn update(&mut self) -> Done {
        if !self.updated {
            loud(Command::new("apt-get").args(["-q", "update"]))?;
            self.updated = true;
        }
        Ok(())
    }

    fn install(&mut self, packages: &[&str]) -> Done {
        self.update()?;
        println!("installing {}", packages.join(" "));
        let mut command = Command::new("apt-get");
        command.env("DEBIAN_FRONTEND", "noninteractive");
        loud(command.args(["-q", "-y", "--no-install-recommends", "install"]).args(packages))
    }

    /// Puts what a package has below `part` into `target`, without installing it.
    fn unpack(&mut self, package: &str, version: Option<&str>, target: &Path, part: &Path) -> Done {
        self.update()?;
        let work = place::cache().join("fetch");
        let _ = fs::remove_dir_all(&work);
        fs::create_dir_all(&work)?;
        let name = match version {
            Some(version) => format!("{package}={}", full_version(package, version)?),
            None => package.to_owned(),
        };
        println!("fetching {name}");
        loud(Command::new("apt-get").args(["-q", "download", &name]).current_dir(&work))?;
        let archive = first_entry(&work)?;
        let tree = work.join("tree");
        output("dpkg", &["-x".as_ref(), archive.as_os_str(), tree.as_os_str()])?;
        // Last, so that a target that is there is whole.
        fs::rename(tree.join(part), target)?;
        fs::remove_dir_all(&work)?;
        Ok(())
    }
}

/// The full version (`3.2.7-1+deb12u6`) that the archive has of a package, the newest when there are several.
fn full_version(package: &str, version: &str) -> Done<String> {
    let text = output("apt-cache", &["madison", package])?;
    let versions = text.lines().filter_map(|line| line.split('|').nth(1)).map(str::trim);
    let is_it = |full: &&str| {
        full.strip_prefix(version).is_some_and(|rest| !rest.starts_with(|c: char| c.is_ascii_digit()))
    };
    let found = versions.into_iter().find(is_it).map(str::to_owned);
    found.ok_or_else(|| Failure::new(format!("the archive has no {package} {version}, but:\n{text}")))
}

fn first_entry(dir: &Path) -> Done<PathBuf> {
    let entry = fs::read_dir(dir)?.next().ok_or_else(|| Failure::new("apt-get download brought nothing"))?;
    Ok(entry?.path())
}

/// Runs a command with its output before the user's eyes.
pub fn loud(command: &mut Command) -> Done {
    let status = command.status().map_err(|error| Failure::new(format!("{command:?}: {error}")))?;
    if status.success() { Ok(()) } else { Err(Failure::new(format!("{command:?}: {status}"))) }
}
