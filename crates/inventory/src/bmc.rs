//! The management controller: what the kernel tells of it, and what it answers quickly enough when asked by IPMI.

use std::collections::BTreeSet;
use std::time::Duration;

use measure::{Facts, Unit};

use crate::ipmi::{self, Conversion, Entity, RawReading, SensorRecord};
use crate::out_of_band::Outside;
use crate::sysfs::{Found, Tree, Unavailable, note_number, note_text, ok_or_absent};

const PLATFORM: &str = "/sys/devices/platform";
const SOURCE: &str = "/dev/ipmi0 (sensor records)";
/// The list of sensors takes a controller some milliseconds a record; an inventory answers in two seconds.
const LISTING: Duration = Duration::from_secs(1);
/// A watch over years reads the list once, and must not miss its end.
pub const WHOLE_LISTING: Duration = Duration::from_secs(30);

/// The management controller.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Bmc {
    /// Firmware version.
    pub firmware: Option<String>,
    /// Version of IPMI that it speaks.
    pub ipmi: Option<String>,
    /// Power that the host draws now, in watts, and what was read for it.
    pub watts: Option<(f64, &'static str)>,
    /// Its sensors of temperature and power, and the state of the supplies.
    pub sensors: Vec<BmcSensor>,
    /// Whether its list of sensors was read to the end in the time that an inventory has.
    pub whole: bool,
}

/// A sensor of the controller.
#[derive(Clone, Debug, PartialEq)]
pub struct BmcSensor {
    /// Its name.
    pub name: String,
    /// What it belongs to.
    pub entity: Entity,
    /// What it reads now.
    pub value: BmcValue,
}

/// What a sensor of the controller reads.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum BmcValue {
    /// A temperature in °C.
    Celsius(f64),
    /// Power in W.
    Watts(f64),
    /// A power supply.
    Supply {
        /// Whether it is in its bay.
        present: bool,
        /// Whether it failed, or lost its input.
        failed: bool,
    },
    /// Whether the supplies are redundant.
    Redundant(bool),
}

/// Adds the facts of the management controller, and returns what it says.
pub(crate) fn probe(tree: &Tree, outside: &dyn Outside, facts: &mut Facts) -> Found<Bmc> {
    let found = read(tree, outside);
    let firmware = found.clone().and_then(|bmc| ok_or_absent(bmc.firmware));
    note_text(facts, "bmc.version", firmware, "/sys/devices/platform/ipmi_bmc.*, /dev/ipmi0");
    let redundancy = found.clone().and_then(|bmc| ok_or_absent(redundancy(&bmc.sensors)));
    note_text(facts, "power.supply_redundancy", redundancy.map(str::to_owned), SOURCE);
    // Idle and peak are measured under a load or without one; the controller's figure of now is neither.
    if !facts.0.contains_key("power.supplies") || facts.number("power.supplies").is_none() {
        let present = found.clone().and_then(|bmc| ok_or_absent(present(&bmc.sensors)));
        note_number(facts, "power.supplies", Unit::Count, present, SOURCE);
    }
    found
}

fn read(tree: &Tree, outside: &dyn Outside) -> Found<Bmc> {
    let mut bmc = Bmc::default();
    for device in tree.names(PLATFORM).into_iter().filter(|name| name.starts_with("ipmi_bmc")) {
        bmc.firmware = tree.word(&format!("{PLATFORM}/{device}/firmware_revision")).ok().map(|text| two_digits(&text));
        bmc.ipmi = tree.word(&format!("{PLATFORM}/{device}/ipmi_version")).ok();
    }
    if bmc == Bmc::default() && !ipmi::device::DEVICES.iter().any(|device| tree.has(device)) {
        return Err(Unavailable::Absent);
    }
    match ipmi::device_id(outside) {
        Ok(id) => (bmc.firmware, bmc.ipmi) = (Some(id.firmware), Some(id.ipmi)),
        Err(lack) if bmc == Bmc::default() => return Err(lack),
        Err(_) => return Ok(bmc),
    }
    let mut records = Vec::new();
    if let Ok(repository) = ipmi::repository(outside, LISTING) {
        (records, bmc.whole) = (repository.sensors, repository.whole);
    }
    bmc.sensors =
        records.iter().filter(|record| is_wanted(record)).filter_map(|record| sense(outside, record)).collect();
    bmc.watts = Meter::among(outside, || records).and_then(|meter| Some((meter.watts(outside)?, meter.name())));
    Ok(bmc)
}

