//! Charts of shares: a row for each thing, with its marks on one axis.
//!
//! They are tables, so that they use whatever width there is, their text keeps its size on a phone and on paper, and a
//! screen reader reads the figures.

use serde::Serialize;

use super::axis::Axis;
use super::plot::{self, Legend};

/// A row: its name, what is said of it, its marks, and the bar below them.
pub(super) struct Strip {
    pub(super) name: String,
    /// A verdict with the class of its colour.
    pub(super) word: Option<(&'static str, &'static str)>,
    pub(super) marks: Vec<Marker>,
    /// A confidence interval, or how long something took.
    pub(super) bar: Option<Bar>,
}

/// A mark at a value.
#[derive(Clone, Copy)]
pub(super) struct Marker {
    /// Which colour and shape it has.
    pub(super) style: usize,
    pub(super) value: f64,
}

/// A bar from one value to another.
#[derive(Clone, Copy)]
pub(super) struct Bar {
    /// Which colour it has.
    pub(super) style: usize,
    pub(super) low: f64,
    pub(super) high: f64,
}

/// Strips as the page shows them: places are in percent of the axis.
#[derive(Debug, Serialize)]
pub(super) struct Strips {
    /// What the rows are.
    of: &'static str,
    axis: String,
    ticks: Vec<Tick>,
    /// The share that each row is compared with.
    upright: Option<f64>,
    worded: bool,
    rows: Vec<StripRow>,
}

#[derive(Debug, Serialize)]
struct Tick {
    at: f64,
    label: String,
}

#[derive(Debug, Serialize)]
struct StripRow {
    name: String,
    word: &'static str,
    class: &'static str,
    marks: Vec<MarkView>,
    bar: Option<BarView>,
    /// The values in words.
    said: String,
}

#[derive(Debug, Serialize)]
struct MarkView {
    style: usize,
    glyph: &'static str,
    at: f64,
}

#[derive(Debug, Serialize)]
struct BarView {
    style: usize,
    from: f64,
    width: f64,
}

impl Strips {
    /// Rows of such things on an axis; `upright` is the share at which each has a stroke to be compared with.
    pub(super) fn new(
        of: &'static str,
        axis: &Axis,
        upright: Option<f64>,
        strips: &[Strip],
        legend: &[Legend],
    ) -> Strips {
        Strips {
            of,
            axis: axis.title.clone(),
            ticks: axis.ticks().map(|(at, label)| Tick { at: percent(at), label }).collect(),
            upright: upright.map(|value| percent(axis.share(value))),
            worded: strips.iter().any(|strip| strip.word.is_some()),
            rows: strips.iter().map(|strip| row(strip, axis, legend)).collect(),
        }
    }
}

fn row(strip: &Strip, axis: &Axis, legend: &[Legend]) -> StripRow {
    let at = |value: f64| percent(axis.share(value));
    let (word, class) = strip.word.unwrap_or_default();
    let said = strip.marks.iter().map(|mark| {
        let text = axis.said(axis.place(mark.value));
        let name = legend.iter().find(|key| key.is_of(mark.style)).map_or("", Legend::name);
        format!("{name} {text}").trim_start().to_owned()
    });
    StripRow {
        name: strip.name.clone(),
        word,
        class,
        marks: strip
            .marks
            .iter()
            .map(|mark| MarkView { style: mark.style, glyph: plot::glyph(mark.style), at: at(mark.value) })
            .collect(),
        bar: strip.bar.map(|bar| {
            let (from, to) = (at(bar.low), at(bar.high));
            BarView { style: bar.style, from, width: percent((to - from) / 100.0) }
        }),
        said: said.collect::<Vec<_>>().join("; "),
    }
}

/// To a hundredth of a percent: no screen shows less.
fn percent(share: f64) -> f64 {
    (share * 10_000.0).round() / 100.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::html::axis::{Label, Scale};
    use measure::Unit;

    #[test]
    fn marks_and_bars_lie_in_percent_of_the_axis() {
        let axis = Axis::around("time", Scale::Linear, Label::Unit(Unit::Second), [10.0].into_iter()).unwrap();
        let strip = Strip {
            name: "load".to_owned(),
            word: None,
            marks: vec![Marker { style: 1, value: 5.4 }],
            bar: Some(Bar { style: 0, low: 0.0, high: 5.4 }),
        };
        let legend = [plot::key(0, "other".to_owned()), plot::key(1, "measured".to_owned())];
        let strips = Strips::new("Phase", &axis, Some(10.8), &[strip], &legend);
        let row = &strips.rows[0];
        assert_eq!((row.marks[0].at, row.marks[0].glyph), (50.0, "▲"));
        assert_eq!(row.bar.as_ref().map(|bar| (bar.from, bar.width)), Some((0.0, 50.0)));
        assert_eq!(row.said, "measured 5.400 s");
        assert_eq!((strips.upright, strips.worded), (Some(100.0), false));
        assert_eq!(strips.ticks[0].label, "0 s");
    }
}
