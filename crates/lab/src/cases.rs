//! The machines that are tried: one entry of `CASES` each, with what must be seen in it.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use measure::metrics::{
    DENSE_DGEMM, DENSE_FMA, DISK_RANDREAD_IOPS, DISK_SEQREAD_BANDWIDTH, DISK_SEQWRITE_BANDWIDTH, STREAM_ADD,
    STREAM_COPY, STREAM_LATENCY, STREAM_MATRIX_LATENCY, STREAM_MATRIX_READ, STREAM_MATRIX_WRITE, STREAM_READ,
    STREAM_SCALE, STREAM_TRIAD, STREAM_WRITE,
};
use measure::{Ending, Measurement, Outcome, Run};
use serde_json::Value;

use crate::findings::{Findings, Printed};
use crate::hardware::{Dimm, Hardware, Trouble};
use crate::parts::{Parts, output};
use crate::scenario::{Scenario, Step};
use crate::vm::{self, Event};
use crate::{image, sensors};

mod parts_of_host;
mod soaks;

use parts_of_host::{parts_of, rate_of_parts, whole};
use soaks::{soak_events, soak_power_cut};

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
    case("drive-errs", false, "every read of one drive fails", drive_errs),
    case("drive-slow", false, "one drive does 40 operations a second", drive_slow),
    case("drive-worn", false, "one drive warns that it is worn", drive_worn),
    case("raw-devices", false, "what may be written to, on drives without and with a file system", raw_devices),
    case("cpu-offline", false, "one CPU is switched off", cpu_offline),
    case("node-empty", false, "one NUMA node has no memory", node_empty),
    case("killed", false, "a run is killed", killed),
    case("power-cut", false, "the power goes in the middle of a run", power_cut),
    case("soak-events", false, "under a soak a drive warns and another is pulled", soak_events),
    case("soak-power-cut", false, "the power goes in the middle of a soak, which goes on", soak_power_cut),
    case("accept", false, "targets that hold, and one planted far above", accept),
    case("campaign", false, "two boots with BIOS 1.0 and two with 1.1", campaign),
    case("features", false, "the feature workload, a worker on each node", features),
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

/// A machine with a fault: the inventory and the gate name it, and nothing else.
fn fault(parts: &Parts, folder: &Path, findings: &mut Findings, hardware: Hardware, named: &[&str]) -> Result<()> {
    let machine = vm::new(parts, folder, hardware)?;
    let back = machine.boot(&mut Scenario::of([inspect(), gate("accept", "/lab.toml")]), Event::None)?;
    facts_that_differ(&back, findings, named)?;
    refused(&back, findings, named)
}

/// The gate of the memory workload.
fn gate(name: &str, spec: &str) -> Step {
    measuring("accept", name, "stream", spec)
}

/// The gate calls the machine another one than the specification's, for these facts.
fn refused(back: &Path, findings: &mut Findings, named: &[&str]) -> Result<()> {
    verdict(back, "accept", "4", "NOT-COMPARABLE", findings)?;
    let printed = Printed::of(back, "accept")?.json()?;
    let targets = printed["targets"].as_array().context("the gate lists no targets")?;
    let differing = targets.iter().filter_map(|target| target["comparability"]["differs"].as_array()).flatten();
    let facts: BTreeSet<_> = differing.filter_map(|fact| fact["fact"].as_str()).collect();
    findings.equal("facts that the gate names", &facts, &named.iter().copied().collect());
    Ok(())
}

/// Holds the facts that `inspect` calls different against those that a fault must change.
fn facts_that_differ(back: &Path, findings: &mut Findings, named: &[&str]) -> Result<()> {
    let printed = Printed::of(back, "inspect")?.json()?;
    let differing = parts(&printed["comparison"], "FAIL")?;
    let expected: BTreeSet<String> = named.iter().map(|name| (*name).to_owned()).collect();
    findings.equal("facts that differ from the lab's specification", &differing, &expected);
    findings.equal("facts that are unknown", &parts(&printed["comparison"], "NOT-MEASURED")?, &BTreeSet::new());
    Ok(())
}

