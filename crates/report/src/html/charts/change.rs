//! Before and after on one axis.

use measure::{Unit, definition};

use super::{Chart, strip_chart};
use crate::html::axis::{Axis, Label, Scale};
use crate::html::change::class;
use crate::html::plot;
use crate::html::strips::{Bar, Marker, Strip, Strips};
use crate::text::clean;
use crate::{BeforeAfter, ChangeLine};

/// More lines than this are not seen at a glance.
const LINES: usize = 24;

/// What decides, as shares of what it was before; all that moved where boots tell, and what is critical.
pub(in crate::html) fn change(change: &BeforeAfter) -> Option<Chart> {
    let refused = change.overall.is_err();
    let shown = change.lines.iter().filter(|line| line.critical || line.moved() || refused && is_plain(line));
    let strips: Vec<Strip> = shown
        .filter_map(|line| {
            let share = line.share().filter(|share| share.is_finite() && *share > 0.0)?;
            let interval = line.share_interval().filter(|share| share.low > 0.0 && share.high.is_finite());
            Some(Strip {
                name: clean(&line.id.to_string()),
                word: line.decided().map(|finding| (finding.name(), class(finding))),
                marks: vec![Marker { style: 0, value: share }],
                bar: interval.map(|share| Bar { style: 0, low: share.low, high: share.high }),
            })
        })
        .take(LINES)
        .collect();
    let ends = |strip: &Strip| strip.bar.map(|bar| [bar.low, bar.high]).into_iter().flatten().collect::<Vec<_>>();
    let shares = strips.iter().flat_map(|strip| strip.marks.iter().map(|mark| mark.value).chain(ends(strip)));
    let axis = Axis::around(
        "share of what it was before (more is better)",
        Scale::Log10,
        Label::Unit(Unit::Ratio),
        shares.chain([0.95, 1.0, 1.05]),
    );
    let axis = axis.filter(|_| !strips.is_empty())?;
    let mut legend = vec![plot::key(0, "after".to_owned())];
    let mut caption = "The upright stroke at 100 % is what was measured before. Right is better, also where less is \
                       better."
        .to_owned();
    if strips.iter().any(|strip| strip.bar.is_some()) {
        legend.push(plot::bar_key(0, "95 % interval over boots".to_owned()));
    } else {
        caption += " There are too few boots for an interval.";
    }
    let strips = Strips::new("Metric", &axis, Some(1.0), &strips, &legend);
    Some(strip_chart("Before and after at a glance", &caption, strips, legend))
}

/// A figure of a workload as a whole; what the watch over every workload saw is no performance.
fn is_plain(line: &ChangeLine) -> bool {
    let is_watched = definition(&line.id.name).is_some_and(|known| known.family.workload.is_none());
    line.id.labels.is_empty() && !is_watched
}
