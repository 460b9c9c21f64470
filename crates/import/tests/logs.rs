//! Logs that tools printed (`tests/logs`; README says which were made here and which from documents), read.

use std::fs;
use std::path::{Path, PathBuf};

use import::{Figure, Format, Import, Setting, read};
use measure::metrics;
use measure::random::SplitMix64;

fn logs() -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/logs");
    let mut paths: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let named =
        |path: &PathBuf| (path.file_name().unwrap().to_str().unwrap().to_owned(), fs::read_to_string(path).unwrap());
    paths.iter().map(named).collect()
}

fn log(name: &str) -> String {
    logs().into_iter().find(|(known, _)| known == name).unwrap_or_else(|| panic!("no log {name}")).1
}

fn figure<'a>(import: &'a Import, name: &str) -> &'a Figure {
    let mut fitting = import.figures.iter().filter(|figure| figure.name == name);
    fitting.next().unwrap_or_else(|| {
        let names: Vec<&str> = import.figures.iter().map(|figure| figure.name.as_str()).collect();
        panic!("no {name} among {names:?}")
    })
}

#[test]
fn every_log_is_recognised_and_its_figures_stand_in_their_lines() {
    let mut read_logs = 0;
    for (name, text) in logs() {
        if name == "stress-ng-short.txt" {
            continue;
        }
        let import = read(&text, None).unwrap_or_else(|error| panic!("{name}: {error}"));
        let lines: Vec<&str> = text.lines().collect();
        let tool = name.split(['-', '.']).next().unwrap();
        assert!(import.format.name().starts_with(tool), "{name} is taken for the output of {}", import.format.name());
        for figure in &import.figures {
            let line = lines[figure.line - 1];
            assert!(line.contains(&figure.printed), "{name}, line {}: no {} in `{line}`", figure.line, figure.printed);
            assert!(figure.printed.parse::<f64>().is_ok(), "{name}: {figure:?}");
        }
        assert!(import.figures.is_sorted_by_key(|figure| figure.line), "{name}");
        assert_eq!(import.misfits, [], "{name}");
        assert!(!import.untold.is_empty(), "{name}");
        assert_eq!(read(&text, Some(import.format)).unwrap(), import, "{name}");
        let stored = serde_json::to_string(&import).unwrap();
        assert_eq!(serde_json::from_str::<Import>(&stored).unwrap(), import, "{name}");
        read_logs += 1;
    }
    assert!(read_logs > 18, "only {read_logs} logs");
}

#[test]
fn figures_have_the_values_that_were_printed() {
    let check = |log_name: &str, name: &str, printed: &str, value: f64, metric: Option<&measure::Definition>| {
        let import = read(&log(log_name), None).unwrap();
        let found = figure(&import, name);
        assert_eq!(found.printed, printed, "{log_name}: {name}");
        assert!((found.value.value / value - 1.0).abs() < 1e-12, "{log_name}: {name} is {:?}", found.value);
        assert_eq!(found.metric.as_deref(), metric.map(|metric| metric.id), "{log_name}: {name}");
    };
    check("stream.txt", "Triad", "26370.5", 26370.5e6, Some(&metrics::STREAM_TRIAD));
    check("stream.txt", "Copy", "40311.8", 40311.8e6, Some(&metrics::STREAM_COPY));
    check("hpl.txt", "HPL", "1.871e+01", 18.71e9, Some(&metrics::DENSE_HPL));
    check("hpcc-openblas.txt", "StarSTREAM_Triad", "10.4936", 10.4936e9, Some(&metrics::STREAM_TRIAD));
    check("hpcc-openblas.txt", "StarDGEMM_Gflops", "13.7833", 13.7833e9, Some(&metrics::DENSE_DGEMM));
    check("hpcc-openblas.txt", "SingleSTREAM_Triad", "18.2466", 18.2466e9, None);
    check("likwid-mem.txt", "stream_mem_avx_fma", "21698.87", 21698.87e6, Some(&metrics::STREAM_TRIAD));
    check("likwid-triad.txt", "triad", "18249.29", 18249.29e6, None);
    check("likwid-peak.txt", "peakflops_avx_fma", "89857.20", 89857.20e6, Some(&metrics::DENSE_FMA));
    check("stress-ng.txt", "stream read (instance 1)", "6689.60", 6689.60 * 1_048_576.0, None);
    check("mlc.txt", "ALL Reads", "251873.4", 251_873.4e6, Some(&metrics::STREAM_READ));
    check("mlc.txt", "idle latency, node 1 to node 1", "103.9", 103.9e-9, Some(&metrics::STREAM_LATENCY));
    check("mlc.txt", "idle latency, node 0 to node 1", "171.8", 171.8e-9, None);
    check("mlc.txt", "loaded bandwidth, delay 00100", "210315.7", 210_315.7e6, None);
    check("passmark.yml", "CPU Mark", "48317.402118830001", 48_317.402_118_83, Some(&metrics::CPU_BENCHMARK));
    check("nvbandwidth.txt", "host_to_device_memcpy_ce", "106.78", 106.78e9, None);
    check("dcgm.json", "GPU 1 Host to GPU bandwidth", "25.71", 25.71e9, None);
    check("dcgm.json", "GPU 0 bidirectional bandwidth", "39.90", 39.90e9, None);
    check("fio-seqread.json", "seqread: read p99", "9240576", 9_240_576e-9, Some(&metrics::DISK_SEQREAD_P99));
    let randread = read(&log("fio-randread.json"), None).unwrap();
    assert_eq!(figure(&randread, "randread: read IOPS").metric.as_deref(), Some(metrics::DISK_RANDREAD_IOPS.id));
}

