use std::fs;
use std::path::Path;

use measure::{Facts, Outcome, Unit, metrics};

use super::*;
use crate::testdata::{measured, run, system};

fn log(name: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../import/tests/logs");
    fs::read_to_string(folder.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// The host that the logs were made on.
fn facts() -> Facts {
    let mut facts = Facts::default();
    for (id, value) in [("cpu.cores", 2.0), ("cpu.threads", 2.0)] {
        facts.quantity(id, value, Unit::Count, "sysfs");
    }
    for (id, mebibytes) in [("cpu.l3", 260.0), ("cpu.l2", 2.0), ("memory.total", 24_000.0)] {
        facts.quantity(id, mebibytes * 1_048_576.0, Unit::Byte, "sysfs");
    }
    facts.text("cpu.model", "Intel(R) Xeon(R) Processor", "cpuinfo");
    facts
}

fn examined(text: &str, facts: &Facts) -> Vec<VendorRow> {
    let import = import::read(text, None).unwrap_or_else(|error| panic!("{error}\n{text}"));
    examine(&import, KnownHost { name: "node1", facts, judged: None })
}

fn row<'a>(rows: &'a [VendorRow], name: &str) -> &'a VendorRow {
    rows.iter().find(|row| row.figure.name == name).unwrap_or_else(|| panic!("no {name}"))
}

/// What is said of a figure, with the rules that say it.
fn said(row: &VendorRow) -> String {
    row.remarks.iter().fold(String::new(), |said, remark| said + &format!("[{}] {}\n", remark.rule, remark.says))
}

/// Holds that a planted fault is named by a rule, for a figure of the log.
fn check(name: &str, edit: &dyn Fn(String) -> String, figure: &str, worth: Worth, (rule, words): (&str, &str)) {
    let rows = examined(&edit(log(name)), &facts());
    let found = row(&rows, figure);
    let remark = found.remarks.iter().find(|remark| remark.rule == rule);
    let remark = remark.unwrap_or_else(|| panic!("{name}, {figure}: no `{rule}` in\n{}", said(found)));
    assert!(remark.says.contains(words), "{name}: {}", remark.says);
    assert_eq!((remark.worth, found.worth >= worth), (worth, true), "{name}: {rule}");
}

fn same(text: String) -> String {
    text
}

/// A log without the lines that hold a mark.
fn without(mark: &'static str) -> impl Fn(String) -> String {
    move |text| text.split_inclusive('\n').filter(|line| !line.contains(mark)).collect()
}

/// A log with another text instead of one.
fn instead(from: &'static str, to: &'static str) -> impl Fn(String) -> String {
    move |text| {
        assert!(text.contains(from), "no {from}");
        text.replace(from, to)
    }
}

#[test]
fn planted_figures_of_something_else_are_named() {
    use Worth::{Implausible, Inconclusive, NotComparable};
    // 1: STREAM in the caches, at its default.
    check(
        "stream-default.txt",
        &same,
        "Triad",
        Implausible,
        ("in the caches", "arrays of 76.29 MiB, and 4 × the caches"),
    );
    check("likwid-small.txt", &same, "stream_avx", Implausible, ("in the caches", "a working set of 30.52 MiB"));
    check("hpcc-openblas.txt", &same, "StarSTREAM_Triad", Implausible, ("in the caches", "in each of 2 processes"));
    // 2: buffered fio.
    check(
        "fio-buffered.json",
        &same,
        "buffered: read bandwidth",
        Implausible,
        ("buffered", "the page cache holds all of it"),
    );
    // 3: HPL without a residual, and with one that failed.
    check(
        "hpl.txt",
        &without("||Ax-b||_oo/"),
        "HPL",
        Inconclusive,
        ("residual missing", "whether the system was solved"),
    );
    check(
        "hpl.txt",
        &instead("0.0035639 ...... PASSED", "31.5 ...... FAILED"),
        "HPL",
        Implausible,
        ("residual too large", "31.5"),
    );
    check(
        "hpl.txt",
        &instead("0.0035639 ...... PASSED", "31.5 ...... FAILED"),
        "HPL",
        Implausible,
        ("own check failed", "line 49"),
    );
    // 4: another tool's unit.
    check("stress-ng.txt", &same, "stream read (instance 0)", NotComparable, ("not STREAM", "its MB are of 2²⁰ B"));
    check("likwid-triad.txt", &same, "triad", NotComparable, ("another triad", "three loads of an update"));
}

