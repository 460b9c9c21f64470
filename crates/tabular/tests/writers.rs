//! Input that others wrote: every form that holds the same values gives the same features in every mode, and what is not taken
//! is refused alike.

#[path = "support/modes.rs"]
mod modes;
mod support;

use std::ffi::OsStr;
use std::fs::{self, File};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Int32Type, TimestampMicrosecondType};
use arrow_array::{
    Array, ArrayRef, Date64Array, DictionaryArray, DurationMicrosecondArray, Int64Array, LargeStringArray, ListArray,
    RecordBatch, StringViewArray,
};
use arrow_schema::{DataType, Field, Schema};
use modes::{MODES, outcomes, refused, run, taken};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::file::properties::{WriterProperties, WriterVersion};
use polars::prelude::{Categories, DataType as PolarsType, IntoColumn, ParquetReader, ParquetWriter, SerReader};
use proptest::prelude::*;
use support::{Event, MINUTE, MONDAY, Tiny, Value, batch, read_parquet, with_column, write_batch};
use tabular::generate::{Config, generate};
use tabular::verify::{Options, against, verify};

/// A small data set of several files, without a manifest.
fn data(folder: &Path) -> PathBuf {
    let config = Config { rows: 900, row_group_rows: 25, ..Config::smoke(folder.join("in")) };
    generate(&config, &|_| ()).expect("the input is generated");
    fs::remove_file(config.out.join("manifest.json")).expect("the manifest is there");
    config.out
}

/// The column with another array that has the same values.
fn reformed(batch: &RecordBatch, name: &str, form: impl Fn(&ArrayRef) -> ArrayRef) -> RecordBatch {
    with_column(batch, name, form(batch.column_by_name(name).expect("the column")))
}

fn dictionary(array: &ArrayRef) -> ArrayRef {
    Arc::new(array.as_string::<i32>().iter().collect::<DictionaryArray<Int32Type>>())
}

#[test]
fn text_may_be_plain_large_a_view_a_dictionary_or_categories() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let input = data(folder.path());
    let texts = ["country", "device", "c1", "c2", "c3", "c4", "url", "ua"];
    let large =
        |array: &ArrayRef| -> ArrayRef { Arc::new(array.as_string::<i32>().iter().collect::<LargeStringArray>()) };
    let view =
        |array: &ArrayRef| -> ArrayRef { Arc::new(array.as_string::<i32>().iter().collect::<StringViewArray>()) };
    let forms: [&dyn Fn(&ArrayRef) -> ArrayRef; 3] = [&large, &view, &dictionary];
    for (at, form) in forms.into_iter().enumerate() {
        let file = input.join(format!("events/part-0000{at}.parquet"));
        let whole = read_parquet(&file);
        write_batch(&file, &texts.iter().fold(whole, |batch, name| reformed(&batch, name, form)));
        taken(&input);
    }
    // As Polars keeps its own categories.
    let file = input.join("events/part-00000.parquet");
    let mut frame = ParquetReader::new(File::open(&file).unwrap()).finish().unwrap();
    for name in texts {
        let categories = PolarsType::from_categories(Categories::global());
        let column = frame.column(name).unwrap().cast(&categories).unwrap();
        frame.with_column(column.into_column()).unwrap();
    }
    ParquetWriter::new(File::create(&file).unwrap()).finish(&mut frame).unwrap();
    taken(&input);
}

#[test]
fn what_arrow_called_a_type_does_not_matter_where_parquet_stores_the_same() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let input = data(folder.path());
    let file = input.join("events/part-00001.parquet");
    let zoned = |array: &ArrayRef| -> ArrayRef {
        Arc::new(array.as_primitive::<TimestampMicrosecondType>().clone().with_timezone("Europe/Berlin"))
    };
    let whole = read_parquet(&file);
    write_batch(&file, &reformed(&whole, "ts", zoned));
    taken(&input);
    let duration = |array: &ArrayRef| -> ArrayRef {
        let numbers = support::values(array).into_iter().map(|v| if let Value::Int(v) = v { v } else { 0 });
        Arc::new(DurationMicrosecondArray::from_iter_values(numbers))
    };
    write_batch(&file, &whole);
    // Whoever calls amounts durations calls them so in every file.
    for file in support::files(&input.join("events")) {
        write_batch(&file, &reformed(&read_parquet(&file), "amount_cents", duration));
    }
    taken(&input);
    let users = input.join("users/part-00000.parquet");
    let milliseconds = |array: &ArrayRef| -> ArrayRef {
        let days = array.as_primitive::<arrow_array::types::Date32Type>().iter();
        Arc::new(days.map(|day| day.map(|day| i64::from(day) * 86_400_000)).collect::<Date64Array>())
    };
    write_batch(&users, &reformed(&read_parquet(&users), "signup", milliseconds));
    refused(&input, "IN/users/part-00000.parquet: column `signup` is of type Int64, date expected");
}

