//! Outliers in a family of figures.

use measure::{Better, Unit, median};

use super::constants::{CHANNEL_BYTES, LEAST_FAMILY, MAD_SCALE, OUTLIER_Z};
use super::document::{Document, count, ids, places, show};
use super::{Finding, Grade, Notes};
use crate::{StatedFact, System, Target};

pub(super) fn audit(document: &Document<'_>, notes: &mut Notes) {
    for target in &document.system.targets {
        outlier(document, target, notes);
    }
    channels(document, notes);
}

/// The memory bandwidth that a member states, with its data rate.
struct Bandwidth<'a> {
    system: &'a System,
    value: f64,
    rate: f64,
    rows: Vec<&'a StatedFact>,
}

impl<'a> Bandwidth<'a> {
    fn of(system: &'a System) -> Option<Self> {
        let document = Document::new(system, &[]);
        let (value, rate) = (document.number("memory.bandwidth")?, document.number("memory.data_rate")?);
        Some(Bandwidth { system, value: value.value, rate: rate.value, rows: [value.rows, rate.rows].concat() })
    }

    fn channels(&self) -> f64 {
        self.value / self.rate / CHANNEL_BYTES.value
    }

    fn words(&self) -> String {
        let (bandwidth, rate) = (show(self.value, Unit::BytePerSecond), show(self.rate, Unit::TransferPerSecond));
        format!("{}: {bandwidth} at {rate} are {:.1} channels", self.system.id, self.channels())
    }
}

/// In a family whose members differ in data rate, the one with the fastest modules has the least bandwidth.
fn channels(document: &Document<'_>, notes: &mut Notes) {
    let Some(own) = Bandwidth::of(document.system) else { return };
    let members: Vec<Bandwidth<'_>> =
        std::iter::once(own).chain(document.family.iter().filter_map(|system| Bandwidth::of(system))).collect();
    let by = |of: fn(&Bandwidth<'_>) -> f64| {
        move |one: &&Bandwidth<'_>, other: &&Bandwidth<'_>| of(one).total_cmp(&of(other))
    };
    let (Some(fastest), Some(least)) =
        (members.iter().max_by(by(|one| one.rate)), members.iter().min_by(by(|one| one.value)))
    else {
        return;
    };
    let most = members.iter().map(Bandwidth::channels).fold(0.0, f64::max);
    let fewest = members.iter().map(Bandwidth::channels).fold(f64::INFINITY, f64::min);
    if (members.len() as f64) < LEAST_FAMILY.value || fastest.system.id != least.system.id || most < fewest + 1.0 {
        return;
    }
    let rows: Vec<&StatedFact> = members.iter().flat_map(|member| member.rows.clone()).collect();
    let words: Vec<String> = members.iter().map(Bandwidth::words).collect();
    notes.find(Finding {
        rule: "family.channels",
        grade: Grade::Aggressive,
        factor: most / fewest,
        concerns: ids(&rows),
        says: format!(
            "Of {} systems {} has the fastest modules and the least bandwidth: it would have the fewest channels.",
            members.len(),
            fastest.system.id
        ),
        arithmetic: words.join("; "),
        rows: places(&rows),
        consistent_if: "each of the systems states its memory channels".to_owned(),
        constants: vec![CHANNEL_BYTES],
        ..Finding::default()
    });
}

fn outlier(document: &Document<'_>, target: &Target, notes: &mut Notes) {
    let same = |other: &&Target| other.id == target.id && other.value.unit == target.value.unit;
    let figures = document.family.iter().filter_map(|system| system.targets.iter().find(same));
    let mut sorted: Vec<f64> = figures.map(|other| other.value.value).chain([target.value.value]).collect();
    sorted.sort_by(f64::total_cmp);
    // Rows that repeat one product's figure say it once.
    sorted.dedup();
    if (sorted.len() as f64) < LEAST_FAMILY.value {
        return;
    }
    let Some(centre) = median(&sorted) else { return };
    let mut deviations: Vec<f64> = sorted.iter().map(|value| (value - centre).abs()).collect();
    deviations.sort_by(f64::total_cmp);
    let Some(mad) = median(&deviations) else { return };
    if mad <= 0.0 {
        return;
    }
    let z = MAD_SCALE.value * (target.value.value - centre) / mad;
    if z.abs() <= OUTLIER_Z.value {
        return;
    }
    let better = (z > 0.0) == (target.better == Better::Higher);
    let number = sorted.len();
    notes.find(Finding {
        rule: "family.outlier",
        grade: if better { Grade::Aggressive } else { Grade::Loose },
        factor: z.abs() / OUTLIER_Z.value,
        targets: vec![target.id.clone()],
        says: format!(
            "{} stands far from the other figures of its family: the median of the {number} distinct ones is {}, their median \
             deviation {}.",
            target.value,
            count(centre),
            count(mad)
        ),
        arithmetic: format!(
            "robust z = {} × ({} − {}) / {} = {z:.2}, of {number} figures; an outlier is beyond {}",
            MAD_SCALE.value,
            count(target.value.value),
            count(centre),
            count(mad),
            OUTLIER_Z.value
        ),
        rows: vec![target.place.clone()],
        consistent_if: "the figure is checked against its source: a digit, a unit or a row may be wrong".to_owned(),
        constants: vec![OUTLIER_Z, MAD_SCALE],
        ..Finding::default()
    });
}
