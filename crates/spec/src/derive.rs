//! Achievable targets: ceilings of detected or documented hardware × stated realistic fractions.

use std::collections::BTreeMap;

use measure::metrics::{
    DENSE_DGEMM, DENSE_FMA, DENSE_HPL, DISK_RANDREAD_IOPS, DISK_SEQREAD_BANDWIDTH, DISK_SEQWRITE_BANDWIDTH,
    STREAM_COPY, STREAM_READ, STREAM_TRIAD,
};
use measure::{Better, Definition, FactValue, Facts, Quantity, Reading, Unit};

use crate::audit::constants::CHANNEL_BYTES;
use crate::audit::{self, Audit, Grade};
use crate::parts::{self, Part};
use crate::read::DEFAULT_TOLERANCE;
use crate::{Place, Standing, StatedFact, System, Target};

/// What share of a ceiling a sound machine delivers in one of this suite's metrics.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Fraction {
    /// The metric.
    pub metric: &'static Definition,
    /// What is measured, in a few words.
    pub title: &'static str,
    /// Share of the ceiling, 0 to 1.
    pub share: f64,
    /// Why this share.
    pub source: &'static str,
    /// Ids of the facts that the ceiling is derived from.
    facts: &'static [&'static str],
    /// Conditions that the figure holds under.
    conditions: &'static [(&'static str, &'static str)],
}

const MEMORY: &[&str] = &["cpu.sockets", "memory.type", "memory.data_rate", "memory.channels", "memory.dimms"];
const COMPUTE: &[&str] = &["cpu.sockets", "cpu.cores", "cpu.base_clock", "cpu.avx2", "cpu.avx512", "cpu.amx"];
const STORAGE: &[&str] = &[
    "storage.scratch.drives",
    "storage.scratch.media",
    "storage.scratch.pcie_gen",
    "storage.scratch.pcie_lanes",
    "storage.scratch.layout",
];
const SEQUENTIAL: &[(&str, &str)] = &[("block", "1 MiB"), ("pattern", "sequential")];
const RANDOM: &[(&str, &str)] = &[("block", "4 KiB"), ("pattern", "random"), ("operation", "read")];
const STREAM_SOURCE: &str =
    "published STREAM results of DDR4 and DDR5 servers are 0.75 to 0.90 of channels × rate × 8 B";
const DRIVE_SOURCE: &str =
    "datasheets of NVMe drives: reads fill 0.75 to 0.90 of an x4 link, sustained writes 0.3 to 0.6";

/// The fractions: the lower end of what is published, so that a sound machine passes.
pub const FRACTIONS: [Fraction; 9] = [
    fraction(&STREAM_READ, "Memory read bandwidth", 0.80, STREAM_SOURCE, MEMORY, &[]),
    fraction(&STREAM_COPY, "STREAM copy", 0.75, STREAM_SOURCE, MEMORY, &[]),
    fraction(&STREAM_TRIAD, "STREAM triad", 0.75, STREAM_SOURCE, MEMORY, &[]),
    fraction(
        &DENSE_FMA,
        "FP64 FMA peak",
        0.95,
        "registers only, at the guaranteed clock; the rest is start and end of the loop",
        COMPUTE,
        &[("precision", "fp64")],
    ),
    fraction(
        &DENSE_DGEMM,
        "DGEMM",
        0.80,
        "published DGEMM results of vendors' libraries are 0.80 to 0.95 of the peak at the guaranteed clock",
        COMPUTE,
        &[("precision", "fp64")],
    ),
    fraction(
        &DENSE_HPL,
        "HPL",
        0.70,
        "CPU-only systems of the TOP500 lists reach 0.60 to 0.92 of their peak",
        COMPUTE,
        &[("precision", "fp64")],
    ),
    fraction(&DISK_SEQREAD_BANDWIDTH, "Sequential read", 0.60, DRIVE_SOURCE, STORAGE, SEQUENTIAL),
    fraction(&DISK_SEQWRITE_BANDWIDTH, "Sequential write", 0.30, DRIVE_SOURCE, STORAGE, SEQUENTIAL),
    fraction(
        &DISK_RANDREAD_IOPS,
        "Random read",
        0.25,
        "datasheets of NVMe drives: 4 KiB random reads fill 0.4 to 0.7 of an x4 link; a file system takes its part",
        STORAGE,
        RANDOM,
    ),
];

