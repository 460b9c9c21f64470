//! The grade of every documented target, worked out by hand before the rules were written.

use spec::audit::Grade::{self, Aggressive, Contradictory, Impossible, Plausible, Unknown};

/// System, target, grade, and the arithmetic by hand.
const EXPECTED: &[(&str, &str, Grade, &str)] = &[
    (
        "PY-HPC-2024.Q3",
        "memory.peak_read",
        Impossible,
        "16 DIMMs feed at most 16 channels, and the sockets of a C741 have no more: 16 × 5.6e9 T/s × 8 B = 716.8 GB/s; 1.8 TB/s \
         is 2.51 times that (a channel is half-duplex: no reading doubles it)",
    ),
    ("PY-HPC-2024.Q3", "memory.stream", Impossible, "1.65 TB/s against the same 716.8 GB/s: 2.30 times"),
    (
        "PY-HPC-2024.Q3",
        "memory.latency",
        Aggressive,
        "row activation and column access need 2 × 12.5 ns, the burst 8 / 5.6e9 = 1.4 ns: 75 ns is above this floor of \
         26.4 ns, but below the 90 ns and more that are published for two-socket DDR5 servers",
    ),
    (
        "PY-HPC-2024.Q3",
        "compute.peak",
        Aggressive,
        "14.5e12 / (128 cores × 32 flop/cycle) = 3.54 GHz on all cores; base 2.8 GHz gives 11.47 TFLOPS, the single-core \
         turbo of 4.5 GHz 18.43: between the two",
    ),
    (
        "PY-HPC-2024.Q3",
        "compute.hpl",
        Aggressive,
        "11.2 of 11.47 TFLOPS at the base clock are 97.7 %, 77 % of the stated peak; at 92 % efficiency the cores must \
         hold 11.2e12 / (0.92 × 128 × 32) = 2.97 GHz, above base",
    ),
    ("PY-HPC-2024.Q3", "compute.clock.base", Plausible, "it is the base clock"),
    ("PY-HPC-2024.Q3", "compute.clock.turbo", Plausible, "it is the turbo clock, of a single core"),
    (
        "PY-HPC-2024.Q3",
        "compute.amx.bf16",
        Plausible,
        "128 × 2.8e9 × 1024 = 367 TFLOPS at the base clock, of which it is 75 %",
    ),
    ("PY-HPC-2024.Q3", "compute.amx.int8", Plausible, "twice as many operations, the same share"),
    (
        "PY-HPC-2024.Q3",
        "disk.seqread",
        Plausible,
        "45 / 6 = 7.5 GB/s a drive; PCIe 5 x4 is 32e9 × 4 × 128/130 / 8 = 15.75 GB/s: 48 %",
    ),
    (
        "PY-HPC-2024.Q3",
        "disk.seqread.p99",
        Aggressive,
        "45e9 / 1048576 = 42,915 reads/s × 150 µs = 6.4 in flight over six drives: 1.07 each, so no drive may ever queue",
    ),
    ("PY-HPC-2024.Q3", "disk.seqwrite", Plausible, "38 / 6 = 6.33 GB/s a drive of 15.75 GB/s: 40 %"),
    (
        "PY-HPC-2024.Q3",
        "disk.seqwrite.p99",
        Aggressive,
        "38e9 / 1048576 = 36,240 writes/s × 180 µs = 6.5 in flight over six drives: 1.09 each",
    ),
    (
        "PY-HPC-2024.Q3",
        "disk.randread",
        Aggressive,
        "1.8e6 × 4 KiB = 7.4 GB/s is little, but ZFS reads whole records: at its default of 128 KiB 1.8e6 × 131072 = \
         235.9 GB/s, and the six links carry 94.5; needs records of at most 32 KiB (94.5e9 / 1.8e6 = 52.5 kB)",
    ),
    (
        "PY-HPC-2024.Q3",
        "disk.randread.p99",
        Aggressive,
        "1.8e6 × 35 µs = 63 in flight, 10.5 a drive, is fine; but the fastest published TLC array read takes 40 µs, so \
         99 % of the reads may not touch TLC NAND",
    ),
    (
        "PY-HPC-2024.Q3",
        "tabular.time",
        Contradictory,
        "78 % + 22 % = 100 %: saving the result, which belongs to the work, has no time; 22 % of 1125 s = 247.5 s for \
         500 GB = 2.02 GB/s, 22 times below the 45 GB/s of the same document",
    ),
    (
        "PY-HPC-2024.Q3",
        "tabular.time.polars",
        Unknown,
        "the document promises nothing of this engine, and its shares are those of the other",
    ),
    ("PY-HPC-2024.Q3", "tabular.share.transform", Unknown, "a share of a time that no table bounds"),
    ("PY-HPC-2024.Q3", "tabular.share.read", Unknown, "the same"),
    ("PY-HPC-2024.Q3", "tabular.dask", Unknown, "a share of what cores do: no table bounds it below 100 %"),
    ("PY-HPC-2024.Q3", "gpu.copy", Unknown, "it is derived from the links: 4 × 16 × 3.94 = 252 GB/s"),
    ("PY-HPC-2024.Q3", "gpu.peer", Unknown, "a link that the document does not describe"),
    ("PY-HPC-2024.Q3", "host.power.idle", Unknown, "the idle power of no component is stated"),
    (
        "PY-HPC-2024.Q3",
        "host.power.peak",
        Contradictory,
        "two redundant supplies of 2400 W leave 2400 W when one fails, below 3800 W; 700 + 2800 = 3500 W of 3800 W are \
         CPUs and GPUs",
    ),
    ("PY-HPC-2024.Q3", "host.power.cpu", Unknown, "what the processors draw is what their firmware lets them"),
    ("PY-HPC-2024.Q3", "host.temperature", Unknown, "no thermal resistance and no inlet temperature is stated"),
    (
        "LAT-OPT-2024",
        "compute.clock.turbo",
        Unknown,
        "no clock is stated: that it is above another system's follows from no table",
    ),
    ("HOSTED-CORE-I7-6700K-7700", "cpu.benchmark", Unknown, "a third-party score has no physics"),
    ("HOSTED-CORE-I7-8700", "cpu.benchmark", Unknown, "the median of its family"),
    (
        "HOSTED-CORE-I9-9900K",
        "cpu.benchmark",
        Aggressive,
        "8046, 13124, 49969: median 13124, MAD 5078, z = 0.6745 × 36845 / 5078 = 4.89 > 3.5",
    ),
    ("HOSTED-RYZEN-5-3600", "cpu.benchmark", Unknown, "17849, 35224, 46045, 48021, 63561: z = -1.76"),
    ("HOSTED-RYZEN-7-7700", "cpu.benchmark", Unknown, "z = -0.67"),
    ("HOSTED-RYZEN-9-5950X", "cpu.benchmark", Unknown, "the median"),
    ("HOSTED-RYZEN-9-7950X", "cpu.benchmark", Unknown, "z = 0.6745 × 17516 / 10821 = 1.09"),
    ("HOSTED-EPYC-7502P-128GB-1TB", "cpu.benchmark", Unknown, "five equal rows of one CPU count once: z = 0.12"),
    ("HOSTED-EPYC-7502P-128GB-2TB", "cpu.benchmark", Unknown, "the same"),
    ("HOSTED-EPYC-7502P-128GB-4TB", "cpu.benchmark", Unknown, "the same"),
    ("HOSTED-EPYC-7502P-256GB-1TB", "cpu.benchmark", Unknown, "the same"),
    ("HOSTED-EPYC-7502P-256GB-4TB", "cpu.benchmark", Unknown, "the same"),
];

#[test]
fn every_documented_target_has_an_expected_grade() {
    let expected: Vec<_> = EXPECTED.iter().map(|(system, target, ..)| (*system, *target)).collect();
    let documented: Vec<_> = spec::builtin()
        .iter()
        .flat_map(|system| system.targets.iter().map(|target| (system.id.as_str(), target.id.as_str())))
        .collect();
    assert_eq!(expected, documented);
    assert!(EXPECTED.iter().all(|(_, _, grade, by_hand)| !by_hand.is_empty() && *grade <= Unknown));
}

#[test]
fn the_rules_give_the_grades_that_were_worked_out_by_hand() {
    let check = |system: &str, target: &str, expect: Grade, by_hand: &str| {
        let system = spec::find(system).unwrap();
        let audit = spec::audit::audit(system, spec::builtin());
        let graded = audit.grade(target).unwrap();
        assert_eq!(graded.grade, expect, "{} {target}: by hand {by_hand}; by rule {}", system.id, graded.arithmetic);
    };
    for &(system, target, grade, by_hand) in EXPECTED {
        check(system, target, grade, by_hand);
    }
}
