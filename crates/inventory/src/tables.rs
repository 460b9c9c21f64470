//! The lists of an inventory as tables of plain values, for whatever prints or writes them.

use measure::{FactValue, Quantity, Unit};

use crate::{BmcValue, Inventory, Link, Unavailable};

/// A list with its columns.
#[derive(Clone, Debug, PartialEq)]
pub struct Table {
    /// What it lists.
    pub title: &'static str,
    /// Names of the columns.
    pub columns: &'static [&'static str],
    /// Its rows, a value for each column; `None` where the host does not tell.
    pub rows: Result<Vec<Vec<Option<FactValue>>>, Unavailable>,
    /// What was read.
    pub source: &'static str,
}

type TableRow = Vec<Option<FactValue>>;

fn text(value: impl AsRef<str>) -> Option<FactValue> {
    let value = value.as_ref();
    (!value.is_empty()).then(|| FactValue::Text(value.to_owned()))
}

fn option(value: Option<&String>) -> Option<FactValue> {
    value.and_then(text)
}

fn number(value: f64, unit: Unit) -> FactValue {
    FactValue::Quantity(Quantity::new(value, unit))
}

fn count(value: Option<impl Into<f64>>) -> Option<FactValue> {
    value.map(|value| number(value.into(), Unit::Count))
}

/// `PCIe 5 x4`, and what the device could do where that is more.
fn link(link: Link) -> Option<FactValue> {
    let now = format!("PCIe {} x{}", link.generation?, link.lanes?);
    match (link.most_generation, link.most_lanes) {
        (Some(generation), Some(lanes)) if link.is_degraded() => text(format!("{now} of PCIe {generation} x{lanes}")),
        _ => text(now),
    }
}

impl Inventory {
    /// All lists, in the order in which a reader wants them.
    #[must_use]
    pub fn tables(&self) -> Vec<Table> {
        vec![
            self.dimms(),
            self.slots(),
            self.supplies(),
            self.drive_table(),
            self.other_table(),
            self.array_table(),
            self.pool_table(),
            self.gpu_table(),
            self.nic_table(),
            self.sensor_table(),
            self.power_table(),
            self.bmc_table(),
            self.controller_table(),
        ]
    }

    fn dimms(&self) -> Table {
        const COLUMNS: &[&str] = &["slot", "bank", "size", "type", "configured", "rated", "maker", "part", "serial"];
        let rate = |rate: Option<u32>| rate.map(|rate| number(f64::from(rate) * 1e6, Unit::TransferPerSecond));
        let rows = self.firmware.found.as_ref().map_err(Clone::clone).map(|firmware| {
            let row = |dimm: &crate::Dimm| -> TableRow {
                vec![
                    text(&dimm.locator),
                    text(&dimm.bank),
                    Some(number(dimm.bytes as f64, Unit::Byte)),
                    option(dimm.generation.as_ref()),
                    rate(dimm.configured),
                    rate(dimm.rated),
                    text(&dimm.manufacturer),
                    text(&dimm.part),
                    text(&dimm.serial),
                ]
            };
            firmware.dimms.iter().map(row).collect()
        });
        Table { title: "DIMMs", columns: COLUMNS, rows, source: self.firmware.source }
    }

    fn slots(&self) -> Table {
        const COLUMNS: &[&str] = &["slot", "form", "PCIe", "lanes", "in use", "address"];
        let rows = self.firmware.found.as_ref().map_err(Clone::clone).map(|firmware| {
            let row = |slot: &crate::Slot| -> TableRow {
                vec![
                    text(&slot.name),
                    slot.form.and_then(text),
                    count(slot.generation),
                    count(slot.lanes),
                    slot.in_use.map(FactValue::Flag),
                    option(slot.address.as_ref()),
                ]
            };
            firmware.slots.iter().map(row).collect()
        });
        Table { title: "slots", columns: COLUMNS, rows, source: self.firmware.source }
    }

