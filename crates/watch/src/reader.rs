//! What there is to read on a host, looked up once, so that a scan costs little; and the scan.

use std::collections::BTreeMap;
use std::path::Path;

use inventory::bmc::{self, BmcValue, BmcWatch};
use inventory::sensors::{self, Kind, Sensor, is_drive, is_processor_or_drive};
use inventory::{CpuTicks, Health, Outside, Tree, pci_device};
use measure::{Sign, Vital, what_is_no_drive};

use crate::controller::{beside_the_kernel, of_controller};
use crate::kernel_log::KernelLog;
use crate::limits::{Held, Limits, SUSTAINED};

const PCI: &str = "/sys/bus/pci/devices";
const BLOCK: &str = "/sys/block";
const NVME: &str = "/sys/class/nvme";
const HWMON: &str = "/sys/class/hwmon";
const EDAC: &str = "/sys/devices/system/edac/mc";
const CPUS: &str = "/sys/devices/system/cpu";

/// Seconds between two questions to NVIDIA's library, which costs more than all files together: a little less than a minute,
/// so that no reading a minute is missed.
const GPU_EVERY: f64 = 55.0;
/// Clocks are read of so many processors: the kernel interrupts each one for it.
const CLOCKS: usize = 16;
/// Requests to a drive since the reading before, without which their mean time says little.
const REQUESTS: u64 = 100;
/// Seconds that a request to a flash drive, and to one that turns, may take in the mean: both far above a deep queue's.
const SLOW_FLASH: f64 = 1.0;
const SLOW_DISK: f64 = 5.0;
/// The share of spare capacity from which makers call a drive about to fail.
const LEAST_SPARE: f64 = 0.1;
/// No sensor is hotter: makers write such values for "no limit".
const NO_DEGREES: f64 = 200.0;

/// What is watched where a host tells it, and by which values that shows.
const WATCHED: [(&str, &[Vital]); 11] = [
    ("memory errors by module (EDAC)", &[Vital::CorrectedErrors]),
    ("machine checks", &[Vital::MachineChecks]),
    ("errors of PCIe devices (AER)", &[Vital::PcieCorrected]),
    ("links of PCIe devices", &[Vital::LinkLanes]),
    ("temperatures", &[Vital::Temperature]),
    ("clocks", &[Vital::Clock]),
    ("throttling of processors", &[Vital::Throttles, Vital::Throttled]),
    ("media errors and wear of NVMe drives", &[Vital::MediaErrors]),
    ("fans", &[Vital::Fan]),
    ("power supplies", &[Vital::Supply]),
    ("power", &[Vital::Power]),
];
const KERNEL_LOG: &str = "the kernel's log";

/// A value of a part with the limit that it is held against.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Observed {
    pub(crate) sign: Sign,
    pub(crate) held: Option<Held>,
}

/// All that was read at one time.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Scan {
    /// When, in seconds since 1970.
    pub at: f64,
    /// What was read of each part.
    pub(crate) observed: Vec<Observed>,
    /// Lines of the kernel's log that tell of a fault, each with its part.
    pub(crate) log: Vec<(String, String)>,
}

impl Scan {
    /// The values.
    pub fn signs(&self) -> impl Iterator<Item = &Sign> {
        self.observed.iter().map(|observed| &observed.sign)
    }

    fn add(&mut self, part: impl Into<String>, vital: Vital, value: f64, held: Option<Held>) {
        self.observed.push(Observed { sign: Sign { part: part.into(), vital, value }, held });
    }

    /// What has no limit of its own, or one that follows from the first reading.
    fn note(&mut self, part: impl Into<String>, vital: Vital, value: Option<u64>) {
        if let Some(value) = value {
            self.add(part, vital, value as f64, None);
        }
    }
}

/// How worn a drive is.
#[derive(Clone, Debug, PartialEq)]
pub struct WornDrive {
    /// Its model and serial number, as far as it tells.
    pub drive: String,
    /// Endurance used, as a share.
    pub used: f64,
    /// Bytes that were written to it.
    pub written: f64,
}

/// A bound that is broken at once.
fn at_once(bound: f64) -> Held {
    Held { bound, sustained: 0.0 }
}

/// A file with one number of a part.
struct Counter {
    part: String,
    vital: Vital,
    file: String,
}

/// A drive in `/sys/block`.
struct BlockDrive {
    name: String,
    slow: f64,
}

