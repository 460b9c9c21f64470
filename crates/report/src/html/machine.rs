//! Which machine was measured, when, and by what: the block of the page that a signature is put below.

use std::collections::BTreeMap;

use measure::{Facts, Quantity, Run, Unit, Workload};
use serde::Serialize;

/// A line of the block.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(super) struct Line {
    name: &'static str,
    values: Vec<String>,
}

const UNKNOWN: &str = "not reported";

/// The machine of the last run, and where each run is from.
pub(super) fn lines(runs: &[Run]) -> Vec<Line> {
    let Some(last) = runs.last() else { return Vec::new() };
    let facts = &last.facts;
    let serial = |part: &str| last.fingerprint.platform.get(part).map(|serial| format!("serial {serial}"));
    let build = &last.build;
    let all = [
        ("Host", vec![last.name().to_owned()]),
        ("System", vec![joined([value(facts, "chassis.model"), serial("system.serial"), chassis(last)])]),
        ("Board", vec![joined([value(facts, "board.model"), serial("board.serial")])]),
        ("Firmware", vec![firmware(facts)]),
        ("Processors", vec![processors(facts)]),
        ("Memory", vec![memory(facts)]),
        ("Drives", drives(last)),
        ("Accelerators", vec![accelerators(facts)]),
        (
            "Kernel",
            vec![joined([value(facts, "os.kernel"), value(facts, "os.hypervisor").map(|it| format!("under {it}"))])],
        ),
        ("Started", started(runs)),
        ("Profile", unique(runs.iter().map(|run| run.profile.name().to_owned()))),
        (if runs.len() == 1 { "Run" } else { "Runs" }, run_ids(runs)),
        ("Suite", vec![format!("hostproof {} ({}, {})", build.version, build.revision, build.profile)]),
        ("Test files", places(runs)),
    ];
    all.into_iter().map(|(name, values)| Line { name, values }).collect()
}

fn value(facts: &Facts, id: &str) -> Option<String> {
    facts.value(id).map(|value| value.shown(id))
}

/// The parts that are there; what is not there is said.
fn joined<const N: usize>(parts: [Option<String>; N]) -> String {
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    if parts.is_empty() { UNKNOWN.to_owned() } else { parts.join(", ") }
}

/// The chassis' own serial number, where it is another than the system's.
fn chassis(run: &Run) -> Option<String> {
    let platform = &run.fingerprint.platform;
    let serial = platform.get("chassis.serial")?;
    (platform.get("system.serial") != Some(serial)).then(|| format!("chassis serial {serial}"))
}

fn firmware(facts: &Facts) -> String {
    let dated = value(facts, "bios.date").map(|date| format!(" of {date}")).unwrap_or_default();
    let bios = value(facts, "bios.version").map(|version| format!("BIOS {version}{dated}"));
    let microcode = value(facts, "cpu.microcode").map(|version| format!("microcode {version}"));
    joined([bios, value(facts, "bmc.version").map(|version| format!("BMC {version}")), microcode])
}

fn processors(facts: &Facts) -> String {
    let model = value(facts, "cpu.model").unwrap_or_else(|| "model not reported".to_owned());
    let many = value(facts, "cpu.sockets").map_or(model.clone(), |sockets| format!("{sockets} × {model}"));
    let counted = |id: &str, what: &str| value(facts, id).map(|count| format!("{count} {what}"));
    joined([Some(many), counted("cpu.cores", "cores"), counted("cpu.threads", "threads")])
}

fn memory(facts: &Facts) -> String {
    let module = [value(facts, "memory.dimm_capacity"), value(facts, "memory.type")];
    let module = module.into_iter().flatten().collect::<Vec<_>>().join(" ");
    let dimms = value(facts, "memory.dimms").map(|dimms| match module.as_str() {
        "" => format!("{dimms} modules"),
        module => format!("{dimms} × {module}"),
    });
    let rate = value(facts, "memory.data_rate").map(|rate| format!("at {rate}"));
    let capacity = value(facts, "memory.capacity").or_else(|| value(facts, "memory.total"));
    joined([capacity, dimms, rate])
}

