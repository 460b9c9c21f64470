//! Where values lie on an axis, and where it has its labels.

use std::ops::Range;

use measure::{Quantity, Unit};
use plotters::coord::ranged1d::{DefaultFormatting, KeyPointHint, Ranged};

/// How values lie along an axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scale {
    /// From zero, evenly.
    Linear,
    /// Around the values, evenly: what changes by some percent shows.
    Near,
    /// By powers of two: sizes.
    Log2,
    /// By powers of ten.
    Log10,
}

/// How the numbers at an axis are written.
#[derive(Clone, Copy, Debug)]
pub(super) enum Label {
    /// As a quantity.
    Unit(Unit),
    /// As a binary size: `64 KiB`.
    Binary,
    /// As the percentile that leaves one of so many: 1000 is `99.9 %`.
    Percentile,
}

/// An axis that shows all of its values.
#[derive(Clone, Debug)]
pub(super) struct Axis {
    pub(super) title: String,
    scale: Scale,
    label: Label,
    /// Ends and labelled points, in the coordinate that is drawn: the logarithm on logarithmic axes.
    pub(super) low: f64,
    pub(super) high: f64,
    ticks: Vec<f64>,
}

/// Labels that an axis has at most.
const LABELS: usize = 8;

impl Axis {
    /// An axis around values; `None` where there is none that it can show.
    pub(super) fn around(title: &str, scale: Scale, label: Label, values: impl Iterator<Item = f64>) -> Option<Axis> {
        let is_even = matches!(scale, Scale::Linear | Scale::Near);
        let shown = values.filter(|value| value.is_finite() && (is_even || *value > 0.0));
        let placed: Vec<f64> = shown.map(|value| place(scale, value)).collect();
        let least = placed.iter().copied().reduce(f64::min)?;
        let most = placed.iter().copied().reduce(f64::max)?;
        let (low, high) = match scale {
            Scale::Linear => (least.min(0.0), if most > 0.0 { most * 1.08 } else { 1.0 }),
            Scale::Near => {
                let margin = (0.08 * (most - least)).max(0.05 * most.abs().max(least.abs()));
                let margin = if margin > 0.0 { margin } else { 1.0 };
                (least - margin, most + margin)
            }
            Scale::Log2 => (least, most.max(least + 1.0)),
            Scale::Log10 => {
                let margin = ((most - least) * 0.06).max(0.03);
                (least - margin, most + margin)
            }
        };
        let ticks = match scale {
            Scale::Linear if matches!(label, Label::Unit(Unit::Count)) => {
                even(low, high).into_iter().filter(|tick| tick.fract() == 0.0).collect()
            }
            Scale::Linear | Scale::Near if matches!(label, Label::Unit(Unit::Second)) && high - low > LONG => {
                multiples(TIMES, low, high)
            }
            Scale::Linear | Scale::Near => even(low, high),
            Scale::Log2 => thin((whole(low.ceil())..=whole(high.floor())).map(f64::from).collect(), LABELS),
            Scale::Log10 => decades(low, high),
        };
        Some(Axis { title: title.to_owned(), scale, label, low, high, ticks })
    }

    /// The same axis with at most so many labels: those of a horizontal one stand side by side.
    pub(super) fn at_most(mut self, labels: usize) -> Axis {
        self.ticks = thin(self.ticks, labels);
        self
    }

    /// How far along the axis a value lies: 0 is its beginning and 1 its end.
    pub(super) fn share(&self, value: f64) -> f64 {
        self.along(self.place(value))
    }

    fn along(&self, place: f64) -> f64 {
        (place - self.low) / (self.high - self.low)
    }

    /// The labelled points: how far along the axis each lies, and its text.
    pub(super) fn ticks(&self) -> impl Iterator<Item = (f64, String)> {
        self.ticks.iter().map(|tick| (self.along(*tick), self.label(*tick)))
    }

    /// Where a value lies.
    pub(super) fn place(&self, value: f64) -> f64 {
        place(self.scale, value).clamp(self.low, self.high)
    }

