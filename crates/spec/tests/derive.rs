//! Derived specifications and companions.

use measure::metrics::{STREAM_COPY, STREAM_READ, STREAM_TRIAD};
use measure::{Facts, Unit};
use spec::audit::audit;
use spec::{companions, derive, find, parse, to_toml, underived};

fn host() -> Facts {
    let mut facts = Facts::default();
    facts.quantity("cpu.sockets", 1.0, Unit::Count, "test");
    facts.quantity("cpu.cores", 64.0, Unit::Count, "test");
    facts.quantity("cpu.base_clock", 2.0e9, Unit::Hertz, "test");
    facts.flag("cpu.avx2", true, "test");
    facts.flag("cpu.avx512", true, "test");
    facts.flag("cpu.amx", false, "test");
    facts.text("memory.type", "DDR5", "test");
    facts.quantity("memory.channels", 12.0, Unit::Count, "test");
    facts.quantity("memory.data_rate", 4.8e9, Unit::TransferPerSecond, "test");
    facts.quantity("storage.scratch.drives", 2.0, Unit::Count, "test");
    facts.quantity("storage.scratch.pcie_gen", 4.0, Unit::Count, "test");
    facts.quantity("storage.scratch.pcie_lanes", 4.0, Unit::Count, "test");
    facts.text("storage.scratch.media", "nvme", "test");
    facts
}

/// Kernel names are of one boot, and no statement about the hardware.
#[test]
fn names_of_devices_are_not_stated() {
    let mut facts = host();
    facts.text("storage.scratch.devices", "nvme0n1, nvme1n1", "test");
    let system = derive(&facts, "node-1");
    let stated = |id: &str| system.facts.iter().any(|fact| fact.id == id);
    assert_eq!((stated("storage.scratch.devices"), stated("storage.scratch.drives")), (false, true));
}

/// A missing DIMM is a fault of the host: it does not lower what the host must reach.
#[test]
fn a_fault_of_the_memory_is_not_the_target() {
    let check = |channels: f64, missing: f64, width: f64, counted: f64| {
        let mut facts = host();
        facts.quantity("memory.channels", channels, Unit::Count, "test");
        facts.quantity("memory.channels_missing", missing, Unit::Count, "test");
        facts.quantity("memory.channel_width", width, Unit::Byte, "test");
        for counted in ["memory.capacity", "memory.usable_dataset", "os.shm"] {
            facts.quantity(counted, channels * 64e9, Unit::Byte, "test");
        }
        let system = derive(&facts, "node-1");
        let target = system.target("stream.read").unwrap().value.value;
        assert!((target / (counted * 4.8e9 * 8.0 * 0.80) - 1.0).abs() < 1e-3, "{target}");
        let stated = |id: &str| system.facts.iter().find(|fact| fact.id == id).map(|fact| fact.value.to_string());
        assert_eq!(stated("memory.channels"), Some((channels + missing).to_string()));
        for counted in ["memory.capacity", "os.shm"] {
            assert_eq!(stated(counted).is_none(), missing > 0.0, "{counted}");
        }
        assert_eq!(stated("memory.usable_dataset"), None);
    };
    check(12.0, 0.0, 8.0, 12.0);
    check(11.0, 1.0, 8.0, 12.0);
    check(8.0, 0.0, 4.0, 4.0);
}

/// Nor does a CPU that is switched off; but SMT may be off by choice.
#[test]
fn a_cpu_that_is_switched_off_is_not_the_target() {
    let check = |(cores, threads, off, smt): (f64, f64, f64, Option<bool>), expect: (f64, f64)| {
        let mut facts = host();
        facts.quantity("cpu.cores", cores, Unit::Count, "test");
        facts.quantity("cpu.threads", threads, Unit::Count, "test");
        facts.quantity("cpu.offline", off, Unit::Count, "test");
        if let Some(smt) = smt {
            facts.flag("os.smt", smt, "test");
        }
        let system = derive(&facts, "node-1");
        let stated = |id: &str| system.facts.iter().find(|fact| fact.id == id).unwrap().value.to_string();
        assert_eq!((stated("cpu.cores"), stated("cpu.threads")), (expect.0.to_string(), expect.1.to_string()));
        let target = system.target("dense.fma").unwrap().value.value;
        assert!((target / (expect.0 * 16.0 * 2.0e9 * 0.95) - 1.0).abs() < 1e-3, "{target}");
    };
    check((64.0, 128.0, 0.0, Some(true)), (64.0, 128.0));
    // A thread, and a whole core.
    check((64.0, 127.0, 1.0, Some(true)), (64.0, 128.0));
    check((63.0, 126.0, 2.0, Some(true)), (64.0, 128.0));
    check((63.0, 63.0, 1.0, None), (64.0, 64.0));
    check((63.0, 63.0, 1.0, Some(false)), (64.0, 64.0));
    // All second threads.
    check((64.0, 64.0, 64.0, Some(false)), (64.0, 64.0));
}

