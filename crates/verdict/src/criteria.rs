//! The parts of a host as criteria: a row for each fact, limit and rule of a document.

use measure::{Definition, Facts, fact_kind, metrics};
use spec::{Bound, Limit, Standing, StatedFact, System};

use crate::Verdict;
use crate::drives::as_counted;
use crate::facts::{FactMatch, check_limit, compare_fact, own_bound_asked};
use crate::rules::{RuleCheck, ephemeral, supplies_carry_peak};

/// The reason of a part that is as it should be, where nothing else is to be said of it.
pub const AS_DOCUMENTED: &str = "as documented";

/// What a host is in one fact, beside what the document says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FactRow {
    /// Id of the fact; `limit.` and the fact for a limit; `rule.` and its name for a rule.
    pub id: String,
    /// What it is, in a few words.
    pub title: String,
    /// What the document says.
    pub documented: String,
    /// What the host is, where it tells.
    pub found: Option<String>,
    /// Whether `accept` demands it.
    pub required: bool,
    /// Where the document states it.
    pub place: String,
    /// PASS, FAIL, NOT-MEASURED, or INCONCLUSIVE for what the document does not stand by.
    pub verdict: Verdict,
    /// Why, with what would tell it where the host does not.
    pub reason: String,
}

/// Facts that no inventory tells, because a workload measures them.
const MEASURED: [(&str, &Definition); 2] =
    [("power.idle", &metrics::HOST_POWER_IDLE), ("power.peak", &metrics::HOST_POWER_PEAK)];
/// What a document asks of the room: the audit holds it against the rest of the document.
const OF_THE_SITE: [&str; 2] = ["power.pdu_per_unit", "power.circuit"];

/// Whether the host's parts answer a statement, and not a workload or the room. What is required is always a row.
fn is_of_the_host(system: &System, id: &str) -> bool {
    if system.stated(id).any(|stated| stated.required) {
        return true;
    }
    let measured_by = MEASURED.iter().find(|(fact, _)| *fact == id).map(|(_, metric)| *metric);
    let measured = measured_by.is_some_and(|metric| system.targets.iter().any(|target| target.metric == Some(metric)));
    !measured && !OF_THE_SITE.contains(&id)
}

/// Every statement of a document about a host's parts: facts first, a row for each id, then limits, then rules.
///
/// A host that is as one of the firm statements of a fact says is as documented. What the document calls a placeholder,
/// contradicts or leaves open never fails.
#[must_use]
pub fn inspect(system: &System, host: &Facts) -> Vec<FactRow> {
    let mut ids: Vec<&str> = Vec::new();
    for fact in &system.facts {
        if !ids.contains(&fact.id.as_str()) && is_of_the_host(system, &fact.id) {
            ids.push(&fact.id);
        }
    }
    let host = &as_counted(system, host);
    let facts = ids.into_iter().map(|id| fact_row(system, id, host));
    let limits = system.limits.iter().map(|limit| limit_row(limit, host));
    let supplies = supplies_carry_peak(system, host).map(rule_row);
    facts.chain(limits).chain(supplies).collect()
}

fn fact_row(system: &System, id: &str, host: &Facts) -> FactRow {
    let statements = system.deciding(id);
    let is_firm = statements.iter().any(|stated| stated.standing == Standing::Firm);
    let answers: Vec<FactMatch> = statements.iter().map(|stated| compare_fact(stated, host)).collect();
    let answer = merged(answers);
    let doubt = statements.iter().find_map(|stated| match &stated.standing {
        Standing::Firm => None,
        Standing::Placeholder(place) => Some(format!("the document calls it a placeholder ({place})")),
        Standing::Contradicted(place) => Some(format!("the document contradicts it ({place})")),
    });
    let (verdict, mut reason) = verdict(answer, doubt.filter(|_| !is_firm));
    if let Some(warning) = ephemeral(id, &statements, host) {
        reason = format!("{reason}; {warning}");
    }
    FactRow {
        id: id.to_owned(),
        title: title(id),
        documented: each_once(statements.iter().map(|stated| documented(stated))).join(" or "),
        found: host.value(id).map(|value| value.shown(id)),
        required: system.stated(id).any(|stated| stated.required),
        place: each_once(statements.iter().map(|stated| stated.place.at.clone())).join("; "),
        verdict,
        reason,
    }
}

/// One match is enough; else what is not known leaves it open.
fn merged(answers: Vec<FactMatch>) -> FactMatch {
    let rank = |answer: &FactMatch| match answer {
        FactMatch::Match => 0,
        FactMatch::Unknown { .. } => 1,
        FactMatch::Differs { .. } => 2,
    };
    answers.into_iter().min_by_key(rank).unwrap_or(FactMatch::Unknown { why: "the document does not state it".into() })
}

