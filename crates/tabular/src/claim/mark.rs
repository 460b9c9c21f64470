//! The mark of a result: what made it, of what, and which files it is.
//!
//! It is written last, and is a Parquet file without rows with the columns of the result, so that whoever reads the folder
//! reads the same with it as without: some readers pass over names that begin with `_`, and others refuse a folder with
//! anything but Parquet files in it.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parquet::errors::ParquetError;
use parquet::file::metadata::{KeyValue, ParquetMetaDataReader};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use serde::{Deserialize, Serialize};

use crate::build_info::build;
use crate::hashed::sha256_of;
use crate::manifest::MANIFEST;
use crate::{Error, ParquetFile};

/// The name of the mark in the folder of a result.
pub const MARK: &str = "_hostproof.parquet";
/// The key in the footer of [`MARK`] under which the mark is found, as JSON.
const KEY: &str = "hostproof";
/// The key under which engines keep the types of Arrow.
const ARROW: &str = "ARROW:schema";
/// What a mark says of who wrote it.
const PROGRAM: &str = "hostproof features";

/// A file and its size.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct FileSize {
    /// Its path within the data set or the result.
    pub(crate) name: String,
    /// Bytes.
    pub(crate) bytes: u64,
}

/// What tells one input from another without reading it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Identity {
    /// SHA-256 of its manifest, which holds those of its files; absent where there is no manifest.
    manifest_sha256: Option<String>,
    /// Its files.
    files: Vec<FileSize>,
}

impl Identity {
    /// That of the input in a folder with these files.
    pub(crate) fn of(folder: &Path, files: &[PathBuf]) -> Result<Identity, Error> {
        let manifest = folder.join(MANIFEST);
        let manifest_sha256 = match fs::symlink_metadata(&manifest) {
            Ok(metadata) if metadata.is_file() => {
                Some(sha256_of(&manifest).map_err(|error| Error::io("cannot read", &manifest, error))?)
            }
            _ => None,
        };
        let size = |path: &PathBuf| {
            let bytes = fs::metadata(path).map_err(|error| Error::io("cannot read", path, error))?.len();
            let name = path.strip_prefix(folder).unwrap_or(path).to_string_lossy().into_owned();
            Ok(FileSize { name, bytes })
        };
        Ok(Identity { manifest_sha256, files: files.iter().map(size).collect::<Result<_, Error>>()? })
    }
}

/// How a result came to be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Origin {
    /// `polars`, `pandas`.
    pub(crate) engine: String,
    /// How the work was cut.
    pub(crate) mode: String,
    /// Rows of it.
    pub(crate) rows: u64,
    /// Of what.
    pub(crate) input: Identity,
}

/// The build that wrote a mark.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Builder {
    version: String,
    revision: String,
    compiler: String,
    profile: String,
}

/// What a mark says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Mark {
    program: String,
    build: Builder,
    #[serde(flatten)]
    origin: Origin,
    files: Vec<FileSize>,
}

impl Mark {
    pub(super) fn new(origin: Origin, files: Vec<FileSize>) -> Mark {
        let build = build();
        let (version, revision, compiler, profile) = (build.version, build.revision, build.compiler, build.profile);
        let build = Builder { version, revision, compiler, profile };
        Mark { program: PROGRAM.to_owned(), build, origin, files }
    }

    /// Puts the mark beside the files of a result.
    pub(super) fn write(&self, folder: &Path) -> Result<(), Error> {
        let Some(first) = self.files.first() else {
            return Err(Error::NoFiles { path: folder.to_owned(), expected: "the files of a result".to_owned() });
        };
        let text = serde_json::to_string(self).map_err(|error| Error::Config(error.to_string()))?;
        let first = folder.join(&first.name);
        let bytes = encode(&first, text).map_err(|error| Error::Damaged {
            path: first.clone(),
            column: None,
            why: error.to_string(),
        })?;
        let path = folder.join(MARK);
        let write = || {
            let mut file = File::create_new(&path)?;
            file.write_all(&bytes)?;
            file.sync_all()
        };
        write().map_err(|error| Error::io("cannot write", &path, error))
    }

    /// The mark of a folder with these entries; why there is none that this program wrote, or that it no longer holds.
    pub(super) fn of(folder: &Path, entries: &Entries) -> Result<Mark, String> {
        if !entries.contains_key(OsStr::new(MARK)) {
            return Err(format!("it has no `{MARK}`"));
        }
        if entries[OsStr::new(MARK)].is_none() {
            return Err(format!("its `{MARK}` is no file"));
        }
        let other = || format!("its `{MARK}` is not from this program");
        let file = ParquetFile::open(folder.join(MARK)).map_err(|_| other())?;
        let mark: Mark = file.note(KEY).and_then(|text| serde_json::from_str(text).ok()).ok_or_else(other)?;
        if mark.program != PROGRAM {
            return Err(other());
        }
        mark.check(entries)?;
        Ok(mark)
    }

    /// Sees that a folder holds the files of the mark, as they were, and nothing else.
    fn check(&self, entries: &Entries) -> Result<(), String> {
        for file in &self.files {
            match entries.get(OsStr::new(&file.name)) {
                Some(Some(bytes)) if *bytes == file.bytes => {}
                Some(_) => return Err(format!("its `{}` is no longer what was saved", file.name)),
                None => return Err(format!("it lacks `{}`, which was saved with it", file.name)),
            }
        }
        let known = |name: &OsString| name == MARK || self.files.iter().any(|file| name == file.name.as_str());
        match entries.keys().find(|&name| !known(name)) {
            Some(other) => Err(format!("it has `{}`, which is no part of the result", other.display())),
            None => Ok(()),
        }
    }

    /// The names of all files of the result, the mark last.
    pub(super) fn names(&self) -> Vec<OsString> {
        let files = self.files.iter().map(|file| OsString::from(&file.name));
        files.chain([OsString::from(MARK)]).collect()
    }
}

/// The entries of a folder; the size of each that is a file, and of nothing else: neither of a link nor of a folder.
pub(super) type Entries = BTreeMap<OsString, Option<u64>>;

pub(super) fn entries(folder: &Path) -> io::Result<Entries> {
    let entry = |entry: io::Result<fs::DirEntry>| {
        let entry = entry?;
        // Of the entry itself, not of what a link leads to.
        let metadata = entry.metadata()?;
        Ok((entry.file_name(), metadata.is_file().then_some(metadata.len())))
    };
    fs::read_dir(folder)?.map(entry).collect()
}

/// A Parquet file without rows, with the columns of `like` and a note.
fn encode(like: &Path, note: String) -> Result<Vec<u8>, ParquetError> {
    let metadata = ParquetMetaDataReader::new().parse_and_finish(&File::open(like)?)?;
    let file = metadata.file_metadata();
    let types = file.key_value_metadata().into_iter().flatten().filter(|pair| pair.key == ARROW).cloned();
    let notes = types.chain([KeyValue::new(KEY.to_owned(), note)]).collect();
    let properties =
        WriterProperties::builder().set_created_by("hostproof".to_owned()).set_key_value_metadata(Some(notes)).build();
    let mut bytes = Vec::new();
    SerializedFileWriter::new(&mut bytes, file.schema_descr().root_schema_ptr(), Arc::new(properties))?.close()?;
    Ok(bytes)
}
