use super::super::{Chart, Drawing};
use super::*;
use measure::Taint;

/// Milliseconds of the clock of the run, which began long before.
fn interval(start: u64, end: u64) -> Interval {
    Interval::new(7_000_000_000_000 + start * 1_000_000, 7_000_000_000_000 + end * 1_000_000)
}

fn attempt(repetition: u32, measurements: impl IntoIterator<Item = Measurement>) -> Attempt {
    let outcomes = measurements.into_iter().map(Outcome::Measured).collect();
    Attempt { workload: Workload::Stream, repetition, outcomes, warnings: Vec::new() }
}

/// A gauge that was read every so many milliseconds.
fn series(metric: &Definition, step: u64, values: &[f64]) -> Measurement {
    let sample = |(at, value): (u64, &f64)| Sample::timed(*value, interval(at * step, (at + 1) * step));
    Measurement::new(metric, (0..).zip(values).map(sample)).label("workload", "stream")
}

fn tainted(start: u64, end: u64) -> Measurement {
    let mut one = Measurement::new(&metrics::STREAM_TRIAD, [Sample::timed(1e9, interval(start, end))]);
    one.samples[0].taint = Some(Taint::CpuTaken { share: 0.5, by: "steal".into() });
    one
}

/// The charts of these attempts: title and drawing.
fn shown(attempts: Vec<Attempt>) -> Vec<(String, String)> {
    let drawn = charts(&run(attempts)).unwrap().into_iter();
    let charts = drawn.map(|drawn| match drawn {
        Drawn::Chart(Chart { title, drawing: Drawing::Svg(svg), .. }) => (title, svg),
        _ => panic!("this is no drawing"),
    });
    charts.collect()
}

/// The labels at the horizontal axis: the last texts that are whole numbers alone.
fn labels(svg: &str) -> Vec<u32> {
    svg.lines().filter_map(|line| line.trim().parse().ok()).collect()
}

fn run(attempts: Vec<Attempt>) -> Run {
    Run { attempts, ..crate::testdata::run() }
}

#[test]
fn a_line_is_as_long_as_the_telemetry_was() {
    // Every 3.6 s, for 97.2 s; one a second would be 27 s, and readings counted on the clock of others more.
    let clock = series(&metrics::HOST_CLOCK, 3600, &[3e9; 27]);
    let attempt = attempt(0, [clock]);
    let lines = lines(&PANELS[1], &attempt, super::clock(&attempt).unwrap());
    let [line] = lines.as_slice() else { panic!("{} lines", lines.len()) };
    let ends = [line.points[0].0, line.points[26].0];
    assert!((ends[0] - 3.6).abs() < 1e-9 && (ends[1] - 97.2).abs() < 1e-9, "{ends:?}");

    let charts = shown(vec![attempt]);
    let [(title, svg)] = charts.as_slice() else { panic!("{} charts", charts.len()) };
    assert_eq!(title, "Clock: stream");
    assert_eq!(labels(svg).last(), Some(&100), "{svg}");
}

#[test]
fn each_repetition_has_its_own_clock() {
    let first = attempt(0, [series(&metrics::HOST_CLOCK, 1000, &[3e9; 40])]);
    let mut second = attempt(1, [series(&metrics::HOST_CLOCK, 2000, &[3e9; 20])]);
    for outcome in &mut second.outcomes {
        let Outcome::Measured(one) = outcome else { continue };
        for interval in one.samples.iter_mut().filter_map(|sample| sample.interval.as_mut()) {
            (interval.start, interval.end) = (interval.start + 500_000_000_000, interval.end + 500_000_000_000);
        }
    }
    let charts = shown(vec![first, second]);
    let titles: Vec<&str> = charts.iter().map(|(title, _)| title.as_str()).collect();
    assert_eq!(titles, ["Clock: stream, repetition 0", "Clock: stream, repetition 1"]);
    for (_, svg) in charts {
        assert_eq!(labels(&svg).last(), Some(&40), "{svg}");
    }
}

#[test]
fn disturbed_spans_are_the_union_of_tainted_samples() {
    let check = |tainted: &[Measurement], expect: &[Range<f64>]| {
        let telemetry = series(&metrics::HOST_STEAL, 1000, &[0.0; 10]);
        let attempt = attempt(0, [telemetry].into_iter().chain(tainted.iter().cloned()));
        assert_eq!(spans(&attempt, clock(&attempt).unwrap()), expect);
    };
    check(&[], &[]);
    check(&[tainted(2000, 3000), tainted(1000, 2500), tainted(3000, 4000)], &[1.0..4.0]);
    check(&[tainted(5000, 6000), tainted(1000, 2000)], &[1.0..2.0, 5.0..6.0]);
    // Records of version 0.1.0 say it of the readings themselves.
    check(&[series(&metrics::HOST_DISTURBED, 500, &[0.0, 1.0, 1.0, 0.0, 1.0])], &[0.5..1.5, 2.0..2.5]);
}

#[test]
fn telemetry_without_times_is_not_drawn() {
    let untimed = Measurement::new(&metrics::HOST_CLOCK, [3e9, 3e9].map(Sample::untimed));
    assert_eq!(shown(vec![attempt(0, [untimed])]), []);
}

#[test]
fn one_reading_is_no_chart() {
    let charts = charts(&run(vec![attempt(0, [series(&metrics::HOST_CLOCK, 1000, &[3e9])])])).unwrap();
    let expect = "Clock: stream";
    assert!(matches!(charts.as_slice(), [Drawn::Nothing { title, why: Some(_), .. }] if title == expect));
}