/// The verdict on an answer, and its reason. What the document does not stand by is never held against a host.
fn verdict(answer: FactMatch, doubt: Option<String>) -> (Verdict, String) {
    match (answer, doubt) {
        (FactMatch::Match, None) => (Verdict::Pass, AS_DOCUMENTED.to_owned()),
        (FactMatch::Match, Some(doubt)) => (Verdict::Pass, format!("{AS_DOCUMENTED}; {doubt}")),
        (FactMatch::Differs { how }, None) => (Verdict::Fail, how),
        (FactMatch::Differs { how }, Some(doubt)) => (Verdict::Inconclusive, format!("{how}; {doubt}")),
        (FactMatch::Unknown { why }, None) => (Verdict::NotMeasured, why),
        (FactMatch::Unknown { why }, Some(doubt)) => (Verdict::Inconclusive, format!("{why}; {doubt}")),
    }
}

fn limit_row(limit: &Limit, host: &Facts) -> FactRow {
    let answer = check_limit(limit, host);
    let documented = match &limit.bound {
        Bound::AtMost(most) => format!("at most {most}"),
        Bound::AtLeast(least) => format!("at least {least}"),
        Bound::OneOf(names) => names.join(" or "),
        Bound::Open(words) => words.clone(),
    };
    let (verdict, reason) = match (&limit.bound, answer) {
        (Bound::Open(_), FactMatch::Unknown { why }) => (Verdict::Inconclusive, why),
        (Bound::Open(_), FactMatch::Differs { how }) => (Verdict::Inconclusive, how),
        (Bound::Open(_), FactMatch::Match) => {
            let asked = own_bound_asked(&limit.fact, host).unwrap_or_default();
            (Verdict::Pass, format!("this suite asks {asked}; the document gives no figure"))
        }
        (_, answer) => verdict(answer, None),
    };
    let id = if limit.fact == "thermal.limit" { "thermal.highest" } else { &limit.fact };
    FactRow {
        id: format!("limit.{}", limit.fact),
        title: title(&limit.fact),
        documented,
        // As its bound is written.
        found: host.value(id).map(ToString::to_string),
        required: limit.required,
        place: limit.place.at.clone(),
        verdict,
        reason,
    }
}

fn rule_row(rule: RuleCheck) -> FactRow {
    let doubt = (!rule.firm).then(|| "the document does not stand by what it follows from".to_owned());
    let (verdict, reason) = verdict(rule.answer, doubt);
    FactRow {
        id: format!("rule.{}", rule.rule.replace(' ', "-")),
        title: rule.rule.to_owned(),
        documented: rule.asks,
        found: None,
        required: rule.required,
        place: rule.at,
        verdict,
        reason,
    }
}

fn title(id: &str) -> String {
    fact_kind(id).map_or(id, |kind| kind.about).to_owned()
}

fn documented(stated: &StatedFact) -> String {
    let about = if stated.approximate { "~" } else { "" };
    if stated.admits.is_empty() {
        return format!("{about}{}", stated.value.stated(&stated.id));
    }
    format!("{} ({})", stated.value, stated.admits.join(", "))
}

fn each_once(texts: impl Iterator<Item = String>) -> Vec<String> {
    let mut once: Vec<String> = Vec::new();
    for text in texts {
        if !once.contains(&text) {
            once.push(text);
        }
    }
    once
}

#[cfg(test)]
mod tests {
    use super::*;
    use measure::{FactValue, Quantity, Reading, Unit};

    /// A host that is as a document says in every firm fact.
    fn matching(system: &System) -> Facts {
        let mut facts = Facts::default();
        for stated in system.facts.iter().filter(|stated| stated.standing == Standing::Firm) {
            let name = stated.admits.first().map(|name| FactValue::Text(name.clone()));
            facts.present(&stated.id, name.unwrap_or_else(|| stated.value.clone()), "test");
        }
        for limit in &system.limits {
            if let (Bound::AtMost(bound) | Bound::AtLeast(bound), None) = (&limit.bound, facts.value(&limit.fact)) {
                facts.present(&limit.fact, FactValue::Quantity(*bound), "test");
            }
        }
        facts
    }

    fn other(value: &FactValue) -> FactValue {
        match value {
            FactValue::Quantity(quantity) => FactValue::Quantity(Quantity::new(quantity.value * 3.0, quantity.unit)),
            FactValue::Text(_) => FactValue::Text("another part".to_owned()),
            FactValue::Flag(flag) => FactValue::Flag(!flag),
        }
    }

    /// Ids of the required facts whose verdict is this one.
    fn of(system: &System, host: &Facts, verdict: Verdict) -> Vec<String> {
        let rows = inspect(system, host).into_iter().filter(|row| row.required && row.verdict == verdict);
        rows.map(|row| row.id).filter(|id| !id.starts_with("limit.") && !id.starts_with("rule.")).collect()
    }

