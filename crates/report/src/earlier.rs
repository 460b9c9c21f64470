//! Earlier runs of a host in a report: of a thousand, what is judged and told of each must fit into memory.

use std::collections::BTreeSet;

use measure::{Measurement, MetricId, Outcome, Run};
use spec::{System, Target};

/// What is kept of earlier runs: all that they are judged by together with the last one, and what the page tells of each.
#[derive(Debug)]
pub struct Earlier {
    /// The series that targets and their constraints are judged by.
    judged: BTreeSet<MetricId>,
    /// The facts that targets depend on.
    facts: BTreeSet<String>,
    /// Names of metrics of which a run that was kept has an outcome: the page explains each once.
    known: BTreeSet<String>,
}

impl Earlier {
    /// Of runs that are judged by this system and these companions.
    #[must_use]
    pub fn new(system: &System, companions: &[Target]) -> Earlier {
        let targets = || system.targets.iter().chain(companions);
        let own =
            targets().filter_map(|target| Some(MetricId { labels: target.series.clone(), ..target.metric?.series() }));
        // Where files lay is told by the headline of a metric, whichever of its series is judged.
        let headlines = targets().filter_map(|target| Some(target.metric?.series()));
        let constraints = targets().filter_map(|target| Some(target.constraint.as_ref()?.metric.series()));
        Earlier {
            judged: own.chain(headlines).chain(constraints).collect(),
            facts: targets().flat_map(|target| target.depends_on.iter().cloned()).collect(),
            known: BTreeSet::new(),
        }
    }

    /// Takes away from a run what neither a judgement nor the page asks for.
    pub fn trim(&mut self, run: &mut Run) {
        let mut places: Vec<_> = run.places().into_iter().cloned().collect();
        for attempt in &mut run.attempts {
            let workload = attempt.workload.name();
            attempt.outcomes.retain_mut(|outcome| match outcome {
                Outcome::Measured(one) => self.keeps(one, &mut places),
                Outcome::NotMeasured(missing) => {
                    let is_first = self.known.insert(missing.id.name.clone());
                    is_first || self.judged.contains(&missing.id) || missing.id.name == workload
                }
            });
            attempt.outcomes.shrink_to_fit();
            attempt.warnings = Vec::new();
        }
        run.facts.0.retain(|id, _| self.facts.contains(id) || id.starts_with("storage."));
        run.spec.text = String::new();
        run.noise.clear();
    }

    /// Whether a measurement stays: whole where it is judged, without samples where it alone tells of its metric or of a
    /// place of files.
    fn keeps(&mut self, one: &mut Measurement, places: &mut Vec<measure::StoragePlace>) -> bool {
        let is_judged = self.judged.contains(&one.id());
        let is_first = self.known.insert(one.metric.name.clone());
        let known = places.len();
        places.retain(|place| one.place.as_deref() != Some(place));
        if is_judged {
            one.samples.shrink_to_fit();
        } else {
            one.samples = Vec::new();
            one.warnings = Vec::new();
            one.context.clear();
        }
        is_judged || is_first || places.len() < known
    }
}
