//! The columns of the generated tables.
#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    reason = "random bits are cut to the width of their column"
)]

use std::sync::Arc;

use arrow_array::builder::StringBuilder;
use arrow_array::{
    ArrayRef, BooleanArray, Date32Array, Float64Array, Int16Array, Int32Array, Int64Array, StringArray,
    TimestampMicrosecondArray, UInt8Array,
};

use super::counter::{Stream, below, mix, percent};
use super::population::{Categories, Population};
use super::text;
use crate::schema::{self, DAY_US, DAYS, FIRST_DAY, FIRST_TS};

/// Everything that the values depend on beside their row: made once, read by all threads.
#[derive(Debug)]
pub(super) struct Recipe {
    seed: u64,
    rows: u32,
    /// Of 1,000 users and items, how many are missing from the dimension tables.
    left_out: u32,
    pub(super) users: Population,
    pub(super) items: Population,
    countries: Categories,
    devices: Categories,
    /// c1 to c4
    codes: [Categories; 4],
}

impl Recipe {
    pub(super) fn new(seed: u64, rows: u32, left_out: u32) -> Self {
        let quarter = (rows / 4).max(1);
        let users = (rows / 200).max(1);
        let items = (rows / 25).clamp(1, 1_000_000);
        let cardinalities = [100, 10_000, 1_000_000, 10_000_000].map(|c: u32| c.min(quarter));
        let weights = super::zipf::Weights::new(cardinalities[3].max(users).max(items).max(1000));
        Self {
            seed,
            rows,
            left_out,
            users: Population::new(&weights, users, rows, rows / 1000, Stream::new(seed, "order of users")),
            items: Population::new(&weights, items, rows, rows / 100, Stream::new(seed, "order of items")),
            countries: Categories::new(&weights, 200, Stream::new(seed, "country")),
            devices: Categories::new(&weights, 1000, Stream::new(seed, "device")),
            codes: [0, 1, 2, 3].map(|c| {
                let name = ["c1", "c2", "c3", "c4"][c];
                Categories::new(&weights, cardinalities[c], Stream::new(seed, name))
            }),
        }
    }

    /// The values of a column of `events` in some rows. Unknown names give none.
    pub(super) fn events(&self, name: &str, rows: &[u64]) -> Option<ArrayRef> {
        let stream = Stream::new(self.seed, name);
        let number = |prefix: &str| name.strip_prefix(prefix).and_then(|n| n.parse::<u32>().ok());
        Some(match name {
            "row_id" => Arc::new(Int64Array::from_iter_values(rows.iter().map(|&row| row.cast_signed()))),
            "ts" => Arc::new(self.ts(stream, rows)),
            "user_id" => Arc::new(Int32Array::from_iter_values(rows.iter().map(|&row| self.users.id_at(row)))),
            "item_id" => Arc::new(Int32Array::from_iter_values(rows.iter().map(|&row| self.items.id_at(row)))),
            "amount_cents" => Arc::new(Int64Array::from_iter_values(rows.iter().map(|&row| amount(stream.at(row))))),
            "qty" => Arc::new(Int16Array::from_iter_values(rows.iter().map(|&row| quantity(stream.at(row))))),
            "country" => Arc::new(self.countries.names(rows, text::country)),
            "device" => Arc::new(self.devices.names(rows, text::device)),
            "url" => Arc::new(strings(rows, 60, |text, row| text::push_url(text, stream.at(row)))),
            "ua" => Arc::new(strings(rows, 70, |text, row| text::push_agent(text, stream.at(row)))),
            "is_mobile" => Arc::new(mobile(stream, rows)),
            "label" => {
                Arc::new(UInt8Array::from_iter_values(rows.iter().map(|&r| u8::from(percent(stream.at(r), 10)))))
            }
            _ => {
                if let Some(k @ 1..=13) = number("i") {
                    Arc::new(heavy_tailed(stream, rows, k))
                } else if let Some(k @ 1..=6) = number("f") {
                    Arc::new(floats(stream, rows, k))
                } else if let Some(k @ 1..=4) = number("c") {
                    Arc::new(self.hex_codes(k as usize - 1, stream, rows))
                } else {
                    return None;
                }
            }
        })
    }

    /// Times over the 28 days, later in later rows: each row has an equal share and lies anywhere in it.
    fn ts(&self, stream: Stream, rows: &[u64]) -> TimestampMicrosecondArray {
        let span = i128::from(DAY_US) * i128::from(DAYS);
        let place = |row: u64| i128::from(row << 16 | stream.at(row) & 0xFFFF);
        let offset = |row: u64| (place(row) * span / (i128::from(self.rows) << 16)) as i64;
        TimestampMicrosecondArray::from_iter_values(rows.iter().map(|&row| FIRST_TS + offset(row))).with_timezone("UTC")
    }

    fn hex_codes(&self, column: usize, stream: Stream, rows: &[u64]) -> StringArray {
        let categories = &self.codes[column];
        let nulls = Stream::new(stream.at(0), "nulls");
        let mut builder = StringBuilder::with_capacity(rows.len(), 8 * rows.len());
        let mut code = String::with_capacity(8);
        for &row in rows {
            if percent(nulls.at(row), 3) {
                builder.append_null();
            } else {
                code.clear();
                text::push_hex(&mut code, scatter(categories.rank_at(row) + (column as u32) * 20_000_000));
                builder.append_value(&code);
            }
        }
        builder.finish()
    }

    /// How many rows a table has before some are left out.
    pub(super) fn population(&self, table: schema::Table) -> u64 {
        match table {
            schema::Table::Events => u64::from(self.rows),
            schema::Table::Users => u64::from(self.users.count()),
            schema::Table::Items => u64::from(self.items.count()),
        }
    }