const fn fraction(
    metric: &'static Definition,
    title: &'static str,
    share: f64,
    source: &'static str,
    facts: &'static [&'static str],
    conditions: &'static [(&'static str, &'static str)],
) -> Fraction {
    Fraction { metric, title, share, source, facts, conditions }
}

/// The facts that say which parts a host is made of: another part is another machine. Settings, readings and what the
/// operating system grants are stated in a derived specification, but not demanded.
const PARTS: &[&str] = &[
    "chassis.model",
    "board.model",
    "board.chipset",
    "cpu.model",
    "cpu.sockets",
    "cpu.cores",
    "cpu.threads",
    "cpu.l3",
    "cpu.arch",
    "cpu.avx2",
    "cpu.avx512",
    "cpu.amx",
    "memory.capacity",
    "memory.type",
    "memory.dimms",
    "memory.dimm_capacity",
    "memory.channels",
    "memory.data_rate",
    "storage.boot.drives",
    "storage.boot.drive_capacity",
    "storage.boot.media",
    "storage.boot.layout",
    "storage.scratch.drives",
    "storage.scratch.drive_capacity",
    "storage.scratch.media",
    "storage.scratch.model",
    "storage.scratch.pcie_gen",
    "storage.scratch.pcie_lanes",
    "storage.scratch.layout",
    "gpu.count",
    "gpu.model",
    "power.supplies",
    "power.supply_rating",
];

/// A specification of the host at hand: its detected facts, and for each ceiling that follows from them a target.
///
/// A ceiling whose inputs were not detected gives no target; [`underived`] says which, and what is missing.
#[must_use]
pub fn derive(facts: &Facts, name: &str) -> System {
    let facts = &whole(facts);
    let mut system = System {
        id: name.to_owned(),
        name: format!("derived from the detected hardware of {name}"),
        document: "the host's own inventory".to_owned(),
        family: None,
        facts: stated(facts),
        targets: Vec::new(),
        baselines: Vec::new(),
        claims: Vec::new(),
        limits: Vec::new(),
        prose: Vec::new(),
    };
    let detected = sound(&system);
    system.targets = FRACTIONS.iter().filter_map(|fraction| derived(&detected, fraction)).collect();
    system
}

/// What could not be derived from these facts: the metric, and the facts that its ceiling needs and that are not there.
#[must_use]
pub fn underived(facts: &Facts) -> Vec<(&'static Definition, Vec<&'static str>)> {
    let made = derive(facts, "host");
    let is_made = |fraction: &&Fraction| made.targets.iter().any(|target| target.metric == Some(fraction.metric));
    FRACTIONS
        .iter()
        .filter(|fraction| !is_made(fraction))
        .map(|fraction| {
            let missing = fraction.facts.iter().copied().filter(|id| facts.value(id).is_none()).collect();
            (fraction.metric, missing)
        })
        .collect()
}

/// Targets for what could not be derived, as TOML in comments: whoever knows the figure fills it in.
#[must_use]
pub fn to_fill_in(facts: &Facts) -> String {
    let underived = underived(facts);
    let rows = underived.iter().filter_map(|(metric, _)| FRACTIONS.iter().find(|row| row.metric == *metric));
    let target = |row: &Fraction| {
        format!(
            "#[[system.target]]\n#id = \"{0}\"\n#title = \"{1}\"\n#metric = \"{0}\"\n#value = \"… {2}\"\n#better = \"{3}\"\n\
             #tolerance = \"5 %\"\n#required = true\n#at = \"where it is promised\"\n#says = \"its words\"\n",
            row.metric.id,
            row.title,
            row.metric.unit.symbol(),
            if row.metric.better == Better::Higher { "higher" } else { "lower" },
        )
    };
    let targets: Vec<String> = rows.map(target).collect();
    if targets.is_empty() {
        return String::new();
    }
    let what = "\n# Not derived: this host does not report what their ceilings need. Fill in what was promised, and take the # away.\n\n";
    format!("{what}{}", targets.join("\n"))
}

