//! How the figures of one series lie in a cohort, with the nodes that are off by their names.

use fleet::{Among, Distribution, FleetJudgement, NodePlace};
use measure::Unit;
use plotters::prelude::*;

use super::{Chart, chart};
use crate::compare::signed;
use crate::html::Error;
use crate::html::axis::{Axis, Label, Scale};
use crate::html::plot::{self, Legend, bar_key, key};
use crate::text::{clean, quantity, share};

/// Bars of a chart.
const BARS: usize = 40;
/// Names that have room in a chart; the caption has more.
const NAMES: usize = 5;
/// Names in a caption.
const NAMED: usize = 20;
/// The styles of those that are alike, and of those that are not.
const ALIKE: usize = 0;
const OUTLIER: usize = 4;
const UNUSUAL: usize = 3;

/// The charts of all series that are compared: a chart for the largest cohort that is, and those of others where one is off.
pub(in crate::html) fn siblings(judged: &FleetJudgement) -> Result<Vec<Chart>, Error> {
    let mut charts = Vec::new();
    for (number, one) in judged.distributions.iter().enumerate() {
        let compared: Vec<usize> = (0..one.cohorts.len()).filter(|at| one.cohorts[*at].limit.is_some()).collect();
        for (rank, &at) in compared.iter().enumerate() {
            let places = of_cohort(judged, one, one.cohorts[at].cohort);
            if rank == 0 || places.iter().any(|place| style(place) != ALIKE) {
                charts.extend(of_one(judged, one, at, &places, &format!("series-{number}-{at}"))?);
            }
        }
    }
    Ok(charts)
}

fn of_cohort<'a>(judged: &FleetJudgement, one: &'a Distribution, cohort: usize) -> Vec<&'a NodePlace> {
    let nodes = &judged.cohorts[cohort].nodes;
    one.places.iter().filter(|place| nodes.binary_search(&place.node).is_ok()).collect()
}

fn style(place: &NodePlace) -> usize {
    match place.among {
        Among::Alike | Among::TooFew => ALIKE,
        Among::Outlier => OUTLIER,
        Among::Unusual | Among::OwnNoise => UNUSUAL,
    }
}

fn of_one(
    judged: &FleetJudgement,
    one: &Distribution,
    at: usize,
    places: &[&NodePlace],
    id: &str,
) -> Result<Option<Chart>, Error> {
    let spread = one.cohorts[at];
    let cohort = &judged.cohorts[spread.cohort].name;
    let title = format!("{}, cohort {cohort}", clean(&one.id.to_string()));
    let mut caption = format!(
        "{} nodes around {}; robust standard deviation {}",
        spread.nodes,
        quantity(spread.median, one.metric.unit),
        share(spread.deviation)
    );
    if let Some(from) = spread.detectable {
        caption += &format!("; a node that is {} worse is named with a chance of 80 %", share(from));
    }
    let mut odd: Vec<&&NodePlace> = places.iter().filter(|place| style(place) != ALIKE).collect();
    odd.sort_by(|one, other| other.off.abs().total_cmp(&one.off.abs()));
    let said = odd.iter().take(NAMED).map(|place| {
        format!("{} {} ({})", clean(&judged.nodes[place.node].name), signed(place.off), place.among.name())
    });
    let said: Vec<String> = said.collect();
    if !said.is_empty() {
        caption += &format!(". {}", said.join(", "));
    }
    if odd.len() > NAMED {
        caption += &format!(" and {} more", odd.len() - NAMED);
    }
    let offs: Vec<f64> = places.iter().map(|place| place.off).filter(|off| off.is_finite()).collect();
    let (low, high) = offs.iter().fold((0.0_f64, 0.0_f64), |(low, high), off| (low.min(*off), high.max(*off)));
    // Room on both sides; where all are the same a percent.
    let room = ((high - low) * 0.08).max(0.005);
    let ends = [low - room, high + room];
    let Some(x) = Axis::around("off the median", Scale::Linear, Label::Unit(Unit::Ratio), ends.into_iter()) else {
        return Ok(None);
    };
    let counts = counts(&offs, ends);
    let most = counts.iter().map(|(.., count)| *count).fold(1.0, f64::max);
    let Some(y) = Axis::around("nodes", Scale::Linear, Label::Unit(Unit::Count), [0.0, most].into_iter()) else {
        return Ok(None);
    };
    let named: Vec<(f64, usize, String)> =
        odd.iter().map(|place| (place.off, style(place), clean(&judged.nodes[place.node].name))).collect();
    let svg = drawn(&x.at_most(5), &y, &counts, &named)?;
    Ok(Some(chart(id, &title, &caption, &svg, legend(&named))))
}

fn legend(named: &[(f64, usize, String)]) -> Vec<Legend> {
    let mut legend = vec![bar_key(ALIKE, "nodes".to_owned())];
    let has = |wanted: usize| named.iter().any(|(_, style, _)| *style == wanted);
    legend.extend(has(OUTLIER).then(|| key(OUTLIER, "outlier".to_owned())));
    legend.extend(has(UNUSUAL).then(|| key(UNUSUAL, "off, and not blamed".to_owned())));
    legend
}

/// From where to where, and how many.
type Bin = (f64, f64, f64);

fn counts(offs: &[f64], [low, high]: [f64; 2]) -> Vec<Bin> {
    let width = (high - low) / BARS as f64;
    let edge = |bar: usize| low + width * bar as f64;
    let count = |bar: usize| offs.iter().filter(|off| **off >= edge(bar) && **off < edge(bar + 1)).count() as f64;
    (0..BARS).map(|bar| (edge(bar), edge(bar + 1), count(bar))).filter(|(.., count)| *count > 0.0).collect()
}

fn drawn(x: &Axis, y: &Axis, counts: &[Bin], named: &[(f64, usize, String)]) -> Result<String, Error> {
    plot::svg(230, |root| {
        root.draw(&Text::new(y.title.clone(), (8, 6), plot::font()))?;
        let mut chart = ChartBuilder::on(root)
            .margin_top(28)
            .margin_right(34)
            .x_label_area_size(46)
            .y_label_area_size(60)
            .build_cartesian_2d(x.clone(), y.clone())?;
        chart
            .configure_mesh()
            .label_style(plot::font())
            .axis_desc_style(plot::font())
            .x_desc(x.title.clone())
            .bold_line_style(plot::GRID)
            .light_line_style(TRANSPARENT)
            .axis_style(plot::AXIS)
            .x_label_formatter(&|at| x.label(*at))
            .y_label_formatter(&|at| y.label(*at))
            .draw()?;
        let area = chart.plotting_area();
        for (from, to, count) in counts {
            let corners = [(x.place(*from), y.place(0.0)), (x.place(*to), y.place(*count))];
            area.draw(&Rectangle::new(corners, plot::COLOURS[ALIKE].filled()))?;
        }
        for (rank, (off, style, name)) in named.iter().enumerate() {
            let at = (x.place(*off), y.place(0.0));
            plot::draw_mark(area, *style, at)?;
            // Names one above the other, so that neighbours can be read.
            let up = -22 - 16 * i32::try_from(rank).unwrap_or(0);
            let left = if x.share(*off) > 0.7 { -90 } else { -8 };
            if rank < NAMES {
                let name: String = name.chars().take(24).collect();
                area.draw(&(EmptyElement::at(at) + Text::new(name, (left, up), plot::font())))?;
            }
        }
        Ok(())
    })
}
