//! A digest of a column that does not depend on the order of its rows.
//!
//! Each value gives a 64-bit hash of (column, row, canonical bytes); the digest is their sum. So row groups, files and
//! threads may come in any order, and a value that changed, is missing or is there twice changes the sum.

use std::fmt;
use std::ops::AddAssign;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use twox_hash::XxHash64;

use crate::cells::Cells;

/// The sum of the hashes of a column's values; 16 hexadecimal digits as text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Digest(pub u64);

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl AddAssign for Digest {
    fn add_assign(&mut self, other: Self) {
        self.0 = self.0.wrapping_add(other.0);
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        u64::from_str_radix(&text, 16).map(Self).map_err(serde::de::Error::custom)
    }
}

/// The digest of some values of the column `name`; `row_ids` names the row of each.
///
/// Canonical bytes: whole numbers, bools, dates and times as 64-bit two's complement, little end first, whatever their
/// width in the file; floats as their bits; text as its UTF-8. A null has no bytes and a seed of its own.
pub(crate) fn of_cells(name: &str, row_ids: &[i64], cells: &Cells) -> Digest {
    let column = XxHash64::oneshot(0, name.as_bytes());
    let seed = |row: i64| column.wrapping_add(row.cast_unsigned().wrapping_mul(0x9E37_79B9_7F4A_7C15));
    let hash = |row: i64, bytes: Option<&[u8]>| match bytes {
        Some(bytes) => XxHash64::oneshot(seed(row), bytes),
        None => XxHash64::oneshot(!seed(row), &[]),
    };
    let add = |sum: u64, value: u64| sum.wrapping_add(value);
    let sum = match cells {
        Cells::Int(v) => {
            row_ids.iter().zip(v).map(|(&r, v)| hash(r, v.map(i64::to_le_bytes).as_ref().map(|b| &b[..]))).fold(0, add)
        }
        Cells::F32(v) => {
            row_ids.iter().zip(v).map(|(&r, v)| hash(r, v.map(f32::to_le_bytes).as_ref().map(|b| &b[..]))).fold(0, add)
        }
        Cells::F64(v) => {
            row_ids.iter().zip(v).map(|(&r, v)| hash(r, v.map(f64::to_le_bytes).as_ref().map(|b| &b[..]))).fold(0, add)
        }
        Cells::Text(v) => row_ids.iter().zip(v.iter()).map(|(&r, v)| hash(r, v.map(str::as_bytes))).fold(0, add),
    };
    Digest(sum)
}
