//! A record of this host to report on.

use std::path::Path;

use crate::support::{files, output, said};

/// A record of the smoke profile of the memory workload in `folder/here`; its path.
pub(crate) fn recorded(folder: &Path) -> String {
    let run = output(folder, ["run", "--profile", "smoke", "--only", "stream", "--out", "here"]);
    assert_eq!(run.status.code(), Some(0), "{}", said(&run));
    files(&folder.join("here")).iter().find(|path| path.ends_with("run.jsonl")).unwrap().to_str().unwrap().to_owned()
}

/// Another record: the same with other words in it, in `folder/name`.
pub(crate) fn reworded(record: &str, folder: &Path, name: &str, words: &[(&str, &str)]) -> String {
    let mut text = std::fs::read_to_string(record).unwrap();
    for (old, new) in words {
        assert!(text.contains(old), "{old}");
        text = text.replace(old, new);
    }
    let path = folder.join(name);
    std::fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

/// The id of the run in a record.
pub(crate) fn run_id(record: &str) -> String {
    Path::new(record).parent().unwrap().file_name().unwrap().to_str().unwrap().to_owned()
}
