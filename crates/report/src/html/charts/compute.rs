//! Rates of computing, by size and over time.

use measure::{Outcome, Run};

use super::{COUNT, FLOPS, Figure, Plot, by_label, draw, headline, named, number};
use crate::html::Error;
use crate::html::axis::Scale;
use crate::html::plot::Line;
use crate::series::Series;

pub(super) fn by_order(series: &[Series]) -> Result<Option<Figure>, Error> {
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
            spans: Vec::new(),
        },
    )
}

/// Samples that are one a second, in order; those that do not count have a mark of their own.
pub(super) fn by_second(run: &Run, name: &str, what: &str) -> Result<Option<Figure>, Error> {
    let measured = run.outcomes().filter_map(|outcome| match outcome {
        Outcome::Measured(one) if one.metric.name == name => Some(one),
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
            spans: Vec::new(),
        },
    )
}
