//! The processors: `/proc/cpuinfo`, `/sys/devices/system/cpu`, and RAPL's rated power.

use std::collections::{BTreeMap, BTreeSet};

use measure::{Facts, Unit};

use crate::sysfs::{Found, Tree, Unavailable, field, kernel_size, note, note_number, note_text, ok_or_absent};

const CPUINFO: &str = "/proc/cpuinfo";
const CPUS: &str = "/sys/devices/system/cpu";
const POWERCAP: &str = "/sys/class/powercap";

/// Adds the facts `cpu.*`.
pub(crate) fn probe(tree: &Tree, facts: &mut Facts) {
    identity(tree, facts);
    counts(tree, facts);
    clocks(tree, facts);
    caches(tree, facts);
    rated_power(tree, facts);
}

fn identity(tree: &Tree, facts: &mut Facts) {
    let info = tree.text(CPUINFO);
    let text = |key: &str| -> Found<String> {
        info.as_ref().map_err(Clone::clone).and_then(|info| ok_or_absent(field(info, key).map(str::to_owned)))
    };
    note_text(facts, "cpu.model", text("model name"), CPUINFO);
    note_text(facts, "cpu.vendor", text("vendor_id"), CPUINFO);
    note_text(facts, "cpu.microcode", text("microcode"), CPUINFO);
    let kind = || -> Found<String> {
        let (vendor, family) = (text("vendor_id")?, text("cpu family")?);
        Ok(format!("{vendor} family {family} model {} stepping {}", text("model")?, text("stepping")?))
    };
    note_text(facts, "cpu.microarchitecture", kind(), CPUINFO);
    let flags = text("flags").map(|flags| flags.split_whitespace().map(str::to_owned).collect::<BTreeSet<_>>());
    for (id, needed) in [
        ("cpu.avx2", &["avx2", "fma"][..]),
        ("cpu.avx512", &["avx512f", "avx512vl", "avx512dq", "avx512bw"]),
        ("cpu.amx", &["amx_tile", "amx_bf16", "amx_int8"]),
    ] {
        let has = flags.clone().map(|flags| measure::FactValue::Flag(needed.iter().all(|flag| flags.contains(*flag))));
        note(facts, id, has, CPUINFO);
    }
    // Only a 64-bit x86 kernel lists `lm` (long mode); elsewhere the live machine's own name is the answer.
    let arch = match &flags {
        Ok(flags) if flags.contains("lm") => Ok("x86_64".to_owned()),
        _ if tree.is_live() => Ok(std::env::consts::ARCH.to_owned()),
        _ => Err(Unavailable::Absent),
    };
    note_text(facts, "cpu.arch", arch, CPUINFO);
}

/// The online CPUs by package, each with the list of its core's CPUs: the core's identity.
fn packages(tree: &Tree) -> BTreeMap<u64, Vec<String>> {
    let mut packages: BTreeMap<u64, Vec<String>> = BTreeMap::new();
    for cpu in tree.numbered(CPUS, "cpu") {
        let topology = format!("{CPUS}/{cpu}/topology");
        let Ok(package) = tree.number(&format!("{topology}/physical_package_id")) else { continue };
        let core = tree
            .word(&format!("{topology}/core_cpus_list"))
            .or_else(|_| tree.word(&format!("{topology}/thread_siblings_list")))
            .unwrap_or(cpu);
        packages.entry(package).or_default().push(core);
    }
    packages
}

fn counts(tree: &Tree, facts: &mut Facts) {
    let packages = packages(tree);
    let threads: Vec<usize> = packages.values().map(Vec::len).collect();
    let cores: Vec<usize> = packages.values().map(|cpus| cpus.iter().collect::<BTreeSet<_>>().len()).collect();
    let source = "/sys/devices/system/cpu/cpu*/topology";
    let mut add = |id: &str, found: Found<usize>| {
        note_number(facts, id, Unit::Count, found.map(|count| count as f64), source);
    };
    add("cpu.sockets", ok_or_absent(Some(packages.len()).filter(|count| *count > 0)));
    add("cpu.cores", ok_or_absent(Some(cores.iter().sum()).filter(|count| *count > 0)));
    add("cpu.threads", ok_or_absent(Some(threads.iter().sum()).filter(|count| *count > 0)));
    add("cpu.cores_per_socket", same(&cores));
    add("cpu.threads_per_socket", same(&threads));
    let cpus = tree.numbered(CPUS, "cpu");
    let off = cpus.iter().filter(|cpu| tree.number(&format!("{CPUS}/{cpu}/online")) == Ok(0)).count();
    let off = ok_or_absent(Some(off as f64).filter(|_| !cpus.is_empty()));
    note_number(facts, "cpu.offline", Unit::Count, off, "/sys/devices/system/cpu/cpu*/online");
}

/// The value that all packages have.
fn same<T: Copy + PartialEq + std::fmt::Debug>(values: &[T]) -> Found<T> {
    match values {
        [] => Err(Unavailable::Absent),
        [first, rest @ ..] if rest.iter().all(|value| value == first) => Ok(*first),
        _ => Err(Unavailable::failed(format!("the packages differ: {values:?}"))),
    }
}

