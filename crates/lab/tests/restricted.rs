//! What the pushed key may do below a real sshd, and a session whose key comes late (spec: glusterd-interface 6).
use gsyncd_lab::census::Process;
use gsyncd_lab::cluster::{Cluster, HOST};
use gsyncd_lab::command::output;
use gsyncd_lab::host::Rsync;
use gsyncd_lab::inside::{is_stock, on_a_private_host};
use gsyncd_lab::scenario::Scenario;
use gsyncd_lab::session::Session;
use gsyncd_lab::{Done, Failure};
use std::fs;
use std::io::{Read, Write};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

const BOUND: Duration = Duration::from_secs(60);
const KEY: &str = "/var/lib/glusterd/geo-replication/secret.pem";
const TEMPLATE: &str = "/var/lib/glusterd/geo-replication/gsyncd_template.conf";
const CONTROL: &str = "/tmp/control";

fn on_host(name: &str, body: fn() -> Done) -> Done {
    on_a_private_host(name, env!("CARGO_BIN_EXE_gsyncd-lab"), Rsync::V3_2_7, body)
}

#[track_caller]
fn must(fine: bool, what: impl FnOnce() -> String) -> Done {
    if fine { Ok(()) } else { Err(Failure::new(what())) }
}

/// A session's serving end, held by us, whose connection others may share.
struct Serving {
    ssh: Child,
}

impl Serving {
    /// Returns when it has mounted and says hello.
    fn start() -> Done<Serving> {
        let wanted = "/nonexistent/gsyncd secondary pvol lab::svol --primary-node lab --primary-brick /b";
        let mut ssh = Command::new("ssh")
            .args(["-i", KEY, "-oControlMaster=yes", "-S", CONTROL, HOST, wanted])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let hello = ssh.stdout.as_mut().map(|stdout| stdout.read_exact(&mut [0; 4]));
        must(matches!(hello, Some(Ok(()))), || "no hello".to_owned())?;
        Ok(Serving { ssh })
    }

    fn end(mut self) -> Done {
        drop(self.ssh.stdin.take());
        self.ssh.wait()?;
        Ok(())
    }
}

/// A command through the session's key, over a connection of its own or the shared one.
fn ask(wanted: &str, is_shared: bool) -> Done<Output> {
    let mut words = vec!["-i", KEY];
    if is_shared {
        words.extend(["-S", CONTROL]);
    }
    words.extend([HOST, wanted]);
    output("ssh", &words)
}

#[track_caller]
fn refused(wanted: &str, is_shared: bool, reason: &str) -> Done {
    let answer = ask(wanted, is_shared)?;
    let said = String::from_utf8_lossy(&answer.stderr).into_owned();
    must(answer.status.code() == Some(1) && said.contains(reason), || {
        format!("{wanted}: {}, not '{reason}': {said}", answer.status)
    })
}

/// The one process that serves.
fn serving(lab: &Scenario) -> Done<Process> {
    let mut found = lab.session.census.secondaries();
    found.retain(|process| process.line.contains(" secondary pvol "));
    match (found.pop(), found.pop()) {
        (Some(one), None) => Ok(one),
        other => Err(Failure::new(format!("{other:?}"))),
    }
}

#[test]
fn the_key_opens_what_a_session_needs() -> Done {
    on_host("the_key_opens_what_a_session_needs", || {
        let lab = Scenario::new()?;
        if is_stock() {
            return Ok(());
        }
        let rsync = |target: &str| format!("rsync --server -logDtpre.iLsfxCIvu --inplace . {target}");
        refused(&rsync("/tmp"), false, "gsyncd sibling not found")?;
        let held = Serving::start()?;
        let target = format!("/proc/{}/cwd", serving(&lab)?.pid);
        beside_the_session(&rsync, &target)?;
        writes_stay_on_the_volume(&target)?;
        refused(&rsync(&target), false, "gsyncd sibling not found")?;
        volumes()?;
        networks()?;
        held.end()?;
        lab.session.wait_gone(BOUND)
    })
}

