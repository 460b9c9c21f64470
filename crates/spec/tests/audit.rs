//! The audit: what it must find in the documents, one planted fault a rule, and what it must let pass.

mod support;

use std::collections::BTreeSet;

use measure::{Ceiling, FactValue, Unit, Workload};
use proptest::prelude::*;
use spec::audit::Grade::{Aggressive, Contradictory, Impossible, Loose, Unknown};
use spec::audit::{Audit, Finding, Grade, audit, constants};
use spec::{Claimed, System};

use support::{CONSISTENT, TWELVE_CHANNELS, planted, system};

fn documented(id: &str) -> Audit {
    audit(spec::find(id).unwrap(), spec::builtin())
}

#[test]
fn a_consistent_machine_has_no_finding() {
    let audit = audit(&system(CONSISTENT), &[]);
    assert_eq!(audit.findings, Vec::new());
    let not_plausible: Vec<_> = audit.graded.iter().filter(|row| row.grade != Grade::Plausible).collect();
    // No table bounds an idle power.
    assert_eq!(not_plausible.iter().map(|row| row.target.as_str()).collect::<Vec<_>>(), ["idle"]);
}

#[test]
fn two_claims_on_one_target_are_two() {
    let claim = "{ target = \"read\", ratio = 2.4, at = \"6\", says = \"\" },";
    let both = format!("{claim}\n    {}", claim.replace("2.4", "10"));
    let system = system(&planted(&[(claim, both.as_str())]));
    let audit = audit(&system, &[]);
    let grades: Vec<(&str, Grade)> = audit.claims.iter().map(|claim| (claim.target.as_str(), claim.grade)).collect();
    let of = |id: &str| grades.iter().filter(|(one, _)| *one == id).map(|(_, grade)| *grade).collect::<Vec<_>>();
    assert_eq!(of("read.claim"), [Grade::Plausible], "{grades:?}");
    assert!(of("read.claim.2").iter().all(|grade| *grade != Grade::Plausible) && of("read.claim.2").len() == 1);
    let ids: BTreeSet<String> = system.claimed().into_iter().map(|target| target.id).collect();
    assert_eq!(ids.len(), 3, "{ids:?}");
}

