//! Temperatures and power: hwmon and RAPL; memory errors: EDAC.

use measure::{FactValue, Facts, Unit};

use crate::drives::Drive;
use crate::sysfs::{Found, Tree, Unavailable, note, note_number, ok_or_absent};

const HWMON: &str = "/sys/class/hwmon";
const POWERCAP: &str = "/sys/class/powercap";
const EDAC: &str = "/sys/devices/system/edac/mc";

/// What a sensor reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Temperature in °C.
    Temperature,
    /// Power in W.
    Power,
}

/// A sensor of the kernel.
#[derive(Clone, Debug, PartialEq)]
pub struct Sensor {
    /// The chip: `coretemp`, `nvme`.
    pub chip: String,
    /// The device that the chip belongs to, where there is one: `coretemp.0`, `nvme3`.
    pub device: Option<String>,
    /// What it reads: `Package id 0`.
    pub label: String,
    /// What kind of value.
    pub kind: Kind,
    /// The value now.
    pub value: f64,
    /// The value that the chip calls high.
    pub high: Option<f64>,
    /// The value that the chip calls critical.
    pub critical: Option<f64>,
}

/// A domain whose energy the processor counts.
#[derive(Clone, Debug, PartialEq)]
pub struct PowerDomain {
    /// Its folder: `intel-rapl:0`.
    pub zone: String,
    /// What it covers: `package-0`, `dram of package-0`, `psys`.
    pub name: String,
    /// The energy counter in joules, or why it could not be read.
    pub energy: Found<f64>,
}

/// A memory controller's count of errors.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemoryController {
    /// Its folder: `mc0`.
    pub name: String,
    /// Errors that were corrected.
    pub corrected: u64,
    /// Errors that could not be.
    pub uncorrected: u64,
}

/// All sensors of hwmon.
pub fn sensors(tree: &Tree) -> Found<Vec<Sensor>> {
    if !tree.has(HWMON) {
        return Err(Unavailable::Absent);
    }
    let mut sensors = Vec::new();
    for chip in tree.names(HWMON) {
        let folder = format!("{HWMON}/{chip}");
        let name = tree.word(&format!("{folder}/name")).unwrap_or(chip);
        for file in tree.names(&folder) {
            sensors.extend(sensor(tree, &folder, &name, &file));
        }
    }
    Ok(sensors)
}

/// Files are called `temp3_input` (m°C) and `power1_average` or `power1_input` (µW).
fn sensor(tree: &Tree, folder: &str, chip: &str, file: &str) -> Option<Sensor> {
    let (channel, what) = file.split_once('_')?;
    let (kind, scale) = match (channel.trim_end_matches(|c: char| c.is_ascii_digit()), what) {
        ("temp", "input") => (Kind::Temperature, 1e3),
        ("power", "average") => (Kind::Power, 1e6),
        // Some chips have both; the mean stands for the sensor.
        ("power", "input") if !tree.has(&format!("{folder}/{channel}_average")) => (Kind::Power, 1e6),
        _ => return None,
    };
    // Temperatures may be below zero.
    let read =
        |name: &str| tree.word(&format!("{folder}/{name}")).ok()?.parse::<i64>().ok().map(|raw| raw as f64 / scale);
    let value = read(file)?;
    Some(Sensor {
        chip: chip.to_owned(),
        device: tree.link(&format!("{folder}/device")),
        label: tree.word(&format!("{folder}/{channel}_label")).unwrap_or_else(|_| channel.to_owned()),
        kind,
        value,
        high: read(&format!("{channel}_max")),
        critical: read(&format!("{channel}_crit")),
    })
}

/// All domains of RAPL. Since 2020 kernels give the counter to root alone (CVE-2020-8694).
pub fn power_domains(tree: &Tree) -> Found<Vec<PowerDomain>> {
    // The same packages are listed a second time under the registers that are mapped into memory.
    let zones = tree.names(POWERCAP).into_iter().filter(|zone| zone.contains(':') && !zone.contains("mmio"));
    let zones: Vec<String> = zones.collect();
    if zones.is_empty() {
        return Err(Unavailable::Absent);
    }
    let name = |zone: &str| tree.word(&format!("{POWERCAP}/{zone}/name")).ok();
    let domain = |zone: String| {
        // `intel-rapl:1:0` lies in `intel-rapl:1`: every package has domains of the same names.
        let package = zone.rsplit_once(':').map(|(package, _)| package).filter(|package| package.contains(':'));
        let name = match package.and_then(name) {
            Some(package) => format!("{} of {package}", name(&zone)?),
            None => name(&zone)?,
        };
        let energy = tree.number(&format!("{POWERCAP}/{zone}/energy_uj")).map(|microjoules| microjoules as f64 / 1e6);
        Some(PowerDomain { zone, name, energy })
    };
    Ok(zones.into_iter().filter_map(domain).collect())
}

