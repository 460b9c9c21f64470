//! Damaged and hostile files: every mode and the verifier end with an error that names the file, at once and without a panic,
//! or with a result that is right for what the file says now.

#[path = "support/modes.rs"]
mod modes;
#[path = "support/tree.rs"]
mod tree;

use std::fs::{self, File};
use std::os::unix::fs::symlink;
use std::panic::catch_unwind;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use modes::{MODES, run};
use parquet::file::metadata::{ParquetMetaData, ParquetMetaDataReader, ParquetMetaDataWriter};
use proptest::prelude::*;
use rustix::fs::{CWD, FileType, Mode as Permissions, mknodat};
use tabular::generate::{Config, generate};
use tabular::verify::{Options, verify};
use tabular::{Error, panics};
use tree::{done, said};

/// Cases of a short test, or those of a long one: `PROPTEST_CASES=2000`.
fn cases() -> u32 {
    std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(300)
}

fn data(folder: &Path) -> PathBuf {
    let config = Config { rows: 300, row_group_rows: 10, ..Config::smoke(folder.join("in")) };
    generate(&config, &|_| ()).expect("the input is generated");
    fs::remove_file(config.out.join("manifest.json")).expect("the manifest is there");
    config.out
}

/// What is done to the bytes of a file.
#[derive(Clone, Debug)]
enum Damage {
    Flips(Vec<(prop::sample::Index, u8)>, bool),
    Fill(prop::sample::Index, usize, u8),
    Cut(prop::sample::Index),
    Moved(prop::sample::Index, prop::sample::Index, usize),
}

fn damages() -> impl Strategy<Value = Damage> {
    let index = any::<prop::sample::Index>;
    prop_oneof![
        6 => (prop::collection::vec((index(), 1_u8..), 1..6), any::<bool>()).prop_map(|(flips, tail)| Damage::Flips(flips, tail)),
        2 => (index(), 1..400_usize, any::<u8>()).prop_map(|(at, length, byte)| Damage::Fill(at, length, byte)),
        1 => index().prop_map(Damage::Cut),
        2 => (index(), index(), 1..300_usize).prop_map(|(from, to, length)| Damage::Moved(from, to, length)),
    ]
}

fn damaged(whole: &[u8], damage: &Damage) -> Vec<u8> {
    let mut bytes = whole.to_vec();
    let length = bytes.len();
    match damage {
        Damage::Flips(flips, tail) => {
            // Half of the cases change the footer, where the structure is.
            let from = if *tail { length.saturating_sub(4000) } else { 0 };
            for (at, flip) in flips {
                bytes[from + at.index(length - from)] ^= flip;
            }
        }
        Damage::Fill(at, count, byte) => {
            let at = at.index(length);
            bytes[at..(at + count).min(length)].fill(*byte);
        }
        Damage::Cut(at) => bytes.truncate(at.index(length)),
        Damage::Moved(from, to, count) => {
            let (from, to) = (from.index(length), to.index(length));
            let count = (*count).min(length - from).min(length - to);
            bytes.copy_within(from..from + count, to);
        }
    }
    bytes
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), max_shrink_iters: 0, ..ProptestConfig::default() })]
    #[test]
    fn damage_is_named_or_makes_other_rows_that_are_worked_on_rightly(which in 0_usize..8, damage in damages()) {
        thread_local! {
            static CASE: (tempfile::TempDir, PathBuf) = {
                panics::keep_quiet();
                let folder = tempfile::tempdir().expect("a temporary folder");
                let input = data(folder.path());
                (folder, input)
            };
        }
        CASE.with(|(folder, input)| -> Result<(), TestCaseError> {
            let file = input.join(match which {
                0 => "users/part-00000.parquet",
                1 => "items/part-00000.parquet",
                other if other < 5 => "events/part-00000.parquet",
                _ => "events/part-00001.parquet",
            });
            let whole = fs::read(&file)?;
            fs::write(&file, damaged(&whole, &damage))?;
            let outcomes = MODES.map(|mode| {
                let output = folder.path().join(mode.name());
                let outcome = catch_unwind(|| {
                    run(mode, input, &output)?;
                    verify(&output, input, &Options { threads: 1, ..Options::default() }, &|_| ()).map(|_| ())
                });
                let _ = fs::remove_dir_all(&output);
                outcome
            });
            fs::write(&file, whole)?;
            for (mode, outcome) in MODES.into_iter().zip(outcomes) {
                let outcome = outcome.map_err(|_| TestCaseError::fail(format!("{mode:?} panics: {}", panics::last())))?;
                let Err(error) = outcome else { continue };
                let text = error.to_string();
                let is_named = text.contains(&input.display().to_string());
                let is_of_all = matches!(error, Error::DoesNotFit { .. } | Error::SumsLeaveDoubles { .. });
                prop_assert!(is_named || is_of_all, "{:?}: {}", mode, text);
            }
            Ok(())
        })?;
    }
}

