//! Rates of computing, by size and over time.

use measure::{Attempt, Definition, Outcome, Run, Sample, metrics};

use super::clock::AttemptClock;
use super::{COUNT, Drawn, FLOPS, Plot, axis, by_label, draw, headline, number, of_metric};
use crate::html::Error;
use crate::html::axis::Scale;
use crate::html::plot::PlotLine;
use crate::series::RunSeries;

pub(super) fn by_order(series: &[RunSeries]) -> Result<Drawn, Error> {
    let square = |one: &&RunSeries| {
        let of = |label| one.id.labels.get(label);
        of("m") == of("n") && of("n") == of("k")
    };
    let mut dgemm: Vec<(f64, f64)> = of_metric(series, &metrics::DENSE_DGEMM_CURVE)
        .filter(square)
        .filter_map(|one| Some((number(&one.id, "n")?, one.summary?.median)))
        .collect();
    dgemm.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut lines = vec![PlotLine { name: "DGEMM, square".to_owned(), points: dgemm, joined: true, style: 0 }];
    let mut hpl = by_label(series, &metrics::DENSE_HPL_CURVE, "n", |_| "HPL proxy".to_owned());
    if let Some(one) = headline(series, &metrics::DENSE_HPL) {
        let order = one.last.context.get("n").and_then(|n| n.parse().ok());
        if let (Some(order), Some(summary), Some(line)) = (order, one.summary, hpl.first_mut()) {
            line.points.push((order, summary.median));
        }
    }
    lines.append(&mut hpl);
    let ends = lines.iter().flat_map(|line| &line.points).map(|point| point.0);
    let (least, most) = ends.fold((f64::MAX, 0.0_f64), |(least, most), n| (least.min(n), most.max(n)));
    if let (Some(peak), true) = (headline(series, &metrics::DENSE_FMA).and_then(|one| one.summary), least < most) {
        let points = vec![(least, peak.median), (most, peak.median)];
        lines.push(PlotLine { name: "FMA peak, measured".to_owned(), points, joined: true, style: 0 });
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
            of: &metrics::DENSE_DGEMM_CURVE,
            caption: "All cores. What is missing to the FMA peak is data that did not arrive in time.",
            x: axis("order n", Scale::Linear, COUNT),
            y: axis("rate", Scale::Linear, FLOPS),
            lines,
            spans: Vec::new(),
            tags: Vec::new(),
        },
    )
}

/// Samples over the time in which they were taken, a line for each repetition by its own clock; those that do not count
/// have a mark of their own.
pub(super) fn by_second(run: &Run, metric: &'static Definition, what: &str) -> Result<Drawn, Error> {
    let drawn: Vec<(u32, Rates)> =
        run.attempts.iter().filter_map(|attempt| Some((attempt.repetition, rates(attempt, metric)?))).collect();
    let title = format!("{what} over time");
    let is_measured = run.outcomes().filter_map(Outcome::measured).any(|one| one.metric.is(metric));
    if drawn.is_empty() && is_measured {
        return Ok(Drawn::Nothing { title, of: metric, why: Some("its samples do not say when they were taken") });
    }
    let mut lines: Vec<PlotLine> = Vec::new();
    for (repetition, rates) in &drawn {
        let name = match drawn.len() {
            1 => format!("{what}, each second"),
            _ => format!("{what}, each second of repetition {repetition}"),
        };
        // The style between belongs to what is disturbed.
        let style = if lines.len() < DISTURBED { lines.len() } else { lines.len() + 1 };
        lines.push(PlotLine { name, points: rates.valid.clone(), joined: true, style });
    }
    lines.retain(|line| !line.points.is_empty());
    let points: Vec<(f64, f64)> = drawn.into_iter().flat_map(|(_, rates)| rates.disturbed).collect();
    if !points.is_empty() {
        lines.push(PlotLine { name: "disturbed: does not count".to_owned(), points, joined: false, style: DISTURBED });
    }
    draw(
        &metric.id.replace('.', "-"),
        &Plot {
            title: &title,
            of: metric,
            caption: "A rate that falls with time tells of heat or of a power limit.",
            x: axis("seconds after the start", Scale::Linear, COUNT),
            y: axis("rate", Scale::Linear, FLOPS),
            lines,
            spans: Vec::new(),
            tags: Vec::new(),
        },
    )
}

/// The style of samples that do not count.
const DISTURBED: usize = 4;

/// The samples of an attempt as points by its own clock.
struct Rates {
    valid: Vec<(f64, f64)>,
    disturbed: Vec<(f64, f64)>,
}

/// `None` where the attempt has no samples, or none that knows when it was taken.
fn rates(attempt: &Attempt, metric: &Definition) -> Option<Rates> {
    let measured = attempt.outcomes.iter().filter_map(Outcome::measured).filter(|one| one.metric.is(metric));
    let (valid, disturbed): (Vec<&Sample>, Vec<&Sample>) =
        measured.flat_map(|one| &one.samples).partition(|sample| sample.taint.is_none());
    let clock = AttemptClock::of(valid.iter().chain(&disturbed).copied())?;
    let points = |samples: Vec<&Sample>| samples.into_iter().filter_map(|sample| clock.point(sample)).collect();
    Some(Rates { valid: points(valid), disturbed: points(disturbed) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use measure::{Interval, Measurement, Taint};

    #[test]
    fn samples_are_drawn_when_they_were_taken() {
        const S: u64 = 1_000_000_000;
        // Three samples of 3 s each after 900 s of the clock, of which the second was disturbed.
        let taken = |at: u64| Interval::new((900 + 3 * at) * S, (903 + 3 * at) * S);
        let mut second = Measurement::new(&metrics::DENSE_HPL_SECOND, (0..3).map(|at| Sample::timed(9e10, taken(at))));
        second.samples[1].taint = Some(Taint::WrongNode { share: 0.5 });
        let mut run = crate::testdata::run();
        run.attempts[1].outcomes.push(Outcome::Measured(second));
        let rates = rates(&run.attempts[1], &metrics::DENSE_HPL_SECOND).unwrap();
        assert_eq!((rates.valid, rates.disturbed), (vec![(3.0, 9e10), (9.0, 9e10)], vec![(6.0, 9e10)]));

        let mut again = run.attempts[1].clone();
        again.repetition = 1;
        run.attempts.push(again);
        let Drawn::Chart(chart) = by_second(&run, &metrics::DENSE_HPL_SECOND, "HPL").unwrap() else {
            panic!("HPL has no chart")
        };
        let names: Vec<String> = chart.legend.iter().map(|key| key.name().to_owned()).collect();
        let expect =
            ["HPL, each second of repetition 0", "HPL, each second of repetition 1", "disturbed: does not count"];
        assert_eq!(names, expect);
        let none = by_second(&run, &metrics::DENSE_DGEMM_SUSTAINED, "DGEMM").unwrap();
        assert!(matches!(none, Drawn::Nothing { why: None, .. }), "nothing was measured");
    }
}
