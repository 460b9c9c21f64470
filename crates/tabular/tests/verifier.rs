//! The verifier accepts what is right, in whatever form, and finds every fault that is planted.

mod support;

use std::path::PathBuf;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float32Type, Int8Type, Int16Type, Int32Type};
use arrow_array::{
    Array, ArrayRef, DictionaryArray, Float64Array, Int64Array, LargeStringArray, RecordBatch, StringViewArray,
};
use arrow_schema::DataType;
use support::{Value, read_parquet, rows, with_column, with_values, without_column, write_batch};
use tabular::Error;
use tabular::generate::{Config, generate};
use tabular::schema::{Kind, TRANSFORMS, output_columns};
use tabular::verify::{Options, Verified, against, verify};

const ROWS: usize = 3000;

/// A data set, and the output of the reference for it.
struct Case {
    folder: tempfile::TempDir,
    right: RecordBatch,
}

impl Case {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let config = Config { rows: ROWS as u64, ..Config::smoke(folder.path().join("in")) };
        generate(&config, &|_| ()).expect("the input is generated");
        let output = folder.path().join("right.parquet");
        tabular::reference::save(&config.out, &output).expect("the reference runs");
        let right = read_parquet(&output);
        Self { folder, right }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn verify_files(&self, options: Options) -> Result<Verified, Error> {
        verify(&self.path("out"), &self.path("in"), &options, &|_| ())
    }

    /// Verifies a batch as the one file of an output.
    fn verify(&self, batch: &RecordBatch) -> Result<Verified, Error> {
        write_batch(&self.path("out/part.parquet"), batch);
        self.verify_files(Options::default())
    }

    /// What is wrong with a batch.
    fn findings(&self, batch: &RecordBatch) -> Vec<String> {
        match self.verify(batch) {
            Err(Error::Rejected(findings)) => findings.iter().map(ToString::to_string).collect(),
            other => panic!("it was not rejected: {other:?}"),
        }
    }
}

#[test]
fn the_reference_is_accepted_in_any_order_and_any_number_of_files() {
    let case = Case::new();
    let whole = case.verify(&case.right).expect("the reference is right");
    assert!(whole.is_full());
    assert_eq!(whole.rows, ROWS as u64);
    assert_eq!(whole.columns.len(), output_columns().count() - 1);

    let shuffled: Vec<usize> = (0..ROWS).map(|row| row * 1237 % ROWS).collect();
    for (at, part) in shuffled.chunks(1000).enumerate() {
        let name = ["part.parquet", "deeper/b.parquet", "deeper/still/c.parquet"][at];
        write_batch(&case.path("out").join(name), &rows(&case.right, part));
    }
    let parts = case.verify_files(Options { threads: 1, ..Options::default() }).expect("it is the same");
    for (a, b) in whole.columns.iter().zip(&parts.columns) {
        assert_eq!((&a.name, a.nulls, a.digest), (&b.name, b.nulls, b.digest));
        if let (Some(a), Some(b)) = (a.moments, b.moments) {
            assert!((a.0 - b.0).abs() <= 1e-9 * a.0 && (a.1 - b.1).abs() <= 1e-9 * a.1, "{a:?} {b:?}");
        }
    }
}

#[test]
fn each_disturbed_value_is_found_in_its_column() {
    let case = Case::new();
    for (index, column) in output_columns().skip(1).enumerate() {
        let row = (index * 37 + 5) % ROWS;
        let wrong = with_values(&case.right, column.name, |values| {
            values[row] = match &values[row] {
                Value::Null => {
                    if column.kind == Kind::F64 {
                        Value::Float(0.5)
                    } else {
                        Value::Int(0)
                    }
                }
                Value::Int(v) => Value::Int(v ^ 1),
                Value::Float(v) => Value::Float(v * (1.0 + 2e-5) + 2e-5),
                Value::Text(v) => Value::Text(format!("{v} ")),
            };
        });
        let findings = case.findings(&wrong);
        assert_eq!(findings.len(), 1, "{}: {findings:?}", column.name);
        let begin = format!("column `{}`: 1 values are wrong: row {row} has ", column.name);
        assert!(findings[0].starts_with(&begin), "{}", findings[0]);
    }
}