/// The kernel writes the minor revision without its leading zero: 1.2 for 1.02.
fn two_digits(version: &str) -> String {
    match version.split_once('.') {
        Some((major, minor)) if minor.len() == 1 => format!("{major}.0{minor}"),
        _ => version.to_owned(),
    }
}

/// Event and reading type of sensors that tell of redundancy (IPMI 2.0, table 42-2).
const REDUNDANCY: u8 = 0x0B;
/// States that belong to the sensor's type (table 42-3).
const OF_ITS_TYPE: u8 = 0x6F;
/// Sensor types (table 42-3).
const POWER_SUPPLY: u8 = 0x08;
const POWER_UNIT: u8 = 0x09;

/// Every reading costs a request: fans and voltages are left out.
fn is_wanted(record: &SensorRecord) -> bool {
    match record.conversion {
        Some(conversion) => conversion.is_temperature() || conversion.is_power(),
        None => matches!(record.kind, POWER_SUPPLY | POWER_UNIT),
    }
}

fn sense(outside: &dyn Outside, record: &SensorRecord) -> Option<BmcSensor> {
    let value = value(record, ipmi::reading(outside, record)?)?;
    Some(BmcSensor { name: record.name.clone(), entity: record.entity, value })
}

fn value(record: &SensorRecord, raw: RawReading) -> Option<BmcValue> {
    if let Some(conversion) = record.conversion {
        let celsius = conversion.celsius(raw.value).map(BmcValue::Celsius);
        return celsius.or_else(|| conversion.watts(raw.value).map(BmcValue::Watts));
    }
    match (record.kind, record.event, raw.states) {
        (POWER_SUPPLY | POWER_UNIT, REDUNDANCY, 0) => None,
        // State 0 is full redundancy, the others are less.
        (POWER_SUPPLY | POWER_UNIT, REDUNDANCY, states) => Some(BmcValue::Redundant(states == 1)),
        (POWER_SUPPLY, OF_ITS_TYPE, states) => Some(BmcValue::Supply {
            present: states & 1 != 0,
            // Failure, input lost, input lost or out of range, wrong configuration.
            failed: states & 0b101_1010 != 0,
        }),
        _ => None,
    }
}

/// Whether the controller calls the supplies redundant; nothing where it has no such sensor.
fn redundancy(sensors: &[BmcSensor]) -> Option<&'static str> {
    let mut told = sensors.iter().filter_map(|sensor| match sensor.value {
        BmcValue::Redundant(redundant) => Some(redundant),
        _ => None,
    });
    let first = told.next()?;
    Some(if first && told.all(|redundant| redundant) { "redundant" } else { "none" })
}

/// How many supplies the controller sees.
fn present(sensors: &[BmcSensor]) -> Option<f64> {
    let supplies = sensors.iter().filter(|sensor| matches!(sensor.value, BmcValue::Supply { present: true, .. }));
    let count = supplies.count();
    (count > 0).then_some(count as f64)
}

/// Whether the controller reads the heat of a processor.
pub(crate) fn sees_processors(sensors: &[BmcSensor]) -> bool {
    let is_heat = |sensor: &BmcSensor| matches!(sensor.value, BmcValue::Celsius(_));
    sensors.iter().any(|sensor| sensor.entity == Entity::Processor && is_heat(sensor))
}

