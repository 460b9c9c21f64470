//! Cohorts: nodes that are the same machine, set up and measured in the same way. They are formed by facts before any figure
//! is looked at, so that a slow group is not explained away afterwards.

use std::collections::BTreeMap;

use measure::{Quantity, Run, Unit, binary_bytes, fold};

use crate::FleetNode;

/// Parts by their names: what a node is and how it was measured.
pub type MethodFacts = BTreeMap<&'static str, String>;

/// Facts by which figures differ, as the inventory names them.
const FACTS: [&str; 8] = [
    "cpu.model",
    "cpu.microarchitecture",
    "cpu.sockets",
    "cpu.microcode",
    "memory.data_rate",
    "bios.version",
    "bios.date",
    "os.kernel",
];
/// Modules of memory, drives and the way of measuring, which no single fact tells.
const DIMMS: &str = "dimms";
const DRIVES: &str = "drives";
const MEASURED: &str = "measured";
/// What stands for a fact that a node does not tell.
const UNTOLD: &str = "not told";

/// The facts of a run by which cohorts are formed.
#[must_use]
pub fn facts_that_matter(run: &Run) -> MethodFacts {
    let print = &run.fingerprint;
    let fact = |id: &str| {
        let told = run.facts.value(id).map(|value| value.shown(id));
        told.or_else(|| print.config.get(id).or_else(|| print.platform.get(id)).cloned())
    };
    let mut facts: MethodFacts =
        FACTS.into_iter().map(|id| (id, fact(id).unwrap_or_else(|| UNTOLD.to_owned()))).collect();
    let build = &run.build;
    let major = build.version.split('.').next().unwrap_or_default();
    let measured = format!(
        "profile {}, suite {major}, built with profile {} for {}",
        run.profile.name(),
        build.profile,
        if build.target_features.is_empty() { "the base instruction set" } else { &build.target_features }
    );
    facts.insert(DIMMS, dimms(run));
    facts.insert(DRIVES, drives(run));
    facts.insert(MEASURED, measured);
    facts
}

/// `16 × Samsung M321R8GA0BB0 64 GiB`: of the modules one by one where the firmware lists them, else of what the facts say.
fn dimms(run: &Run) -> String {
    let module = |text: &String| {
        let text = text.split(", serial ").next().unwrap_or(text);
        with_size(text, binary_bytes)
    };
    let listed = run.fingerprint.platform.iter().filter(|(part, _)| part.starts_with("dimm "));
    let told = counted(listed.map(|(_, text)| module(text)));
    told.unwrap_or_else(|| {
        let ids = ["memory.dimms", "memory.dimm_capacity", "memory.type"];
        let facts: Vec<String> = ids.iter().filter_map(|id| Some(run.facts.value(id)?.shown(id))).collect();
        if facts.is_empty() { UNTOLD.to_owned() } else { facts.join(" × ") }
    })
}

/// `6 × MODEL 7.680 TB, firmware GDC7302Q`.
fn drives(run: &Run) -> String {
    let print = &run.fingerprint;
    let listed = print.platform.iter().filter(|(part, _)| part.starts_with("drive ")).map(|(part, text)| {
        let firmware = print.config.get(&format!("{part} firmware"));
        let firmware = firmware.map(|firmware| format!(", firmware {firmware}")).unwrap_or_default();
        with_size(text, |bytes| Quantity::new(bytes, Unit::Byte).to_string()) + &firmware
    });
    counted(listed).unwrap_or_else(|| UNTOLD.to_owned())
}

/// A part whose text ends in its bytes, with them as people say them.
fn with_size(text: &str, shown: impl Fn(f64) -> String) -> String {
    let size = text.strip_suffix(" B").and_then(|rest| {
        let (name, bytes) = rest.rsplit_once(' ').unwrap_or(("", rest));
        Some((name, bytes.parse::<f64>().ok()?))
    });
    size.map_or_else(|| text.to_owned(), |(name, bytes)| format!("{name} {}", shown(bytes)).trim_start().to_owned())
}

/// Each text once, with how often it is there.
fn counted(texts: impl Iterator<Item = String>) -> Option<String> {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for text in texts {
        *counts.entry(text).or_default() += 1;
    }
    let parts: Vec<String> = counts.iter().map(|(text, count)| format!("{count} × {text}")).collect();
    (!parts.is_empty()).then(|| parts.join("; "))
}

/// Nodes with the same facts.
#[derive(Clone, Debug, PartialEq)]
pub struct Cohort {
    /// A, B, … by size.
    pub name: String,
    /// What its nodes are.
    pub facts: MethodFacts,
    /// Its nodes, by their place in the fleet.
    pub nodes: Vec<usize>,
}

/// What some nodes have otherwise than the largest cohort.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CohortDifference {
    /// The fact.
    pub fact: &'static str,
    /// What the largest cohort has.
    pub usual: String,
    /// What these have.
    pub here: String,
    /// Which nodes, by their place in the fleet.
    pub nodes: Vec<usize>,
}

