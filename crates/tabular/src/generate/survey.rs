//! Whose data a folder holds before anything is generated into it. Looks, and changes nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, FileType};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use crate::error::Error;
use crate::manifest::{FileRecord, MANIFEST, Manifest, Request};
use crate::regular_file;
use crate::schema::Table;

/// The name of the journal; it goes away when the manifest is written.
pub(super) const JOURNAL: &str = "journal.jsonl";
/// The end of the name of a file that is being written.
pub(super) const UNFINISHED: &str = ".unfinished";
/// The name of the lock in the folder of a data set.
pub(super) const LOCK: &str = ".hostproof-lock";
/// How the line of a request begins, the first of a journal.
const REQUEST: &[u8] = br#"{"format":"#;

/// What an earlier start left.
#[derive(Debug, Default)]
pub(super) struct Surveyed {
    /// Files that are finished, as recorded.
    pub(super) records: BTreeMap<String, FileRecord>,
    /// Files that it had begun.
    pub(super) unfinished: Vec<PathBuf>,
}

/// Surveys a folder for the data of a request, whose files are `names`.
///
/// # Errors
/// The folder is not empty and neither manifest nor journal tell of that very data, or it holds what would be read as part
/// of the data, or be replaced, and was not generated.
pub(super) fn survey(folder: &Path, request: &Request, names: &BTreeSet<String>) -> Result<Surveyed, Error> {
    let mut surveyed = Surveyed::default();
    // Without a slash at its end, which would lead to what a link names.
    match kind(folder.components().as_path())? {
        None => return Ok(surveyed),
        Some(kind) if kind.is_symlink() => {
            let target = fs::canonicalize(folder).map_err(|e| Error::io("cannot read", folder, e))?;
            let why = format!("it is a symbolic link; name the folder itself, {}", target.display());
            return Err(Error::Output { path: folder.to_owned(), why });
        }
        Some(kind) if !kind.is_dir() => {
            let why = "it is no folder; name another one".to_owned();
            return Err(Error::Output { path: folder.to_owned(), why });
        }
        Some(_) => {}
    }
    let other = |why: String| Err(Error::OtherData { path: folder.to_owned(), why });
    for name in [MANIFEST, JOURNAL] {
        if kind(&folder.join(name))?.is_some_and(|kind| !kind.is_file()) {
            return other(format!("its {name} is no file"));
        }
        let unfinished = folder.join(format!("{name}{UNFINISHED}"));
        if kind(&unfinished)?.is_some_and(|kind| kind.is_file()) {
            surveyed.unfinished.push(unfinished);
        }
    }
    if let Some(records) = earlier(folder, request)? {
        surveyed.records = records;
    } else if let Some(stranger) = stranger(folder)? {
        return other(format!("there is {stranger}, and neither {MANIFEST} nor {JOURNAL} tells of it"));
    }
    for table in Table::ALL {
        surveyed.unfinished.extend(begun(folder, table, names)?);
    }
    Ok(surveyed)
}

/// What is in a folder that no manifest or journal tells of. A lock, empty folders of tables, and a journal whose first line
/// was not complete are what the first moments of a start leave.
fn stranger(folder: &Path) -> Result<Option<String>, Error> {
    for (name, kind) in entries(folder)? {
        let path = folder.join(&name);
        if name == LOCK && kind.is_file() {
            continue;
        }
        if name == format!("{JOURNAL}{UNFINISHED}") && kind.is_file() {
            let mut start = Vec::new();
            let mut read = || regular_file::open(&path)?.take(REQUEST.len() as u64).read_to_end(&mut start);
            read().map_err(|e| Error::io("cannot read", &path, e))?;
            if REQUEST.starts_with(&start) {
                continue;
            }
        }
        if kind.is_dir() && Table::ALL.into_iter().any(|table| table.name() == name) {
            match entries(&path)?.into_iter().next() {
                None => continue,
                Some((inner, _)) => return Ok(Some(format!("{name}/{inner}"))),
            }
        }
        return Ok(Some(name));
    }
    Ok(None)
}