    /// Whether the user or item of that number is in its dimension table.
    pub(super) fn is_listed(&self, table: schema::Table, id: u64) -> bool {
        below(Stream::new(self.seed, table.name()).at(id), 1000) >= self.left_out
    }

    /// The values of a column of `users` or `items` for some ids. Unknown names give none.
    pub(super) fn dimension(&self, name: &str, ids: &[u64]) -> Option<ArrayRef> {
        let stream = Stream::new(self.seed, name);
        Some(match name {
            "user_id" | "item_id" => Arc::new(Int32Array::from_iter_values(ids.iter().map(|&id| id as i32))),
            // From 2,000 days before the events to their last day.
            "signup" => Arc::new(Date32Array::from_iter_values(
                ids.iter().map(|&id| FIRST_DAY - 2000 + below(stream.at(id), 2000 + DAYS as u32) as i32),
            )),
            "segment" => {
                let segment = |id: u64| text::SEGMENTS[below(stream.at(id), 10) as usize];
                Arc::new(StringArray::from_iter_values(ids.iter().map(|&id| segment(id))))
            }
            "category" => {
                let category = |id: u64| text::category(below(stream.at(id), 500));
                Arc::new(StringArray::from_iter_values(ids.iter().map(|&id| category(id))))
            }
            "price_cents" => {
                Arc::new(Int64Array::from_iter_values(ids.iter().map(|&id| 1 + (log_uniform(stream.at(id), 18)).abs())))
            }
            _ => return None,
        })
    }
}

/// A number whose size in bits is uniform in 0..=`bits`, at most 31; one in 16 is negative.
fn log_uniform(random: u64, bits: u32) -> i64 {
    let width = ((random & 0xFFFF) * u64::from(bits + 1)) >> 16;
    let size = (random >> 32 & ((1 << width) - 1)).cast_signed();
    if (random >> 16).trailing_zeros() >= 4 { -size } else { size }
}

/// i1 to i13: heavy-tailed, the later ones with the longer tail (t01 clips at 2²⁰) and more nulls.
fn heavy_tailed(stream: Stream, rows: &[u64], k: u32) -> Int32Array {
    let value = |bits: u64| (!percent(bits, u64::from(2 * k))).then(|| log_uniform(mix(bits), 12 + k) as i32);
    rows.iter().map(|&row| value(stream.at(row))).collect()
}

/// f1 to f6, each of another shape. Each is made of whole numbers and a power of two, which is exact.
fn floats(stream: Stream, rows: &[u64], k: u32) -> Float64Array {
    let shape: fn(u64) -> f64 = match k {
        // uniform in [0, 1)
        1 => |bits| (bits >> 11) as f64 / (1_u64 << 53) as f64,
        // a bell in steps of 1/16: many equal values
        2 => |bits| ((lanes(bits) >> 10) as f64 - 128.0) / 16.0,
        // doubling in size with half the probability, both signs
        3 => |bits| {
            let exponent = 1023 + u64::from((bits & 0xFFFF | 0x1_0000).trailing_zeros());
            f64::from_bits(exponent << 52 | bits >> 12 | (bits & 0x1_0000) << 47)
        },
        // uniform far from zero: [1000, 1100)
        4 => |bits| 1000.0 + f64::from(below(bits, 100 << 24)) / f64::from(1 << 24),
        // a product of two uniform numbers, in [0, 4)
        5 => |bits| ((bits >> 38) * (bits & 0x03FF_FFFF)) as f64 / (1_u64 << 50) as f64,
        // a triangle in [-2, 2)
        _ => |bits| (((bits >> 32) + (bits & 0xFFFF_FFFF)) as f64 - (1_u64 << 32) as f64) / f64::from(1 << 30) / 2.0,
    };
    let value = |bits: u64| (!percent(bits, 5)).then(|| shape(mix(bits)));
    rows.iter().map(|&row| value(stream.at(row))).collect()
}

/// The sum of four random numbers of 16 bits.
const fn lanes(bits: u64) -> u64 {
    (bits & 0xFFFF) + (bits >> 16 & 0xFFFF) + (bits >> 32 & 0xFFFF) + (bits >> 48)
}

/// Up to 10,485.76, and the same negative for one in 16 (returned goods).
fn amount(bits: u64) -> i64 {
    log_uniform(bits, 20)
}

/// One, or twice as rarely one more.
fn quantity(bits: u64) -> i16 {
    1 + bits.trailing_zeros().min(63) as i16
}

fn mobile(stream: Stream, rows: &[u64]) -> BooleanArray {
    let value = |bits: u64| (!percent(bits, 5)).then_some(bits & 1 == 1);
    rows.iter().map(|&row| value(stream.at(row))).collect()
}

fn strings(rows: &[u64], bytes: usize, push: impl Fn(&mut String, u64)) -> StringArray {
    let mut builder = StringBuilder::with_capacity(rows.len(), bytes * rows.len());
    let mut text = String::with_capacity(2 * bytes);
    for &row in rows {
        text.clear();
        push(&mut text, row);
        builder.append_value(&text);
    }
    builder.finish()
}

/// A bijection of 32 bits, so that different numbers get different codes: the finaliser of `MurmurHash3` (Appleby 2011).
const fn scatter(number: u32) -> u32 {
    let number = (number ^ number >> 16).wrapping_mul(0x85EB_CA6B);
    let number = (number ^ number >> 13).wrapping_mul(0xC2B2_AE35);
    number ^ number >> 16
}
