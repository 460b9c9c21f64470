//! Operational rules of a document that no single fact answers: what is mirrored, what is ephemeral, and whether the
//! supplies carry the peak.

use measure::{FactValue, Facts, Quantity, Unit};
use spec::{Standing, StatedFact, System};

use crate::facts::FactMatch;

/// A rule and how a host answers it.
#[derive(Clone, Debug, PartialEq)]
pub struct RuleCheck {
    /// What it is about, in a few words.
    pub rule: &'static str,
    /// What it asks.
    pub asks: String,
    /// Where the document states it.
    pub at: String,
    /// Whether `accept` demands it: where the statement that it follows from is demanded.
    pub required: bool,
    /// Whether the document stands by that statement.
    pub firm: bool,
    /// Whether the host keeps it.
    pub answer: FactMatch,
    /// What has to be known even where the rule is kept.
    pub warning: Option<String>,
}

/// Checks a host against the operational rules that a document's statements imply.
#[must_use]
pub fn check_rules(system: &System, host: &Facts) -> Vec<RuleCheck> {
    [mirror(system, host), ephemeral(system, host), supplies(system, host)].into_iter().flatten().collect()
}

fn text<'a>(host: &'a Facts, id: &str) -> Option<&'a str> {
    match host.value(id) {
        Some(FactValue::Text(text)) => Some(text),
        _ => None,
    }
}

/// The last statement of a text with one of these words: rules come after the tables.
fn stated<'a>(system: &'a System, id: &'a str, words: &[&str]) -> Option<&'a StatedFact> {
    let says = |fact: &&StatedFact| match &fact.value {
        FactValue::Text(text) => words.iter().any(|word| text.contains(word)),
        FactValue::Quantity(_) | FactValue::Flag(_) => false,
    };
    system.stated(id).filter(says).last()
}

fn unknown(id: &str) -> FactMatch {
    FactMatch::Unknown { why: format!("{id} is not reported by this host") }
}

/// Drives whose loss the volume survives.
fn is_redundant(layout: &str) -> bool {
    ["raid1", "raid4", "raid5", "raid6", "mirror", "raidz", "draid"].iter().any(|kind| layout.contains(kind))
}

fn mirror(system: &System, host: &Facts) -> Option<RuleCheck> {
    let place = stated(system, "storage.boot.layout", &["raid1", "mirror"])?;
    let missing = host.number("storage.boot.missing").unwrap_or(0.0);
    let answer = match text(host, "storage.boot.layout") {
        None => unknown("storage.boot.layout"),
        Some(layout) if !layout.contains("mirror") && !layout.contains("raid1") => {
            FactMatch::Differs { how: format!("the boot drives are joined as {layout}: nothing is mirrored") }
        }
        Some(layout) if missing > 0.0 => {
            FactMatch::Differs { how: format!("{layout} lacks {missing} drives: nothing is mirrored now") }
        }
        Some(_) => FactMatch::Match,
    };
    let (asks, at) = ("what the system boots from is mirrored".to_owned(), place.place.at.clone());
    let (required, firm) = (place.required, place.standing == Standing::Firm);
    Some(RuleCheck { rule: "mirrored boot drives", asks, at, required, firm, answer, warning: None })
}

fn ephemeral(system: &System, host: &Facts) -> Option<RuleCheck> {
    let place = stated(system, "storage.scratch.layout", &["stripe", "raid0"])?;
    let drives = host.number("storage.scratch.drives").unwrap_or(0.0);
    let (answer, warning) = match text(host, "storage.scratch.layout") {
        None => (unknown("storage.scratch.layout"), None),
        Some(layout) if is_redundant(layout) => (FactMatch::Match, None),
        Some(layout) => {
            let warning = format!(
                "{layout} over {drives} drives has no redundancy: the data is ephemeral, the loss of any one drive \
                 loses all of it; keep a copy elsewhere"
            );
            (FactMatch::Match, Some(warning))
        }
    };
    let (asks, at) = ("nothing is kept on the working volume alone".to_owned(), place.place.at.clone());
    // It warns, and no host breaks it.
    let (required, firm) = (false, place.standing == Standing::Firm);
    Some(RuleCheck { rule: "redundancy of the working volume", asks, at, required, firm, answer, warning })
}

