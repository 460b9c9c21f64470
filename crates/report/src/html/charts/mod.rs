//! Which charts a run has: each from the series that it shows, and none where there are no series.

mod change;
mod compute;
mod memory;
mod phases;
mod storage;
mod targets;
mod telemetry;

use measure::{MetricId, Run, Unit};
use spec::System;
use verdict::Judgement;

use super::Error;
use super::axis::{Axis, Label, Scale};
use super::plot::{self, Legend, Line};
use crate::series::Series;
use crate::text::clean;

pub(super) use change::change;
pub(super) use targets::targets;

/// A chart with its words.
#[derive(Debug, serde::Serialize)]
pub(super) struct Figure {
    title: String,
    caption: String,
    svg: String,
    legend: Vec<Legend>,
}

/// A heading with its charts.
#[derive(Debug, serde::Serialize)]
pub(super) struct Section {
    id: &'static str,
    title: &'static str,
    figures: Vec<Figure>,
}

/// The charts of a run by what they are of.
pub(super) fn sections(
    run: &Run,
    series: &[Series],
    system: &System,
    judgement: &Judgement,
) -> Result<Vec<Section>, Error> {
    let memory = [
        memory::latency_by_size(series)?,
        memory::bandwidth_by_size(series)?,
        memory::matrix(series, "stream.matrix.latency", "Latency from node to node")?,
        memory::matrix(series, "stream.matrix.read", "Read bandwidth from node to node")?,
        memory::matrix(series, "stream.matrix.write", "Write bandwidth from node to node")?,
        memory::loaded(series)?,
        memory::scaling(series)?,
        memory::parallelism(series)?,
    ];
    let compute = [
        compute::by_order(series)?,
        compute::by_second(run, "dense.dgemm.sustained", "DGEMM")?,
        compute::by_second(run, "dense.hpl.second", "HPL")?,
    ];
    let storage = [storage::frontier(series, judgement)?, storage::percentiles(series)?];
    let features = [phases::shares(series, system)?, phases::times(series)?];
    let all = [
        ("memory", "Memory", memory.into_iter().flatten().collect::<Vec<_>>()),
        ("compute", "Compute", compute.into_iter().flatten().collect()),
        ("storage", "Storage", storage.into_iter().flatten().collect()),
        ("features", "Feature workload", features.into_iter().flatten().collect()),
        ("telemetry", "The host while it was measured", telemetry::charts(run)?),
    ];
    let shown = all.into_iter().filter(|(_, _, figures)| !figures.is_empty());
    Ok(shown.map(|(id, title, figures)| Section { id, title, figures }).collect())
}

/// What a chart of lines is drawn from.
struct Plot<'a> {
    title: &'a str,
    caption: &'a str,
    x: (&'a str, Scale, Label),
    y: (&'a str, Scale, Label),
    lines: Vec<Line>,
    /// From where to where of the horizontal axis something was disturbed.
    spans: Vec<(f64, f64)>,
}

fn draw(id: &str, plot: &Plot<'_>) -> Result<Option<Figure>, Error> {
    let points = || plot.lines.iter().flat_map(|line| &line.points);
    let x = Axis::around(plot.x.0, plot.x.1, plot.x.2, points().map(|point| point.0));
    let y = Axis::around(plot.y.0, plot.y.1, plot.y.2, points().map(|point| point.1));
    let (Some(x), Some(y)) = (x, y) else { return Ok(None) };
    let x = x.at_most(5);
    let svg = plot::lines(&x, &y, &plot.lines, &plot.spans)?;
    let mut legend = plot::legend(&plot.lines);
    if !plot.spans.is_empty() {
        legend.push(plot::span_key("disturbed: what was measured then does not count".to_owned()));
    }
    Ok(Some(figure(id, plot.title, plot.caption, &svg, legend)))
}

fn figure(id: &str, title: &str, caption: &str, svg: &str, legend: Vec<Legend>) -> Figure {
    Figure { title: title.to_owned(), caption: caption.to_owned(), svg: described(id, title, caption, svg), legend }
}

/// Gives a drawing the name and the description that a screen reader reads.
fn described(id: &str, title: &str, description: &str, svg: &str) -> String {
    let Some((open, rest)) = svg.split_once('>') else { return svg.to_owned() };
    format!(
        "{open} role=\"img\" aria-labelledby=\"{id}-t {id}-d\">\n<title id=\"{id}-t\">{}</title>\
         <desc id=\"{id}-d\">{}</desc>{rest}",
        escape(title),
        escape(description)
    )
}

fn escape(text: &str) -> String {
    clean(text).replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// The number that a label holds, without what follows it (`100ns`).
fn number(id: &MetricId, label: &str) -> Option<f64> {
    let text = id.labels.get(label)?;
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    text[..end].parse().ok()
}

fn named<'a>(series: &'a [Series], name: &'a str) -> impl Iterator<Item = &'a Series> {
    series.iter().filter(move |one| one.id.name == name)
}

fn headline<'a>(series: &'a [Series], name: &'a str) -> Option<&'a Series> {
    named(series, name).find(|one| one.id.labels.is_empty())
}

/// The medians of a metric over one of its labels; a line for each value of `key`.
fn by_label(series: &[Series], name: &str, label: &str, key: impl Fn(&MetricId) -> String) -> Vec<Line> {
    let mut lines: Vec<Line> = Vec::new();
    for one in named(series, name) {
        let (Some(x), Some(summary)) = (number(&one.id, label), one.summary) else { continue };
        let key = clean(&key(&one.id));
        let at = lines.iter().position(|line| line.name == key).unwrap_or_else(|| {
            lines.push(Line { name: key, points: Vec::new(), joined: true, style: lines.len() });
            lines.len() - 1
        });
        lines[at].points.push((x, summary.median));
    }
    for line in &mut lines {
        line.points.sort_by(|a, b| a.0.total_cmp(&b.0));
    }
    lines
}

fn labelled(id: &MetricId, label: &str) -> String {
    id.labels.get(label).cloned().unwrap_or_default()
}

const SECONDS: Label = Label::Unit(Unit::Second);
const BYTES: Label = Label::Unit(Unit::BytePerSecond);
const FLOPS: Label = Label::Unit(Unit::FlopPerSecond);
const COUNT: Label = Label::Unit(Unit::Count);