#[test]
fn a_planted_fault_is_found_and_nothing_else() {
    let check = |rule: &str, grade: Grade, replace: &[(&str, &str)]| {
        let audit = audit(&system(&planted(replace)), &[]);
        let rules: BTreeSet<&str> = audit.findings.iter().map(|finding| finding.rule).collect();
        let says: Vec<&str> = audit.findings.iter().map(|finding| finding.says.as_str()).collect();
        assert_eq!(rules, BTreeSet::from([rule]), "{replace:?}: {says:#?}");
        assert_eq!(audit.findings[0].grade, grade, "{replace:?}");
        for finding in &audit.findings {
            complete(finding);
        }
        for target in audit.findings.iter().flat_map(|finding| &finding.targets) {
            assert!(audit.grade(target).unwrap().grade <= grade, "{target}");
        }
    };
    check(
        "memory.population",
        Contradictory,
        &[
            ("\"memory.channels_per_socket\", value = 8", "\"memory.channels_per_socket\", value = 12"),
            ("\"memory.channels\", value = 16", "\"memory.channels\", value = 24"),
            ("Intel C741", "another chipset"),
        ],
    );
    check("memory.bandwidth", Impossible, &[("500 GB/s", "700 GB/s")]);
    check("memory.bandwidth", Aggressive, &[("500 GB/s", "600 GB/s")]);
    check("memory.bandwidth", Loose, &[("500 GB/s", "100 GB/s")]);
    check("memory.bandwidth", Impossible, &[("614.4 GB/s", "1228.8 GB/s")]);
    check("memory.observed", Aggressive, &[("614.4 GB/s", "540 GB/s")]);
    check("memory.observed", Contradictory, &[("614.4 GB/s", "478 GB/s")]);
    check("parts.value", Contradictory, &TWELVE_CHANNELS);
    check("parts.link", Aggressive, &OLDER_CARDS);
    check(
        "parts.term",
        Contradictory,
        &[("at = \"8\", says = \"\"", "at = \"8\", says = \"at most 80 °C (Tctl/Tdie)\"")],
    );
    check("memory.latency", Impossible, &[("110 ns", "20 ns"), ("95 ns", "18 ns")]);
    check("memory.latency", Aggressive, &[("110 ns", "60 ns"), ("95 ns", "55 ns")]);
    check("compute.clock", Impossible, &[("5 TFLOPS", "8.5 TFLOPS")]);
    check("compute.clock", Aggressive, &[("5 TFLOPS", "6 TFLOPS")]);
    check("compute.clock", Aggressive, &[("4.4 TFLOPS", "4.9 TFLOPS")]);
    check("compute.hpl_over_peak", Contradictory, &[("5 TFLOPS", "4 TFLOPS")]);
    check("storage.link", Impossible, &[("1.5 M IOPS", "9 M IOPS")]);
    check("storage.records", Aggressive, &[("raid0", "zfs-stripe")]);
    check(
        "storage.records",
        Impossible,
        &[("raid0", "zfs-stripe"), ("block = \"4 KiB\"", "block = \"4 KiB\", record = \"128 KiB\"")],
    );
    check("storage.nand", Aggressive, &[("200 µs", "30 µs")]);
    check("storage.transfer", Impossible, &[("2 ms", "20 µs")]);
    check("storage.little", Aggressive, &[("2 ms", "200 µs")]);
    check("storage.little", Aggressive, &[("block = \"4 KiB\"", "block = \"4 KiB\", depth = \"1024\"")]);
    check("platform.bays", Contradictory, &[("bays\", value = 8", "bays\", value = 4")]);
    check("platform.form_factor", Contradictory, &[("U.3", "E3.S")]);
    check("platform.lanes", Contradictory, &[("value = 80", "value = 40"), ("Intel C741", "another chipset")]);
    check("power.supplies", Contradictory, &[("1600 W", "900 W")]);
    check(
        "power.parts",
        Contradictory,
        &[("350 W", "650 W"), ("1400 W", "2600 W"), ("NVIDIA H100 PCIe", "an unknown card")],
    );
    check(
        "power.card",
        Contradictory,
        // A model whose data sheet is not in the table of parts.
        &[
            ("350 W", "700 W"),
            ("1400 W", "2100 W"),
            ("\"gpu.slots\", value = 4", "\"gpu.slots\", value = 3"),
            ("NVIDIA H100 PCIe", "an unknown card"),
        ],
    );
    check("power.distribution", Contradictory, &[("1000 W", "500 W")]);
    check("power.distribution", Loose, &[("1000 W", "4000 W"), ("32 A", "100 A")]);
    check("power.circuit", Aggressive, &[("32 A", "16 A")]);
    check("power.model", Contradictory, &[("350 W", "500 W"), ("1400 W", "2000 W")]);
    check("power.idle", Contradictory, &[("500 W", "3500 W")]);
    check("sums.product", Contradictory, &[("value = 64, ", "value = 66, "), ("value = 128, ", "value = 132, ")]);
    check("sums.product", Contradictory, &[("120 MiB", "128 MiB")]);
    check("sums.product", Contradictory, &[("600 W", "700 W")]);
    check("sums.product", Contradictory, &[("1024 GiB", "1000 GiB"), ("1 TiB", "1000 GiB")]);
    check("sums.usable", Contradictory, &[("15.4 TB", "20 TB")]);
    check("sums.order", Contradictory, &[("450 GB", "2 TB")]);
    check("sums.order", Contradictory, &[("2.5 GHz", "3.9 GHz")]);
    check("sums.dataset", Aggressive, &[("450 GB", "900 GB")]);
    check("restated", Contradictory, &[("1 TiB", "2 TiB")]);
    check("time.shares", Contradictory, &[("88 %", "96 %"), (", save = \"8 %\"", "")]);
    check("time.shares", Contradictory, &[("88 %", "98 %")]);
    check("time.implied_rate", Contradictory, &[("\"500 GB\"", "\"5 TB\"")]);
    check("time.implied_rate", Loose, &[("\"500 GB\"", "\"200 GB\"")]);
    check("ratios.baseline", Contradictory, &[("\"memory.channels\" = 8", "\"memory.channels\" = 4")]);
    check("ratios.claim", Contradictory, &[("ratio = 2.4", "ratio = 10")]);
    check("ratios.claim", Aggressive, &[("ratio = 2.4", "approximate = true, ratio = 2.6")]);
    check("ratios.latency", Aggressive, &[("95 ns", "160 ns")]);
    check("ratios.saturation", Contradictory, &[("ratio = 1.6", "saturates = \"gpu links\"")]);
}

