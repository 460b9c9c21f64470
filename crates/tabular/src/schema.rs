//! The contract of the workload: columns and types of the input and of the output, sizes, names of folders.
//!
//! Data only. The generator, the reference, the verifier and the pipeline all take it from here and from nowhere else.

use std::fmt;

/// Rows in a row group of the Parquet files that this crate writes.
pub const ROW_GROUP_ROWS: usize = 131_072;
/// Row groups in a file that this crate writes; a file of the bucketed layout has as many as its bucket needs.
pub const ROW_GROUPS_A_FILE: usize = 16;
/// Rows of `events` in one logical gigabyte (10⁹ bytes in memory, about 396 B a row).
pub const ROWS_A_GIGABYTE: u64 = 2_500_000;
/// The largest number of events: Polars' default index counts in 32 bits.
pub const MAX_ROWS: u64 = u32::MAX as u64;
/// The first moment of `ts`: Monday 2025-03-03 00:00 UTC, in days and in microseconds since 1970.
pub const FIRST_DAY: i32 = 20_150;
/// [`FIRST_DAY`] in microseconds since 1970.
pub const FIRST_TS: i64 = FIRST_DAY as i64 * DAY_US;
/// Days that `ts` goes over.
pub const DAYS: i32 = 28;
/// A day in microseconds.
pub const DAY_US: i64 = 86_400_000_000;

/// The type of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// true or false
    Bool,
    /// 8 bits, signed
    I8,
    /// 8 bits, unsigned
    U8,
    /// 16 bits, signed
    I16,
    /// 32 bits, signed
    I32,
    /// 64 bits, signed
    I64,
    /// IEEE single
    F32,
    /// IEEE double
    F64,
    /// UTF-8
    Text,
    /// days since 1970-01-01
    Date,
    /// microseconds since 1970, UTC
    Timestamp,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Bool => "bool",
            Self::I8 => "int8",
            Self::U8 => "uint8",
            Self::I16 => "int16",
            Self::I32 => "int32",
            Self::I64 => "int64",
            Self::F32 => "float",
            Self::F64 => "double",
            Self::Text => "text",
            Self::Date => "date",
            Self::Timestamp => "timestamp in µs, UTC",
        })
    }
}

/// A column of the input or of the output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Column {
    /// Its name in the Parquet files.
    pub name: &'static str,
    /// Its type.
    pub kind: Kind,
    /// Whether it may hold nulls.
    pub nullable: bool,
}

const fn full(name: &'static str, kind: Kind) -> Column {
    Column { name, kind, nullable: false }
}

const fn with_nulls(name: &'static str, kind: Kind) -> Column {
    Column { name, kind, nullable: true }
}

/// A table of the input: a folder of Parquet files with its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Table {
    /// What happened.
    Events,
    /// Who did it.
    Users,
    /// With what.
    Items,
}

impl Table {
    /// All three.
    pub const ALL: [Self; 3] = [Self::Events, Self::Users, Self::Items];

    /// The name of its folder.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Events => "events",
            Self::Users => "users",
            Self::Items => "items",
        }
    }

    /// Its columns, in order.
    #[must_use]
    pub const fn columns(self) -> &'static [Column] {
        match self {
            Self::Events => &EVENTS,
            Self::Users => &USERS,
            Self::Items => &ITEMS,
        }
    }
}

/// Columns of `events`.
pub const EVENTS: [Column; 35] = [
    full("row_id", Kind::I64),
    full("ts", Kind::Timestamp),
    full("user_id", Kind::I32),
    full("item_id", Kind::I32),
    with_nulls("i1", Kind::I32),
    with_nulls("i2", Kind::I32),
    with_nulls("i3", Kind::I32),
    with_nulls("i4", Kind::I32),
    with_nulls("i5", Kind::I32),
    with_nulls("i6", Kind::I32),
    with_nulls("i7", Kind::I32),
    with_nulls("i8", Kind::I32),
    with_nulls("i9", Kind::I32),
    with_nulls("i10", Kind::I32),
    with_nulls("i11", Kind::I32),
    with_nulls("i12", Kind::I32),
    with_nulls("i13", Kind::I32),
    with_nulls("f1", Kind::F64),
    with_nulls("f2", Kind::F64),
    with_nulls("f3", Kind::F64),
    with_nulls("f4", Kind::F64),
    with_nulls("f5", Kind::F64),
    with_nulls("f6", Kind::F64),
    full("amount_cents", Kind::I64),
    full("qty", Kind::I16),
    full("country", Kind::Text),
    full("device", Kind::Text),
    with_nulls("c1", Kind::Text),
    with_nulls("c2", Kind::Text),
    with_nulls("c3", Kind::Text),
    with_nulls("c4", Kind::Text),
    full("url", Kind::Text),
    full("ua", Kind::Text),
    with_nulls("is_mobile", Kind::Bool),
    full("label", Kind::U8),
];

/// Columns of `users`.
pub const USERS: [Column; 3] = [full("user_id", Kind::I32), full("signup", Kind::Date), full("segment", Kind::Text)];