#[test]
fn a_null_is_found_in_each_column() {
    let case = Case::new();
    for (index, column) in output_columns().skip(1).enumerate() {
        let found = support::values(case.right.column_by_name(column.name).expect("a column"));
        let row = (0..ROWS)
            .map(|row| (row + index * 41) % ROWS)
            .find(|&row| found[row] != Value::Null)
            .expect("not all are null");
        let findings = case.findings(&with_values(&case.right, column.name, |values| values[row] = Value::Null));
        let begin = format!("column `{}`: 1 values are wrong: row {row} has null", column.name);
        assert!(findings.len() == 1 && findings[0].starts_with(&begin), "{findings:?}");
    }
}

#[test]
fn nan_is_no_value() {
    let case = Case::new();
    let wrong = with_values(&case.right, "price_ratio", |values| values[7] = Value::Float(f64::NAN));
    assert!(case.findings(&wrong)[0].starts_with("column `price_ratio`: 1 values are wrong: row 7 has NaN"));
}

#[test]
fn missing_and_repeated_rows_are_found() {
    let case = Case::new();
    let all: Vec<usize> = (0..ROWS).collect();
    let check = |order: &[usize], expect: &str| {
        assert_eq!(case.findings(&rows(&case.right, order)), [format!("column `row_id`: {expect}")]);
    };
    check(&all[..ROWS - 1], "1 of 3000 rows are missing, the first is row 2999");
    check(&all[2..], "2 of 3000 rows are missing, the first is row 0");
    check(&[&all[..], &[64]].concat(), "1 rows are there again, the first is row 64");
    check(
        &[&all[..9], &[8], &all[10..]].concat(),
        "1 of 3000 rows are missing, the first is row 9; 1 rows are there again, the first is row 8",
    );
    check(&[], "3000 of 3000 rows are missing, the first is row 0");
    let ids = |id: Value| case.findings(&with_values(&case.right, "row_id", |values| values[70] = id));
    let missing = "column `row_id`: 1 of 3000 rows are missing, the first is row 70; 1";
    assert_eq!(ids(Value::Int(3000)), [format!("{missing} row ids are not in 0..3000, the first is 3000")]);
    assert_eq!(ids(Value::Int(-1)), [format!("{missing} row ids are not in 0..3000, the first is -1")]);
    assert_eq!(ids(Value::Null), [format!("{missing} are null")]);
}

#[test]
fn swapped_rows_are_found() {
    let case = Case::new();
    let wrong = with_values(&case.right, "row_id", |ids| ids.swap(10, 2000));
    let findings = case.findings(&wrong);
    assert!(findings.len() > 20, "{findings:?}");
}

#[test]
fn types_that_hold_the_same_are_accepted() {
    let case = Case::new();
    let column = |name: &str| Arc::clone(case.right.column_by_name(name).expect("a column"));
    let texts = column("url_host");
    let texts = texts.as_string::<i32>();
    let wide = |name: &str| -> ArrayRef {
        let array = column(name);
        let values = match array.data_type() {
            DataType::Int8 => array.as_primitive::<Int8Type>().iter().map(|v| v.map(i64::from)).collect::<Int64Array>(),
            DataType::Int16 => array.as_primitive::<Int16Type>().iter().map(|v| v.map(i64::from)).collect(),
            _ => array.as_primitive::<Int32Type>().iter().map(|v| v.map(i64::from)).collect(),
        };
        Arc::new(values)
    };
    let logs = column("i1_log");
    let doubles: Float64Array = logs.as_primitive::<Float32Type>().iter().map(|v| v.map(f64::from)).collect();
    let unsigned = support::array(&support::values(&column("item_prev_n")), &DataType::UInt64);
    let same: [(&str, ArrayRef); 8] = [
        ("url_host", Arc::new(texts.iter().collect::<LargeStringArray>())),
        ("url_host", Arc::new(texts.iter().collect::<StringViewArray>())),
        ("url_host", Arc::new(texts.iter().collect::<DictionaryArray<Int32Type>>())),
        ("hour", wide("hour")),
        ("url_depth", wide("url_depth")),
        ("c4_code", wide("c4_code")),
        ("i1_log", Arc::new(doubles)),
        ("item_prev_n", unsigned),
    ];
    let digests = |batch: &RecordBatch| -> Vec<_> {
        let verified = case.verify(batch).expect("it holds the same");
        verified.columns.into_iter().map(|c| c.digest).collect()
    };
    let expect = digests(&case.right);
    for (name, array) in same {
        let kind = array.data_type().to_string();
        assert_eq!(digests(&with_column(&case.right, name, array)), expect, "{name} as {kind}");
    }
}

