//! Records of runs that nobody measured, written by the library as `run` writes them.

use std::path::Path;

use measure::{Event, Outcome, Run};
use record::Writer;

/// Writes a run to a file.
pub(crate) fn write(path: &Path, run: &Run) {
    let mut writer = Writer::create(path, run).unwrap();
    for attempt in &run.attempts {
        writer.begin(attempt.workload, attempt.repetition, &serde_json::Value::Null).unwrap();
        for outcome in &attempt.outcomes {
            let event = match outcome.clone() {
                Outcome::Measured(measurement) => Event::Measured(measurement),
                Outcome::NotMeasured(missing) => Event::NotMeasured(missing),
            };
            writer.event(&event).unwrap();
        }
        writer.end_attempt().unwrap();
    }
    writer.finish(run.ending).unwrap();
}