    /// The text at a labelled point.
    pub(super) fn label(&self, at: f64) -> String {
        match self.label {
            Label::Unit(_) => without_zeros(self.said(at)),
            Label::Binary | Label::Percentile => self.said(at),
        }
    }

    /// A value in words, with all of its digits.
    pub(super) fn said(&self, at: f64) -> String {
        let value = match self.scale {
            Scale::Linear | Scale::Near => at,
            Scale::Log2 => at.exp2(),
            Scale::Log10 => 10_f64.powf(at),
        };
        match self.label {
            Label::Unit(unit) => Quantity::new(value, unit).to_string(),
            Label::Binary => binary(value),
            Label::Percentile => percentile(value),
        }
    }
}

/// The axis as plotters wants it: along the coordinate that is drawn, with labels at the ticks alone.
impl Ranged for Axis {
    type FormatOption = DefaultFormatting;
    type ValueType = f64;

    fn map(&self, at: &f64, limit: (i32, i32)) -> i32 {
        limit.0 + whole(self.along(*at) * f64::from(limit.1 - limit.0))
    }

    fn key_points<Hint: KeyPointHint>(&self, hint: Hint) -> Vec<f64> {
        if hint.weight().allow_light_points() { Vec::new() } else { self.ticks.clone() }
    }

    fn range(&self) -> Range<f64> {
        self.low..self.high
    }
}

fn place(scale: Scale, value: f64) -> f64 {
    match scale {
        Scale::Linear | Scale::Near => value,
        Scale::Log2 => value.log2(),
        Scale::Log10 => value.log10(),
    }
}

/// Multiples of 1, 2 or 5 × a power of ten, about five of them.
fn even(low: f64, high: f64) -> Vec<f64> {
    let power = 10_f64.powf(((high - low) / 5.0).log10().floor());
    multiples([1.0, 2.0, 5.0, 10.0].map(|factor| factor * power), low, high)
}

/// Seconds from which on an axis has round minutes, hours or days, and those.
const LONG: f64 = 600.0;
const TIMES: [f64; 12] =
    [300.0, 600.0, 1800.0, 3600.0, 7200.0, 10_800.0, 21_600.0, 43_200.0, 86_400.0, 172_800.0, 864_000.0, 8_640_000.0];

/// Multiples of the first of these steps that gives about five of them.
fn multiples<const N: usize>(steps: [f64; N], low: f64, high: f64) -> Vec<f64> {
    let rough = (high - low) / 5.0;
    if !(rough.is_finite() && rough > 0.0) {
        return vec![low];
    }
    let step = steps.into_iter().find(|step| *step >= rough * 0.999);
    let Some(step) = step.or(steps.last().copied()) else { return vec![low] };
    let first = (low / step).ceil();
    (0..20).map(|index| (first + f64::from(index)) * step).take_while(|tick| *tick <= high).collect()
}

/// Powers of ten; between them 2 and 5 where there are few, and even steps where there is hardly one.
fn decades(low: f64, high: f64) -> Vec<f64> {
    let steps: &[f64] = if high - low > 2.5 { &[1.0] } else { &[1.0, 2.0, 5.0] };
    let powers = whole(low.floor())..=whole(high.ceil());
    let ticks = powers.flat_map(|power| steps.iter().map(move |step| f64::from(power) + step.log10()));
    let ticks: Vec<f64> = ticks.filter(|tick| (low..=high).contains(tick)).collect();
    if ticks.len() >= 3 {
        return thin(ticks, LABELS);
    }
    even(10_f64.powf(low), 10_f64.powf(high)).into_iter().filter(|tick| *tick > 0.0).map(f64::log10).collect()
}

#[expect(clippy::cast_possible_truncation, reason = "logarithms of an f64 and pixels are small")]
fn whole(value: f64) -> i32 {
    value.round() as i32
}

/// Every second, third… of the ticks, so that not more are left.
fn thin(ticks: Vec<f64>, most: usize) -> Vec<f64> {
    let step = ticks.len().div_ceil(most).max(1);
    ticks.into_iter().step_by(step).collect()
}

