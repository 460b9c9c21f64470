//! The values of a column as few plain types, whatever Arrow type a file gives them.

use arrow_array::cast::AsArray;
use arrow_array::types::{
    ArrowPrimitiveType, Date32Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type,
    TimestampMicrosecondType, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use arrow_array::{Array, StringArray};
use arrow_schema::{DataType, TimeUnit};

/// Values of one column.
#[derive(Debug)]
pub(crate) enum Cells {
    /// Whole numbers of any width; bools as 0 and 1, dates as days, times as microseconds.
    Int(Vec<Option<i64>>),
    /// Single precision.
    F32(Vec<Option<f32>>),
    /// Double precision.
    F64(Vec<Option<f64>>),
    /// Text.
    Text(StringArray),
}

impl Cells {
    /// How many.
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Int(v) => v.len(),
            Self::F32(v) => v.len(),
            Self::F64(v) => v.len(),
            Self::Text(v) => v.len(),
        }
    }

    /// A whole number; none where it is null, or where these are no whole numbers.
    pub(crate) fn int(&self, at: usize) -> Option<i64> {
        match self {
            Self::Int(v) => v[at],
            _ => None,
        }
    }

    /// A double; none where it is null, or where these are no doubles.
    pub(crate) fn f64(&self, at: usize) -> Option<f64> {
        match self {
            Self::F64(v) => v[at],
            _ => None,
        }
    }

    /// A text; none where it is null, or where these are no texts.
    pub(crate) fn text(&self, at: usize) -> Option<&str> {
        match self {
            Self::Text(v) if v.is_valid(at) => Some(v.value(at)),
            _ => None,
        }
    }

    /// Some of them, in the order of `places`.
    pub(crate) fn pick(&self, places: &[usize]) -> Self {
        match self {
            Self::Int(v) => Self::Int(places.iter().map(|&p| v[p]).collect()),
            Self::F32(v) => Self::F32(places.iter().map(|&p| v[p]).collect()),
            Self::F64(v) => Self::F64(places.iter().map(|&p| v[p]).collect()),
            Self::Text(_) => Self::Text(places.iter().map(|&p| self.text(p)).collect()),
        }
    }

    /// The values of several parts, one after the other; parts of another type than the first have no place in it.
    pub(crate) fn concat(parts: &[Self]) -> Self {
        match parts.first() {
            None | Some(Self::Int(_)) => Self::Int(
                parts.iter().flat_map(|p| if let Self::Int(v) = p { v.as_slice() } else { &[] }).copied().collect(),
            ),
            Some(Self::F32(_)) => Self::F32(
                parts.iter().flat_map(|p| if let Self::F32(v) = p { v.as_slice() } else { &[] }).copied().collect(),
            ),
            Some(Self::F64(_)) => Self::F64(
                parts.iter().flat_map(|p| if let Self::F64(v) = p { v.as_slice() } else { &[] }).copied().collect(),
            ),
            Some(Self::Text(_)) => {
                Self::Text(parts.iter().flat_map(|p| (0..p.len()).map(move |at| p.text(at))).collect())
            }
        }
    }

    /// How many are null.
    pub(crate) fn nulls(&self) -> usize {
        match self {
            Self::Int(v) => v.iter().filter(|v| v.is_none()).count(),
            Self::F32(v) => v.iter().filter(|v| v.is_none()).count(),
            Self::F64(v) => v.iter().filter(|v| v.is_none()).count(),
            Self::Text(v) => v.null_count(),
        }
    }

    /// Whether one is null.
    pub(crate) fn is_null(&self, at: usize) -> bool {
        match self {
            Self::Int(v) => v[at].is_none(),
            Self::F32(v) => v[at].is_none(),
            Self::F64(v) => v[at].is_none(),
            Self::Text(v) => v.is_null(at),
        }
    }

    /// One of them, for people to read.
    pub(crate) fn show(&self, at: usize) -> String {
        let shown = match self {
            Self::Int(v) => v[at].map(|v| v.to_string()),
            Self::F32(v) => v[at].map(|v| format!("{v:?}")),
            Self::F64(v) => v[at].map(|v| format!("{v:?}")),
            Self::Text(v) => v.is_valid(at).then(|| format!("{:?}", v.value(at))),
        };
        shown.unwrap_or_else(|| "null".to_owned())
    }

    /// The values of an Arrow array.
    ///
    /// # Errors
    /// What is wrong: a type that this suite never asks for, or an unsigned number beyond 2⁶³.
    pub(crate) fn of(array: &dyn Array) -> Result<Self, String> {
        Ok(match array.data_type() {
            DataType::Boolean => Self::Int(array.as_boolean().iter().map(|v| v.map(i64::from)).collect()),
            DataType::Int8 => ints::<Int8Type>(array),
            DataType::Int16 => ints::<Int16Type>(array),
            DataType::Int32 => ints::<Int32Type>(array),
            DataType::Int64 => ints::<Int64Type>(array),
            DataType::UInt8 => ints::<UInt8Type>(array),
            DataType::UInt16 => ints::<UInt16Type>(array),
            DataType::UInt32 => ints::<UInt32Type>(array),
            DataType::UInt64 => {
                let signed = |v: u64| i64::try_from(v).map_err(|_| format!("{v} is beyond 2^63"));
                Self::Int(
                    array
                        .as_primitive::<UInt64Type>()
                        .iter()
                        .map(|v| v.map(signed).transpose())
                        .collect::<Result<_, _>>()?,
                )
            }
            DataType::Date32 => ints::<Date32Type>(array),
            DataType::Timestamp(TimeUnit::Microsecond, _) => ints::<TimestampMicrosecondType>(array),
            DataType::Float32 => Self::F32(array.as_primitive::<Float32Type>().iter().collect()),
            DataType::Float64 => Self::F64(array.as_primitive::<Float64Type>().iter().collect()),
            DataType::Utf8 => Self::Text(array.as_string::<i32>().clone()),
            other => return Err(format!("values of type {other} are not expected")),
        })
    }
}

fn ints<T: ArrowPrimitiveType>(array: &dyn Array) -> Cells
where
    T::Native: Into<i64>,
{
    Cells::Int(array.as_primitive::<T>().iter().map(|v| v.map(Into::into)).collect())
}
