//! Every target on one axis.

use measure::{Better, Unit};
use verdict::{Judgement, Row};

use super::{Chart, strip_chart};
use crate::html::axis::{Axis, Label, Scale};
use crate::html::parts::class_of;
use crate::html::plot;
use crate::html::strips::{Marker, Strip, Strips};
use crate::text::clean;

/// The style of figures that do not count.
const DISTURBED: usize = 5;

/// Every target on one axis, as shares of what the document promises.
pub(in crate::html) fn targets(judgement: &Judgement) -> Option<Chart> {
    let strips: Vec<Strip> = judgement
        .rows
        .iter()
        .filter(|row| row.documented.value > 0.0)
        .map(strip)
        .filter(|strip| !strip.marks.is_empty())
        .collect();
    let shares = strips.iter().flat_map(|strip| &strip.marks).map(|mark| mark.value).chain([0.5, 1.0, 2.0]);
    let axis =
        Axis::around("share of the documented value (more is better)", Scale::Log10, Label::Unit(Unit::Ratio), shares);
    let axis = axis.filter(|_| !strips.is_empty())?;
    let legend = vec![
        plot::key(0, "measured".to_owned()),
        plot::key(1, "most that the document's own tables allow".to_owned()),
        plot::key(2, "most that this host allows".to_owned()),
        plot::key(3, "best of this host's own kernels".to_owned()),
        plot::key(DISTURBED, "disturbed: does not count".to_owned()),
    ];
    let caption = "Each line is a target; the upright stroke at 100 % is what the document promises. Right is better, \
                   also where less is better. A target whose ▲ is left of the stroke cannot be met by any machine that \
                   matches the document.";
    let strips = Strips::new("Target", &axis, Some(1.0), &strips, &legend);
    Some(strip_chart("Targets at a glance", caption, strips, legend))
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
        row.ceiling.map(|ceiling| Marker { style: 1, value: share(ceiling.value) }),
        row.host_limit.as_ref().map(|limit| Marker { style: limit_style(limit), value: share(limit.value.value) }),
        row.measured.as_ref().map(|measured| Marker { style: 0, value: share(measured.value.value) }),
        row.disturbed.map(|disturbed| Marker { style: DISTURBED, value: share(disturbed.value) }),
    ];
    Strip {
        name: clean(&row.title),
        word: Some((row.verdict.name(), class_of(row.verdict))),
        marks: marks.into_iter().flatten().filter(|mark| mark.value.is_finite() && mark.value > 0.0).collect(),
        bar: None,
    }
}
