//! Records of version 0.1.0 (schema 1) in the terms of this version.

use measure::metrics::HOST_ELAPSED;
use measure::{Attempt, Interval, Measurement, Outcome, Role, Sample, definition};

/// Gives the series of telemetry the clock that they were read by, which 0.1.0 kept as a series of its own: the seconds at
/// which each interval ended. A series that lacks some readings does not tell which, and stays without times. The samples of
/// a workload stay without times too, and so with the marks that they have.
pub(crate) fn give_telemetry_its_clock(attempt: &mut Attempt) {
    let is_clock = |one: &&Measurement| one.metric.is(&HOST_ELAPSED);
    let Some(clock) = attempt.outcomes.iter().filter_map(Outcome::measured).find(is_clock).map(intervals) else {
        return;
    };
    for outcome in &mut attempt.outcomes {
        let Outcome::Measured(series) = outcome else { continue };
        let is_telemetry = definition(&series.metric.name).is_some_and(|known| known.role == Role::Telemetry);
        if is_telemetry && series.samples.len() == clock.len() {
            for (sample, interval) in series.samples.iter_mut().zip(&clock) {
                sample.interval = Some(*interval);
            }
        }
    }
}

/// Each from the end of the one before.
fn intervals(elapsed: &Measurement) -> Vec<Interval> {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "seconds of a run, or what is taken as none"
    )]
    let stamp = |sample: &Sample| (sample.value.max(0.0) * 1e9) as u64;
    let ends = elapsed.samples.iter().map(stamp);
    ends.scan(0, |start, end| Some(Interval::new(std::mem::replace(start, end), end))).collect()
}

#[cfg(test)]
mod tests {
    use measure::metrics::{HOST_HOTTEST, HOST_STEAL, STREAM_TRIAD};
    use measure::{Definition, Workload};

    use super::*;

    #[test]
    fn telemetry_gets_its_clock_and_nothing_else_does() {
        let series = |definition: &Definition, values: &[f64]| {
            Outcome::Measured(Measurement::new(definition, values.iter().copied().map(Sample::untimed)))
        };
        let mut attempt = Attempt {
            workload: Workload::Stream,
            repetition: 0,
            outcomes: vec![
                series(&STREAM_TRIAD, &[1.0, 2.0, 3.0]),
                series(&HOST_ELAPSED, &[1.0, 4.6, 5.0]),
                series(&HOST_STEAL, &[0.0, 0.1, 0.0]),
                series(&HOST_HOTTEST, &[60.0]),
            ],
            warnings: Vec::new(),
        };
        give_telemetry_its_clock(&mut attempt);
        let times = |index: usize| -> Vec<Option<(u64, u64)>> {
            let one = attempt.outcomes[index].measured().unwrap();
            one.samples.iter().map(|sample| sample.interval.map(Into::into)).collect()
        };
        assert_eq!(times(0), [None; 3]);
        let clock = [(0, 1_000_000_000), (1_000_000_000, 4_600_000_000), (4_600_000_000, 5_000_000_000)];
        assert_eq!(times(2), clock.map(Some));
        assert_eq!(times(3), [None]);
    }
}
