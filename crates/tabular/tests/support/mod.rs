//! Small data sets written by hand, and outputs read back as plain values.
#![allow(dead_code, unreachable_pub, reason = "each test program uses a part of it")]
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    clippy::needless_pass_by_value,
    reason = "values that a test makes"
)]

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{
    Date32Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, TimestampMicrosecondType,
    UInt8Type,
};
use arrow_array::{
    Array, ArrayRef, BooleanArray, Date32Array, Float32Array, Float64Array, Int8Array, Int16Array, Int32Array,
    Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray, UInt8Array, UInt64Array,
};
use arrow_schema::DataType;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

/// 2025-03-03 00:00 UTC, a Monday, in microseconds.
pub const MONDAY: i64 = 20_150 * 86_400_000_000;
/// A minute in microseconds.
pub const MINUTE: i64 = 60_000_000;

/// A row of `events`; its id is its place in the list.
#[derive(Clone, Debug)]
pub struct Event {
    pub ts: i64,
    pub user: i32,
    pub item: i32,
    pub i: [Option<i32>; 13],
    pub f: [Option<f64>; 6],
    pub amount: i64,
    pub qty: i16,
    pub country: &'static str,
    pub device: &'static str,
    pub c: [Option<&'static str>; 4],
    pub url: &'static str,
    pub ua: &'static str,
    pub label: u8,
}

impl Default for Event {
    fn default() -> Self {
        Self {
            ts: MONDAY,
            user: 1,
            item: 1,
            i: [None; 13],
            f: [None; 6],
            amount: 100,
            qty: 1,
            country: "AA",
            device: "Oak-1",
            c: [None; 4],
            url: "https://a.test/b?id=1",
            ua: "Firefox",
            label: 0,
        }
    }
}

/// A data set: users with the day of their signup, items with their price.
#[derive(Clone, Debug)]
pub struct Tiny {
    pub events: Vec<Event>,
    pub users: Vec<(i32, i32)>,
    pub items: Vec<(i32, i64)>,
}

impl Tiny {
    /// Events of a known user (1, since 2025-03-01) and a known item (1, for 50 cents), unless they say otherwise.
    pub fn of(events: Vec<Event>) -> Self {
        Self { events, users: vec![(1, 20_148)], items: vec![(1, 50)] }
    }

    /// Writes it as three folders of Parquet, rows in the order of `order`, a file for each `rows_a_file` rows.
    pub fn write_in_order(&self, folder: &Path, order: &[usize], rows_a_file: usize) {
        for (at, rows) in order.chunks(rows_a_file).enumerate() {
            write_parquet(&folder.join(format!("events/{at}.parquet")), &self.events_batch(rows));
        }
        let keys: ArrayRef = Arc::new(Int32Array::from_iter_values(self.users.iter().map(|u| u.0)));
        let signup: ArrayRef = Arc::new(Date32Array::from_iter_values(self.users.iter().map(|u| u.1)));
        let segment: ArrayRef = Arc::new(StringArray::from_iter_values(self.users.iter().map(|_| "new")));
        write_parquet(&folder.join("users/0.parquet"), &[("user_id", keys), ("signup", signup), ("segment", segment)]);
        let keys: ArrayRef = Arc::new(Int32Array::from_iter_values(self.items.iter().map(|u| u.0)));
        let category: ArrayRef = Arc::new(StringArray::from_iter_values(self.items.iter().map(|_| "lamp")));
        let price: ArrayRef = Arc::new(Int64Array::from_iter_values(self.items.iter().map(|u| u.1)));
        write_parquet(
            &folder.join("items/0.parquet"),
            &[("item_id", keys), ("category", category), ("price_cents", price)],
        );
    }

    /// Writes it in the order of the row ids, into one file a table.
    pub fn write(&self, folder: &Path) {
        let order: Vec<usize> = (0..self.events.len()).collect();
        self.write_in_order(folder, &order, usize::MAX);
    }