fn accelerators(facts: &Facts) -> String {
    match (value(facts, "gpu.count"), value(facts, "gpu.model")) {
        (Some(count), _) if count == "0" => "none".to_owned(),
        (Some(count), Some(model)) => format!("{count} × {model}"),
        (Some(count), None) => format!("{count}, model {UNKNOWN}"),
        (None, model) => model.unwrap_or_else(|| UNKNOWN.to_owned()),
    }
}

/// The drives by their serial numbers, those of one model together; where none is known, by the names that the kernel gives.
fn drives(run: &Run) -> Vec<String> {
    let mut models: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for (part, model) in &run.fingerprint.platform {
        if let Some(serial) = part.strip_prefix("drive ") {
            models.entry(model_of(model)).or_default().push(serial);
        }
    }
    if models.is_empty() {
        let named = |id: &str, volume: &str| value(&run.facts, id).map(|names| format!("{volume}: {names}"));
        return vec![joined([named("storage.boot.devices", "boot"), named("storage.scratch.devices", "data")])];
    }
    let line =
        |(model, serials): (String, Vec<&str>)| format!("{} × {model}, serial {}", serials.len(), serials.join(", "));
    models.into_iter().map(line).collect()
}

/// `MODEL 3840755982336 B` as people say it.
fn model_of(part: &str) -> String {
    let sized = part.strip_suffix(" B").and_then(|rest| rest.rsplit_once(' '));
    let Some((model, Ok(bytes))) = sized.map(|(model, bytes)| (model, bytes.parse::<u64>())) else {
        return part.to_owned();
    };
    format!("{model} {}", Quantity::new(bytes as f64, Unit::Byte)).trim_start().to_owned()
}

fn started(runs: &[Run]) -> Vec<String> {
    let people = |run: &Run| run.started.replace('T', " ").replace('Z', " UTC");
    match runs {
        [first, .., last] => vec![format!("{} to {}", people(first), people(last))],
        few => few.iter().map(people).collect(),
    }
}

fn run_ids(runs: &[Run]) -> Vec<String> {
    match runs {
        [first, .., last] if runs.len() > 4 => vec![format!("{} from {} to {}", runs.len(), first.id, last.id)],
        few => few.iter().map(|run| run.id.clone()).collect(),
    }
}

/// Where the files lay that were measured with. Records of version 0.1.0 do not tell it.
fn places(runs: &[Run]) -> Vec<String> {
    let places = unique(runs.iter().flat_map(Run::places).map(|place| format!("{}: {place}", place.path)));
    let wrote = runs.iter().flat_map(|run| &run.attempts).any(|attempt| {
        matches!(attempt.workload, Workload::Disk | Workload::Tabular)
            && attempt.outcomes.iter().any(|one| one.measured().is_some())
    });
    match (places.is_empty(), wrote) {
        (false, _) => places,
        (true, true) => vec!["not recorded".to_owned()],
        (true, false) => vec!["none: no workload wrote files".to_owned()],
    }
}

fn unique(values: impl Iterator<Item = String>) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    for value in values {
        if !all.contains(&value) {
            all.push(value);
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testdata;

    #[test]
    fn a_machine_is_told_by_its_parts_and_serial_numbers() {
        let mut run = testdata::run_with_files();
        let parts = [
            ("system.serial", "S100"),
            ("chassis.serial", "S100"),
            ("board.serial", "B7"),
            ("drive NV1", "Model 9 3840755982336 B"),
            ("drive NV2", "Model 9 3840755982336 B"),
        ];
        run.fingerprint.platform = parts.map(|(part, value)| (part.to_owned(), value.to_owned())).into();
        run.facts.text("chassis.model", "SYS-1", "DMI");
        run.facts.text("bios.version", "1.2", "DMI");
        let lines = lines(&[run]);
        let check = |name: &str, expect: &str| {
            let line = lines.iter().find(|line| line.name == name).unwrap();
            assert_eq!(line.values.join("; "), expect, "{name}");
        };
        check("System", "SYS-1, serial S100");
        check("Board", "serial B7");
        check("Firmware", "BIOS 1.2");
        check("Memory", UNKNOWN);
        check("Drives", "2 × Model 9 3.841 TB, serial NV1, NV2");
        check("Started", "2026-07-01 12:00:00 UTC");
        check("Test files", "/data/test: nvme0n1 (xfs on /data, 1.200 TB free)");
        check("Run", "20260701T120000Z-0a1b");
    }
}
