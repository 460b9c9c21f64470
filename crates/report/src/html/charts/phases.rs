//! The phases of the feature workload, beside the shares that the document gives them.

use measure::Unit;
use spec::System;

use super::{Figure, SECONDS, figure, labelled, named};
use crate::html::Error;
use crate::html::axis::{Axis, Label, Scale};
use crate::html::plot::{self, Strip};
use crate::series::Series;
use crate::text::clean;

/// The time of a phase, by the label of its name.
const METRIC: &str = "tabular.phase";
const LABEL: &str = "phase";
/// The whole that the document gives shares of.
const WHOLE: &str = "tabular.time_500gb";

/// The document's phase that a phase of the workload belongs to.
fn documented(phase: &str) -> &str {
    match phase.split('.').next().unwrap_or(phase) {
        "load" => "read",
        "save" => "save",
        "verify" => "verify",
        _ => "transform",
    }
}

/// Each phase with its median in seconds, in the order of the work.
fn measured(series: &[Series]) -> Vec<(String, f64)> {
    named(series, METRIC).filter_map(|one| Some((labelled(&one.id, LABEL), one.summary?.median))).collect()
}

/// Measured shares of the time beside the documented ones.
pub(super) fn shares(series: &[Series], system: &System) -> Result<Option<Figure>, Error> {
    let phases: Vec<(String, f64)> =
        measured(series).into_iter().filter(|(phase, _)| documented(phase) != "verify").collect();
    let whole: f64 = phases.iter().map(|(_, seconds)| seconds).sum();
    let target = system.targets.iter().find(|target| target.metric.as_deref() == Some(WHOLE));
    let (Some(target), true) = (target, whole > 0.0) else { return Ok(None) };
    let mut names: Vec<&str> = target.phases.iter().map(String::as_str).collect();
    names.extend(target.shares.keys().map(String::as_str).filter(|name| !target.phases.iter().any(|one| one == name)));
    let strips: Vec<Strip> = names
        .into_iter()
        .map(|name| {
            let of = phases.iter().filter(|(phase, _)| documented(phase) == name);
            let share = of.map(|(_, seconds)| seconds).sum::<f64>() / whole;
            let told = target.shares.get(name).map(|told| (1, *told));
            Strip { name: clean(name), marks: told.into_iter().chain([(0, share)]).collect(), interval: None }
        })
        .collect();
    let all = strips.iter().flat_map(|strip| &strip.marks).map(|mark| mark.1).chain([0.0, 0.9]);
    let axis = Axis::around("share of the whole time", Scale::Linear, Label::Unit(Unit::Ratio), all);
    let (Some(axis), false) = (axis, strips.is_empty()) else { return Ok(None) };
    let svg = plot::strips(&axis, None, &strips)?;
    let legend = vec![plot::key(0, "measured".to_owned()), plot::key(1, "documented".to_owned())];
    let caption = "Reading the input, transforming it and saving the result, as shares of their sum. A phase without a ▲ has \
                   no share in the document.";
    Ok(Some(figure("phase-shares", "Phases against the documented shares", caption, &svg, legend)))
}

/// The time of each phase.
pub(super) fn times(series: &[Series]) -> Result<Option<Figure>, Error> {
    let strips: Vec<Strip> = measured(series)
        .into_iter()
        .filter(|(_, seconds)| seconds.is_finite() && *seconds > 0.0)
        .map(|(phase, seconds)| Strip {
            name: clean(&phase),
            marks: vec![(0, seconds)],
            interval: Some((0, 0.0, seconds)),
        })
        .collect();
    let axis = Axis::around("time", Scale::Linear, SECONDS, strips.iter().map(|strip| strip.marks[0].1));
    let (Some(axis), false) = (axis, strips.is_empty()) else { return Ok(None) };
    let svg = plot::strips(&axis, None, &strips)?;
    let caption = "Medians. Each transformation is materialised before the next begins.";
    Ok(Some(figure("phase-times", "Time of each phase", caption, &svg, Vec::new())))
}