/// Columns of `items`.
pub const ITEMS: [Column; 3] =
    [full("item_id", Kind::I32), full("category", Kind::Text), full("price_cents", Kind::I64)];

/// One of the ten transformations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Transform {
    /// `t01` … `t10`
    pub id: &'static str,
    /// What it is called.
    pub name: &'static str,
    /// What it adds to the output, in order.
    pub columns: &'static [Column],
}

/// The ten transformations in order. The output is `row_id` and all their columns.
pub const TRANSFORMS: [Transform; 10] = [
    Transform { id: "t01", name: "impute_clip_log", columns: &T01 },
    Transform { id: "t02", name: "normalise", columns: &T02 },
    Transform { id: "t03", name: "calendar_cyclic", columns: &T03 },
    Transform { id: "t04", name: "text_extract", columns: &T04 },
    Transform { id: "t05", name: "categorify", columns: &T05 },
    Transform { id: "t06", name: "hashed_cross", columns: &T06 },
    Transform { id: "t07", name: "target_encode", columns: &T07 },
    Transform { id: "t08", name: "user_lag_session", columns: &T08 },
    Transform { id: "t09", name: "window_join", columns: &T09 },
    Transform { id: "t10", name: "quantile_rank", columns: &T10 },
];

/// The columns of the output: `row_id`, then those of each transformation in order.
pub fn output_columns() -> impl Iterator<Item = Column> {
    std::iter::once(full("row_id", Kind::I64)).chain(TRANSFORMS.iter().flat_map(|t| t.columns.iter().copied()))
}

const T01: [Column; 13] = [
    full("i1_log", Kind::F32),
    full("i2_log", Kind::F32),
    full("i3_log", Kind::F32),
    full("i4_log", Kind::F32),
    full("i5_log", Kind::F32),
    full("i6_log", Kind::F32),
    full("i7_log", Kind::F32),
    full("i8_log", Kind::F32),
    full("i9_log", Kind::F32),
    full("i10_log", Kind::F32),
    full("i11_log", Kind::F32),
    full("i12_log", Kind::F32),
    full("i13_log", Kind::F32),
];

const T02: [Column; 12] = [
    full("f1_z", Kind::F64),
    full("f2_z", Kind::F64),
    full("f3_z", Kind::F64),
    full("f4_z", Kind::F64),
    full("f5_z", Kind::F64),
    full("f6_z", Kind::F64),
    full("f1_mm", Kind::F64),
    full("f2_mm", Kind::F64),
    full("f3_mm", Kind::F64),
    full("f4_mm", Kind::F64),
    full("f5_mm", Kind::F64),
    full("f6_mm", Kind::F64),
];

const T03: [Column; 6] = [
    full("hour", Kind::I8),
    full("dow", Kind::I8),
    full("is_weekend", Kind::Bool),
    full("tod_sin", Kind::F64),
    full("tod_cos", Kind::F64),
    with_nulls("days_since_signup", Kind::I32),
];

const T04: [Column; 5] = [
    full("url_host", Kind::Text),
    full("url_depth", Kind::I16),
    with_nulls("url_id", Kind::I64),
    full("ua_family", Kind::Text),
    full("url_len", Kind::I32),
];

const T05: [Column; 5] = [
    full("c1_code", Kind::I32),
    full("c2_code", Kind::I32),
    full("c3_code", Kind::I32),
    full("c4_code", Kind::I32),
    full("device_code", Kind::I32),
];

const T06: [Column; 18] = [
    full("x_c1_c2", Kind::I32),
    full("x_c2_device", Kind::I32),
    full("x_c1_country", Kind::I32),
    full("f1f2", Kind::F64),
    full("f1f3", Kind::F64),
    full("f1f4", Kind::F64),
    full("f1f5", Kind::F64),
    full("f1f6", Kind::F64),
    full("f2f3", Kind::F64),
    full("f2f4", Kind::F64),
    full("f2f5", Kind::F64),
    full("f2f6", Kind::F64),
    full("f3f4", Kind::F64),
    full("f3f5", Kind::F64),
    full("f3f6", Kind::F64),
    full("f4f5", Kind::F64),
    full("f4f6", Kind::F64),
    full("f5f6", Kind::F64),
];

const T07: [Column; 4] =
    [full("te_c2", Kind::F64), full("te_c3", Kind::F64), full("te_c4", Kind::F64), full("te_country", Kind::F64)];

const T08: [Column; 4] = [
    with_nulls("dt_prev_us", Kind::I64),
    with_nulls("d_amount", Kind::I64),
    full("session_no", Kind::I32),
    full("session_amount", Kind::I64),
];

const T09: [Column; 4] = [
    full("item_prev_n", Kind::I64),
    full("item_prev_amount", Kind::I64),
    full("item_prev_qty_mean", Kind::F64),
    with_nulls("price_ratio", Kind::F64),
];

const T10: [Column; 4] =
    [full("f1_dec", Kind::U8), full("f2_dec", Kind::U8), full("f3_dec", Kind::U8), full("amount_rank", Kind::F64)];