#[test]
fn extra_columns_are_passed_over_in_any_file() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let input = data(folder.path());
    let add = |file: &str, name: &str, array: &dyn Fn(usize) -> ArrayRef, first: bool| {
        let file = input.join("events").join(file);
        let whole = read_parquet(&file);
        let schema = whole.schema();
        let mut columns: Vec<(&str, ArrayRef)> =
            schema.fields().iter().zip(whole.columns()).map(|(f, a)| (f.name().as_str(), Arc::clone(a))).collect();
        columns.insert(if first { 0 } else { columns.len() }, (name, array(whole.num_rows())));
        write_batch(&file, &batch(&columns));
    };
    let numbers = |rows: usize| -> ArrayRef { Arc::new(Int64Array::from_iter_values((0..).take(rows))) };
    let lists = |rows: usize| -> ArrayRef {
        let lists =
            (0..rows).map(|row| Some((0..row % 3).map(|n| Some(i32::try_from(n).unwrap())).collect::<Vec<_>>()));
        Arc::new(ListArray::from_iter_primitive::<Int32Type, _, _>(lists))
    };
    add("part-00000.parquet", "place", &numbers, true);
    add("part-00001.parquet", "lists", &lists, false);
    add("part-00001.parquet", "f7", &numbers, true);
    taken(&input);
}

#[test]
fn paths_need_not_be_utf_8() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let odd = folder.path().join(OsStr::from_bytes(b"w\xFFrk"));
    let input = data(&odd);
    fs::rename(
        input.join("events/part-00001.parquet"),
        input.join("events").join(OsStr::from_bytes(b"part-00001-\xFE.parquet")),
    )
    .unwrap();
    for mode in MODES {
        let output = odd.join(mode.name());
        run(mode, &input, &output).unwrap();
        verify(&output, &input, &Options::default(), &|_| ()).unwrap();
    }
}

/// How a random input is written.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "choices of a writer that do not depend on one another")]
struct Form {
    rows_a_file: usize,
    rows_a_group: usize,
    rows_a_page: usize,
    compression: Compression,
    dictionary: bool,
    version: WriterVersion,
    delta: bool,
    nullable: bool,
    text: u8,
    extra: bool,
    /// A type that is not that of the schema, in one of how many inputs.
    wide_label: bool,
}

fn forms() -> impl Strategy<Value = Form> {
    let zstd = Compression::ZSTD(ZstdLevel::try_new(1).expect("a level"));
    let codecs = vec![Compression::UNCOMPRESSED, Compression::SNAPPY, Compression::LZ4_RAW, zstd];
    let versions = vec![WriterVersion::PARQUET_1_0, WriterVersion::PARQUET_2_0];
    let sizes = (1..40_usize, 1..20_usize, 1..20_usize);
    let choices = (any::<bool>(), any::<bool>(), any::<bool>(), 0..4_u8, any::<bool>(), prop::bool::weighted(0.05));
    (sizes, prop::sample::select(codecs), prop::sample::select(versions), choices).prop_map(
        |((rows_a_file, rows_a_group, rows_a_page), compression, version, choices)| {
            let (dictionary, delta, nullable, text, extra, wide_label) = choices;
            Form {
                rows_a_file,
                rows_a_group,
                rows_a_page,
                compression,
                dictionary,
                version,
                delta,
                nullable,
                text,
                extra,
                wide_label,
            }
        },
    )
}

fn events() -> impl Strategy<Value = Event> {
    let amount = prop_oneof![50 => -1_000..1_000_i64, 1 => prop::sample::select(vec![i64::MIN, i64::MAX, 1 << 62])];
    let float = prop_oneof![
        20 => prop::option::of(-3.0..3.0_f64),
        5 => prop::option::of(1.7e9..1.700_003_6e9_f64),
        5 => prop::sample::select(vec![Some(0.0), Some(-0.0), Some(1.0), Some(-1e12)]),
        1 => prop::sample::select(vec![Some(1e300), Some(f64::NAN), Some(f64::INFINITY)]).prop_map(|v| v.filter(|v| *v < 1e301)),
    ];
    let word = || {
        prop::option::weighted(0.8, prop::sample::select(vec!["", "a", "b", "é", "a longer word than a view holds"]))
    };
    let url = prop::sample::select(vec!["https://a.test/b?id=1", "//h/x/y#/z", "", "http://ü/?x&id=77&id=8", "no"]);
    let agent = prop::sample::select(vec!["Firefox", "Chrome Safari Edg", "curl", "é Safari"]);
    (
        (0..400_i64, 0..5_i32, 0..4_i32, amount, any::<i16>(), 0..2_u8),
        prop::array::uniform6(float),
        prop::array::uniform4(word()),
        (url, agent, prop::sample::select(vec!["AA", "BB", ""]), prop::sample::select(vec!["Oak-1", "Fir-2"])),
        prop::collection::vec(prop::option::of(any::<i32>()), 13),
    )
        .prop_map(|((minute, user, item, amount, qty, label), f, c, (url, ua, country, device), i)| Event {
            ts: MONDAY + minute * MINUTE * 7,
            user,
            item,
            i: i.try_into().expect("thirteen"),
            f,
            amount,
            qty,
            country,
            device,
            c,
            url,
            ua,
            label,
        })
}