    fn supplies(&self) -> Table {
        const COLUMNS: &[&str] = &["place", "model", "serial", "rating"];
        let rows = self.firmware.found.as_ref().map_err(Clone::clone).map(|firmware| {
            let row = |supply: &crate::Supply| -> TableRow {
                let rating = supply.watts.map(|watts| number(f64::from(watts), Unit::Watt));
                vec![text(&supply.location), text(&supply.model), text(&supply.serial), rating]
            };
            firmware.supplies.iter().map(row).collect()
        });
        Table { title: "power supplies", columns: COLUMNS, rows, source: self.firmware.source }
    }

    fn drive_table(&self) -> Table {
        const COLUMNS: &[&str] = &[
            "name",
            "media",
            "model",
            "serial",
            "firmware",
            "size",
            "form",
            "link",
            "node",
            "used",
            "spare",
            "media errors",
            "temperature",
        ];
        let row = |drive: &crate::Drive| -> TableRow {
            let health = drive.health.as_ref().ok();
            vec![
                text(drive.names.join(" ")),
                text(drive.media),
                option(drive.model.as_ref()),
                option(drive.serial.as_ref()),
                option(drive.firmware.as_ref()),
                Some(number(drive.bytes as f64, Unit::Byte)),
                drive.form_factor.and_then(text),
                link(drive.link),
                count(drive.node),
                health.map(|health| number(health.used, Unit::Ratio)),
                health.map(|health| number(health.spare, Unit::Ratio)),
                health.map(|health| number(health.media_errors, Unit::Count)),
                health.and_then(|health| health.temperature).map(|degrees| number(degrees, Unit::Celsius)),
            ]
        };
        list("drives", COLUMNS, &self.drives, row)
    }

    fn other_table(&self) -> Table {
        const COLUMNS: &[&str] = &["name", "is", "size"];
        let row = |other: &crate::OtherDevice| -> TableRow {
            vec![text(&other.name), text(other.what), Some(number(other.bytes as f64, Unit::Byte))]
        };
        list("block devices that are no drives", COLUMNS, &self.other_devices, row)
    }

    fn array_table(&self) -> Table {
        const COLUMNS: &[&str] = &["name", "level", "state", "size", "members", "missing"];
        let row = |array: &crate::Array| -> TableRow {
            vec![
                text(&array.name),
                text(&array.level),
                text(&array.state),
                Some(number(array.bytes as f64, Unit::Byte)),
                text(array.members.join(" ")),
                Some(number(array.degraded as f64, Unit::Count)),
            ]
        };
        list("md arrays", COLUMNS, &self.arrays, row)
    }

    fn pool_table(&self) -> Table {
        const COLUMNS: &[&str] = &["name", "health", "layout", "usable", "record", "compression", "drives"];
        let row = |pool: &crate::Pool| -> TableRow {
            vec![
                text(&pool.name),
                option(pool.health.as_ref()),
                option(pool.layout.as_ref()),
                pool.usable.map(|bytes| number(bytes, Unit::Byte)),
                pool.record.map(|bytes| number(bytes, Unit::Byte)),
                option(pool.compression.as_ref()),
                text(pool.drives.iter().cloned().collect::<Vec<_>>().join(" ")),
            ]
        };
        list("ZFS pools", COLUMNS, &self.pools, row)
    }

    fn gpu_table(&self) -> Table {
        const COLUMNS: &[&str] = &["address", "model", "driver", "link", "node", "memory", "power", "temperature"];
        let row = |gpu: &crate::Gpu| -> TableRow {
            vec![
                text(&gpu.address),
                option(gpu.model.as_ref()),
                option(gpu.driver.as_ref()),
                link(gpu.link),
                count(gpu.node),
                gpu.memory.map(|bytes| number(bytes as f64, Unit::Byte)),
                gpu.watts.map(|watts| number(watts, Unit::Watt)),
                gpu.temperature.map(|degrees| number(degrees, Unit::Celsius)),
            ]
        };
        list("GPUs", COLUMNS, &self.gpus, row)
    }

