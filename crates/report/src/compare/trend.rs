//! A host's noise and history for a terminal.

use verdict::power::{self, Design};
use verdict::trend::{self, Course, Known, Noise, PLANNED_BOOTS, Trend};

use super::{deviation, natural, probability, rows, signed};
use crate::Look;
use crate::terminal::grid::{Cell, Give, Grid, Paint};
use crate::text::{share, wrap};

/// How noisy each critical metric is, and what it can be judged for.
#[must_use]
pub fn noise(noise: &[Noise], look: Look) -> String {
    if noise.is_empty() {
        return "no critical metric was measured\n".to_owned();
    }
    let header = [
        "Metric",
        "Boots",
        "Between boots",
        "Within a boot",
        "Noise floor",
        "Margin",
        "Power",
        "Finds from",
        "Needs",
        "Verdict",
    ];
    let mut grid = Grid::new(&header, &[1, 2, 3, 4, 5, 6, 7, 8]);
    for row in noise {
        let between = row.between.as_ref();
        let (verdict, paint) = match (between, row.can_be_judged()) {
            (None, _) => ("not known", Paint::Doubtful),
            (Some(_), true) => ("can be judged", Paint::Good),
            (Some(_), false) => ("CANNOT BE JUDGED", Paint::Bad),
        };
        let needs = match (between, row.boots_needed) {
            (None, _) => String::new(),
            (_, Some(boots)) => format!("{boots} boots"),
            (_, None) => "no number".to_owned(),
        };
        let cells = [
            row.id.to_string(),
            row.boots.to_string(),
            between.map(|history| deviation(history.deviation())).unwrap_or_default(),
            row.within.map(deviation).unwrap_or_default(),
            between.map(|history| share(history.floor())).unwrap_or_default(),
            share(row.margin.share()),
            row.power.map(share).unwrap_or_default(),
            row.smallest_detectable.map(share).unwrap_or_default(),
            needs,
        ];
        grid.row(cells.into_iter().map(Cell::from).chain([Cell::painted(verdict, paint)]));
    }
    let note = format!(
        "Power: the chance that {PLANNED_BOOTS} boots on each side show NOT-WORSE where nothing changed. Finds from: the \
         smallest worsening that they call a regression in four of five. Needs: boots on each side for a power of 80 %. \
         Between and within are standard deviations."
    );
    let given = [Give::Column(3), Give::Column(5), Give::Column(1), Give::Column(4), Give::Column(2), Give::Column(6)];
    let mut text = grid.lines_or_list(&given, look);
    let unknown = noise.iter().filter(|row| row.between.is_none()).count();
    if unknown > 0 {
        let what = format!("Not known ({unknown} metrics): two boots of one configuration are needed.");
        text += &wrap(&what, 0, look);
    }
    text + &wrap(&note, 0, look) + &wrap(&family(noise), 0, look)
}

/// How many boots show that no metric of all is worse.
fn family(noise: &[Noise]) -> String {
    let family = trend::family(noise);
    let design = |boots| Design::Unpaired { before: boots, after: boots };
    let share_of = |boots| share(power::of_family(design(boots), &family));
    let needed = match power::boots_for_family(&family, design) {
        Some(boots) => format!("{boots} boots do in {}", share_of(boots)),
        None => "no number of boots does in 80 %".to_owned(),
    };
    format!(
        "All {} metrics together: {PLANNED_BOOTS} boots on each side end as NOT-WORSE in {} of the comparisons where nothing \
         changed; {needed}.",
        family.len(),
        share_of(PLANNED_BOOTS)
    )
}

/// A host's history: known changes first, then what was found, then the newest boots against the baseline.
#[must_use]
pub fn trend(trend: &Trend, look: Look) -> String {
    let span = match (trend.boots.first(), trend.boots.last()) {
        (Some(first), Some(last)) => format!(" from {} to {}", first.started, last.started),
        _ => String::new(),
    };
    let mut text = wrap(&format!("host {}: {} boots{span}", trend.host, trend.boots.len()), 0, look);
    text += "\n";
    text += &course_table(trend, look);
    text += "\nKnown changes\n";
    if trend.known.is_empty() {
        text += "  none: the fingerprint stayed the same\n";
    }
    text += &trend.known.iter().map(|change| known(trend, change, look)).collect::<String>();
    text += "\nFound without a known change\n";
    let found: String = trend.courses.iter().map(|course| found(trend, course, look)).collect();
    text += if found.is_empty() { "  nothing\n" } else { &found };
    if let Some(against) = &trend.against_baseline {
        text += "\nThe newest boots against the baseline\n";
        text += &rows(&against.iter().collect::<Vec<_>>(), look);
    }
    if !trend.remarks.is_empty() {
        text += "\nRemarks\n";
        text += &trend.remarks.iter().map(|remark| wrap(remark, 2, look)).collect::<String>();
    }
    text
}

