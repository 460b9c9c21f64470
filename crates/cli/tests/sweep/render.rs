//! A scenario as what the program takes: the text of a specification, and the records of runs.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use measure::{
    Attempt, Build, DrivesBelow, Ending, Facts, Fingerprint, Interval, Labels, Measurement, MetricId, NotMeasured,
    Outcome, Profile, Reading, Reason, Run, Sample, SpecSource, StoragePlace, Taint, Unit, Warning, Workload,
    definition, metrics,
};

use super::kinds::Told;
use super::scenario::{
    Bounded, Fate, Figure, Identity, Lay, Like, Machine, Mood, Part, Saying, Scenario, Session, Stand, Visit, Wanted,
};

/// The id of the system.
pub(crate) const SYSTEM: &str = "SWEEP";

/// The specification in TOML.
pub(crate) fn specification(scenario: &Scenario) -> String {
    let mut text = format!("[[system]]\nid = \"{SYSTEM}\"\nname = \"A scenario\"\ndocument = \"Drawn at random\"\n");
    for part in &scenario.parts {
        fact(&mut text, part, part.kind.documented, part.required, "§1");
        if let Some(other) = part.kind.restated.filter(|_| part.restated) {
            fact(&mut text, part, other, false, "§2");
        }
    }
    for target in &scenario.targets {
        self::target(&mut text, target, &scenario.parts);
    }
    for Bounded { kind, required, .. } in &scenario.limits {
        let required = if *required { "required = true\n" } else { "" };
        let (fact, bound) = (kind.fact, kind.bound);
        let _ = write!(text, "\n[[system.limit]]\nfact = \"{fact}\"\n{bound}\n{required}at = \"§5\"\nsays = \"-\"\n");
    }
    text
}

fn fact(text: &mut String, part: &Part, value: &str, required: bool, at: &str) {
    let required = if required { "required = true\n" } else { "" };
    let standing = match part.standing {
        Stand::Firm => "",
        Stand::Placeholder => "placeholder = \"§9\"\n",
        Stand::Contradicted => "contradicted = \"§9\"\n",
    };
    let id = part.kind.id;
    let _ =
        write!(text, "\n[[system.fact]]\nid = \"{id}\"\n{value}\n{required}{standing}at = \"{at}\"\nsays = \"-\"\n");
}

fn target(text: &mut String, target: &Wanted, parts: &[Part]) {
    let unit = target.metric.map_or("B/s", |metric| definition(metric.id).unwrap().unit.symbol());
    let word = |higher: bool| if higher { "higher" } else { "lower" };
    let better = word(target.metric.is_none_or(|metric| metric.higher));
    let _ = write!(text, "\n[[system.target]]\nid = \"{}\"\ntitle = \"{}\"\n", target.id, target.id);
    let _ = write!(text, "value = \"{} {unit}\"\nbetter = \"{better}\"\nat = \"§3\"\nsays = \"-\"\n", target.value);
    if let Some(metric) = target.metric {
        let _ = writeln!(text, "metric = \"{}\"", metric.id);
    }
    if let Some(tolerance) = target.tolerance {
        let _ = writeln!(text, "tolerance = {tolerance}");
    }
    if target.required {
        text.push_str("required = true\n");
    }
    let ids: Vec<String> = target.depends_on.iter().map(|at| format!("\"{}\"", parts[*at].kind.id)).collect();
    let _ = writeln!(text, "depends_on = [{}]", ids.join(", "));
    if let Some((metric, bound)) = target.second.filter(|_| target.metric.is_some()) {
        let unit = definition(metric.id).unwrap().unit.symbol();
        let (id, better) = (metric.id, word(metric.higher));
        let _ =
            writeln!(text, "constraint = {{ metric = \"{id}\", bound = \"{bound} {unit}\", better = \"{better}\" }}");
    }
    if let Some(engine) = target.engine {
        let _ = writeln!(text, "conditions = {{ engine = \"{engine}\" }}");
    }
}

/// The runs, the newest last.
pub(crate) fn runs(scenario: &Scenario) -> Vec<Run> {
    let text = specification(scenario);
    let last = scenario.visits.len() - 1;
    let run = |(number, visit)| self::run(scenario, visit, number, number == last, &text);
    scenario.visits.iter().enumerate().map(run).collect()
}