/// What stands beside the documented targets: for each impossible one what a machine of the document's own tables achieves,
/// the figures that claimed ratios ask for, and what follows from the data sheet of the processor that is named.
#[must_use]
pub fn companions(system: &System, audit: &Audit) -> Vec<Target> {
    let impossible = audit.graded.iter().filter(|graded| graded.grade == Grade::Impossible);
    let sound = sound(system);
    let achievable = impossible.filter_map(|graded| {
        let documented = system.target(&graded.target)?;
        let fraction = FRACTIONS.iter().find(|row| Some(row.metric) == documented.metric)?;
        let (ceiling, arithmetic) = audit::sure_ceiling(&sound, fraction.metric, &documented.conditions)?;
        let value = Quantity::new(ceiling * fraction.share, documented.value.unit);
        Some(Target {
            id: format!("{}.achievable", documented.id),
            title: format!("{}, achievable", documented.title),
            value,
            approximate: false,
            place: place(fraction, value, &arithmetic),
            constraint: None,
            companion_of: Some(documented.id.clone()),
            ..documented.clone()
        })
    });
    achievable.chain(system.claimed()).chain(of_processor(system)).collect()
}

/// Memory bandwidth and DGEMM by the data sheet of the processor, where the document names it firmly and promises neither.
fn of_processor(system: &System) -> Vec<Target> {
    let named = parts::of(system).find(|(row, _)| row.id == "cpu.model" && row.standing == Standing::Firm);
    let Some((_, parts)) = named else { return Vec::new() };
    let promised = |metric: &Definition| system.targets.iter().any(|target| target.metric == Some(metric));
    let wanted = FRACTIONS.iter().filter(|row| [&STREAM_TRIAD, &DENSE_DGEMM].contains(&row.metric));
    let of_parts = |fraction: &Fraction| {
        // Of several processors that the document admits, the least decides.
        let made = parts.iter().map(|part| of_part(system, part, fraction)).collect::<Option<Vec<Target>>>()?;
        made.into_iter().min_by(|one, other| one.value.value.total_cmp(&other.value.value))
    };
    wanted.filter(|fraction| !promised(fraction.metric)).filter_map(of_parts).collect()
}

/// A target by what a data sheet adds to what the document states.
fn of_part(system: &System, part: &Part, fraction: &Fraction) -> Option<Target> {
    let mut whole = system.clone();
    let unstated = part.facts.iter().filter(|(id, _)| system.stated(id).next().is_none());
    whole.facts.extend(unstated.map(|(id, value)| StatedFact {
        id: id.clone(),
        value: value.clone(),
        approximate: false,
        place: Place { at: part.source.clone(), says: value.to_string() },
        standing: Standing::Firm,
        required: false,
        admits: Vec::new(),
    }));
    let target = derived(&whole, fraction)?;
    Some(Target {
        title: format!("{}, derived from the processor", target.title),
        required: false,
        place: Place { at: format!("{}; {}", target.place.at, part.source), says: target.place.says.clone() },
        open: vec!["the document promises no such figure; number and speed of its DIMMs are not stated".to_owned()],
        depends_on: vec![part.of.clone()],
        ..target
    })
}

fn place(fraction: &Fraction, value: Quantity, arithmetic: &str) -> Place {
    Place {
        at: format!("derived: ceiling × {} ({})", fraction.share, fraction.source),
        says: format!("{arithmetic}; × {} = {value}", fraction.share),
    }
}

/// What was detected, as statements; volatile readings are no statement about the hardware but do no harm.
fn stated(facts: &Facts) -> Vec<StatedFact> {
    // The kernel may name the drives otherwise after the next boot, and give itself a little more of the memory.
    let is_of_hardware = |id: &str| !id.ends_with(".devices") && id != "memory.usable_dataset";
    let facts_of_hardware = facts.0.iter().filter(|(id, _)| is_of_hardware(id));
    let rows = facts_of_hardware.filter_map(|(id, fact)| match &fact.reading {
        Reading::Present(value) => Some(StatedFact {
            id: id.clone(),
            value: value.clone(),
            // The kernel's total is less than what is installed, and differs a little from one kernel to the next.
            approximate: id == "memory.capacity" && facts.value("memory.total") == Some(value),
            place: Place { at: fact.source.clone(), says: format!("{value}") },
            standing: Standing::Firm,
            required: PARTS.contains(&id.as_str()),
            admits: Vec::new(),
        }),
        Reading::Absent | Reading::Denied { .. } | Reading::Failed { .. } => None,
    });
    rows.collect()
}

/// The facts of the host without its faults: what is missing or switched off is what the system has, and what was counted
/// without it is not stated.
fn whole(facts: &Facts) -> Facts {
    let mut whole = facts.clone();
    add_missing_channels(facts, &mut whole);
    add_cpus_switched_off(facts, &mut whole);
    whole
}

