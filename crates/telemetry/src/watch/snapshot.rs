//! The counters of the kernel at one time, and what two such times tell.

use std::collections::BTreeMap;

use inventory::bmc::{self, Meter};
use inventory::sensors::{self, Kind, is_drive, is_processor_or_drive};
use inventory::{CpuTicks, Outside, ProcessCounters, SensorRecord, Tree};
use machine::{Clock, CpuSet};
use measure::Interval;

use super::{Point, Watch};

const CPUS: &str = "/sys/devices/system/cpu";
const PCI: &str = "/sys/bus/pci/devices";
const POWERCAP: &str = "/sys/class/powercap";

/// What there is to read on this host, looked up once, so that a sample costs little.
pub(super) struct Places {
    tree: Tree,
    watch: Watch,
    /// Energy counters of whole packages and of memory, each with its name and the joules at which it starts again.
    energy: Vec<(String, String, f64)>,
    /// Files with the error counts of PCIe devices.
    errors: Vec<String>,
    /// The management controller's power of the host.
    meter: Option<Meter>,
    /// Its sensors of the processors' heat, where the kernel reads none.
    heat: Vec<SensorRecord>,
    /// Whether NVIDIA's driver is there to be asked.
    nvidia: bool,
}

impl Places {
    pub(super) fn find(watch: &Watch, outside: &dyn Outside) -> Places {
        let tree = Tree::new(&watch.root);
        let domains = sensors::power_domains(&tree).unwrap_or_default();
        // Domains below a package are part of it, but for memory.
        let apart = |name: &str| ["package", "dram", "psys"].iter().any(|kind| name.starts_with(kind));
        let energy = domains.into_iter().filter(|domain| domain.energy.is_ok() && apart(&domain.name)).map(|domain| {
            let range = sensors::energy_range(&tree, &domain.zone).unwrap_or(0.0);
            (domain.zone, domain.name, range)
        });
        let energy = energy.collect();
        let kinds = ["aer_dev_correctable", "aer_dev_nonfatal", "aer_dev_fatal"];
        let errors = tree.names(PCI).into_iter().flat_map(|device| kinds.map(|kind| format!("{PCI}/{device}/{kind}")));
        let errors = errors.filter(|file| tree.has(file)).collect();
        let warm = sensors::sensors(&tree).unwrap_or_default().iter().any(is_processor_or_drive);
        let heat = if warm { Vec::new() } else { bmc::processor_heat(outside) };
        let nvidia = tree.has("/sys/module/nvidia");
        Places { watch: watch.clone(), energy, errors, meter: Meter::find(outside), heat, nvidia, tree }
    }

    /// Reads what takes its time: the management controller and NVIDIA's library.
    pub(super) fn ask(&self, outside: &dyn Outside) -> OutOfBand {
        let mut told = OutOfBand::default();
        if let Some(meter) = &self.meter {
            told.watts.extend(meter.watts(outside).map(|watts| (meter.name().to_owned(), watts)));
        }
        let degrees = self.heat.iter().filter_map(|sensor| bmc::degrees(outside, sensor));
        told.hottest = degrees.reduce(f64::max);
        let gpus =
            if self.nvidia { outside.nvidia().map(|nvidia| nvidia.gpus).unwrap_or_default() } else { Vec::new() };
        let drawn = gpus.iter().map(|gpu| gpu.draws).collect::<Option<Vec<f64>>>().filter(|all| !all.is_empty());
        told.watts.extend(drawn.map(|all| ("nvml GPUs".to_owned(), all.iter().sum())));
        told.hottest = gpus.iter().filter_map(|gpu| gpu.temperature).chain(told.hottest).reduce(f64::max);
        told
    }
}

/// What was told by others than the kernel's files.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct OutOfBand {
    watts: Vec<(String, f64)>,
    hottest: Option<f64>,
}

/// Counters of the watched processes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Own {
    ticks: u64,
    minor_faults: u64,
    major_faults: u64,
}

