//! Before and after on one axis.

use measure::Unit;

use super::{Figure, figure};
use crate::BeforeAfter;
use crate::html::Error;
use crate::html::axis::{Axis, Label, Scale};
use crate::html::plot::{self, Strip};
use crate::text::clean;

/// More lines than this are not seen at a glance.
const LINES: usize = 24;

/// What decides, as shares of what it was before; all that moved where boots tell, and what is critical.
pub(in crate::html) fn change(change: &BeforeAfter) -> Result<Option<Figure>, Error> {
    let moved = |line: &crate::Line| line.finding.as_ref().is_some_and(|(finding, _)| finding.moved());
    let plain = |line: &crate::Line| line.id.labels.is_empty() && !line.id.name.starts_with("host.");
    let refused = change.overall.is_err();
    let shown = change.lines.iter().filter(|line| line.critical || moved(line) || refused && plain(line));
    let strips: Vec<Strip> = shown
        .filter_map(|line| {
            let share = line.share().filter(|share| share.is_finite() && *share > 0.0)?;
            let interval = line.share_interval().filter(|(low, high)| *low > 0.0 && high.is_finite());
            let word = line.finding.as_ref().filter(|_| line.interval.is_some());
            let word = word.map(|(finding, _)| format!(" · {finding}")).unwrap_or_default();
            Some(Strip {
                name: format!("{}{word}", clean(&line.id.to_string())),
                marks: vec![(0, share)],
                interval: interval.map(|(low, high)| (0, low, high)),
            })
        })
        .take(LINES)
        .collect();
    let ends =
        |strip: &Strip| strip.interval.map(|(_, low, high)| [low, high]).into_iter().flatten().collect::<Vec<_>>();
    let shares = strips.iter().flat_map(|strip| strip.marks.iter().map(|mark| mark.1).chain(ends(strip)));
    let axis = Axis::around(
        "share of what it was before (more is better)",
        Scale::Log10,
        Label::Unit(Unit::Ratio),
        shares.chain([0.95, 1.0, 1.05]),
    );
    let (Some(axis), false) = (axis, strips.is_empty()) else { return Ok(None) };
    let svg = plot::strips(&axis, Some(1.0), &strips)?;
    let mut legend = vec![plot::key(0, "after".to_owned())];
    let mut caption = "The upright stroke at 100 % is what was measured before. Right is better, also where less is \
                       better."
        .to_owned();
    if strips.iter().any(|strip| strip.interval.is_some()) {
        legend.push(plot::bar_key(0, "95 % interval over boots".to_owned()));
    } else {
        caption += " There are too few boots for an interval.";
    }
    Ok(Some(figure("change-chart", "Before and after at a glance", &caption, &svg, legend)))
}
