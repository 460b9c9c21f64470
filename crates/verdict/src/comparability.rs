//! Whether a host is the machine that a target speaks of.

use measure::{FactValue, Facts, Reading, Unit};
use spec::{Standing, StatedFact, System, Target};

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

/// Compares the facts that a target depends on. Only what the document states firmly decides.
pub(crate) fn compare(target: &Target, system: &System, host: &Facts) -> Comparability {
    let mut result = Comparability::default();
    for id in &target.depends_on {
        let firm: Vec<&StatedFact> = system.stated(id).filter(|fact| fact.standing == Standing::Firm).collect();
        let Some(first) = firm.first() else {
            result.undecided.push(id.clone());
            continue;
        };
        match host.0.get(id).map(|fact| &fact.reading) {
            Some(Reading::Present(value)) => {
                if !firm.iter().any(|stated| agrees(stated, value)) {
                    let (documented, host) = (first.value.clone(), value.clone());
                    result.differs.push(Difference { fact: id.clone(), documented, host });
                }
            }
            reading => result.unknown.push(Unknown { fact: id.clone(), why: why_unknown(reading) }),
        }
    }
    result
}

fn why_unknown(reading: Option<&Reading>) -> String {
    match reading {
        Some(Reading::Denied { remedy }) => format!("reading it is not allowed: {remedy}"),
        Some(Reading::Failed { error }) => format!("reading it failed: {error}"),
        Some(Reading::Absent | Reading::Present(_)) | None => "nothing on this host tells it".to_owned(),
    }
}

/// Whether a host's value is the stated one.
fn agrees(stated: &StatedFact, host: &FactValue) -> bool {
    match (&stated.value, host) {
        (FactValue::Quantity(documented), FactValue::Quantity(found)) => {
            // Documents write GB where modules have GiB, and firmware keeps a part; clocks and rates are rounded.
            let room: f64 = match documented.unit {
                Unit::Count => 0.0,
                Unit::Byte => 0.10,
                _ => 0.02,
            };
            let room = if stated.approximate { room.max(0.10) } else { room };
            documented.unit == found.unit && (documented.value - found.value).abs() <= room * documented.value.abs()
        }
        (FactValue::Text(documented), FactValue::Text(found)) => plain(found).contains(&plain(documented)),
        (documented, found) => documented == found,
    }
}

/// A text without case, spaces and signs: `x86-64` and `x86_64` are one thing.
fn plain(text: &str) -> String {
    text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testdata::{number, stated};

    fn check(documented: FactValue, approximate: bool, host: &FactValue, expect: bool) {
        let mut stated = stated("cpu.model", documented);
        stated.approximate = approximate;
        assert_eq!(agrees(&stated, host), expect, "{stated:?} {host:?}");
    }

    #[test]
    fn values_agree_within_what_documents_round() {
        let (count, byte, rate) = (Unit::Count, Unit::Byte, Unit::TransferPerSecond);
        let text = |text: &str| FactValue::Text(text.into());
        check(number(2.0, count), false, &number(2.0, count), true);
        check(number(2.0, count), false, &number(1.0, count), false);
        check(number(2.048e12, byte), false, &number(2_199_023_255_552.0, byte), true);
        check(number(2.048e12, byte), false, &number(1.0e12, byte), false);
        check(number(5.6e9, rate), false, &number(5.6e9, rate), true);
        check(number(5.6e9, rate), false, &number(4.8e9, rate), false);
        check(number(46.0e12, byte), true, &number(42.0e12, byte), true);
        check(number(2.0, count), false, &number(2.0, byte), false);
        check(text("x86-64"), false, &text("x86_64"), true);
        check(text("Xeon 8580"), false, &text("Intel(R) Xeon(R) Gold 6330"), false);
        check(FactValue::Flag(true), false, &FactValue::Flag(true), true);
        check(FactValue::Flag(true), false, &FactValue::Flag(false), false);
        check(FactValue::Flag(true), false, &text("yes"), false);
    }
}
