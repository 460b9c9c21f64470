//! Advice before a measurement: what on this host would spoil it, and the command that mends it.

use std::path::Path;

use crate::inventory::tree::Tree;
use crate::inventory::{self, Inventory};
use crate::memory::cpu_quota;

/// Something to mend before measuring.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Advice {
    /// What was found. It may hold strings from outside, as they are.
    pub what: String,
    /// Why it spoils a measurement.
    pub why: &'static str,
    /// What mends it.
    pub command: String,
}

/// Wear from which a drive's write figures are in doubt.
const WORN: f64 = 0.8;
/// Temperature from which processors and drives may throttle (§5.2 of the documented system says 90 °C).
const HOT: f64 = 90.0;
/// Open files of a process that shared-memory pools of large hosts need at least.
const FEW_FILES: f64 = 65_536.0;
/// Bytes that registered buffers of a storage run need at least.
const LITTLE_MEMLOCK: f64 = (64_u64 << 20) as f64;

/// Bytes that records and the test file of a short storage run need.
const LITTLE_SPACE: f64 = 10e9;

/// All advice for the host under `root`.
#[must_use]
pub fn advise(root: &Path) -> Vec<Advice> {
    advise_on(root, &inventory::take(root))
}

/// The same for an inventory that was taken before.
#[must_use]
pub fn advise_on(root: &Path, inventory: &Inventory) -> Vec<Advice> {
    let tree = Tree::new(root);
    let mut advice = Vec::new();
    kernel(inventory, &mut advice);
    limits(root, &tree, inventory, &mut advice);
    load(&tree, inventory, &mut advice);
    hardware(inventory, &mut advice);
    advice
}

fn tell(advice: &mut Vec<Advice>, what: impl Into<String>, why: &'static str, command: impl Into<String>) {
    advice.push(Advice { what: what.into(), why, command: command.into() });
}

fn kernel(inventory: &Inventory, advice: &mut Vec<Advice>) {
    let facts = &inventory.facts;
    let text = |id: &str| match facts.value(id) {
        Some(measure::FactValue::Text(text)) => Some(text.as_str()),
        _ => None,
    };
    if let Some(governor) = text("os.governor").filter(|governor| *governor != "performance") {
        tell(
            advice,
            format!("the CPU frequency governor is {governor}"),
            "clocks rise only after a load has lasted, so short measurements are slow and uneven",
            "sudo cpupower frequency-set -g performance",
        );
    }
    if text("os.thp") == Some("never") {
        tell(
            advice,
            "transparent huge pages are off",
            "address translation then costs time in every memory figure",
            "echo madvise | sudo tee /sys/kernel/mm/transparent_hugepage/enabled",
        );
    }
    let many_nodes = facts.number("numa.nodes").is_some_and(|nodes| nodes > 1.0);
    if many_nodes && text("os.numa_balancing").is_some_and(|state| state != "0") {
        tell(
            advice,
            "automatic NUMA balancing is on",
            "it moves pages and takes faults while the clock runs",
            "sudo sysctl kernel.numa_balancing=0",
        );
    }
    if facts.number("os.swap").is_some_and(|bytes| bytes > 0.0) {
        tell(
            advice,
            "swap space is switched on",
            "pages of large arrays may be written out while they are measured",
            "sudo swapoff -a",
        );
    }
}