fn footer(bytes: &Path) -> ParquetMetaData {
    ParquetMetaDataReader::new().parse_and_finish(&File::open(bytes).expect("the file is there")).expect("a footer")
}

#[test]
fn counts_that_the_bytes_cannot_hold_are_refused_before_anything_is_allocated() {
    let folder = tempfile::tempdir().unwrap();
    let input = data(folder.path());
    let file = input.join("events/part-00000.parquet");
    let whole = fs::read(&file).unwrap();
    let metadata = footer(&file);
    for (rows, values) in [(1_i64 << 40, false), (1 << 31, false), (1 << 31, true), (i64::MAX, true), (-1, false)] {
        let groups = metadata.row_groups().iter().map(|group| {
            let mut columns = group.columns().to_vec();
            if values {
                columns = columns.into_iter().map(|c| c.into_builder().set_num_values(rows).build().unwrap()).collect();
            }
            group.clone().into_builder().set_num_rows(rows).set_column_metadata(columns).build().unwrap()
        });
        let mut bytes = whole.clone();
        let metadata = metadata.clone().into_builder().set_row_groups(groups.collect()).build();
        ParquetMetaDataWriter::new(&mut bytes, &metadata).finish().unwrap();
        fs::write(&file, &bytes).unwrap();
        for mode in MODES {
            let error = run(mode, &input, &folder.path().join("out")).unwrap_err().to_string();
            assert!(error.starts_with(&format!("{} is damaged", file.display())), "{rows} {values}: {error}");
        }
    }
}

/// What `run` in each mode and `verify` say of an input, in a process each.
fn all_say(input: &Path, out: &Path, words: &[&str]) {
    let program = || Command::new(env!("CARGO_BIN_EXE_hostproof-tabular"));
    let mut all: Vec<Output> = MODES
        .iter()
        .map(|mode| {
            let mut command = program();
            command.arg("run").args(["--mode", mode.name(), "--in"]).arg(input).arg("--out").arg(out.join("new"));
            command.output().unwrap()
        })
        .collect();
    all.push(program().arg("verify").arg(out.join("right")).arg("--in").arg(input).output().unwrap());
    for output in all {
        let said = said(&output);
        assert!(words.iter().all(|word| said.contains(word)) && said.lines().count() == 1, "{said}");
    }
}

fn pipe(path: &Path) {
    mknodat(CWD, path, FileType::Fifo, Permissions::RWXU, 0).unwrap();
}

#[test]
fn pipes_devices_and_circles_are_refused_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let (input, out) = (data(folder.path()), folder.path().join("out"));
    fs::create_dir(&out).unwrap();
    run(MODES[0], &input, &out.join("right")).unwrap();
    let odd = input.join("events/part-00009.parquet");
    pipe(&odd);
    all_say(&input, &out, &["part-00009.parquet", "named pipe"]);
    fs::remove_file(&odd).unwrap();
    symlink("/dev/zero", &odd).unwrap();
    all_say(&input, &out, &["part-00009.parquet", "device"]);
    fs::remove_file(&odd).unwrap();
    symlink(&odd, &odd).unwrap();
    all_say(&input, &out, &["part-00009.parquet", "symbolic links"]);
    fs::remove_file(&odd).unwrap();
    fs::create_dir(&odd).unwrap();
    all_say(&input, &out, &["part-00009.parquet", "folder"]);
    fs::remove_dir(&odd).unwrap();
    symlink("users", input.join("circle")).unwrap();
    fs::rename(input.join("users"), input.join("users-old")).unwrap();
    symlink("circle", input.join("users")).unwrap();
    all_say(&input, &out, &["users"]);
}

