//! What is wrong with the hardware itself, by what it says of itself.

use super::{Advice, Checkup, tell};
use crate::sensors::is_processor_or_drive;
use crate::{BmcValue, Entity, Inventory};

/// Wear from which a drive's write figures are in doubt.
const WORN: f64 = 0.8;
/// Temperature from which processors and drives may throttle (§5.2 of the documented system says 90 °C).
const HOT: f64 = 90.0;

/// How many there are, where any is told.
fn count<T, E>(found: &Result<Vec<T>, E>) -> Option<String> {
    found.as_ref().ok().map(Vec::len).filter(|count| *count > 0).map(|count| format!("{count} looked at"))
}

pub(super) fn examine(inventory: &Inventory, checkup: &mut Checkup) {
    let facts = &inventory.facts;
    checkup.look("disk arrays", count(&inventory.arrays.found), |advice| arrays(inventory, advice));
    checkup.look("ZFS pools", count(&inventory.pools.found), |advice| pools(inventory, advice));
    checkup.look("links of the drives", count(&inventory.drives.found), |advice| links(inventory, advice));
    let drives = inventory.drives.found.as_ref().ok();
    let healthy = drives.map_or(0, |drives| drives.iter().filter(|drive| drive.health.is_ok()).count());
    let healthy = (healthy > 0).then(|| format!("{healthy} looked at"));
    checkup.look("health of the drives", healthy, |advice| health(inventory, advice));
    checkup.look("links of the GPUs", count(&inventory.gpus.found), |advice| gpus(inventory, advice));
    let sensors = count(&inventory.sensors.found).map(|count| format!("none hot ({count})"));
    checkup.look("temperatures", sensors, |advice| heat(inventory, advice));
    checkup.look("power supplies", inventory.bmc.found.as_ref().ok().map(|_| "none failed".to_owned()), |advice| {
        supplies(inventory, advice);
    });
    let channels = facts.number("memory.channels_missing").map(|_| "all have a DIMM that works".to_owned());
    checkup.look("memory channels", channels, |advice| channels_missing(inventory, advice));
    checkup.look("errors of memory", count(&inventory.memory_controllers.found), |advice| errors(inventory, advice));
    let rate = facts.number("memory.data_rate").map(|rate| format!("{} MT/s", rate / 1e6));
    checkup.look("data rate of memory", rate, |advice| data_rate(inventory, advice));
}

fn gpus(inventory: &Inventory, advice: &mut Vec<Advice>) {
    for gpu in inventory.gpus.found.iter().flatten() {
        // A sleeping GPU lowers the generation of its link, never its lanes.
        if gpu.link.lanes.zip(gpu.link.most_lanes).is_some_and(|(now, most)| now < most) {
            tell(
                advice,
                format!("GPU {} runs on {} of its PCIe lanes", gpu.address, gpu.link.lanes.unwrap_or_default()),
                "transfers between memory and the GPU are slower than the slot allows",
                format!("sudo lspci -vv -s {} | grep -E 'LnkCap|LnkSta'", gpu.address),
            );
        }
    }
}

fn channels_missing(inventory: &Inventory, advice: &mut Vec<Advice>) {
    let missing = inventory.facts.number("memory.channels_missing").unwrap_or(0.0);
    if missing > 0.0 {
        let (channels, verb) = if missing > 1.0 { ("channels", "have") } else { ("channel", "has") };
        tell(
            advice,
            format!("{missing} memory {channels} {verb} no DIMM that works, where the others have one"),
            "bandwidth falls by its share, and what is left is interleaved unevenly",
            "sudo dmidecode -t memory | grep -E 'Locator|Size'   # then reseat or replace the one that is missing",
        );
    }
}

fn errors(inventory: &Inventory, advice: &mut Vec<Advice>) {
    for controller in inventory.memory_controllers.found.iter().flatten() {
        if controller.corrected > 0 || controller.uncorrected > 0 {
            tell(
                advice,
                format!(
                    "memory controller {} counted {} corrected and {} uncorrected errors",
                    controller.name, controller.corrected, controller.uncorrected
                ),
                "a DIMM fails: errors cost bandwidth, and then data",
                "sudo ras-mc-ctl --errors",
            );
        }
    }
}

fn data_rate(inventory: &Inventory, advice: &mut Vec<Advice>) {
    let rates = (inventory.facts.number("memory.data_rate"), inventory.facts.number("memory.rated_data_rate"));
    if let (Some(configured), Some(rated)) = rates
        && configured < rated
    {
        tell(
            advice,
            format!("the DIMMs run at {} of the {} MT/s that they are rated for", configured / 1e6, rated / 1e6),
            "memory bandwidth is lower by the same share",
            "sudo dmidecode -t memory | grep -E 'Locator|Speed'",
        );
    }
}