/// Ids of the facts, and facts of the limits, with this verdict.
fn parts(comparison: &Value, verdict: &str) -> Result<BTreeSet<String>> {
    let rows = comparison["parts"].as_array().context("the comparison has no list of parts")?;
    let ids = rows.iter().filter(|row| row["verdict"] == verdict).filter_map(|row| row["id"].as_str());
    let of_facts = ids.filter(|id| !id.starts_with("rule."));
    Ok(of_facts.map(|id| id.strip_prefix("limit.").unwrap_or(id).to_owned()).collect())
}

fn run(workload: &str) -> Step {
    measuring("run", workload, workload, "/lab.toml")
}

/// A command of the suite that measures one workload and leaves a record.
fn measuring(command: &str, name: &str, workload: &str, spec: &str) -> Step {
    let what = [command, "--only", workload, "--spec", spec, "--profile", "smoke", "--json"];
    let arguments = [&what[..], &["--out", "/lab/results", "--patience", "90"]].concat();
    Step::hostproof(name, 600, &arguments)
}

fn healthy(parts: &Parts, folder: &Path, findings: &mut Findings) -> Result<()> {
    let doctor = Step::hostproof("doctor", 120, &["doctor", "--json"]);
    let plan = Step::hostproof("plan", 600, &["plan", "--json"]);
    let mut scenario = Scenario::of([inspect(), doctor, plan, drive_jobs(), run("stream"), run("dense"), run("disk")]);
    let back = vm::new(parts, folder, Hardware::documented())?.boot(&mut scenario, Event::None)?;
    facts_that_differ(&back, findings, &[])?;
    ended_well(&back, &scenario, findings)?;
    sensors_are_listed(&Printed::of(&back, "inspect")?.json()?, findings)?;
    polling(&Printed::of(&back, "drives")?.json()?, findings)?;
    let runs = runs(&back.join("results"))?;
    findings.equal("records", &runs.len(), &3);
    for run in &runs {
        placement(run, &NODES, findings);
    }
    let memory = runs.first().context("the memory workload left no record")?;
    matrices(memory, 16, findings);
    let rates = [&STREAM_READ, &STREAM_WRITE, &STREAM_COPY, &STREAM_SCALE, &STREAM_ADD, &STREAM_TRIAD];
    for metric in rates.into_iter().chain([&DENSE_FMA, &DENSE_DGEMM]) {
        let run = runs.iter().find(|run| whole(run, metric).is_some());
        rate_of_parts(run.with_context(|| format!("{metric:?} was not measured"))?, metric, ("socket", 2), findings);
    }
    let storage = runs.last().context("the storage workload left no record")?;
    for metric in [&DISK_SEQREAD_BANDWIDTH, &DISK_SEQWRITE_BANDWIDTH, &DISK_RANDREAD_IOPS] {
        let drives = parts_of(storage, metric, "drive");
        let names: BTreeSet<_> =
            drives.iter().filter_map(|drive| drive.labels.get("drive")).map(String::as_str).collect();
        findings.equal(&format!("drives of {}", metric.id), &names, &BTreeSet::from(["BOOT0", "BOOT1"]));
    }
    findings.equal("sockets whose latency is told", &parts_of(memory, &STREAM_LATENCY, "socket").len(), &2);
    Ok(())
}

fn ended_well(back: &Path, scenario: &Scenario, findings: &mut Findings) -> Result<()> {
    for step in &scenario.steps {
        let printed = Printed::of(back, &step.name)?;
        findings.check(
            printed.code == "0",
            format!("{} ended with {}: {}", step.name, printed.code, printed.stderr.trim()),
        );
    }
    Ok(())
}

/// The management controller's own sensors were read, by name, through the kernel's driver.
fn sensors_are_listed(inventory: &Value, findings: &mut Findings) -> Result<()> {
    let rows = list(inventory, "management controller")?;
    for name in sensors::SUPPLIES {
        findings.check(row_with(rows, name).is_some(), format!("the sensor {name} is not listed: {rows:?}"));
    }
    Ok(())
}

/// The rows of a list of the inventory.
fn list<'a>(inventory: &'a Value, title: &str) -> Result<&'a [Value]> {
    let lists = inventory["lists"].as_array().context("the inventory has no lists")?;
    let found = lists.iter().find(|list| list["title"] == title);
    let found = found.with_context(|| format!("the inventory has no list of the {title}"))?;
    Ok(found["rows"].as_array().with_context(|| format!("the list of the {title} is missing: {}", found["missing"]))?)
}

