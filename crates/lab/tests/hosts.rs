//! A session from one host to another: glusterd's gverify, push-pem and peer_* helpers with our gsyncd in its place
//! (spec: glusterd-interface 7).
use gsyncd_lab::cluster::{Cluster, gluster, gluster_refuses};
use gsyncd_lab::far::Far;
use gsyncd_lab::host::Rsync;
use gsyncd_lab::inside::{is_stock, on_a_private_host, under_test};
use gsyncd_lab::scenario::ACTIVE_CEILING;
use gsyncd_lab::{Done, Failure, load, wait};
use std::fs;
use std::time::Duration;

const LAB: &str = env!("CARGO_BIN_EXE_gsyncd-lab");

#[test]
fn push_pem_between_hosts() -> Done {
    on_a_private_host("push_pem_between_hosts", LAB, Rsync::Host, || {
        let far = Far::start(LAB, &under_test()?)?;
        let cluster = Cluster::start()?;
        cluster.volume("pvol")?;
        let primary = cluster.mount("pvol")?;
        load::populate(&primary.join("first"))?;
        gluster(&["system::", "execute", "gsec_create"])?;
        expect_refusal(&["create", "push-pem"], "Passwordless ssh login has not been setup")?;
        far.let_us_in()?;
        let brick = far.volume("svol")?;
        geo(&["create", "push-pem"])?;
        // at once: the keys are pushed in the background
        geo(&["start"])?;
        if is_stock() {
            // dies where the keys come after it
            wait::until(ACTIVE_CEILING, "the keys are there", || present(&far))?;
            geo(&["start", "force"])?;
        }
        wait::until(ACTIVE_CEILING, "Active by itself", || match geo(&["status"]) {
            Ok(text) if text.contains("Active") => Ok(()),
            Ok(text) => Err(text),
            Err(failure) => Err(failure.to_string()),
        })?;
        let status = geo(&["status"])?;
        expect(is_stock() || status.contains(" far "), &format!("the far node in {status}"))?;
        expect(present(&far).is_ok(), "one line for each key, with the program that glusterd names")?;
        wait::until(Duration::from_secs(60), "the first sync", || {
            let names =
                |path: &std::path::Path| -> usize { fs::read_dir(path).into_iter().flatten().count() };
            let (here, there) = (names(&primary.join("first")), names(&brick.join("first")));
            // the stock one loses some now and then
            if there > 0 && (here == there || is_stock()) {
                Ok(())
            } else {
                Err(format!("{here} here, {there} there"))
            }
        })?;
        geo(&["create", "push-pem", "force"])?;
        geo(&["stop"])?;
        geo(&["delete"]).map(drop)
    })
}

fn geo(words: &[&str]) -> Done<String> {
    gluster(&[&["volume", "geo-replication", "pvol", "far::svol"], words].concat())
}

fn expect_refusal(words: &[&str], reason: &str) -> Done {
    let said = gluster_refuses(&[&["volume", "geo-replication", "pvol", "far::svol"], words].concat())?;
    expect(said.contains(reason), &format!("'{reason}' in {said}"))
}

/// The forced commands of both keys (spec: glusterd-interface 7.2).
fn present(far: &Far) -> Result<(), String> {
    let keys = far.authorized_keys();
    let lines = |program: &str| {
        keys.lines().filter(|line| line.starts_with("command=") && line.contains(program)).count()
    };
    match (lines("gsyncd"), lines("tar ")) {
        (1, 1) => Ok(()),
        _ => Err(keys),
    }
}

#[track_caller]
fn expect(condition: bool, what: &str) -> Done {
    if condition { Ok(()) } else { Err(Failure::new(format!("not so: {what}"))) }
}