fn run(scenario: &Scenario, visit: &Visit, number: usize, is_last: bool, text: &str) -> Run {
    let mut attempts: Vec<Attempt> = visit.sessions.iter().map(|session| attempt(session, visit, scenario)).collect();
    if is_last && scenario.tells.contains("flops") {
        let dense = visit.sessions.iter().position(|session| session.workload == Workload::Dense);
        if let Some(at) = dense.filter(|at| visit.sessions[*at].fate.measures()) {
            let clock = Outcome::Measured(Measurement::new(&metrics::DENSE_CLOCK, [sample(3e9)]));
            attempts[at].outcomes.insert(0, clock);
        }
    }
    Run {
        id: format!("20260701T{number:02}0000Z-0a1b"),
        started: format!("2026-07-01T{number:02}:00:00Z"),
        host: "node-1".into(),
        node: None,
        boot_id: visit.boot.map(|boot| format!("boot-{boot}")),
        profile: if visit.like == Like::OtherProfile { Profile::Quick } else { Profile::Full },
        build: build(scenario, visit),
        spec: SpecSource { id: SYSTEM.into(), sha256: String::new(), text: text.to_owned() },
        facts: facts(scenario, visit),
        fingerprint: Fingerprint { platform: platform(scenario.identity, visit.machine), ..Fingerprint::default() },
        noise: if is_last { noise(scenario) } else { BTreeMap::new() },
        attempts,
        ending: Ending::Complete,
    }
}

fn noise(scenario: &Scenario) -> BTreeMap<String, measure::BootNoise> {
    let noise = |(floor, degrees_of_freedom)| measure::BootNoise { floor, degrees_of_freedom };
    scenario.noise.iter().map(|(id, told)| ((*id).to_owned(), noise(*told))).collect()
}

fn build(scenario: &Scenario, visit: &Visit) -> Build {
    let (own, other) = if scenario.release { ("release", "ci") } else { ("ci", "release") };
    let version = match visit.like {
        Like::OtherMinor => "0.2.0",
        Like::OtherMajor => "1.0.0",
        _ => "0.1.0",
    };
    let profile = if visit.like == Like::OtherBuild { other } else { own };
    let features = if visit.like == Like::OtherFeatures { "avx512" } else { "avx2" };
    Build { version: version.into(), profile: profile.into(), target_features: features.into(), ..Build::default() }
}

fn platform(identity: Identity, machine: Machine) -> BTreeMap<String, String> {
    let mut platform = BTreeMap::from([("cpu.model".to_owned(), "a processor".to_owned())]);
    let number = match machine {
        Machine::Own => 1,
        Machine::Other => 2,
        Machine::Unidentified => return platform,
    };
    let part = match identity {
        Identity::Serial => "system.serial",
        Identity::Dimm => "dimm P0 A1",
        Identity::MachineId => "machine-id",
    };
    platform.insert(part.to_owned(), format!("number {number}"));
    platform
}

fn facts(scenario: &Scenario, visit: &Visit) -> Facts {
    let mut facts = Facts::default();
    facts.text("storage.scratch.devices", VOLUME, "test");
    let count = |facts: &mut Facts, id: &str, value: f64| facts.quantity(id, value, Unit::Count, "test");
    if scenario.tells.contains("memory") {
        count(&mut facts, "memory.channels", 8.0);
        facts.quantity("memory.data_rate", 4.8e9, Unit::TransferPerSecond, "test");
    }
    if scenario.tells.contains("flops") {
        count(&mut facts, "cpu.cores", 32.0);
        facts.text("cpu.microarchitecture", "AuthenticAMD family 25 model 17 stepping 1", "test");
    }
    if scenario.tells.contains("links") {
        count(&mut facts, "storage.scratch.drives", 4.0);
        count(&mut facts, "storage.scratch.pcie_lanes", 4.0);
        count(&mut facts, "storage.scratch.pcie_gen", 5.0);
    }
    if scenario.tells.contains("dram") {
        facts.text("memory.type", "DDR5 ECC RDIMM", "test");
    }
    for limit in &scenario.limits {
        if let Some(kept) = limit.kept {
            tell(&mut facts, limit.kind.of_host, if kept { limit.kind.kept } else { limit.kind.broken });
        }
    }
    for (part, saying) in scenario.parts.iter().zip(&visit.hosts) {
        match (saying.told(part.kind), saying) {
            (Some(told), _) => tell(&mut facts, part.kind.id, told),
            (None, Saying::Nothing(way)) => silence(&mut facts, part.kind.id, *way),
            (None, _) => {}
        }
    }
    facts
}

fn tell(facts: &mut Facts, id: &str, told: Told) {
    match told {
        Told::Number(value, unit) => facts.quantity(id, value, unit, "test"),
        Told::Text(text) => facts.text(id, text, "test"),
        Told::Flag(flag) => facts.flag(id, flag, "test"),
        Told::Total(bytes) => {
            facts.quantity(id, bytes, Unit::Byte, "test");
            facts.quantity("memory.total", bytes, Unit::Byte, "test");
        }
        Told::Drives(boot, others) => {
            facts.quantity("storage.boot.drives", boot, Unit::Count, "test");
            facts.quantity(id, others, Unit::Count, "test");
        }
        Told::Degraded(layout) => {
            facts.text(id, layout, "test");
            facts.quantity("storage.boot.missing", 1.0, Unit::Count, "test");
        }
    }
}