/// The hottest processor, memory module, drive or card that the controller reads, in °C.
pub(crate) fn hottest(sensors: &[BmcSensor]) -> Option<f64> {
    let parts = sensors.iter().filter(|sensor| !matches!(sensor.entity, Entity::Supply | Entity::Other(_)));
    let heat = parts.filter_map(|sensor| match sensor.value {
        BmcValue::Celsius(degrees) => Some(degrees),
        _ => None,
    });
    heat.reduce(f64::max)
}

/// The controller's sensors of the processors' heat.
#[must_use]
pub fn processor_heat(outside: &dyn Outside) -> Vec<SensorRecord> {
    let records = ipmi::repository(outside, LISTING).map_or_else(|_| Vec::new(), |found| found.sensors);
    records.into_iter().filter(is_processor_heat).collect()
}

fn is_processor_heat(record: &SensorRecord) -> bool {
    record.entity == Entity::Processor && record.conversion.is_some_and(|conversion| conversion.is_temperature())
}

/// What a sensor of heat reads now, in °C.
#[must_use]
pub fn degrees(outside: &dyn Outside, sensor: &SensorRecord) -> Option<f64> {
    sensor.conversion?.celsius(ipmi::reading(outside, sensor)?.value)
}

/// What a watch reads of the controller again and again, from its list of sensors, which it reads once.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct BmcWatch {
    /// How the power of the host is told.
    pub meter: Option<Meter>,
    /// Sensors of power supplies, and of whether they are redundant.
    pub supplies: Vec<SensorRecord>,
    /// Fans that turn.
    pub fans: Vec<BmcFan>,
    /// Sensors of the processors' heat.
    pub heat: Vec<SensorRecord>,
}

/// A fan of the controller.
#[derive(Clone, Debug, PartialEq)]
pub struct BmcFan {
    /// Its sensor.
    pub sensor: SensorRecord,
    /// The turns a minute below which the controller calls it critical; at least one.
    pub least: f64,
}

impl BmcWatch {
    /// Looks up what this controller has. The list takes a slow one some seconds: it is read for `WHOLE_LISTING` at most.
    #[must_use]
    pub fn find(outside: &dyn Outside) -> BmcWatch {
        let records = ipmi::repository(outside, WHOLE_LISTING).map_or_else(|_| Vec::new(), |found| found.sensors);
        let of_supply = |record: &SensorRecord| matches!(record.kind, POWER_SUPPLY | POWER_UNIT);
        let supplies = records.iter().filter(|record| record.conversion.is_none() && of_supply(record));
        BmcWatch {
            supplies: supplies.cloned().collect(),
            fans: records.iter().filter_map(|record| BmcFan::find(outside, record)).collect(),
            heat: records.iter().filter(|record| is_processor_heat(record)).cloned().collect(),
            meter: Meter::among(outside, || records),
        }
    }
}

impl BmcFan {
    /// A sensor that is one, of a fan that turns: a place without a fan gives no reading, or stands from the beginning.
    fn find(outside: &dyn Outside, record: &SensorRecord) -> Option<BmcFan> {
        let conversion = record.conversion.filter(Conversion::is_fan)?;
        let turns = conversion.turns(ipmi::reading(outside, record)?.value)?;
        let critical = ipmi::threshold(outside, record).and_then(|raw| conversion.turns(raw));
        (turns > 0.0).then(|| BmcFan { sensor: record.clone(), least: critical.unwrap_or(0.0).max(1.0) })
    }

    /// Its turns a minute now: none where the controller has no reading of it, as when it was taken out. Nothing where the
    /// controller does not answer.
    #[must_use]
    pub fn turns(&self, outside: &dyn Outside) -> Option<f64> {
        match ipmi::answer(outside, &self.sensor).ok()? {
            Some(raw) => self.sensor.conversion?.turns(raw.value),
            None => Some(0.0),
        }
    }
}

