//! What rsync may touch below a session's key. The flags that a stock primary needs make releases before 3.4 follow
//! symbolic links of the volume, and who writes the volume makes those: without this, one to `/etc` is enough.

use landlock::{
    ABI, Access as _, AccessFs, CompatLevel, Compatible as _, PathBeneath, PathFd, Ruleset, RulesetAttr as _,
    RulesetCreated, RulesetCreatedAttr as _, RulesetError,
};
use std::os::fd::BorrowedFd;

/// What rsync itself is made of.
const PROGRAMS: [&str; 8] = ["/usr", "/bin", "/sbin", "/lib", "/lib64", "/opt", "/nix/store", "/gnu/store"];
/// What the C library reads at its start, and for the names of owners.
const FILES: [&str; 6] = [
    "/etc/ld.so.cache",
    "/etc/ld.so.preload",
    "/etc/nsswitch.conf",
    "/etc/passwd",
    "/etc/group",
    "/etc/localtime",
];
const DEVICES: [&str; 2] = ["/dev/null", "/dev/urandom"];
/// Linux 6.2; older kernels do what they can.
const LEVEL: ABI = ABI::V3;

/// From here on this process, and what it becomes, opens no files but those below `target` and its own program's. A
/// kernel without Landlock changes nothing.
///
/// # Errors
/// The kernel refuses.
pub fn to(target: BorrowedFd<'_>) -> Result<(), RulesetError> {
    let all = AccessFs::from_all(LEVEL);
    let rules = Ruleset::default().set_compatibility(CompatLevel::BestEffort).handle_access(all)?.create()?;
    let rules = rules.add_rule(PathBeneath::new(target, all))?;
    let rules = allow(rules, &PROGRAMS, AccessFs::from_read(LEVEL))?;
    let rules = allow(rules, &FILES, AccessFs::ReadFile)?;
    allow(rules, &DEVICES, AccessFs::ReadFile | AccessFs::WriteFile)?.restrict_self().map(|_| ())
}

/// Paths that are missing here are left out.
fn allow(
    rules: RulesetCreated,
    paths: &[&str],
    access: impl Into<landlock::BitFlags<AccessFs>>,
) -> Result<RulesetCreated, RulesetError> {
    let access = access.into();
    let present = paths.iter().filter_map(|path| PathFd::new(path).ok());
    present.into_iter().try_fold(rules, |rules, fd| rules.add_rule(PathBeneath::new(fd, access)))
}
