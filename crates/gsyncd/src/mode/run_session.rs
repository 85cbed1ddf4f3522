//! `monitor`, `worker`, `secondary`: settings and log, then the role itself.

use super::session::{bring_up_to_date, load_serving, load_with};
use crate::exit::Outcome;
use crate::{primary, secondary, supervise};
use gsyncd_core::cli::{MonitorArgs, SecondaryArgs, WorkerArgs};
use gsyncd_core::conf::Facts;
use gsyncd_core::log::Role;
use std::path::{Component, Path};

/// The daemon of a session.
///
/// # Errors
/// Those of the role, and a config file that cannot be read.
pub fn monitor(args: &MonitorArgs) -> Outcome {
    bring_up_to_date(&args.session, &args.common);
    let loaded = load_with(&args.session, &args.common, Role::Command("monitor"), Facts::of(&args.session))?;
    supervise::session::run(args, &loaded.settings, &loaded.config_file)
}

/// One brick.
///
/// # Errors
/// Those of the role, and a config file that cannot be read.
pub fn worker(args: &WorkerArgs) -> Outcome {
    let facts = Facts {
        local_path: Some(args.local_path.clone()),
        arguments: told([
            ("local_node", &args.local_node),
            ("local_node_id", &args.local_node_id),
            ("resource_remote", &args.resource_remote),
            ("secondary_id", &args.secondary_id),
        ]),
        ..Facts::of(&args.session)
    };
    let role = Role::Worker(&args.local_path);
    let loaded = load_with(&args.session, &args.common, role, facts)?;
    primary::worker::run(args, &loaded.settings, &loaded.config_file)
}

/// The serving end.
///
/// # Errors
/// Those of the role, and a config file that cannot be read.
pub fn secondary(args: &SecondaryArgs) -> Outcome {
    let facts = Facts {
        primary_node: Some(args.primary_node.clone()),
        primary_brick: Some(args.primary_brick.clone()),
        arguments: told([
            ("session_owner", &args.session_owner),
            ("local_node", &args.local_node),
            ("local_node_id", &args.local_node_id),
            ("primary_node_id", &args.primary_node_id),
        ]),
        overrides: overrides(args),
        ..Facts::of(&args.session)
    };
    let role = Role::Secondary(&args.primary_node, &args.primary_brick);
    let settings = load_serving(&args.common, role, facts)?;
    secondary::run::run(args, &settings)
}

/// Arguments that have a value.
fn told<const N: usize>(arguments: [(&'static str, &String); N]) -> Vec<(&'static str, String)> {
    let said = arguments.into_iter().filter(|(_, value)| !value.is_empty());
    said.map(|(name, value)| (name, value.clone())).collect()
}

/// What the primary says about this side is stronger than what this side has on file.
fn overrides(args: &SecondaryArgs) -> Vec<(&'static str, String)> {
    let timeout = args.secondary_timeout_seconds.map(|seconds| seconds.to_string());
    let directory = args.secondary_gluster_command_dir.as_ref().filter(|path| is_system_directory(path));
    let directory = directory.map(|path| path.to_string_lossy().into_owned());
    let access = args.secondary_access_mount.then(|| "true".to_owned());
    [
        ("secondary-timeout", timeout),
        ("secondary-log-level", args.secondary_log_level.clone()),
        ("secondary-gluster-log-level", args.secondary_gluster_log_level.clone()),
        ("secondary-gluster-command-dir", directory),
        ("secondary-access-mount", access),
    ]
    .into_iter()
    .filter_map(|(name, value)| Some((name, value?)))
    .collect()
}

/// The peer names the directory of a program that runs here as root: it must not be one that the peer can write
/// to, as the mount of the volume is.
fn is_system_directory(path: &Path) -> bool {
    let is_below = ["/usr", "/opt"].iter().any(|root| path.starts_with(root));
    is_below && !path.components().any(|part| part == Component::ParentDir)
}

#[cfg(test)]
mod tests {
    use super::is_system_directory;
    use std::path::Path;

    #[test]
    fn the_peer_cannot_name_a_directory_it_writes_to() {
        for (path, want) in [
            ("/usr/sbin", true),
            ("/opt/gluster/sbin/", true),
            ("/tmp/mount", false),
            ("/usr/../tmp", false),
            ("usr/sbin", false),
            ("/usrx", false),
            ("", false),
        ] {
            assert_eq!(is_system_directory(Path::new(path)), want, "{path}");
        }
    }
}