/// Reads one host.
pub struct Reader {
    tree: Tree,
    limits: Limits,
    log: Option<KernelLog>,
    counters: Vec<Counter>,
    fans: Vec<(String, String, Option<f64>)>,
    /// Addresses of devices whose links and errors are read.
    devices: Vec<String>,
    drives: Vec<BlockDrive>,
    /// NVMe controllers.
    controllers: Vec<String>,
    /// Packages with their processors.
    packages: BTreeMap<String, Vec<u32>>,
    /// What the management controller tells, without what the kernel reads itself.
    bmc: BmcWatch,
    has_nvidia: bool,
    asked_gpus: Option<f64>,
    ticks: Option<CpuTicks>,
    /// Requests of each drive and their milliseconds, at the scan before.
    requests: BTreeMap<String, (u64, u64)>,
}

impl Reader {
    /// Looks up what there is below `root`; `/` is the live host.
    #[must_use]
    pub fn find(root: &Path, limits: Limits, outside: &dyn Outside) -> Reader {
        let tree = Tree::new(root);
        let fans = fans(&tree);
        Reader {
            bmc: beside_the_kernel(BmcWatch::find(outside), &tree, &fans),
            log: KernelLog::open(root),
            counters: memory_counters(&tree),
            fans,
            devices: devices(&tree),
            drives: drives(&tree),
            controllers: tree.names(NVME),
            packages: packages(&tree),
            has_nvidia: tree.has("/sys/module/nvidia"),
            asked_gpus: None,
            ticks: None,
            requests: BTreeMap::new(),
            limits,
            tree,
        }
    }

    /// What is not watched, because nothing that can be read here tells of it: by a scan, and by the kernel's log.
    #[must_use]
    pub fn not_watched(&self, scan: &Scan) -> Vec<String> {
        let is_read = |vitals: &[Vital]| scan.signs().any(|sign| vitals.contains(&sign.vital));
        let missing = WATCHED.iter().filter(|(_, vitals)| !is_read(vitals)).map(|(what, _)| (*what).to_owned());
        missing.chain(self.log.is_none().then(|| KERNEL_LOG.to_owned())).collect()
    }

    /// Whether the kernel's log can be read.
    #[must_use]
    pub fn reads_the_log(&self) -> bool {
        self.log.is_some()
    }

    /// Reads everything once, at this time in seconds since 1970.
    pub fn scan(&mut self, at: f64, outside: &dyn Outside) -> Scan {
        let mut scan = Scan { at, ..Scan::default() };
        self.heat(&mut scan, outside);
        for Counter { part, vital, file } in &self.counters {
            let allowed = (*vital == Vital::CorrectedErrors).then_some(self.limits.corrected);
            if let Ok(count) = self.tree.number(file) {
                scan.add(part, *vital, count as f64, allowed.map(at_once));
            }
        }
        self.links(&mut scan);
        self.health(&mut scan, outside);
        self.answers(&mut scan);
        self.processors(&mut scan);
        self.turns(&mut scan, outside);
        self.power(&mut scan, outside);
        let faults = self.log.as_mut().map(KernelLog::faults).unwrap_or_default();
        scan.log = faults.into_iter().map(|(part, line)| (part.to_owned(), line)).collect();
        scan
    }

    /// How worn the drives are, by model and serial number.
    pub fn wear(&self, outside: &dyn Outside) -> Vec<WornDrive> {
        let worn = |controller: &String| {
            let health = Health::parse(&outside.smart(controller).ok()?)?;
            let word = |file: &str| self.tree.word(&format!("{NVME}/{controller}/{file}")).ok();
            let drive = [word("model"), word("serial")].into_iter().flatten().collect::<Vec<_>>().join(" ");
            let drive = if drive.is_empty() { controller.clone() } else { drive };
            Some(WornDrive { drive, used: health.used, written: health.written })
        };
        self.controllers.iter().filter_map(worn).collect()
    }

    fn heat(&mut self, scan: &mut Scan, outside: &dyn Outside) {
        for sensor in sensors::sensors(&self.tree).unwrap_or_default().iter().filter(|one| is_processor_or_drive(one)) {
            let held = self.heat_limit(sensor);
            scan.add(sensor_name(sensor), Vital::Temperature, sensor.value, held);
        }
        for sensor in &self.bmc.heat {
            if let Some(degrees) = bmc::degrees(outside, sensor) {
                scan.add(of_controller(&sensor.name), Vital::Temperature, degrees, self.limits.temperature);
            }
        }
        let due = self.asked_gpus.is_none_or(|asked| scan.at - asked >= GPU_EVERY);
        if self.has_nvidia && due {
            self.asked_gpus = Some(scan.at);
            for gpu in outside.nvidia().map(|nvidia| nvidia.gpus).unwrap_or_default() {
                if let Some(degrees) = gpu.temperature {
                    scan.add(format!("GPU {}", gpu.address), Vital::Temperature, degrees, self.limits.temperature);
                }
            }
        }
    }

