//! How each number was measured: the families of metrics that runs have.

use std::collections::BTreeSet;

use measure::{Family, Outcome, Run, definition, metrics};
use serde::Serialize;

/// A family of metrics as the page explains it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Method {
    /// Where on the page it is explained.
    anchor: String,
    /// What the ids of its metrics begin with.
    title: String,
    /// How.
    how: &'static str,
}

/// The families that a page explains, each once, in the order of the catalogue.
#[derive(Clone, Debug)]
pub(super) struct Methods(Vec<&'static Family>);

impl Methods {
    /// The families of all that runs measured, or tried to.
    pub(super) fn of<'a>(runs: impl IntoIterator<Item = &'a Run>) -> Methods {
        let name = |outcome: &Outcome| match outcome {
            Outcome::Measured(one) => one.metric.name.clone(),
            Outcome::NotMeasured(missing) => missing.id.name.clone(),
        };
        let names: BTreeSet<String> = runs.into_iter().flat_map(Run::outcomes).map(name).collect();
        let mut families: Vec<&'static Family> = Vec::new();
        for row in metrics::ALL.iter().filter(|row| names.contains(row.id)) {
            if !families.contains(&row.family) {
                families.push(row.family);
            }
        }
        Methods(families)
    }

    /// Where the page explains a metric; `None` where it does not.
    pub(super) fn anchor(&self, metric: &str) -> Option<String> {
        let family = definition(metric)?.family;
        Some(anchor(self.0.iter().position(|known| *known == family)?))
    }

    /// The explanations.
    pub(super) fn explained(&self) -> Vec<Method> {
        let method = |(at, family): (usize, &&'static Family)| Method {
            anchor: anchor(at),
            title: format!("{}{}…", family.name, if family.name.ends_with('.') { "" } else { " " }),
            how: family.how,
        };
        self.0.iter().enumerate().map(method).collect()
    }
}

/// By number, as families may share the beginning of their names.
fn anchor(at: usize) -> String {
    format!("how-{}", at + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testdata;
    use measure::{Labels, NotMeasured, Reason};

    #[test]
    fn each_family_of_a_run_is_explained_once() {
        let mut run = testdata::run();
        let missing = |of| Outcome::NotMeasured(NotMeasured::new(of, Labels::new(), Reason::Interrupted));
        run.attempts[0].outcomes.extend(
            [&metrics::DISK_RANDREAD_FRONTIER, &metrics::DISK_RANDREAD_IOPS, &metrics::DISK_SEQREAD_P99].map(missing),
        );
        let methods = Methods::of(&[run.clone(), run]);
        let titles: Vec<String> = methods.explained().into_iter().map(|method| method.title).collect();
        assert_eq!(titles, ["stream.…", "stream.latency …", "stream.latency.sweep …", "disk.…", "disk.…"]);
        let anchors: BTreeSet<String> = methods.explained().into_iter().map(|method| method.anchor).collect();
        assert_eq!(anchors.len(), titles.len(), "families of one name have two places");
        let anchor = |of: &measure::Definition| methods.anchor(of.id);
        assert_eq!(anchor(&metrics::DISK_RANDREAD_IOPS), anchor(&metrics::DISK_SEQREAD_P99));
        assert_ne!(anchor(&metrics::DISK_RANDREAD_IOPS), anchor(&metrics::DISK_RANDREAD_FRONTIER));
        assert_eq!((anchor(&metrics::TABULAR_TIME), methods.anchor("dense")), (None, None));
    }
}
