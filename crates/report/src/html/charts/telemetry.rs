//! What the host did while a workload ran, with the spans marked in which a sample was disturbed.

use std::ops::Range;

use measure::{Attempt, Definition, Interval, Measurement, Outcome, Role, Run, Sample, Workload, definition, metrics};

use super::clock::AttemptClock;
use super::{COUNT, Drawn, Plot, axis, draw};
use crate::html::Error;
use crate::html::axis::{Label, Scale};
use crate::html::plot::PlotLine;
use crate::text::clean;

/// One chart of each attempt: its gauges, which have one unit, and words.
struct Panel {
    id: &'static str,
    title: &'static str,
    caption: &'static str,
    gauges: &'static [ShownGauge],
}

/// A gauge with the name of its line; one with a source has that for a name.
struct ShownGauge {
    metric: &'static Definition,
    name: &'static str,
}

const fn gauge(metric: &'static Definition, name: &'static str) -> ShownGauge {
    ShownGauge { metric, name }
}

static PANELS: [Panel; 4] = [
    Panel {
        id: "load",
        title: "Taken from the workers",
        caption: "Share of the workers' CPU time that others took: the hypervisor, other processes, interrupts.",
        gauges: &[
            gauge(&metrics::HOST_STEAL, "hypervisor"),
            gauge(&metrics::HOST_OTHER_LOAD, "other processes"),
            gauge(&metrics::HOST_INTERRUPTS, "interrupts"),
        ],
    },
    Panel {
        id: "clock",
        title: "Clock",
        caption: "Mean clock of the workers' CPUs as the kernel estimates it.",
        gauges: &[gauge(&metrics::HOST_CLOCK, "clock")],
    },
    Panel {
        id: "heat",
        title: "Temperature",
        caption: "The hottest processor, DIMM, drive or accelerator, and the hottest drive alone.",
        gauges: &[
            gauge(&metrics::HOST_HOTTEST, "hottest of all"),
            gauge(&metrics::HOST_HOTTEST_DRIVE, "hottest drive"),
        ],
    },
    Panel {
        id: "power",
        title: "Power",
        caption: "By source; the name says what it covers.",
        gauges: &[gauge(&metrics::HOST_POWER, "power")],
    },
];

/// The charts of each attempt that was watched, by its own clock.
pub(super) fn charts(run: &Run) -> Result<Vec<Drawn>, Error> {
    let mut charts = Vec::new();
    for workload in Workload::ALL {
        let attempts: Vec<&Attempt> = run.attempts.iter().filter(|one| one.workload == workload).collect();
        for attempt in &attempts {
            let Some(clock) = clock(attempt) else { continue };
            for panel in &PANELS {
                charts.extend(drawn(panel, attempt, clock, attempts.len() == 1)?);
            }
        }
    }
    Ok(charts)
}

/// The clock that began with the telemetry of an attempt.
fn clock(attempt: &Attempt) -> Option<AttemptClock> {
    AttemptClock::of(measurements(attempt).filter(|one| is_telemetry(one)).flat_map(|one| &one.samples))
}

fn measurements(attempt: &Attempt) -> impl Iterator<Item = &Measurement> {
    attempt.outcomes.iter().filter_map(Outcome::measured)
}

fn is_telemetry(one: &Measurement) -> bool {
    definition(&one.metric.name).is_some_and(|known| known.role == Role::Telemetry)
}

/// `None` where the attempt was not watched for it: what a host tells of itself is not all that there could be.
fn drawn(panel: &Panel, attempt: &Attempt, clock: AttemptClock, only: bool) -> Result<Option<Drawn>, Error> {
    let lines = lines(panel, attempt, clock);
    let (Some(first), false) = (panel.gauges.first(), lines.is_empty()) else { return Ok(None) };
    let (workload, repetition) = (attempt.workload.name(), attempt.repetition);
    let which = if only { workload.to_owned() } else { format!("{workload}, repetition {repetition}") };
    let drawn = draw(
        &format!("{workload}-{repetition}-{}", panel.id),
        &Plot {
            title: &format!("{}: {which}", panel.title),
            of: first.metric,
            caption: panel.caption,
            x: axis("seconds after the start", Scale::Linear, COUNT),
            y: axis("", Scale::Linear, Label::Unit(first.metric.unit)),
            lines,
            spans: spans(attempt, clock),
            tags: Vec::new(),
        },
    );
    drawn.map(Some)
}

/// A line for each series of the gauges.
fn lines(panel: &Panel, attempt: &Attempt, clock: AttemptClock) -> Vec<PlotLine> {
    let mut lines: Vec<PlotLine> = Vec::new();
    for gauge in panel.gauges {
        for one in measurements(attempt).filter(|one| one.metric.is(gauge.metric)) {
            let points: Vec<(f64, f64)> = one.samples.iter().filter_map(|sample| clock.point(sample)).collect();
            let name = clean(one.labels.get("source").map_or(gauge.name, String::as_str));
            if !points.is_empty() {
                lines.push(PlotLine { name, points, joined: true, style: lines.len() });
            }
        }
    }
    lines
}

/// From when to when samples were taken that do not count; intervals that meet are one span.
fn spans(attempt: &Attempt, clock: AttemptClock) -> Vec<Range<f64>> {
    let mut intervals: Vec<Interval> = measurements(attempt).flat_map(disturbed).collect();
    intervals.sort_by_key(|interval| (interval.start, interval.end));
    let mut spans: Vec<Interval> = Vec::new();
    for interval in intervals {
        match spans.last_mut() {
            Some(last) if interval.start <= last.end => *last = last.hull(interval),
            _ => spans.push(interval),
        }
    }
    spans.into_iter().map(|span| clock.range(span)).collect()
}

/// The intervals of tainted samples, and those of which a record of version 0.1.0 says that they were disturbed.
fn disturbed(one: &Measurement) -> impl Iterator<Item = Interval> {
    let marks = one.metric.is(&metrics::HOST_DISTURBED);
    let counts = move |sample: &&Sample| sample.taint.is_some() || marks && sample.value > 0.0;
    one.samples.iter().filter(counts).filter_map(|sample| sample.interval)
}

#[cfg(test)]
mod tests;
