//! A whole life of a session, as an administrator and users see it; the trees are equal after every phase.
use gsyncd_lab::census::{Process, kill};
use gsyncd_lab::host::Rsync;
use gsyncd_lab::inside::on_a_private_host;
use gsyncd_lab::scenario::{ACTIVE_CEILING, Scenario, sources};
use gsyncd_lab::{Done, Failure, load, wait};
use std::time::{Duration, Instant};

const LONG: Duration = Duration::from_secs(240);
const SHORT: Duration = Duration::from_secs(90);

fn on_host(name: &str, body: fn() -> Done) -> Done {
    on_a_private_host(name, env!("CARGO_BIN_EXE_gsyncd-lab"), Rsync::Host, body)
}

#[test]
fn sources_then_live_then_history() -> Done {
    on_host("sources_then_live_then_history", || {
        let lab = Scenario::new()?;
        let count = load::copy(&sources()?.join("go-1.19/src"), &lab.primary.join("sources"), 4)?;
        if count < 5000 {
            return Err(Failure::new(format!("the package has only {count} files")));
        }
        load::populate(&lab.primary.join("crawl"))?;
        load::change(&lab.primary.join("crawl"))?;
        load::populate(&lab.primary.join("live"))?;
        load::populate(&lab.primary.join("history"))?;
        lab.session.start()?;
        lab.session.wait_active(ACTIVE_CEILING)?;
        lab.equal_within(LONG, "first sync")?;

        load::change(&lab.primary.join("live"))?;
        load::populate(&lab.primary.join("live2"))?;
        load::change(&lab.primary.join("live2"))?;
        load::shell(&lab.primary, "mv sources/cmd sources/cmd-moved; rm -r sources/net")?;
        lab.equal_within(LONG, "live")?;

        lab.session.stop_clean()?;
        load::change(&lab.primary.join("history"))?;
        load::populate(&lab.primary.join("history2"))?;
        load::change(&lab.primary.join("history2"))?;
        load::shell(&lab.primary, "mv sources/cmd-moved sources/back; rm -r live2/new")?;
        lab.session.start()?;
        lab.session.wait_active(ACTIVE_CEILING)?;
        lab.equal_within(LONG, "history")?;
        lab.end_in_peace()
    })
}

/// What of the session dies.
type Victims = fn(&Scenario) -> Vec<Process>;

#[test]
fn killed_in_the_middle() -> Done {
    on_host("killed_in_the_middle", || {
        let lab = Scenario::new()?;
        let workers: Victims = |lab| lab.session.census.workers();
        let secondaries: Victims = |lab| lab.session.census.secondaries();
        load::populate(&lab.primary.join("first"))?;
        many(&lab, "before", 1500)?;
        lab.session.start()?;
        lab.session.wait_active(ACTIVE_CEILING)?;
        kill_some(&lab, workers)?;
        lab.equal_within(LONG, "killed in the first sync")?;
        for (round, victims) in [secondaries, workers, secondaries, workers].into_iter().enumerate() {
            let name = format!("round{round}");
            load::populate(&lab.primary.join(&name))?;
            many(&lab, &format!("many{round}"), 400)?;
            kill_some(&lab, victims)?;
            load::change(&lab.primary.join(&name))?;
            kill_some(&lab, victims)?;
        }
        load::change(&lab.primary.join("first"))?;
        lab.session.wait_active(ACTIVE_CEILING)?;
        lab.equal_within(LONG, "killed at work")?;
        lab.session.stop_clean()
    })
}

/// Kills what there is to kill as soon as there is something at work (after a kill it takes a moment to be back).
fn kill_some(lab: &Scenario, victims: Victims) -> Done {
    let found = wait::until(ACTIVE_CEILING, "something to kill", || match victims(lab) {
        found if found.is_empty() => Err(format!("{:#?}", lab.session.census.newcomers())),
        found => Ok(found),
    })?;
    for process in found {
        println!("SIGKILL {} {}", process.pid, process.line);
        // It may have ended by itself in this moment.
        let _ = kill(&process);
    }
    Ok(())
}

fn many(lab: &Scenario, name: &str, count: usize) -> Done {
    load::shell(
        &lab.primary,
        &format!(
            "mkdir {name}; for i in $(seq {count}); do echo $i > {name}/$i; done; mv {name}/1 {name}/one; rm {name}/2"
        ),
    )
}

#[test]
fn monitor_killed_then_started() -> Done {
    on_host("monitor_killed_then_started", || {
        let lab = Scenario::new()?;
        load::populate(&lab.primary.join("first"))?;
        lab.session.start()?;
        lab.session.wait_active(ACTIVE_CEILING)?;
        lab.equal_within(SHORT, "first sync")?;
        let monitor = lab.session.census.monitor().ok_or_else(|| Failure::new("no monitor"))?;
        let before = lab.session.census.newcomers();
        load::change(&lab.primary.join("first"))?;
        kill(&monitor)?;
        let start = Instant::now();
        lab.session.geo(&["start", "force"])?;
        wait::until(Duration::from_secs(30), "nothing of the killed session is left", || {
            let now = lab.session.census.newcomers();
            let old: Vec<_> = before.iter().filter(|old| now.iter().any(|new| new.pid == old.pid)).collect();
            if old.is_empty() { Ok(()) } else { Err(format!("{old:#?}")) }
        })?;
        println!("the orphans were gone {:.1} s after start", start.elapsed().as_secs_f64());
        lab.session.wait_active(ACTIVE_CEILING)?;
        lab.equal_within(SHORT, "after the kill of the monitor")?;
        lab.session.stop_clean()
    })
}
