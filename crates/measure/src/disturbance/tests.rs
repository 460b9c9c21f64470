//! METHODOLOGY.md: "A sample that was disturbed is marked with the reason, stays in the record and decides nothing" — each
//! sample by itself: by the host's telemetry in its own interval, and by nothing else.

use Workload::{Disk, Stream, Tabular};

use super::*;
use crate::metrics::{
    DENSE_FMA, DENSE_HPL, DENSE_HPL_SECOND, DISK_RANDREAD_IOPS, DISK_RANDREAD_LATENCY, DISK_RANDREAD_P99, STREAM_COPY,
    STREAM_TRIAD, TABULAR_CLUSTER_TIME, TABULAR_PHASE, TABULAR_TIME,
};
use crate::{AttemptLog, Event, Gauge, Labels, Metric, Placement, Sample, Telemetry};

const SECOND: u64 = 1_000_000_000;

/// From and to in seconds.
fn seconds(from: f64, to: f64) -> Interval {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "small and not negative")]
    let stamp = |seconds: f64| (seconds * SECOND as f64) as u64;
    Interval::new(stamp(from), stamp(to))
}

fn gauge(definition: &Definition, readings: &[f64]) -> Gauge {
    let readings = readings.iter().copied().map(Some).collect();
    Gauge { metric: Metric::from(definition), labels: Labels::new(), readings }
}

/// An attempt whose telemetry has a reading for each second from 0.
fn attempt(workload: Workload, gauges: Vec<Gauge>, measured: &[(&Definition, &[(f64, f64)])]) -> Attempt {
    let count = gauges.iter().map(|gauge| gauge.readings.len()).max().unwrap_or(0);
    let clock = (0..count as u64).map(|second| Interval::new(second * SECOND, (second + 1) * SECOND)).collect();
    let mut log = AttemptLog::begin(workload, 0);
    for (definition, intervals) in measured {
        let samples = intervals.iter().map(|&(from, to)| Sample::timed(1.0, seconds(from, to)));
        log.take(Event::Measured(Measurement::new(definition, samples)));
    }
    log.take(Event::Telemetry(Telemetry { clock, gauges }));
    log.end()
}

/// Which samples of a metric are marked.
fn marked(attempt: &Attempt, definition: &Definition) -> Vec<bool> {
    let found = attempt.outcomes.iter().find_map(|outcome| match outcome {
        Outcome::Measured(one) if one.metric.is(definition) => Some(one),
        Outcome::Measured(_) | Outcome::NotMeasured(_) => None,
    });
    found.expect("it was measured").samples.iter().map(|sample| sample.taint.is_some()).collect()
}

/// The hypervisor takes half of the CPUs in the first of ten seconds.
fn stolen_at_first() -> Gauge {
    let mut readings = [0.0; 10];
    readings[0] = 0.5;
    gauge(&HOST_STEAL, &readings)
}

#[test]
fn each_kernel_of_a_batch_of_stream_is_judged_by_its_own_samples() {
    // Kernels take turns; all are emitted at the end of the batch.
    let triad = [(0.1, 0.2), (1.1, 1.2), (2.1, 2.2)];
    let copy = [(0.3, 0.4), (1.3, 1.4), (2.3, 2.4)];
    let attempt = attempt(Workload::Stream, vec![stolen_at_first()], &[(&STREAM_TRIAD, &triad), (&STREAM_COPY, &copy)]);
    assert_eq!(marked(&attempt, &STREAM_TRIAD), [true, false, false]);
    assert_eq!(marked(&attempt, &STREAM_COPY), [true, false, false]);
}

#[test]
fn hpl_on_full_is_judged_by_all_of_its_time_and_each_second_by_itself() {
    let each: Vec<(f64, f64)> = (0..10).map(|second| (f64::from(second), f64::from(second) + 1.0)).collect();
    let solution = [(0.0, 10.0)];
    let measured: [(&Definition, &[(f64, f64)]); 2] = [(&DENSE_HPL_SECOND, &each), (&DENSE_HPL, &solution)];
    let attempt = attempt(Workload::Dense, vec![stolen_at_first()], &measured);
    let mut first = vec![false; 10];
    first[0] = true;
    assert_eq!(marked(&attempt, &DENSE_HPL_SECOND), first);
    // Half of one of ten seconds is 5 %, above the 2 % that are allowed.
    assert_eq!(marked(&attempt, &DENSE_HPL), [true]);
}

#[test]
fn a_long_sample_bears_a_short_disturbance() {
    let mut readings = [0.0; 10];
    readings[3] = 0.1;
    let steal = gauge(&HOST_STEAL, &readings);
    let attempt = attempt(Workload::Dense, vec![steal], &[(&DENSE_HPL, &[(0.0, 10.0)]), (&DENSE_FMA, &[(3.2, 3.3)])]);
    // 10 % of one of ten seconds is 1 %.
    assert_eq!(marked(&attempt, &DENSE_HPL), [false]);
    assert_eq!(marked(&attempt, &DENSE_FMA), [true]);
}

