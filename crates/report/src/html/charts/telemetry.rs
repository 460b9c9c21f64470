//! What the host did while a workload ran, with the spans marked in which a sample was disturbed.

use measure::{Measurement, Outcome, Run, Unit, Workload};

use super::{COUNT, Figure, Plot, draw};
use crate::html::Error;
use crate::html::axis::{Label, Scale};
use crate::html::plot::Line;
use crate::text::clean;

/// When each interval ended, in seconds after the start of the workload.
const CLOCK: &str = "host.elapsed";
/// 1 where a sample of the interval was disturbed.
const DISTURBED: &str = "host.disturbed";

/// One chart: its metrics with their names, the unit, and words.
struct Chart {
    id: &'static str,
    title: &'static str,
    caption: &'static str,
    unit: Unit,
    metrics: &'static [(&'static str, &'static str)],
}

const CHARTS: [Chart; 4] = [
    Chart {
        id: "load",
        title: "Taken from the workers",
        caption: "Share of the workers' CPU time that others took: the hypervisor, other processes, interrupts.",
        unit: Unit::Ratio,
        metrics: &[
            ("host.steal", "hypervisor"),
            ("host.other_load", "other processes"),
            ("host.interrupts", "interrupts"),
        ],
    },
    Chart {
        id: "clock",
        title: "Clock",
        caption: "Mean clock of the workers' CPUs as the kernel estimates it.",
        unit: Unit::Hertz,
        metrics: &[("host.clock", "clock")],
    },
    Chart {
        id: "heat",
        title: "Temperature",
        caption: "The hottest processor, DIMM, drive or accelerator, and the hottest drive alone.",
        unit: Unit::Celsius,
        metrics: &[("host.hottest", "hottest of all"), ("host.hottest_drive", "hottest drive")],
    },
    Chart {
        id: "power",
        title: "Power",
        caption: "By source; the name says what it covers.",
        unit: Unit::Watt,
        metrics: &[("host.power", "")],
    },
];

/// The charts of each workload that was watched.
pub(super) fn charts(run: &Run) -> Result<Vec<Figure>, Error> {
    let mut figures = Vec::new();
    for workload in Workload::ALL {
        let seen: Vec<&Measurement> = run
            .outcomes()
            .filter_map(|outcome| match outcome {
                Outcome::Measured(one) if one.metric.name.starts_with("host.") => Some(one),
                _ => None,
            })
            .filter(|one| one.labels.get("workload").is_some_and(|of| of == workload.name()))
            .collect();
        for chart in &CHARTS {
            figures.extend(drawn(chart, workload, &seen)?);
        }
    }
    Ok(figures)
}

fn drawn(chart: &Chart, workload: Workload, seen: &[&Measurement]) -> Result<Option<Figure>, Error> {
    let mut lines: Vec<Line> = Vec::new();
    let mut repetitions: Vec<usize> = Vec::new();
    for (metric, name) in chart.metrics {
        for one in all(seen, metric) {
            let name = clean(one.labels.get("source").map_or(*name, String::as_str));
            let at = lines.iter().position(|line| line.name == name).unwrap_or_else(|| {
                lines.push(Line { name, points: Vec::new(), joined: true, style: lines.len() });
                repetitions.push(0);
                lines.len() - 1
            });
            let values: Vec<f64> = one.samples.iter().map(|sample| sample.value).collect();
            // A repetition goes on where the one before ended.
            let start = lines[at].points.last().map_or(0.0, |point| point.0);
            let times = times(seen, repetitions[at], values.len()).into_iter().map(|time| start + time);
            lines[at].points.extend(times.zip(values));
            repetitions[at] += 1;
        }
    }
    let name = workload.name();
    draw(
        &format!("{name}-{}", chart.id),
        &Plot {
            title: &format!("{}: {name}", chart.title),
            caption: chart.caption,
            x: ("seconds after the start", Scale::Linear, COUNT),
            y: ("", Scale::Linear, Label::Unit(chart.unit)),
            lines,
            spans: spans(seen),
        },
    )
}

fn all<'a>(seen: &'a [&Measurement], metric: &'a str) -> impl Iterator<Item = &'a Measurement> {
    seen.iter().copied().filter(move |one| one.metric.name == metric)
}

/// When the samples of a repetition were taken: as its clock says, or one a second in records without one.
fn times(seen: &[&Measurement], repetition: usize, samples: usize) -> Vec<f64> {
    let clock = all(seen, CLOCK).nth(repetition).filter(|clock| clock.samples.len() == samples);
    match clock {
        Some(clock) => clock.samples.iter().map(|sample| sample.value).collect(),
        None => (1..=u32::try_from(samples).unwrap_or(u32::MAX)).map(f64::from).collect(),
    }
}

/// From when to when a sample was disturbed; neighbouring intervals are one span.
fn spans(seen: &[&Measurement]) -> Vec<(f64, f64)> {
    let mut spans: Vec<(f64, f64)> = Vec::new();
    let mut start = 0.0;
    for (repetition, one) in all(seen, DISTURBED).enumerate() {
        let times = times(seen, repetition, one.samples.len());
        let mut from = start;
        for (time, sample) in times.iter().map(|time| start + time).zip(&one.samples) {
            if sample.value > 0.0 {
                match spans.last_mut() {
                    Some(last) if (last.1 - from).abs() < 1e-9 => last.1 = time,
                    _ => spans.push((from, time)),
                }
            }
            from = time;
        }
        start = from;
    }
    spans
}

#[cfg(test)]
mod tests {
    use super::*;
    use measure::Metric;

    #[test]
    fn neighbouring_intervals_are_one_span() {
        let check = |times: &[f64], disturbed: &[f64], expect: &[(f64, f64)]| {
            let of = |name: &str, unit, values: &[f64]| {
                Measurement::new(Metric::lower(name, unit), values.iter().copied()).label("workload", "stream")
            };
            let (clock, marks) = (of(CLOCK, Unit::Second, times), of(DISTURBED, Unit::Ratio, disturbed));
            assert_eq!(spans(&[&clock, &marks]), expect, "{times:?} {disturbed:?}");
        };
        check(&[0.5, 1.5, 2.0], &[0.0, 0.0, 0.0], &[]);
        check(&[0.5, 1.5, 2.0], &[1.0, 1.0, 0.0], &[(0.0, 1.5)]);
        check(&[0.5, 1.5, 2.0], &[1.0, 0.0, 1.0], &[(0.0, 0.5), (1.5, 2.0)]);
        // A clock that does not fit is left out.
        check(&[0.5], &[0.0, 1.0, 0.0], &[(1.0, 2.0)]);
    }
}
