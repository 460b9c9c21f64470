//! Comparisons, noise and histories for a terminal, and the same for machines.

mod campaign;
mod json;
mod listing;
#[cfg(test)]
mod tests;
mod trend;
mod within;

use measure::{Better, Quantity, Scope, Unit};
use verdict::compare::{
    Attribution, ChangeFinding, Comparison, Effect, MetricChange, Overall, Share, SideSummary, Suspect,
};
use verdict::stats::ConfidenceInterval;

pub use campaign::{CampaignBoot, campaign};
pub use json::{comparison_json, noise_json, trend_json};
pub use listing::{run, run_json, runs, runs_json};
pub use trend::{noise, trend};
pub use within::{within, within_json};

use crate::Look;
use crate::series::{by_metric, family_name};
use crate::terminal::grid::{Cell, Give, Grid, Paint};
use crate::text::{clean, quantity, share, wrap};

/// A comparison: the critical metrics, what moved of the others, causes, and what they add up to. `all` shows every
/// other metric too.
#[must_use]
pub fn comparison(comparison: &Comparison, all: bool, look: Look) -> String {
    let (before, after) = (&comparison.before, &comparison.after);
    let mut text =
        wrap(&format!("host {}: {} boots before, {} after", comparison.host, before.boots, after.boots), 0, look);
    for (name, sample) in [("before", before), ("after", after)] {
        text += &wrap(&format!("{name}: {}", ids(&sample.runs)), 2, look);
    }
    text += "\n";
    text += &rows(&comparison.critical().collect::<Vec<_>>(), look);
    text += &advisory(comparison, all, look);
    text += &suspects(&comparison.suspects, look);
    for attribution in &comparison.attributions {
        text += &attributed(attribution, look);
    }
    if !comparison.remarks.is_empty() {
        text += "\nRemarks\n";
        text += &comparison.remarks.iter().map(|remark| wrap(remark, 2, look)).collect::<String>();
    }
    text + &conclusion(comparison, look)
}

/// Few run ids in full, many by their number.
fn ids(ids: &[String]) -> String {
    match ids {
        [first, .., last] if ids.len() > 6 => format!("{} runs from {first} to {last}", ids.len()),
        few => few.join(", "),
    }
}

/// A table of metrics with their findings, and the reasons below it.
pub(crate) fn rows(rows: &[&MetricChange], look: Look) -> String {
    let mut header =
        vec!["Metric", "Before", "After", "Boots", "Change", "95 %", "p worse", "Margin", "Power", "Verdict"];
    let failed = |row: &MetricChange| row.before.failures.all() + row.after.failures.all() > 0;
    let any_failed = rows.iter().any(|row| failed(row));
    if any_failed {
        header.insert(4, "Failed");
    }
    let place = |name: &str| header.iter().position(|one| *one == name).unwrap_or(header.len());
    let given: Vec<Give> = ["Power", "Margin", "Boots", "p worse", "Before", "After"]
        .iter()
        .map(|name| Give::Column(place(name)))
        .collect();
    let mut grid = Grid::new(&header, &(1..header.len() - 1).collect::<Vec<_>>());
    for row in rows {
        let mut cells = cells(row);
        if any_failed {
            cells.insert(4, Cell::from(format!("{} + {}", row.before.failures.all(), row.after.failures.all())));
        }
        grid.row(cells);
    }
    if grid.is_empty() {
        return "no critical metric was measured on both sides\n".to_owned();
    }
    let mut text = grid.lines_or_list(&given, look);
    let reasons = rows.iter().filter(|row| row.finding != ChangeFinding::NotWorse || failed(row));
    let reasons = reasons.map(|row| wrap(&format!("{}: {}. {}", row.id, word(row), row.reason), 0, look));
    let reasons: String = reasons.collect();
    if !reasons.is_empty() {
        text.extend(["\n", &reasons]);
    }
    text
}

/// The finding of what decides in the words of verdicts, of what decides nothing in plain ones.
fn word(row: &MetricChange) -> &'static str {
    match row.finding {
        finding if row.critical => finding.name(),
        ChangeFinding::Regression => "worse",
        ChangeFinding::Improved => "better",
        ChangeFinding::NotWorse => "not worse",
        ChangeFinding::ChangedWithinMargin => "changed within the margin",
        ChangeFinding::CannotBeJudged => "too few boots",
        ChangeFinding::Inconclusive => "open",
        ChangeFinding::Tainted => "disturbed",
    }
}

