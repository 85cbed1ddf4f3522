//! All measurements of a run, and their medians.
use super::measure::Sample;
use super::options::{Case, Place, Set};
use std::collections::BTreeMap;

/// The name under which `ssh host true` is kept.
pub const SSH_ALONE: &str = "ssh true";

/// What a measurement is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    /// Behind ssh or not.
    pub place: Place,
    /// Which tree.
    pub set: Set,
    /// Doing what.
    pub case: Case,
    /// Who.
    pub who: &'static str,
}

/// Measurements by what they are of.
#[derive(Debug, Default)]
pub struct Figures {
    all: BTreeMap<Key, Vec<Sample>>,
    /// Each is printed as it comes.
    pub raw: bool,
}

impl Figures {
    /// One more measurement.
    pub fn add(&mut self, key: Key, sample: Sample) {
        if self.raw {
            let Key { place, set, case, who } = key;
            let Sample { seconds, processor_seconds, peak_mebibytes } = sample;
            println!(
                "{place:?} {set:?} {case:?} {who}: {seconds:.3} s, processor {processor_seconds:.3} s, peak {peak_mebibytes:.0} MiB"
            );
        }
        self.all.entry(key).or_default().push(sample);
    }

    /// The groups of measurements that belong side by side, in order.
    pub fn groups(&self) -> Vec<(Place, Set, Case)> {
        let mut groups: Vec<_> = self.all.keys().map(|key| (key.place, key.set, key.case)).collect();
        groups.dedup();
        groups
    }

    /// Who has measurements in a group.
    pub fn members(&self, group: (Place, Set, Case)) -> Vec<&'static str> {
        let keys = self.all.keys().filter(|key| (key.place, key.set, key.case) == group);
        keys.map(|key| key.who).collect()
    }

    /// The medians, each figure for itself.
    pub fn median(&self, (place, set, case): (Place, Set, Case), who: &'static str) -> Option<Sample> {
        let samples = self.all.get(&Key { place, set, case, who })?;
        let of = |figure: fn(&Sample) -> f64| median(samples.iter().map(figure).collect());
        Some(Sample {
            seconds: of(|sample| sample.seconds)?,
            processor_seconds: of(|sample| sample.processor_seconds)?,
            peak_mebibytes: of(|sample| sample.peak_mebibytes)?,
        })
    }

    /// The shortest and the longest time.
    pub fn range(&self, (place, set, case): (Place, Set, Case), who: &'static str) -> Option<(f64, f64)> {
        let samples = self.all.get(&Key { place, set, case, who })?;
        let seconds = samples.iter().map(|sample| sample.seconds);
        Some((seconds.clone().reduce(f64::min)?, seconds.reduce(f64::max)?))
    }
}

/// The middle one, or the mean of the two in the middle.
fn median(mut numbers: Vec<f64>) -> Option<f64> {
    numbers.sort_by(f64::total_cmp);
    let upper = numbers.get(numbers.len() / 2)?;
    let lower = numbers.get((numbers.len().max(1) - 1) / 2)?;
    Some(f64::midpoint(*lower, *upper))
}

#[cfg(test)]
mod tests {
    use super::median;

    #[test]
    fn medians() {
        assert_eq!(median(vec![]), None);
        assert_eq!(median(vec![3.0]), Some(3.0));
        assert_eq!(median(vec![9.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(vec![9.0, 1.0, 2.0, 4.0]), Some(3.0));
    }
}