/// The row that holds this value.
fn row_with<'a>(rows: &'a [Value], value: &str) -> Option<&'a Vec<Value>> {
    rows.iter().filter_map(Value::as_array).find(|row| row.iter().any(|cell| cell == value))
}

/// On NVMe with poll queues, completions were polled for and `O_DIRECT` held, as asked.
fn polling(printed: &Value, findings: &mut Findings) -> Result<()> {
    let jobs = printed["hostproof"]["jobs"].as_array().context("the result says nothing of what was honoured")?;
    for job in jobs {
        let name = job["jobname"].as_str().unwrap_or_default();
        findings.check(job["hipri"] == true && job["direct"] == true, format!("{name}: not honoured as asked: {job}"));
    }
    findings.equal("drives that were read", &jobs.len(), &6);
    Ok(())
}

/// Random reads of every scratch drive by polling, a second each.
fn drive_jobs() -> Step {
    let job = |number: u32| format!("[SCRATCH{number}]\nfilename={{SCRATCH{number}}}\nstonewall\n");
    let jobs: String = (0..6).map(job).collect();
    let global =
        "[global]\nioengine=io_uring\nrw=randread\nbs=4k\niodepth=4\ndirect=1\nhipri=1\nruntime=2\ntime_based\n";
    Step::hostproof("drives", 240, &["disk", "/tmp/drives.fio", "--output-format=json"])
        .with_file("/tmp/drives.fio", &format!("{global}{jobs}"))
}

fn drive_slow(parts: &Parts, folder: &Path, findings: &mut Findings) -> Result<()> {
    let mut hardware = Hardware::documented();
    hardware.drive("SCRATCH3").context("no such drive")?.trouble = Some(Trouble::Slow(40));
    let back = vm::new(parts, folder, hardware)?.boot(&mut Scenario::of([inspect(), drive_jobs()]), Event::None)?;
    facts_that_differ(&back, findings, &[])?;
    let printed = Printed::of(&back, "drives")?.json()?;
    let jobs = printed["jobs"].as_array().context("no list of jobs was printed")?;
    for job in jobs {
        let (name, iops) =
            (job["jobname"].as_str().unwrap_or_default(), job["read"]["iops"].as_f64().unwrap_or_default());
        let slow = name == "SCRATCH3";
        let fits = if slow { iops > 0.0 && iops < 60.0 } else { iops > 120.0 };
        findings.check(fits, format!("{name}: {iops:.0} IOPS"));
    }
    findings.equal("jobs", &jobs.len(), &6);
    Ok(())
}

fn drive_errs(parts: &Parts, folder: &Path, findings: &mut Findings) -> Result<()> {
    let mut hardware = Hardware::documented();
    hardware.drive("SCRATCH3").context("no such drive")?.trouble = Some(Trouble::Errs);
    let back = vm::new(parts, folder, hardware)?.boot(&mut Scenario::of([inspect(), drive_jobs()]), Event::None)?;
    facts_that_differ(&back, findings, &[])?;
    let printed = Printed::of(&back, "drives")?;
    let all = printed.stdout + &printed.stderr;
    findings.check(printed.code != "0", "a job whose every read fails ended with 0");
    findings
        .check(all.contains("error: read of 4096 bytes"), format!("no error of the drive was named: {}", all.trim()));
    Ok(())
}

fn drive_worn(parts: &Parts, folder: &Path, findings: &mut Findings) -> Result<()> {
    let mut hardware = Hardware::documented();
    hardware.drive("SCRATCH3").context("no such drive")?.trouble = Some(Trouble::Worn);
    let doctor = Step::hostproof("doctor", 120, &["doctor", "--json"]);
    let back = vm::new(parts, folder, hardware)?.boot(&mut Scenario::of([inspect(), doctor]), Event::None)?;
    facts_that_differ(&back, findings, &[])?;
    let inventory = Printed::of(&back, "inspect")?.json()?;
    let row = row_with(list(&inventory, "drives")?, "SCRATCH3").context("SCRATCH3 is not listed")?;
    let name = row.first().and_then(Value::as_str).context("SCRATCH3 has no name")?;
    let advice = Printed::of(&back, "doctor")?.json()?;
    let of_drives = |what: &&str| what.contains(" warns (") || what.contains(" of its endurance");
    let said = advice.as_array().into_iter().flatten().filter_map(|item| item["what"].as_str());
    let named: Vec<&str> = said.filter(of_drives).collect();
    findings.equal("drives that are warned of", &named.len(), &1);
    findings.check(
        named.iter().all(|what| what.starts_with(&format!("{name} warns (0x04)"))),
        format!("{name} (SCRATCH3) should be named: {named:?}"),
    );
    Ok(())
}

