//! The management controller: what the kernel tells of it, and what `ipmitool` reads quickly enough.

use measure::{Facts, Unit};

use super::outside::Outside;
use super::tree::{Found, Lack, Tree, field, note_number, note_text};

const DEVICES: &str = "/sys/devices/platform";

/// The management controller.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Bmc {
    /// Firmware version.
    pub firmware: Option<String>,
    /// Version of IPMI that it speaks.
    pub ipmi: Option<String>,
    /// Power that the whole host draws now, in watts.
    pub watts: Option<f64>,
    /// State of the supplies, one line each, as the controller words it.
    pub supplies: Vec<String>,
}

/// Adds the facts of the management controller, and returns what it says.
pub(super) fn probe(tree: &Tree, outside: &dyn Outside, facts: &mut Facts) -> Found<Bmc> {
    let found = read(tree, outside);
    let firmware = found.clone().and_then(|bmc| bmc.firmware.ok_or(Lack::Absent));
    note_text(facts, "bmc.version", firmware, "/sys/devices/platform/ipmi_bmc.*, ipmitool mc info");
    let redundancy = found.clone().and_then(|bmc| redundancy(&bmc.supplies).ok_or(Lack::Absent));
    note_text(facts, "power.supply_redundancy", redundancy, "ipmitool sdr type");
    // Idle and peak are measured under a load or without one; the controller's figure of now is neither.
    if !facts.0.contains_key("power.supplies") || facts.number("power.supplies").is_none() {
        let present = found.clone().and_then(|bmc| present(&bmc.supplies).ok_or(Lack::Absent));
        note_number(facts, "power.supplies", Unit::Count, present, "ipmitool sdr type");
    }
    found
}

fn read(tree: &Tree, outside: &dyn Outside) -> Found<Bmc> {
    let mut bmc = Bmc::default();
    for device in tree.names(DEVICES).into_iter().filter(|name| name.starts_with("ipmi_bmc")) {
        bmc.firmware = tree.word(&format!("{DEVICES}/{device}/firmware_revision")).ok();
        bmc.ipmi = tree.word(&format!("{DEVICES}/{device}/ipmi_version")).ok();
    }
    if !tree.has("/dev/ipmi0") && bmc == Bmc::default() {
        return Err(Lack::Absent);
    }
    // Each answer takes the controller a while, so they are asked for side by side.
    let (info, power, supplies) = std::thread::scope(|scope| {
        let info = scope.spawn(|| outside.tool("ipmitool", &["mc", "info"]));
        let power = scope.spawn(|| host_power(outside));
        let supplies = outside.tool("ipmitool", &["sdr", "type", "Power Supply"]);
        let lost = || Lack::failed("ipmitool could not be run");
        (info.join().unwrap_or_else(|_| Err(lost())), power.join().unwrap_or_else(|_| Err(lost())), supplies)
    });
    if let Ok(info) = &info {
        bmc.firmware = field(info, "Firmware Revision").map(str::to_owned).or(bmc.firmware);
        bmc.ipmi = field(info, "IPMI Version").map(str::to_owned).or(bmc.ipmi);
    }
    bmc.watts = power.ok();
    bmc.supplies = supplies.unwrap_or_default().lines().map(str::to_owned).collect();
    match info {
        Err(lack) if bmc == Bmc::default() => Err(lack),
        _ => Ok(bmc),
    }
}

/// The power in watts that the whole host draws now, by its management controller (DCMI).
pub fn host_power(outside: &dyn Outside) -> Result<f64, Lack> {
    let text = outside.tool("ipmitool", &["dcmi", "power", "reading"])?;
    let watts = field(&text, "Instantaneous power reading").and_then(|reading| reading.split_whitespace().next());
    let watts = watts.and_then(|watts| watts.parse::<u32>().ok());
    watts.map(f64::from).ok_or_else(|| Lack::failed("the controller's answer holds no power reading"))
}

/// Whether the controller calls the supplies redundant; nothing where it has no such sensor.
fn redundancy(supplies: &[String]) -> Option<String> {
    let line = supplies.iter().find(|line| line.to_lowercase().contains("redundan"))?.to_lowercase();
    let lost = ["lost", "non-redundant", "degraded", "insufficient", "disabled"].iter().any(|word| line.contains(word));
    Some(if lost { "none" } else { "redundant" }.to_owned())
}

/// How many supplies the controller sees.
fn present(supplies: &[String]) -> Option<f64> {
    let count = supplies.iter().filter(|line| line.to_lowercase().contains("presence detected")).count();
    (count > 0).then_some(count as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn redundancy_is_what_the_controller_says() {
        let check = |line: &str, expect: Option<&str>| {
            assert_eq!(redundancy(&[line.to_owned()]).as_deref(), expect, "{line}");
        };
        check("PS Redundancy    | 77h | ok  |  7.1 | Fully Redundant", Some("redundant"));
        check("PS Redundancy    | 77h | ok  |  7.1 | Redundancy Lost", Some("none"));
        check("PS1 Status       | 62h | ok  | 10.1 | Presence detected", None);
    }
}