fn limits(root: &Path, tree: &Tree, inventory: &Inventory, advice: &mut Vec<Advice>) {
    let facts = &inventory.facts;
    if facts.number("os.file_handles").is_some_and(|files| files < FEW_FILES) {
        tell(
            advice,
            format!("a process may open {} files", facts.number("os.file_handles").unwrap_or_default()),
            "pools of workers with shared memory need more",
            "ulimit -n 1048576",
        );
    }
    if facts.number("os.memlock").is_some_and(|bytes| bytes < LITTLE_MEMLOCK) {
        tell(
            advice,
            "little memory may be locked (ulimit -l)",
            "buffers cannot be registered with the kernel, so storage figures pay for mapping them each time",
            "ulimit -l unlimited",
        );
    }
    let half = facts.number("memory.total").map(|total| total * 0.45);
    if facts.number("os.shm").zip(half).is_some_and(|(shm, half)| shm < half) {
        tell(
            advice,
            "/dev/shm is smaller than half of the memory",
            "workloads that share arrays between processes do not fit",
            "sudo mount -o remount,size=50% /dev/shm",
        );
    }
    let free = tree.is_live().then(|| rustix::fs::statvfs(".").ok()).flatten();
    let free = free.map(|stat| stat.f_bavail as f64 * stat.f_frsize as f64);
    if free.is_some_and(|bytes| bytes < LITTLE_SPACE) {
        tell(
            advice,
            format!("the file system of this folder has {:.1} GB left", free.unwrap_or_default() / 1e9),
            "records do not fit, and nearly full drives write slower",
            "df -h .",
        );
    }
    let threads = facts.number("cpu.threads");
    if let Some((quota, _)) = cpu_quota(root).zip(threads).filter(|(quota, threads)| quota < threads) {
        tell(
            advice,
            format!("a control group grants the time of {quota} CPUs, which is less than the host has"),
            "the kernel stops the workers when their time is used up",
            "systemd-run --scope -p CPUQuota= -- hostproof …",
        );
    }
}

fn load(tree: &Tree, inventory: &Inventory, advice: &mut Vec<Advice>) {
    let load = tree.word("/proc/loadavg").ok();
    let load: Option<f64> = load.and_then(|text| text.split_whitespace().next()?.parse().ok());
    let threads = inventory.facts.number("cpu.threads").unwrap_or(1.0);
    // One task is this program.
    if let Some(load) = load.filter(|load| *load > 1.0 + threads * 0.05) {
        tell(
            advice,
            format!("{load} tasks were running in the last minute"),
            "they take CPU time, caches and memory bandwidth from the measurement",
            "top -b -n 1 -o %CPU | head -20",
        );
    }
    for drive in inventory.drives.found.iter().flatten() {
        let inflight = tree.word(&format!("/sys/block/{}/inflight", drive.name)).unwrap_or_default();
        let requests: u64 =
            inflight.split_whitespace().filter_map(|word| word.parse::<u64>().ok()).fold(0, u64::saturating_add);
        if requests > 0 {
            tell(
                advice,
                format!("{} has {requests} requests in flight", drive.name),
                "another user of a drive takes its bandwidth and adds to its latency",
                "sudo iotop -o -b -n 3",
            );
        }
    }
}

fn hardware(inventory: &Inventory, advice: &mut Vec<Advice>) {
    drives(inventory, advice);
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
    for sensor in inventory.sensors.found.iter().flatten() {
        let limit = sensor.critical.filter(|critical| *critical > 0.0).map_or(HOT, |critical| critical.min(HOT));
        if inventory::sensors::is_processor_or_drive(sensor) && sensor.value >= limit {
            tell(
                advice,
                format!("{} {} is at {} °C", sensor.chip, sensor.label, sensor.value),
                "hot parts lower their clocks",
                "sudo ipmitool sdr type Fan",
            );
        }
    }
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

fn drives(inventory: &Inventory, advice: &mut Vec<Advice>) {
    for array in inventory.arrays.found.iter().flatten().filter(|array| array.degraded > 0) {
        tell(
            advice,
            format!("array {} lacks {} of {} devices", array.name, array.degraded, array.devices),
            "a mirror without its second half loses data with the next failure, and a rebuild takes its bandwidth",
            format!("sudo mdadm --detail /dev/{}", array.name),
        );
    }
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
        if health.temperature >= HOT {
            tell(
                advice,
                format!("{} is at {:.0} °C", drive.name, health.temperature),
                "a hot drive throttles itself",
                device,
            );
        }
    }
}
