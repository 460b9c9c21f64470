//! Bandwidth and latency of memory.

use measure::{Definition, MetricId, Quantity, metrics};

use super::{BYTES, COUNT, Drawn, Plot, SECONDS, axis, by_label, chart, draw, labelled, number, of_metric};
use crate::html::Error;
use crate::html::axis::{Label, Scale};
use crate::html::plot::{self, PlotLine};
use crate::series::RunSeries;
use crate::text::clean;

pub(super) fn latency_by_size(series: &[RunSeries]) -> Result<Drawn, Error> {
    let key = |id: &MetricId| format!("{} pages, every {} B", labelled(id, "page"), labelled(id, "spacing"));
    draw(
        "latency-sweep",
        &Plot {
            title: "Latency by working set",
            of: &metrics::STREAM_LATENCY_SWEEP,
            caption: "Time of one dependent load on a random cycle through a working set of this size. Each step up is \
                      the end of a cache; the gap between page sizes is address translation.",
            x: axis("working set", Scale::Log2, Label::Binary),
            y: axis("latency", Scale::Log10, SECONDS),
            lines: by_label(series, &metrics::STREAM_LATENCY_SWEEP, "size", key),
            spans: Vec::new(),
            tags: Vec::new(),
        },
    )
}

pub(super) fn bandwidth_by_size(series: &[RunSeries]) -> Result<Drawn, Error> {
    let kernel = |_: &MetricId| {
        let context =
            of_metric(series, &metrics::STREAM_BANDWIDTH_SWEEP).find_map(|one| one.last.context.get("kernel"));
        format!("{}, one core", context.map_or("read", String::as_str))
    };
    draw(
        "bandwidth-sweep",
        &Plot {
            title: "Bandwidth by working set",
            of: &metrics::STREAM_BANDWIDTH_SWEEP,
            caption: "Bytes a second of one core that goes over a working set of this size again and again.",
            x: axis("working set", Scale::Log2, Label::Binary),
            y: axis("bandwidth", Scale::Log10, BYTES),
            lines: by_label(series, &metrics::STREAM_BANDWIDTH_SWEEP, "size", kernel),
            spans: Vec::new(),
            tags: Vec::new(),
        },
    )
}

pub(super) fn matrix(series: &[RunSeries], metric: &'static Definition, title: &str) -> Result<Drawn, Error> {
    let mut nodes: Vec<String> = Vec::new();
    for one in of_metric(series, metric) {
        nodes.extend([labelled(&one.id, "from"), labelled(&one.id, "to")]);
    }
    nodes.sort_by_key(|node| (node.parse::<u32>().unwrap_or(u32::MAX), node.clone()));
    nodes.dedup();
    let nodes: Vec<String> = nodes.iter().map(|node| clean(node)).collect();
    let nothing = |why| Ok(Drawn::Nothing { title: title.to_owned(), of: metric, why });
    if nodes.len() == 1 {
        return nothing(Some("this host has one memory node"));
    }
    if of_metric(series, metric).all(|one| one.summary.is_none()) {
        return nothing(None);
    }
    let cell = |from: usize, to: usize| {
        let one = of_metric(series, metric)
            .find(|one| labelled(&one.id, "from") == nodes[from] && labelled(&one.id, "to") == nodes[to])?;
        let median = one.summary?.median;
        Some((median, Quantity::new(median, one.unit).to_string()))
    };
    let svg = plot::heat(&nodes, &nodes, cell)?;
    let caption = "CPUs of the node of the row, memory of the node of the column. The fuller the colour, the larger \
                   the figure.";
    Ok(Drawn::Chart(chart(&metric.id.replace('.', "-"), title, caption, &svg, Vec::new())))
}

pub(super) fn loaded(series: &[RunSeries]) -> Result<Drawn, Error> {
    let mut points: Vec<(f64, f64, f64)> = Vec::new();
    for one in of_metric(series, &metrics::STREAM_LOADED_LATENCY) {
        let rate = of_metric(series, &metrics::STREAM_LOADED_BANDWIDTH).find(|other| other.id.labels == one.id.labels);
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
            of: &metrics::STREAM_LOADED_LATENCY,
            caption: "Latency of one core while the others read at this rate; their pauses shorten from left to right.",
            x: axis("bandwidth of the load", Scale::Linear, BYTES),
            y: axis("latency", Scale::Linear, SECONDS),
            lines: vec![PlotLine { name, points, joined: true, style: 0 }],
            spans: Vec::new(),
            tags: Vec::new(),
        },
    )
}

pub(super) fn scaling(series: &[RunSeries]) -> Result<Drawn, Error> {
    draw(
        "scaling",
        &Plot {
            title: "Bandwidth by threads",
            of: &metrics::STREAM_SCALING,
            caption: "One thread a core, on all nodes in turn.",
            x: axis("threads", Scale::Linear, COUNT),
            y: axis("bandwidth", Scale::Linear, BYTES),
            lines: by_label(series, &metrics::STREAM_SCALING, "threads", |id| labelled(id, "kernel")),
            spans: Vec::new(),
            tags: Vec::new(),
        },
    )
}

pub(super) fn parallelism(series: &[RunSeries]) -> Result<Drawn, Error> {
    draw(
        "parallelism",
        &Plot {
            title: "Time of a load by loads in flight",
            of: &metrics::STREAM_MLP,
            caption: "Independent chains of loads on one core. Where the curve flattens, the core can keep no more \
                      misses in flight.",
            x: axis("chains", Scale::Linear, COUNT),
            y: axis("time of a load", Scale::Linear, SECONDS),
            lines: by_label(series, &metrics::STREAM_MLP, "chases", |_| "one core".to_owned()),
            spans: Vec::new(),
            tags: Vec::new(),
        },
    )
}
