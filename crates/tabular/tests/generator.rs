//! The generator: the same bytes always, the shapes that the workload asks for, and a second start that goes on.

#![allow(clippy::cast_possible_truncation, reason = "values that a test makes")]

mod support;

use std::collections::HashMap;
use std::fs;
use std::path::Path;
use std::sync::Mutex;

use proptest::prelude::*;
use support::{Value, files, read_parquet, values};
use tabular::Error;
use tabular::generate::{Config, bucket_of, digests, generate};
use tabular::manifest::{Codec, Layout, Manifest};
use tabular::schema::{EVENTS, Table};

fn made(config: &Config) -> Manifest {
    generate(config, &|_| ()).expect("the data is generated")
}

/// Every file below a folder with its bytes.
fn content(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let folders = Table::ALL.map(|table| files(&folder.join(table.name())));
    let name = |path: &Path| path.strip_prefix(folder).expect("below the folder").display().to_string();
    folders.iter().flatten().map(|path| (name(path), fs::read(path).expect("a file"))).collect()
}

/// All values of a column of a table, in the order of the files.
fn column(folder: &Path, table: Table, name: &str) -> Vec<Value> {
    let of = |path: &std::path::PathBuf| values(read_parquet(path).column_by_name(name).expect("the column"));
    files(&folder.join(table.name())).iter().flat_map(of).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]
    #[test]
    fn any_number_of_threads_gives_the_same_bytes(
        rows in 1_u64..6000, seed: u64, bucketed: bool, left_out in 0_u32..100,
        codec in prop::sample::select(vec![Codec::Zstd, Codec::Lz4, Codec::None]), row_group_rows in 20_usize..400
    ) {
        let folder = tempfile::tempdir()?;
        let layout = if bucketed { Layout::Bucketed } else { Layout::Arrival };
        let config = |threads: usize| Config {
            seed, layout, codec, threads, left_out, row_group_rows, ..Config::new(rows, folder.path().join(threads.to_string()))
        };
        let one = made(&config(1));
        for threads in [2, 5] {
            prop_assert_eq!(&made(&config(threads)), &one);
            prop_assert_eq!(content(&folder.path().join(threads.to_string())), content(&folder.path().join("1")));
        }
        // Neither layout nor codec nor files change what the columns hold.
        let other = Config { layout: Layout::Arrival, row_group_rows: 7, ..config(2) };
        let digests = digests(&other)?;
        for (a, b) in one.tables.iter().zip(&digests.tables) {
            prop_assert_eq!((&a.columns, a.rows), (&b.columns, b.rows));
        }
    }
}

/// Digests of the columns of `events`, `users` and `items`, that must never change while the format stays the same.
#[test]
fn columns_have_their_golden_digests() {
    for (size, rows) in [("0.01 GB", 25_000), ("0.1 GB", 250_000), ("1 GB", 2_500_000)] {
        let manifest = digests(&Config::new(rows, "unused".into())).expect("a valid request");
        let lines = manifest.tables.iter().flat_map(|table| {
            let name = table.table.name();
            table.columns.iter().map(move |column| format!("{size} {name}.{} {}", column.name, column.digest))
        });
        let found: Vec<String> = lines.collect();
        let golden = include_str!("golden_digests.txt").lines();
        let expect: Vec<&str> = golden.filter(|line| line.starts_with(&format!("{size} "))).collect();
        assert!(found == expect, "found are\n{}", found.join("\n"));
        let per_row = manifest.table(Table::Events).expect("events").logical_bytes as f64 / rows as f64;
        assert!((392.0..400.0).contains(&per_row), "{per_row} bytes a row in memory");
    }
}

/// Data of 0.1 GB in memory, with its folder.
fn tenth() -> (tempfile::TempDir, Config) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let config = Config { left_out: 20, ..Config::new(250_000, folder.path().join("data")) };
    made(&config);
    (folder, config)
}

fn share(values: &[Value], is: impl Fn(&Value) -> bool) -> f64 {
    values.iter().filter(|v| is(v)).count() as f64 / values.len() as f64
}

/// How often each value is there, most frequent first.
fn counts(values: &[Value]) -> Vec<usize> {
    let mut counts: HashMap<String, usize> = HashMap::new();
    for value in values {
        *counts.entry(format!("{value:?}")).or_default() += 1;
    }
    let mut counts: Vec<usize> = counts.into_values().collect();
    counts.sort_unstable_by(|a, b| b.cmp(a));
    counts
}

