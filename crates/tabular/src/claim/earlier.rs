//! Results of 0.1.0, which carry no mark: they are told by their names and columns, and replaced only when it is asked for.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::Path;

use super::mark::Entries;
use crate::ParquetFile;
use crate::schema::output_columns;

/// How 0.1.0 named the files of a result, by their number: `phased` and `bucketed`, `fused`, and the peer in pandas.
const NAMINGS: [fn(usize) -> String; 3] = [
    |index| format!("part-{index:05}.parquet"),
    |index| format!("{index:08x}.parquet"),
    |index| format!("features-{index:05}.parquet"),
];

/// Whether the entries of a folder are the files that 0.1.0 saved as a result, one by one, and nothing else.
pub(super) fn is_named(entries: &Entries) -> bool {
    let names = |naming: fn(usize) -> String| {
        (0..entries.len()).all(|index| {
            let name = OsString::from(naming(index));
            entries.get(&name).is_some_and(Option::is_some)
        })
    };
    !entries.is_empty() && NAMINGS.into_iter().any(names)
}

/// Sees that all files of a folder have the columns of a result; else what is wrong with which.
pub(super) fn check(folder: &Path, entries: &Entries) -> Result<(), String> {
    let expected: BTreeSet<&str> = output_columns().map(|column| column.name).collect();
    for name in entries.keys() {
        let is_result = match ParquetFile::open(folder.join(name)) {
            Ok(file) => file.columns().collect::<BTreeSet<&str>>() == expected,
            Err(_) => false,
        };
        if !is_result {
            return Err(format!("its `{}` does not have the columns of a result", name.display()));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_are_told_by_all_their_names() {
        let check = |names: &[&str], expect: bool| {
            let entries: Entries = names.iter().map(|&name| (name.into(), Some(1))).collect();
            assert_eq!(is_named(&entries), expect, "{names:?}");
        };
        check(&["part-00000.parquet", "part-00001.parquet"], true);
        let hexadecimal: Vec<String> = (0..11).map(|index| format!("{index:08x}.parquet")).collect();
        check(&hexadecimal.iter().map(String::as_str).collect::<Vec<_>>(), true);
        check(&["features-00000.parquet"], true);
        check(&[], false);
        check(&["part-00001.parquet"], false);
        check(&["part-00000.parquet", "part-00002.parquet"], false);
        check(&["part-00000.parquet", "00000001.parquet"], false);
        check(&["part-00000.parquet", "x1.parquet"], false);
        check(&["sales2023.parquet"], false);
        let folder: Entries = [("part-00000.parquet".into(), None)].into();
        assert!(!is_named(&folder), "no file");
    }
}