#[test]
fn what_a_file_says_of_its_settings_is_kept_and_nothing_is_guessed() {
    let check = |log_name: &str, name: &str, setting: Setting, expect: Option<f64>| {
        let import = read(&log(log_name), None).unwrap();
        assert_eq!(import.number(figure(&import, name), setting), expect, "{log_name}: {setting:?}");
    };
    check("stream.txt", "Triad", Setting::ArrayBytes, Some(1.2e9));
    check("stream.txt", "Triad", Setting::Threads, Some(2.0));
    check("stream.txt", "Triad", Setting::Repetitions, Some(10.0));
    check("hpl.txt", "HPL", Setting::Order, Some(4000.0));
    check("hpl.txt", "HPL", Setting::GridColumns, Some(2.0));
    check("hpl.txt", "HPL", Setting::Residual, Some(0.003_563_9));
    check("hpl.txt", "HPL", Setting::Threads, None);
    check("hpcc-mkl.txt", "StarSTREAM_Triad", Setting::ArrayBytes, Some(2_666_666.0 * 8.0));
    check("hpcc-mkl.txt", "SingleSTREAM_Triad", Setting::Processes, Some(1.0));
    check("hpcc-mkl.txt", "StarSTREAM_Triad", Setting::Processes, Some(2.0));
    check("likwid-mem.txt", "stream_mem_avx_fma", Setting::WorkingSet, Some(3e9));
    check("stress-ng.txt", "stream read (instance 0)", Setting::ArrayBytes, None);
    check("stress-ng.txt", "stream read (instance 0)", Setting::Processes, Some(2.0));
    check("mlc.txt", "ALL Reads", Setting::Threads, None);
    check("fio-seqread.json", "seqread: read bandwidth", Setting::Direct, Some(1.0));
    check("fio-seqread.json", "seqread: read bandwidth", Setting::Depth, Some(8.0));
    check("fio-seqread.json", "seqread: read bandwidth", Setting::FileSize, Some(268_435_456.0));
    check("fio-psync.json", "psync: read IOPS", Setting::Depth, Some(1.0));
    check("fio-buffered.json", "buffered: read bandwidth", Setting::Direct, Some(0.0));
    check("fio-norandommap.json", "norandommap: read IOPS", Setting::NoRandomMap, Some(1.0));
    check("fio-randread.json", "randread: read IOPS", Setting::Jobs, Some(2.0));
    let told = |log_name: &str| {
        let import = read(&log(log_name), None).unwrap();
        [import.version, import.date, import.host].map(|told| told.map(|told| told.text))
    };
    let some = |text: &str| Some(text.to_owned());
    assert_eq!(told("hpcc-openblas.txt"), [some("1.5.0"), some("Sun Nov 29 19:32:23 2026"), some("node1")]);
    assert_eq!(told("stream.txt"), [some("5.10"), None, None]);
    assert_eq!(told("passmark.yml"), [some("11.0.1002"), None, some("AMD EPYC 7502P 32-Core Processor")]);
    assert_eq!(told("fio-seqread.json")[0], some("fio-3.33"));
}

