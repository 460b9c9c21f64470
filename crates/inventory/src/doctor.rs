//! Advice before a measurement: what on this host would spoil it, and the command that mends it.

use std::path::Path;
use std::time::Duration;

use measure::{Quantity, Unit};

use crate::sensors::is_processor_or_drive;
use crate::sysfs::Tree;
use crate::{BmcValue, Entity, Inventory};

mod activity;

use activity::{Activity, Process};

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

/// What is left of the host to this process. Whoever controls the host tells it: this crate only reads.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Grant {
    /// The CPUs that it may run on; `None` where that is not known.
    pub cpus: Option<Cpus>,
    /// The CPUs that are switched on; `None` where that is not known.
    pub online: Option<Cpus>,
    /// The CPUs that are there but switched off.
    pub offline: Option<Cpus>,
    /// How many CPUs' time it may take, where a control group limits that.
    pub cpu_time: Option<Limit>,
    /// Bytes of memory that it may take, where a control group limits that.
    pub memory: Option<Limit>,
}

/// Some of the host's CPUs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cpus {
    /// How many.
    pub count: usize,
    /// Which, as Linux writes them: `0-3,8`.
    pub list: String,
}

/// A limit that can be lifted.
#[derive(Clone, Debug, PartialEq)]
pub struct Limit {
    /// The limit.
    pub value: f64,
    /// The command that lifts it.
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
/// CPU time of others, as a share of all, that a measurement bears; and that of the hypervisor.
const BUSY: (f64, f64) = (0.05, 0.02);
/// Bytes a second of others that a drive's measurement bears.
const TRAFFIC: f64 = 1e6;
/// How long others are watched.
const WINDOW: Duration = Duration::from_millis(300);

/// All advice for the host under `root`, of which this inventory was taken, where records and test files would lie in
/// `folder`.
#[must_use]
pub fn advise(root: &Path, inventory: &Inventory, grant: &Grant, folder: &Path) -> Vec<Advice> {
    let tree = Tree::new(root);
    let mut advice = Vec::new();
    kernel(inventory, &mut advice);
    limits(inventory, &mut advice);
    space(&tree, folder, &mut advice);
    granted(&tree, grant, inventory, &mut advice);
    let drives: Vec<String> = inventory.drives.found.iter().flatten().flat_map(|drive| drive.names.clone()).collect();
    others(&activity::watch(&tree, &drives, WINDOW), inventory, &mut advice);
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

fn limits(inventory: &Inventory, advice: &mut Vec<Advice>) {
    let facts = &inventory.facts;
    if facts.number("os.file_handles").is_some_and(|files| files < FEW_FILES) {
        tell(
            advice,
            format!("a process may open {} files", facts.number("os.file_handles").unwrap_or_default()),
            "pools of workers with shared memory need more",
            "sudo prlimit --nofile=1048576 --pid $$",
        );
    }
    if facts.number("os.memlock").is_some_and(|bytes| bytes < LITTLE_MEMLOCK) {
        tell(
            advice,
            "little memory may be locked (ulimit -l)",
            "buffers cannot be registered with the kernel, so storage figures pay for mapping them each time",
            "sudo prlimit --memlock=unlimited --pid $$",
        );
    }
    let half = facts.number("memory.total").map(|total| total * 0.45);
    if facts.number("os.shm").zip(half).is_some_and(|(shm, half)| shm < half) {
        tell(
            advice,
            "/dev/shm is smaller than half of the memory",
            "workloads that share arrays between processes do not fit",
            "sudo mount -o remount,size=75% /dev/shm",
        );
    }
}

fn space(tree: &Tree, folder: &Path, advice: &mut Vec<Advice>) {
    let stat = tree.is_live().then(|| rustix::fs::statvfs(folder).ok()).flatten();
    let free = stat.map(|stat| stat.f_bavail as f64 * stat.f_frsize as f64);
    if let Some(free) = free.filter(|free| *free < LITTLE_SPACE) {
        tell(
            advice,
            format!("the file system of {} has {} left", folder.display(), Quantity::new(free, Unit::Byte)),
            "records and test files do not fit, and nearly full drives write slower",
            "df -h   # then: hostproof run --out FOLDER --scratch FOLDER, with one that has room",
        );
    }
}

/// What control groups and affinity leave of the host.
fn granted(tree: &Tree, grant: &Grant, inventory: &Inventory, advice: &mut Vec<Advice>) {
    let facts = &inventory.facts;
    let threads = facts.number("cpu.threads");
    if let Some((limit, threads)) = grant.cpu_time.as_ref().zip(threads).filter(|(limit, n)| limit.value < *n) {
        tell(
            advice,
            format!("a control group grants the time of {} CPUs of {threads}", limit.value),
            "the kernel stops the workers when their time is used up",
            &limit.command,
        );
    }
    let total = facts.number("memory.total");
    if let Some((limit, _)) = grant.memory.as_ref().zip(total).filter(|(limit, total)| limit.value < total * 0.95) {
        tell(
            advice,
            format!("a control group grants {} of memory", Quantity::new(limit.value, Unit::Byte)),
            "arrays are smaller than the host could hold, and the kernel reclaims while they are measured",
            &limit.command,
        );
    }
    if let Some((cpus, threads)) = grant.cpus.as_ref().zip(threads).filter(|(cpus, n)| (cpus.count as f64) < *n) {
        // Numbers have gaps where CPUs are switched off.
        let all = grant.online.as_ref().map_or_else(|| format!("0-{}", threads - 1.0), |online| online.list.clone());
        tell(
            advice,
            format!("this process may run on {} of {threads} CPUs ({})", cpus.count, cpus.list),
            "the others are not measured",
            format!("sudo taskset -cp {all} $$"),
        );
    }
    // Where SMT is switched off, so are the second threads of all cores.
    let smt = tree.word("/sys/devices/system/cpu/smt/control").unwrap_or_default();
    if let Some(off) = grant.offline.as_ref().filter(|off| off.count > 0 && !["off", "forceoff"].contains(&&*smt)) {
        let all = grant.online.as_ref().map_or(0, |online| online.count) + off.count;
        tell(
            advice,
            format!("{} of {all} CPUs are switched off ({})", off.count, off.list),
            "nothing of them is measured, and the others have their caches and power",
            format!("sudo chcpu -e {}", off.list),
        );
    }
}

/// Who else uses CPUs and drives.
fn others(activity: &Activity, inventory: &Inventory, advice: &mut Vec<Advice>) {
    let threads = inventory.facts.number("cpu.threads").unwrap_or(1.0);
    if activity.busy > threads * BUSY.0 {
        let busiest = largest(&activity.processes, |process| process.busy, 0.02);
        tell(
            advice,
            format!(
                "others kept {:.2} of {threads} CPUs busy for {:.1} s{}",
                activity.busy,
                activity.seconds,
                names(&busiest)
            ),
            "they take CPU time, caches and memory bandwidth from the measurement",
            stop(&busiest, "top -b -n 1 -o %CPU | head -20"),
        );
    }
    if activity.steal > BUSY.1 {
        tell(
            advice,
            format!("the hypervisor gave {:.0} % of the CPU time to others", activity.steal * 100.0),
            "what is measured then is what neighbours leave",
            "mpstat 1 5   # only the owner of the host can give this machine CPUs of its own",
        );
    }
    let used = activity.drives.iter().filter(|(_, bytes)| **bytes > TRAFFIC || **bytes == 0.0);
    for (drive, bytes) in used {
        let busiest = largest(&activity.processes, |process| process.bytes, TRAFFIC);
        tell(
            advice,
            format!(
                "others use {drive} ({} in the last {:.1} s){}",
                Quantity::new(*bytes, Unit::BytePerSecond),
                activity.seconds,
                names(&busiest)
            ),
            "another user of a drive takes its bandwidth and adds to its latency",
            stop(&busiest, "sudo iotop -o -b -n 3"),
        );
    }
}

/// The three processes with the most of something, and no less than `least`.
fn largest(processes: &[Process], of: fn(&Process) -> f64, least: f64) -> Vec<&Process> {
    let mut found: Vec<&Process> = processes.iter().filter(|process| of(process) >= least).collect();
    found.sort_by(|a, b| of(b).total_cmp(&of(a)));
    found.truncate(3);
    found
}

fn names(processes: &[&Process]) -> String {
    let names: Vec<String> = processes.iter().map(|process| format!("{} ({})", process.name, process.id)).collect();
    if names.is_empty() { String::new() } else { format!(": {}", names.join(", ")) }
}

/// Holds processes until they are let go on, and says which they are; `look` finds them where they are not known. What is
/// ours, what holds the host together and what must not be held in the middle of its work is not held.
fn stop(processes: &[&Process], look: &str) -> String {
    if let Some(busy) = processes.iter().find(|process| is_package_manager(&process.name)) {
        return format!("{look}   # wait for the end of {} ({}): it must not be held", busy.name, busy.id);
    }
    let held: Vec<&Process> = processes.iter().copied().filter(|process| !process.is_ours && process.id > 2).collect();
    let ids: Vec<String> = held.iter().map(|process| process.id.to_string()).collect();
    match ids.join(" ") {
        ids if ids.is_empty() => look.to_owned(),
        ids => format!("sudo kill -STOP {ids}   # these are{}; afterwards: sudo kill -CONT {ids}", names(&held)),
    }
}

/// Whether a process installs software: held in the middle of it, it leaves the host half of it and a lock. The kernel cuts
/// names after 15 characters.
fn is_package_manager(name: &str) -> bool {
    const NAMES: [&str; 18] = [
        "apk",
        "apt",
        "aptd",
        "aptitude",
        "dnf",
        "dpkg",
        "emerge",
        "flatpak",
        "fwupd",
        "microdnf",
        "nix-daemon",
        "packagekitd",
        "pacman",
        "rpm",
        "snapd",
        "unattended-upgr",
        "yum",
        "zypper",
    ];
    NAMES
        .iter()
        .any(|known| name.strip_prefix(known).is_some_and(|rest| !rest.starts_with(|c: char| c.is_alphanumeric())))
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
    heat(inventory, advice);
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
        let limit = drive.warm.unwrap_or(HOT).min(HOT);
        if let Some(degrees) = health.temperature.filter(|degrees| *degrees >= limit) {
            tell(advice, format!("{} is at {degrees:.0} °C", drive.name), "a hot drive throttles itself", device);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_may_be_held_is_held_and_by_its_name() {
        let process = |id, name: &str, is_ours| Process { id, name: name.to_owned(), is_ours, busy: 1.0, bytes: 0.0 };
        let check = |processes: &[Process], expect: &str| {
            assert_eq!(stop(&processes.iter().collect::<Vec<_>>(), "look"), expect);
        };
        check(&[], "look");
        check(
            &[process(70, "make", false), process(80, "bash", true), process(90, "cc1", false)],
            "sudo kill -STOP 70 90   # these are: make (70), cc1 (90); afterwards: sudo kill -CONT 70 90",
        );
        check(&[process(80, "bash", true)], "look");
        check(&[process(1, "systemd", false), process(2, "kthreadd", false)], "look");
        for name in ["apt", "apt-get", "dpkg", "dpkg-deb", "unattended-upgr", "dnf", "rpm"] {
            let expect = format!("look   # wait for the end of {name} (70): it must not be held");
            check(&[process(60, "make", false), process(70, name, false)], &expect);
        }
        check(
            &[process(70, "aptly", false)],
            "sudo kill -STOP 70   # these are: aptly (70); afterwards: sudo kill -CONT 70",
        );
    }
}
