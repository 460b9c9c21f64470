//! Bandwidth and latency of memory.

use measure::{MetricId, Quantity};

use super::{BYTES, COUNT, Figure, Plot, SECONDS, by_label, draw, figure, labelled, named, number};
use crate::html::Error;
use crate::html::axis::{Label, Scale};
use crate::html::plot::{self, Line};
use crate::series::Series;
use crate::text::clean;

pub(super) fn latency_by_size(series: &[Series]) -> Result<Option<Figure>, Error> {
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
            spans: Vec::new(),
        },
    )
}

pub(super) fn bandwidth_by_size(series: &[Series]) -> Result<Option<Figure>, Error> {
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
            spans: Vec::new(),
        },
    )
}

pub(super) fn matrix(series: &[Series], name: &str, title: &str) -> Result<Option<Figure>, Error> {
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

pub(super) fn loaded(series: &[Series]) -> Result<Option<Figure>, Error> {
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
            spans: Vec::new(),
        },
    )
}

pub(super) fn scaling(series: &[Series]) -> Result<Option<Figure>, Error> {
    draw(
        "scaling",
        &Plot {
            title: "Bandwidth by threads",
            caption: "One thread a core, on all nodes in turn.",
            x: ("threads", Scale::Linear, COUNT),
            y: ("bandwidth", Scale::Linear, BYTES),
            lines: by_label(series, "stream.scaling", "threads", |id| labelled(id, "kernel")),
            spans: Vec::new(),
        },
    )
}

pub(super) fn parallelism(series: &[Series]) -> Result<Option<Figure>, Error> {
    draw(
        "parallelism",
        &Plot {
            title: "Time of a load by loads in flight",
            caption: "Independent chains of loads on one core. Where the curve flattens, the core can keep no more \
                      misses in flight.",
            x: ("chains", Scale::Linear, COUNT),
            y: ("time of a load", Scale::Linear, SECONDS),
            lines: by_label(series, "stream.mlp", "chases", |_| "one core".to_owned()),
            spans: Vec::new(),
        },
    )
}