#[test]
fn planted_edits_and_bad_practice_are_named() {
    use Worth::{Implausible, Inconclusive, NotComparable};
    // 5: an edited figure.
    check(
        "stream.txt",
        &instead("26370.5", "46370.5"),
        "Triad",
        Implausible,
        ("contradicts itself", "3 arrays are 3600.0 MB"),
    );
    check("hpl.txt", &instead("1.871e+01", "8.871e+01"), "HPL", Implausible, ("contradicts itself", "N = 4000 takes"));
    check(
        "fio-seqread.json",
        &instead("\"iops\" : 1", "\"iops\" : 9"),
        "seqread: read IOPS",
        Implausible,
        ("contradicts itself", "total_ios is"),
    );
    // What the tool itself calls failed.
    check(
        "dcgm.json",
        &instead("\"Pass\"", "\"Fail\""),
        "GPU 0 Host to GPU bandwidth",
        Implausible,
        ("own check failed", "the test PCIe says Fail"),
    );
    check(
        "fio-randread.json",
        &instead("\"error\" : 0", "\"error\" : 5"),
        "randread: read IOPS",
        Implausible,
        ("own check failed", "the job randread ended with error 5"),
    );
    check(
        "hpcc-mkl.txt",
        &instead("Success=1", "Success=0"),
        "StarDGEMM_Gflops",
        Implausible,
        ("own check failed", "Success=0"),
    );
    // One entry of jobs that worked at once.
    check("fio-shares.json", &same, "shares: read IOPS", NotComparable, ("a share", "one of 2 entries of fio"));
    // One entry for jobs of several sections.
    check("fio-joined.json", &same, "first: read IOPS", NotComparable, ("joined", "the options of the last"));
    // 6: random blocks that come again.
    check("fio-norandommap.json", &same, "norandommap: read IOPS", NotComparable, ("norandommap", "a cache answers"));
    // 7: a mean instead of a percentile.
    check(
        "fio-randread.json",
        &instead("\"percentile\"", "\"centile\""),
        "randread: read mean latency",
        NotComparable,
        ("a mean for p99", "no percentiles"),
    );
    // 8: clat for lat, and a run that was too short.
    check("fio-norandommap.json", &same, "norandommap: read p99", Inconclusive, ("clat for lat", "the time to submit"));
    check("fio-buffered.json", &same, "buffered: read bandwidth", Inconclusive, ("short", "of reads"));
    // 9: a result that its own tool calls wrong, or does not call anything.
    check(
        "stream.txt",
        &instead("Solution Validates: avg error", "Failed Validation on array a[], AvgRelAbsErr"),
        "Triad",
        Implausible,
        ("own check failed", "line 32"),
    );
    check(
        "stream.txt",
        &without("Solution Validates"),
        "Triad",
        Inconclusive,
        ("own check missing", "check of its arrays"),
    );
    check(
        "nvbandwidth.txt",
        &instead("SUM host_to_device_memcpy_ce 106.78", "SUM host_to_device_memcpy_ce 206.78"),
        "host_to_device_memcpy_ce",
        Implausible,
        ("contradicts itself", "add up to 106.78"),
    );
}

