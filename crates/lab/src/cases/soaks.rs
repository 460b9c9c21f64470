//! Soaks in a machine: what happens to it is named, and hours are kept over a power cut.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};
use record::{Seals, Soak, Store};
use serde_json::Value;

use crate::findings::{Findings, Printed};
use crate::hardware::Hardware;
use crate::parts::Parts;
use crate::scenario::{Scenario, Step};
use crate::vm::{self, Event};

/// Seconds under load; the emulator computes slowly.
const SECONDS: f64 = 120.0;
const INTERVAL: &str = "5";

fn soak(name: &str, loads: &str) -> Step {
    let hours = (SECONDS / 3600.0).to_string();
    let what = ["soak", "--hours", &hours, "--load", loads, "--memory", "32MiB", "--files", "16MiB", "--no-figures"];
    let how = ["--spec", "/lab.toml", "--out", "/lab/results", "--interval", INTERVAL, "--stretch", "5"];
    Step::hostproof(name, 600, &[&what[..], &how].concat())
}

fn goes_on() -> Step {
    let how = ["--out", "/lab/results", "--interval", INTERVAL, "--stretch", "5"];
    Step::hostproof("continue", 600, &[&["soak", "--continue"][..], &how].concat())
}

fn status() -> Step {
    Step::hostproof("status", 60, &["soak", "--status", "--json", "--out", "/lab/results"])
}

/// What broke by the record, a part and its words each.
fn events(status: &Value) -> Vec<&str> {
    status["events"].as_array().into_iter().flatten().filter_map(|event| event["says"].as_str()).collect()
}

/// A drive warns and another one is pulled, 40 s after the soak began: both are named, and nothing else.
pub(super) fn soak_events(parts: &Parts, folder: &Path, findings: &mut Findings) -> Result<()> {
    let planted = Event::Monitor {
        step: "soak",
        after: Duration::from_secs(40),
        commands: &[
            r#"{"execute":"qom-set","arguments":{"path":"/machine/peripheral/nvme-SCRATCH2","property":"smart_critical_warning","value":4}}"#,
            r#"{"execute":"device_del","arguments":{"id":"nvme-SCRATCH3"}}"#,
        ],
    };
    let mut scenario = Scenario::of([soak("soak", "cpu"), status()]);
    let back = vm::new(parts, folder, Hardware::documented())?.boot(&mut scenario, planted)?;
    findings.equal("exit code of the soak", &Printed::of(&back, "soak")?.code.as_str(), &"1");
    let status = Printed::of(&back, "status")?.json()?;
    let events = events(&status);
    // The controller and its block device are gone, and one drive warns.
    let kinds = ["the device is gone", "the device is gone", "critical warning"];
    let mut left = events.clone();
    for kind in kinds {
        let at = left.iter().position(|event| event.contains(kind));
        findings.check(at.is_some(), format!("no event says `{kind}`: {events:?}"));
        if let Some(at) = at {
            left.remove(at);
        }
    }
    findings.equal("other events", &left, &Vec::new());
    findings.equal("wrong results", &status["wrong"].as_array().map(Vec::len), &Some(0));
    Ok(())
}

/// The power goes after 60 s: what was under load before counts, the record is sealed, and the boot is said to have changed.
pub(super) fn soak_power_cut(parts: &Parts, folder: &Path, findings: &mut Findings) -> Result<()> {
    let machine = vm::new(parts, folder, Hardware::documented())?;
    let cut = Event::PowerCut { step: "soak", after: Duration::from_mins(1) };
    let back = machine.boot(&mut Scenario::of([soak("soak", "memory,disk")]), cut)?;
    let results = back.join("results");
    let before = Soak::all(&Store::at(&results))?.pop().context("the soak left no record")?.log().seconds();
    findings.check((10.0..SECONDS).contains(&before), format!("{before} s count before the power went"));
    let back = machine.boot(&mut Scenario::of([goes_on(), status()]), Event::None)?;
    findings.equal("exit code of the soak that went on", &Printed::of(&back, "continue")?.code.as_str(), &"3");
    let status = Printed::of(&back, "status")?.json()?;
    findings.check(
        status["reasons"].to_string().contains("the boot changed after"),
        format!("the changed boot is not said: {}", status["reasons"]),
    );
    let soak = Soak::all(&Store::at(&back.join("results")))?.pop().context("the record is gone")?;
    let (seals, log) = (soak.seals()?, soak.log());
    findings.check(matches!(seals, Seals::Right { open: false, .. }), format!("seals: {seals:?}"));
    findings.equal("boots", &log.begun.len(), &2);
    let after: f64 = log.stretches.iter().filter(|one| one.at > log.begun[1].0).map(|one| one.seconds).sum();
    findings.check(
        (log.seconds() - before - after).abs() < 1e-6 && log.seconds() + 1.0 >= SECONDS,
        format!("{before} s and {after} s make {} s of {SECONDS} s", log.seconds()),
    );
    findings.equal("wrong results and events", &(log.wrong.len(), log.incidents.len()), &(0, 0));
    Ok(())
}