/// Writes go to a drive that the user named and that is empty, past the page cache; to no other.
fn raw_devices(parts: &Parts, folder: &Path, findings: &mut Findings) -> Result<()> {
    let machine = vm::new(parts, folder, Hardware::documented())?;
    output(Command::new("mkfs.ext4").args(["-q", "-F"]).arg(machine.files.drive("SCRATCH4")))?;
    let image = |serial: &str| std::fs::read(machine.files.drive(serial));
    let before = ["SCRATCH3", "SCRATCH4"].map(image);
    let write = |name: &str, drive: &str, rights: &[&str]| {
        let job = format!("[write]\nioengine=io_uring\nfilename={{{drive}}}\nrw=write\nbs=64k\nsize=8m\ndirect=1\n");
        let file = format!("/tmp/{name}.fio");
        let arguments = [&["disk", &file, "--output-format=json"], rights].concat();
        Step::hostproof(name, 120, &arguments).with_file(&file, &job)
    };
    let mut scenario = Scenario::of([
        write("not-named", "SCRATCH3", &[]),
        write("file-system", "SCRATCH4", &["--allow-write", "{SCRATCH4}"]),
        write("mirror", "BOOT1", &["--allow-write", "{BOOT1}"]),
        write("empty", "SCRATCH5", &["--allow-write", "{SCRATCH5}"]),
    ]);
    let back = machine.boot(&mut scenario, Event::None)?;
    for (step, why) in [
        ("not-named", "it is a block device; `--allow-write"),
        ("file-system", "it has an ext file system"),
        ("mirror", "it is held by md0"),
    ] {
        let printed = Printed::of(&back, step)?;
        findings.check(printed.code != "0" && printed.stderr.contains(why), format!("{step}: {}", printed.stderr));
    }
    for (serial, before) in ["SCRATCH3", "SCRATCH4"].into_iter().zip(before) {
        findings.check(before? == image(serial)?, format!("{serial} was written to"));
    }
    let written = Printed::of(&back, "empty")?.json()?;
    findings.check(written["hostproof"]["jobs"][0]["direct"] == true, format!("O_DIRECT was not honoured: {written}"));
    findings.equal("bytes written", &written["jobs"][0]["write"]["io_bytes"].as_u64(), &Some(8 << 20));
    findings.check(image("SCRATCH5")?.iter().take(8 << 20).any(|byte| *byte != 0), "nothing was written to SCRATCH5");
    Ok(())
}

fn cpu_offline(parts: &Parts, folder: &Path, findings: &mut Findings) -> Result<()> {
    let plan = Step::hostproof("plan", 600, &["plan", "--json"]);
    let steps = Scenario::of([inspect(), plan, gate("accept", "/lab.toml")]);
    let mut scenario = Scenario { offline: vec![2], ..steps };
    let back = vm::new(parts, folder, Hardware::documented())?.boot(&mut scenario, Event::None)?;
    facts_that_differ(&back, findings, &["cpu.cores"])?;
    refused(&back, findings, &["cpu.cores"])?;
    let plan = Printed::of(&back, "plan")?.json()?;
    let cpus: Vec<u64> =
        plan["workers"].as_array().into_iter().flatten().filter_map(|worker| worker["cpu"].as_u64()).collect();
    findings.equal("CPUs of the workers", &cpus, &vec![0, 1, 3]);
    Ok(())
}