/// The cohorts of the nodes with an answer, the largest first.
pub(crate) fn cohorts(nodes: &[FleetNode]) -> Vec<Cohort> {
    let mut groups: BTreeMap<&MethodFacts, Vec<usize>> = BTreeMap::new();
    for (place, node) in nodes.iter().enumerate() {
        if let Some(account) = node.account() {
            groups.entry(&account.facts).or_default().push(place);
        }
    }
    let mut groups: Vec<(&MethodFacts, Vec<usize>)> = groups.into_iter().collect();
    groups.sort_by_key(|(_, places)| (std::cmp::Reverse(places.len()), places[0]));
    let cohort = |(number, (facts, nodes)): (usize, (&MethodFacts, Vec<usize>))| Cohort {
        name: name(number),
        facts: facts.clone(),
        nodes,
    };
    groups.into_iter().enumerate().map(cohort).collect()
}

/// A to Z, then AA, AB, …
fn name(number: usize) -> String {
    let letter = char::from(b'A' + u8::try_from(number % 26).unwrap_or(0));
    if number < 26 { letter.to_string() } else { name(number / 26 - 1) + &letter.to_string() }
}

/// What the smaller cohorts have otherwise than the largest, each fact and value once, what most nodes have first.
pub(crate) fn differences(cohorts: &[Cohort]) -> Vec<CohortDifference> {
    let Some((largest, others)) = cohorts.split_first() else { return Vec::new() };
    let mut found: Vec<CohortDifference> = Vec::new();
    for cohort in others {
        for (fact, here) in &cohort.facts {
            let usual = &largest.facts[fact];
            if here == usual {
                continue;
            }
            match found.iter_mut().find(|one| one.fact == *fact && one.here == *here) {
                Some(one) => one.nodes.extend(&cohort.nodes),
                None => found.push(CohortDifference {
                    fact,
                    usual: usual.clone(),
                    here: here.clone(),
                    nodes: cohort.nodes.clone(),
                }),
            }
        }
    }
    for one in &mut found {
        one.nodes.sort_unstable();
    }
    found.sort_by_key(|one| (std::cmp::Reverse(one.nodes.len()), one.fact));
    found
}

impl CohortDifference {
    /// `3 of 400 have bios.version 1.2 (the others 1.3): node017, node[230-231]`.
    #[must_use]
    pub fn sentence(&self, fleet: &[FleetNode]) -> String {
        let judged = fleet.iter().filter(|node| node.account().is_some()).count();
        let (count, have) = (self.nodes.len(), if self.nodes.len() == 1 { "has" } else { "have" });
        let names = fold(self.nodes.iter().map(|place| fleet[*place].name.as_str()));
        format!("{count} of {judged} {have} {} {} (cohort A {}): {names}", self.fact, self.here, self.usual)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulate::{node, run};

    #[test]
    fn a_node_is_described_by_what_moves_its_figures() {
        let mut run = run("node1");
        run.fingerprint.platform.extend(
            [
                ("dimm P0 A1", "Samsung M3 68719476736 B, serial 1"),
                ("dimm P0 B1", "Samsung M3 68719476736 B, serial 2"),
                ("drive S1", "PM9A3 7680000000000 B"),
                ("drive S2", "PM9A3 7680000000000 B"),
            ]
            .map(|(part, text)| (part.to_owned(), text.to_owned())),
        );
        run.fingerprint.config.insert("drive S1 firmware".into(), "X1".into());
        run.fingerprint.config.insert("drive S2 firmware".into(), "X2".into());
        let facts = facts_that_matter(&run);
        assert_eq!(facts["dimms"], "2 × Samsung M3 64 GiB");
        assert_eq!(facts["drives"], "1 × PM9A3 7.680 TB, firmware X1; 1 × PM9A3 7.680 TB, firmware X2");
        assert_eq!(facts["bios.version"], "1.3");
        assert_eq!(facts["bios.date"], "not told");
        assert!(facts["measured"].starts_with("profile full, suite 0, built with profile release"));
        // A serial number, an address or a clock is no reason to be another cohort.
        let mut other = run.clone();
        other.fingerprint.platform.insert("dimm P0 B1".into(), "Samsung M3 68719476736 B, serial 99".into());
        other.fingerprint.platform.insert("system.serial".into(), "other".into());
        assert_eq!(facts_that_matter(&other), facts);
    }

    #[test]
    fn cohorts_are_told_by_what_they_have_otherwise() {
        let mut fleet: Vec<FleetNode> = (1..=9).map(|n| node(&format!("node{n:03}"), |_| {})).collect();
        for place in [1, 4, 5] {
            fleet[place] = node(&fleet[place].name.clone(), |run| {
                run.fingerprint.config.insert("bios.version".into(), "1.2".into());
            });
        }
        let found = cohorts(&fleet);
        let told: Vec<(&str, usize)> = found.iter().map(|one| (one.name.as_str(), one.nodes.len())).collect();
        assert_eq!(told, [("A", 6), ("B", 3)]);
        let sentences: Vec<String> = differences(&found).iter().map(|one| one.sentence(&fleet)).collect();
        assert_eq!(sentences, ["3 of 9 have bios.version 1.2 (cohort A 1.3): node[002,005-006]"]);
        assert_eq!((name(0), name(25), name(26), name(27)), ("A".into(), "Z".into(), "AA".into(), "AB".into()));
    }
}
