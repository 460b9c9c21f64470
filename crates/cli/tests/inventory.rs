//! The documented system, written into a folder: every fact that its specification states is found to be so, and a
//! planted fault is the one that differs.

#[path = "../../inventory/tests/fixture/mod.rs"]
mod fixture;

use std::collections::{BTreeMap, BTreeSet};

use fixture::{DimmPlan, Host, documented, set_link, table};
use inventory::take_with;
use measure::{
    Attempt, Build, Ending, Facts, Fingerprint, Interval, Measurement, Outcome, Profile, Run, Sample, SpecSource,
    Warning, Workload,
};
use spec::{Bound, Limit, Place, System};
use verdict::{FactRow, Verdict, inspect, judge};

/// Stated facts that no inventory can tell, each with the reason.
const UNTOLD: [(&str, &str); 6] = [
    ("gpu.interconnect", "stated conditionally; only NVIDIA's library tells"),
    ("thermal.monitored", "of these GPUs only NVIDIA's library tells"),
    ("power.idle", "measured in an idle window"),
    ("power.peak", "measured under load"),
    ("power.pdu_per_unit", "a property of the rack"),
    ("power.circuit", "a property of the rack"),
];

fn system() -> &'static System {
    spec::find("PY-HPC-2024.Q3").expect("the documented system is built in")
}

fn facts(host: &Host) -> Facts {
    take_with(host.root(), host).facts
}

/// The facts that the document states firmly and the host is not as, or does not tell.
fn apart(facts: &Facts) -> BTreeMap<String, Verdict> {
    let is_untold = |id: &str| UNTOLD.iter().any(|(untold, _)| *untold == id);
    let is_fact = |id: &str| !id.starts_with("limit.") && !id.starts_with("rule.");
    let rows = inspect(system(), facts).into_iter().filter(|row| is_fact(&row.id) && !is_untold(&row.id));
    rows.filter(|row| matches!(row.verdict, Verdict::Fail | Verdict::NotMeasured))
        .map(|row| (row.id, row.verdict))
        .collect()
}

#[test]
fn the_documented_host_is_as_documented_in_every_fact() {
    assert_eq!(apart(&facts(&documented(64))), BTreeMap::new());
}

#[test]
fn a_planted_fault_is_the_fact_that_differs() {
    let check = |fault: &str, plant: fn(&mut Host), expect: &[&str]| {
        let mut host = documented(64);
        plant(&mut host);
        let differs: BTreeSet<String> = apart(&facts(&host))
            .into_iter()
            .filter_map(|(id, verdict)| (verdict == Verdict::Fail).then_some(id))
            .collect();
        assert_eq!(differs, expect.iter().map(|id| (*id).to_owned()).collect(), "{fault}");
    };
    check("a missing DIMM", |host| plan(host, &DimmPlan { count: 15, ..DimmPlan::default() }), &["memory.capacity"]);
    check(
        "a slower DIMM",
        |host| plan(host, &DimmPlan { rates: (4800, 5600), ..DimmPlan::default() }),
        &["memory.data_rate", "memory.full_speed"],
    );
    check("a missing drive", |host| host.remove("sys/block/nvme7n1"), &["storage.scratch.drives"]);
    check(
        "a degraded link",
        |host| set_link(host, "sys/bus/pci/devices/0000:13:00.0", ("16.0", 4), ("32.0", 4)),
        &["storage.scratch.pcie_gen"],
    );
}

fn plan(host: &Host, plan: &DimmPlan) {
    host.write("sys/firmware/dmi/tables/DMI", table(plan, "Supermicro", "2.1"));
}

#[test]
fn limits_name_worn_drives_old_firmware_and_hot_sensors() {
    let check = |fact: &str, bound: Bound, plant: fn(&mut Host)| {
        let limit = Limit {
            fact: fact.into(),
            bound,
            sustained: None,
            required: false,
            place: Place { at: "§5".into(), says: String::new() },
        };
        let system = System { limits: vec![limit], ..system().clone() };
        let mut host = documented(2);
        assert_eq!(row(&system, &format!("limit.{fact}"), &host).verdict, Verdict::Pass, "{fact}");
        plant(&mut host);
        let broken = row(&system, &format!("limit.{fact}"), &host);
        assert_eq!(broken.verdict, Verdict::Fail, "{fact}: {}", broken.reason);
    };
    let most = |text: &str| Bound::AtMost(text.parse().unwrap());
    check("thermal.limit", most("90 °C"), |host| host.write("sys/class/hwmon/hwmon0/temp1_input", "97000\n"));
    check("storage.scratch.wear", most("80 %"), |host| host.worn = Some((4, 96)));
    check("bios.version", Bound::OneOf(vec!["2.1".into()]), |host| {
        host.write("sys/firmware/dmi/tables/DMI", table(&DimmPlan::default(), "Supermicro", "1.4"));
    });
    check("storage.scratch.firmware", Bound::OneOf(vec!["FW12".into()]), |host| {
        host.write("sys/class/nvme/nvme3/firmware_rev", "FW11\n");
    });
    check("os.shm", Bound::AtLeast("1 TB".parse().unwrap()), |host| {
        host.write("proc/self/mounts", "/dev/md0 / ext4 rw 0 0\ntmpfs /dev/shm tmpfs rw,size=64m 0 0\n");
    });
}

