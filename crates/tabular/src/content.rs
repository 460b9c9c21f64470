//! What the schema says of the values of the input, and the words for a value that it rules out. Rows are those of the file,
//! from 0.

/// The range of whole numbers that a column of the input may hold, where it is not that of its type.
pub(crate) fn range(column: &str) -> Option<(i64, i64)> {
    match column {
        "label" => Some((0, 1)),
        "price_cents" => Some((1, i64::MAX)),
        _ => None,
    }
}

/// Why a null cannot be.
pub(crate) fn null(row: usize) -> String {
    format!("row {row} is null, and none may be")
}

/// Why a double cannot be.
pub(crate) fn not_finite(row: usize, value: f64) -> String {
    format!("row {row} has {value}; an unknown number must be null")
}

/// Why a whole number cannot be.
pub(crate) fn outside(row: usize, value: i64, (least, most): (i64, i64)) -> String {
    if most == i64::MAX {
        return format!("row {row} has {value}; the least that can be is {least}");
    }
    format!("row {row} has {value}; only numbers from {least} to {most} can be")
}

/// Why a key cannot be.
pub(crate) fn twice(row: usize, key: i64) -> String {
    format!("row {row} has {key}, which another row has too")
}

/// Why the id of an event cannot be.
pub(crate) fn not_an_id(row: usize, id: i64, rows: u64) -> String {
    format!("row {row} has {id}; the ids of {rows} rows are 0 to {}", rows.saturating_sub(1))
}