fn cells(row: &MetricChange) -> Vec<Cell> {
    let value = |side: &SideSummary| match side.value {
        Some(value) => quantity(value, row.metric.unit),
        None => "none".to_owned(),
    };
    let effect = row.effect.as_ref();
    let of = |text: fn(&Effect) -> String| effect.map(text).unwrap_or_default();
    vec![
        Cell::from(row.id.to_string()),
        Cell::from(value(&row.before)),
        Cell::from(value(&row.after)),
        Cell::from(format!("{} + {}", row.before.boots, row.after.boots)),
        Cell::from(of(|effect| signed(effect.change()))),
        Cell::from(of(|effect| interval(effect.interval(0.95)))),
        Cell::from(of(|effect| probability(effect.worse_tests.t.adjusted))),
        Cell::from(share(row.margin.share())),
        Cell::from(of(|effect| share(effect.power))),
        Cell::painted(word(row), if row.critical { paint(row.finding) } else { Paint::Plain }),
    ]
}

pub(crate) fn paint(finding: ChangeFinding) -> Paint {
    match finding {
        ChangeFinding::Regression => Paint::Bad,
        ChangeFinding::NotWorse | ChangeFinding::ChangedWithinMargin | ChangeFinding::Improved => Paint::Good,
        ChangeFinding::Tainted | ChangeFinding::Inconclusive | ChangeFinding::CannotBeJudged => Paint::Doubtful,
    }
}

/// `+1.53 %`, `−4.88 %`.
pub(crate) fn signed(change: f64) -> String {
    // A zero may have a sign of its own.
    let change = change + 0.0;
    if change < 0.0 { format!("−{}", share(-change)) } else { format!("+{}", share(change)) }
}

fn interval(interval: ConfidenceInterval) -> String {
    format!("{} … {}", signed(interval.low), signed(interval.high))
}

pub(crate) fn probability(p: f64) -> String {
    if p < 0.001 { "< 0.001".to_owned() } else { format!("{p:.3}") }
}

fn advisory(comparison: &Comparison, all: bool, look: Look) -> String {
    let others = || comparison.rows.iter().filter(|row| !row.critical);
    let shown: Vec<&MetricChange> = others().filter(|row| all || row.finding.moved()).collect();
    let count = others().count();
    if count == 0 {
        return String::new();
    }
    let moved = others().filter(|row| row.finding.moved()).count();
    let more = if all || moved == 0 { "" } else { " (--all shows each)" };
    let mut text = format!("\n{moved} of {count} other metrics moved; they decide nothing{more}.\n");
    if all {
        return text + &rows(&shown, look);
    }
    for family in by_metric(shown.iter().copied(), |row| &row.id) {
        let of = others().filter(|row| row.id.name == family[0].id.name).count();
        text += &wrap(&folded(&family, of), 2, look);
    }
    text
}

/// What moved of the series of one metric, in a line: `disk.seqread.latency{percentile}: 11 of 11 worse, +7.20 % to +9.30 %`.
fn folded(family: &[&MetricChange], of: usize) -> String {
    let first = family[0];
    if let ([one], 1) = (family, of) {
        let change = one
            .effect
            .as_ref()
            .map(|effect| format!(", {} (95 %: {})", signed(effect.change()), interval(effect.interval(0.95))));
        return format!("{}: {}{}", one.id, word(one), change.unwrap_or_default());
    }
    let side = |finding: ChangeFinding, what: &str| {
        let rows: Vec<&&MetricChange> = family.iter().filter(|row| row.finding == finding).collect();
        let changes = || rows.iter().filter_map(|row| Some(row.effect.as_ref()?.change()));
        let (least, most) = (changes().min_by(f64::total_cmp)?, changes().max_by(f64::total_cmp)?);
        Some(format!("{} of {of} {what}, {} to {}", rows.len(), signed(least), signed(most)))
    };
    let sides = [
        side(ChangeFinding::Regression, "worse"),
        side(ChangeFinding::Improved, "better"),
        side(ChangeFinding::ChangedWithinMargin, "changed within the margin"),
    ];
    let sides: Vec<String> = sides.into_iter().flatten().collect();
    format!("{}: {}", family_name(&first.id), sides.join("; "))
}

