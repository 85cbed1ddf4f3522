//! Every verb of `gluster volume geo-replication`, as an administrator types it (spec: glusterd-interface 1.5), and how
//! glusterd calls gsyncd meanwhile.
use gsyncd_lab::cluster::{Cluster, HOST};
use gsyncd_lab::host::Rsync;
use gsyncd_lab::inside::{is_stock, on_a_private_host};
use gsyncd_lab::scenario::ACTIVE_CEILING;
use gsyncd_lab::session::{Session, after_create};
use gsyncd_lab::{Done, Failure, record, transcript, wait};
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::time::Duration;

const LAB: &str = env!("CARGO_BIN_EXE_gsyncd-lab");
const BOUND: Duration = Duration::from_secs(60);
/// What glusterd makes at create and removes at delete.
const ROOM: &str = "/var/lib/glusterd/geo-replication/pvol_lab_svol";

#[test]
fn all_verbs() -> Done {
    on_a_private_host("all_verbs", LAB, Rsync::Host, || {
        record::install(LAB)?;
        let cluster = Cluster::start()?;
        cluster.volume("pvol")?;
        cluster.volume("svol")?;
        let primary = cluster.mount("pvol")?;
        let brick = cluster.brick("pvol");
        let session = Session::planned("pvol", "svol");
        let steps = transcript::parse(include_str!("../testdata/verbs.txt"))?;
        let words = ["volume", "geo-replication", "pvol", "lab::svol"];
        let who = if is_stock() { "stock" } else { "ours" };
        let (played, wrong) =
            transcript::play(&steps, &words, who, |action| act(&session, (&primary, &brick), action))?;
        std::fs::write(transcript_file(who), played)?;
        if !wrong.is_empty() {
            let file = transcript_file(who);
            return Err(Failure::new(format!("{}\nall of it: {}", wrong.join("\n"), file.display())));
        }
        every_form_is_known()
    })
}

/// Where a run leaves what it really saw.
fn transcript_file(who: &str) -> std::path::PathBuf {
    gsyncd_lab::host::place::target().join(format!("verbs-{who}.txt"))
}

/// The forms of the command lines that were used, by glusterd or below sshd, are among those that the parser is tested
/// with.
fn every_form_is_known() -> Done {
    let goldens =
        [include_str!("../../core/testdata/argv.txt"), include_str!("../../core/testdata/argv-recorded.txt")];
    let lines = goldens.into_iter().flat_map(str::lines).filter(|line| !line.starts_with('#'));
    let argv = lines.map(|line| line.split(" => ").next().unwrap_or_default());
    let words = |argv: &str| argv.split(' ').map(|word| word.replace('␣', " ")).collect::<Vec<_>>();
    let shell = include_str!("../../core/testdata/shell.txt").lines();
    let asked = shell.filter_map(|line| line.split_once("ssh=")?.1.split(" | ").next()?.split_once(' '));
    let known: BTreeSet<String> =
        argv.chain(asked.map(|(_, rest)| rest)).map(|argv| record::form(&words(argv))).collect();
    let calls = record::calls()?;
    let mut used: BTreeMap<String, String> = BTreeMap::new();
    for call in &calls {
        // what sshd was asked for comes with a program of its own
        let asked = call.over_ssh.iter().flat_map(|line| line.split(' ').skip(1).map(str::to_owned));
        let words: Vec<String> = if call.by_glusterd { call.words.clone() } else { asked.collect() };
        let line = words.iter().map(|word| word.replace(' ', "␣")).collect::<Vec<_>>().join(" ");
        used.entry(record::form(&words)).or_insert(line);
    }
    println!("{} calls of {} forms", calls.len(), used.len());
    let missing = used.iter().filter(|(form, _)| !known.contains(*form));
    let missing: String = missing.map(|(form, line)| format!("{form}\n    {line}\n")).collect();
    if missing.is_empty() && used.len() > 20 {
        return Ok(());
    }
    Err(Failure::new(format!("{} forms; used, and no golden: each with an example:\n{missing}", used.len())))
}

/// The times up to which the primary's brick says that it is synced, one of each session that it knows; only these
/// eight bytes, so none where there is one for entries as well.
fn stimes(brick: &Path) -> Done<Vec<Vec<u8>>> {
    let (mut names, mut value) = (vec![0; 1 << 16], vec![0; 64]);
    let count = rustix::fs::listxattr(brick, &mut names)?;
    let names = names.get(..count).unwrap_or_default().split(|byte| *byte == 0);
    let mut times = Vec::new();
    for name in names.filter(|name| name.ends_with(b"stime")) {
        let count = rustix::fs::getxattr(brick, OsStr::from_bytes(name), &mut value)?;
        times.push(value.get(..count).unwrap_or_default().to_vec());
    }
    Ok(times)
}

fn act(session: &Session, (primary, brick): (&Path, &Path), action: &str) -> Done {
    match action {
        "rooms" if Path::new(ROOM).is_dir() => Ok(()),
        "no rooms" if !Path::new(ROOM).exists() => Ok(()),
        "rooms" | "no rooms" => Err(Failure::new(format!("not so: {ROOM}"))),
        "hook" => after_create("svol"),
        "active" => session.wait_active(ACTIVE_CEILING).map(drop),
        "synced" => session.wait_status(BOUND, "last_synced", |text| text.starts_with("20")).map(drop),
        "stime" if stimes(brick)?.iter().any(|time| *time != [0; 8]) => Ok(()),
        // spec: glusterd-interface 3.6
        "stime reset" if stimes(brick)? == [[0; 8]] => Ok(()),
        "stime" | "stime reset" => Err(Failure::new(format!("not so: {:?}", stimes(brick)))),
        // the stock one sees that it is done only when there is something to do
        "checkpoint" => wait::until(BOUND, "the checkpoint is completed", || {
            std::fs::write(primary.join("work"), "some").map_err(|error| error.to_string())?;
            let pair = session.pair().map_err(|failure| failure.to_string())?;
            if pair.get("checkpoint_completed").is_some_and(|text| text == "Yes") {
                Ok(())
            } else {
                Err(format!("{pair:?}"))
            }
        }),
        // the stock one leaves its mount behind now and then
        "gone" if is_stock() => Ok(()),
        "gone" => wait::until(Duration::from_secs(10), "every process of the session ends", || {
            let mut left = session.census.left();
            // a brick that was started anew; glusterd's check of a volume that is not there, which takes its time
            left.retain(|line| !line.contains("glusterfsd") && !line.contains("gverify"));
            if left.is_empty() { Ok(()) } else { Err(left.join("\n")) }
        }),
        _ => Err(Failure::new(format!("{HOST} knows no such action"))),
    }
}