#[test]
fn a_host_gets_ceilings_times_fractions() {
    let system = derive(&host(), "node-1");
    let check = |id: &str, value: f64| {
        let target = system.target(id).unwrap_or_else(|| panic!("no target {id}"));
        assert!((target.value.value / value - 1.0).abs() < 1e-3, "{id}: {}", target.value);
        assert!(target.required && target.place.at.contains("ceiling × "), "{id}");
    };
    check("stream.read", 12.0 * 4.8e9 * 8.0 * 0.80);
    check("stream.triad", 12.0 * 4.8e9 * 8.0 * 0.75);
    // AVX-512 without AMX: counted as two 256-bit units.
    check("dense.fma", 64.0 * 16.0 * 2.0e9 * 0.95);
    check("dense.hpl", 64.0 * 16.0 * 2.0e9 * 0.70);
    check("disk.seqread.bandwidth", 2.0 * 7.877e9 * 0.60);
    check("disk.randread.iops", 2.0 * 7.877e9 * 0.25 / 4096.0);
    let operations = &system.target("disk.randread.iops").unwrap().place.says;
    assert!(operations.contains("15.75 GB/s / 4096 B; × 0.25 = "), "{operations}");
    assert_eq!(underived(&host()), Vec::new());
    assert!(audit(&system, &[]).is_clean());
    let again = parse(&to_toml(std::slice::from_ref(&system)), "derived.toml").unwrap();
    assert_eq!(again[0].facts, system.facts);
    assert_eq!(again[0].targets.len(), system.targets.len());
}

#[test]
fn a_derived_specification_demands_the_parts_that_the_host_tells() {
    let mut facts = host();
    facts.text("os.kernel", "6.12.1", "test");
    facts.text("cpu.model", "AMD EPYC 9454P 48-Core Processor", "test");
    facts.0.retain(|id, _| !id.starts_with("memory."));
    facts.quantity("memory.capacity", 66.2e9, Unit::Byte, "/proc/meminfo");
    facts.quantity("memory.total", 66.2e9, Unit::Byte, "/proc/meminfo");
    facts.put("memory.dimms", measure::Reading::Denied { remedy: "run as root".into() }, "test");
    let system = derive(&facts, "node-1");
    let demands = system.demands();
    assert!(demands.facts.contains(&"cpu.model") && demands.facts.contains(&"storage.scratch.drives"), "{demands:?}");
    assert!(!demands.facts.contains(&"os.kernel") && !demands.facts.contains(&"memory.dimms"), "{demands:?}");
    assert!(demands.targets.contains(&"dense.fma") && demands.facts.contains(&"memory.capacity"), "{demands:?}");
    assert!(
        system.stated("memory.capacity").all(|fact| fact.approximate),
        "the kernel's total is not what is installed"
    );
    assert!(derive(&Facts::default(), "empty").demands().is_empty());
}

#[test]
fn amx_proves_two_full_width_units() {
    let mut facts = host();
    facts.flag("cpu.amx", true, "test");
    let value = derive(&facts, "node-1").target("dense.fma").unwrap().value.value;
    assert!((value - 64.0 * 32.0 * 2.0e9 * 0.95).abs() < 1.0);
}

#[test]
fn what_was_not_detected_gives_no_target_and_is_named() {
    let mut facts = host();
    facts.0.remove("memory.data_rate");
    let missing = underived(&facts);
    assert_eq!(
        missing.iter().map(|(metric, _)| *metric).collect::<Vec<_>>(),
        [&STREAM_READ, &STREAM_COPY, &STREAM_TRIAD]
    );
    assert!(missing[0].1.contains(&"memory.data_rate"));
    assert!(derive(&facts, "node-1").target("stream.read").is_none());
    assert!(derive(&Facts::default(), "empty").targets.is_empty());
}

