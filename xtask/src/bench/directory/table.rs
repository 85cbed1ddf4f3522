//! The table for a person, with the bars and whether they are met.
use super::figures::{Figures, SSH_ALONE};
use super::options::{Case, Place, Set};
use super::tool::Tool;
use std::fmt::Write;

/// A single change has arrived within so many seconds.
const CHANGE_BAR: f64 = 0.2;
/// What "no processor time" means: so many seconds of it in [`super::follow::IDLE`].
const IDLE_BAR: f64 = 0.01;

type Group = (Place, Set, Case);

/// Everything that was measured, one group after the other.
pub fn table(figures: &Figures) -> String {
    let mut text = String::new();
    for group in figures.groups() {
        let _ = writeln!(text, "\n{}", title(group));
        let _ = writeln!(
            text,
            "  {:<14}{:>9}{:>19}{:>9}{:>9}{:>10}",
            "", "median s", "(min … max)", "ratio", "cpu s", "peak MiB"
        );
        for who in figures.members(group) {
            line(&mut text, figures, group, who);
        }
        if let Some(verdict) = verdict(figures, group) {
            let _ = writeln!(text, "  {verdict}");
        }
    }
    text
}

fn title((place, set, case): Group) -> String {
    let set = match set {
        Set::Small => "small files",
        Set::Large => "one large file",
    };
    let place = match place {
        Place::Local => "local",
        Place::Ssh => "ssh",
    };
    match case {
        Case::FirstSync => format!("{place}, {set}: first sync"),
        Case::NoChange => format!("{place}, {set}: nothing changed"),
        Case::Changed => format!("{place}, {set}: 1% changed"),
        Case::Latency => format!("{place}: a single change, following"),
        Case::Idle => format!("{place}: following, nothing happens (processor time is what counts)"),
    }
}

/// Ratios are to `rsync -a`.
fn line(text: &mut String, figures: &Figures, group: Group, who: &'static str) {
    let Some(sample) = figures.median(group, who) else { return };
    let range = figures.range(group, who).map(|(low, high)| format!("({low:.3} … {high:.3})"));
    let rsync = figures.median(group, Tool::Rsync.word());
    let ratio = rsync.map_or("-".to_owned(), |rsync| format!("{:.2}", sample.seconds / rsync.seconds));
    let _ = writeln!(
        text,
        "  {who:<14}{:>9.3}{:>19}{ratio:>9}{:>9.3}{:>10.1}",
        sample.seconds,
        range.unwrap_or_default(),
        sample.processor_seconds,
        sample.peak_mebibytes
    );
}

/// The bar of a group and whether it is met; none while ours or rsync was not measured.
fn verdict(figures: &Figures, group: Group) -> Option<String> {
    let (place, _, case) = group;
    let seconds = |who| figures.median(group, who).map(|sample| sample.seconds);
    let ours = figures.median(group, Tool::Gsyncd.word())?;
    let rsync = || seconds(Tool::Rsync.word());
    let (measured, bar, words) = match (case, place) {
        (Case::Latency, _) => (ours.seconds, CHANGE_BAR, "200 ms".to_owned()),
        (Case::Idle, _) => (ours.processor_seconds, IDLE_BAR, "10 ms of a processor".to_owned()),
        (Case::FirstSync, _) => (ours.seconds, 1.1 * rsync()?, "1.1 of rsync -a".to_owned()),
        (Case::NoChange, Place::Local) => (ours.seconds, 0.6 * rsync()?, "0.6 of rsync -a".to_owned()),
        (Case::Changed, Place::Local) => (ours.seconds, 0.7 * rsync()?, "0.7 of rsync -a".to_owned()),
        (Case::NoChange, Place::Ssh) => above_ssh(ours.seconds, rsync()?, seconds(SSH_ALONE)?, 0.3),
        (Case::Changed, Place::Ssh) => above_ssh(ours.seconds, rsync()?, seconds(SSH_ALONE)?, 0.4),
    };
    let judged = if measured <= bar { "PASS" } else { "miss" };
    Some(format!("bar: {words} = {bar:.3} s; ours {measured:.3} s: {judged}"))
}

fn above_ssh(ours: f64, rsync: f64, ssh: f64, part: f64) -> (f64, f64, String) {
    (ours, ssh + part * (rsync - ssh).max(0.0), format!("ssh true + {part} of what rsync -a takes above it"))
}

#[cfg(test)]
mod tests {
    use super::table;
    use crate::bench::directory::figures::{Figures, Key, SSH_ALONE};
    use crate::bench::directory::measure::Sample;
    use crate::bench::directory::options::{Case, Place, Set};

    fn figures(place: Place, case: Case, all: &[(&'static str, f64)]) -> Figures {
        let mut figures = Figures::default();
        for (who, seconds) in all {
            let sample = Sample { seconds: *seconds, processor_seconds: 0.005, peak_mebibytes: 7.0 };
            figures.add(Key { place, set: Set::Small, case, who }, sample);
        }
        figures
    }

    #[test]
    fn bars_are_judged() {
        let local = figures(Place::Local, Case::FirstSync, &[("gsyncd", 1.0), ("rsync", 1.0)]);
        assert!(table(&local).contains("bar: 1.1 of rsync -a = 1.100 s; ours 1.000 s: PASS"));
        let all = [("gsyncd", 0.5), ("rsync", 1.0), (SSH_ALONE, 0.3)];
        assert!(table(&figures(Place::Ssh, Case::NoChange, &all)).contains("= 0.510 s; ours 0.500 s: PASS"));
        let all = [("gsyncd", 0.6), ("rsync", 1.0), (SSH_ALONE, 0.3)];
        assert!(table(&figures(Place::Ssh, Case::Changed, &all)).contains("= 0.580 s; ours 0.600 s: miss"));
        let idle = figures(Place::Local, Case::Idle, &[("gsyncd", 5.0)]);
        assert!(table(&idle).contains("ours 0.005 s: PASS"));
    }

    #[test]
    fn without_ours_there_is_no_verdict() {
        let text = table(&figures(Place::Local, Case::Changed, &[("rsync", 1.0), ("rsync-delete", 2.0)]));
        assert!(!text.contains("bar"), "{text}");
        assert!(text.contains("2.00"), "{text}");
    }
}