#[test]
fn columns_have_the_shares_and_shapes_of_the_workload() {
    let (_folder, config) = tenth();
    let events = |name: &str| column(&config.out, Table::Events, name);
    let rows = 250_000.0;
    for spec in EVENTS {
        let nulls = match spec.name.split_at(1) {
            ("i", k) if k.parse::<u32>().is_ok() => 0.02 * k.parse::<f64>().expect("a number"),
            ("f", _) => 0.05,
            ("c", k) if k.len() == 1 => 0.03,
            _ => {
                if spec.name == "is_mobile" {
                    0.05
                } else {
                    0.0
                }
            }
        };
        let found = share(&events(spec.name), |v| *v == Value::Null);
        // Five standard deviations of a binomial share.
        let slack = 5.0 * (nulls * (1.0 - nulls) / rows).sqrt();
        assert!((found - nulls).abs() <= slack, "{}: {found} null, {nulls} expected", spec.name);
        assert_eq!(spec.nullable, nulls > 0.0, "{}", spec.name);
    }
    let labels = share(&events("label"), |v| *v == Value::Int(1));
    assert!((labels - 0.1).abs() < 0.003, "{labels}");

    let times = events("ts");
    let number = |v: &Value| if let Value::Int(v) = v { *v } else { panic!("{v:?}") };
    assert!(times.windows(2).all(|pair| number(&pair[0]) <= number(&pair[1])));
    let (first, last) = (number(&times[0]), number(&times[times.len() - 1]));
    let span = (last - first) as f64 / 86_400e6;
    assert!(first >= tabular::schema::FIRST_TS && (27.99..28.0).contains(&span), "{first} and {span} days");

    // 1,250 users and 10,000 items; the most frequent ones have the most that is allowed.
    let (users, items) = (counts(&events("user_id")), counts(&events("item_id")));
    assert_eq!((users[0], items[0]), (250, 2500));
    assert_eq!((users.len(), items.len()), (1250, 10_000));
    for (name, cardinality) in [("country", 200), ("device", 1000), ("c1", 100), ("c2", 10_000)] {
        let counts = counts(&events(name).into_iter().filter(|v| *v != Value::Null).collect::<Vec<_>>());
        assert!(counts.len() <= cardinality && counts.len() * 10 > cardinality * 9, "{name}: {}", counts.len());
        let weights: f64 = (1..=cardinality).map(|k| (k as f64).powf(-1.1)).sum();
        let head = counts[0] as f64 / counts.iter().sum::<usize>() as f64;
        assert!((head * weights - 1.0).abs() < 0.05, "{name}: the first has {head}");
    }
    assert!(events("c3").iter().all(|v| match v {
        Value::Text(v) => v.len() == 8 && v.bytes().all(|b| b.is_ascii_hexdigit()),
        _ => *v == Value::Null,
    }));
}

#[test]
fn addresses_and_agents_have_their_lengths_and_gaps() {
    let (folder, config) = tenth();
    let mean = |name: &str| {
        let texts = column(&config.out, Table::Events, name);
        let bytes = |v: &Value| if let Value::Text(v) = v { v.len() } else { 0 };
        texts.iter().map(bytes).sum::<usize>() as f64 / texts.len() as f64
    };
    assert!((57.0..63.0).contains(&mean("url")), "{}", mean("url"));
    assert!((67.0..73.0).contains(&mean("ua")), "{}", mean("ua"));
    let output = folder.path().join("reference.parquet");
    tabular::reference::save(&config.out, &output).expect("the reference runs");
    let output = support::by_name(&output);
    let missing = share(&output["url_id"], |v| *v == Value::Null);
    assert!((missing - 0.1).abs() < 0.004, "{missing} have no id");
    for (family, least) in [("edge", 0.1), ("firefox", 0.08), ("chrome", 0.5), ("safari", 0.1), ("other", 0.03)] {
        let found = share(&output["ua_family"], |v| *v == Value::Text(family.to_owned()));
        assert!(found > least, "{family}: {found}");
    }
    for name in ["days_since_signup", "price_ratio"] {
        let unknown = share(&output[name], |v| *v == Value::Null);
        assert!((0.005..0.05).contains(&unknown), "{name}: {unknown}");
    }
}

#[test]
fn a_user_is_in_the_file_of_the_bucket() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let config = Config { layout: Layout::Bucketed, ..Config::smoke(folder.path().join("data")) };
    made(&config);
    let parts = files(&config.out.join("events"));
    let buckets = parts.len() as u32;
    assert!(buckets > 2);
    for (bucket, part) in parts.iter().enumerate() {
        let batch = read_parquet(part);
        for user in values(batch.column_by_name("user_id").expect("users")) {
            let Value::Int(user) = user else { panic!("{user:?}") };
            assert_eq!(bucket_of(user as i32, buckets), bucket as u32);
        }
        let ids = values(batch.column_by_name("row_id").expect("row ids"));
        assert!(ids.windows(2).all(|pair| matches!(pair, [Value::Int(a), Value::Int(b)] if a < b)));
    }
}