#[test]
fn an_impossible_target_gets_an_achievable_companion() {
    let system = find("PY-HPC-2024.Q3").unwrap();
    let audited = audit(system, spec::builtin());
    let made = companions(system, &audited);
    let check = |id: &str, of: &str, value: f64| {
        let target = made.iter().find(|target| target.id == id).unwrap_or_else(|| panic!("no {id}"));
        assert_eq!(target.companion_of.as_deref(), Some(of));
        assert!((target.value.value - value).abs() < 1.0, "{}", target.value);
        assert!(target.place.says.contains("716.8 GB/s"), "{}", target.place.says);
    };
    // Sixteen DIMMs are the reading that every machine of the tables has.
    check("memory.peak_read.achievable", "memory.peak_read", 716.8e9 * 0.80);
    check("memory.stream.achievable", "memory.stream", 716.8e9 * 0.75);
    let claim = made.iter().find(|target| target.id == "memory.peak_read.claim").unwrap();
    assert_eq!((claim.value.value, claim.companion_of.as_deref(), claim.required), (2e12, None, false));
    assert_eq!(made.len(), 3);
    let mut both = system.clone();
    both.targets.extend(made);
    // The claim accompanies no target.
    assert_eq!(audit(&both, &[]).graded.len(), system.targets.len() + 1);
    assert_eq!(parse(&to_toml(&[both.clone()]), "both.toml").unwrap(), [both]);
}

#[test]
fn a_named_processor_gives_bandwidth_and_dgemm() {
    let check = |id: &str, expect: Option<(f64, f64)>| {
        let system = find(id).unwrap();
        let made = companions(system, &audit(system, spec::builtin()));
        let Some((bandwidth, dgemm)) = expect else { return assert_eq!(made, Vec::new(), "{id}") };
        let values: Vec<(&str, f64)> = made.iter().map(|target| (target.id.as_str(), target.value.value)).collect();
        let near = |one: f64, other: f64| (one / other - 1.0).abs() < 1e-9;
        let [("stream.triad", triad), ("dense.dgemm", rate)] = values[..] else { panic!("{id}: {values:?}") };
        assert!(near(triad, bandwidth * 0.75) && near(rate, dgemm * 0.80), "{id}: {values:?}");
        for target in &made {
            // Marked as derived, with its source, and not demanded: the document promises no such figure.
            assert!(
                target.place.at.starts_with("derived") && target.place.at.contains("data sheet"),
                "{}",
                target.place.at
            );
            assert!(!target.required && target.open.iter().any(|words| words.contains("promises no such figure")));
            assert_eq!(target.depends_on, ["cpu.model"]);
        }
    };
    // 8 × 3200 MT/s × 8 B; 32 cores × 16 flop/cycle × 2.5 GHz.
    check("HOSTED-EPYC-7502P-128GB-1TB", Some((204.8e9, 1.28e12)));
    check("HOSTED-EPYC-9454P", Some((460.8e9, 48.0 * 16.0 * 2.75e9)));
    // Two kinds of cores have no one clock.
    check("HOSTED-CORE-I9-13900-64GB", None);
}

#[test]
fn of_two_admitted_processors_the_lesser_decides() {
    let system = find("HOSTED-CORE-I7-6700K-7700").unwrap();
    let made = companions(system, &audit(system, spec::builtin()));
    let values: Vec<f64> = made.iter().map(|target| target.value.value).collect();
    assert_eq!(values, [2.0 * 2133e6 * 8.0 * 0.75, 4.0 * 16.0 * 3.6e9 * 0.80]);
}

#[test]
fn what_cannot_be_derived_can_be_filled_in() {
    let facts = Facts::default();
    let offered = spec::to_fill_in(&facts);
    let filled: String = offered
        .lines()
        .map(|line| line.strip_prefix('#').filter(|rest| !rest.starts_with(' ')).unwrap_or(line).replace('…', "1"))
        .map(|line| line + "\n")
        .collect();
    let derived = spec::to_toml(&[spec::derive(&facts, "host")]);
    let systems = spec::parse(&format!("{derived}{filled}"), "test").unwrap();
    assert_eq!(systems[0].targets.len(), spec::FRACTIONS.len());
    // As it is printed it is a comment.
    assert_eq!(spec::parse(&format!("{derived}{offered}"), "test").unwrap()[0].targets.len(), 0);
}