/// All counters at one time.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Snapshot {
    /// Nanoseconds of [`Clock::now`].
    at: u64,
    ticks: Option<CpuTicks>,
    own: Option<Own>,
    load: Option<f64>,
    clock: Option<f64>,
    hottest: Option<f64>,
    hottest_drive: Option<f64>,
    interrupts: Option<u64>,
    throttles: Option<u64>,
    watts: Vec<(String, f64)>,
    /// Joules by name, with the joules at which the counter starts again.
    energy: BTreeMap<String, (f64, f64)>,
    corrected: Option<u64>,
    uncorrected: Option<u64>,
    pcie_errors: Option<u64>,
}

impl Snapshot {
    pub(super) fn take(places: &Places, told: &OutOfBand) -> Snapshot {
        let tree = &places.tree;
        let sensors = sensors::sensors(tree).unwrap_or_default();
        let controllers = sensors::memory_controllers(tree).ok();
        let heat = sensors.iter().filter(|sensor| is_processor_or_drive(sensor)).map(|sensor| sensor.value);
        let drives = sensors.iter().filter(|sensor| is_drive(sensor)).map(|sensor| sensor.value);
        let power = sensors.iter().filter(|sensor| sensor.kind == Kind::Power);
        let power = power.map(|sensor| (format!("hwmon {} {}", sensor.chip, sensor.label), sensor.value));
        let energy = places.energy.iter().filter_map(|(zone, name, range)| {
            let microjoules = tree.number(&format!("{POWERCAP}/{zone}/energy_uj")).ok()?;
            Some((format!("rapl {name}"), (microjoules as f64 / 1e6, *range)))
        });
        Snapshot {
            at: Clock::now(),
            ticks: tree.text("/proc/stat").ok().and_then(|stat| ticks(&stat, &places.watch)),
            own: places.watch.processes.iter().map(|process| own(tree, *process)).try_fold(Own::default(), add),
            load: tree.word("/proc/loadavg").ok().and_then(|load| load.split_whitespace().next()?.parse().ok()),
            clock: clock(places),
            hottest: heat.chain(told.hottest).reduce(f64::max),
            hottest_drive: drives.reduce(f64::max),
            interrupts: tree.text("/proc/interrupts").ok().and_then(|text| interrupts(&text, &places.watch.workers)),
            throttles: throttles(places),
            watts: told.watts.iter().cloned().chain(power).collect(),
            energy: energy.collect(),
            corrected: controllers.as_ref().map(|all| sum(all.iter().map(|controller| controller.corrected))),
            uncorrected: controllers.as_ref().map(|all| sum(all.iter().map(|controller| controller.uncorrected))),
            pcie_errors: (!places.errors.is_empty())
                .then(|| sum(places.errors.iter().filter_map(|file| total(&tree.text(file).ok()?)))),
        }
    }

    /// The time since an earlier snapshot.
    pub(super) fn after(&self, before: &Snapshot) -> Interval {
        Interval::new(before.at, self.at)
    }

    /// What happened since an earlier snapshot.
    pub(super) fn since(&self, before: &Snapshot) -> Point {
        let grown = |now: Option<u64>, then: Option<u64>| Some(now?.saturating_sub(then?));
        let ticks = self.ticks.zip(before.ticks).map(|(now, then)| now.since(then));
        let ticks = ticks.filter(|ticks| ticks.all > 0);
        let own = grown(self.own.map(|own| own.ticks), before.own.map(|own| own.ticks));
        let share = |part: fn(&CpuTicks) -> u64| ticks.map(|ticks| part(&ticks) as f64 / ticks.all as f64);
        let mut watts = self.watts.clone();
        watts.extend(self.energy.iter().filter_map(|(name, &(joules, range))| {
            let used = joules - before.energy.get(name)?.0;
            // The counter started again.
            let used = if used < 0.0 { used + range } else { used };
            let length = self.after(before).seconds();
            (used >= 0.0 && length > 0.0).then(|| (name.clone(), used / length))
        }));
        Point {
            interval: self.after(before),
            steal: share(|ticks| ticks.steal),
            interrupts: share(|ticks| ticks.interrupts),
            interrupt_count: grown(self.interrupts, before.interrupts),
            other: ticks.zip(own).map(|(ticks, own)| ticks.busy.saturating_sub(own) as f64 / ticks.all as f64),
            load: self.load,
            minor_faults: grown(self.own.map(|own| own.minor_faults), before.own.map(|own| own.minor_faults)),
            major_faults: grown(self.own.map(|own| own.major_faults), before.own.map(|own| own.major_faults)),
            clock: self.clock,
            hottest: self.hottest,
            hottest_drive: self.hottest_drive,
            throttles: grown(self.throttles, before.throttles),
            watts,
            corrected: grown(self.corrected, before.corrected),
            uncorrected: grown(self.uncorrected, before.uncorrected),
            pcie_errors: grown(self.pcie_errors, before.pcie_errors),
        }
    }
}

