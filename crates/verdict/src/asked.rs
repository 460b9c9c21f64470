//! Which measurements a judgement looks at: who judges thousands of runs need not read the others.

use std::collections::BTreeSet;

use measure::{Role, metrics};
use spec::{System, Target};

use crate::ceiling::is_of_a_limit;

/// Names of the metrics that a judgement by this system asks a run for: those of targets and of what must hold with them, those
/// that limits of the host come from, and telemetry, which says what was disturbed; and every headline, by which nodes are
/// compared. A run without its other measurements is judged the same.
#[must_use]
pub fn asked_for(system: &System, companions: &[Target]) -> BTreeSet<&'static str> {
    let targets = || system.targets.iter().chain(companions);
    let own = targets().filter_map(|target| target.metric);
    let constraints = targets().filter_map(|target| Some(target.constraint.as_ref()?.metric));
    let always = metrics::ALL.iter().copied().filter(|metric| metric.role != Role::Detail || is_of_a_limit(metric));
    own.chain(constraints).chain(always).map(|metric| metric.id).collect()
}