#[test]
fn a_second_start_keeps_what_is_whole_and_makes_the_rest() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let config = Config::smoke(folder.path().join("data"));
    let whole = made(&config);
    let before = content(&config.out);
    let journal = config.out.join("journal.jsonl");
    assert!(!journal.exists());

    // As after a kill: no manifest, a journal whose last line is cut off, an unfinished file; and one file is damaged.
    let mut lines = line(&whole.request);
    whole.files[1..].iter().for_each(|file| lines += &line(file));
    fs::remove_file(config.out.join("manifest.json")).expect("the manifest is there");
    fs::write(&journal, &lines[..lines.len() - 20]).expect("the journal can be written");
    fs::write(config.out.join("events/part-00000.parquet.unfinished"), "half").expect("a file can be written");
    fs::remove_file(config.out.join("events/part-00000.parquet")).expect("the file is there");
    let damaged = config.out.join("events/part-00001.parquet");
    let mut bytes = fs::read(&damaged).expect("the file is there");
    bytes[100] ^= 1;
    fs::write(&damaged, bytes).expect("the file can be written");
    let kept = config.out.join("items/part-00000.parquet");
    let modified = |path: &Path| fs::metadata(path).and_then(|m| m.modified()).expect("the file is there");
    let time = modified(&kept);

    let seen = Mutex::new(Vec::new());
    let again = generate(&config, &|p| seen.lock().expect("no panic").push(p)).expect("it goes on");
    assert_eq!(again, whole);
    assert_eq!(content(&config.out), before);
    assert_eq!(modified(&kept), time);
    assert!(!journal.exists());
    let seen = seen.into_inner().expect("no panic");
    let most = seen.iter().map(|p| p.done).max();
    assert_eq!(most, Some(whole.tables.iter().map(|t| t.rows).sum()));
    assert!(seen.iter().all(|p| Some(p.rows) == most));

    // A third start finds all of it.
    let time = modified(&damaged);
    assert_eq!(made(&config), whole);
    assert_eq!(modified(&damaged), time);
    assert_eq!(Manifest::read(&config.out).expect("it is readable"), Some(whole));
}

/// A line of the journal.
fn line(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).expect("plain data") + "\n"
}

#[test]
fn a_folder_with_something_else_is_left_alone() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let config = Config::smoke(folder.path().join("data"));
    made(&config);
    let before = content(&config.out);
    let refused = |config: &Config, expect: &str| {
        let error = generate(config, &|_| ()).expect_err("it is refused");
        assert!(matches!(error, Error::OtherData { .. }) && error.to_string().contains(expect), "{error}");
    };
    refused(&Config { seed: 2, ..config.clone() }, "seed 1");
    refused(&Config { rows: 5, ..config.clone() }, "10000 rows");
    refused(&Config { layout: Layout::Bucketed, ..config.clone() }, "layout Arrival");
    fs::remove_file(config.out.join("manifest.json")).expect("the manifest is there");
    refused(&config, "events/part-0000");
    fs::write(config.out.join("manifest.json"), "{").expect("a file can be written");
    refused(&config, "manifest.json");
    assert_eq!(content(&config.out), before);
}

#[test]
fn what_cannot_be_is_refused_with_a_reason() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let refused = |config: Config, expect: &str| {
        let error = generate(&config, &|_| ()).expect_err("it is refused").to_string();
        assert!(error.contains(expect), "{error}");
    };
    let config = Config::smoke(folder.path().join("data"));
    refused(Config { rows: 0, ..config.clone() }, "0 rows; from 1 to 4294967295 are possible");
    refused(Config { rows: 1 << 32, ..config.clone() }, "4294967296 rows");
    refused(Config { row_group_rows: 0, ..config.clone() }, "a row group of 0 rows");
    fs::write(folder.path().join("file"), "").expect("a file can be written");
    let out = folder.path().join("file/data");
    refused(Config { out: out.clone(), ..config.clone() }, &format!("cannot look at {}", out.display()));
    // A name that is taken by a folder: nothing unfinished stays.
    fs::create_dir_all(config.out.join("events/part-00000.parquet/x")).expect("a folder can be made");
    fs::write(config.out.join("journal.jsonl"), line(&digests(&config).expect("valid").request))
        .expect("a file can be written");
    refused(config.clone(), "part-00000.parquet");
    assert!(files(&config.out.join("events")).iter().all(|f| !f.display().to_string().ends_with(".unfinished")));
}

#[test]
fn sizes_are_two_and_a_half_million_rows_a_gigabyte() {
    for (bytes, rows) in [(10_000_000, 25_000), (1_000_000_000, 2_500_000), (500_000_000_000, 1_250_000_000)] {
        assert_eq!(Config::rows_of(bytes), rows);
    }
}