fn node_empty(parts: &Parts, folder: &Path, findings: &mut Findings) -> Result<()> {
    let mut hardware = Hardware::documented();
    hardware.node_mib[3] = 0;
    let mut scenario = Scenario::of([inspect(), gate("accept", "/lab.toml")]);
    let back = vm::new(parts, folder, hardware)?.boot(&mut scenario, Event::None)?;
    facts_that_differ(&back, findings, &["numa.nodes"])?;
    refused(&back, findings, &["numa.nodes"])?;
    let runs = runs(&back.join("results"))?;
    findings.equal("records", &runs.len(), &1);
    for run in &runs {
        // The kernel counts the CPU of the empty node to the nearest one with memory.
        placement(run, &[NODES[0], NODES[1], ("2", &[2, 3])], findings);
        matrices(run, 9, findings);
    }
    Ok(())
}

fn killed(parts: &Parts, folder: &Path, findings: &mut Findings) -> Result<()> {
    let cut = Step { seconds: 8, ..run("stream") };
    let judge = Step::hostproof("judge", 60, &["judge", "latest", "--out", "/lab/results", "--json"]);
    let back = vm::new(parts, folder, Hardware::documented())?.boot(&mut Scenario::of([cut, judge]), Event::None)?;
    findings.equal("the run's end", &Printed::of(&back, "stream")?.code, &"killed".to_owned());
    let judged = Printed::of(&back, "judge")?;
    findings.check(judged.code == "0", format!("the record cannot be judged: {}", judged.stderr.trim()));
    cut_record(&back, findings)
}

fn power_cut(parts: &Parts, folder: &Path, findings: &mut Findings) -> Result<()> {
    let machine = vm::new(parts, folder, Hardware::documented())?;
    let cut = Event::PowerCut { step: "stream", after: Duration::from_secs(8) };
    let back = machine.boot(&mut Scenario::of([run("stream")]), cut)?;
    cut_record(&back, findings)
}

/// A gate under a target that holds, and the same under one that no machine reaches.
fn accept(parts: &Parts, folder: &Path, findings: &mut Findings) -> Result<()> {
    let planted = image::SPECIFICATION.replace("1 MB/s", "9 TB/s");
    let planted = gate("planted", "/tmp/planted.toml").with_file("/tmp/planted.toml", &planted);
    let mut scenario = Scenario::of([gate("holds", "/lab.toml"), planted]);
    let back = vm::new(parts, folder, Hardware::documented())?.boot(&mut scenario, Event::None)?;
    verdict(&back, "holds", "0", "PASS", findings)?;
    verdict(&back, "planted", "1", "FAIL", findings)
}

/// A gate's exit code, and the verdict of its only target.
fn verdict(back: &Path, step: &str, code: &str, expected: &str, findings: &mut Findings) -> Result<()> {
    let printed = Printed::of(back, step)?;
    findings.equal(&format!("exit code of {step}"), &printed.code.as_str(), &code);
    findings.check(printed.stdout.contains(expected), format!("{step}: no {expected} in {}", printed.stdout));
    Ok(())
}

/// A campaign over four boots in the order ABBA: nobody tells it anything after its start but that the host was booted.
fn campaign(parts: &Parts, folder: &Path, findings: &mut Findings) -> Result<()> {
    let campaign = |name: &str, arguments: &[&str]| {
        Step::hostproof(name, 400, &[&["campaign", name, "--out", "/lab/results"], arguments].concat())
    };
    let start = ["--boots", "2", "--before", "bios=1.0", "--after", "bios=1.1", "--"];
    let measuring = run("stream").command;
    let start: Vec<&str> = start.into_iter().chain(measuring.iter().map(String::as_str)).collect();
    let mut machine = vm::new(parts, folder, Hardware::documented())?;
    let mut back = PathBuf::new();
    for (boot, bios) in ["1.0", "1.1", "1.1", "1.0"].into_iter().enumerate() {
        machine.hardware.bios = bios;
        let mut steps = Vec::new();
        if boot == 0 {
            steps.push(campaign("start", &start));
        }
        steps.push(campaign("next", &[]));
        if boot == 3 {
            steps.push(campaign("status", &["--json"]));
            steps.push(campaign("finish", &["--json"]));
        }
        let mut scenario = Scenario::of(steps);
        back = machine.boot(&mut scenario, Event::None)?;
        let printed = Printed::of(&back, "next")?;
        findings.equal(&format!("exit code of boot {}", boot + 1), &printed.code.as_str(), &"0");
    }
    findings.equal("records", &runs(&back.join("results"))?.len(), &4);
    let finished = Printed::of(&back, "finish")?;
    // Two boots a side prove little; that is a verdict as well (3). No change may be found, or blamed on the BIOS.
    findings.check(["0", "3"].contains(&finished.code.as_str()), format!("finish ended with {}", finished.code));
    let answer = finished.json()?;
    let changed = answer.to_string();
    findings.check(changed.contains("bios.version"), format!("the changed BIOS is not named: {changed}"));
    Ok(())
}