#[test]
fn what_does_not_fit_itself_is_named_with_its_line() {
    let check = |log_name: &str, from: &str, to: &str, line: usize, words: &str| {
        let text = log(log_name);
        assert!(text.contains(from), "{log_name} has no `{from}`");
        let import = read(&text.replacen(from, to, 1), None).unwrap_or_else(|error| panic!("{log_name}: {error}"));
        let found: Vec<String> =
            import.misfits.iter().map(|misfit| format!("{}: {}", misfit.line, misfit.says)).collect();
        let whole = found.join("\n");
        assert!(
            found.iter().any(|one| one.starts_with(&format!("{line}: ")) && one.contains(words)),
            "{log_name}: {whole}"
        );
    };
    check(
        "stream.txt",
        "26370.5",
        "36370.5",
        30,
        "Triad: 36370.5 MB/s × 0.136516 s are 4965.2 MB, and 3 arrays are 3600.0 MB",
    );
    check("stream.txt", "Array size = 150000000", "Array size = 350000000", 7, "an array is said to take 1144.4 MiB");
    check("stream.txt", "0.143783", "0.113783", 30, "the times are not in order");
    check("hpl.txt", "1.871e+01", "2.871e+01", 47, "operations, and N = 4000 takes");
    check(
        "hpcc-openblas.txt",
        "HPL_Tflops=0.0187113",
        "HPL_Tflops=0.0287113",
        450,
        "the table of HPL 1.871e+01 Gflops",
    );
    check("likwid-mem.txt", "21698.87", "41698.87", 26, "against the data volume");
    check("stress-ng.txt", "6964.60 MB read/sec", "9964.60 MB read/sec", 6, "elements a second");
    check(
        "nvbandwidth.txt",
        "SUM device_to_host_memcpy_ce 108.01",
        "SUM device_to_host_memcpy_ce 148.01",
        24,
        "add up to 108.01",
    );
    check("fio-seqread.json", "\"total_ios\" : 1", "\"total_ios\" : 2", 30, "IOPS");
    // More to submit and complete than the whole; less, though the time to submit is told.
    check("fio-seqread.json", "6499162.860684", "9499162.860684", 71, "to submit and");
    check("fio-seqread.json", "6499162.860684", "3499162.860684", 71, "to complete are 3529441 ns");
    // One job of two had a request in flight, and not two.
    check("fio-shares.json", "80115.430023", "120115.430023", 30, "1 × 1 were asked for");
}

#[test]
fn what_failed_by_the_tools_own_word_concerns_its_figures_alone() {
    let check = |log_name: &str, from: &str, to: &str, expect: [(&str, Option<f64>); 2]| {
        let text = log(log_name);
        assert!(text.contains(from), "{log_name} has no `{from}`");
        let import = read(&text.replacen(from, to, 1), None).unwrap();
        assert_eq!(import.misfits, [], "{log_name}");
        for (name, verified) in expect {
            assert_eq!(import.number(figure(&import, name), Setting::Verified), verified, "{log_name}: {name}");
        }
    };
    check(
        "dcgm.json",
        "\"Pass\"\n              },\n              {\n                \"gpu_ids\" : \"1\"",
        "\"Fail\"\n              },\n              {\n                \"gpu_ids\" : \"1\"",
        [("GPU 0 Host to GPU bandwidth", Some(0.0)), ("GPU 1 Host to GPU bandwidth", None)],
    );
    check(
        "fio-randread.json",
        "\"error\" : 0",
        "\"error\" : 5",
        [("randread: read IOPS", Some(0.0)), ("randread: read p99", Some(0.0))],
    );
    check("hpcc-mkl.txt", "Success=1", "Success=0", [("StarDGEMM_Gflops", Some(0.0)), ("HPL", Some(1.0))]);
}