fn heat(inventory: &Inventory, advice: &mut Vec<Advice>) {
    let mut hot = |what: String, degrees: f64| {
        let fans = "sudo ipmitool sdr type Fan";
        tell(advice, format!("{what} is at {degrees:.0} °C"), "hot parts lower their clocks", fans);
    };
    for sensor in inventory.sensors.found.iter().flatten() {
        let limit = sensor.critical.filter(|critical| *critical > 0.0).map_or(HOT, |critical| critical.min(HOT));
        if is_processor_or_drive(sensor) && sensor.value >= limit {
            hot(format!("{} {}", sensor.chip, sensor.label), sensor.value);
        }
    }
    for gpu in inventory.gpus.found.iter().flatten() {
        if let Some(degrees) = gpu.temperature.filter(|degrees| *degrees >= HOT) {
            hot(format!("GPU {}", gpu.address), degrees);
        }
    }
    let Ok(bmc) = &inventory.bmc.found else { return };
    for sensor in &bmc.sensors {
        match sensor.value {
            BmcValue::Celsius(degrees) if degrees >= HOT && !matches!(sensor.entity, Entity::Other(_)) => {
                hot(sensor.name.clone(), degrees);
            }
            _ => {}
        }
    }
}

fn supplies(inventory: &Inventory, advice: &mut Vec<Advice>) {
    let Ok(bmc) = &inventory.bmc.found else { return };
    let failed = bmc.sensors.iter().filter(|sensor| matches!(sensor.value, BmcValue::Supply { failed: true, .. }));
    for supply in failed {
        tell(
            advice,
            format!("power supply {} failed or has no input", supply.name),
            "the other one is alone, and at its limit firmware lowers the processors' clocks",
            "sudo ipmitool sdr type 'Power Supply'",
        );
    }
}

fn arrays(inventory: &Inventory, advice: &mut Vec<Advice>) {
    for array in inventory.arrays.found.iter().flatten().filter(|array| array.degraded > 0) {
        tell(
            advice,
            format!("array {} lacks {} of {} devices", array.name, array.degraded, array.devices),
            "a mirror without its second half loses data with the next failure, and a rebuild takes its bandwidth",
            format!("sudo mdadm --detail /dev/{}", array.name),
        );
    }
}

fn pools(inventory: &Inventory, advice: &mut Vec<Advice>) {
    for pool in inventory.pools.found.iter().flatten() {
        if pool.health.as_deref().is_some_and(|health| health != "ONLINE") {
            tell(
                advice,
                format!("pool {} is {}", pool.name, pool.health.clone().unwrap_or_default()),
                "a pool that is not whole is slower, or about to be lost",
                "zpool status -v",
            );
        }
    }
}

fn links(inventory: &Inventory, advice: &mut Vec<Advice>) {
    for drive in inventory.drives.found.iter().flatten() {
        if drive.link.is_degraded() {
            let (generation, lanes) = (drive.link.generation, drive.link.lanes);
            tell(
                advice,
                format!(
                    "{} runs at PCIe {} x{}, less than it can",
                    drive.name,
                    generation.unwrap_or_default(),
                    lanes.unwrap_or_default()
                ),
                "its bandwidth is cut by the same share",
                format!("sudo lspci -vv -s {}", drive.address.clone().unwrap_or_default()),
            );
        }
    }
}

fn health(inventory: &Inventory, advice: &mut Vec<Advice>) {
    for drive in inventory.drives.found.iter().flatten() {
        let Ok(health) = drive.health else { continue };
        let device = format!("sudo nvme smart-log /dev/{}", drive.name);
        if health.used >= WORN {
            tell(
                advice,
                format!("{} has used {:.0} % of its endurance", drive.name, health.used * 100.0),
                "a worn drive writes slower and may soon refuse to",
                device.clone(),
            );
        }
        if health.critical != 0 || health.media_errors > 0.0 {
            tell(
                advice,
                format!(
                    "{} warns ({:#04x}) or has media errors ({})",
                    drive.name, health.critical, health.media_errors
                ),
                "a failing drive retries, and then loses data",
                device.clone(),
            );
        }
        let limit = drive.warm.unwrap_or(HOT).min(HOT);
        if let Some(degrees) = health.temperature.filter(|degrees| *degrees >= limit) {
            tell(advice, format!("{} is at {degrees:.0} °C", drive.name), "a hot drive throttles itself", device);
        }
    }
}