    fn events_batch(&self, rows: &[usize]) -> Vec<(&'static str, ArrayRef)> {
        const INTS: [&str; 13] = ["i1", "i2", "i3", "i4", "i5", "i6", "i7", "i8", "i9", "i10", "i11", "i12", "i13"];
        const FLOATS: [&str; 6] = ["f1", "f2", "f3", "f4", "f5", "f6"];
        let events = || rows.iter().map(|&row| &self.events[row]);
        let text =
            |of: fn(&Event) -> &'static str| -> ArrayRef { Arc::new(StringArray::from_iter_values(events().map(of))) };
        let mut columns: Vec<(&'static str, ArrayRef)> = vec![
            ("row_id", Arc::new(Int64Array::from_iter_values(rows.iter().map(|&row| row as i64)))),
            ("ts", {
                let ts = TimestampMicrosecondArray::from_iter_values(events().map(|e| e.ts));
                Arc::new(ts.with_timezone("UTC"))
            }),
            ("user_id", Arc::new(Int32Array::from_iter_values(events().map(|e| e.user)))),
            ("item_id", Arc::new(Int32Array::from_iter_values(events().map(|e| e.item)))),
            ("amount_cents", Arc::new(Int64Array::from_iter_values(events().map(|e| e.amount)))),
            ("qty", Arc::new(Int16Array::from_iter_values(events().map(|e| e.qty)))),
            ("country", text(|e| e.country)),
            ("device", text(|e| e.device)),
            ("url", text(|e| e.url)),
            ("ua", text(|e| e.ua)),
            ("is_mobile", Arc::new(events().map(|_| None).collect::<BooleanArray>())),
            ("label", Arc::new(UInt8Array::from_iter_values(events().map(|e| e.label)))),
        ];
        for (k, name) in INTS.into_iter().enumerate() {
            columns.push((name, Arc::new(events().map(|e| e.i[k]).collect::<Int32Array>())));
        }
        for (k, name) in FLOATS.into_iter().enumerate() {
            columns.push((name, Arc::new(events().map(|e| e.f[k]).collect::<Float64Array>())));
        }
        for (k, name) in ["c1", "c2", "c3", "c4"].into_iter().enumerate() {
            columns.push((name, Arc::new(events().map(|e| e.c[k]).collect::<StringArray>())));
        }
        columns
    }
}

/// A batch with all columns nullable, as engines write them.
pub fn batch(columns: &[(&str, ArrayRef)]) -> RecordBatch {
    RecordBatch::try_from_iter_with_nullable(columns.iter().map(|(name, array)| (*name, Arc::clone(array), true)))
        .expect("columns of one length")
}

/// Writes columns as a Parquet file, and the folders above it.
pub fn write_parquet(path: &Path, columns: &[(&str, ArrayRef)]) {
    write_batch(path, &batch(columns));
}

/// Writes a batch as a Parquet file, and the folders above it.
pub fn write_batch(path: &Path, batch: &RecordBatch) {
    fs::create_dir_all(path.parent().expect("a folder")).expect("the folder can be made");
    let file = File::create(path).expect("the file can be made");
    let mut writer = ArrowWriter::try_new(file, batch.schema(), None).expect("a schema that Parquet has");
    writer.write(batch).expect("the rows can be written");
    writer.close().expect("the file can be closed");
}

/// All rows of a Parquet file.
pub fn read_parquet(path: &Path) -> RecordBatch {
    let file = File::open(path).expect("the file is there");
    let reader = ParquetRecordBatchReaderBuilder::try_new(file).expect("a Parquet file").with_batch_size(1 << 24);
    let mut batches: Vec<RecordBatch> = reader.build().expect("it can be read").map(|b| b.expect("rows")).collect();
    assert_eq!(batches.len(), 1, "{}", path.display());
    batches.remove(0)
}

/// A value of an output.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    Null,
    Int(i64),
    Float(f64),
    Text(String),
}

/// The values of a column.
pub fn values(array: &dyn Array) -> Vec<Value> {
    macro_rules! numbers {
        ($kind:ty, $value:ident as $to:ty) => {
            array
                .as_primitive::<$kind>()
                .iter()
                .map(|v| v.map_or(Value::Null, |v| Value::$value(<$to>::from(v))))
                .collect()
        };
    }
    match array.data_type() {
        DataType::Boolean => {
            array.as_boolean().iter().map(|v| v.map_or(Value::Null, |v| Value::Int(v.into()))).collect()
        }
        DataType::Int8 => numbers!(Int8Type, Int as i64),
        DataType::UInt8 => numbers!(UInt8Type, Int as i64),
        DataType::Int16 => numbers!(Int16Type, Int as i64),
        DataType::Int32 => numbers!(Int32Type, Int as i64),
        DataType::Int64 => numbers!(Int64Type, Int as i64),
        DataType::Date32 => numbers!(Date32Type, Int as i64),
        DataType::Timestamp(..) => numbers!(TimestampMicrosecondType, Int as i64),
        DataType::Float32 => numbers!(Float32Type, Float as f64),
        DataType::Float64 => numbers!(Float64Type, Float as f64),
        DataType::Utf8 => {
            array.as_string::<i32>().iter().map(|v| v.map_or(Value::Null, |v| Value::Text(v.to_owned()))).collect()
        }
        other => panic!("a column of {other}"),
    }
}

