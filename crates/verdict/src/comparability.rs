//! Whether a host is the machine that a target speaks of.

use measure::{FactValue, Facts};
use spec::{Standing, System, Target};

use crate::facts::{FactMatch, compare_fact};

/// A fact in which the host is not the documented machine.
#[derive(Clone, Debug, PartialEq)]
pub struct Difference {
    /// Id of the fact.
    pub fact: String,
    /// What the document says.
    pub documented: FactValue,
    /// What the host is.
    pub host: FactValue,
}

/// A fact that the host does not tell.
#[derive(Clone, Debug, PartialEq)]
pub struct Unknown {
    /// Id of the fact.
    pub fact: String,
    /// Why it is not known, and what would tell it.
    pub why: String,
}

/// How a host compares with the documented machine, in the facts that a target depends on.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Comparability {
    /// Facts that differ.
    pub differs: Vec<Difference>,
    /// Facts that the host does not tell.
    pub unknown: Vec<Unknown>,
    /// Facts that decide nothing, because the document does not state them or does not stand by them.
    pub undecided: Vec<String>,
}

/// Compares the facts that a target depends on, those of the host as the document counts them. Only what the document states firmly decides; where it states a fact
/// more than once, a host that is as one of the statements says is as documented.
pub(crate) fn compare(target: &Target, system: &System, host: &Facts) -> Comparability {
    let mut result = Comparability::default();
    for id in &target.depends_on {
        let mut firm = system.deciding(id);
        firm.retain(|fact| fact.standing == Standing::Firm);
        let Some(first) = firm.first() else {
            result.undecided.push(id.clone());
            continue;
        };
        let answers: Vec<FactMatch> = firm.iter().map(|stated| compare_fact(stated, host)).collect();
        if answers.contains(&FactMatch::Match) {
            continue;
        }
        let why = answers.into_iter().find_map(|answer| match answer {
            FactMatch::Unknown { why } => Some(why),
            FactMatch::Match | FactMatch::Differs { .. } => None,
        });
        match (why, host.value(id)) {
            (None, Some(found)) => {
                let (documented, host) = (first.value.clone(), found.clone());
                result.differs.push(Difference { fact: id.clone(), documented, host });
            }
            (why, _) => result.unknown.push(Unknown { fact: id.clone(), why: why.unwrap_or_default() }),
        }
    }
    result
}