/// Writes a batch in a form.
fn write(path: &Path, whole: &RecordBatch, form: &Form) {
    let text = |array: &ArrayRef| -> ArrayRef {
        let texts = array.as_string::<i32>().iter();
        match form.text {
            0 => Arc::clone(array),
            1 => Arc::new(texts.collect::<LargeStringArray>()),
            2 => Arc::new(texts.collect::<StringViewArray>()),
            _ => dictionary(array),
        }
    };
    let mut fields = Vec::new();
    let mut arrays: Vec<ArrayRef> = Vec::new();
    for (field, array) in whole.schema().fields().iter().zip(whole.columns()) {
        let array = match field.data_type() {
            DataType::Utf8 => text(array),
            _ if form.wide_label && field.name() == "label" => {
                support::array(&support::values(array), &DataType::Int32)
            }
            _ => Arc::clone(array),
        };
        fields.push(Field::new(field.name(), array.data_type().clone(), form.nullable || array.null_count() > 0));
        arrays.push(array);
    }
    if form.extra {
        fields.push(Field::new("extra", DataType::Int64, false));
        arrays.push(Arc::new(Int64Array::from_iter_values((0..).take(whole.num_rows()))));
    }
    let batch = RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays).expect("columns of one length");
    let mut properties = WriterProperties::builder()
        .set_compression(form.compression)
        .set_dictionary_enabled(form.dictionary)
        .set_writer_version(form.version)
        .set_max_row_group_row_count(Some(form.rows_a_group))
        .set_data_page_row_count_limit(form.rows_a_page)
        .set_write_batch_size(form.rows_a_page);
    if form.delta && !form.dictionary {
        for name in ["row_id", "ts", "user_id", "i3", "amount_cents"] {
            properties = properties.set_column_encoding(name.into(), Encoding::DELTA_BINARY_PACKED);
        }
        properties = properties.set_column_encoding("url".into(), Encoding::DELTA_BYTE_ARRAY);
        properties = properties.set_column_encoding("f2".into(), Encoding::BYTE_STREAM_SPLIT);
    }
    let file = File::create(path).expect("the file can be made");
    let mut writer = ArrowWriter::try_new(file, batch.schema(), Some(properties.build())).expect("a schema of Parquet");
    writer.write(&batch).expect("the rows can be written");
    writer.close().expect("the file can be closed");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, max_shrink_iters: 50, ..ProptestConfig::default() })]
    /// Rows of any kind in files of any form: the modes agree with the reference, or all of them refuse.
    #[test]
    fn the_modes_agree_with_the_reference_or_refuse_alike(
        events in prop::collection::vec(events(), 1..60), reverse: bool,
        own in prop::collection::vec(forms(), 1..4)
    ) {
        let folder = tempfile::tempdir()?;
        let input = folder.path().join("in");
        let mut tiny = Tiny::of(events);
        tiny.users = (0..4).map(|user| (user, 20_000 + user)).collect();
        tiny.items = (0..3).map(|item| (item, 7 + i64::from(item))).collect();
        let mut order: Vec<usize> = (0..tiny.events.len()).collect();
        if reverse {
            order.reverse();
        }
        tiny.write_in_order(&input, &order, own[0].rows_a_file);
        for (file, form) in support::files(&input.join("events")).iter().zip(own.iter().cycle()) {
            write(file, &read_parquet(file), form);
        }
        let outcomes = outcomes(&input);
        prop_assert!(outcomes.windows(2).all(|pair| pair[0].1.is_ok() == pair[1].1.is_ok()), "{:?}", outcomes);
        for (by, outcome) in &outcomes {
            if let Err(why) = outcome {
                let is_named = why.contains("IN/events/") || why.starts_with("column `");
                prop_assert!(is_named, "{}: {}", by, why);
            }
        }
    }
}

#[test]
fn many_row_groups_are_read_together() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let input = data(folder.path());
    let form = Form {
        rows_a_file: 1,
        rows_a_group: 1,
        rows_a_page: 1,
        compression: Compression::UNCOMPRESSED,
        dictionary: false,
        version: WriterVersion::PARQUET_1_0,
        delta: false,
        nullable: true,
        text: 0,
        extra: true,
        wide_label: false,
    };
    let file = input.join("events/part-00000.parquet");
    write(&file, &read_parquet(&file), &form);
    let groups = |file: &Path| ParquetReader::new(File::open(file).unwrap()).get_metadata().unwrap().row_groups.len();
    assert_eq!(groups(&file), 400);
    taken(&input);
    // The rows of a file come out in one row group, however many there were.
    let output = folder.path().join("out");
    run(MODES[0], &input, &output).unwrap();
    let most = support::files(&output).iter().map(|file| groups(file)).max();
    assert!(most <= Some(3), "{most:?}");
    let other = folder.path().join("other");
    run(MODES[2], &input, &other).unwrap();
    against(&output, &other, &Options::default(), &|_| ()).unwrap();
}
