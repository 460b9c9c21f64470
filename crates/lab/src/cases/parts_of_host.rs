//! What is told of each socket and each drive.

use measure::{Definition, Measurement, Run};

use super::measured;
use crate::findings::Findings;

/// A metric of the whole machine.
pub(super) fn whole<'a>(run: &'a Run, metric: &Definition) -> Option<&'a Measurement> {
    measured(run).find(|one| one.metric.is(metric) && one.labels.is_empty())
}

/// The same metric of each part.
pub(super) fn parts_of<'a>(run: &'a Run, metric: &Definition, part: &str) -> Vec<&'a Measurement> {
    measured(run).filter(|one| one.metric.is(metric) && one.labels.contains_key(part)).collect()
}

/// A rate is told of each part as well; in every sample the parts together are no slower than the whole, which waits for the
/// slowest of them.
pub(super) fn rate_of_parts(run: &Run, metric: &Definition, (part, count): (&str, usize), findings: &mut Findings) {
    let parts = parts_of(run, metric, part);
    findings.equal(&format!("values of `{part}` of {}", metric.id), &parts.len(), &count);
    let Some(whole) = whole(run, metric) else { return };
    for (at, sample) in whole.samples.iter().enumerate() {
        let sum: f64 = parts.iter().filter_map(|one| one.samples.get(at)).map(|of_part| of_part.value).sum();
        let fits = sum >= sample.value * (1.0 - 1e-9);
        findings.check(fits, format!("{}: {} is more than the {sum} of its parts", metric.id, sample.value));
    }
}