/// Cards of PCIe 4, as sparing as they are.
const OLDER_CARDS: [(&str, &str); 3] =
    [("NVIDIA H100 PCIe", "NVIDIA A100 80GB PCIe"), ("350 W", "300 W"), ("1400 W", "1200 W")];

#[test]
fn what_only_looks_like_a_fault_is_none() {
    let check = |what: &str, replace: &[(&str, &str)]| {
        let found = audit(&system(&planted(replace)), &[]).findings;
        let says: Vec<&str> = found.iter().map(|finding| finding.says.as_str()).collect();
        assert_eq!(says, Vec::<&str>::new(), "{what}");
    };
    let of_another_chipset = [&TWELVE_CHANNELS[..], &[("Intel C741", "another chipset"), ("614.4", "921.6")]].concat();
    check("12 channels of a chipset that is not in the table", &of_another_chipset);
    check(
        "cards of PCIe 4 in slots of PCIe 4",
        &[&OLDER_CARDS[..], &[("gen\", value = 5", "gen\", value = 4")]].concat(),
    );
    check("cards that draw less than their model may", &[("350 W", "300 W"), ("1400 W", "1200 W")]);
    check(
        "a word of the maker",
        &[("at = \"8\", says = \"\"", "at = \"8\", says = \"at most 80 °C (Tctl/Tdie)\""), ("\"Intel\"", "\"AMD\"")],
    );
    check("a circuit that carries what the rack must deliver", &[("1000 W", "1500 W")]);
    check("a dataset of which a copy fits", &[("450 GB", "549 GB")]);
    check("a theoretical bandwidth of which 90 % are measured", &[("614.4 GB/s", "556 GB/s")]);
    check("a claim that is about right", &[("ratio = 2.4", "approximate = true, ratio = 2.5")]);
    check("latencies that differ as the DRAM does", &[("95 ns", "113 ns")]);
    let narrow = [
        ("ratio = 1.6", "saturates = \"gpu links\""),
        ("\"gpu.slot_lanes\", value = 16", "\"gpu.slot_lanes\", value = 1"),
    ];
    check("drives that do saturate the links", &narrow);
}

/// A finding says everything that a letter to the vendor needs.
fn complete(finding: &Finding) {
    assert!(!finding.says.is_empty() && finding.says.ends_with('.'), "{finding:?}");
    assert!(!finding.arithmetic.is_empty() && !finding.consistent_if.is_empty(), "{finding:?}");
    assert!(!finding.rows.is_empty(), "{finding:?}");
    assert!(!finding.targets.is_empty() || !finding.concerns.is_empty(), "{finding:?}");
    assert!(finding.factor.is_finite() && finding.factor >= 1.0, "{finding:?}");
}

#[test]
fn an_outlier_is_found_in_a_family_of_three() {
    let member = |id: &str, score: u32| {
        let text = format!(
            "[[system]]\nid = \"{id}\"\nname = \"\"\ndocument = \"\"\nfamily = \"f\"\n[[system.target]]\nid = \"score\"\n\
             title = \"\"\nvalue = \"{score} points\"\nbetter = \"higher\"\nat = \"1\"\nsays = \"\"\n"
        );
        system(&text)
    };
    let check = |scores: &[u32], expect: &[Grade]| {
        let family: Vec<System> =
            scores.iter().enumerate().map(|(i, &score)| member(&format!("S{i}"), score)).collect();
        let grades: Vec<Grade> = family.iter().map(|system| audit(system, &family).graded[0].grade).collect();
        assert_eq!(grades, expect, "{scores:?}");
    };
    check(&[100, 110, 900], &[Unknown, Unknown, Aggressive]);
    check(&[100, 90, 5000, 105, 101], &[Unknown, Unknown, Aggressive, Unknown, Unknown]);
    check(&[1000, 1010, 100, 990], &[Unknown, Unknown, Loose, Unknown]);
    check(&[100, 200], &[Unknown, Unknown]);
    check(&[100, 100, 100, 900], &[Unknown; 4]);
}