/// The files of a table that an earlier start had begun.
///
/// # Errors
/// There are Parquet files that the data set does not have, or links and folders where its files belong.
fn begun(folder: &Path, table: Table, names: &BTreeSet<String>) -> Result<Vec<PathBuf>, Error> {
    let other = |why: String| Err(Error::OtherData { path: folder.to_owned(), why });
    let path = folder.join(table.name());
    match kind(&path)? {
        None => return Ok(Vec::new()),
        Some(kind) if !kind.is_dir() => return other(format!("its {} is no folder", table.name())),
        Some(_) => {}
    }
    let mut begun = Vec::new();
    for (entry, kind) in entries(&path)? {
        let name = format!("{}/{entry}", table.name());
        let whole = name.strip_suffix(UNFINISHED);
        let planned = names.contains(whole.unwrap_or(&name));
        if planned && !kind.is_file() {
            return other(format!("its {name} is no file"));
        }
        if planned && whole.is_some() {
            begun.push(path.join(entry));
        } else if !planned && entry.ends_with(".parquet") {
            return other(format!("there is {name}, which is no file of the data that is asked for"));
        }
    }
    Ok(begun)
}

/// The names in a folder, sorted, and what they are themselves, not what links lead to.
fn entries(folder: &Path) -> Result<BTreeMap<String, FileType>, Error> {
    let refused = |e| Error::io("cannot read", folder, e);
    let entry = |entry: io::Result<fs::DirEntry>| {
        let entry = entry?;
        Ok((entry.file_name().to_string_lossy().into_owned(), entry.file_type()?))
    };
    fs::read_dir(folder).map_err(refused)?.map(entry).collect::<io::Result<_>>().map_err(refused)
}

/// What a path names, if anything.
fn kind(path: &Path) -> Result<Option<FileType>, Error> {
    match fs::symlink_metadata(path) {
        Ok(metadata) => Ok(Some(metadata.file_type())),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(Error::io("cannot look at", path, e)),
    }
}

/// What the manifest and the journal of a folder say is finished; none where there is neither.
fn earlier(folder: &Path, request: &Request) -> Result<Option<BTreeMap<String, FileRecord>>, Error> {
    let other = |found: &Request| Error::OtherData { path: folder.to_owned(), why: difference(found, request) };
    let mut records = None;
    if let Some(manifest) = Manifest::read(folder)? {
        if manifest.request != *request {
            return Err(other(&manifest.request));
        }
        records = Some(manifest.files.into_iter().map(|f| (f.name.clone(), f)).collect());
    }
    let path = folder.join(JOURNAL);
    let text = match regular_file::read_text(&path) {
        Ok(text) => text,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(records),
        Err(e) => return Err(Error::io("cannot read", &path, e)),
    };
    let mut lines = text.lines();
    let found = lines.next().and_then(|first| serde_json::from_str::<Request>(first).ok());
    match found {
        Some(found) if found == *request => {}
        Some(found) => return Err(other(&found)),
        None => return Err(Error::OtherData { path: folder.to_owned(), why: format!("its {JOURNAL} has no request") }),
    }
    // A line that is cut off names a file that will be made again.
    let finished = lines.filter_map(|l| serde_json::from_str::<FileRecord>(l).ok());
    records.get_or_insert_with(BTreeMap::new).extend(finished.map(|f| (f.name.clone(), f)));
    Ok(records)
}

/// What a folder was made for, where that is not what is asked for now.
fn difference(found: &Request, asked: &Request) -> String {
    let text = |r: &Request| {
        format!(
            "{} rows, seed {}, layout {:?}, codec {:?}, {} rows a group, {} of 1000 left out, format {}",
            r.rows, r.seed, r.layout, r.codec, r.row_group_rows, r.left_out, r.format
        )
    };
    format!("it was generated with {}; asked for are {}", text(found), text(asked))
}
