//! Which charts a run has: each from the series that it shows, and none where there are no series.

mod change;
mod clock;
mod compute;
mod memory;
mod night;
mod phases;
mod siblings;
mod storage;
mod targets;
mod telemetry;

use std::ops::Range;

use measure::{Definition, MetricId, Run, Unit, metrics};
use spec::System;
use verdict::Judgement;

use super::Error;
use super::axis::{Axis, Label, Scale};
use super::plot::{self, Legend, PlotLine, Tag};
use super::strips::Strips;
use crate::series::{self, RunSeries};
use crate::text::clean;

pub(super) use change::change;
pub(super) use night::night;
pub(super) use siblings::siblings;
pub(super) use targets::targets;

/// A chart with its words.
#[derive(Debug, serde::Serialize)]
pub(super) struct Chart {
    title: String,
    caption: String,
    drawing: Drawing,
    legend: Vec<Legend>,
}

#[derive(Debug, serde::Serialize)]
#[serde(rename_all = "snake_case")]
enum Drawing {
    Svg(String),
    Strips(Strips),
}

/// A chart, or what it would have been.
enum Drawn {
    Chart(Chart),
    Nothing {
        title: String,
        /// The metric that it would have shown.
        of: &'static Definition,
        /// What is in the way, where it is not that nothing was measured.
        why: Option<&'static str>,
    },
}

/// A chart that the page leaves out.
#[derive(Debug, PartialEq, Eq, serde::Serialize)]
struct LeftOut {
    title: String,
    why: String,
}

/// A heading with its charts.
#[derive(Debug, serde::Serialize)]
pub(super) struct Section {
    id: &'static str,
    title: &'static str,
    charts: Vec<Chart>,
    left_out: Vec<LeftOut>,
}

impl Section {
    fn of(id: &'static str, title: &'static str, all: Vec<Drawn>, run: &Run, series: &[RunSeries]) -> Section {
        let mut section = Section { id, title, charts: Vec::new(), left_out: Vec::new() };
        for drawn in all {
            match drawn {
                Drawn::Chart(chart) => section.charts.push(chart),
                Drawn::Nothing { title, of, why } => {
                    let why = why.map(str::to_owned).or_else(|| why_missing(of, run, series));
                    section.left_out.extend(why.map(|why| LeftOut { title, why }));
                }
            }
        }
        section
    }
}

/// Why a metric cannot be shown; `None` where nothing of the run was to measure it.
fn why_missing(metric: &'static Definition, run: &Run, series: &[RunSeries]) -> Option<String> {
    if let Some(missing) = series::missing(run).find(|missing| missing.id.name == metric.id) {
        return Some(format!("not measured: {}", missing.reason));
    }
    let mut found = of_metric(series, metric).peekable();
    found.peek()?;
    let disturbed = found.all(|one| one.summary.is_none());
    Some(
        if disturbed { "all of its samples were disturbed" } else { "some of what it is drawn from is missing" }
            .to_owned(),
    )
}

/// The charts of a run by what they are of.
pub(super) fn sections(
    run: &Run,
    series: &[RunSeries],
    system: &System,
    judgement: &Judgement,
) -> Result<Vec<Section>, Error> {
    let memory = vec![
        memory::latency_by_size(series)?,
        memory::bandwidth_by_size(series)?,
        memory::matrix(series, &metrics::STREAM_MATRIX_LATENCY, "Latency from node to node")?,
        memory::matrix(series, &metrics::STREAM_MATRIX_READ, "Read bandwidth from node to node")?,
        memory::matrix(series, &metrics::STREAM_MATRIX_WRITE, "Write bandwidth from node to node")?,
        memory::loaded(series)?,
        memory::scaling(series)?,
        memory::parallelism(series)?,
    ];
    let compute = vec![
        compute::by_order(series)?,
        compute::by_second(run, &metrics::DENSE_DGEMM_SUSTAINED, "DGEMM")?,
        compute::by_second(run, &metrics::DENSE_HPL_SECOND, "HPL")?,
    ];
    let storage = vec![storage::frontier(series, judgement)?, storage::percentiles(series)?];
    let features = [phases::shares(series, system), phases::times(series)];
    let features = features.into_iter().flatten().map(Drawn::Chart).collect();
    let all = [
        Section::of("memory", "Memory", memory, run, series),
        Section::of("compute", "Compute", compute, run, series),
        Section::of("storage", "Storage", storage, run, series),
        Section::of("features", "Feature workload", features, run, series),
        Section::of("telemetry", "The host while it was measured", telemetry::charts(run)?, run, series),
    ];
    Ok(all.into_iter().filter(|one| !one.charts.is_empty() || !one.left_out.is_empty()).collect())
}