#[test]
fn an_ambitious_machine_passes_clean() {
    let text = planted(&[
        ("500 GB/s", "600 GB/s"),
        ("480 GB/s", "590 GB/s"),
        ("ratio = 2.4", "ratio = 2.95"),
        ("110 ns", "80 ns"),
        ("5 TFLOPS", "6.5 TFLOPS"),
        ("4.4 TFLOPS", "5.9 TFLOPS"),
        ("1.5 M IOPS", "7 M IOPS"),
        ("200 µs", "35 µs"),
    ]);
    let audit = audit(&system(&text), &[]);
    assert!(audit.is_clean(), "{:#?}", audit.findings);
    for target in ["read", "triad", "latency", "fma", "hpl", "randread.p99"] {
        assert_eq!(audit.grade(target).unwrap().grade, Grade::Aggressive, "{target}");
    }
}

/// A machine of `k` times as many of everything, at `r` times the clocks.
fn scaled(k: f64, r: f64) -> System {
    let mut system = system(CONSISTENT);
    let counted = [
        "chassis.height",
        "chassis.drive_bays",
        "cpu.sockets",
        "cpu.cores",
        "cpu.threads",
        "cpu.l3",
        "cpu.tdp",
        "memory.capacity",
        "memory.dimms",
        "memory.channels",
        "memory.bandwidth",
        "memory.usable_dataset",
        "storage.boot.drives",
        "storage.scratch.drives",
        "storage.scratch.usable",
        "power.circuit",
        "gpu.slots",
        "gpu.power_total",
        "power.supplies",
        "power.idle",
        "power.peak",
    ];
    let clocked = ["cpu.base_clock", "cpu.turbo_clock", "memory.data_rate", "memory.bandwidth"];
    for fact in &mut system.facts {
        let FactValue::Quantity(quantity) = &mut fact.value else { continue };
        if counted.contains(&fact.id.as_str()) {
            quantity.value *= k;
        }
        if clocked.contains(&fact.id.as_str()) {
            quantity.value *= r;
        }
    }
    for target in &mut system.targets {
        let metric = target.metric.unwrap();
        match target.value.unit {
            Unit::BytePerSecond | Unit::FlopPerSecond | Unit::IoPerSecond | Unit::Watt => target.value.value *= k,
            Unit::OpPerSecond => target.value.value *= k * r,
            Unit::Hertz => target.value.value *= r,
            Unit::Second if metric.family.workload == Some(Workload::Tabular) => target.value.value /= k,
            _ => {}
        }
        if let Some(constraint) = target.constraint.as_mut().filter(|constraint| constraint.bound.unit != Unit::Second)
        {
            constraint.bound.value *= k;
        }
        if matches!(metric.ceiling, Some(Ceiling::MemoryBandwidth | Ceiling::FlopRate)) {
            target.value.value *= r;
        }
    }
    system.claims[0].that = Claimed::Ratio(2.4 * k * r);
    system.claims[1].that = Claimed::Ratio(1.6 * k);
    system
}

proptest! {
    #[test]
    fn scaling_all_of_a_consistent_machine_keeps_it_clean(k in 1_u32..64, r in 0.3_f64..3.0) {
        let audit = audit(&scaled(f64::from(k), r), &[]);
        prop_assert_eq!(&audit.findings, &Vec::new());
        prop_assert!(audit.graded.iter().all(|row| row.grade == Grade::Plausible || row.target == "idle"));
    }

    #[test]
    fn a_target_above_its_ceiling_is_impossible_at_any_scale(k in 1_u32..64, r in 0.3_f64..3.0, over in 1.001_f64..10.0) {
        let mut system = scaled(f64::from(k), r);
        let ceiling = audit(&system, &[]).grade("triad").unwrap().ceiling.unwrap().value;
        let triad = system.targets.iter_mut().find(|target| target.id == "triad").unwrap();
        triad.value.value = ceiling * over;
        prop_assert_eq!(audit(&system, &[]).grade("triad").unwrap().grade, Grade::Impossible);
    }
}