#[test]
fn an_output_that_leads_back_into_itself_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (input, out) = (data(folder.path()), folder.path().join("out"));
    run(MODES[0], &input, &out).unwrap();
    let check = |words: &str| {
        let error = verify(&out, &input, &Options::default(), &|_| ()).unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
    };
    symlink(&out, out.join("back")).unwrap();
    check("leads back");
    fs::remove_file(out.join("back")).unwrap();
    fs::create_dir_all(out.join("a/b")).unwrap();
    symlink("../..", out.join("a/b/up")).unwrap();
    check("leads back");
    fs::remove_dir_all(out.join("a")).unwrap();
    pipe(&out.join("x.parquet"));
    check("named pipe");
    let pipe = out.join("x.parquet");
    let error = verify(&pipe, &input, &Options::default(), &|_| ()).unwrap_err().to_string();
    assert!(error.contains("named pipe"), "{error}");
}

#[test]
fn a_manifest_names_the_files_of_its_data_set_and_no_others() {
    let folder = tempfile::tempdir().unwrap();
    let config = Config { rows: 300, row_group_rows: 10, ..Config::smoke(folder.path().join("in")) };
    generate(&config, &|_| ()).unwrap();
    let (input, out) = (config.out, folder.path().join("out"));
    run(MODES[0], &input, &out).unwrap();
    let path = input.join("manifest.json");
    let text = fs::read_to_string(&path).unwrap();
    let check = |change: &dyn Fn(&mut serde_json::Value), words: &str| {
        let mut manifest: serde_json::Value = serde_json::from_str(&text).unwrap();
        change(&mut manifest);
        fs::remove_file(&path).unwrap();
        fs::write(&path, manifest.to_string()).unwrap();
        for command in ["verify", "generate"] {
            let mut program = Command::new(env!("CARGO_BIN_EXE_hostproof-tabular"));
            match command {
                "verify" => program.arg("verify").arg(&out).arg("--in").arg(&input),
                _ => program.args(["generate", "--size", "120kB", "--out"]).arg(&input),
            };
            let said = said(&program.output().unwrap());
            assert!(said.contains(words) || command == "generate", "{command}: {said}");
        }
    };
    check(&|manifest| manifest["files"] = serde_json::json!([]), "lists no files");
    for name in
        ["../secret.parquet", "/etc/passwd", "events/../../x", "events", "users/part-00000.parquet/x", "items/x"]
    {
        check(&|manifest| manifest["files"][0]["name"] = name.into(), "is no file of events");
    }
    check(
        &|manifest| {
            manifest["files"].as_array_mut().unwrap().remove(0);
        },
        "does not list",
    );
    fs::remove_file(&path).unwrap();
    pipe(&path);
    let mut program = Command::new(env!("CARGO_BIN_EXE_hostproof-tabular"));
    assert!(said(&program.arg("verify").arg(&out).arg("--in").arg(&input).output().unwrap()).contains("named pipe"));
    let mut program = Command::new(env!("CARGO_BIN_EXE_hostproof-tabular"));
    let program = program.args(["generate", "--size", "120kB", "--out"]).arg(&input);
    assert!(said(&program.output().unwrap()).contains("manifest.json is no file"));
    fs::remove_file(&path).unwrap();
    fs::write(&path, &text).unwrap();
    let mut program = Command::new(env!("CARGO_BIN_EXE_hostproof-tabular"));
    done(&program.arg("verify").arg(&out).arg("--in").arg(&input).output().unwrap());
}
