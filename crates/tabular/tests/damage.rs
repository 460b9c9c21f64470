//! Input and output that are damaged or of another shape end in an error that names file and column, never in a panic.

#![allow(clippy::cast_possible_truncation, reason = "sizes of small files")]

mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::{ArrayRef, Float32Array, RecordBatch};
use arrow_schema::DataType;
use parquet::file::metadata::{ParquetMetaData, ParquetMetaDataReader, ParquetMetaDataWriter};
use proptest::prelude::*;
use support::{Value, files, read_parquet, with_column, with_values, without_column, write_batch};
use tabular::generate::{Config, generate};
use tabular::manifest::Codec;
use tabular::schema::Table;
use tabular::verify::{Options, verify};
use tabular::{Dataset, Error};

/// A small data set with the output of the reference.
struct Case {
    folder: tempfile::TempDir,
}

impl Case {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let config = Config { rows: 2000, ..Config::smoke(folder.path().join("in")) };
        generate(&config, &|_| ()).expect("the input is generated");
        // Without a manifest, as input of others is: what is wrong must be seen from the files alone.
        fs::remove_file(config.out.join("manifest.json")).expect("the manifest is there");
        fs::create_dir(folder.path().join("out")).expect("a folder can be made");
        tabular::reference::save(&config.out, &folder.path().join("out/0.parquet")).expect("the reference runs");
        Self { folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The first file of a table of the input.
    fn part(&self, table: Table) -> PathBuf {
        self.path("in").join(table.name()).join("part-00000.parquet")
    }

    fn verify(&self) -> Result<(), Error> {
        verify(&self.path("out"), &self.path("in"), &Options::default(), &|_| ()).map(|_| ())
    }

    /// The message of the refusal, with the path of the file as FILE.
    fn refusal(&self, file: &Path) -> String {
        let error = self.verify().expect_err("it is refused").to_string();
        error.replace(&file.display().to_string(), "FILE")
    }
}

/// Puts another batch into a file for as long as `during` runs.
fn exchanged<T>(file: &Path, batch: &RecordBatch, during: impl FnOnce() -> T) -> T {
    let bytes = fs::read(file).expect("the file is there");
    write_batch(file, batch);
    let result = during();
    fs::write(file, bytes).expect("the file can be written");
    result
}

/// The first row group of a file.
fn first_rows(file: &Path) -> RecordBatch {
    read_parquet(file)
}

fn footer(file: &Path) -> ParquetMetaData {
    let file = fs::File::open(file).expect("the file is there");
    ParquetMetaDataReader::new().parse_and_finish(&file).expect("a footer")
}

#[test]
fn every_missing_column_is_named() {
    let case = Case::new();
    for table in Table::ALL {
        let file = case.part(table);
        let whole = first_rows(&file);
        for column in table.columns() {
            let found = exchanged(&file, &without_column(&whole, column.name), || case.refusal(&file));
            assert_eq!(found, format!("FILE has no column `{}` ({} expected)", column.name, column.kind));
        }
    }
}

#[test]
fn every_wrong_type_is_named() {
    let case = Case::new();
    for table in Table::ALL {
        let file = case.part(table);
        let whole = first_rows(&file);
        let floats: ArrayRef = Arc::new(Float32Array::from(vec![0.5; whole.num_rows()]));
        for column in table.columns() {
            let wrong = with_column(&whole, column.name, Arc::clone(&floats));
            let found = exchanged(&file, &wrong, || case.refusal(&file));
            let (name, kind) = (column.name, column.kind);
            assert_eq!(found, format!("FILE: column `{name}` is of type Float32, {kind} expected"));
        }
    }
}

#[test]
fn nulls_and_nan_are_refused_where_there_must_be_none() {
    let case = Case::new();
    let file = case.part(Table::Events);
    let whole = first_rows(&file);
    for name in ["row_id", "ts", "user_id", "item_id", "amount_cents", "qty", "country", "device", "url", "ua", "label"]
    {
        let wrong = with_values(&whole, name, |values| values[3] = Value::Null);
        let found = exchanged(&file, &wrong, || case.refusal(&file));
        assert_eq!(found, format!("FILE: column `{name}`: it holds nulls, and must not"));
    }
    let wrong = with_values(&whole, "f4", |values| values[3] = Value::Float(f64::NAN));
    let found = exchanged(&file, &wrong, || case.refusal(&file));
    assert_eq!(found, "FILE: column `f4`: it holds NaN; an unknown number must be null");
}

#[test]
fn keys_must_be_there_once() {
    let case = Case::new();
    for (table, key, at, value, why) in [
        (Table::Events, "row_id", 7, 3, "3 is there more than once or is not in 0..2000"),
        (Table::Events, "row_id", 7, 2000, "2000 is there more than once or is not in 0..2000"),
        (Table::Users, "user_id", 1, 0, "0 is there more than once"),
        (Table::Items, "item_id", 1, 0, "0 is there more than once"),
    ] {
        let file = case.part(table);
        let wrong = with_values(&first_rows(&file), key, |values| values[at] = Value::Int(value));
        let found = exchanged(&file, &wrong, || case.refusal(file.parent().expect("a folder")));
        assert_eq!(found, format!("FILE: column `{key}`: {why}"));
    }
}

#[test]
fn tables_are_folders_or_files_with_the_name_of_the_table() {
    let case = Case::new();
    let flat = case.path("flat");
    fs::create_dir(&flat).expect("a folder can be made");
    for table in Table::ALL {
        for (at, file) in files(&case.path("in").join(table.name())).iter().enumerate() {
            fs::copy(file, flat.join(format!("{}-{at}.parquet", table.name()))).expect("the file can be copied");
        }
    }
    let rows = |folder: &Path| Dataset::open(folder).map(|d| Table::ALL.map(|table| d.rows(table)));
    assert_eq!(rows(&flat).expect("a data set"), rows(&case.path("in")).expect("a data set"));
    fs::remove_file(flat.join("users-0.parquet")).expect("the file is there");
    let error = rows(&flat).expect_err("a table is missing").to_string();
    let expect = format!("{} has no Parquet files, `users/*.parquet` or `users*.parquet` expected", flat.display());
    assert_eq!(error, expect);
    let error = rows(&case.path("nowhere")).expect_err("there is nothing").to_string();
    assert!(error.starts_with(&format!("cannot read {}: ", case.path("nowhere").display())), "{error}");
}

#[test]
fn a_file_that_is_cut_off_is_damaged() {
    let case = Case::new();
    for file in [case.part(Table::Events), case.part(Table::Users), case.path("out/0.parquet")] {
        let bytes = fs::read(&file).expect("the file is there");
        for length in [0, 1, 4, 100, bytes.len() / 2, bytes.len() - 9, bytes.len() - 1] {
            fs::write(&file, &bytes[..length]).expect("the file can be written");
            let found = case.refusal(&file);
            assert!(found.starts_with("FILE is damaged or no Parquet file: "), "{length}: {found}");
        }
        fs::write(&file, bytes).expect("the file can be written");
    }
}

#[test]
fn a_column_that_cannot_be_decoded_is_named() {
    let case = Case::new();
    for (file, column) in [(case.part(Table::Events), "url"), (case.path("out/0.parquet"), "te_c4")] {
        let metadata = footer(&file);
        let chunks = metadata.row_group(0).columns();
        let chunk = chunks.iter().find(|c| c.column_path().string() == column).expect("the column");
        let (start, length) = chunk.byte_range();
        let whole = fs::read(&file).expect("the file is there");
        let mut bytes = whole.clone();
        bytes[start as usize..(start + length) as usize].fill(0xFF);
        fs::write(&file, bytes).expect("the file can be written");
        let found = case.refusal(&file);
        assert!(found.starts_with(&format!("FILE is damaged or no Parquet file (column `{column}`): ")), "{found}");
        fs::write(&file, whole).expect("the file can be written");
    }
}

#[test]
fn a_column_that_the_footer_places_outside_of_the_file_is_named() {
    let case = Case::new();
    let file = case.part(Table::Events);
    let whole = fs::read(&file).expect("the file is there");
    let metadata = footer(&file);
    for (start, length) in [(-1, 10), (4, -1), (1 << 40, 1), (4, i64::MAX), (i64::MAX, i64::MAX)] {
        let mut groups = metadata.row_groups().to_vec();
        let mut columns = groups[0].columns().to_vec();
        let moved = columns[0].clone().into_builder().set_dictionary_page_offset(None).set_data_page_offset(start);
        columns[0] = moved.set_total_compressed_size(length).build().expect("a column");
        groups[0] = groups[0].clone().into_builder().set_column_metadata(columns).build().expect("a row group");
        let mut bytes = whole.clone();
        // The footer that a reader goes by is the last one.
        let metadata = metadata.clone().into_builder().set_row_groups(groups).build();
        ParquetMetaDataWriter::new(&mut bytes, &metadata).finish().expect("a footer");
        fs::write(&file, &bytes).expect("the file can be written");
        let found = case.refusal(&file);
        let expect = "FILE is damaged or no Parquet file (column `row_id`): ";
        assert!(found.starts_with(expect), "{start} {length}: {found}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, max_shrink_iters: 0, ..ProptestConfig::default() })]
    /// A few bytes anywhere are other ones. Whether it is found depends on what they mean; that nothing panics does not.
    #[test]
    fn bytes_that_changed_never_panic(
        which in 0_usize..4, flips in prop::collection::vec((any::<prop::sample::Index>(), 1_u8..), 1..6), tail: bool
    ) {
        thread_local! { static CASE: Case = Case::new(); }
        CASE.with(|case| -> Result<(), TestCaseError> {
            let file = match which {
                0 => case.part(Table::Events),
                1 => case.part(Table::Users),
                2 => case.part(Table::Items),
                _ => case.path("out/0.parquet"),
            };
            let whole = fs::read(&file)?;
            let mut bytes = whole.clone();
            // Half of the cases change the footer, where the structure is.
            let from = if tail { bytes.len().saturating_sub(2000) } else { 0 };
            for (at, flip) in flips {
                let at = from + at.index(bytes.len() - from);
                bytes[at] ^= flip;
            }
            fs::write(&file, bytes)?;
            let result = std::panic::catch_unwind(|| case.verify());
            fs::write(&file, whole)?;
            let result = result.map_err(|_| TestCaseError::fail(format!("panic for {}", file.display())))?;
            if let Err(Error::Damaged { path, .. } | Error::MissingColumn { path, .. } | Error::WrongType { path, .. }) = result {
                prop_assert_eq!(path, file);
            }
            Ok(())
        })?;
    }
}

#[test]
fn a_value_that_changed_since_it_was_generated_is_found_by_the_manifest() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let config = Config { codec: Codec::None, ..Config::smoke(folder.path().join("in")) };
    let manifest = generate(&config, &|_| ()).expect("the input is generated");
    manifest.check_files(&config.out).expect("nothing changed");
    let file = config.out.join("events/part-00001.parquet");
    let mut bytes = fs::read(&file).expect("the file is there");
    bytes[1000] ^= 1;
    fs::write(&file, bytes).expect("the file can be written");
    let error = manifest.check_files(&config.out).expect_err("a byte changed").to_string();
    assert!(error.starts_with(&format!("{} is damaged", file.display())), "{error}");
    let output = folder.path().join("out.parquet");
    tabular::reference::save(&config.out, &output).expect("the file still can be read");
    let verified = verify(&output, &config.out, &Options::default(), &|_| ());
    assert_eq!(verified.expect_err("a byte changed").to_string(), error);
}

#[test]
fn large_text_and_views_are_the_same_input() {
    let case = Case::new();
    let file = case.part(Table::Events);
    let whole = first_rows(&file);
    let column = whole.column_by_name("url").expect("the column");
    let texts = arrow_array::cast::as_string_array(column);
    let views: ArrayRef = Arc::new(texts.iter().collect::<arrow_array::StringViewArray>());
    assert_eq!(views.data_type(), &DataType::Utf8View);
    exchanged(&file, &with_column(&whole, "url", views), || case.verify()).expect("it holds the same");
}