fn suspects(suspects: &[Suspect], look: Look) -> String {
    if suspects.is_empty() {
        return "\nNothing in the fingerprint differs.\n".to_owned();
    }
    let mut text = "\nWhat differs, the likeliest cause of what moved first\n".to_owned();
    if suspects.iter().any(|suspect| !suspect.touches.is_empty()) {
        let score =
            "score: how much of what moved it can touch × how much of what it can touch moved; 1 is all of both";
        text += &wrap(score, 2, look);
    }
    for suspect in suspects {
        let change = &suspect.change;
        let value = |value: &Option<String>| value.as_deref().unwrap_or("unknown").to_owned();
        let scope = if change.scope == Scope::Platform { " (the machine itself)" } else { "" };
        let touches = match suspect.touches.len() {
            0 => "touches nothing that moved".to_owned(),
            n => format!("can touch {n} that moved, score {:.2}", suspect.score),
        };
        let line = format!("{}{scope}: {} → {}; {touches}", change.part, value(&change.before), value(&change.after));
        text += &wrap(&line, 2, look);
    }
    text
}

fn attributed(attribution: &Attribution, look: Look) -> String {
    let gain = |share: &Share| {
        let percent = |gain: f64| signed(gain.exp_m1());
        format!("{} (95 %: {} … {})", percent(share.gain), percent(share.interval.low), percent(share.interval.high))
    };
    let mut lines = Vec::new();
    for cause in &attribution.causes {
        lines.push(format!("{} ({}): {}", cause.name, cause.metric.id, gain(&cause.share)));
    }
    match (&attribution.explained, &attribution.unexplained) {
        (Some(explained), Some(rest)) => {
            if attribution.causes.len() > 1 {
                lines.push(format!("together: {}", gain(explained)));
            }
            lines.push(format!("unexplained: {}", gain(rest)));
        }
        _ => lines.push("too few boots with all figures to tell what explains it".to_owned()),
    }
    if !attribution.left_out.is_empty() {
        lines.push(format!("left out, too few boots: {}", attribution.left_out.join(", ")));
    }
    let title =
        format!("What explains {} ({} in performance)", attribution.workload.id, signed(attribution.gain.exp_m1()));
    let body: String = lines.iter().map(|line| wrap(line, 2, look)).collect();
    format!("\n{}\n{body}", clean(&title))
}

fn conclusion(comparison: &Comparison, look: Look) -> String {
    let critical = comparison.critical().count();
    let named = |wanted: fn(ChangeFinding) -> bool| -> String {
        let rows = comparison.critical().filter(|row| wanted(row.finding));
        rows.map(|row| match &row.effect {
            _ if row.after.failures.all() > 0 => {
                format!(
                    "{} ({} of {} repetitions failed after)",
                    row.id,
                    row.after.failures.all(),
                    row.after.repetitions()
                )
            }
            Some(effect) => format!("{} {}", row.id, signed(effect.change())),
            None => row.id.to_string(),
        })
        .collect::<Vec<_>>()
        .join(", ")
    };
    let (sentence, paint) = match comparison.overall() {
        Overall::NotWorse => (format!("not one of {critical} critical metrics is worse by its margin"), Paint::Good),
        Overall::Regression => (named(|finding| finding == ChangeFinding::Regression), Paint::Bad),
        Overall::Tainted => (named(|finding| finding == ChangeFinding::Tainted), Paint::Doubtful),
        Overall::Inconclusive if critical == 0 => ("no critical metric was measured".to_owned(), Paint::Doubtful),
        Overall::Inconclusive => (format!("not decided: {}", named(|finding| !finding.holds())), Paint::Doubtful),
    };
    let mut text = format!("\n{}\n", paint.on(comparison.overall().name(), look));
    text += &wrap(&sentence, 2, look);
    if comparison.overall() == Overall::Inconclusive {
        let needed = comparison.critical().filter_map(|row| row.boots_needed).max();
        if let Some(boots) = needed {
            text += &wrap(
                &format!("about {boots} boots on each side would settle all that can be settled at this noise level"),
                2,
                look,
            );
        }
    }
    text
}

/// A standard deviation of y, which is about a share.
pub(crate) fn deviation(deviation: f64) -> String {
    share(deviation)
}

/// A value of y in the metric's unit.
pub(crate) fn natural(gain: f64, better: Better, unit: Unit) -> String {
    let value = if better == Better::Higher { gain.exp() } else { (-gain).exp() };
    Quantity::new(value, unit).to_string()
}