/// Only the mount of the session of the same connection, and several at once.
fn beside_the_session(rsync: &dyn Fn(&str) -> String, target: &str) -> Done {
    let running: Vec<Child> = (0..4)
        .map(|_| {
            let mut command = Command::new("ssh");
            command.args(["-i", KEY, "-S", CONTROL, HOST, &rsync(target)]);
            command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()
        })
        .collect::<Result<_, _>>()?;
    for child in running {
        let answer = child.wait_with_output()?;
        // the version of its protocol comes first
        let is_rsync = answer.stdout.get(1..4) == Some(&[0, 0, 0]) && answer.stdout.first() >= Some(&29);
        must(is_rsync, || format!("not rsync: {answer:?}"))?;
    }
    for other in ["/", "/etc", "/proc/1/cwd", &format!("{target}/..")] {
        refused(&rsync(other), true, "rsync target does not match geo-replication session")?;
    }
    // with the first, rsync would take its words from the connection
    for flags in ["-s", "-logDtprse.iLsfxC", "--sender -re.iLsfxC --files-from=-", "--log-file=/etc/x"] {
        refused(&format!("rsync --server {flags} . {target}"), true, "disallowed rsync invocation")?;
    }
    Ok(())
}

/// As a stock primary copies: releases of rsync before 3.4 follow a symbolic link of the volume then.
fn writes_stay_on_the_volume(target: &str) -> Done {
    for directory in ["/tmp/from", "/tmp/again/x", "/tmp/outside"] {
        fs::create_dir_all(directory)?;
    }
    fs::write("/tmp/from/plain", "plain")?;
    fs::write("/tmp/again/x/evil", "evil")?;
    std::os::unix::fs::symlink("/tmp/outside", "/tmp/from/x")?;
    let copy = |from: &str, flags: &[&str], what: &str| {
        let mut command = Command::new("rsync");
        command.args(["-e", &format!("ssh -i {KEY} -S {CONTROL}"), "-a", "--inplace"]).args(flags);
        command.args([what, &format!("{HOST}:{target}")]).current_dir(from).output()
    };
    let fine = copy("/tmp/from", &[], "./")?;
    must(fine.status.success(), || format!("{fine:?}"))?;
    let arrived = fs::read_to_string("/srv/svol/brick/plain")?;
    must(arrived == "plain" && fs::read_link("/srv/svol/brick/x").is_ok(), || arrived.clone())?;
    let stray = copy("/tmp/again", &["-R", "--no-implied-dirs"], "x/evil")?;
    must(!stray.status.success() && !fs::exists("/tmp/outside/evil")?, || format!("{stray:?}"))
}

fn volumes() -> Done {
    let answer = ask("/usr/sbin/gluster --xml --remote-host=localhost volume info svol", true)?;
    let text = String::from_utf8_lossy(&answer.stdout).into_owned();
    must(answer.status.success() && text.contains("<name>svol</name>"), || format!("{answer:?}"))?;
    refused("gluster volume stop svol force", true, "disallowed gluster invocation")?;
    refused("gluster", true, "disallowed gluster invocation")?;
    refused("gsyncd delete pvol lab::svol", false, "is not allowed in a restricted SSH session")?;
    refused("gsyncd --monitor :pvol lab::svol", false, "following tunables cannot be set")?;
    refused("id", false, "invoking id in restricted SSH session is not allowed")?;
    let answer = ask("gsyncd --version", false)?;
    must(answer.stdout.starts_with(b"gsyncd"), || format!("{answer:?}"))
}

fn networks() -> Done {
    let before = fs::read(TEMPLATE)?;
    let allow = |networks: &str| -> Done {
        let mut file = fs::OpenOptions::new().append(true).open(TEMPLATE)?;
        Ok(file.write_all(format!("\n[vars]\nallow-network = {networks}\n").as_bytes())?)
    };
    allow("203.0.113.0/24")?;
    refused("gsyncd --version", false, "client IP address is not allowed")?;
    fs::write(TEMPLATE, &before)?;
    allow("203.0.113.0/24,127.0.0.0/8,::1")?;
    let answer = ask("gsyncd --version", false)?;
    must(answer.status.success(), || format!("{answer:?}"))?;
    Ok(fs::write(TEMPLATE, &before)?)
}

#[test]
fn a_key_that_comes_late() -> Done {
    on_host("a_key_that_comes_late", || {
        if is_stock() {
            return Ok(());
        }
        let cluster = Cluster::start()?;
        cluster.volume("pvol")?;
        cluster.volume("svol")?;
        let (session, keys) = Session::create_unpushed("pvol", "svol")?;
        session.start()?;
        session.wait_status(BOUND, "status", |text| text == "Faulty")?;
        let mut file = fs::OpenOptions::new().append(true).open("/root/.ssh/authorized_keys")?;
        file.write_all(keys.as_bytes())?;
        let arrived = Instant::now();
        session.wait_active(BOUND)?;
        println!("Active {:.1} s after the key", arrived.elapsed().as_secs_f64());
        session.stop_clean()
    })
}
