//! Every target on one axis.

use measure::{Better, Unit};
use verdict::{Judgement, Row};

use super::{Chart, chart};
use crate::html::Error;
use crate::html::axis::{Axis, Label, Scale};
use crate::html::plot::{self, Marker, Strip};
use crate::text::clean;

/// Every target on one axis, as shares of what the document promises.
pub(in crate::html) fn targets(judgement: &Judgement) -> Result<Option<Chart>, Error> {
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
    let (Some(axis), false) = (axis, strips.is_empty()) else { return Ok(None) };
    let svg = plot::strips(&axis, Some(1.0), &strips)?;
    let legend = vec![
        plot::key(0, "measured".to_owned()),
        plot::key(1, "most that the document's own tables allow".to_owned()),
        plot::key(2, "most that this host allows".to_owned()),
        plot::key(3, "best of this host's own kernels".to_owned()),
    ];
    let caption = "Each line is a target; the upright stroke at 100 % is what the document promises. Right is better, \
                   also where less is better. A target whose ▲ is left of the stroke cannot be met by any machine that \
                   matches the document.";
    Ok(Some(chart("targets", "Targets at a glance", caption, &svg, legend)))
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
    ];
    Strip {
        name: format!("{} · {}", clean(&row.title), row.verdict),
        marks: marks.into_iter().flatten().filter(|mark| mark.value.is_finite() && mark.value > 0.0).collect(),
        bar: None,
    }
}