#[test]
fn planted_figures_of_another_host_are_named() {
    use Worth::{Implausible, Inconclusive, NotComparable};
    // 10: of a part of the host, of another, or of several.
    check(
        "stream.txt",
        &instead("= 2\n", "= 1\n"),
        "Triad",
        NotComparable,
        ("a part of the host", "1 threads on a host with 2 cores"),
    );
    check(
        "hpl.txt",
        &instead("     1     2  ", "     8     8  "),
        "HPL",
        NotComparable,
        ("more than the host", "8 × 8 processes"),
    );
    check(
        "hpl.txt",
        &instead("        4000   192", "      400000   192"),
        "HPL",
        Implausible,
        ("larger than memory", "1.164 TiB"),
    );
    check("passmark.yml", &same, "CPU Mark", NotComparable, ("another processor", "AMD EPYC 7502P"));
    check(
        "passmark.yml",
        &instead("CPU_SORTING: 101254.88216044321", "CPU_SORTING: 0"),
        "CPU Mark",
        Inconclusive,
        ("incomplete", "CPU_SORTING gave nothing"),
    );
    check(
        "passmark.yml",
        &without("CPU_SORTING"),
        "CPU Mark",
        Inconclusive,
        ("incomplete", "CPU_SORTING gave nothing"),
    );
    check(
        "hpcc-mkl.txt",
        &instead("CommWorldProcs=2", "CommWorldProcs=8"),
        "StarDGEMM_Gflops",
        NotComparable,
        ("more than the host", "8 processes worked"),
    );
    check(
        "stress-ng.txt",
        &instead("307200K", "66560K"),
        "stream read (instance 0)",
        Implausible,
        ("in the caches", "each of its 2 processes"),
    );
    check("hpcc-mkl.txt", &instead("'node1'", "'node2'"), "HPL", Inconclusive, ("another host", "node2"));
    check("hpcc-mkl.txt", &same, "SingleSTREAM_Triad", NotComparable, ("one process alone", "a core"));
}

#[test]
fn honest_logs_are_not_named() {
    let mut honest = facts();
    let check = |name: &str, edit: &dyn Fn(String) -> String, facts: &Facts| {
        let rows = examined(&edit(log(name)), facts);
        for row in rows.iter().filter(|row| row.metric.is_some()) {
            assert_eq!(row.worth, Worth::Comparable, "{name}, {}:\n{}", row.figure.name, said(row));
        }
        assert!(rows.iter().any(|row| row.metric.is_some()), "{name}");
    };
    for name in [
        "stream.txt",
        "hpl.txt",
        "likwid-load.txt",
        "likwid-mem.txt",
        "likwid-stream.txt",
        "likwid-peak.txt",
        "fio-seqread.json",
        "fio-randread.json",
        "fio-psync.json",
    ] {
        check(name, &same, &honest);
    }
    // HPCC's arrays follow N; of its own figures the one of HPL is honest here, and the rest where caches are small.
    honest.quantity("cpu.l3", 1e6, Unit::Byte, "test");
    honest.quantity("cpu.l2", 0.5e6, Unit::Byte, "test");
    check("hpcc-openblas.txt", &same, &honest);
    check("hpcc-mkl.txt", &same, &honest);
    let mut other = Facts::default();
    other.text("cpu.model", "AMD EPYC 7502P 32-Core Processor", "test");
    other.quantity("cpu.cores", 32.0, Unit::Count, "test");
    other.quantity("cpu.threads", 64.0, Unit::Count, "test");
    check("passmark.yml", &same, &other);
    check("mlc.txt", &same, &other);
}

#[test]
fn arrays_are_held_against_the_last_level_and_what_is_above_it() {
    // Arrays of 1144.4 MiB.
    let check = |l3: f64, l2: f64, expect: Worth| {
        let mut facts = facts();
        facts.quantity("cpu.l3", l3 * 1_048_576.0, Unit::Byte, "test");
        facts.quantity("cpu.l2", l2 * 1_048_576.0, Unit::Byte, "test");
        let rows = examined(&log("stream.txt"), &facts);
        let found = row(&rows, "Triad");
        assert_eq!(found.worth, expect, "{l3}, {l2}: {}", said(found));
    };
    check(286.0, 0.01, Worth::Comparable);
    check(286.0, 2.0, Worth::Inconclusive);
    check(287.0, 2.0, Worth::Implausible);
    // Two processes of stress-ng with an L3 each.
    let rows = examined(&instead("307200K", "133120K")(log("stress-ng.txt")), &facts());
    let found = row(&rows, "stream read (instance 0)");
    assert!(found.remarks.iter().all(|remark| remark.rule != "in the caches"), "{}", said(found));
}

