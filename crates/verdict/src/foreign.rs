//! Records in another unit or direction than the catalogue's: their numbers would be compared with what they are not.

use measure::{Better, Metric};

/// What is wrong with a metric of a run, where it is not in the unit and direction that are expected.
pub(crate) fn foreign(run: &str, found: &Metric, expected: &Metric) -> Option<String> {
    (found.unit != expected.unit || found.better != expected.better).then(|| {
        format!(
            "run {run} has {} in {}, {} is better; it is a metric in {}, {} is better",
            expected.name,
            found.unit.symbol(),
            word(found.better),
            expected.unit.symbol(),
            word(expected.better),
        )
    })
}

fn word(better: Better) -> &'static str {
    match better {
        Better::Higher => "higher",
        Better::Lower => "lower",
    }
}