/// A sum of counters that may hold anything.
fn sum(counters: impl Iterator<Item = u64>) -> u64 {
    counters.fold(0, u64::saturating_add)
}

/// The workers' CPUs in `/proc/stat`.
fn ticks(stat: &str, watch: &Watch) -> Option<CpuTicks> {
    let of_worker = |line: &str| {
        let (cpu, fields) = line.strip_prefix("cpu")?.split_once(' ')?;
        watch.workers.contains(cpu.parse().ok()?).then(|| CpuTicks::parse(fields))?
    };
    let sum = stat.lines().filter_map(of_worker).fold(CpuTicks::default(), CpuTicks::plus);
    (sum.all > 0).then_some(sum)
}

/// Interrupts of all kinds that the workers' CPUs served, in `/proc/interrupts`: a column for each CPU that is online.
fn interrupts(text: &str, workers: &CpuSet) -> Option<u64> {
    /// Lines with one figure for the whole host.
    const OF_ALL: [&str; 2] = ["ERR", "MIS"];
    let mut lines = text.lines();
    let cpus = lines.next()?.split_whitespace().map(|name| name.strip_prefix("CPU")?.parse::<u32>().ok());
    let watched: Vec<bool> = cpus.map(|cpu| cpu.is_some_and(|cpu| workers.contains(cpu))).collect();
    let mut sum = None;
    for (name, counts) in lines.filter_map(|line| line.split_once(':')) {
        if OF_ALL.contains(&name.trim()) {
            continue;
        }
        let counts = counts.split_whitespace().map_while(|count| count.parse::<u64>().ok());
        for (count, _) in counts.zip(&watched).filter(|(_, watched)| **watched) {
            sum = Some(sum.unwrap_or(0_u64).saturating_add(count));
        }
    }
    sum
}

/// How often the CPU time of a process and its children is read again while one of them ends.
const READS: usize = 3;

/// Faults of a process, and its CPU time with that of the processes that it started: of those that ended and were waited
/// for the kernel adds it up, those that run are asked. One that is waited for between the two readings would be missed, so
/// the sum is taken again where that happened.
fn own(tree: &Tree, process: u32) -> Option<Own> {
    let mut before = counters(tree, process)?;
    for _ in 0..READS {
        let running = running(tree, process);
        let after = counters(tree, process)?;
        if let Some(running) = running.filter(|_| after.waited_for == before.waited_for) {
            let ticks = after.ticks.saturating_add(after.waited_for).saturating_add(running);
            return Some(Own { ticks, minor_faults: after.minor_faults, major_faults: after.major_faults });
        }
        before = after;
    }
    None
}

fn counters(tree: &Tree, process: u32) -> Option<ProcessCounters> {
    ProcessCounters::parse(&tree.text(&format!("/proc/{process}/stat")).ok()?)
}

/// CPU time of the processes that a process started and that run; `None` where one of them could not be read.
fn running(tree: &Tree, process: u32) -> Option<u64> {
    let mut ticks = 0_u64;
    for child in children(tree, process) {
        match own(tree, child) {
            Some(own) => ticks = ticks.saturating_add(own.ticks),
            None if tree.has(&format!("/proc/{child}/stat")) => return None,
            // It ended, and its parent has its time.
            None => {}
        }
    }
    Some(ticks)
}

/// The processes that the threads of a process started. A kernel without lists of them (`CONFIG_PROC_CHILDREN`) has the
/// parent of each process.
fn children(tree: &Tree, process: u32) -> Vec<u32> {
    let tasks = format!("/proc/{process}/task");
    if tree.has(&format!("{tasks}/{process}/children")) {
        let of_thread = |thread: String| tree.text(&format!("{tasks}/{thread}/children")).unwrap_or_default();
        let lists: Vec<String> = tree.names(&tasks).into_iter().map(of_thread).collect();
        return lists.iter().flat_map(|list| list.split_whitespace()).filter_map(|child| child.parse().ok()).collect();
    }
    let all = tree.names("/proc").into_iter().filter_map(|name| name.parse::<u32>().ok());
    all.filter(|&other| counters(tree, other).is_some_and(|other| other.parent == process)).collect()
}

