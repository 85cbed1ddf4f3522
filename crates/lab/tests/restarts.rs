//! glusterd is started again, alone or with everything on the host, while a session runs, is paused, is stopped.
use gsyncd_lab::census::{Process, kill, processes};
use gsyncd_lab::cluster::Cluster;
use gsyncd_lab::host::Rsync;
use gsyncd_lab::inside::{is_stock, on_a_private_host};
use gsyncd_lab::scenario::{ACTIVE_CEILING, Scenario};
use gsyncd_lab::{Done, Failure, load, wait};
use std::time::Duration;

const BOUND: Duration = Duration::from_secs(60);

#[test]
fn glusterd_restarted() -> Done {
    on_a_private_host("glusterd_restarted", env!("CARGO_BIN_EXE_gsyncd-lab"), Rsync::Host, || {
        let mut lab = Scenario::new()?;
        load::populate(&lab.primary.join("first"))?;
        lab.session.start()?;
        lab.session.wait_active(ACTIVE_CEILING)?;
        while_it_runs(&mut lab)?;
        while_it_is_paused(&mut lab)?;
        while_it_is_stopped(&mut lab)?;
        lab.session.start()?;
        lab.session.wait_active(ACTIVE_CEILING)?;
        lab.equal_within(BOUND, "after all of it")?;
        lab.session.stop_clean()?;
        // of a glusterd without sessions nothing is asked
        lab.session.geo(&["delete"])?;
        restart(&mut lab, Dies::Glusterd)?;
        expect(lab.session.census.monitor().is_none(), "no monitor for a session that was deleted")
    })
}

/// What is killed before glusterd is started again.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Dies {
    /// glusterd alone.
    Glusterd,
    /// glusterd and all of the session, as when the host itself is started again.
    SessionToo,
}

fn while_it_runs(lab: &mut Scenario) -> Done {
    let monitor = monitor(lab)?;
    restart(lab, Dies::Glusterd)?;
    lab.session.wait_active(ACTIVE_CEILING)?;
    expect(self::monitor(lab)?.pid == monitor.pid, "it is still the same monitor")?;
    load::populate(&lab.primary.join("second"))?;
    lab.equal_within(BOUND, "glusterd restarted while it runs")?;
    restart(lab, Dies::SessionToo)?;
    lab.session.wait_active(ACTIVE_CEILING)?;
    expect(self::monitor(lab)?.pid != monitor.pid, "there is another monitor")?;
    load::populate(&lab.primary.join("third"))?;
    lab.equal_within(BOUND, "all restarted while it runs")
}

/// A pause survives (the stock one forgets it; spec: glusterd-interface 0, trap 15).
fn while_it_is_paused(lab: &mut Scenario) -> Done {
    lab.session.geo(&["pause"])?;
    restart(lab, Dies::Glusterd)?;
    paused(lab, "glusterd")?;
    lab.session.geo(&["resume"])?;
    lab.session.wait_active(ACTIVE_CEILING)?;
    lab.equal_within(BOUND, "resumed after glusterd")?;
    lab.session.geo(&["pause"])?;
    restart(lab, Dies::SessionToo)?;
    if is_stock() {
        return lab.session.geo(&["resume", "force"]).map(drop);
    }
    paused(lab, "everything")?;
    lab.session.geo(&["resume"])?;
    lab.session.wait_active(ACTIVE_CEILING)?;
    lab.equal_within(BOUND, "resumed after everything")
}

fn paused(lab: &Scenario, what: &str) -> Done {
    lab.session.wait_status(BOUND, "status", |text| text == "Paused")?;
    let name = format!("paused-{what}");
    load::populate(&lab.primary.join(&name))?;
    // longer than two roll-overs: whoever is not paused has synced by then
    std::thread::sleep(Duration::from_secs(5));
    expect(!lab.secondary.join(&name).exists(), "nothing moves while paused")?;
    let state = lab.session.wait_status(BOUND, "status", |text| text == "Paused");
    state.map(drop)
}

fn while_it_is_stopped(lab: &mut Scenario) -> Done {
    lab.session.stop_clean()?;
    load::populate(&lab.primary.join("stopped"))?;
    restart(lab, Dies::Glusterd)?;
    lab.session.wait_status(BOUND, "status", |text| text == "Stopped")?;
    expect(lab.session.census.monitor().is_none(), "no monitor while stopped")
}

fn restart(lab: &mut Scenario, dies: Dies) -> Done {
    if dies == Dies::SessionToo {
        // first of all the monitor, so that it starts nothing again; ssh too: it may be stopped by a pause
        let others = lab.session.census.newcomers();
        let others = others.into_iter().filter(|process| process.line.contains("gsyncd"));
        for process in lab.session.census.monitor().into_iter().chain(others) {
            // it may have ended with those before it
            let _ = kill(&process);
        }
        lab.session.wait_gone(BOUND)?;
    }
    let glusterd = || processes().into_iter().find(|process| process.name == "glusterd" && !process.zombie);
    let process = glusterd().ok_or_else(|| Failure::new("no glusterd"))?;
    kill(&process)?;
    wait::until(BOUND, "glusterd has ended", || match glusterd() {
        None => Ok(()),
        Some(process) => Err(format!("{process:?}")),
    })?;
    Cluster::start()?;
    lab.session.census.forgive("glusterd");
    Ok(())
}

#[track_caller]
fn monitor(lab: &Scenario) -> Done<Process> {
    lab.session.census.monitor().ok_or_else(|| Failure::new("no monitor"))
}

#[track_caller]
fn expect(condition: bool, what: &str) -> Done {
    if condition { Ok(()) } else { Err(Failure::new(format!("not so: {what}"))) }
}