fn clocks(tree: &Tree, facts: &mut Facts) {
    let cpu0 = format!("{CPUS}/cpu0");
    let base_file = format!("{cpu0}/cpufreq/base_frequency");
    let cppc_file = format!("{cpu0}/acpi_cppc/nominal_freq");
    let nonzero = |value: u64| ok_or_absent(Some(value).filter(|value| *value > 0));
    let (base, source) = if let Ok(kilohertz) = tree.number(&base_file).and_then(nonzero) {
        (Ok(kilohertz as f64 * 1e3), base_file)
    } else if let Ok(megahertz) = tree.number(&cppc_file).and_then(nonzero) {
        (Ok(megahertz as f64 * 1e6), cppc_file)
    } else {
        (clock_in_name(tree), format!("{CPUINFO} (model name)"))
    };
    note_number(facts, "cpu.base_clock", Unit::Hertz, base, &source);

    let turbo_file = format!("{cpu0}/cpufreq/cpuinfo_max_freq");
    // acpi-cpufreq knows the P-states only: its highest is the base clock, whatever the turbo is.
    let blind = tree.word(&format!("{cpu0}/cpufreq/scaling_driver")).is_ok_and(|driver| driver == "acpi-cpufreq");
    let turbo = if blind { Err(Unavailable::Absent) } else { tree.number(&turbo_file).and_then(nonzero) };
    note_number(facts, "cpu.turbo_clock", Unit::Hertz, turbo.map(|kilohertz| kilohertz as f64 * 1e3), &turbo_file);
}

/// The clock in a model name like `Intel(R) Xeon(R) Gold 6330 CPU @ 2.00GHz`.
fn clock_in_name(tree: &Tree) -> Found<f64> {
    let info = tree.text(CPUINFO)?;
    let clock = field(&info, "model name").and_then(|name| {
        let gigahertz: f64 = name.rsplit_once('@')?.1.trim().strip_suffix("GHz")?.trim().parse().ok()?;
        (gigahertz.is_finite() && gigahertz > 0.0).then_some(gigahertz * 1e9)
    });
    ok_or_absent(clock)
}

fn caches(tree: &Tree, facts: &mut Facts) {
    let source = "/sys/devices/system/cpu/cpu*/cache";
    let level3 = level3(tree);
    let all = ok_or_absent(Some(level3.iter().map(|size| *size as f64).sum()).filter(|sum| *sum > 0.0));
    note_number(facts, "cpu.l3", Unit::Byte, all, source);
    note_number(facts, "cpu.l3_per_socket", Unit::Byte, same(&level3).map(|size| size as f64), source);
    // Hybrid processors have cores of several kinds: the first CPU's are those of the fast ones.
    let own = |level: u64, not: &str| -> Found<f64> {
        let folder = format!("{CPUS}/cpu0/cache");
        let found = tree.numbered(&folder, "index").into_iter().find(|index| {
            let is_kind = tree.word(&format!("{folder}/{index}/type")).is_ok_and(|kind| kind != not);
            is_kind && tree.number(&format!("{folder}/{index}/level")) == Ok(level)
        });
        let size = tree.word(&format!("{folder}/{}/size", ok_or_absent(found)?))?;
        ok_or_absent(kernel_size(&size).map(|bytes| bytes as f64))
    };
    note_number(facts, "cpu.l1d", Unit::Byte, own(1, "Instruction"), source);
    note_number(facts, "cpu.l2", Unit::Byte, own(2, "Instruction"), source);
}

/// Bytes of level-3 cache of each package.
fn level3(tree: &Tree) -> Vec<u64> {
    // A cache belongs to the package of the first CPU that shares it.
    let mut caches: BTreeMap<String, (u64, u64)> = BTreeMap::new();
    for cpu in tree.numbered(CPUS, "cpu") {
        let Ok(package) = tree.number(&format!("{CPUS}/{cpu}/topology/physical_package_id")) else { continue };
        for index in tree.numbered(&format!("{CPUS}/{cpu}/cache"), "index") {
            let at = |file: &str| format!("{CPUS}/{cpu}/cache/{index}/{file}");
            if tree.number(&at("level")) != Ok(3) {
                continue;
            }
            let size = tree.word(&at("size")).ok().and_then(|size| kernel_size(&size));
            if let (Some(size), Ok(shared)) = (size, tree.word(&at("shared_cpu_list"))) {
                caches.insert(shared, (package, size));
            }
        }
    }
    let mut packages: BTreeMap<u64, u64> = BTreeMap::new();
    for (package, size) in caches.into_values() {
        let sum = packages.entry(package).or_default();
        *sum = sum.saturating_add(size);
    }
    packages.into_values().collect()
}

/// RAPL states a package's rated power as the highest long-term limit.
fn rated_power(tree: &Tree, facts: &mut Facts) {
    let mut watts = Vec::new();
    for zone in tree.names(POWERCAP) {
        let is_package = tree.word(&format!("{POWERCAP}/{zone}/name")).is_ok_and(|name| name.starts_with("package-"));
        let microwatts = tree.number(&format!("{POWERCAP}/{zone}/constraint_0_max_power_uw"));
        if let (true, Ok(microwatts @ 1..)) = (is_package && !zone.contains("mmio"), microwatts) {
            watts.push(microwatts as f64 / 1e6);
        }
    }
    let source = "/sys/class/powercap/*/constraint_0_max_power_uw";
    let all = ok_or_absent(Some(watts.iter().sum()).filter(|sum| *sum > 0.0));
    note_number(facts, "cpu.tdp", Unit::Watt, all, source);
    note_number(facts, "cpu.tdp_per_socket", Unit::Watt, same(&watts), source);
}
