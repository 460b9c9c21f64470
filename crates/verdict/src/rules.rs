//! What a document asks of an operator and no single fact answers: whether the supplies carry the peak, and what is lost
//! with one drive.

use measure::{FactValue, Facts, Quantity, Unit};
use spec::{Standing, StatedFact, System};

use crate::facts::FactMatch;

/// A rule and how a host answers it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct RuleCheck {
    /// What it is about, in a few words.
    pub(crate) rule: &'static str,
    /// What it asks.
    pub(crate) asks: String,
    /// Where the document states it.
    pub(crate) at: String,
    /// Whether `accept` demands it: where the statements that it follows from are demanded.
    pub(crate) required: bool,
    /// Whether the document stands by those statements.
    pub(crate) firm: bool,
    /// Whether the host keeps it.
    pub(crate) answer: FactMatch,
}

fn says(fact: &StatedFact, words: &[&str]) -> bool {
    match &fact.value {
        FactValue::Text(text) => words.iter().any(|word| text.contains(word)),
        FactValue::Quantity(_) | FactValue::Flag(_) => false,
    }
}

/// Drives whose loss the volume survives.
fn is_redundant(layout: &str) -> bool {
    ["raid1", "raid4", "raid5", "raid6", "mirror", "raidz", "draid"].iter().any(|kind| layout.contains(kind))
}

/// What has to be known of a working volume that is striped, as its document says: that it keeps nothing safe.
pub(crate) fn ephemeral(id: &str, statements: &[&StatedFact], host: &Facts) -> Option<String> {
    let is_striped = id == "storage.scratch.layout" && statements.iter().any(|one| says(one, &["stripe", "raid0"]));
    let Some(FactValue::Text(layout)) = host.value("storage.scratch.layout").filter(|_| is_striped) else {
        return None;
    };
    let drives = host.number("storage.scratch.drives").unwrap_or(0.0);
    (!is_redundant(layout)).then(|| {
        format!(
            "{layout} over {drives} drives has no redundancy: the data is ephemeral, the loss of any one drive loses all of \
             it; keep a copy elsewhere"
        )
    })
}

fn unknown(id: &str) -> FactMatch {
    FactMatch::Unknown { why: format!("{id} is not reported by this host") }
}

/// Supplies that are called redundant carry the peak with one of them failed.
pub(crate) fn supplies_carry_peak(system: &System, host: &Facts) -> Option<RuleCheck> {
    let peak = system.number("power.peak")?;
    let redundant = system.stated("power.supply_redundancy").filter(|fact| says(fact, &["redundant"])).last();
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
    Some(RuleCheck { rule: "supplies against peak load", asks, at, required, firm, answer })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testdata::{number, stated, system};

    #[test]
    fn a_striped_volume_is_ephemeral() {
        let check = |id: &str, documented: &str, layout: &str, expect: Option<&str>| {
            let statement = stated(id, FactValue::Text(documented.to_owned()));
            let mut host = Facts::default();
            host.text(id, layout, "test");
            host.quantity("storage.scratch.drives", 6.0, Unit::Count, "test");
            let warning = ephemeral(id, &[&statement], &host);
            assert_eq!(warning.is_some(), expect.is_some(), "{documented} {layout}: {warning:?}");
            assert!(warning.unwrap_or_default().contains(expect.unwrap_or_default()), "{documented} {layout}");
        };
        let scratch = "storage.scratch.layout";
        check(scratch, "zfs-stripe", "zfs-stripe", Some("zfs-stripe over 6 drives has no redundancy"));
        check(scratch, "raid0", "raid0", Some("ephemeral"));
        check(scratch, "zfs-stripe", "zfs-raidz2", None);
        check(scratch, "zfs-stripe", "raid10", None);
        check(scratch, "single", "single", None);
        check("storage.boot.layout", "raid0", "raid0", None);
    }

    #[test]
    fn supplies_carry_the_peak() {
        let check = |change: fn(&mut System, &mut Facts), expect: &str| {
            let mut document = system();
            document.facts.push(stated("power.peak", number(3800.0, Unit::Watt)));
            document.facts.push(stated("power.supplies", number(2.0, Unit::Count)));
            let mut host = Facts::default();
            host.quantity("power.supplies", 2.0, Unit::Count, "test");
            host.quantity("power.supply_rating", 2400.0, Unit::Watt, "test");
            change(&mut document, &mut host);
            let answer = supplies_carry_peak(&document, &host).unwrap().answer;
            let told = match &answer {
                FactMatch::Match => "match",
                FactMatch::Differs { how } => how,
                FactMatch::Unknown { why } => why,
            };
            assert!(told.contains(expect), "{told}");
        };
        check(|_, _| {}, "match");
        let redundant = |system: &mut System, _: &mut Facts| {
            system.facts.push(stated("power.supply_redundancy", FactValue::Text("redundant".into())));
        };
        check(redundant, "2 supplies of 2400 W, one of them failed, give 2400 W");
        check(|_, host| host.quantity("power.supplies", 1.0, Unit::Count, "test"), "give 2400 W");
        check(|_, host| drop(host.0.remove("power.supply_rating")), "power.supply_rating is not reported");
        assert_eq!(supplies_carry_peak(&system(), &Facts::default()), None);
    }
}
