//! Input and output that are damaged or of another shape end in an error that names file and column, never in a panic.

#![allow(clippy::cast_possible_truncation, reason = "sizes of small files")]

mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::{ArrayRef, Float32Array, RecordBatch};
use parquet::file::metadata::{ParquetMetaData, ParquetMetaDataReader, ParquetMetaDataWriter};
use support::{files, read_parquet, with_column, without_column, write_batch};
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

#[test]
fn a_value_that_changed_since_it_was_generated_is_found_by_the_manifest() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let config = Config { codec: Codec::None, ..Config::smoke(folder.path().join("in")) };
    let manifest = generate(&config, &|_| ()).expect("the input is generated");
    let check = || manifest.check_files(&Dataset::open(&config.out).expect("a data set"));
    check().expect("nothing changed");
    let file = config.out.join("events/part-00001.parquet");
    let whole = fs::read(&file).expect("the file is there");
    let mut bytes = whole.clone();
    bytes[1000] ^= 1;
    fs::write(&file, &bytes).expect("the file can be written");
    let error = check().expect_err("a byte changed").to_string();
    assert!(error.starts_with(&format!("{} is damaged", file.display())), "{error}");
    let output = folder.path().join("out.parquet");
    fs::write(&file, &whole).expect("the file can be written");
    tabular::reference::save(&config.out, &output).expect("the file can be read again");
    fs::write(&file, bytes).expect("the file can be written");
    let verified = verify(&output, &config.out, &Options::default(), &|_| ());
    assert_eq!(verified.expect_err("a byte changed").to_string(), error);
}