/// The row of a part of this host.
fn row(system: &System, id: &str, host: &Host) -> FactRow {
    inspect(system, &facts(host)).into_iter().find(|row| row.id == id).unwrap()
}

#[test]
fn mirror_striped_volume_and_supplies_are_held_against_the_host() {
    let check = |plant: fn(&mut Host), mirror: Verdict| {
        let mut host = documented(2);
        plant(&mut host);
        let boot = row(system(), "storage.boot.layout", &host);
        assert_eq!(boot.verdict, mirror, "{}", boot.reason);
        assert_eq!(boot.reason.contains("raid1 lacks 1 drives"), mirror == Verdict::Fail, "{}", boot.reason);
        let scratch = row(system(), "storage.scratch.layout", &host);
        assert!(scratch.reason.contains("zfs-stripe over 6 drives has no redundancy: the data is ephemeral"));
        // The document's own supplies do not carry its peak with one of them failed, as its audit says.
        let supplies = row(system(), "rule.supplies-against-peak-load", &host);
        assert!(supplies.reason.contains("2 supplies of 2400 W, one of them failed, give 2400 W"));
    };
    check(|_| {}, Verdict::Pass);
    check(|host| host.write("sys/block/md0/md/degraded", "1\n"), Verdict::Fail);
}

/// The verdict on a target of the documented system, on the documented host, by one figure.
fn verdict(target: &str, value: f64, covers: Option<&str>) -> Verdict {
    let metric = system().target(target).and_then(|target| target.metric).unwrap();
    let warnings = covers.map(|covers| Warning::Partial { covers: covers.to_owned() });
    let sample = Sample::timed(value, Interval::new(0, 1));
    let outcome = Outcome::Measured(Measurement::new(metric, [sample]).warn(warnings));
    let attempt = Attempt { workload: Workload::Dense, repetition: 0, outcomes: vec![outcome], warnings: vec![] };
    let run = Run {
        id: "20260701T120000Z-0a1b".into(),
        started: "2026-07-01T12:00:00Z".into(),
        host: "node-1".into(),
        node: None,
        boot_id: None,
        profile: Profile::Full,
        build: Build { version: "0.1.0".into(), profile: "release".into(), ..Build::default() },
        spec: SpecSource::default(),
        facts: facts(&documented(2)),
        fingerprint: Fingerprint::default(),
        noise: BTreeMap::new(),
        attempts: vec![attempt],
        ending: Ending::Complete,
    };
    let judgement = judge(&run, system(), &[], &[]);
    judgement.rows.iter().find(|row| row.id == target).unwrap().verdict
}

#[test]
fn power_and_heat_are_judged_like_any_other_target() {
    let check = |target: &str, value: f64, covers: Option<&str>, expect: Verdict| {
        assert_eq!(verdict(target, value, covers), expect, "{target} of {value}");
    };
    check("host.power.idle", 451.0, None, Verdict::Pass);
    check("host.power.idle", 600.0, None, Verdict::Fail);
    // RAPL covers a part: what it counts can only be too much.
    check("host.power.idle", 300.0, Some("rapl package-0"), Verdict::Inconclusive);
    check("host.power.idle", 600.0, Some("rapl package-0"), Verdict::Fail);
    check("host.temperature", 71.0, None, Verdict::Pass);
    check("host.temperature", 99.0, None, Verdict::Fail);
    // A temperature has no tolerance: 5 % of 90 °C would be 94.5 °C.
    check("host.temperature", 94.0, None, Verdict::Fail);
    check("host.power.peak", 1100.0, None, Verdict::Pass);
    check("host.power.peak", 1100.0, Some("a load of processors and memory, with 4 idle GPUs"), Verdict::Inconclusive);
    check("host.power.peak", 4500.0, None, Verdict::Fail);
    check("host.power.cpu", 690.0, None, Verdict::Pass);
    check("host.power.cpu", 790.0, None, Verdict::Fail);
}
