//! Bencher Metric Format: a benchmark, its measure, its value with the extremes.

use serde_json::{Map, Value, json};

use super::{Error, last, unit_name};
use crate::judged::Judged;

/// The median of each series of the last run, with the least and the most sample as bounds.
///
/// The measure is named by its unit, so that no figure is taken for the format's own `latency`, which is in nanoseconds.
pub fn bencher(judged: &Judged<'_>) -> Result<String, Error> {
    let (_, series) = last(judged)?;
    let all: Map<String, Value> = series
        .iter()
        .filter_map(|one| {
            let summary = one.summary?;
            let measure = match unit_name(one.unit) {
                "" => "count".to_owned(),
                name => name.replace('_', "-"),
            };
            let value = json!({"value": summary.median, "lower_value": summary.min, "upper_value": summary.max});
            Some((one.id.to_string(), json!({ measure: value })))
        })
        .collect();
    Ok(crate::json::pretty(&Value::Object(all)) + "\n")
}
