//! Outliers in a family of figures.

use measure::{Better, median};

use super::constants::{LEAST_FAMILY, MAD_SCALE, OUTLIER_Z};
use super::document::{Document, count};
use super::{Finding, Grade, Notes};
use crate::Target;

pub(super) fn audit(document: &Document<'_>, notes: &mut Notes) {
    for target in &document.system.targets {
        outlier(document, target, notes);
    }
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