/// A process that has ended takes its counters with it: then there is no sum.
fn add(sum: Own, next: Option<Own>) -> Option<Own> {
    let next = next?;
    Some(Own {
        ticks: sum.ticks.saturating_add(next.ticks),
        minor_faults: sum.minor_faults.saturating_add(next.minor_faults),
        major_faults: sum.major_faults.saturating_add(next.major_faults),
    })
}

fn clock(places: &Places) -> Option<f64> {
    let clocks: Vec<f64> = (places.watch.workers.iter())
        .filter_map(|cpu| places.tree.number(&format!("{CPUS}/cpu{cpu}/cpufreq/scaling_cur_freq")).ok())
        .map(|kilohertz| kilohertz as f64 * 1e3)
        .collect();
    (!clocks.is_empty()).then(|| clocks.iter().sum::<f64>() / clocks.len() as f64)
}

/// Throttling of the workers' cores, and of their packages, which each of their CPUs tells again.
fn throttles(places: &Places) -> Option<u64> {
    let read = |file: &str| {
        let files = places.watch.workers.iter().map(|cpu| format!("{CPUS}/cpu{cpu}/thermal_throttle/{file}"));
        files.filter_map(|file| places.tree.number(&file).ok()).collect::<Vec<u64>>()
    };
    let (cores, packages) = (read("core_throttle_count"), read("package_throttle_count"));
    if cores.is_empty() && packages.is_empty() {
        return None;
    }
    let packages = packages.into_iter().max().unwrap_or_default();
    Some(cores.into_iter().fold(packages, u64::saturating_add))
}

