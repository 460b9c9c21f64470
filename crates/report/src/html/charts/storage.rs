//! Rates and latencies of storage.

use measure::{Definition, Unit, metrics};
use verdict::Judgement;

use super::{Drawn, Plot, SECONDS, axis, draw, labelled, number, of_metric};
use crate::html::Error;
use crate::html::axis::{Label, Scale};
use crate::html::plot::{PlotLine, Tag};
use crate::series::RunSeries;
use crate::text::clean;

pub(super) fn frontier(series: &[RunSeries], judgement: &Judgement) -> Result<Drawn, Error> {
    let mut depths: Vec<Tag> = of_metric(series, &metrics::DISK_RANDREAD_FRONTIER)
        .filter_map(|one| {
            let tail =
                of_metric(series, &metrics::DISK_RANDREAD_FRONTIER_P99).find(|tail| tail.id.labels == one.id.labels)?;
            Some(Tag { at: (one.summary?.median, tail.summary?.median), text: clean(&labelled(&one.id, "depth")) })
        })
        .collect();
    depths.sort_by(|a, b| a.at.0.total_cmp(&b.at.0));
    let points = depths.iter().map(|depth| depth.at).collect();
    let name = "measured; the number at a point is its queue depth".to_owned();
    let mut lines = vec![PlotLine { name, points, joined: true, style: 0 }];
    let target = |metric: &Definition| {
        judgement.rows.iter().find(|row| row.metric == Some(metric) && row.companion_of.is_none())
    };
    if let (Some(rate), Some(tail)) = (target(&metrics::DISK_RANDREAD_IOPS), target(&metrics::DISK_RANDREAD_P99)) {
        let points = vec![(rate.documented.value, tail.documented.value)];
        lines.push(PlotLine { name: "documented".to_owned(), points, joined: false, style: 1 });
    }
    draw(
        "frontier",
        &Plot {
            title: "Random reads: rate against 99th percentile",
            of: &metrics::DISK_RANDREAD_FRONTIER,
            caption: "4 KiB random reads at rising queue depth. Further right and lower is better; a promise of both \
                      figures holds only where the curve passes right of it and below.",
            x: axis("operations a second", Scale::Log10, Label::Unit(Unit::IoPerSecond)),
            y: axis("99th percentile", Scale::Log10, SECONDS),
            lines,
            spans: Vec::new(),
            tags: depths,
        },
    )
}

/// Latency by percentile, at whose horizontal axis each step is a tenth of the requests before: the tail is seen.
pub(super) fn percentiles(series: &[RunSeries]) -> Result<Drawn, Error> {
    const CASES: [(&Definition, &str); 3] = [
        (&metrics::DISK_RANDREAD_LATENCY, "random reads, 4 KiB"),
        (&metrics::DISK_SEQREAD_LATENCY, "sequential reads, 1 MiB"),
        (&metrics::DISK_SEQWRITE_LATENCY, "sequential writes, 1 MiB"),
    ];
    let point = |one: &RunSeries| {
        let percentile = number(&one.id, "percentile").filter(|percentile| (0.0..100.0).contains(percentile))?;
        Some((1.0 / (1.0 - percentile / 100.0), one.summary?.median))
    };
    let mut lines = Vec::new();
    for (style, (metric, name)) in CASES.into_iter().enumerate() {
        let mut points: Vec<(f64, f64)> = of_metric(series, metric).filter_map(point).collect();
        points.sort_by(|a, b| a.0.total_cmp(&b.0));
        if !points.is_empty() {
            lines.push(PlotLine { name: name.to_owned(), points, joined: true, style });
        }
    }
    draw(
        "percentiles",
        &Plot {
            title: "Latency by percentile",
            of: &metrics::DISK_RANDREAD_LATENCY,
            caption: "How long the slowest requests took: at 99 % one of a hundred took longer. Each figure is the median \
                      over the rounds.",
            x: axis("percentile of the requests", Scale::Log10, Label::Percentile),
            y: axis("latency", Scale::Log10, SECONDS),
            lines,
            spans: Vec::new(),
            tags: Vec::new(),
        },
    )
}