    /// Processors and GPUs keep what the specification says; drives and memory what they say themselves.
    fn heat_limit(&self, sensor: &Sensor) -> Option<Held> {
        let own =
            [sensor.high, sensor.critical].into_iter().flatten().filter(|limit| (1.0..NO_DEGREES).contains(limit));
        let own = own.reduce(f64::min).map(|bound| Held { bound, sustained: SUSTAINED });
        let is_own = is_drive(sensor) || ["jc42", "spd5118"].contains(&sensor.chip.as_str());
        if is_own { own.or(self.limits.temperature) } else { self.limits.temperature.or(own) }
    }

    fn links(&self, scan: &mut Scan) {
        for address in self.devices.iter().filter(|address| self.tree.has(&format!("{PCI}/{address}"))) {
            let device = pci_device(&self.tree, address.clone());
            let is_drive = device.class >> 8 == 0x0108;
            scan.note(address, Vital::PcieCorrected, device.corrected);
            scan.note(address, Vital::PcieUncorrected, device.uncorrected);
            if is_endpoint(device.class) {
                scan.add(address, Vital::Present, 1.0, None);
                let held = self.limits.drive_lanes.filter(|_| is_drive).map(at_once);
                if let Some(lanes) = device.link.lanes {
                    scan.add(address, Vital::LinkLanes, f64::from(lanes), held);
                } else if self.is_lost(address) {
                    // Less than it had, where it had any: some devices never tell.
                    scan.add(address, Vital::LinkLanes, 0.0, None);
                }
            }
            // A GPU that rests runs its link slower.
            if let Some(generation) = device.link.generation.filter(|_| matches!(device.class >> 16, 0x01 | 0x02)) {
                let held = self.limits.drive_generation.filter(|_| is_drive).map(at_once);
                scan.add(address, Vital::LinkGeneration, f64::from(generation), held);
            }
        }
    }

    /// Whether a device that should tell its lanes does not: one that fell off the bus reads as 63, 0 or not at all. One
    /// without power does the same and is well.
    fn is_lost(&self, address: &str) -> bool {
        let at = |file: &str| format!("{PCI}/{address}/{file}");
        let is_off = self.tree.word(&at("power_state")).is_ok_and(|state| state == "D3cold");
        self.tree.has(&at("current_link_width")) && !is_off
    }

    fn health(&self, scan: &mut Scan, outside: &dyn Outside) {
        for controller in &self.controllers {
            let Some(health) = outside.smart(controller).ok().and_then(|page| Health::parse(&page)) else { continue };
            scan.add(controller, Vital::Wear, health.used, Some(self.limits.wear));
            // A drive that tells neither has not run out of it.
            if health.spare > 0.0 || health.spare_threshold > 0.0 {
                let least = health.spare_threshold.max(LEAST_SPARE);
                scan.add(controller, Vital::Spare, health.spare, Some(at_once(least)));
            }
            scan.add(controller, Vital::CriticalWarning, f64::from(health.critical), Some(at_once(0.0)));
            scan.add(controller, Vital::MediaErrors, health.media_errors, None);
            scan.add(controller, Vital::DriveThrottled, health.throttled, None);
        }
    }

    /// How long drives took for requests since the scan before.
    fn answers(&mut self, scan: &mut Scan) {
        for BlockDrive { name, slow } in &self.drives {
            if self.tree.has(&format!("{BLOCK}/{name}")) {
                scan.add(name, Vital::Present, 1.0, None);
            }
            let Some(now) = self.tree.text(&format!("{BLOCK}/{name}/stat")).ok().and_then(|stat| requests(&stat))
            else {
                continue;
            };
            if let Some(before) = self.requests.insert(name.clone(), now) {
                let (count, time) = (now.0.saturating_sub(before.0), now.1.saturating_sub(before.1));
                if count >= REQUESTS {
                    scan.add(name, Vital::AnswerTime, time as f64 / 1e3 / count as f64, Some(at_once(*slow)));
                }
            }
        }
    }