/// The energy at which a domain's counter starts again, in joules.
#[must_use]
pub fn energy_range(tree: &Tree, zone: &str) -> Option<f64> {
    tree.number(&format!("{POWERCAP}/{zone}/max_energy_range_uj")).ok().map(|microjoules| microjoules as f64 / 1e6)
}

/// The memory controllers that EDAC watches.
pub fn memory_controllers(tree: &Tree) -> Found<Vec<MemoryController>> {
    let names = tree.numbered(EDAC, "mc");
    if names.is_empty() {
        return Err(Unavailable::Absent);
    }
    let count = |name: &str, file: &str| tree.number(&format!("{EDAC}/{name}/{file}")).unwrap_or_default();
    let controller = |name: String| MemoryController {
        corrected: count(&name, "ce_count"),
        uncorrected: count(&name, "ue_count"),
        name,
    };
    Ok(names.into_iter().map(controller).collect())
}

/// Adds the facts that sensors and counters tell.
pub(crate) fn probe(
    sensors: &Found<Vec<Sensor>>,
    controllers: &Found<Vec<MemoryController>>,
    drives: &Found<Vec<Drive>>,
    controller_sees_processors: bool,
    gpus_tell: bool,
    others: impl Iterator<Item = f64>,
    facts: &mut Facts,
) {
    let hot = sensors.iter().flatten().filter(|sensor| is_processor_or_drive(sensor)).map(|sensor| sensor.value);
    let smart = drives.iter().flatten().filter_map(|drive| drive.health.as_ref().ok()?.temperature);
    let highest = hot.chain(smart).chain(others).filter(|degrees| degrees.is_finite()).reduce(f64::max);
    let source = "/sys/class/hwmon, SMART, NVML, /dev/ipmi0";
    note_number(facts, "thermal.highest", Unit::Celsius, ok_or_absent(highest), source);
    let processors = || sensors.iter().flatten().filter(|sensor| is_processor(sensor));
    let alarms =
        processors().flat_map(|sensor| [sensor.high, sensor.critical]).flatten().filter(|degrees| *degrees > 0.0);
    note_number(facts, "thermal.alarm", Unit::Celsius, ok_or_absent(alarms.reduce(f64::min)), HWMON);
    let monitored = (processors().next().is_some() || controller_sees_processors) && gpus_tell;
    let source = "/sys/class/hwmon, NVML, /dev/ipmi0";
    note(facts, "thermal.monitored", ok_or_absent(monitored.then_some(FactValue::Flag(true))), source);
    let sum = |of: fn(&MemoryController) -> u64| -> Found<f64> {
        controllers.clone().map(|all| all.iter().map(|controller| of(controller) as f64).sum())
    };
    note_number(facts, "memory.corrected_errors", Unit::Count, sum(|c| c.corrected), EDAC);
    note_number(facts, "memory.uncorrected_errors", Unit::Count, sum(|c| c.uncorrected), EDAC);
}

/// Sensors of processors.
#[must_use]
pub fn is_processor(sensor: &Sensor) -> bool {
    sensor.kind == Kind::Temperature && ["coretemp", "k10temp", "zenpower"].contains(&sensor.chip.as_str())
}

/// Sensors of processors, memory, drives and GPUs; a board's own chips have channels that are wired to nothing.
#[must_use]
pub fn is_processor_or_drive(sensor: &Sensor) -> bool {
    const CHIPS: [&str; 9] =
        ["coretemp", "k10temp", "zenpower", "nvme", "drivetemp", "jc42", "spd5118", "amdgpu", "nouveau"];
    sensor.kind == Kind::Temperature && CHIPS.contains(&sensor.chip.as_str())
}

/// Sensors of drives.
#[must_use]
pub fn is_drive(sensor: &Sensor) -> bool {
    sensor.kind == Kind::Temperature && ["nvme", "drivetemp"].contains(&sensor.chip.as_str())
}