/// The ways not to tell something.
fn silence(facts: &mut Facts, id: &str, way: usize) {
    let reading = match way {
        0 => {
            facts.0.remove(id);
            return;
        }
        1 => Reading::Absent,
        2 => Reading::Denied { remedy: "run as root".into() },
        _ => Reading::Failed { error: "cut".into() },
    };
    facts.put(id, reading, "test");
    // How many drives there are in all is not known by those that it boots from.
    if id == "storage.scratch.drives" && way > 1 {
        facts.quantity("storage.boot.drives", 2.0, Unit::Count, "test");
    }
}

fn sample(value: f64) -> Sample {
    Sample::timed(value, Interval::new(0, 1_000_000_000))
}

fn attempt(session: &Session, visit: &Visit, scenario: &Scenario) -> Attempt {
    let whole = |reason| {
        let id = MetricId { name: session.workload.name().to_owned(), labels: Labels::new() };
        Outcome::NotMeasured(NotMeasured { id, reason })
    };
    let mut outcomes = Vec::new();
    if session.fate.measures() {
        for (id, figure) in &session.figures {
            let mood = scenario.moods.get(id);
            outcomes.extend(self::figure(id, figure, visit, mood.copied()));
        }
    }
    outcomes.extend(match session.fate {
        Fate::Whole => None,
        Fate::LostAtStart | Fate::LostAtEnd => Some(whole(Reason::WorkerDied("signal 9".into()))),
        Fate::StoppedAtEnd => Some(whole(Reason::Interrupted)),
        Fate::Untried => Some(whole(Reason::NoResources("too little memory".into()))),
    });
    Attempt { workload: session.workload, repetition: 0, outcomes, warnings: Vec::new() }
}

fn figure(id: &str, figure: &Figure, visit: &Visit, mood: Option<Mood>) -> Option<Outcome> {
    let metric = definition(id).unwrap();
    let missing = |reason| Some(Outcome::NotMeasured(NotMeasured { id: metric.series(), reason }));
    let disturbed = |value: &f64| Sample { taint: Some(Taint::Environment("hot".into())), ..sample(*value) };
    let measured = |samples: Vec<Sample>| {
        let mut one = Measurement::new(metric, samples).warn(mood.map(warning));
        if let Some(engine) = visit.engine.filter(|_| id.starts_with("tabular.")) {
            one = one.context("engine", engine);
        }
        let has_files = id.starts_with("tabular.") || id.starts_with("disk.");
        match drives(visit.lay).filter(|_| has_files) {
            Some(drives) => one.at(place(drives)),
            None => one,
        }
    };
    match figure {
        Figure::Values(valid, others) => {
            let samples = valid.iter().map(|value| sample(*value)).chain(others.iter().map(disturbed));
            Some(Outcome::Measured(measured(samples.collect())))
        }
        Figure::Disturbed(values) => Some(Outcome::Measured(measured(values.iter().map(disturbed).collect()))),
        Figure::Invalid(value) => Some(Outcome::Measured(measured(value.iter().map(|value| sample(*value)).collect()))),
        Figure::Foreign(value) => {
            let mut one = measured(vec![sample(*value)]);
            one.metric.unit = if one.metric.unit == Unit::Watt { Unit::Second } else { Unit::Watt };
            Some(Outcome::Measured(one))
        }
        Figure::Wrong => missing(Reason::WrongResult("a[7] is 3, not 4".into())),
        Figure::Failed => missing(Reason::Failed("an error".into())),
        Figure::Untried => missing(Reason::NotAllowed("no rights".into())),
        Figure::Absent => None,
    }
}

/// The drives of the volume.
const VOLUME: &str = "nvme1n1, nvme2n1";

fn drives(lay: Lay) -> Option<DrivesBelow> {
    match lay {
        Lay::Volume => Some(DrivesBelow::Known(vec!["nvme2n1".into()])),
        Lay::Elsewhere => Some(DrivesBelow::Known(vec!["nvme2n1".into(), "nvme0n1".into()])),
        Lay::Virtual => Some(DrivesBelow::Virtual(vec!["vda".into()])),
        Lay::Untold => None,
    }
}

fn place(drives: DrivesBelow) -> StoragePlace {
    StoragePlace {
        path: "/data/test".into(),
        mount_point: "/data".into(),
        file_system: "xfs".into(),
        source: "/dev/md1".into(),
        drives,
        free: None,
    }
}

fn warning(mood: Mood) -> Warning {
    match mood {
        Mood::Cached => Warning::NearCache { array: 8, wanted: 32 },
        Mood::Extrapolated => Warning::Extrapolated { how: "by a fit".into() },
        Mood::Partial => Warning::Partial { covers: "one socket".into() },
    }
}