#[test]
fn a_run_too_short_for_the_digits_of_its_time_is_read() {
    let check = |file: &str, old: &str, new: &str, name: &str, misfits: usize| {
        let text = log(file);
        assert!(text.contains(old), "{file} has no {old}");
        let import = read(&text.replace(old, new), None).unwrap();
        assert!(import.figures.iter().any(|figure| figure.name == name), "{new}");
        assert_eq!(import.misfits.len(), misfits, "{new}: {:?}", import.misfits);
    };
    let row = "4000   192     1     2               2.28              1.871e+01";
    // Order 600 takes 1.445e8 operations.
    check("hpl.txt", row, "600    64     1     2               0.00              4.835e+01", "HPL", 0);
    check("hpl.txt", row, "600    64     1     2               0.00              1.835e+01", "HPL", 1);
    check("hpl.txt", row, "4000   192     1     2               0.00              1.871e+01", "HPL", 1);
    let row = "26370.5     0.143783     0.136516     0.155278";
    check("stream.txt", row, "26370.5     0.000000     0.000000     0.155278", "Triad", 1);
}

#[test]
fn the_worst_scaled_residual_counts_and_no_other_line() {
    let scaled = "||Ax-b||_oo/(eps*(||A||_oo*||x||_oo+||b||_oo)*N)=        0.0035639 ...... PASSED\n";
    let check = |lines: &str, residual: f64, passed: f64| {
        let import = read(&log("hpl.txt").replace(scaled, lines), None).unwrap();
        let number = |setting| import.number(&import.figures[0], setting);
        assert_eq!((number(Setting::Residual), number(Setting::Verified)), (Some(residual), Some(passed)), "{lines}");
    };
    let unscaled = "||Ax-b||_oo  . . . . . . . . . . . . . . . . . =           0.000000\n\
                    ||A||_oo . . . . . . . . . . . . . . . . . . . =        1032.000000\n";
    check(&format!("{scaled}{unscaled}"), 0.003_563_9, 1.0);
    check(&format!("{}{unscaled}", scaled.replace("0.0035639 ...... PASSED", "31.5 ...... FAILED")), 31.5, 0.0);
    // HPL 1.0 has three.
    let of = |norms: &str, value: &str| format!("||Ax-b||_oo / ( eps * {norms} ) = {value}\n");
    let three = |values: [&str; 3]| {
        of("||A||_1  * N       ", values[0])
            + &of("||A||_1  * ||x||_1 ", values[1])
            + &of("||A||_oo * ||x||_oo", values[2])
    };
    check(&three(["0.03 ...... PASSED", "0.02 ...... PASSED", "0.004 ...... PASSED"]), 0.03, 1.0);
    check(&three(["0.03 ...... PASSED", "17.2 ...... FAILED", "0.004 ...... PASSED"]), 17.2, 0.0);
    check(&three(["nan ...... FAILED", "0.02 ...... PASSED", "0.004 ...... PASSED"]), f64::MAX, 0.0);
}

#[test]
fn jobs_that_worked_at_once_are_shares() {
    let import = read(&log("fio-shares.json"), None).unwrap();
    let rates: Vec<&Figure> = import.figures.iter().filter(|figure| figure.name == "shares: read IOPS").collect();
    assert_eq!(rates.len(), 2);
    for (figure, line) in rates.into_iter().zip([8, 279]) {
        let told = import.told(figure, Setting::Processes).unwrap();
        assert_eq!((told.value, told.line), (Some(2.0), line));
        assert_eq!(import.number(figure, Setting::Jobs), Some(1.0));
    }
    // Groups that came one after the other are none.
    let text = log("fio-shares.json");
    let second = text.rfind("\"groupid\" : 0").unwrap();
    let apart = format!("{}{}", &text[..second], text[second..].replacen("\"groupid\" : 0", "\"groupid\" : 1", 1));
    let import = read(&apart, None).unwrap();
    assert!(import.figures.iter().all(|figure| import.number(figure, Setting::Processes).is_none()));
}

