//! The machines that are tried: one entry of `CASES` each, with what must be seen in it.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use measure::{Measurement, Outcome, Run};
use serde_json::Value;

use crate::findings::{Findings, Printed};
use crate::hardware::{Dimm, Hardware};
use crate::parts::Parts;
use crate::scenario::{Scenario, Step};
use crate::vm::{self, Power};

/// A machine, and what must be seen in it.
pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    /// Whether it is part of the tests of every change.
    pub(crate) short: bool,
    pub(crate) run: fn(&Parts, &Path, &mut Findings) -> Result<()>,
}

const fn case(
    name: &'static str,
    short: bool,
    about: &'static str,
    run: fn(&Parts, &Path, &mut Findings) -> Result<()>,
) -> Case {
    Case { name, about, short, run }
}

/// Every case, in the order in which they run.
pub(crate) const CASES: &[Case] = &[
    case("healthy", true, "the documented machine: facts, placement, all workloads", healthy),
    case("dimm-missing", false, "15 of 16 DIMMs", |parts, folder, findings| {
        let mut hardware = Hardware::documented();
        hardware.dimms.pop();
        fault(parts, folder, findings, hardware, &["memory.capacity", "memory.dimms"])
    }),
    case("dimm-slow", false, "one DIMM is configured for 4800 MT/s", |parts, folder, findings| {
        let mut hardware = Hardware::documented();
        hardware.dimms[3] = Dimm { gib: 128, rate: 4800 };
        fault(parts, folder, findings, hardware, &["memory.data_rate"])
    }),
    case("drive-missing", false, "five of six scratch drives", |parts, folder, findings| {
        let mut hardware = Hardware::documented();
        hardware.drives.pop();
        fault(parts, folder, findings, hardware, &["storage.scratch.drives"])
    }),
];

/// The cases that were asked for.
pub(crate) fn choose(full: bool, only: &[String]) -> Result<Vec<&'static Case>> {
    if let Some(unknown) = only.iter().find(|name| !CASES.iter().any(|case| case.name == **name)) {
        let known: Vec<_> = CASES.iter().map(|case| case.name).collect();
        bail!("there is no case `{unknown}`; known are {}", known.join(", "));
    }
    let wanted =
        |case: &&Case| if only.is_empty() { full || case.short } else { only.iter().any(|name| name == case.name) };
    Ok(CASES.iter().filter(wanted).collect())
}

fn inspect() -> Step {
    Step::hostproof("inspect", 120, &["inspect", "--json", "--spec", "/lab.toml"])
}

/// A machine with a fault: the inventory names it, and nothing else.
fn fault(parts: &Parts, folder: &Path, findings: &mut Findings, hardware: Hardware, named: &[&str]) -> Result<()> {
    let machine = vm::new(parts, folder, hardware)?;
    let mut scenario = Scenario { steps: vec![inspect()], ..Scenario::default() };
    let back = machine.boot(&mut scenario, Power::Stays)?;
    facts_that_differ(&back, findings, named)
}

/// Holds the facts that `inspect` calls different against those that a fault must change.
fn facts_that_differ(back: &Path, findings: &mut Findings, named: &[&str]) -> Result<()> {
    let printed = Printed::of(back, "inspect")?.json()?;
    let differing = answers(&printed["comparison"], "differs")?;
    let expected: BTreeSet<String> = named.iter().map(|name| (*name).to_owned()).collect();
    findings.equal("facts that differ from the lab's specification", &differing, &expected);
    findings.equal("facts that are unknown", &answers(&printed["comparison"], "unknown")?, &BTreeSet::new());
    Ok(())
}

/// Ids of the facts and limits with this answer.
fn answers(comparison: &Value, answer: &str) -> Result<BTreeSet<String>> {
    let mut ids = BTreeSet::new();
    for list in ["facts", "limits"] {
        let rows = comparison[list].as_array().with_context(|| format!("the comparison has no list of {list}"))?;
        let found = rows.iter().filter(|row| row["answer"] == answer);
        ids.extend(found.filter_map(|row| row["fact"].as_str().map(str::to_owned)));
    }
    Ok(ids)
}

fn healthy(parts: &Parts, folder: &Path, findings: &mut Findings) -> Result<()> {
    let machine = vm::new(parts, folder, Hardware::documented())?;
    let run = |name: &'static str, seconds| {
        Step::hostproof(
            name,
            seconds,
            &["run", "--profile", "smoke", "--only", name, "--spec", "/lab.toml", "--out", "/lab/results"],
        )
    };
    let mut scenario = Scenario {
        steps: vec![
            inspect(),
            Step::hostproof("doctor", 120, &["doctor", "--json"]),
            Step::hostproof("plan", 60, &["plan", "--json"]),
            run("stream", 600),
            run("dense", 600),
            run("disk", 600),
        ],
        ..Scenario::default()
    };
    let back = machine.boot(&mut scenario, Power::Stays)?;
    facts_that_differ(&back, findings, &[])?;
    for step in &scenario.steps {
        let printed = Printed::of(&back, &step.name)?;
        findings.check(
            printed.code == "0",
            format!("{} ended with {}: {}", step.name, printed.code, printed.stderr.trim()),
        );
    }
    let runs = runs(&back.join("results"))?;
    findings.equal("records", &runs.len(), &3);
    for run in &runs {
        placement(run, findings);
    }
    Ok(())
}

/// Every measurement that says where it was lay as planned.
fn placement(run: &Run, findings: &mut Findings) {
    for measurement in measured(run) {
        let Some(placement) = &measurement.placement else { continue };
        let id = measurement.id();
        findings
            .check(placement.pages_on_node == Some(1.0), format!("{id}: pages on node {:?}", placement.pages_on_node));
        findings.check(!placement.cpus.is_empty(), format!("{id}: no CPU was confirmed"));
    }
}

fn measured(run: &Run) -> impl Iterator<Item = &Measurement> {
    run.outcomes().filter_map(|outcome| match outcome {
        Outcome::Measured(measurement) => Some(measurement),
        Outcome::NotMeasured(_) => None,
    })
}

/// All records under a folder, in the order of their ids.
fn runs(results: &Path) -> Result<Vec<Run>> {
    let mut files: Vec<PathBuf> = Vec::new();
    for host in std::fs::read_dir(results).with_context(|| format!("no records came back in {}", results.display()))? {
        let host = host?.path();
        if !host.is_dir() {
            continue;
        }
        for run in std::fs::read_dir(&host)? {
            files.push(run?.path().join("run.jsonl"));
        }
    }
    files.retain(|file| file.is_file());
    files.sort();
    files.iter().map(|file| Ok(record::read(file)?)).collect()
}