    fn nic_table(&self) -> Table {
        const COLUMNS: &[&str] = &["name", "device", "driver", "state", "Gbit/s", "MTU", "node", "address"];
        let row = |nic: &crate::Nic| -> TableRow {
            vec![
                text(&nic.name),
                option(nic.device.as_ref()),
                option(nic.driver.as_ref()),
                option(nic.state.as_ref()),
                nic.speed.map(|bits| number(bits as f64 / 1e9, Unit::Count)),
                nic.mtu.map(|bytes| number(bytes as f64, Unit::Count)),
                count(nic.node),
                option(nic.mac.as_ref()),
            ]
        };
        list("network", COLUMNS, &self.nics, row)
    }

    fn sensor_table(&self) -> Table {
        const COLUMNS: &[&str] = &["chip", "sensor", "value", "critical"];
        let row = |sensor: &crate::Sensor| -> TableRow {
            let unit = match sensor.kind {
                crate::Kind::Temperature => Unit::Celsius,
                crate::Kind::Power => Unit::Watt,
            };
            let critical = sensor.critical.map(|value| number(value, unit));
            vec![text(&sensor.chip), text(&sensor.label), Some(number(sensor.value, unit)), critical]
        };
        list("sensors", COLUMNS, &self.sensors, row)
    }

    fn power_table(&self) -> Table {
        const COLUMNS: &[&str] = &["domain", "covers", "counter"];
        let row = |domain: &crate::PowerDomain| -> TableRow {
            let counter = if domain.energy.is_ok() { "readable" } else { "for root only" };
            vec![text(&domain.zone), text(&domain.name), text(counter)]
        };
        list("energy counters", COLUMNS, &self.power, row)
    }

    fn bmc_table(&self) -> Table {
        const COLUMNS: &[&str] = &["sensor", "of", "value"];
        let rows = self.bmc.found.as_ref().map_err(Clone::clone).map(|bmc| {
            let row = |sensor: &crate::BmcSensor| -> TableRow {
                let value = match sensor.value {
                    BmcValue::Celsius(degrees) => Some(number(degrees, Unit::Celsius)),
                    BmcValue::Watts(watts) => Some(number(watts, Unit::Watt)),
                    BmcValue::Supply { present: false, .. } => text("not there"),
                    BmcValue::Supply { failed: true, .. } => text("failed"),
                    BmcValue::Supply { .. } => text("works"),
                    BmcValue::Redundant(true) => text("redundant"),
                    BmcValue::Redundant(false) => text("not redundant"),
                };
                vec![text(&sensor.name), text(format!("{:?}", sensor.entity).to_lowercase()), value]
            };
            let power = bmc.watts.map(|(watts, name)| vec![text(name), text("host"), Some(number(watts, Unit::Watt))]);
            let cut = (!bmc.whole).then(|| vec![text("(the list was not read to its end)"), None, None]);
            power.into_iter().chain(bmc.sensors.iter().map(row)).chain(cut).collect()
        });
        Table { title: "management controller", columns: COLUMNS, rows, source: self.bmc.source }
    }

    fn controller_table(&self) -> Table {
        const COLUMNS: &[&str] = &["controller", "corrected errors", "uncorrected errors"];
        let row = |controller: &crate::MemoryController| -> TableRow {
            vec![
                text(&controller.name),
                Some(number(controller.corrected as f64, Unit::Count)),
                Some(number(controller.uncorrected as f64, Unit::Count)),
            ]
        };
        list("memory controllers", COLUMNS, &self.memory_controllers, row)
    }
}

fn list<T>(
    title: &'static str,
    columns: &'static [&'static str],
    probe: &crate::Probe<Vec<T>>,
    row: impl FnMut(&T) -> TableRow,
) -> Table {
    let rows = probe.found.as_ref().map_err(Clone::clone).map(|all| all.iter().map(row).collect());
    Table { title, columns, rows, source: probe.source }
}