#[test]
fn an_entry_of_several_sections_has_no_settings() {
    let import = read(&log("fio-joined.json"), None).unwrap();
    assert_eq!(import.misfits, [], "three requests in flight are no contradiction");
    for figure in &import.figures {
        assert!(import.told(figure, Setting::Joined).is_some(), "{figure:?}");
        let known = [Setting::Depth, Setting::Jobs, Setting::BlockSize, Setting::Direct, Setting::Pattern];
        assert!(known.iter().all(|setting| import.told(figure, *setting).is_none()), "{figure:?}");
        assert_eq!(figure.metric, None);
    }
    let check = |name: &str, from: &str, to: &str, expect: bool| {
        let text = log(name);
        assert!(text.contains(from), "{name} has no {from}");
        let import = read(&text.replace(from, to), None).unwrap();
        let joined = import.figures.iter().all(|figure| import.told(figure, Setting::Joined).is_some());
        assert_eq!(joined, expect, "{name}: {to}");
    };
    // Reads of a job that writes are another's, unless it verifies.
    check("fio-randread.json", "\"rw\" : \"randread\"", "\"rw\" : \"randwrite\"", true);
    check("fio-randread.json", "\"rw\" : \"randread\"", "\"rw\" : \"randwrite\", \"verify\" : \"crc32c\"", false);
    check("fio-randread.json", "\"rw\" : \"randread\"", "\"rw\" : \"randrw\"", false);
    check("fio-randread.json", "\"numjobs\" : \"2\"", "\"numjobs\" : \"1\"", true);
    // Of jobs that were told apart, each is its own.
    check("fio-shares.json", "", "", false);
    check("fio-seqread.json", "", "", false);
}

#[test]
fn who_waits_has_one_request_in_flight() {
    let check = |engine: &str, depth: f64| {
        let text = log("fio-seqread.json").replace("\"io_uring\"", &format!("\"{engine}\""));
        let import = read(&text, None).unwrap();
        assert_eq!(import.number(figure(&import, "seqread: read bandwidth"), Setting::Depth), Some(depth), "{engine}");
    };
    check("io_uring", 8.0);
    check("libaio", 8.0);
    check("psync", 1.0);
    check("pvsync2", 1.0);
}

#[test]
fn what_a_tool_left_out_or_calls_otherwise_is_no_fault() {
    let names = |import: &Import| import.figures.iter().map(|figure| figure.name.clone()).collect::<Vec<_>>();
    let import = read(&log("fio-reduced.json"), None).unwrap();
    assert_eq!(names(&import), ["reduced: read bandwidth", "reduced: read IOPS"]);
    // Blocks of several sizes are not of the default's.
    for option in ["bsrange", "blocksize_range", "bssplit"] {
        let text = log("fio-randread.json").replace("\"bs\" : \"4k\"", &format!("\"{option}\" : \"4k-64k\""));
        let import = read(&text, None).unwrap();
        let rate = figure(&import, "randread: read IOPS");
        assert_eq!((import.number(rate, Setting::BlockSize), &rate.metric), (None, &None), "{option}");
    }
    let text = log("stress-ng.txt");
    let newer = text.replace(" Mflop/sec", " double precision Mflop/sec");
    assert_eq!(read(&newer, None).unwrap(), read(&text, None).unwrap());
    // Twice as many flop of single precision are not those of double.
    let single = log("likwid-peak.txt").replace("peakflops_avx_fma", "peakflops_sp_avx_fma");
    let import = read(&single, None).unwrap();
    let peak = figure(&import, "peakflops_sp_avx_fma");
    assert_eq!((peak.printed.as_str(), &peak.metric), ("89857.20", &None));
}