/// The feature workload, where its worker was built: a process on each node.
fn features(parts: &Parts, folder: &Path, findings: &mut Findings) -> Result<()> {
    if parts.tabular.is_none() {
        eprintln!("    no hostproof-tabular lies beside hostproof: the feature workload is not tried");
        return Ok(());
    }
    let step = Step { seconds: 1200, ..run("tabular") };
    let mut scenario = Scenario::of([step]);
    let back = vm::new(parts, folder, Hardware::documented())?.boot(&mut scenario, Event::None)?;
    ended_well(&back, &scenario, findings)?;
    let runs = runs(&back.join("results"))?;
    findings.equal("records", &runs.len(), &1);
    let sharded = runs
        .iter()
        .flat_map(measured)
        .filter(|found| found.labels.get("placement").is_some_and(|label| label == "node-sharded"));
    let cpus: BTreeSet<u32> =
        sharded.filter_map(|found| found.placement.as_ref()).flat_map(|p| p.cpus.clone()).collect();
    findings.equal("CPUs of the workers on all nodes", &cpus, &(0..4).collect());
    Ok(())
}

/// One record that stops without an end and is readable as far as it goes.
fn cut_record(back: &Path, findings: &mut Findings) -> Result<()> {
    let runs = runs(&back.join("results"))?;
    findings.equal("ends of the records", &runs.iter().map(|run| run.ending).collect(), &vec![Ending::Cut]);
    Ok(())
}

/// All pairs of nodes are in the matrices of latency and bandwidth.
fn matrices(run: &Run, pairs: usize, findings: &mut Findings) {
    for metric in [&STREAM_MATRIX_LATENCY, &STREAM_MATRIX_READ, &STREAM_MATRIX_WRITE] {
        let found = measured(run).filter(|measurement| measurement.metric.is(metric)).count();
        findings.equal(&format!("entries of {}", metric.id), &found, &pairs);
    }
}

/// The CPUs of each node.
const NODES: [(&str, &[u32]); 4] = [("0", &[0]), ("1", &[1]), ("2", &[2]), ("3", &[3])];

/// Every measurement that says where its pages were had all of them as planned, and some say so; every worker was
/// confirmed on its CPU, and ran on the node that it should.
fn placement(run: &Run, nodes: &[(&str, &[u32])], findings: &mut Findings) {
    let mut with_pages = 0;
    for measurement in measured(run) {
        let Some(placement) = &measurement.placement else { continue };
        let id = measurement.id();
        findings.check(!placement.cpus.is_empty(), format!("{id}: no CPU was confirmed"));
        if let Some(from) = measurement.labels.get("from") {
            let planned = nodes.iter().find(|(node, _)| node == from).map_or(&[][..], |(_, cpus)| cpus);
            // A chase has one worker, a bandwidth all of the node.
            let fits = placement.cpus.iter().all(|cpu| planned.contains(cpu));
            findings.check(fits, format!("{id}: the workers of node {from} ran on the CPUs {:?}", placement.cpus));
        }
        let Some(share) = placement.pages_on_node else { continue };
        with_pages += 1;
        findings.check(share >= 1.0, format!("{id}: only {share} of the pages lay on the planned node"));
    }
    let workload = run.attempts.first().map(|attempt| attempt.workload.name()).unwrap_or_default();
    findings
        .check(workload == "disk" || with_pages > 0, format!("{workload}: no measurement says where its pages were"));
}

fn measured(run: &Run) -> impl Iterator<Item = &Measurement> {
    run.outcomes().filter_map(Outcome::measured)
}

/// All records of a store, in the order of their ids.
fn runs(results: &Path) -> Result<Vec<Run>> {
    let entries = record::Store::at(results).list()?;
    entries.iter().map(|entry| Ok(record::read(&entry.path)?)).collect()
}
