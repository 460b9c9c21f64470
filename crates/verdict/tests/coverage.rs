//! Each statement of the document has one home, and the home is there.

use std::collections::{BTreeMap, BTreeSet};

use measure::{Facts, definition};
use spec::audit::audit;
use spec::{Claimed, Statement, Status, System, builtin, coverage, find};
use verdict::inspect;

/// Whether what a statement's home names exists in its system.
fn is_there(statement: &Statement, system: &System, found: &BTreeSet<&str>) -> bool {
    let (kind, name) = statement.home.split_once(' ').unwrap_or((&statement.home, ""));
    let has_row = |id: &str| inspect(system, &Facts::default()).iter().any(|row| row.id == id);
    match kind {
        "system" => system.id == statement.system,
        // A fact is a criterion where it has a row.
        "fact" => has_row(name),
        "target" => system.target(name).is_some(),
        "limit" => has_row(&format!("limit.{name}")),
        "rule" => has_row(&format!("rule.{name}")),
        "claim" => system.claims.iter().any(|claim| claim.target == name && matches!(claim.that, Claimed::Ratio(_))),
        "baseline" => system.baselines.iter().any(|baseline| baseline.target == name),
        "metric" => definition(name).is_some(),
        "finding" => found.contains(name),
        "prose" => system.prose.iter().any(|prose| prose.id == name),
        other => panic!("{}: `{other}` is no kind of home", statement.id),
    }
}

/// The kinds of home that a statement with this status has.
fn kinds(status: Status) -> &'static [&'static str] {
    match status {
        Status::Criterion => &["system", "fact", "target", "limit", "rule", "claim"],
        Status::Finding => &["finding"],
        Status::Remark => &["target", "baseline", "metric"],
        Status::Prose => &["prose"],
    }
}

#[test]
fn each_statement_has_exactly_one_home_and_the_home_is_there() {
    let statements = coverage("py-hpc-2024.q3").unwrap();
    let ids: Vec<usize> = statements.iter().map(|statement| statement.id).collect();
    assert_eq!(ids, (1..=228).collect::<Vec<_>>());
    for statement in statements {
        let system = find(&statement.system).unwrap_or_else(|| panic!("{statement:?}"));
        let findings = audit(system, builtin()).findings;
        let rules: BTreeSet<&str> = findings.iter().map(|finding| finding.rule).collect();
        let kind = statement.home.split(' ').next().unwrap();
        assert!(kinds(statement.status).contains(&kind), "{statement:?}");
        assert!(is_there(statement, system, &rules), "{statement:?}");
        assert!(statement.quote.split_whitespace().count() <= 8, "a quote is short: {statement:?}");
    }
    let prose = statements.iter().filter(|statement| statement.status == Status::Prose).count();
    assert!(prose <= 40, "{prose} statements are prose");
    assert_eq!(coverage("HOSTED-RYZEN-9-7950X"), None);
}

#[test]
fn each_line_of_prose_is_a_statement_s_home() {
    let homes: BTreeMap<(&str, &str), usize> =
        coverage("PY-HPC-2024.Q3").unwrap().iter().fold(BTreeMap::new(), |mut homes, statement| {
            *homes.entry((statement.system.as_str(), statement.home.as_str())).or_default() += 1;
            homes
        });
    for system in builtin() {
        for prose in &system.prose {
            let home = format!("prose {}", prose.id);
            assert_eq!(homes.get(&(system.id.as_str(), home.as_str())), Some(&1), "{}: {home}", system.id);
            assert!(!prose.reason.is_empty() && !prose.place.says.is_empty(), "{home}");
        }
    }
}