#[test]
fn truncated_and_foreign_files_are_refused_by_line() {
    let check = |text: &str, named: Option<Format>, words: &str| {
        let error = read(text, named).expect_err(words).to_string();
        assert!(error.contains(words), "{error}");
    };
    let cut = |name: &str, before: &str| {
        let text = log(name);
        text[..text.find(before).unwrap_or_else(|| panic!("{name}: no {before}"))].to_owned()
    };
    check("", None, "no output of fio, STREAM, HPL");
    check("a letter\nof a vendor\n", None, "name the tool with --as");
    check("a letter\n", Some(Format::Stream), "line 1: STREAM's output ends before its table");
    check("a letter\n", Some(Format::Fio), "line 1: there is no JSON of fio in it");
    check("{\"a\": 1}\n", Some(Format::Fio), "line 1: this is not the JSON of fio: missing field `fio version`");
    check(&cut("stream.txt", "Triad:"), None, "line 29: the table of rates has no Triad");
    check(&cut("stream.txt", "Function"), None, "line 25: STREAM's output ends before its table");
    check(&cut("hpl.txt", "End of Tests."), None, "ends before its `End of Tests.`");
    check(&cut("hpcc-mkl.txt", "End of Summary"), None, "ends before the end of its summary");
    check(
        &cut("likwid-mem.txt", "MByte/s:"),
        None,
        "line 25: the results of the test stream_mem_avx_fma (line 5) end before MByte/s",
    );
    check(&cut("fio-seqread.json", "\"sync\""), None, "the JSON of fio ends before its end");
    check(&cut("dcgm.json", "\"version\""), None, "the JSON of DCGM ends before its end");
    check(&cut("nvbandwidth.txt", "SUM device_to_host"), None, "ends before the sum of device_to_host_memcpy_ce");
    check(&cut("passmark.yml", "  SUMM_CPU"), None, "there is no SUMM_CPU");
    check(&cut("mlc.txt", "       0"), None, "line 4: the output of Intel MLC ends without a figure");
    check(&log("stress-ng-short.txt"), None, "line 6: stress-ng says that the run was too short");
    check(
        &(log("stream.txt") + &log("likwid-mem.txt")),
        None,
        "the output of likwid-bench begins inside that of STREAM",
    );
    check(&log("stream.txt").replace("26370.5", "fast"), None, "line 30: the rate is `fast`, which is no number");
    check(&log("stream.txt").replace("Best Rate MB/s", "Best Rate GB/s"), None, "line 26: the rates are not in MB/s");
    check(
        &log("mlc.txt").replace("MB/sec (1 MB/sec = 1,000,000 Bytes/sec)", "MiB/sec"),
        None,
        "line 9: the bandwidths are not in MB/sec",
    );
    check(&log("fio-randread.json").replace("bw_bytes", "bw_kib"), None, "output of fio before 3.0 is not read");
}

#[test]
fn what_fio_prints_before_its_json_is_passed_over() {
    let text = log("fio-seqread.json");
    let before =
        "fio: this platform does not support process shared mutexes\nnote: both iodepth >= 1 and synchronous\n";
    let import = read(&format!("{before}{text}"), None).unwrap();
    let plain = read(&text, None).unwrap();
    assert_eq!(import.figures[0].line, plain.figures[0].line + 2);
    assert_eq!(import.figures.len(), plain.figures.len());
    let cut = format!("{before}{}", &text[..text.len() / 2]);
    let expect = format!("line {}: the JSON of fio ends", cut.lines().count());
    assert!(read(&cut, None).unwrap_err().to_string().starts_with(&expect), "{expect}");
}

#[test]
fn no_damaged_log_makes_it_panic() {
    let logs = logs();
    let mut random = SplitMix64::new(30);
    let mut below = |n: usize| random.index(n.max(1));
    let words: [&str; 10] = ["\n", "\"", "null", "-1", "1e999", "NaN", "[[[[", "0", "\u{fffd}", ":"];
    let mut refused = 0;
    for turn in 0..10_000 {
        let (_, text) = &logs[turn % logs.len()];
        let mut bytes = text.clone().into_bytes();
        for _ in 0..=below(3) {
            let at = below(bytes.len());
            let end = (at + 1 + below(40)).min(bytes.len());
            match below(4) {
                0 => bytes.truncate(at),
                1 => drop(bytes.drain(at..end)),
                2 => drop(bytes.splice(at..at, words[below(words.len())].bytes())),
                _ => drop(bytes.splice(at..end, words[below(words.len())].bytes())),
            }
        }
        let text = String::from_utf8_lossy(&bytes);
        refused += usize::from(read(&text, None).is_err());
        let named = Format::ALL[below(Format::ALL.len())];
        let _ = read(&text, Some(named));
    }
    assert!((1_000..9_500).contains(&refused), "{refused} were refused");
}