#[test]
fn physics_bounds_a_figure_of_another_tool() {
    let check = |name: &str, change: &dyn Fn(&mut Facts), figure: &str, expect: Option<&str>| {
        let mut facts = facts();
        change(&mut facts);
        let rows = examined(&log(name), &facts);
        let found = row(&rows, figure);
        let beyond = found.remarks.iter().find(|remark| remark.rule.starts_with("beyond"));
        assert_eq!(beyond.is_some(), expect.is_some(), "{name}: {}", said(found));
        assert!(
            beyond.is_none_or(|remark| remark.says.contains(expect.unwrap_or_default())),
            "{name}: {}",
            said(found)
        );
    };
    let modules = |channels: f64| {
        move |facts: &mut Facts| {
            facts.quantity("memory.channels", channels, Unit::Count, "SMBIOS");
            facts.quantity("memory.data_rate", 1600e6, Unit::TransferPerSecond, "SMBIOS");
        }
    };
    check("stream.txt", &modules(4.0), "Triad", None);
    check("stream.txt", &modules(1.0), "Triad", Some("12.80 GB/s: 1 (SMBIOS) channels"));
    let clock = |hertz: f64| {
        move |facts: &mut Facts| {
            facts.text("cpu.microarchitecture", "AuthenticAMD family 25 model 17 stepping 1", "CPUID");
            facts.quantity("cpu.turbo_clock", hertz, Unit::Hertz, "cpufreq");
        }
    };
    check("hpl.txt", &clock(3.7e9), "HPL", None);
    check("hpl.txt", &clock(0.5e9), "HPL", Some("16 flop/cycle"));
    let gpu = |generation: f64| {
        move |facts: &mut Facts| {
            facts.quantity("gpu.pcie_gen", generation, Unit::Count, "NVML");
            facts.quantity("gpu.pcie_lanes", 16.0, Unit::Count, "NVML");
        }
    };
    check("nvbandwidth.txt", &gpu(5.0), "host_to_device_memcpy_ce", None);
    check(
        "nvbandwidth.txt",
        &gpu(4.0),
        "host_to_device_memcpy_ce",
        Some("53.39 GB/s of a GPU, and 16 lanes of PCIe 4"),
    );
    check("dcgm.json", &gpu(3.0), "GPU 0 GPU to Host bandwidth", Some("15.75 GB/s in one direction"));
    check("dcgm.json", &gpu(3.0), "GPU 0 bidirectional bandwidth", None);
}

#[test]
fn what_is_not_known_of_a_host_judges_nothing() {
    let rows = examined(&log("stream-default.txt"), &Facts::default());
    let found = row(&rows, "Triad");
    assert_eq!(found.worth, Worth::Inconclusive, "{}", said(found));
    assert!(said(found).contains("caches of 19.07 MiB at most"), "{}", said(found));
    let rows = examined(&log("stream.txt"), &Facts::default());
    assert_eq!(row(&rows, "Triad").worth, Worth::Comparable);
}