fn course_table(trend: &Trend, look: Look) -> String {
    let mut grid = Grid::new(&["Metric", "First boot", "Last boot", "Change", "Course"], &[1, 2, 3]);
    for course in &trend.courses {
        let known: Vec<f64> = course.gains.iter().flatten().copied().collect();
        let (Some(first), Some(last)) = (known.first(), known.last()) else { continue };
        let better = course.metric.better;
        let value = |gain: f64| natural(gain, better, course.metric.unit);
        let change = if better == measure::Better::Higher { last - first } else { first - last };
        let cells =
            [course.id.to_string(), value(*first), value(*last), signed(change.exp_m1()), spark(&known, look.width)];
        grid.row(cells.map(Cell::from));
    }
    grid.lines_or_list(&[Give::Column(1), Give::Column(2)], look)
}

/// The course in at most 40 blocks, fewer on a narrow terminal; higher is better.
fn spark(gains: &[f64], width: u16) -> String {
    const BLOCKS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let (low, high) = gains.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), y| (l.min(*y), h.max(*y)));
    let columns = gains.len().min(usize::from(width / 3).clamp(12, 40));
    (0..columns)
        .map(|column| {
            let part = &gains[column * gains.len() / columns..(column + 1) * gains.len() / columns];
            let mean = part.iter().sum::<f64>() / part.len() as f64;
            let height = if high > low { (mean - low) / (high - low) * 7.0 } else { 3.0 };
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and 7")]
            BLOCKS[height.round() as usize]
        })
        .collect()
}

fn started(trend: &Trend, boot: usize) -> &str {
    trend.boots.get(boot).map_or("", |point| &point.started)
}

fn known(trend: &Trend, known: &Known, look: Look) -> String {
    let value = |value: &Option<String>| value.as_deref().unwrap_or("unknown").to_owned();
    let parts: Vec<String> = known
        .changes
        .iter()
        .map(|change| format!("{} {} → {}", change.part, value(&change.before), value(&change.after)))
        .collect();
    let mut text = wrap(&format!("{}: {}", started(trend, known.at), parts.join("; ")), 2, look);
    let undecided = known.rows.iter().filter(|row| !row.finding.holds() && row.effect.is_none()).count();
    for row in &known.rows {
        if let Some(effect) = row.effect.as_ref().filter(|_| row.finding.moved() || !row.finding.holds()) {
            let line = format!("{}: {} {}", row.id, row.finding, signed(effect.change()));
            text += &wrap(&line, 4, look);
        }
    }
    if known.rows.iter().all(|row| row.finding.holds() && !row.finding.moved()) {
        text += "    nothing is worse\n";
    }
    if undecided > 0 {
        text += &wrap(&format!("{undecided} metrics have too few boots on a side"), 4, look);
    }
    text
}

fn found(trend: &Trend, course: &Course, look: Look) -> String {
    let percent = |gain: f64| signed(gain.exp_m1());
    let mut text = String::new();
    for step in &course.unknown {
        let line = format!(
            "{}: a step of {} in performance at {} (p = {} of this search)",
            course.id,
            percent(step.estimate.difference),
            started(trend, step.at),
            probability(step.p)
        );
        text += &wrap(&line, 2, look);
    }
    for drift in &course.drifts {
        let line = format!(
            "{}: a slow drift of {} in performance, {} a boot, which shows since {}{}",
            course.id,
            percent(drift.gain),
            percent(drift.slope),
            started(trend, drift.since),
            if drift.gain <= -course.margin.log() { "; it is beyond the margin" } else { "" }
        );
        text += &wrap(&line, 2, look);
    }
    text
}
