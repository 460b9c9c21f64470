//! The phases of the feature workload, beside the shares that the document gives them.

use measure::{Definition, Unit, metrics};
use spec::System;

use super::{Chart, SECONDS, labelled, of_metric, strip_chart};
use crate::html::axis::{Axis, Label, Scale};
use crate::html::plot;
use crate::html::strips::{Bar, Marker, Strip, Strips};
use crate::series::RunSeries;
use crate::text::clean;

/// The label that names a phase.
const LABEL: &str = "phase";
/// The whole that the document gives shares of.
static WHOLE: &Definition = &metrics::TABULAR_TIME_500GB;

/// The document's phase that a phase of the workload belongs to.
fn documented(phase: &str) -> &str {
    match phase.split('.').next().unwrap_or(phase) {
        "load" => "read",
        "save" => "save",
        "verify" => "verify",
        _ => "transform",
    }
}

/// A phase with its median.
struct MeasuredPhase {
    name: String,
    seconds: f64,
}

/// The phases in the order of the work.
fn measured(series: &[RunSeries]) -> Vec<MeasuredPhase> {
    let phase = |one: &RunSeries| Some(MeasuredPhase { name: labelled(&one.id, LABEL), seconds: one.summary?.median });
    of_metric(series, &metrics::TABULAR_PHASE).filter_map(phase).collect()
}

/// Measured shares of the time beside the documented ones.
pub(super) fn shares(series: &[RunSeries], system: &System) -> Option<Chart> {
    let phases: Vec<MeasuredPhase> =
        measured(series).into_iter().filter(|phase| documented(&phase.name) != "verify").collect();
    let whole: f64 = phases.iter().map(|phase| phase.seconds).sum();
    let target = system.targets.iter().find(|target| target.metric == Some(WHOLE));
    let target = target.filter(|_| whole > 0.0)?;
    let mut names: Vec<&str> = target.phases.iter().map(String::as_str).collect();
    names.extend(target.shares.keys().map(String::as_str).filter(|name| !target.phases.iter().any(|one| one == name)));
    let strips: Vec<Strip> = names
        .into_iter()
        .map(|name| {
            let of = phases.iter().filter(|phase| documented(&phase.name) == name);
            let share = of.map(|phase| phase.seconds).sum::<f64>() / whole;
            let promised = target.shares.get(name).map(|share| Marker { style: 1, value: *share });
            let marks = promised.into_iter().chain([Marker { style: 0, value: share }]).collect();
            Strip { name: clean(name), word: None, marks, bar: None }
        })
        .collect();
    let all = strips.iter().flat_map(|strip| &strip.marks).map(|mark| mark.value).chain([0.0, 0.9]);
    let axis = Axis::around("share of the whole time", Scale::Linear, Label::Unit(Unit::Ratio), all);
    let axis = axis.filter(|_| !strips.is_empty())?;
    let legend = vec![plot::key(0, "measured".to_owned()), plot::key(1, "documented".to_owned())];
    let caption = "Reading the input, transforming it and saving the result, as shares of their sum. A phase without a ▲ has \
                   no share in the document.";
    let strips = Strips::new("Phase", &axis, None, &strips, &legend);
    Some(strip_chart("Phases against the documented shares", caption, strips, legend))
}

/// The time of each phase.
pub(super) fn times(series: &[RunSeries]) -> Option<Chart> {
    let strips: Vec<Strip> = measured(series)
        .into_iter()
        .filter(|phase| phase.seconds.is_finite() && phase.seconds > 0.0)
        .map(|MeasuredPhase { name, seconds }| Strip {
            name: clean(&name),
            word: None,
            marks: vec![Marker { style: 0, value: seconds }],
            bar: Some(Bar { style: 0, low: 0.0, high: seconds }),
        })
        .collect();
    let axis = Axis::around("time", Scale::Linear, SECONDS, strips.iter().map(|strip| strip.marks[0].value));
    let axis = axis.filter(|_| !strips.is_empty())?;
    let caption = "Medians. Each transformation is materialised before the next begins.";
    let strips = Strips::new("Phase", &axis, None, &strips, &[]);
    Some(strip_chart("Time of each phase", caption, strips, Vec::new()))
}