    fn processors(&mut self, scan: &mut Scan) {
        let tree = &self.tree;
        for (package, cpus) in &self.packages {
            let read = |file: &str| {
                let files = cpus.iter().map(|cpu| format!("{CPUS}/cpu{cpu}/thermal_throttle/{file}"));
                files.filter_map(|file| tree.number(&file).ok()).collect::<Vec<u64>>()
            };
            let (cores, whole) = (read("core_throttle_count"), read("package_throttle_count"));
            let count = cores.iter().chain(whole.iter().max()).copied().reduce(u64::saturating_add);
            scan.note(format!("package {package}"), Vital::Throttles, count);
            if let Some(longest) = read("package_throttle_total_time_ms").into_iter().max() {
                scan.add(format!("package {package}"), Vital::Throttled, longest as f64 / 1e3, None);
            }
        }
        // Exceptions, and errors that are put off.
        for row in ["MCE", "DFR"] {
            scan.note(format!("processors {row}"), Vital::MachineChecks, self.interrupts(row));
        }
        let ticks = self.tree.text("/proc/stat").ok().and_then(|stat| CpuTicks::parse(stat.strip_prefix("cpu ")?));
        let passed = ticks.zip(self.ticks).map(|(now, before)| now.since(before)).filter(|passed| passed.all > 0);
        if let Some(passed) = passed {
            scan.add("processors", Vital::Busy, passed.busy as f64 / passed.all as f64, None);
        }
        self.ticks = ticks;
        if let Some(clock) = self.clock() {
            scan.add("processors", Vital::Clock, clock, self.limits.clock);
        }
    }

    /// All interrupts of a row of `/proc/interrupts`.
    fn interrupts(&self, row: &str) -> Option<u64> {
        let text = self.tree.text("/proc/interrupts").ok()?;
        let counts = text.lines().find_map(|line| line.trim_start().strip_prefix(row)?.strip_prefix(':'))?;
        let counts = counts.split_whitespace().map_while(|count| count.parse::<u64>().ok());
        Some(counts.fold(0, u64::saturating_add))
    }

    /// The mean clock of some processors of all packages.
    fn clock(&self) -> Option<f64> {
        let each = CLOCKS.div_ceil(self.packages.len().max(1));
        let some = self.packages.values().flat_map(|cpus| cpus.iter().step_by(cpus.len().div_ceil(each).max(1)));
        let files = some.map(|cpu| format!("{CPUS}/cpu{cpu}/cpufreq/scaling_cur_freq"));
        let clocks: Vec<u64> = files.filter_map(|file| self.tree.number(&file).ok()).collect();
        (!clocks.is_empty()).then(|| clocks.iter().map(|&khz| khz as f64 * 1e3).sum::<f64>() / clocks.len() as f64)
    }

    fn turns(&self, scan: &mut Scan, outside: &dyn Outside) {
        for (part, file, least) in &self.fans {
            if let Ok(turns) = self.tree.number(file) {
                scan.add(part, Vital::Fan, turns as f64, least.map(at_once));
            }
        }
        for fan in &self.bmc.fans {
            if let Some(turns) = fan.turns(outside) {
                // A controller that begins anew has no readings for some seconds.
                let held = Held { bound: fan.least, sustained: SUSTAINED };
                scan.add(of_controller(&fan.sensor.name), Vital::Fan, turns, Some(held));
            }
        }
    }

    fn power(&self, scan: &mut Scan, outside: &dyn Outside) {
        if let Some((meter, watts)) = self.bmc.meter.as_ref().and_then(|meter| Some((meter, meter.watts(outside)?))) {
            scan.add(meter.name(), Vital::Power, watts, None);
        }
        let sensors = sensors::sensors(&self.tree).unwrap_or_default();
        for sensor in sensors.iter().filter(|sensor| sensor.kind == Kind::Power) {
            scan.add(sensor_name(sensor), Vital::Power, sensor.value, None);
        }
        for supply in &self.bmc.supplies {
            let works = match bmc::supply(outside, supply) {
                Some(BmcValue::Supply { present, failed }) => present && !failed,
                Some(BmcValue::Redundant(redundant)) => redundant,
                _ => continue,
            };
            scan.add(&supply.name, Vital::Supply, f64::from(u8::from(works)), None);
        }
    }
}

/// The device and what of it: `coretemp.0 Package id 0`.
fn sensor_name(sensor: &Sensor) -> String {
    format!("{} {}", sensor.device.as_ref().unwrap_or(&sensor.chip), sensor.label)
}

