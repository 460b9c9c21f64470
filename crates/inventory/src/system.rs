//! Kernel, its settings, and the limits of this process: `/proc` and `/sys`.

use std::collections::BTreeSet;

use measure::{FactValue, Facts, Unit};

use crate::sysfs::{Found, Tree, Unavailable, cut, field, kernel_size, note, note_number, note_text, ok_or_absent};

const CPUS: &str = "/sys/devices/system/cpu";
const LIMITS: &str = "/proc/self/limits";
const MEMINFO: &str = "/proc/meminfo";
const MOUNTS: &str = "/proc/self/mounts";
/// Bytes of a row of the feature workload's input, and those that a row takes with all its columns in memory.
const DATASET: (f64, f64) = (396.0, 900.0);
const NODES: &str = "/sys/devices/system/node";

/// Adds the facts `os.*`, `numa.*` and `memory.total`; those of the processors are there already.
pub(crate) fn probe(tree: &Tree, facts: &mut Facts) {
    for (id, file) in [
        ("os.kernel", "/proc/sys/kernel/osrelease"),
        ("os.cmdline", "/proc/cmdline"),
        ("os.numa_balancing", "/proc/sys/kernel/numa_balancing"),
    ] {
        note_text(facts, id, tree.word(file), file);
    }
    let thp = "/sys/kernel/mm/transparent_hugepage/enabled";
    note_text(facts, "os.thp", tree.word(thp).and_then(|text| chosen(&text)), thp);
    note_text(facts, "os.mitigations", mitigations(tree), "/sys/devices/system/cpu/vulnerabilities");
    note_text(facts, "os.governor", governor(tree), "/sys/devices/system/cpu/cpu*/cpufreq/scaling_governor");
    let (hypervisor, source) = hypervisor(tree);
    note_text(facts, "os.hypervisor", hypervisor, &source);
    let (smt, source) = threads(tree, facts);
    note(facts, "os.smt", smt.map(FactValue::Flag), source);
    note(facts, "os.nvme_fabrics", nvme_fabrics(tree).map(FactValue::Flag), "/sys/module, /lib/modules/*");
    memory(tree, facts);
    limits(tree, facts);
}

/// Whether the kernel has NVMe over Fabrics: loaded, built in, or as a module.
fn nvme_fabrics(tree: &Tree) -> Found<bool> {
    if tree.has("/sys/module/nvme_fabrics") {
        return Ok(true);
    }
    let release = tree.word("/proc/sys/kernel/osrelease")?;
    // The release comes from outside, and must not lead out of the folder.
    let folder = format!("/lib/modules/{}", release.replace('/', ""));
    let lists = ["modules.builtin", "modules.dep"].map(|file| tree.text(&format!("{folder}/{file}")));
    match lists {
        [Err(lack), Err(_)] => Err(lack),
        lists => Ok(lists.iter().flatten().any(|list| list.contains("/nvme-fabrics.ko"))),
    }
}

/// Whether more than one thread of a core is online: as the kernel says, or by counting.
fn threads(tree: &Tree, facts: &Facts) -> (Found<bool>, &'static str) {
    if let Ok(active) = tree.number("/sys/devices/system/cpu/smt/active") {
        return (Ok(active > 0), "/sys/devices/system/cpu/smt/active");
    }
    let counts = facts.number("cpu.threads").zip(facts.number("cpu.cores"));
    (ok_or_absent(counts.map(|(threads, cores)| threads > cores)), "cpu.threads and cpu.cores")
}

/// The word in brackets of a kernel choice: `always [madvise] never`.
fn chosen(text: &str) -> Found<String> {
    let inner = text.split_once('[').and_then(|(_, rest)| rest.split_once(']')).map(|(word, _)| word.to_owned());
    inner.ok_or_else(|| Unavailable::failed(format!("`{}` has no choice in brackets", cut(text))))
}

/// Every known flaw with the state of its mitigation, in the order of names.
fn mitigations(tree: &Tree) -> Found<String> {
    let folder = format!("{CPUS}/vulnerabilities");
    let states: Vec<String> = tree
        .names(&folder)
        .into_iter()
        .filter_map(|name| Some(format!("{name}: {}", tree.word(&format!("{folder}/{name}")).ok()?)))
        .collect();
    ok_or_absent(Some(states.join("; ")).filter(|states| !states.is_empty()))
}

/// The governor of all CPUs; several where they differ.
fn governor(tree: &Tree) -> Found<String> {
    let cpus = tree.numbered(CPUS, "cpu");
    let governors: BTreeSet<String> =
        cpus.iter().filter_map(|cpu| tree.word(&format!("{CPUS}/{cpu}/cpufreq/scaling_governor")).ok()).collect();
    ok_or_absent(Some(governors.into_iter().collect::<Vec<_>>().join(", ")).filter(|governors| !governors.is_empty()))
}

