//! Which charts a run has: each from the series that it shows, and none where there are no series.

use measure::{Better, MetricId, Quantity, Run, Unit};
use verdict::{Judgement, Row};

use super::Error;
use super::axis::{Axis, Label, Scale};
use super::plot::{self, Legend, Line, Strip};
use crate::series::Series;
use crate::text::clean;

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
pub(super) fn sections(run: &Run, series: &[Series], judgement: &Judgement) -> Result<Vec<Section>, Error> {
    let memory = [
        latency_by_size(series)?,
        bandwidth_by_size(series)?,
        matrix(series, "stream.matrix.latency", "Latency from node to node")?,
        matrix(series, "stream.matrix.read", "Read bandwidth from node to node")?,
        matrix(series, "stream.matrix.write", "Write bandwidth from node to node")?,
        loaded(series)?,
        scaling(series)?,
        parallelism(series)?,
    ];
    let compute = [
        by_order(series)?,
        by_second(run, "dense.dgemm.sustained", "DGEMM")?,
        by_second(run, "dense.hpl.second", "HPL")?,
    ];
    let storage = [frontier(series, judgement)?];
    let all = [
        ("memory", "Memory", memory.into_iter().flatten().collect::<Vec<_>>()),
        ("compute", "Compute", compute.into_iter().flatten().collect()),
        ("storage", "Storage", storage.into_iter().flatten().collect()),
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
}

fn draw(id: &str, plot: &Plot<'_>) -> Result<Option<Figure>, Error> {
    let points = || plot.lines.iter().flat_map(|line| &line.points);
    let x = Axis::around(plot.x.0, plot.x.1, plot.x.2, points().map(|point| point.0));
    let y = Axis::around(plot.y.0, plot.y.1, plot.y.2, points().map(|point| point.1));
    let (Some(x), Some(y)) = (x, y) else { return Ok(None) };
    let x = x.at_most(5);
    let svg = plot::lines(&x, &y, &plot.lines)?;
    Ok(Some(figure(id, plot.title, plot.caption, &svg, plot::legend(&plot.lines))))
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

fn latency_by_size(series: &[Series]) -> Result<Option<Figure>, Error> {
    let key = |id: &MetricId| format!("{} pages, every {} B", labelled(id, "page"), labelled(id, "spacing"));
    draw(
        "latency-sweep",
        &Plot {
            title: "Latency by working set",
            caption: "Time of one dependent load on a random cycle through a working set of this size. Each step up is \
                      the end of a cache; the gap between page sizes is address translation.",
            x: ("working set", Scale::Log2, Label::Binary),
            y: ("latency", Scale::Log10, SECONDS),
            lines: by_label(series, "stream.latency.sweep", "size", key),
        },
    )
}

fn bandwidth_by_size(series: &[Series]) -> Result<Option<Figure>, Error> {
    let kernel = |id: &MetricId| {
        let context = named(series, &id.name).find_map(|one| one.last.context.get("kernel"));
        format!("{}, one core", context.map_or("read", String::as_str))
    };
    draw(
        "bandwidth-sweep",
        &Plot {
            title: "Bandwidth by working set",
            caption: "Bytes a second of one core that goes over a working set of this size again and again.",
            x: ("working set", Scale::Log2, Label::Binary),
            y: ("bandwidth", Scale::Log10, BYTES),
            lines: by_label(series, "stream.bandwidth.sweep", "size", kernel),
        },
    )
}

fn matrix(series: &[Series], name: &str, title: &str) -> Result<Option<Figure>, Error> {
    let mut nodes: Vec<String> = Vec::new();
    for one in named(series, name) {
        nodes.extend([labelled(&one.id, "from"), labelled(&one.id, "to")]);
    }
    nodes.sort_by_key(|node| (node.parse::<u32>().unwrap_or(u32::MAX), node.clone()));
    nodes.dedup();
    let nodes: Vec<String> = nodes.iter().map(|node| clean(node)).collect();
    if nodes.is_empty() {
        return Ok(None);
    }
    let cell = |from: usize, to: usize| {
        let one = named(series, name)
            .find(|one| labelled(&one.id, "from") == nodes[from] && labelled(&one.id, "to") == nodes[to])?;
        let median = one.summary?.median;
        Some((median, Quantity::new(median, one.unit).to_string()))
    };
    let svg = plot::heat(&nodes, &nodes, cell)?;
    let caption = "CPUs of the node of the row, memory of the node of the column. The fuller the colour, the larger \
                   the figure.";
    Ok(Some(figure(&name.replace('.', "-"), title, caption, &svg, Vec::new())))
}

fn loaded(series: &[Series]) -> Result<Option<Figure>, Error> {
    let mut points: Vec<(f64, f64, f64)> = Vec::new();
    for one in named(series, "stream.loaded.latency") {
        let rate = named(series, "stream.loaded.bandwidth").find(|other| other.id.labels == one.id.labels);
        let (Some(latency), Some(rate)) = (one.summary, rate.and_then(|rate| rate.summary)) else { continue };
        points.push((number(&one.id, "delay").unwrap_or(0.0), rate.median, latency.median));
    }
    points.sort_by(|a, b| b.0.total_cmp(&a.0));
    let points: Vec<_> = points.into_iter().map(|(_, rate, latency)| (rate, latency)).collect();
    let name = "from long pauses to none".to_owned();
    draw(
        "loaded-latency",
        &Plot {
            title: "Latency under load",
            caption: "Latency of one core while the others read at this rate; their pauses shorten from left to right.",
            x: ("bandwidth of the load", Scale::Linear, BYTES),
            y: ("latency", Scale::Linear, SECONDS),
            lines: vec![Line { name, points, joined: true, style: 0 }],
        },
    )
}

fn scaling(series: &[Series]) -> Result<Option<Figure>, Error> {
    draw(
        "scaling",
        &Plot {
            title: "Bandwidth by threads",
            caption: "One thread a core, on all nodes in turn.",
            x: ("threads", Scale::Linear, COUNT),
            y: ("bandwidth", Scale::Linear, BYTES),
            lines: by_label(series, "stream.scaling", "threads", |id| labelled(id, "kernel")),
        },
    )
}

fn parallelism(series: &[Series]) -> Result<Option<Figure>, Error> {
    draw(
        "parallelism",
        &Plot {
            title: "Time of a load by loads in flight",
            caption: "Independent chains of loads on one core. Where the curve flattens, the core can keep no more \
                      misses in flight.",
            x: ("chains", Scale::Linear, COUNT),
            y: ("time of a load", Scale::Linear, SECONDS),
            lines: by_label(series, "stream.mlp", "chases", |_| "one core".to_owned()),
        },
    )
}

fn by_order(series: &[Series]) -> Result<Option<Figure>, Error> {
    let square = |one: &&Series| {
        let of = |label| one.id.labels.get(label);
        of("m") == of("n") && of("n") == of("k")
    };
    let mut dgemm: Vec<(f64, f64)> = named(series, "dense.dgemm.curve")
        .filter(square)
        .filter_map(|one| Some((number(&one.id, "n")?, one.summary?.median)))
        .collect();
    dgemm.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut lines = vec![Line { name: "DGEMM, square".to_owned(), points: dgemm, joined: true, style: 0 }];
    let mut hpl = by_label(series, "dense.hpl.curve", "n", |_| "HPL proxy".to_owned());
    if let Some(one) = headline(series, "dense.hpl") {
        let order = one.last.context.get("n").and_then(|n| n.parse().ok());
        if let (Some(order), Some(summary), Some(line)) = (order, one.summary, hpl.first_mut()) {
            line.points.push((order, summary.median));
        }
    }
    lines.append(&mut hpl);
    let ends = lines.iter().flat_map(|line| &line.points).map(|point| point.0);
    let (least, most) = ends.fold((f64::MAX, 0.0_f64), |(least, most), n| (least.min(n), most.max(n)));
    if let (Some(peak), true) = (headline(series, "dense.fma").and_then(|one| one.summary), least < most) {
        let points = vec![(least, peak.median), (most, peak.median)];
        lines.push(Line { name: "FMA peak, measured".to_owned(), points, joined: true, style: 0 });
    }
    lines.retain(|line| !line.points.is_empty());
    for (style, line) in lines.iter_mut().enumerate() {
        line.style = style;
        line.points.sort_by(|a, b| a.0.total_cmp(&b.0));
    }
    draw(
        "by-order",
        &Plot {
            title: "DGEMM and HPL by matrix order",
            caption: "All cores. What is missing to the FMA peak is data that did not arrive in time.",
            x: ("order n", Scale::Linear, COUNT),
            y: ("rate", Scale::Linear, FLOPS),
            lines,
        },
    )
}

/// Samples that are one a second, in order; those that do not count have a mark of their own.
fn by_second(run: &Run, name: &str, what: &str) -> Result<Option<Figure>, Error> {
    let measured = run.outcomes().filter_map(|outcome| match outcome {
        measure::Outcome::Measured(one) if one.metric.name == name => Some(one),
        _ => None,
    });
    let samples: Vec<_> = measured.flat_map(|one| &one.samples).zip(1_u32..).collect();
    let points = |tainted: bool| {
        let of = samples.iter().filter(|(sample, _)| sample.taint.is_some() == tainted);
        of.map(|(sample, second)| (f64::from(*second), sample.value)).collect::<Vec<_>>()
    };
    let mut lines = vec![Line { name: format!("{what}, each second"), points: points(false), joined: true, style: 0 }];
    let tainted = points(true);
    if !tainted.is_empty() {
        lines.push(Line { name: "disturbed: does not count".to_owned(), points: tainted, joined: false, style: 4 });
    }
    draw(
        &name.replace('.', "-"),
        &Plot {
            title: &format!("{what} over time"),
            caption: "A rate that falls with time tells of heat or of a power limit.",
            x: ("second", Scale::Linear, COUNT),
            y: ("rate", Scale::Linear, FLOPS),
            lines,
        },
    )
}

fn frontier(series: &[Series], judgement: &Judgement) -> Result<Option<Figure>, Error> {
    let mut points: Vec<(f64, f64)> = named(series, "disk.randread.frontier")
        .filter_map(|one| {
            let tail = named(series, "disk.randread.frontier.p99").find(|tail| tail.id.labels == one.id.labels)?;
            Some((one.summary?.median, tail.summary?.median))
        })
        .collect();
    if points.is_empty() {
        return Ok(None);
    }
    points.sort_by(|a, b| a.0.total_cmp(&b.0));
    let name = "measured, by queue depth".to_owned();
    let mut lines = vec![Line { name, points, joined: true, style: 0 }];
    let target = |metric: &str| {
        judgement.rows.iter().find(|row| row.metric.as_deref() == Some(metric) && row.companion_of.is_none())
    };
    if let (Some(rate), Some(tail)) = (target("disk.randread.iops"), target("disk.randread.p99")) {
        let points = vec![(rate.documented.value, tail.documented.value)];
        lines.push(Line { name: "documented".to_owned(), points, joined: false, style: 1 });
    }
    draw(
        "frontier",
        &Plot {
            title: "Random reads: rate against 99th percentile",
            caption: "4 KiB random reads at rising queue depth. Further right and lower is better; a promise of both \
                      figures holds only where the curve passes right of it and below.",
            x: ("operations a second", Scale::Log10, Label::Unit(Unit::IoPerSecond)),
            y: ("99th percentile", Scale::Log10, SECONDS),
            lines,
        },
    )
}

/// Every target on one axis, as shares of what the document promises.
pub(super) fn targets(judgement: &Judgement) -> Result<Option<Figure>, Error> {
    let strips: Vec<Strip> = judgement
        .rows
        .iter()
        .filter(|row| row.documented.value > 0.0)
        .map(strip)
        .filter(|strip| !strip.marks.is_empty())
        .collect();
    let shares = strips.iter().flat_map(|strip| &strip.marks).map(|mark| mark.1).chain([0.5, 1.0, 2.0]);
    let axis =
        Axis::around("share of the documented value (more is better)", Scale::Log10, Label::Unit(Unit::Ratio), shares);
    let (Some(axis), false) = (axis, strips.is_empty()) else { return Ok(None) };
    let svg = plot::strips(&axis, &strips)?;
    let legend = vec![
        plot::key(0, "measured".to_owned()),
        plot::key(1, "most that the document's own tables allow".to_owned()),
        plot::key(2, "most that this host allows".to_owned()),
        plot::key(3, "best of this host's own kernels".to_owned()),
    ];
    let caption = "Each line is a target; the upright stroke at 100 % is what the document promises. Right is better, \
                   also where less is better. A target whose ▲ is left of the stroke cannot be met by any machine that \
                   matches the document.";
    Ok(Some(figure("targets", "Targets at a glance", caption, &svg, legend)))
}

fn strip(row: &Row) -> Strip {
    let share = |value: f64| match row.better {
        Better::Higher => value / row.documented.value,
        Better::Lower => row.documented.value / value,
    };
    let limit_style = |limit: &verdict::HostLimit| match limit.kind {
        verdict::LimitKind::Ceiling => 2,
        verdict::LimitKind::Reference => 3,
    };
    let marks = [
        row.ceiling.map(|ceiling| (1, share(ceiling.value))),
        row.host_limit.as_ref().map(|limit| (limit_style(limit), share(limit.value.value))),
        row.measured.as_ref().map(|measured| (0, share(measured.value.value))),
    ];
    Strip {
        name: format!("{} · {}", clean(&row.title), row.verdict),
        marks: marks.into_iter().flatten().filter(|(_, share)| share.is_finite() && *share > 0.0).collect(),
    }
}