/// What a sensor of a supply says now.
#[must_use]
pub fn supply(outside: &dyn Outside, sensor: &SensorRecord) -> Option<BmcValue> {
    value(sensor, ipmi::reading(outside, sensor)?)
}

/// How the controller tells the power of the whole host, to be read again and again.
#[derive(Clone, Debug, PartialEq)]
pub enum Meter {
    /// DCMI: one request.
    Host,
    /// A sensor of power at the input of each supply.
    Supplies(Vec<SensorRecord>),
}

impl Meter {
    /// The way that this controller knows, if it knows one.
    #[must_use]
    pub fn find(outside: &dyn Outside) -> Option<Meter> {
        Meter::among(outside, || ipmi::repository(outside, LISTING).map_or_else(|_| Vec::new(), |found| found.sensors))
    }

    fn among(outside: &dyn Outside, records: impl FnOnce() -> Vec<SensorRecord>) -> Option<Meter> {
        if ipmi::host_power(outside).is_ok() {
            return Some(Meter::Host);
        }
        let at_input = |record: &SensorRecord| {
            let is_power = record.conversion.is_some_and(|conversion| conversion.is_power());
            is_power && record.entity == Entity::Supply && !record.name.to_lowercase().contains("out")
        };
        let inputs: Vec<SensorRecord> = records().into_iter().filter(at_input).collect();
        // Two sensors of one supply would count it twice.
        let supplies: BTreeSet<u8> = inputs.iter().map(|record| record.instance).collect();
        (!inputs.is_empty() && supplies.len() == inputs.len()).then_some(Meter::Supplies(inputs))
    }

    /// What is read.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Meter::Host => "bmc host (DCMI)",
            Meter::Supplies(_) => "bmc supplies (sum of their inputs)",
        }
    }

    /// The power in W now. A supply that is not read now, because it is out of its bay, gives none.
    #[must_use]
    pub fn watts(&self, outside: &dyn Outside) -> Option<f64> {
        match self {
            Meter::Host => ipmi::host_power(outside).ok(),
            Meter::Supplies(inputs) => {
                let watts = |input: &SensorRecord| input.conversion?.watts(ipmi::reading(outside, input)?.value);
                inputs.iter().filter_map(watts).reduce(|sum, watts| sum + watts)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn discrete(kind: u8, event: u8) -> SensorRecord {
        let (name, entity) = (String::new(), Entity::Supply);
        SensorRecord { lun: 0, number: 1, entity, instance: 1, kind, event, name, conversion: None }
    }

    #[test]
    fn states_of_supplies() {
        let check = |kind: u8, event: u8, states: u16, expect: Option<BmcValue>| {
            assert_eq!(value(&discrete(kind, event), RawReading { value: 0, states }), expect, "{states:#b}");
        };
        let supply = |present: bool, failed: bool| Some(BmcValue::Supply { present, failed });
        check(POWER_SUPPLY, OF_ITS_TYPE, 0b1, supply(true, false));
        check(POWER_SUPPLY, OF_ITS_TYPE, 0b11, supply(true, true));
        check(POWER_SUPPLY, OF_ITS_TYPE, 0b1001, supply(true, true));
        // A failure that is only foretold.
        check(POWER_SUPPLY, OF_ITS_TYPE, 0b101, supply(true, false));
        check(POWER_SUPPLY, OF_ITS_TYPE, 0, supply(false, false));
        check(POWER_SUPPLY, REDUNDANCY, 0b1, Some(BmcValue::Redundant(true)));
        check(POWER_UNIT, REDUNDANCY, 0b10, Some(BmcValue::Redundant(false)));
        check(POWER_UNIT, REDUNDANCY, 0, None);
        check(POWER_UNIT, OF_ITS_TYPE, 1, None);
    }

    #[test]
    fn versions_are_written_alike_by_kernel_and_controller() {
        assert_eq!(["1.2", "1.02", "3.10", "x"].map(two_digits), ["1.02", "1.02", "3.10", "x"]);
    }
}