#[test]
fn a_figure_stands_beside_ours_and_the_documents() {
    let check = |triad: f64, expect: Reproduced| {
        let mut run = run();
        run.facts.quantity("cpu.cores", 2.0, Unit::Count, "sysfs");
        run.attempts[0]
            .outcomes
            .retain(|outcome| outcome.measured().is_none_or(|one| !one.metric.is(&metrics::STREAM_TRIAD)));
        run.attempts[0].outcomes.push(measured(&metrics::STREAM_TRIAD, &[triad]));
        let judgement = crate::judge(&run, &system(), &[], &[]);
        let before = judgement.clone();
        let import = import::read(&log("stream.txt"), None).unwrap();
        let known = KnownHost { name: "node1", facts: &run.facts, judged: Some((&run, &judgement)) };
        let rows = examine(&import, known);
        let found = row(&rows, "Triad");
        assert_eq!(found.reproduced, Some(expect), "{triad}: {}", said(found));
        assert_eq!(found.ours.map(|ours| ours.value.to_bits()), Some(triad.to_bits()));
        let (target, documented) = found.documented.clone().unwrap();
        assert_eq!((target.as_str(), documented.to_string()), ("memory.triad", "100 GB/s".to_owned()));
        assert_eq!(found.limit.as_ref().unwrap().value.to_string(), "153.6 GB/s");
        // What was sent changes nothing of what was measured.
        assert_eq!(judgement, before);
    };
    check(40e9, Reproduced::Yes);
    check(26e9, Reproduced::WithinNoise);
    check(20e9, Reproduced::No);
}

#[test]
fn what_may_be_of_something_else_is_not_missed_here() {
    let mut run = run();
    run.facts.quantity("cpu.cores", 2.0, Unit::Count, "sysfs");
    run.attempts[0].outcomes = vec![measured(&metrics::STREAM_TRIAD, &[20e9])];
    let judgement = crate::judge(&run, &system(), &[], &[]);
    let check = |edit: &dyn Fn(String) -> String, expect: (Worth, Option<Reproduced>)| {
        let import = import::read(&edit(log("stream.txt")), None).unwrap();
        let rows = examine(&import, KnownHost { name: "node1", facts: &run.facts, judged: Some((&run, &judgement)) });
        let found = row(&rows, "Triad");
        assert_eq!((found.worth, found.reproduced), expect, "{}", said(found));
    };
    check(&same, (Worth::Comparable, Some(Reproduced::No)));
    check(&without("Solution Validates"), (Worth::Inconclusive, None));
}

#[test]
fn a_percentile_is_held_against_one_of_the_same_depth() {
    let check = |depth: u32, p99: Worth, is_said: bool| {
        let mut run = run();
        let with_depth = |metric, value| match measured(metric, &[value]) {
            Outcome::Measured(one) => Outcome::Measured(one.context("depth", depth)),
            other @ Outcome::NotMeasured(_) => other,
        };
        run.attempts[1].outcomes =
            vec![with_depth(&metrics::DISK_RANDREAD_IOPS, 90e3), with_depth(&metrics::DISK_RANDREAD_P99, 4e-3)];
        let judgement = crate::judge(&run, &system(), &[], &[]);
        let import = import::read(&log("fio-randread.json"), None).unwrap();
        let rows = examine(&import, KnownHost { name: "node1", facts: &run.facts, judged: Some((&run, &judgement)) });
        let (tail, rate) = (row(&rows, "randread: read p99"), row(&rows, "randread: read IOPS"));
        assert_eq!((tail.worth, rate.worth), (p99, Worth::Comparable), "{}{}", said(tail), said(rate));
        assert_eq!(tail.reproduced.is_some(), p99 == Worth::Comparable, "{depth}");
        assert_eq!(said(rate).contains("[another depth]"), is_said, "{depth}: {}", said(rate));
    };
    check(64, Worth::Comparable, false);
    check(4, Worth::NotComparable, true);
}

#[test]
fn a_share_of_a_process_is_made_the_hosts() {
    let rows = examined(&log("hpcc-openblas.txt"), &facts());
    let triad = row(&rows, "StarSTREAM_Triad");
    assert!((triad.value.value / 20.9872e9 - 1.0).abs() < 1e-9, "{:?}", triad.value);
    assert_eq!(triad.how.as_deref(), Some("10.4936 GB/s of a process × 2 processes"));
    assert_eq!(row(&rows, "SingleSTREAM_Triad").how, None);
}