/// A channel that lacks its DIMM, where the others have one.
fn add_missing_channels(facts: &Facts, whole: &mut Facts) {
    const COUNTED: [&str; 9] = [
        "memory.capacity",
        "memory.total",
        "memory.dimms",
        "memory.dimms_per_socket",
        "memory.channels_per_socket",
        "memory.channels_missing",
        "memory.bandwidth",
        "memory.usable_dataset",
        // Half of the memory, where nobody has set it.
        "os.shm",
    ];
    let missing = facts.number("memory.channels_missing").filter(|missing| *missing > 0.0);
    let (Some(missing), Some(channels)) = (missing, facts.number("memory.channels")) else { return };
    whole.0.retain(|id, _| !COUNTED.contains(&id.as_str()));
    let source = format!("memory.channels, and {missing} without a DIMM where the others have one");
    whole.quantity("memory.channels", channels + missing, Unit::Count, &source);
}

/// CPUs that are switched off, but for the second threads of all cores, which somebody has switched off with SMT.
fn add_cpus_switched_off(facts: &Facts, whole: &mut Facts) {
    const COUNTED: [&str; 3] = ["cpu.cores_per_socket", "cpu.threads_per_socket", "cpu.offline"];
    let number = |id: &str| facts.number(id).filter(|number| *number > 0.0);
    let (Some(off), Some(cores), Some(threads)) = (number("cpu.offline"), number("cpu.cores"), number("cpu.threads"))
    else {
        return;
    };
    let has_no_smt = facts.value("os.smt") == Some(&FactValue::Flag(false));
    if has_no_smt && off % threads == 0.0 {
        return;
    }
    whole.0.retain(|id, _| !COUNTED.contains(&id.as_str()));
    let all = threads + off;
    // A core of which one thread is off still has the other.
    let of_core = (threads / cores).ceil();
    let source = format!("{threads} threads, and {off} that are switched off");
    whole.quantity("cpu.threads", all, Unit::Count, &source);
    whole.quantity("cpu.cores", (all / of_core).ceil(), Unit::Count, &source);
}

/// The system as an achievable target must see it: AVX-512 counts as two full-width units only where AMX proves a core
/// of that class; other cores run it on the units of AVX2, two passes each. Channels count by their 64 bits.
fn sound(system: &System) -> System {
    let mut sound = system.clone();
    let of = |id: &str| system.facts.iter().find(|fact| fact.id == id).map(|fact| &fact.value);
    if let Some(FactValue::Quantity(width)) = of("memory.channel_width") {
        for fact in sound.facts.iter_mut().filter(|fact| ["memory.channels", "memory.dimms"].contains(&&*fact.id)) {
            if let FactValue::Quantity(count) = &mut fact.value {
                count.value *= width.value / CHANNEL_BYTES.value;
            }
        }
    }
    let has = |id: &str| system.facts.iter().any(|fact| fact.id == id && fact.value == FactValue::Flag(true));
    if has("cpu.avx512") && !has("cpu.amx") {
        for fact in sound.facts.iter_mut().filter(|fact| fact.id == "cpu.avx512") {
            "cpu.avx2".clone_into(&mut fact.id);
        }
    }
    sound
}

fn derived(system: &System, fraction: &Fraction) -> Option<Target> {
    let conditions: BTreeMap<String, String> =
        fraction.conditions.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let (ceiling, arithmetic) = audit::sure_ceiling(system, fraction.metric, &conditions)?;
    let value = Quantity::new(ceiling * fraction.share, fraction.metric.unit);
    let known = |id: &&&str| system.facts.iter().any(|fact| fact.id == **id);
    Some(Target {
        id: fraction.metric.id.to_owned(),
        title: fraction.title.to_owned(),
        metric: Some(fraction.metric),
        series: BTreeMap::new(),
        value,
        approximate: false,
        better: fraction.metric.better,
        tolerance: DEFAULT_TOLERANCE,
        required: true,
        place: place(fraction, value, &arithmetic),
        conditions,
        open: Vec::new(),
        constraint: None,
        depends_on: fraction.facts.iter().filter(known).map(|id| (*id).to_owned()).collect(),
        shares: BTreeMap::new(),
        phases: Vec::new(),
        companion_of: None,
    })
}