#[test]
fn the_documents_contradictions_are_found() {
    let check = |id: &str, rule: &str, words: &[&str]| {
        let audit = documented(id);
        let text = |finding: &Finding| format!("{} {} {}", finding.says, finding.arithmetic, finding.consistent_if);
        let found = audit
            .findings
            .iter()
            .any(|finding| finding.rule == rule && words.iter().all(|word| text(finding).contains(word)));
        let of_rule: Vec<String> = audit.findings.iter().filter(|finding| finding.rule == rule).map(text).collect();
        assert!(found, "{id} {rule} {words:?}: {of_rule:#?}");
    };
    let id = "PY-HPC-2024.Q3";
    check(
        id,
        "memory.population",
        &["16 DIMMs", "24 channels", "3072 GiB", "no module's capacity", "16 channels are used"],
    );
    check(
        id,
        "memory.bandwidth",
        &["1.800 TB/s", "716.8 GB/s", "1.434 TB/s", "half-duplex", "41 channels", "819.2 GB/s"],
    );
    check(id, "memory.bandwidth", &["1.650 TB/s", "716.8 GB/s", "37 channels", "6400 MT/s"]);
    check(id, "memory.observed", &["1.800 TB/s", "100.0 %", "90.0 %"]);
    check(id, "memory.observed", &["1.650 TB/s", "91.7 %"]);
    check(id, "parts.value", &["Intel C741", "8", "12"]);
    check(id, "parts.link", &["A100", "PCIe 4", "50.0 %"]);
    check(id, "parts.term", &["Tctl", "AMD", "Intel"]);
    check(id, "power.model", &["350 W", "1400 W and not 2800 W", "2100 W and not 3500 W"]);
    check(id, "power.circuit", &["16000 W", "30 A", "5760 W", "84 A"]);
    check(id, "sums.dataset", &["1.500 TB", "3 TB", "2048 GiB"]);
    check(id, "ratios.latency", &["1.47", "1.04"]);
    check(id, "ratios.saturation", &["45 GB/s", "252.1 GB/s", "17.9 %", "444.4 MB/s", "0.18 %"]);
    check(id, "family.channels", &["LAT-OPT-2024", "40.2 channels", "22.9 channels", "36.1 channels"]);
    check(id, "memory.latency", &["75 ns", "26.43 ns", "90 ns"]);
    check(id, "compute.clock", &["14.50 Tflop/s", "3.540 GHz", "11.47 Tflop/s", "18.43 Tflop/s"]);
    check(id, "compute.clock", &["11.20 Tflop/s", "2.972 GHz", "97.7 %", "77.2 %"]);
    check(id, "storage.little", &["45 GB/s", "150 µs", "6.4", "13.11 ms", "279.6 µs", "139.8 µs"]);
    check(id, "storage.little", &["38 GB/s", "180 µs", "6.5"]);
    check(id, "storage.nand", &["35 µs", "40 µs", "datasheet"]);
    check(id, "storage.records", &["235.9 GB/s", "94.52 GB/s", "at most 32 KiB"]);
    check(id, "platform.form_factor", &["6 E3.S drives", "2.5in"]);
    check(id, "power.supplies", &["2400 W", "3800 W", "3 supplies of 2400 W"]);
    check(id, "power.card", &["700 W", "675 W"]);
    check(id, "power.distribution", &["4000 W", "16000 W", "950 W"]);
    check(id, "time.shares", &["100.0 %", "save"]);
    check(id, "time.implied_rate", &["2.020 GB/s", "45 GB/s", "22.3"]);
    check(id, "time.implied_rate", &["5.698 GB/s", "1.650 TB/s", "10 times"]);
    check(id, "ratios.baseline", &["102.4 GB/s", "200 GB/s", "2 sockets"]);
    check(id, "ratios.claim", &["10", "9", "8.1 to 9.9", "would be 7.0"]);
    let claim = documented(id).findings.into_iter().find(|finding| finding.rule == "ratios.claim").unwrap();
    assert_eq!(claim.grade, Aggressive);
    check("LAT-OPT-2024", "memory.bandwidth", &["23", "16", "768 GB/s", "143.2 %"]);
    check("GPU-MAX-2024", "memory.bandwidth", &["37", "16", "665.6 GB/s", "225.4 %"]);
    check("HOSTED-CORE-I9-9900K", "family.outlier", &["4.89", "13124", "5078"]);
    let all = documented(id).findings;
    assert_eq!(all.len(), 30, "{:#?}", all.iter().map(|finding| &finding.says).collect::<Vec<_>>());
    all.iter().for_each(complete);
    assert!(all.is_sorted_by_key(|finding| finding.grade));
    for id in ["HOSTED-EPYC-7502P-128GB-1TB", "HOSTED-EPYC-9454P"] {
        assert_eq!(documented(id).findings, Vec::new(), "{id}");
    }
}

#[test]
fn sums_that_hold_are_not_findings() {
    // 6 × 7.68 = 46.08 TB, 2 × 128 = 256 MiB, 2 × 350 = 700 W, 2 + 6 = 8 drives, 4 × 16 + 6 × 4 + 2 × 4 = 96 lanes.
    let rules: BTreeSet<&str> = documented("PY-HPC-2024.Q3").findings.iter().map(|finding| finding.rule).collect();
    for rule in
        ["sums.product", "sums.usable", "sums.order", "platform.bays", "platform.lanes", "restated", "power.parts"]
    {
        assert!(!rules.contains(rule), "{rule}");
    }
}

