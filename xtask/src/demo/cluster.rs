//! The first look: a throw-away cluster, two volumes, a session, and files that arrive before the user's eyes.
use crate::{ci, setup};
use gsyncd_lab::host::{Gsyncd, Options, Rsync, outer};
use gsyncd_lab::scenario::Scenario;
use gsyncd_lab::{Done, Failure, load, tree, wait};
use std::ffi::OsString;
use std::fs;
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// How long anything in the demonstration may take.
const BOUND: Duration = Duration::from_secs(60);

/// Outside: builds and starts a private host with this command on it. On it: the demonstration.
///
/// # Errors
/// Something that is needed is missing, or something does not arrive.
pub fn run(words: Vec<OsString>) -> Done {
    if words.first().is_some_and(|word| word == "here") {
        return show();
    }
    setup::run()?;
    let gsyncd = if words.first().is_some_and(|word| word == "stock") {
        Gsyncd::Stock
    } else {
        Gsyncd::Binary(ci::release()?)
    };
    let rsync = if gsyncd == Gsyncd::Stock { Rsync::V3_2_7 } else { Rsync::None };
    let command =
        vec![std::env::current_exe()?.into_os_string(), "demo".into(), "cluster".into(), "here".into()];
    let code = outer::run(&Options { gsyncd, rsync, keep: None, command })?;
    if code == ExitCode::SUCCESS { Ok(()) } else { Err(Failure::new("the demonstration failed")) }
}

fn show() -> Done {
    println!(
        "A private host: glusterd, two volumes (pvol, svol) of one brick each, keys pushed, session created …"
    );
    let lab = Scenario::new()?;
    load::populate(&lab.primary.join("before"))?;
    println!("There are files on pvol. gluster volume geo-replication pvol {} start", lab.session.url());
    let start = Instant::now();
    lab.session.start()?;
    lab.session.wait_active(BOUND)?;
    println!("Active after {:.1} s.", start.elapsed().as_secs_f64());
    lab.equal_within(BOUND, "first sync")?;
    for round in 1..=3 {
        let name = format!("live {round}");
        let start = Instant::now();
        fs::write(lab.primary.join(&name), format!("written in round {round}\n"))?;
        wait::until(BOUND, "the file arrives", || match fs::read(lab.secondary.join(&name)) {
            Ok(text) if !text.is_empty() => Ok(()),
            other => Err(format!("{other:?}")),
        })?;
        println!(
            "\"{name}\" is on svol, {:.1} s after it was written on pvol.",
            start.elapsed().as_secs_f64()
        );
    }
    load::change(&lab.primary.join("before"))?;
    println!(
        "Now edits, renames, deletes, links, modes, owners, xattrs, ACLs, devices, sparse files on pvol …"
    );
    lab.equal_within(BOUND, "live changes")?;
    println!(
        "{} entries on svol, each the same as on pvol.",
        tree::walk(&lab.secondary, tree::Depth::NoContent)?.len()
    );
    println!("{}", lab.session.geo(&["status"])?);
    lab.session.stop_clean()?;
    println!("Stopped; no process and no mount of the session is left. The host vanishes now.");
    Ok(())
}
