//! What an administrator reads and sets.
use gsyncd_lab::cluster::gluster_refuses;
use gsyncd_lab::host::Rsync;
use gsyncd_lab::inside::on_a_private_host;
use gsyncd_lab::scenario::{ACTIVE_CEILING, Scenario};
use gsyncd_lab::session::Pair;
use gsyncd_lab::{Done, Failure, load};
use std::time::Duration;

const BOUND: Duration = Duration::from_secs(60);

fn on_host(name: &str, body: fn() -> Done) -> Done {
    on_a_private_host(name, env!("CARGO_BIN_EXE_gsyncd-lab"), Rsync::Host, body)
}

fn field<'a>(pair: &'a Pair, name: &str) -> &'a str {
    pair.get(name).map(String::as_str).unwrap_or_default()
}

fn expect(condition: bool, what: &str) -> Done {
    if condition { Ok(()) } else { Err(Failure::new(what)) }
}

#[test]
fn status_tells() -> Done {
    on_host("status_tells", || {
        let lab = Scenario::new()?;
        expect(field(&lab.session.pair()?, "status") == "Created", "Created before start")?;
        load::populate(&lab.primary.join("first"))?;
        lab.session.start()?;
        let pair = lab.session.wait_active(ACTIVE_CEILING)?;
        expect(field(&pair, "secondary_node") == "lab", &format!("secondary node in {pair:?}"))?;
        lab.session.wait_status(BOUND, "crawl_status", |text| text == "Changelog Crawl")?;
        lab.equal_within(BOUND, "first sync")?;
        load::shell(&lab.primary, "for i in 1 2 3; do echo $i > counted$i; done; chmod 600 first/edited")?;
        lab.equal_within(BOUND, "live")?;
        let pair = lab.session.wait_status(BOUND, "last_synced", |text| text.starts_with("20"))?;
        for counter in ["entry", "data", "meta", "failures"] {
            let count = field(&pair, counter).parse::<u64>();
            expect(count.is_ok(), &format!("{counter} is a number in {pair:?}"))?;
        }
        expect(field(&pair, "failures") == "0", &format!("no failures in {pair:?}"))?;
        idle_advances(&lab)?;
        lab.session.stop_clean()?;
        expect(field(&lab.session.pair()?, "status") == "Stopped", "Stopped after stop")
    })
}

/// With nobody writing, last-synced moves on, twice.
fn idle_advances(lab: &Scenario) -> Done {
    for _ in 0..2 {
        let before = field(&lab.session.pair()?, "last_synced").to_owned();
        let pair = lab.session.wait_status(BOUND, "last_synced", |text| text > before.as_str())?;
        println!("last synced advanced from {before} to {}", field(&pair, "last_synced"));
    }
    Ok(())
}

#[test]
fn checkpoint_on_an_idle_volume() -> Done {
    on_host("checkpoint_on_an_idle_volume", || {
        let lab = Scenario::new()?;
        load::populate(&lab.primary.join("first"))?;
        lab.session.start()?;
        lab.session.wait_active(ACTIVE_CEILING)?;
        lab.equal_within(BOUND, "first sync")?;
        lab.session.geo(&["config", "checkpoint", "now"])?;
        let pair = lab.session.wait_status(BOUND, "checkpoint_completed", |text| text == "Yes")?;
        for name in ["checkpoint_time", "checkpoint_completion_time"] {
            expect(field(&pair, name).starts_with("20"), &format!("{name} in {pair:?}"))?;
        }
        lab.session.stop_clean()
    })
}

#[test]
fn pause_and_resume() -> Done {
    on_host("pause_and_resume", || {
        let lab = Scenario::new()?;
        lab.session.start()?;
        lab.session.wait_active(ACTIVE_CEILING)?;
        lab.session.geo(&["pause"])?;
        lab.session.wait_status(BOUND, "status", |text| text == "Paused")?;
        load::populate(&lab.primary.join("paused"))?;
        // Longer than two roll-overs: whoever is not paused has synced by then.
        std::thread::sleep(Duration::from_secs(5));
        expect(!lab.secondary.join("paused").exists(), "nothing moves while paused")?;
        lab.session.geo(&["resume"])?;
        lab.session.wait_active(ACTIVE_CEILING)?;
        lab.equal_within(BOUND, "after resume")?;
        lab.session.geo(&["pause"])?;
        lab.session.geo(&["stop", "force"])?;
        lab.session.wait_gone(Duration::from_secs(10))
    })
}

#[test]
fn config_and_delete() -> Done {
    on_host("config_and_delete", || {
        let lab = Scenario::new()?;
        let get = |name: &str| lab.session.geo(&["config", name]).map(|text| text.trim().to_owned());
        let listed = lab.session.geo(&["config"])?;
        expect(
            listed.contains("sync-jobs") || listed.contains("sync_jobs"),
            &format!("sync-jobs in {listed}"),
        )?;
        let default = get("sync-jobs")?;
        lab.session.geo(&["config", "sync-jobs", "7"])?;
        expect(get("sync-jobs")? == "7", "sync-jobs is 7 after set")?;
        lab.session.geo(&["config", "!sync-jobs"])?;
        expect(get("sync-jobs")? == default, "sync-jobs is the default after reset")?;
        let url = lab.session.url();
        gluster_refuses(&["volume", "geo-replication", "pvol", &url, "config", "no-such-option", "1"])?;
        gluster_refuses(&["volume", "geo-replication", "pvol", &url, "config", "sync-jobs", "many"])?;
        lab.session.start()?;
        lab.session.wait_active(ACTIVE_CEILING)?;
        lab.session.geo(&["config", "sync-jobs", "5"])?;
        lab.session.wait_active(ACTIVE_CEILING)?;
        load::populate(&lab.primary.join("after"))?;
        lab.equal_within(BOUND, "after a config change on a running session")?;
        gluster_refuses(&["volume", "geo-replication", "pvol", &url, "delete"])?;
        lab.session.stop_clean()?;
        lab.session.geo(&["delete"])?;
        gluster_refuses(&["volume", "geo-replication", "pvol", &url, "start"])?;
        lab.session.wait_gone(Duration::from_secs(10))
    })
}
