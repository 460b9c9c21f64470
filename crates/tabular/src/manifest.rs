//! What a generated data set is: the request, and the digest of each column and of each file.

use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::dataset::Dataset;
use crate::digest::Digest;
use crate::error::Error;
use crate::hashed::sha256_of;
use crate::regular_file;
use crate::schema::Table;

/// The name of the manifest in the folder of a data set.
pub const MANIFEST: &str = "manifest.json";

/// Grows when the same request gives other bytes than before.
pub(crate) const FORMAT: u32 = 1;

/// In which order the events lie in the files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Layout {
    /// By time, which is also by `row_id`.
    Arrival,
    /// All events of a user in one file, chosen by a hash of the user; by time within a file.
    Bucketed,
}

/// How the pages of the Parquet files are compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Codec {
    /// Zstandard, level 1.
    Zstd,
    /// LZ4 (`LZ4_RAW`).
    Lz4,
    /// Not at all.
    None,
}

/// What decides the bytes of a data set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// Version of the generator.
    pub format: u32,
    /// Events.
    pub rows: u64,
    /// The seed of all random numbers.
    pub seed: u64,
    /// Order of the events.
    pub layout: Layout,
    /// Compression.
    pub codec: Codec,
    /// Rows in a row group.
    pub row_group_rows: usize,
    /// Of 1,000 users and items, how many are missing from the dimension tables.
    pub left_out: u32,
}

/// A finished file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileRecord {
    /// Which table it belongs to.
    pub table: Table,
    /// Its path within the data set.
    pub name: String,
    /// Rows in it.
    pub rows: u64,
    /// Its size on disk.
    pub bytes: u64,
    /// The size of its rows in memory, as Arrow with string views.
    pub logical_bytes: u64,
    /// SHA-256 of the file, in hexadecimal.
    pub sha256: String,
    /// The digest of each column, in the order of the schema.
    pub columns: Vec<Digest>,
}

/// A column of a table and its digest, which depends neither on the layout nor on the codec.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ColumnRecord {
    /// Its name.
    pub name: String,
    /// The digest over all files.
    pub digest: Digest,
}

/// A table as a whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableRecord {
    /// Which.
    pub table: Table,
    /// Rows.
    pub rows: u64,
    /// Size on disk.
    pub bytes: u64,
    /// Size in memory, as Arrow with string views.
    pub logical_bytes: u64,
    /// The digests of its columns, in the order of the schema.
    pub columns: Vec<ColumnRecord>,
}

/// A data set. `manifest.json` holds it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// What was asked for.
    pub request: Request,
    /// The three tables.
    pub tables: Vec<TableRecord>,
    /// Their files, by name.
    pub files: Vec<FileRecord>,
}

impl Manifest {
    /// The sums over the files.
    pub(crate) fn new(request: Request, mut files: Vec<FileRecord>) -> Self {
        files.sort_by(|a, b| a.name.cmp(&b.name));
        let tables = Table::ALL.map(|table| TableRecord::of(table, &files)).to_vec();
        Self { request, tables, files }
    }

    /// The manifest of a folder, where there is one.
    ///
    /// # Errors
    /// It is there and cannot be read.
    pub fn read(folder: &Path) -> Result<Option<Self>, Error> {
        let path = folder.join(MANIFEST);
        let text = match regular_file::read_text(&path) {
            Ok(text) => text,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(Error::io("cannot read", &path, e)),
        };
        let other = |why: String| Error::OtherData { path: folder.to_owned(), why: format!("its {MANIFEST} {why}") };
        let manifest: Self =
            serde_json::from_str(&text).map_err(|e| other(format!("is not one of this version ({e})")))?;
        if manifest.files.is_empty() {
            return Err(other("lists no files".to_owned()));
        }
        match manifest.files.iter().find(|file| !file.lies_in_its_table()) {
            Some(file) => Err(other(format!("lists `{}`, which is no file of {}", file.name, file.table.name()))),
            None => Ok(Some(manifest)),
        }
    }

    /// Sees that the files of a data set are those that were recorded, and still have their bytes. Parquet has no check of
    /// its own against values that changed on a disk or on the way.
    ///
    /// # Errors
    /// The first file that differs or cannot be read.
    pub fn check_files(&self, data: &Dataset) -> Result<(), Error> {
        let listed: BTreeSet<PathBuf> = self.files.iter().map(|file| data.folder.join(&file.name)).collect();
        let found = Table::ALL.into_iter().flat_map(|table| data.files(table));
        if let Some(file) = found.into_iter().find(|file| !listed.contains(file.path())) {
            let why = format!("there is {}, which its {MANIFEST} does not list", file.path().display());
            return Err(Error::OtherData { path: data.folder.clone(), why });
        }
        self.files.par_iter().try_for_each(|file| {
            let path = data.folder.join(&file.name);
            match sha256_of(&path) {
                Ok(found) if found == file.sha256 => Ok(()),
                Ok(_) => {
                    let why = format!("its bytes are no longer those that {MANIFEST} records; generate it again");
                    Err(Error::Damaged { path, column: None, why })
                }
                Err(e) => Err(Error::io("cannot read", &path, e)),
            }
        })
    }

    /// The record of a table.
    #[must_use]
    pub fn table(&self, table: Table) -> Option<&TableRecord> {
        self.tables.iter().find(|t| t.table == table)
    }

    /// The size of all tables in memory, as Arrow with string views.
    #[must_use]
    pub fn logical_bytes(&self) -> u64 {
        self.tables.iter().map(|t| t.logical_bytes).sum()
    }

    /// The size of all files on disk.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.tables.iter().map(|t| t.bytes).sum()
    }
}

impl FileRecord {
    /// Whether its name is that of a file in the folder of its table, and leads nowhere else.
    fn lies_in_its_table(&self) -> bool {
        let mut parts = Path::new(&self.name).components();
        let folder = Component::Normal(self.table.name().as_ref());
        parts.next() == Some(folder) && matches!(parts.next(), Some(Component::Normal(_))) && parts.next().is_none()
    }
}

impl TableRecord {
    fn of(table: Table, files: &[FileRecord]) -> Self {
        let files = || files.iter().filter(|f| f.table == table);
        let column = |at: usize, name: &str| {
            let mut digest = Digest::default();
            files().filter_map(|f| f.columns.get(at)).for_each(|&d| digest += d);
            ColumnRecord { name: name.to_owned(), digest }
        };
        Self {
            table,
            rows: files().map(|f| f.rows).sum(),
            bytes: files().map(|f| f.bytes).sum(),
            logical_bytes: files().map(|f| f.logical_bytes).sum(),
            columns: table.columns().iter().enumerate().map(|(at, c)| column(at, c.name)).collect(),
        }
    }
}