/// Supplies that are called redundant carry the peak with one of them failed.
fn supplies(system: &System, host: &Facts) -> Option<RuleCheck> {
    let peak = system.number("power.peak")?;
    let redundant = stated(system, "power.supply_redundancy", &["redundant"]);
    let place = redundant.or_else(|| system.stated("power.supplies").next())?;
    let spare = if redundant.is_some() { 1.0 } else { 0.0 };
    let watts = |watts: f64| Quantity::new(watts, Unit::Watt);
    let answer = match (host.number("power.supplies"), host.number("power.supply_rating")) {
        (None, _) => unknown("power.supplies"),
        (_, None) => unknown("power.supply_rating"),
        (Some(count), Some(rating)) => {
            let left = (count - spare).max(0.0) * rating;
            let failed = if redundant.is_some() { ", one of them failed," } else { "" };
            let how = format!("{count} supplies of {}{failed} give {}", watts(rating), watts(left));
            if left >= peak { FactMatch::Match } else { FactMatch::Differs { how } }
        }
    };
    let failed = if redundant.is_some() { " with one of them failed" } else { "" };
    let asks = format!("the supplies carry the peak load of {}{failed}", watts(peak));
    let peak_is = |rule: fn(&StatedFact) -> bool| system.stated("power.peak").next().is_some_and(rule);
    let required = place.required && peak_is(|peak| peak.required);
    let firm = place.standing == Standing::Firm && peak_is(|peak| peak.standing == Standing::Firm && !peak.approximate);
    let at = place.place.at.clone();
    Some(RuleCheck { rule: "supplies against peak load", asks, at, required, firm, answer, warning: None })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testdata::{number, stated, system};

    fn document() -> System {
        let text = |text: &str| FactValue::Text(text.to_owned());
        let mut system = system();
        system.facts.extend([
            stated("storage.boot.layout", text("raid1")),
            stated("storage.scratch.layout", text("zfs-stripe")),
            stated("power.peak", number(3800.0, Unit::Watt)),
            stated("power.supplies", number(2.0, Unit::Count)),
        ]);
        system
    }

    fn host() -> Facts {
        let mut facts = Facts::default();
        facts.text("storage.boot.layout", "raid1", "test");
        facts.text("storage.scratch.layout", "zfs-stripe", "test");
        facts.quantity("storage.scratch.drives", 6.0, Unit::Count, "test");
        facts.quantity("power.supplies", 2.0, Unit::Count, "test");
        facts.quantity("power.supply_rating", 2400.0, Unit::Watt, "test");
        facts
    }

    fn check(rule: &str, change: impl FnOnce(&mut System, &mut Facts), expect: &str, warns: bool) {
        let (mut system, mut host) = (document(), host());
        change(&mut system, &mut host);
        let checks = check_rules(&system, &host);
        let check = checks.iter().find(|check| check.rule == rule).unwrap();
        let told = match &check.answer {
            FactMatch::Match => "match",
            FactMatch::Differs { how } => how,
            FactMatch::Unknown { why } => why,
        };
        assert!(told.contains(expect), "{rule}: {told}");
        assert_eq!(check.warning.is_some(), warns, "{rule}: {check:?}");
    }

    #[test]
    fn boot_drives_are_mirrored() {
        let check = |change: fn(&mut System, &mut Facts), expect| check("mirrored boot drives", change, expect, false);
        check(|_, _| {}, "match");
        check(|_, host| host.text("storage.boot.layout", "zfs-mirror", "test"), "match");
        check(|_, host| host.text("storage.boot.layout", "single", "test"), "joined as single");
        check(|_, host| host.quantity("storage.boot.missing", 1.0, Unit::Count, "test"), "lacks 1 drives");
        check(|_, host| drop(host.0.remove("storage.boot.layout")), "storage.boot.layout is not reported");
    }

    #[test]
    fn a_volume_without_redundancy_is_ephemeral() {
        let check = |layout: &str, warns: bool| {
            let change = |_: &mut System, host: &mut Facts| host.text("storage.scratch.layout", layout, "test");
            check("redundancy of the working volume", change, "match", warns);
        };
        check("zfs-stripe", true);
        check("raid0", true);
        check("zfs-raidz2", false);
        check("raid10", false);
    }

    #[test]
    fn supplies_carry_the_peak() {
        let check = |change: fn(&mut System, &mut Facts), expect| {
            check("supplies against peak load", change, expect, false);
        };
        check(|_, _| {}, "match");
        let redundant = |system: &mut System, _: &mut Facts| {
            system.facts.push(stated("power.supply_redundancy", FactValue::Text("redundant".into())));
        };
        check(redundant, "2 supplies of 2400 W, one of them failed, give 2400 W");
        check(|_, host| host.quantity("power.supplies", 1.0, Unit::Count, "test"), "give 2400 W");
        check(|_, host| drop(host.0.remove("power.supply_rating")), "power.supply_rating is not reported");
    }

    #[test]
    fn a_document_that_says_nothing_has_no_rules() {
        assert_eq!(check_rules(&system(), &host()), []);
    }
}