    #[test]
    fn the_matching_machine_of_every_built_in_system_passes_and_one_wrong_fact_fails_alone() {
        let none = Vec::<String>::new();
        for system in spec::builtin() {
            let host = matching(system);
            let demanded = system.demands().facts;
            assert!(demanded.len() >= 4, "{}: {demanded:?}", system.id);
            let open = inspect(system, &host).into_iter().find(|row| row.required && row.verdict != Verdict::Pass);
            assert_eq!(open, None, "{}", system.id);
            for id in demanded {
                let mut wrong = host.clone();
                wrong.present(id, other(host.value(id).unwrap()), "test");
                assert_eq!(of(system, &wrong, Verdict::Fail), [id], "{}", system.id);
                assert_eq!(of(system, &wrong, Verdict::NotMeasured), none, "{}", system.id);
                let mut silent = host.clone();
                silent.put(id, Reading::Denied { remedy: "run as root".into() }, "SMBIOS");
                assert_eq!(of(system, &silent, Verdict::Fail), none, "{}", system.id);
                assert_eq!(of(system, &silent, Verdict::NotMeasured), [id], "{}", system.id);
                let rows = inspect(system, &silent);
                let reason = &rows.iter().find(|row| row.id == id).unwrap().reason;
                assert!(reason.contains("run as root"), "{reason}");
            }
        }
    }

    #[test]
    fn what_the_document_does_not_stand_by_never_fails() {
        let system = spec::find("PY-HPC-2024.Q3").unwrap();
        let mut host = matching(system);
        host.text("cpu.model", "another part", "test");
        host.quantity("memory.dimms", 1.0, Unit::Count, "test");
        host.quantity("os.file_handles", 256.0, Unit::Count, "test");
        let rows = inspect(system, &host);
        for id in ["cpu.model", "memory.dimms", "limit.os.file_handles", "rule.supplies-against-peak-load"] {
            let row = rows.iter().find(|row| row.id == id).unwrap();
            assert_eq!((row.required, row.verdict), (false, Verdict::Inconclusive), "{row:?}");
        }
        host.quantity("power.supplies", 1.0, Unit::Count, "test");
        let rows = inspect(system, &host);
        let row = rows.iter().find(|row| row.id == "limit.power.supplies").unwrap();
        assert_eq!((row.required, row.verdict), (true, Verdict::Fail), "{row:?}");
    }

    #[test]
    fn what_is_stated_exactly_decides_and_what_no_part_answers_has_no_row() {
        let system = spec::find("PY-HPC-2024.Q3").unwrap();
        let usable = |bytes: f64| {
            let mut host = matching(system);
            host.quantity("storage.scratch.usable", bytes, Unit::Byte, "test");
            of(system, &host, Verdict::Fail)
        };
        assert_eq!(usable(46.08e12), Vec::<String>::new());
        // Within 5 % of "~46 TB", and not the 46 TB of the other table.
        assert_eq!(usable(44e12), ["storage.scratch.usable"]);
        let rows = inspect(system, &matching(system));
        for id in ["power.idle", "power.peak", "power.pdu_per_unit", "power.circuit"] {
            assert!(!rows.iter().any(|row| row.id == id), "{id}");
        }
        let mut unmeasured = system.clone();
        unmeasured.targets.clear();
        assert!(inspect(&unmeasured, &Facts::default()).iter().any(|row| row.id == "power.peak"));
    }

    #[test]
    fn what_is_demanded_is_a_row_wherever_it_is_stated() {
        let mut system = spec::find("PY-HPC-2024.Q3").unwrap().clone();
        for fact in system.facts.iter_mut().filter(|fact| ["power.circuit", "power.peak"].contains(&fact.id.as_str())) {
            // Only what the document stands by can be demanded.
            (fact.required, fact.standing) = (true, Standing::Firm);
        }
        // The exact statement decides, and the approximate one demands.
        for fact in system.facts.iter_mut().filter(|fact| fact.id == "storage.scratch.usable") {
            fact.required = fact.approximate;
        }
        let mut host = matching(&system);
        host.quantity("storage.scratch.usable", 20e12, Unit::Byte, "test");
        for silent in ["power.circuit", "power.peak"] {
            host.put(silent, Reading::Absent, "test");
        }
        assert_eq!(of(&system, &host, Verdict::Fail), ["storage.scratch.usable"]);
        assert_eq!(of(&system, &host, Verdict::NotMeasured), ["power.peak", "power.circuit"]);
    }