/// A quantity without the zeros at the end of its number, which is round at an axis: `5.500 Tflop/s` is wider than its place.
fn without_zeros(text: String) -> String {
    let (number, unit) = text.split_at(text.find(' ').unwrap_or(text.len()));
    if !number.contains('.') {
        return text;
    }
    format!("{}{unit}", number.trim_end_matches('0').trim_end_matches('.'))
}

/// The percentile above which one of `many` lies, with no more digits than it needs.
fn percentile(many: f64) -> String {
    let text = format!("{:.6}", 100.0 - 100.0 / many);
    format!("{} %", text.trim_end_matches('0').trim_end_matches('.'))
}

/// A size in binary units, for powers of two: `64 KiB`.
pub(super) fn binary(bytes: f64) -> String {
    let units = ["B", "KiB", "MiB", "GiB", "TiB"];
    let mut value = bytes;
    let mut unit = 0;
    while value >= 1024.0 && unit + 1 < units.len() {
        value /= 1024.0;
        unit += 1;
    }
    format!("{} {}", (value * 100.0).round() / 100.0, units[unit])
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn labels_are_round_numbers() {
        let check = |scale, label, values: &[f64], expect: &[&str]| {
            let axis = Axis::around("x", scale, label, values.iter().copied()).unwrap();
            let labels: Vec<_> = axis.ticks.iter().map(|tick| axis.label(*tick)).collect();
            assert_eq!(labels, expect, "{values:?}");
        };
        let rate = Label::Unit(Unit::BytePerSecond);
        check(Scale::Linear, rate, &[3e9, 38e9], &["0 B/s", "10 GB/s", "20 GB/s", "30 GB/s", "40 GB/s"]);
        check(Scale::Near, rate, &[100e9, 120e9], &["100 GB/s", "110 GB/s", "120 GB/s"]);
        check(Scale::Near, rate, &[4.5e9, 5.5e9], &["4.5 GB/s", "5 GB/s", "5.5 GB/s"]);
        let time = Label::Unit(Unit::Second);
        check(Scale::Linear, time, &[43_200.0], &["0 s", "3 h", "6 h", "9 h", "12 h"]);
        check(Scale::Linear, time, &[5400.0], &["0 s", "30 min", "1 h", "1 h 30 min"]);
        check(Scale::Log2, Label::Binary, &[16384.0, 131_072.0], &["16 KiB", "32 KiB", "64 KiB", "128 KiB"]);
        check(
            Scale::Log10,
            Label::Unit(Unit::Second),
            &[1e-9, 9e-8],
            &["1 ns", "2 ns", "5 ns", "10 ns", "20 ns", "50 ns", "100 ns"],
        );
        check(Scale::Log10, Label::Percentile, &[2.0, 1e4], &["90 %", "99 %", "99.9 %", "99.99 %"]);
        check(Scale::Log10, Label::Percentile, &[2.0, 100.0], &["50 %", "80 %", "90 %", "95 %", "98 %", "99 %"]);
        check(Scale::Log10, Label::Unit(Unit::Second), &[1e-9, 1e-5], &["1 ns", "10 ns", "100 ns", "1 µs", "10 µs"]);
    }

    #[test]
    fn what_cannot_be_shown_has_no_axis() {
        let none = |scale, values: &[f64]| {
            assert!(Axis::around("x", scale, Label::Binary, values.iter().copied()).is_none(), "{values:?}");
        };
        none(Scale::Linear, &[]);
        none(Scale::Linear, &[f64::NAN]);
        none(Scale::Log10, &[0.0, -1.0]);
    }

    proptest! {
        #[test]
        fn every_value_is_on_the_axis_and_labels_are_few(
            values in prop::collection::vec(1e-9_f64..1e13, 1..30),
            scale in prop::sample::select(vec![Scale::Linear, Scale::Near, Scale::Log2, Scale::Log10]),
        ) {
            let axis = Axis::around("x", scale, Label::Unit(Unit::Second), values.iter().copied()).unwrap();
            prop_assert!(axis.low < axis.high);
            prop_assert!(axis.ticks.len() <= 20);
            for tick in &axis.ticks {
                prop_assert!((axis.low..=axis.high).contains(tick));
            }
        }
    }
}