/// Which hypervisor runs this machine; absent on bare metal.
fn hypervisor(tree: &Tree) -> (Found<String>, String) {
    let named = "/sys/hypervisor/type";
    if let Ok(name) = tree.word(named) {
        return (Ok(name), named.to_owned());
    }
    let info = tree.text("/proc/cpuinfo").unwrap_or_default();
    if !field(&info, "flags").is_some_and(|flags| flags.split_whitespace().any(|flag| flag == "hypervisor")) {
        return (Err(Unavailable::Absent), "/proc/cpuinfo (flags)".to_owned());
    }
    match tree.is_live().then(cpuid_hypervisor).flatten() {
        Some(name) => (Ok(name), "CPUID leaf 0x40000000".to_owned()),
        None => (Ok("unknown".to_owned()), "/proc/cpuinfo (flags)".to_owned()),
    }
}

#[cfg(target_arch = "x86_64")]
fn cpuid_hypervisor() -> Option<String> {
    let info = raw_cpuid::CpuId::new().get_hypervisor_info()?;
    Some(format!("{:?}", info.identify()))
}

#[cfg(not(target_arch = "x86_64"))]
fn cpuid_hypervisor() -> Option<String> {
    None
}

fn memory(tree: &Tree, facts: &mut Facts) {
    let info = tree.text(MEMINFO);
    let size = |key: &str| -> Found<f64> {
        let info = info.as_ref().map_err(Clone::clone)?;
        ok_or_absent(field(info, key).and_then(kernel_size).map(|bytes| bytes as f64))
    };
    note_number(facts, "memory.total", Unit::Byte, size("MemTotal"), MEMINFO);
    let dataset = size("MemTotal").map(|total| total * DATASET.0 / DATASET.1);
    let source = format!("{MEMINFO}; the feature workload holds {} B for each {} B of input", DATASET.1, DATASET.0);
    note_number(facts, "memory.usable_dataset", Unit::Byte, dataset, &source);
    // Firmware tables, where there are any, replace this by what is installed.
    note_number(facts, "memory.capacity", Unit::Byte, size("MemTotal"), MEMINFO);
    note_number(facts, "os.swap", Unit::Byte, size("SwapTotal"), MEMINFO);

    let has_memory = |node: &String| {
        let text = tree.text(&format!("{NODES}/{node}/meminfo")).unwrap_or_default();
        let total = text.lines().find_map(|line| line.split_once("MemTotal:")).map(|(_, size)| size);
        total.and_then(kernel_size).is_some_and(|bytes| bytes > 0)
    };
    let with_memory: Vec<String> = tree.numbered(NODES, "node").into_iter().filter(has_memory).collect();
    let some = |count: usize| Some(count as f64).filter(|count| *count > 0.0);
    note_number(facts, "numa.nodes", Unit::Count, ok_or_absent(some(with_memory.len())), NODES);
    // More than one is sub-NUMA clustering (SNC), or AMD's NPS; memory without CPUs (HBM, CXL) cuts no package in parts.
    let has_cpus = |node: &&String| {
        let list = tree.text(&format!("{NODES}/{node}/cpulist"));
        list.map_or(true, |list| !list.trim().is_empty())
    };
    let clusters = some(with_memory.iter().filter(has_cpus).count());
    let clusters = clusters.zip(facts.number("cpu.sockets")).map(|(nodes, sockets)| nodes / sockets);
    note_number(facts, "numa.nodes_per_socket", Unit::Count, ok_or_absent(clusters), "numa.nodes and cpu.sockets");
}

fn limits(tree: &Tree, facts: &mut Facts) {
    let limits = tree.text(LIMITS);
    let soft = |name: &str| -> Found<f64> {
        let limits = limits.as_ref().map_err(Clone::clone)?;
        let line = limits.lines().find_map(|line| line.strip_prefix(name));
        match ok_or_absent(line.and_then(|line| line.split_whitespace().next()))? {
            "unlimited" => Ok(f64::INFINITY),
            digits => {
                digits.parse::<u64>().map(|limit| limit as f64).map_err(|error| Unavailable::failed(error.to_string()))
            }
        }
    };
    note_number(facts, "os.file_handles", Unit::Count, soft("Max open files"), LIMITS);
    note_number(facts, "os.memlock", Unit::Byte, soft("Max locked memory"), LIMITS);
    let (shm, source) = shared_memory(tree);
    note_number(facts, "os.shm", Unit::Byte, shm, &source);
}

/// The size of `/dev/shm`: by the file system of the live host, else by its mount option.
fn shared_memory(tree: &Tree) -> (Found<f64>, String) {
    if tree.is_live() {
        let size = rustix::fs::statvfs("/dev/shm").map(|stat| stat.f_blocks as f64 * stat.f_frsize as f64);
        return (size.map_err(|error| Unavailable::of(&error.into())), "statvfs(/dev/shm)".to_owned());
    }
    let size = || -> Found<f64> {
        let mounts = tree.text(MOUNTS)?;
        let mount = mounts.lines().rfind(|line| line.split_whitespace().nth(1) == Some("/dev/shm"));
        let options = ok_or_absent(mount.and_then(|line| line.split_whitespace().nth(3)))?;
        let size = options.split(',').find_map(|option| option.strip_prefix("size="));
        ok_or_absent(size.and_then(kernel_size).map(|bytes| bytes as f64))
    };
    (size(), MOUNTS.to_owned())
}
