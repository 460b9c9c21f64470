//! What the tools that are installed here print, made now and read: every figure has the digits that the tool printed. A tool
//! that is not installed, or does not run here, is said so, once; `scripts/test` installs them.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use import::{Figure, Format, Import, Setting, read};

/// What a tool printed; `None` where it is not installed or does not run here.
fn printed(command: &mut Command) -> Option<String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let Ok(Output { stdout, stderr, status }) = command.output() else {
        println!("{name} is not installed here: its output is not made, and the logs in tests/logs alone are read");
        return None;
    };
    let text = String::from_utf8(stdout).unwrap() + &String::from_utf8(stderr).unwrap();
    if !status.success() {
        let why = text.lines().last().unwrap_or_default();
        println!("{name} does not run here ({status}: {why}): the logs in tests/logs alone are read");
        return None;
    }
    Some(text)
}

fn imported(text: &str, format: Format) -> Import {
    let import = read(text, None).unwrap_or_else(|error| panic!("{error}\n{text}"));
    assert_eq!(import.format, format);
    assert_eq!(import.misfits, [], "{text}");
    import
}

fn figure<'a>(import: &'a Import, name: &str) -> &'a Figure {
    import
        .figures
        .iter()
        .find(|figure| figure.name == name)
        .unwrap_or_else(|| panic!("no {name}: {:?}", import.figures))
}

/// The word at a place of the line that holds a mark.
fn word<'a>(text: &'a str, mark: &str, at: usize) -> &'a str {
    let line = text.lines().find(|line| line.contains(mark)).unwrap_or_else(|| panic!("no {mark} in\n{text}"));
    line.split_whitespace().nth(at).unwrap()
}

#[test]
fn fio() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    let Some(text) = printed(
        Command::new("fio").args(["--name=now", "--rw=randread", "--bs=4k", "--size=16M", "--runtime=1"]).args([
            "--time_based",
            "--lat_percentiles=1",
            "--ioengine=psync",
            "--output-format=json",
            &format!("--filename={}", file.display()),
        ]),
    ) else {
        return;
    };
    let import = imported(&text, Format::Fio);
    let begin = text.find('{').unwrap();
    let job: serde_json::Value = serde_json::from_str(&text[begin..]).unwrap();
    let read = &job["jobs"][0]["read"];
    let check = |name: &str, value: &serde_json::Value, scale: f64| {
        let found = figure(&import, name).value.value;
        assert!((found / (value.as_f64().unwrap() * scale) - 1.0).abs() < 1e-12, "{name}: {found}");
    };
    check("now: read bandwidth", &read["bw_bytes"], 1.0);
    check("now: read IOPS", &read["iops"], 1.0);
    check("now: read p99", &read["lat_ns"]["percentile"]["99.000000"], 1e-9);
    check("now: read mean latency", &read["lat_ns"]["mean"], 1e-9);
    assert_eq!(import.number(&import.figures[0], Setting::FileSize), Some(16.0 * 1_048_576.0));
}

#[test]
fn likwid_bench() {
    let Some(text) = printed(Command::new("likwid-bench").args(["-t", "copy", "-w", "N:2MB:1"])) else { return };
    let import = imported(&text, Format::LikwidBench);
    assert_eq!(figure(&import, "copy").printed, word(&text, "MByte/s:", 1));
}

#[test]
fn stress_ng() {
    let Some(text) = printed(Command::new("stress-ng").args(["--stream", "1", "--stream-l3-size", "2M", "-t", "12"]))
    else {
        return;
    };
    if text.contains("run duration too short") {
        println!("stress-ng found no memory rate in 12 s: the logs in tests/logs alone are read");
        return;
    }
    let import = imported(&text, Format::StressNg);
    let mark = "memory rate:";
    assert_eq!(figure(&import, "stream read (instance 0)").printed, word(&text, mark, 6));
    assert_eq!(figure(&import, "stream write (instance 0)").printed, word(&text, mark, 9));
}

#[test]
fn stream() {
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("stream");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tools/stream.c");
    let mut compiler = Command::new("gcc");
    compiler.args(["-O2", "-fopenmp", "-o"]).arg(&program).arg(source).arg("-lm");
    if printed(&mut compiler).is_none() {
        return;
    }
    let Some(text) = printed(&mut Command::new(&program)) else { return };
    let import = imported(&text, Format::Stream);
    for kernel in ["Copy", "Scale", "Add", "Triad"] {
        assert_eq!(figure(&import, kernel).printed, word(&text, &format!("{kernel}:"), 1));
    }
}

/// Runs HPCC with a BLAS, and holds what is read of its summary against the summary. What it printed beside that; `None` where
/// it is not installed or does not run here.
fn hpcc_with(environment: &[(&str, &str)]) -> Option<String> {
    let folder = tempfile::tempdir().unwrap();
    let input = include_str!("tools/hpccinf.txt");
    fs::write(folder.path().join("hpccinf.txt"), input).unwrap();
    let mut command = Command::new("mpirun");
    // Root must ask for it.
    command.args(["--allow-run-as-root", "--oversubscribe", "-np", "1"]);
    for (name, value) in environment {
        command.args(["-x", &format!("{name}={value}")]);
    }
    command.arg("hpcc").current_dir(folder.path());
    if Command::new("hpcc").arg("--version").current_dir(tempfile::tempdir().unwrap().path()).output().is_err() {
        println!("hpcc is not installed here: its output is not made, and the logs in tests/logs alone are read");
        return None;
    }
    let said = printed(&mut command)?;
    let text = fs::read_to_string(folder.path().join("hpccoutf.txt")).unwrap();
    let import = imported(&text, Format::Hpcc);
    assert_eq!(
        figure(&import, "HPL").printed,
        text.lines().find(|line| line.starts_with("WR")).unwrap().split_whitespace().last().unwrap()
    );
    for key in ["StarSTREAM_Triad", "SingleSTREAM_Copy", "StarDGEMM_Gflops", "PTRANS_GBs"] {
        let line = text.lines().find_map(|line| line.strip_prefix(&format!("{key}="))).unwrap();
        assert_eq!(figure(&import, key).printed, line);
    }
    Some(said)
}

#[test]
fn hpcc_with_openblas() {
    hpcc_with(&[("OPENBLAS_NUM_THREADS", "1")]);
}

/// MKL is taken from `HOSTPROOF_MKL`, the path of its `libmkl_rt`; `scripts/test` downloads it and sets that.
#[test]
fn hpcc_with_mkl() {
    let Ok(library) = std::env::var("HOSTPROOF_MKL") else {
        println!(
            "HOSTPROOF_MKL names no libmkl_rt: HPCC's output with MKL is not made, and the log in tests/logs alone is read"
        );
        return;
    };
    let folder = Path::new(&library).parent().unwrap().to_str().unwrap();
    let said = hpcc_with(&[
        ("LD_PRELOAD", &library),
        ("LD_LIBRARY_PATH", folder),
        ("MKL_THREADING_LAYER", "SEQUENTIAL"),
        ("MKL_VERBOSE", "1"),
    ]);
    // MKL names each call that it answers.
    let Some(said) = said else { return };
    assert!(
        said.lines().any(|line| line.starts_with("MKL_VERBOSE") && line.contains("DGEMM")),
        "MKL multiplied nothing"
    );
}