#[test]
fn rate_p99_and_percentiles_of_a_round_on_disk_share_its_interval() {
    let rounds = [(0.2, 1.7), (1.9, 3.4), (3.6, 5.1)];
    let measured: [(&Definition, &[(f64, f64)]); 3] =
        [(&DISK_RANDREAD_IOPS, &rounds), (&DISK_RANDREAD_P99, &rounds), (&DISK_RANDREAD_LATENCY, &rounds)];
    let attempt = attempt(Workload::Disk, vec![stolen_at_first()], &measured);
    for definition in [&DISK_RANDREAD_IOPS, &DISK_RANDREAD_P99, &DISK_RANDREAD_LATENCY] {
        assert_eq!(marked(&attempt, definition), [true, false, false], "{}", definition.id);
    }
}

#[test]
fn a_phase_of_tabular_is_judged_apart_from_the_whole() {
    let phases = [(0.0, 1.0), (1.0, 5.0)];
    let whole = [(0.0, 5.0)];
    let measured: [(&Definition, &[(f64, f64)]); 2] = [(&TABULAR_PHASE, &phases), (&TABULAR_TIME, &whole)];
    let attempt = attempt(Workload::Tabular, vec![stolen_at_first()], &measured);
    assert_eq!(marked(&attempt, &TABULAR_PHASE), [true, false]);
    assert_eq!(marked(&attempt, &TABULAR_TIME), [true]);
}

#[test]
fn each_rule_has_its_reason_and_its_workloads() {
    let check = |workload: Workload, definition: &Definition, reading: f64, expect: Option<&str>| {
        let quiet = [0.0, reading];
        let attempt = attempt(workload, vec![gauge(definition, &quiet)], &[(&STREAM_TRIAD, &[(0.0, 0.5), (1.2, 1.4)])]);
        let Outcome::Measured(triad) = &attempt.outcomes[0] else { panic!("triad was measured") };
        assert_eq!(triad.samples[0].taint, None);
        let found = triad.samples[1].taint.as_ref().map(ToString::to_string);
        assert_eq!(found.as_deref(), expect, "{} {reading}", definition.id);
    };
    check(Stream, &HOST_STEAL, 0.02, None);
    check(Stream, &HOST_STEAL, 0.021, Some("steal took 2.1 % of the CPU time"));
    check(Stream, &HOST_OTHER_LOAD, 0.05, None);
    check(Stream, &HOST_OTHER_LOAD, 0.06, Some("other processes took 6.0 % of the CPU time"));
    check(Tabular, &HOST_OTHER_LOAD, 0.06, Some("other processes took 6.0 % of the CPU time"));
    check(Disk, &HOST_OTHER_LOAD, 0.9, None);
    check(Disk, &HOST_STEAL, 0.03, Some("steal took 3.0 % of the CPU time"));
    let throttled = "3 times the processor throttled itself for its temperature";
    check(Stream, &HOST_THROTTLES_PER_SECOND, 3.0, Some(throttled));
    check(Stream, &HOST_MAJOR_FAULTS_PER_SECOND, 1.0, Some("1 page faults waited for a drive"));
    check(Tabular, &HOST_MAJOR_FAULTS_PER_SECOND, 1.0, None);
    check(Disk, &HOST_UNCORRECTED_ERRORS_PER_SECOND, 1.0, Some("1 memory errors could not be corrected"));
}

#[test]
fn a_reading_that_is_too_short_counts_with_the_one_before() {
    // The last reading of a run may be of some milliseconds: one tick of the kernel's clock is a large share of them.
    let clock = vec![seconds(0.0, 1.0), seconds(1.0, 1.02)];
    let steal = |last: f64| Telemetry { clock: clock.clone(), gauges: vec![gauge(&HOST_STEAL, &[0.0, last])] };
    let check = |last: f64, expect: bool| {
        let mut log = AttemptLog::begin(Workload::Stream, 0);
        let sample = Sample::timed(1.0, seconds(1.0, 1.01));
        log.take(Event::Measured(Measurement::new(&STREAM_TRIAD, [sample])));
        log.take(Event::Telemetry(steal(last)));
        assert_eq!(marked(&log.end(), &STREAM_TRIAD), [expect]);
    };
    check(0.5, false);
    check(1.1, true);
}