#[test]
fn a_ceiling_stands_beside_every_target_that_has_one() {
    let audit = documented("PY-HPC-2024.Q3");
    let check = |target: &str, value: f64| {
        let ceiling = audit.grade(target).unwrap().ceiling.unwrap().value;
        assert!((ceiling / value - 1.0).abs() < 1e-3, "{target}: {ceiling}");
    };
    check("memory.stream", 716.8e9);
    check("compute.peak", 18.432e12);
    check("compute.hpl", 18.432e12);
    check("disk.seqread", 94.52e9);
    check("disk.randread", 94.52e9 / 4096.0);
    check("memory.latency", 26.43e-9);
}

#[test]
fn every_document_is_audited() {
    let findings: usize = spec::builtin().iter().map(|system| audit(system, spec::builtin()).findings.len()).sum();
    assert!(findings > 0);
}

#[test]
fn findings_are_data_for_machines() {
    let audit = documented("PY-HPC-2024.Q3");
    let json = serde_json::to_value(&audit).unwrap();
    assert_eq!(json["findings"][0]["grade"], "impossible");
    assert_eq!(json["graded"][0]["ceiling"]["unit"], "B/s");
    assert_eq!(json["findings"].as_array().unwrap().len(), audit.findings.len());
}

#[test]
fn no_rule_holds_a_number_or_a_name_of_a_document() {
    // Arithmetic, rounding and percent; binary prefixes; the slack of rounding errors.
    const ALLOWED: &[&str] = &["0", "1", "2", "0.0", "1.0", "2.0", "0.5", "10.0", "100.0", "1024.0", "1e-9"];
    const NAMES: &[&str] = &[
        "python",
        "py-hpc",
        "lat-opt",
        "gpu-max",
        "hosted",
        "xeon",
        "epyc",
        "ryzen",
        "core i",
        "intel",
        "amd",
        "nvidia",
        "h100",
        "a100",
        "rtx",
        "supermicro",
        "sys-7508",
        "c741",
        "8580",
        "titanium",
        "pandas",
        "numpy",
        "powervps",
    ];
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/audit");
    let mut files = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.file_name().unwrap() == "constants.rs" {
            continue;
        }
        files += 1;
        let text = std::fs::read_to_string(&path).unwrap();
        let code = text.split("#[cfg(test)]").next().unwrap().to_lowercase();
        for name in NAMES {
            let found = code.match_indices(name).any(|(at, _)| {
                let before = code[..at].chars().next_back().is_none_or(|c| !c.is_alphanumeric());
                before && code[at + name.len()..].chars().next().is_none_or(|c| !c.is_alphabetic())
            });
            assert!(!found, "{} names {name}", path.display());
        }
        for literal in literals(&code) {
            assert!(ALLOWED.contains(&literal.as_str()), "{} holds the number {literal}", path.display());
        }
    }
    assert!(files > 10);
    let names = serde_json::to_string(constants::ALL).unwrap().to_lowercase();
    for name in ["py-hpc", "python", "8580", "c741", "h100", "a100", "supermicro", "7502p", "9900k"] {
        assert!(!names.contains(name), "a constant names {name}");
    }
}

/// The numbers in Rust code, outside texts and comments.
fn literals(code: &str) -> Vec<String> {
    let lines = code.lines().map(|line| line.split("//").next().unwrap_or_default());
    let code: String = lines.collect::<Vec<_>>().join("\n");
    let mut plain = String::new();
    let (mut in_text, mut escaped) = (false, false);
    for c in code.chars() {
        match c {
            '"' if !escaped => in_text = !in_text,
            _ if !in_text => plain.push(c),
            _ => {}
        }
        escaped = in_text && c == '\\' && !escaped;
    }
    let words = plain.split(|c: char| !c.is_alphanumeric() && !matches!(c, '.' | '_' | '-'));
    words
        .map(|word| word.trim_matches(|c| matches!(c, '.' | '-')))
        .filter(|word| word.starts_with(|c: char| c.is_ascii_digit()))
        .map(|word| word.split("..").next().unwrap_or(word).split("_f64").next().unwrap_or(word).to_owned())
        .collect()
}
