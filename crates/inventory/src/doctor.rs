//! Advice before a measurement: what on this host would spoil it, and the command that mends it.

use std::path::Path;
use std::time::Duration;

use measure::{Quantity, Unit, binary_bytes};

use crate::Inventory;
use crate::sysfs::Tree;

mod activity;
mod hardware;

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

/// What was looked at and needs no mending.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fine {
    /// What was looked at.
    pub what: &'static str,
    /// How it is; `None` where this host does not tell it.
    pub found: Option<String>,
}

/// All that was looked at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Checkup {
    /// What is to be mended.
    pub advice: Vec<Advice>,
    /// What is not.
    pub fine: Vec<Fine>,
}

impl Checkup {
    /// Looks at one thing, which is fine where no advice comes of it.
    fn look(&mut self, what: &'static str, found: Option<String>, look: impl FnOnce(&mut Vec<Advice>)) {
        let before = self.advice.len();
        look(&mut self.advice);
        if self.advice.len() == before {
            self.fine.push(Fine { what, found });
        }
    }
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

/// Looks at the host under `root`, of which this inventory was taken, where records and test files would lie in `folder`.
#[must_use]
pub fn examine(root: &Path, inventory: &Inventory, grant: &Grant, folder: &Path) -> Checkup {
    let tree = Tree::new(root);
    let mut checkup = Checkup::default();
    kernel(inventory, &mut checkup);
    limits(inventory, &mut checkup);
    space(&tree, folder, &mut checkup);
    granted(&tree, grant, inventory, &mut checkup);
    let drives: Vec<String> = inventory.drives.found.iter().flatten().flat_map(|drive| drive.names.clone()).collect();
    others(&activity::watch(&tree, &drives, WINDOW), inventory, &mut checkup);
    hardware::examine(inventory, &mut checkup);
    checkup
}

/// All advice for that host.
#[must_use]
pub fn advise(root: &Path, inventory: &Inventory, grant: &Grant, folder: &Path) -> Vec<Advice> {
    examine(root, inventory, grant, folder).advice
}

fn tell(advice: &mut Vec<Advice>, what: impl Into<String>, why: &'static str, command: impl Into<String>) {
    advice.push(Advice { what: what.into(), why, command: command.into() });
}

fn kernel(inventory: &Inventory, checkup: &mut Checkup) {
    let facts = &inventory.facts;
    let text = |id: &str| match facts.value(id) {
        Some(measure::FactValue::Text(text)) => Some(text.clone()),
        _ => None,
    };
    let governor = text("os.governor");
    checkup.look("CPU frequency governor", governor.clone(), |advice| {
        if let Some(governor) = governor.filter(|governor| governor != "performance") {
            tell(
                advice,
                format!("the CPU frequency governor is {governor}"),
                "clocks rise only after a load has lasted, so short measurements are slow and uneven",
                "sudo cpupower frequency-set -g performance",
            );
        }
    });
    let huge = text("os.thp");
    checkup.look("transparent huge pages", huge.clone(), |advice| {
        if huge.as_deref() == Some("never") {
            tell(
                advice,
                "transparent huge pages are off",
                "address translation then costs time in every memory figure",
                "echo madvise | sudo tee /sys/kernel/mm/transparent_hugepage/enabled",
            );
        }
    });
    let nodes = facts.number("numa.nodes");
    let balancing = text("os.numa_balancing");
    let found = balancing.as_ref().map(|state| if state == "0" { "off".to_owned() } else { state.clone() });
    let one = nodes.filter(|nodes| *nodes <= 1.0).map(|_| "one NUMA node, nothing to move".to_owned());
    checkup.look("automatic NUMA balancing", one.or(found), |advice| {
        if nodes.is_some_and(|nodes| nodes > 1.0) && balancing.is_some_and(|state| state != "0") {
            tell(
                advice,
                "automatic NUMA balancing is on",
                "it moves pages and takes faults while the clock runs",
                "sudo sysctl kernel.numa_balancing=0",
            );
        }
    });
    let swap = facts.number("os.swap");
    checkup.look("swap space", swap.map(|_| "none".to_owned()), |advice| {
        if swap.is_some_and(|bytes| bytes > 0.0) {
            tell(
                advice,
                "swap space is switched on",
                "pages of large arrays may be written out while they are measured",
                "sudo swapoff -a",
            );
        }
    });
}

fn limits(inventory: &Inventory, checkup: &mut Checkup) {
    let facts = &inventory.facts;
    let files = facts.number("os.file_handles");
    checkup.look("files that a process may open", files.map(|files| files.to_string()), |advice| {
        if let Some(files) = files.filter(|files| *files < FEW_FILES) {
            tell(
                advice,
                format!("a process may open {files} files"),
                "pools of workers with shared memory need more",
                "sudo prlimit --nofile=1048576 --pid $$",
            );
        }
    });
    let locked = facts.number("os.memlock");
    checkup.look("memory that may be locked", locked.map(binary_bytes), |advice| {
        if locked.is_some_and(|bytes| bytes < LITTLE_MEMLOCK) {
            tell(
                advice,
                "little memory may be locked (ulimit -l)",
                "buffers cannot be registered with the kernel, so storage figures pay for mapping them each time",
                "sudo prlimit --memlock=unlimited --pid $$",
            );
        }
    });
    let shared = facts.number("os.shm");
    let half = facts.number("memory.total").map(|total| total * 0.45);
    checkup.look("/dev/shm", shared.map(binary_bytes), |advice| {
        if shared.zip(half).is_some_and(|(shared, half)| shared < half) {
            tell(
                advice,
                "/dev/shm is smaller than half of the memory",
                "workloads that share arrays between processes do not fit",
                "sudo mount -o remount,size=75% /dev/shm",
            );
        }
    });
}

fn space(tree: &Tree, folder: &Path, checkup: &mut Checkup) {
    let stat = tree.is_live().then(|| rustix::fs::statvfs(folder).ok()).flatten();
    let free = stat.map(|stat| stat.f_bavail as f64 * stat.f_frsize as f64);
    let said = |free: f64| Quantity::new(free, Unit::Byte).to_string();
    checkup.look("room for records and test files", free.map(said), |advice| {
        if let Some(free) = free.filter(|free| *free < LITTLE_SPACE) {
            tell(
                advice,
                format!("the file system of {} has {} left", folder.display(), said(free)),
                "records and test files do not fit, and nearly full drives write slower",
                "df -h   # then: hostproof run --out FOLDER --scratch FOLDER, with one that has room",
            );
        }
    });
}

/// What control groups and affinity leave of the host.
fn granted(tree: &Tree, grant: &Grant, inventory: &Inventory, checkup: &mut Checkup) {
    let facts = &inventory.facts;
    let threads = facts.number("cpu.threads");
    let unlimited = Some("no limit below what the host has".to_owned());
    checkup.look("CPU time that a control group grants", unlimited.clone(), |advice| {
        if let Some((limit, threads)) = grant.cpu_time.as_ref().zip(threads).filter(|(limit, n)| limit.value < *n) {
            tell(
                advice,
                format!("a control group grants the time of {} CPUs of {threads}", limit.value),
                "the kernel stops the workers when their time is used up",
                &limit.command,
            );
        }
    });
    let total = facts.number("memory.total");
    checkup.look("memory that a control group grants", unlimited, |advice| {
        let less = grant.memory.as_ref().zip(total).filter(|(limit, total)| limit.value < total * 0.95);
        if let Some((limit, _)) = less {
            tell(
                advice,
                format!("a control group grants {} of memory", binary_bytes(limit.value)),
                "arrays are smaller than the host could hold, and the kernel reclaims while they are measured",
                &limit.command,
            );
        }
    });
    let may = grant.cpus.as_ref().map(|cpus| format!("{} ({})", cpus.count, cpus.list));
    checkup.look("CPUs that this process may run on", may, |advice| affinity(grant, threads, advice));
    // Where SMT is switched off, so are the second threads of all cores.
    let smt = tree.word("/sys/devices/system/cpu/smt/control").unwrap_or_default();
    let online = grant.online.as_ref();
    checkup.look("CPUs that are switched on", online.map(|cpus| format!("{} ({})", cpus.count, cpus.list)), |advice| {
        if let Some(off) = grant.offline.as_ref().filter(|off| off.count > 0 && !["off", "forceoff"].contains(&&*smt)) {
            let all = online.map_or(0, |online| online.count) + off.count;
            tell(
                advice,
                format!("{} of {all} CPUs are switched off ({})", off.count, off.list),
                "nothing of them is measured, and the others have their caches and power",
                format!("sudo chcpu -e {}", off.list),
            );
        }
    });
}

fn affinity(grant: &Grant, threads: Option<f64>, advice: &mut Vec<Advice>) {
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
}

/// Who else uses CPUs and drives.
fn others(activity: &Activity, inventory: &Inventory, checkup: &mut Checkup) {
    let threads = inventory.facts.number("cpu.threads").unwrap_or(1.0);
    let busy = format!("{:.2} of {threads} CPUs for {:.1} s", activity.busy, activity.seconds);
    checkup.look("CPU time that others take", Some(busy), |advice| {
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
    });
    let steal = format!("{:.1} %", activity.steal * 100.0);
    checkup.look("CPU time that the hypervisor gives to others", Some(steal), |advice| {
        if activity.steal > BUSY.1 {
            tell(
                advice,
                format!("the hypervisor gave {:.0} % of the CPU time to others", activity.steal * 100.0),
                "what is measured then is what neighbours leave",
                "mpstat 1 5   # only the owner of the host can give this machine CPUs of its own",
            );
        }
    });
    let drives = inventory.drives.found.as_ref().ok().map(Vec::len).filter(|drives| *drives > 0);
    checkup.look("use of the drives by others", drives.map(|drives| format!("none of {drives}")), |advice| {
        for (drive, bytes) in activity.drives.iter().filter(|(_, bytes)| **bytes > TRAFFIC || **bytes == 0.0) {
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
    });
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