/// Counters of memory errors by module, or by controller where the kernel does not tell modules apart.
fn memory_counters(tree: &Tree) -> Vec<Counter> {
    let mut counters = Vec::new();
    for controller in tree.names(EDAC).into_iter().filter(|name| is_numbered(name, "mc")) {
        let folder = format!("{EDAC}/{controller}");
        let is_module = |name: &String| is_numbered(name, "dimm") || is_numbered(name, "rank");
        let modules: Vec<String> = tree.names(&folder).into_iter().filter(is_module).collect();
        let mut add = |part: &str, vital: Vital, file: String| {
            if tree.has(&file) {
                counters.push(Counter { part: part.to_owned(), vital, file });
            }
        };
        for module in &modules {
            let part = tree.word(&format!("{folder}/{module}/dimm_label"));
            let part = part.unwrap_or_else(|_| format!("{controller} {module}"));
            add(&part, Vital::CorrectedErrors, format!("{folder}/{module}/dimm_ce_count"));
            add(&part, Vital::UncorrectedErrors, format!("{folder}/{module}/dimm_ue_count"));
        }
        // What no module could be named for.
        let rest = if modules.is_empty() { "" } else { "noinfo_" };
        add(&controller, Vital::CorrectedErrors, format!("{folder}/ce_{rest}count"));
        add(&controller, Vital::UncorrectedErrors, format!("{folder}/ue_{rest}count"));
    }
    counters
}

fn is_numbered(name: &str, prefix: &str) -> bool {
    name.strip_prefix(prefix).is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Fans that turn, with the turns below which their chip calls an alarm; at least one.
fn fans(tree: &Tree) -> Vec<(String, String, Option<f64>)> {
    let mut fans = Vec::new();
    for chip in tree.names(HWMON) {
        let folder = format!("{HWMON}/{chip}");
        let name = tree.word(&format!("{folder}/name")).unwrap_or_else(|_| chip.clone());
        for file in tree.names(&folder) {
            let Some(channel) = file.strip_suffix("_input").filter(|channel| is_numbered(channel, "fan")) else {
                continue;
            };
            let input = format!("{folder}/{file}");
            // A channel without a fan stands still from the beginning.
            if tree.number(&input).is_ok_and(|turns| turns > 0) {
                let least = tree.number(&format!("{folder}/{channel}_min")).unwrap_or(0).max(1);
                let label = tree.word(&format!("{folder}/{channel}_label")).unwrap_or_else(|_| channel.to_owned());
                fans.push((format!("{name} {label}"), input, Some(least as f64)));
            }
        }
    }
    fans
}

/// Drives, network cards, displays and accelerators.
fn is_endpoint(class: u32) -> bool {
    matches!(class >> 16, 0x01 | 0x02 | 0x03 | 0x0b | 0x12)
}

/// Devices with something to watch: endpoints, but for functions that a driver makes and removes, and whatever counts errors.
fn devices(tree: &Tree) -> Vec<String> {
    let is_watched = |address: &String| {
        let at = |file: &str| format!("{PCI}/{address}/{file}");
        let class = tree.number(&at("class")).ok().and_then(|class| u32::try_from(class).ok()).unwrap_or_default();
        (is_endpoint(class) || tree.has(&at("aer_dev_correctable"))) && !tree.has(&at("physfn"))
    };
    tree.names(PCI).into_iter().filter(is_watched).collect()
}

fn drives(tree: &Tree) -> Vec<BlockDrive> {
    let is_drive =
        |name: &String| what_is_no_drive(name).is_none() && tree.number(&format!("{BLOCK}/{name}/removable")) != Ok(1);
    let drive = |name: String| BlockDrive {
        slow: if tree.number(&format!("{BLOCK}/{name}/queue/rotational")) == Ok(1) { SLOW_DISK } else { SLOW_FLASH },
        name,
    };
    tree.names(BLOCK).into_iter().filter(is_drive).map(drive).collect()
}

/// Requests that a drive has answered, and the milliseconds that they took: reads and writes of `/sys/block/*/stat`.
fn requests(stat: &str) -> Option<(u64, u64)> {
    let fields: Vec<u64> = stat.split_whitespace().map_while(|field| field.parse().ok()).collect();
    let sum = |one: usize, other: usize| Some(fields.get(one)?.saturating_add(*fields.get(other)?));
    Some((sum(0, 4)?, sum(3, 7)?))
}

fn packages(tree: &Tree) -> BTreeMap<String, Vec<u32>> {
    let mut packages: BTreeMap<String, Vec<u32>> = BTreeMap::new();
    for name in tree.names(CPUS).into_iter().filter(|name| is_numbered(name, "cpu")) {
        let package = tree.word(&format!("{CPUS}/{name}/topology/physical_package_id"));
        if let (Ok(package), Some(Ok(cpu))) = (package, name.strip_prefix("cpu").map(str::parse)) {
            packages.entry(package).or_default().push(cpu);
        }
    }
    packages
}
