//! A record of this host to report on.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::support::{files, output, said};

/// A record of the smoke profile of the memory workload in `folder/here`, as if nothing had disturbed the host: its path.
pub(crate) fn recorded(folder: &Path) -> String {
    let run = output(folder, ["run", "--profile", "smoke", "--only", "stream", "--out", "here"]);
    assert_eq!(run.status.code(), Some(0), "{}", said(&run));
    let records = files(&folder.join("here"));
    let record = records.iter().find(|path| path.ends_with("run.jsonl")).unwrap();
    let text = fs::read_to_string(record).unwrap();
    fs::write(record, text.lines().filter_map(undisturbed).collect::<String>()).unwrap();
    record.to_str().unwrap().to_owned()
}

/// A line of a record of a quiet host, without taints and without telemetry: what else runs on the host must not decide a
/// test.
fn undisturbed(line: &str) -> Option<String> {
    let mut line: Value = serde_json::from_str(line).unwrap();
    if let Some(samples) = line.pointer_mut("/event/measured/samples").and_then(Value::as_object_mut) {
        samples.remove("taints");
    }
    let is_telemetry = line.pointer("/event/telemetry").is_some();
    (!is_telemetry).then(|| format!("{line}\n"))
}

/// Another record: the same with other words in it, in `folder/name`.
pub(crate) fn reworded(record: &str, folder: &Path, name: &str, words: &[(&str, &str)]) -> String {
    let mut text = fs::read_to_string(record).unwrap();
    for (old, new) in words {
        assert!(text.contains(old), "{old}");
        text = text.replace(old, new);
    }
    let path = folder.join(name);
    fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

/// The id of the run in a record.
pub(crate) fn run_id(record: &str) -> String {
    Path::new(record).parent().unwrap().file_name().unwrap().to_str().unwrap().to_owned()
}