    #[test]
    fn what_the_document_leaves_open_passes_by_what_this_suite_asks() {
        let system = spec::find("PY-HPC-2024.Q3").unwrap();
        let check = |id: &str, value: FactValue, expect: Verdict, words: &str| {
            let mut host = matching(system);
            host.quantity("memory.total", 1e12, Unit::Byte, "test");
            host.present(id, value, "test");
            let rows = inspect(system, &host);
            let row = rows.iter().find(|row| row.id == format!("limit.{id}")).unwrap();
            assert_eq!(row.verdict, expect, "{row:?}");
            assert!(row.reason.contains(words) && !row.required, "{row:?}");
        };
        let number = |value: f64, unit: Unit| FactValue::Quantity(Quantity::new(value, unit));
        check("os.file_handles", number(1e6, Unit::Count), Verdict::Pass, "asks at least 65536");
        check("os.file_handles", number(1024.0, Unit::Count), Verdict::Inconclusive, "asks at least 65536");
        // What `doctor` advises is enough.
        check("os.shm", number(0.75e12, Unit::Byte), Verdict::Pass, "more than the half");
        check("os.shm", number(0.5e12, Unit::Byte), Verdict::Inconclusive, "more than the half");
        check("storage.boot.wear", number(0.03, Unit::Ratio), Verdict::Pass, "80 %");
        check("storage.boot.wear", number(0.9, Unit::Ratio), Verdict::Inconclusive, "80 %");
        check("cpu.microcode", FactValue::Text("0x21".into()), Verdict::Inconclusive, "`one_of` instead of `open`");
        check("storage.boot.written", number(4e12, Unit::Byte), Verdict::Inconclusive, "`at_most` instead of `open`");
        check("memory.usable_dataset", number(0.95e12, Unit::Byte), Verdict::Fail, "at least 1.500 TB");
        check("thermal.alarm", number(86.0, Unit::Celsius), Verdict::Pass, "");
        check("thermal.alarm", number(100.0, Unit::Celsius), Verdict::Fail, "at most 90 °C");
    }

    #[test]
    fn what_a_striped_volume_means_is_said_in_its_row_and_a_mirror_has_one_row() {
        let system = spec::find("PY-HPC-2024.Q3").unwrap();
        let rows = inspect(system, &matching(system));
        let layout = rows.iter().find(|row| row.id == "storage.scratch.layout").unwrap();
        assert!(layout.verdict == Verdict::Pass && layout.reason.contains("the data is ephemeral"), "{layout:?}");
        let mirror: Vec<&FactRow> = rows.iter().filter(|row| row.documented.contains("raid1")).collect();
        assert!(mirror.len() == 1 && mirror[0].required && mirror[0].reason == AS_DOCUMENTED, "{mirror:?}");
        let rules: Vec<&str> = rows.iter().filter_map(|row| row.id.strip_prefix("rule.")).collect();
        assert_eq!(rules, ["supplies-against-peak-load"]);
    }

    #[test]
    fn drives_that_a_host_boots_from_are_drives_of_a_document_that_names_no_boot_drives() {
        let system = spec::find("HOSTED-RYZEN-9-7950X").unwrap();
        let check = |boot: (f64, f64), scratch: (f64, f64), expect: &[&str]| {
            let mut host = matching(system);
            for (place, (count, capacity)) in [("boot", boot), ("scratch", scratch)] {
                host.quantity(&format!("storage.{place}.drives"), count, Unit::Count, "test");
                for kind in ["drive_capacity", "media"] {
                    host.put(&format!("storage.{place}.{kind}"), Reading::Absent, "test");
                }
                if count > 0.0 {
                    host.quantity(&format!("storage.{place}.drive_capacity"), capacity, Unit::Byte, "test");
                    host.text(&format!("storage.{place}.media"), "nvme", "test");
                }
            }
            assert_eq!(of(system, &host, Verdict::Fail), expect, "{boot:?} {scratch:?}");
            assert_eq!(of(system, &host, Verdict::NotMeasured), Vec::<String>::new(), "{boot:?} {scratch:?}");
        };
        check((2.0, 2e12), (0.0, 0.0), &[]);
        check((1.0, 2e12), (1.0, 2e12), &[]);
        check((0.0, 0.0), (2.0, 2e12), &[]);
        check((1.0, 2e12), (0.0, 0.0), &["storage.scratch.drives"]);
        check((1.0, 1e12), (1.0, 2e12), &["storage.scratch.drive_capacity"]);
        check((1.0, 2e12), (1.0, 1e12), &["storage.scratch.drive_capacity"]);
        let mut one = matching(system);
        for id in ["storage.boot.drives", "storage.scratch.drives"] {
            one.quantity(id, 1.0, Unit::Count, "test");
        }
        for devices in ["storage.boot.devices", "storage.scratch.devices"] {
            one.text(devices, "nvme0n1", "test");
        }
        assert_eq!(of(system, &one, Verdict::Fail), ["storage.scratch.drives"], "one drive is not two");
    }
}