/// What a chart of lines is drawn from.
struct Plot<'a> {
    title: &'a str,
    /// The metric that it shows.
    of: &'static Definition,
    caption: &'a str,
    x: AxisStyle<'a>,
    y: AxisStyle<'a>,
    lines: Vec<PlotLine>,
    /// From where to where of the horizontal axis something was disturbed.
    spans: Vec<Range<f64>>,
    tags: Vec<Tag>,
}

impl Plot<'_> {
    fn nothing(&self, why: Option<&'static str>) -> Drawn {
        Drawn::Nothing { title: self.title.to_owned(), of: self.of, why }
    }
}

/// What an axis is called, and how its values lie along it and are written.
#[derive(Clone, Copy)]
struct AxisStyle<'a> {
    title: &'a str,
    scale: Scale,
    label: Label,
}

const fn axis(title: &str, scale: Scale, label: Label) -> AxisStyle<'_> {
    AxisStyle { title, scale, label }
}

impl AxisStyle<'_> {
    fn around(self, values: impl Iterator<Item = f64>) -> Option<Axis> {
        Axis::around(self.title, self.scale, self.label, values)
    }
}

/// Lines, unless there is none: a point alone is a figure of the table.
fn draw(id: &str, plot: &Plot<'_>) -> Result<Drawn, Error> {
    let points = || plot.lines.iter().flat_map(|line| &line.points);
    let x = plot.x.around(points().map(|point| point.0));
    let y = plot.y.around(points().map(|point| point.1));
    let (Some(x), Some(y)) = (x, y) else { return Ok(plot.nothing(None)) };
    if !plot.lines.iter().any(|line| line.joined && line.points.len() > 1) {
        return Ok(plot.nothing(Some("one figure is no curve")));
    }
    let x = x.at_most(5);
    let svg = plot::lines(&x, &y, &plot.lines, &plot.spans, &plot.tags)?;
    let mut legend = plot::legend(&plot.lines);
    if !plot.spans.is_empty() {
        legend.push(plot::span_key("disturbed: what was measured then does not count".to_owned()));
    }
    Ok(Drawn::Chart(chart(id, plot.title, plot.caption, &svg, legend)))
}

fn chart(id: &str, title: &str, caption: &str, svg: &str, legend: Vec<Legend>) -> Chart {
    let drawing = Drawing::Svg(described(id, title, caption, svg));
    Chart { title: title.to_owned(), caption: caption.to_owned(), drawing, legend }
}

fn strip_chart(title: &str, caption: &str, strips: Strips, legend: Vec<Legend>) -> Chart {
    Chart { title: title.to_owned(), caption: caption.to_owned(), drawing: Drawing::Strips(strips), legend }
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

/// The series of a metric, with whatever labels.
fn of_metric<'a>(series: &'a [RunSeries], metric: &'static Definition) -> impl Iterator<Item = &'a RunSeries> {
    series.iter().filter(move |one| one.last.metric.is(metric))
}

/// The series of a metric without labels.
fn headline<'a>(series: &'a [RunSeries], metric: &'static Definition) -> Option<&'a RunSeries> {
    series.iter().find(|one| one.id.is(metric))
}

/// The medians of a metric over one of its labels; a line for each value of `key`.
fn by_label(
    series: &[RunSeries],
    metric: &'static Definition,
    label: &str,
    key: impl Fn(&MetricId) -> String,
) -> Vec<PlotLine> {
    let mut lines: Vec<PlotLine> = Vec::new();
    for one in of_metric(series, metric) {
        let (Some(x), Some(summary)) = (number(&one.id, label), one.summary) else { continue };
        let key = clean(&key(&one.id));
        let at = lines.iter().position(|line| line.name == key).unwrap_or_else(|| {
            lines.push(PlotLine { name: key, points: Vec::new(), joined: true, style: lines.len() });
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