#[test]
fn other_types_and_columns_are_refused_by_name() {
    let case = Case::new();
    let check = |batch: &RecordBatch, expect: &str| {
        let error = case.verify(batch).expect_err("it is refused").to_string();
        let expect = expect.replace("FILE", &case.path("out/part.parquet").display().to_string());
        assert_eq!(error, expect);
    };
    let ratio = Arc::clone(case.right.column_by_name("price_ratio").expect("a column"));
    check(
        &with_column(&case.right, "url_id", Arc::clone(&ratio)),
        "FILE: column `url_id` is of type Float64, int64 or another whole number expected",
    );
    check(
        &with_column(&case.right, "f1_z", Arc::clone(case.right.column_by_name("i1_log").expect("a column"))),
        "FILE: column `f1_z` is of type Float32, double expected",
    );
    check(
        &with_column(&case.right, "is_weekend", Arc::clone(case.right.column_by_name("hour").expect("a column"))),
        "FILE: column `is_weekend` is of type Int8, bool expected",
    );
    for column in output_columns() {
        let error = case.verify(&without_column(&case.right, column.name)).expect_err("it is refused").to_string();
        assert!(error.contains(&format!("has no column `{}`", column.name)), "{error}");
    }
    let mut more: Vec<(&str, ArrayRef)> =
        output_columns().map(|c| (c.name, Arc::clone(case.right.column_by_name(c.name).expect("a column")))).collect();
    more.push(("__index_level_0__", ratio));
    check(
        &support::batch(&more),
        "the output is wrong:\n  column `__index_level_0__`: it is no column of the output, and FILE has it",
    );
}

#[test]
fn a_sample_still_finds_what_is_wrong_everywhere_or_structural() {
    let case = Case::new();
    let options = Options { one_of: 3, threads: 2 };
    write_batch(&case.path("out/part.parquet"), &case.right);
    let verified = case.verify_files(options).expect("the reference is right");
    assert!(!verified.is_full());
    for (transform, checked) in &verified.checked {
        assert!(*checked > 100 && *checked < ROWS as u64, "{transform}: {checked}");
    }
    for transform in TRANSFORMS {
        for column in transform.columns {
            let wrong = with_values(&case.right, column.name, |values| values.rotate_left(1));
            if support::values(wrong.column_by_name(column.name).expect("a column"))
                == support::values(case.right.column_by_name(column.name).expect("a column"))
            {
                continue;
            }
            write_batch(&case.path("out/part.parquet"), &wrong);
            let error = case.verify_files(options).expect_err("it is wrong").to_string();
            assert!(error.contains(&format!("column `{}`", column.name)), "{error}");
        }
    }
    // A null in a row outside of the sample, where none may be.
    for row in 0..20 {
        let wrong = with_values(&case.right, "hour", |values| values[row] = Value::Null);
        write_batch(&case.path("out/part.parquet"), &wrong);
        assert!(case.verify_files(options).is_err(), "row {row}");
    }
}

#[test]
fn two_outputs_are_compared_with_each_other() {
    let case = Case::new();
    let shuffled: Vec<usize> = (0..ROWS).map(|row| row * 1237 % ROWS).collect();
    write_batch(&case.path("a/part.parquet"), &rows(&case.right, &shuffled));
    write_batch(&case.path("b/part.parquet"), &case.right);
    let compare = |one_of| against(&case.path("a"), &case.path("b"), &Options { one_of, threads: 2 }, &|_| ());
    assert!(compare(0).expect("they are the same").is_full());
    let part = compare(4).expect("they are the same");
    assert!(part.checked.iter().all(|(_, rows)| (500..1000).contains(rows)), "{:?}", part.checked);
    for (name, change) in [("url_host", Value::Text("x".to_owned())), ("te_c4", Value::Float(0.123))] {
        let wrong = with_values(&case.right, name, |values| values[99] = change.clone());
        write_batch(&case.path("b/part.parquet"), &wrong);
        let error = compare(1).expect_err("they differ").to_string();
        assert!(error.contains(&format!("column `{name}`: 1 values are wrong: row 99 has ")), "{error}");
    }
}