#[test]
fn marks_that_are_there_stay_and_samples_without_a_time_get_none() {
    let before = Taint::WrongNode { share: 0.5 };
    let mut marked = Sample::untimed(1.0);
    marked.taint = Some(before.clone());
    let mut log = AttemptLog::begin(Workload::Stream, 0);
    log.take(Event::Measured(Measurement::new(&STREAM_TRIAD, [marked, Sample::untimed(2.0)])));
    log.take(Event::Telemetry(Telemetry { clock: vec![seconds(0.0, 1.0)], gauges: vec![gauge(&HOST_STEAL, &[1.0])] }));
    let attempt = log.end();
    let Outcome::Measured(triad) = &attempt.outcomes[0] else { panic!("triad was measured") };
    assert_eq!(triad.samples.iter().map(|sample| sample.taint.clone()).collect::<Vec<_>>(), [Some(before), None]);
}

#[test]
fn stretches_become_one_series_and_gauges_are_not_marked() {
    let mut log = AttemptLog::begin(Workload::Dense, 1);
    for second in 0..3_u64 {
        let clock = vec![Interval::new(second * SECOND, (second + 1) * SECOND)];
        let silent = Gauge { readings: vec![None], ..gauge(&crate::metrics::HOST_HOTTEST, &[]) };
        log.take(Event::Telemetry(Telemetry { clock, gauges: vec![gauge(&HOST_STEAL, &[0.5]), silent] }));
    }
    let attempt = log.end();
    let [Outcome::Measured(steal)] = &attempt.outcomes[..] else { panic!("{:?}", attempt.outcomes) };
    assert_eq!(steal.id().to_string(), "host.steal{workload=dense}");
    assert_eq!(steal.samples.len(), 3);
    assert_eq!(steal.samples[2].interval, Some(Interval::new(2 * SECOND, 3 * SECOND)));
    assert!(steal.samples.iter().all(|sample| sample.taint.is_none()));
}

#[test]
fn a_figure_of_several_samples_is_disturbed_where_one_of_them_is() {
    let check = |parts: [(f64, f64); 2], expect: bool| {
        let samples = parts.map(|(from, to)| Sample::timed(1.0, seconds(from, to)));
        let mut log = AttemptLog::begin(Workload::Dense, 0);
        log.take(Event::Measured(Measurement::new(&DENSE_HPL, [crate::derived(2.0, &samples)])));
        let clock = (0..10_u64).map(|second| Interval::new(second * SECOND, (second + 1) * SECOND)).collect();
        log.take(Event::Telemetry(Telemetry { clock, gauges: vec![stolen_at_first()] }));
        assert_eq!(marked(&log.end(), &DENSE_HPL), [expect], "{parts:?}");
    };
    // A short part is not diluted by the long time until the next one.
    check([(0.2, 0.8), (9.0, 9.9)], true);
    // What happened between the parts concerns none of them.
    check([(2.0, 3.0), (9.0, 9.9)], false);
}

#[test]
fn a_sample_that_ended_after_the_last_reading_does_not_count() {
    let samples = [(0.5, 1.5), (9.8, 10.2)];
    let attempt = attempt(Workload::Stream, vec![gauge(&HOST_STEAL, &[0.0; 10])], &[(&STREAM_TRIAD, &samples)]);
    assert_eq!(marked(&attempt, &STREAM_TRIAD), [false, true]);
}

#[test]
fn heat_and_power_under_load_are_not_judged_by_what_they_show() {
    let throttled = gauge(&HOST_THROTTLES_PER_SECOND, &[5.0; 10]);
    let window = [(0.0, 10.0)];
    let measured: [(&Definition, &[(f64, f64)]); 3] =
        [(&HOST_TEMPERATURE, &window), (&HOST_POWER_PEAK, &window), (&DENSE_HPL, &window)];
    let attempt = attempt(Workload::Dense, vec![throttled], &measured);
    assert_eq!(marked(&attempt, &HOST_TEMPERATURE), [false]);
    assert_eq!(marked(&attempt, &HOST_POWER_PEAK), [false]);
    assert_eq!(marked(&attempt, &DENSE_HPL), [true]);
}

#[test]
fn workers_of_this_host_are_judged_by_it_and_those_that_somebody_else_started_are_not() {
    let check = |cpus: Option<Vec<u32>>, expect: bool| {
        let measured: [(&Definition, &[(f64, f64)]); 1] = [(&TABULAR_CLUSTER_TIME, &[(0.0, 10.0)])];
        let mut attempt = attempt(Tabular, vec![gauge(&HOST_OTHER_LOAD, &[0.5; 10])], &measured);
        for outcome in &mut attempt.outcomes {
            if let Outcome::Measured(one) = outcome {
                one.samples.iter_mut().for_each(|sample| sample.taint = None);
                one.placement = cpus.clone().map(|cpus| Placement { cpus, ..Placement::default() });
            }
        }
        mark(&mut attempt);
        assert_eq!(marked(&attempt, &TABULAR_CLUSTER_TIME), [expect], "{cpus:?}");
    };
    check(Some(vec![0, 1]), true);
    check(None, false);
}