/// The sum line of an AER file.
fn total(text: &str) -> Option<u64> {
    text.lines().find(|line| line.starts_with("TOTAL_ERR"))?.split_whitespace().nth(1)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::*;
    use inventory::{FilesOnly, Gpu, IpmiRequest, Nvidia, Unavailable};

    fn write(root: &Path, path: &str, text: &str) {
        let path = root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn stat(user: u64, steal: u64, idle: u64) -> String {
        format!(
            "cpu  9 9 9 9 9 9 9 9 0 0\ncpu0 {user} 0 0 {idle} 0 0 0 {steal} 0 0\ncpu1 999 0 0 0 0 0 0 0 0 0\nintr 5\n"
        )
    }

    #[test]
    fn two_times_tell_what_happened_between() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path();
        let at = |second: u64| {
            write(root, "proc/stat", &stat(60 * second, 10 * second, 30 * second));
            write(root, "proc/loadavg", "1.50 1 1 1/1 1\n");
            let fields = format!("7 (a) (b c) R 1 1 1 0 -1 0 {} 0 {} 0 {} 0 0 0", 100 * second, second, 8 * second);
            write(root, "proc/7/stat", &fields);
            // A process that it started, which started another, which has waited for a third.
            write(root, "proc/7/task/7/children", "8 \n");
            write(root, "proc/8/stat", &format!("8 (d) R 7 1 1 0 -1 0 0 0 0 0 {} 0 0 0", 7 * second));
            write(root, "proc/8/task/8/children", "");
            write(root, "proc/8/task/9/children", "10");
            write(root, "proc/10/stat", &format!("10 (e) R 8 1 1 0 -1 0 0 0 0 0 0 {} {second} {second}", 3 * second));
            write(root, "sys/class/powercap/intel-rapl:0/name", "package-0\n");
            write(root, "sys/class/powercap/intel-rapl:0/max_energy_range_uj", "500000000\n");
            // It starts again at 500 J.
            write(root, "sys/class/powercap/intel-rapl:0/energy_uj", &(400_000_000 * second % 500_000_000).to_string());
            write(
                root,
                "proc/interrupts",
                &format!(
                    "       CPU0  CPU1\n  1:  {}  9  IO-APIC timer\nLOC:  {second}  9  Local\nERR:  77\n",
                    40 * second
                ),
            );
            write(root, "sys/class/hwmon/hwmon1/name", "nvme\n");
            write(root, "sys/class/hwmon/hwmon1/temp1_input", "48000\n");
            write(root, "sys/class/powercap/intel-rapl:0:0/name", "dram\n");
            write(root, "sys/class/powercap/intel-rapl:0:0/energy_uj", &(20_000_000 * second).to_string());
            write(root, "sys/class/hwmon/hwmon0/name", "coretemp\n");
            write(root, "sys/class/hwmon/hwmon0/temp1_input", "71000\n");
            write(root, "sys/devices/system/edac/mc/mc0/ce_count", &(2 * second).to_string());
            write(root, "sys/devices/system/edac/mc/mc0/ue_count", "0\n");
            write(root, "sys/devices/system/cpu/cpu0/thermal_throttle/core_throttle_count", &second.to_string());
        };
        at(1);
        let watch = Watch { root: root.to_owned(), processes: vec![7], ..Watch::new("0".parse::<CpuSet>().unwrap()) };
        let places = Places::find(&watch, &FilesOnly);
        let first = Snapshot { at: 1_000_000_000, ..Snapshot::take(&places, &OutOfBand::default()) };
        at(2);
        let second = Snapshot { at: 3_000_000_000, ..Snapshot::take(&places, &OutOfBand::default()) };
        let point = second.since(&first);
        assert_eq!((point.steal, point.other, point.interrupts), (Some(0.1), Some(0.4), Some(0.0)));
        assert_eq!((point.minor_faults, point.major_faults), (Some(100), Some(1)));
        assert_eq!((point.hottest, point.load, point.throttles), (Some(71.0), Some(1.5), Some(1)));
        assert_eq!((point.corrected, point.uncorrected, point.pcie_errors), (Some(2), Some(0), None));
        assert_eq!((point.hottest_drive, point.interrupt_count), (Some(48.0), Some(41)));
        let watts = [("rapl dram of package-0".to_owned(), 10.0), ("rapl package-0".to_owned(), 200.0)];
        assert_eq!(point.watts, watts);
    }

    #[test]
    fn an_empty_host_tells_nothing_and_breaks_nothing() {
        let root = tempfile::tempdir().unwrap();
        let watch = Watch { root: root.path().to_owned(), ..Watch::new(CpuSet::default()) };
        let places = Places::find(&watch, &FilesOnly);
        let snapshot = Snapshot::take(&places, &OutOfBand::default());
        let point = snapshot.since(&snapshot);
        assert_eq!((point.steal, point.load, point.throttles, point.watts.len()), (None, None, None, 0));
    }

    /// A controller that knows DCMI and nothing else, and a library with one GPU.
    struct Talkative;

    impl Outside for Talkative {
        fn ipmi(&self, request: &IpmiRequest) -> Result<Vec<u8>, Unavailable> {
            Ok(match (request.netfn, request.command) {
                (0x2C, 0x02) => vec![0, 0xDC, 0xC3, 0x01, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x40],
                _ => vec![0xC1],
            })
        }

        fn nvidia(&self) -> Result<Nvidia, Unavailable> {
            let gpu = Gpu { draws: Some(63.5), temperature: Some(41.0), ..Gpu::default() };
            Ok(Nvidia { driver: "560".into(), cuda: None, gpus: vec![gpu] })
        }
    }

    #[test]
    fn controller_and_gpus_are_asked_where_they_are() {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir_all(root.path().join("sys/module/nvidia")).unwrap();
        let watch = Watch { root: root.path().to_owned(), ..Watch::new(CpuSet::default()) };
        let places = Places::find(&watch, &Talkative);
        let told = places.ask(&Talkative);
        let snapshot = Snapshot::take(&places, &told);
        let point = snapshot.since(&snapshot);
        assert_eq!(point.watts, [("bmc host (DCMI)".to_owned(), 451.0), ("nvml GPUs".to_owned(), 63.5)]);
        assert_eq!((point.hottest, point.hottest_drive), (Some(41.0), None));
        assert_eq!(Places::find(&watch, &FilesOnly).ask(&FilesOnly), OutOfBand::default());
    }
}
