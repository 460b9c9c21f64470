//! A minute or so of a soak, while it goes on: what is heard and read in it becomes an entry of the journal.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::time::Instant;

use jiff::Timestamp;
use measure::{Load, LoadSum, Pass, Stretch, Vital, WrongResult};
use watch::Scan;

/// Wrong results of one soak that are noted one by one: a broken module must not fill the disk. More are counted.
pub(super) const MOST_NOTED: usize = 10_000;

/// Seconds since 1970, which every entry carries.
pub(super) fn now() -> f64 {
    Timestamp::now().as_duration().as_secs_f64()
}

/// A stretch that has not ended.
pub(super) struct StretchSoFar {
    pub(super) begun: Instant,
    pub(super) passes: BTreeMap<Load, Vec<Pass>>,
    hottest: Option<f64>,
    watts: Vec<f64>,
    clocks: Vec<f64>,
    /// Seconds and counts of throttling by package, at the first and the last reading.
    throttled: BTreeMap<(Vital, String), [f64; 2]>,
}

impl StretchSoFar {
    pub(super) fn new() -> StretchSoFar {
        StretchSoFar {
            begun: Instant::now(),
            passes: BTreeMap::new(),
            hottest: None,
            watts: Vec::new(),
            clocks: Vec::new(),
            throttled: BTreeMap::new(),
        }
    }

    pub(super) fn take(&mut self, scan: &Scan) {
        let values = |vital: Vital| scan.signs().filter(move |sign| sign.vital == vital).map(|sign| sign.value);
        self.hottest = values(Vital::Temperature).chain(self.hottest).reduce(f64::max);
        self.watts.extend(values(Vital::Power).reduce(f64::max));
        self.clocks.extend(values(Vital::Clock).next());
        for sign in scan.signs().filter(|sign| matches!(sign.vital, Vital::Throttled | Vital::Throttles)) {
            let range = self.throttled.entry((sign.vital, sign.part.clone())).or_insert([sign.value; 2]);
            range[1] = sign.value;
        }
    }

    /// How long it is. Time in which this process was stopped, and noticed nothing, is no time of the soak.
    pub(super) fn seconds(&self, planned: u16) -> f64 {
        self.begun.elapsed().as_secs_f64().min(2.0 * f64::from(planned))
    }

    pub(super) fn end(self, seconds: f64) -> Stretch {
        let mean = |values: &[f64]| (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64);
        let grown = |vital: Vital| {
            let of = self.throttled.iter().filter(move |((one, _), _)| *one == vital);
            of.map(|(_, [first, last])| (last - first).max(0.0)).reduce(f64::max)
        };
        // Where a processor counts only how often, a stretch in which it was throttled counts whole.
        let throttled = grown(Vital::Throttled)
            .or_else(|| grown(Vital::Throttles).map(|count| if count > 0.0 { seconds } else { 0.0 }));
        Stretch {
            at: now(),
            seconds,
            loads: self.passes.iter().map(|(load, passes)| (*load, LoadSum::of(passes))).collect(),
            hottest: self.hottest,
            watts: mean(&self.watts),
            clock: mean(&self.clocks),
            throttled: throttled.map(|throttled| throttled.min(seconds)),
        }
    }
}

/// Wrong results of a stretch that are not noted one by one: of each part the first one, with the number of the others.
#[derive(Default)]
pub(super) struct Counted(BTreeMap<(Load, String), WrongResult>);

impl Counted {
    /// What was counted, and nothing is left.
    pub(super) fn take(&mut self) -> Vec<WrongResult> {
        std::mem::take(&mut self.0).into_values().collect()
    }

    pub(super) fn add(&mut self, mut result: WrongResult) {
        match self.0.entry((result.load, result.part.clone())) {
            Entry::Occupied(mut first) => first.get_mut().more = first.get().more.saturating_add(result.count()),
            Entry::Vacant(none) => {
                result.place += &format!("; after {MOST_NOTED} entries only the number is noted");
                none.insert(result);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn what_is_only_counted_keeps_its_number_and_its_part() {
        let mut counted = Counted::default();
        for (part, more) in [("core 1", 0), ("core 2", 4), ("core 1", 7)] {
            let (part, place) = (part.to_owned(), "element 3".to_owned());
            counted.add(WrongResult { load: Load::Cpu, part, place, expected: 1, found: 0, more });
        }
        let counts: Vec<(&str, u64)> = counted.0.values().map(|one| (one.part.as_str(), one.count())).collect();
        assert_eq!(counts, [("core 1", 9), ("core 2", 5)]);
        assert!(counted.0.values().all(|one| one.place.ends_with("only the number is noted")));
    }

    #[test]
    fn a_process_that_was_stopped_counts_no_more_than_two_stretches() {
        let mut stretch = StretchSoFar::new();
        stretch.begun = Instant::now().checked_sub(Duration::from_hours(1)).unwrap();
        assert!((stretch.seconds(60) - 120.0).abs() < 1e-9);
    }
}