/// The columns of an output file by name, rows by `row_id`.
pub fn by_name(path: &Path) -> BTreeMap<String, Vec<Value>> {
    let batch = read_parquet(path);
    let ids = batch.column_by_name("row_id").expect("row ids").as_primitive::<Int64Type>().clone();
    let mut order: Vec<usize> = (0..batch.num_rows()).collect();
    order.sort_by_key(|&at| ids.value(at));
    let column = |array: &ArrayRef| {
        let values = values(array);
        order.iter().map(|&at| values[at].clone()).collect()
    };
    batch.schema().fields().iter().zip(batch.columns()).map(|(f, a)| (f.name().clone(), column(a))).collect()
}

/// The Parquet files of a folder, sorted.
pub fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> =
        fs::read_dir(folder).expect("a folder").map(|e| e.expect("an entry").path()).collect();
    files.sort();
    files
}

/// An array of a type from plain values.
pub fn array(values: &[Value], kind: &DataType) -> ArrayRef {
    let ints = || values.iter().map(|v| if let Value::Int(v) = v { Some(*v) } else { None });
    let floats = || values.iter().map(|v| if let Value::Float(v) = v { Some(*v) } else { None });
    match kind {
        DataType::Boolean => Arc::new(ints().map(|v| v.map(|v| v != 0)).collect::<BooleanArray>()),
        DataType::Int8 => Arc::new(ints().map(|v| v.map(|v| v as i8)).collect::<Int8Array>()),
        DataType::UInt8 => Arc::new(ints().map(|v| v.map(|v| v as u8)).collect::<UInt8Array>()),
        DataType::Int16 => Arc::new(ints().map(|v| v.map(|v| v as i16)).collect::<Int16Array>()),
        DataType::Int32 => Arc::new(ints().map(|v| v.map(|v| v as i32)).collect::<Int32Array>()),
        DataType::Int64 => Arc::new(ints().collect::<Int64Array>()),
        DataType::UInt64 => Arc::new(ints().map(|v| v.map(i64::cast_unsigned)).collect::<UInt64Array>()),
        DataType::Date32 => Arc::new(ints().map(|v| v.map(|v| v as i32)).collect::<Date32Array>()),
        DataType::Timestamp(..) => Arc::new(ints().collect::<TimestampMicrosecondArray>().with_timezone("UTC")),
        DataType::Float32 => Arc::new(floats().map(|v| v.map(|v| v as f32)).collect::<Float32Array>()),
        DataType::Float64 => Arc::new(floats().collect::<Float64Array>()),
        DataType::Utf8 => Arc::new(
            values.iter().map(|v| if let Value::Text(v) = v { Some(v) } else { None }).collect::<StringArray>(),
        ),
        other => panic!("a column of {other}"),
    }
}

/// The batch with the values of one column replaced; `change` gets all of them.
pub fn with_values(batch: &RecordBatch, name: &str, change: impl FnOnce(&mut Vec<Value>)) -> RecordBatch {
    let old = batch.column_by_name(name).expect("a column of the batch");
    let mut changed = values(old);
    change(&mut changed);
    with_column(batch, name, array(&changed, old.data_type()))
}

/// The batch with one column replaced.
pub fn with_column(batch: &RecordBatch, name: &str, array: ArrayRef) -> RecordBatch {
    let schema = batch.schema();
    let columns = schema.fields().iter().zip(batch.columns()).map(|(field, column)| {
        (field.name(), if field.name() == name { Arc::clone(&array) } else { Arc::clone(column) }, true)
    });
    RecordBatch::try_from_iter_with_nullable(columns).expect("columns of one length")
}

/// The batch without one column.
pub fn without_column(batch: &RecordBatch, name: &str) -> RecordBatch {
    let schema = batch.schema();
    let columns = schema.fields().iter().zip(batch.columns()).filter(|(field, _)| field.name() != name);
    RecordBatch::try_from_iter_with_nullable(columns.map(|(field, column)| (field.name(), Arc::clone(column), true)))
        .expect("columns of one length")
}

/// Some rows of a batch, in the order given.
pub fn rows(batch: &RecordBatch, order: &[usize]) -> RecordBatch {
    let schema = batch.schema();
    let columns = schema.fields().iter().zip(batch.columns()).map(|(field, column)| {
        let old = values(column);
        let new: Vec<Value> = order.iter().map(|&row| old[row].clone()).collect();
        (field.name(), array(&new, column.data_type()), true)
    });
    RecordBatch::try_from_iter_with_nullable(columns).expect("columns of one length")
}
