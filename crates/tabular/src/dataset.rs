//! A folder with the Parquet files of `events`, `users` and `items`, whoever wrote them.

use std::path::{Path, PathBuf};

use polars_core::runtime::RAYON;
use rayon::prelude::*;

use crate::bits::Bits;
use crate::cells::Cells;
use crate::content;
use crate::error::Error;
use crate::parquet_file::{ParquetFile, arrow_type};
use crate::schema::{Column, MAX_ROWS, Table};

/// A data set whose files are there and have the columns of the schema.
#[derive(Clone, Debug)]
pub struct Dataset {
    /// Its folder.
    pub folder: PathBuf,
    events: Vec<ParquetFile>,
    users: Vec<ParquetFile>,
    items: Vec<ParquetFile>,
}

impl Dataset {
    /// Finds the files of each table, `TABLE/*.parquet` or else `TABLE*.parquet`, and reads their footers.
    ///
    /// Columns may come in any order, and others beside them are ignored. A column must have the type of the schema; text
    /// may be plain, large, a view or dictionary-encoded, which Parquet stores as the same.
    ///
    /// # Errors
    /// A table without files, a file that is no Parquet, a column that is missing or of another type: the first found,
    /// with the names of file and column.
    pub fn open(folder: &Path) -> Result<Self, Error> {
        Ok(Self {
            folder: folder.to_owned(),
            events: table(folder, Table::Events)?,
            users: table(folder, Table::Users)?,
            items: table(folder, Table::Items)?,
        })
    }

    /// The files of a table, in the order of their names.
    #[must_use]
    pub fn files(&self, table: Table) -> &[ParquetFile] {
        match table {
            Table::Events => &self.events,
            Table::Users => &self.users,
            Table::Items => &self.items,
        }
    }

    /// The rows of a table, as its footers say.
    #[must_use]
    pub fn rows(&self, table: Table) -> u64 {
        self.files(table).iter().map(ParquetFile::rows).fold(0, u64::saturating_add)
    }

    /// Decodes some columns of a table, file by file and batch by batch, and hands each batch on with the columns in the
    /// order of `names`.
    ///
    /// # Errors
    /// A file that is damaged, a value that the schema rules out, and whatever `each` returns.
    pub(crate) fn read(
        &self,
        table: Table,
        names: &[&'static str],
        mut each: impl FnMut(&Batch) -> Result<(), Error>,
    ) -> Result<(), Error> {
        for file in self.files(table) {
            let mut first = 0;
            file.read(names, |cells| {
                let batch = Batch { file, first, cells };
                for (name, cells) in names.iter().zip(cells) {
                    if let Some(column) = table.columns().iter().find(|c| c.name == *name) {
                        batch.check(column, cells)?;
                    }
                }
                first += cells.first().map_or(0, Cells::len);
                each(&batch)
            })?;
        }
        Ok(())
    }

    /// Sees that there are as many events as can be worked on.
    ///
    /// # Errors
    /// There are none, or too many.
    pub(crate) fn require_rows(&self) -> Result<(), Error> {
        let rows = self.rows(Table::Events);
        if rows == 0 || rows > MAX_ROWS {
            let why = format!("{rows} rows of events; from 1 to 2³² − 1 can be worked on");
            return Err(Error::OtherData { path: self.folder.clone(), why });
        }
        Ok(())
    }

    /// Sees that the events have the row ids `0..n`, each once.
    ///
    /// # Errors
    /// The first row that has another one.
    pub(crate) fn require_row_ids(&self) -> Result<(), Error> {
        let rows = self.rows(Table::Events);
        let mut met = Bits::new(rows);
        self.read(Table::Events, &["row_id"], |batch| {
            for at in 0..batch.cells[0].len() {
                let id = batch.cells[0].int(at).unwrap_or(-1);
                let row = batch.first + at;
                match met.insert(id) {
                    Some(true) => {}
                    Some(false) => return Err(batch.refused("row_id", content::twice(row, id))),
                    None => return Err(batch.refused("row_id", content::not_an_id(row, id, rows))),
                }
            }
            Ok(())
        })
    }

    /// The size on disk of a table.
    #[must_use]
    pub fn bytes(&self, table: Table) -> u64 {
        self.files(table).iter().map(ParquetFile::bytes).sum()
    }
}

/// Some rows of a file, decoded.
pub(crate) struct Batch<'a> {
    file: &'a ParquetFile,
    /// The row of the file that is the first here.
    pub(crate) first: usize,
    /// The columns that were asked for.
    pub(crate) cells: &'a [Cells],
}

impl Batch<'_> {
    /// The refusal of a value.
    pub(crate) fn refused(&self, column: &'static str, why: String) -> Error {
        Error::Content { path: self.file.path().to_owned(), column, why }
    }

    /// Sees that a column holds nothing that the schema rules out.
    fn check(&self, column: &Column, cells: &Cells) -> Result<(), Error> {
        let row = |at: usize| self.first + at;
        let why = match cells {
            _ if !column.nullable && cells.nulls() > 0 => {
                (0..cells.len()).find(|&at| cells.is_null(at)).map(|at| content::null(row(at)))
            }
            Cells::F64(values) => {
                let wrong =
                    values.iter().enumerate().find_map(|(at, value)| Some((at, value.filter(|v| !v.is_finite())?)));
                wrong.map(|(at, value)| content::not_finite(row(at), value))
            }
            Cells::Int(values) => content::range(column.name).and_then(|range| {
                let outside = |value: &i64| *value < range.0 || *value > range.1;
                let wrong = values.iter().enumerate().find_map(|(at, value)| Some((at, value.filter(outside)?)));
                wrong.map(|(at, value)| content::outside(row(at), value, range))
            }),
            Cells::F32(_) | Cells::Text(_) => None,
        };
        why.map_or(Ok(()), |why| Err(self.refused(column.name, why)))
    }
}

/// The files of one table of a folder, as [`Dataset::open`] opens all of them.
pub(crate) fn table(folder: &Path, table: Table) -> Result<Vec<ParquetFile>, Error> {
    let files = table_paths(folder, table)?;
    RAYON.install(|| files.into_par_iter().map(|path| file(path, table)).collect())
}

/// The files of one table of a folder, none of them opened.
pub(crate) fn table_paths(folder: &Path, table: Table) -> Result<Vec<PathBuf>, Error> {
    files_of(folder, table.name())
}

/// One file of a table, opened likewise.
pub(crate) fn file(path: PathBuf, table: Table) -> Result<ParquetFile, Error> {
    with_schema(ParquetFile::open(path)?, table)
}

/// The files of all tables, none of them opened.
pub(crate) fn paths(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let files = Table::ALL.into_iter().map(|table| files_of(folder, table.name()));
    Ok(files.collect::<Result<Vec<_>, Error>>()?.concat())
}

/// The Parquet files `name/*.parquet`, or where there is no such folder `name*.parquet`, sorted.
fn files_of(folder: &Path, name: &str) -> Result<Vec<PathBuf>, Error> {
    let inside = folder.join(name);
    let files = if inside.is_dir() { parquet_files(&inside, "")? } else { parquet_files(folder, name)? };
    if files.is_empty() {
        let expected = format!("`{name}/*.parquet` or `{name}*.parquet`");
        return Err(Error::NoFiles { path: folder.to_owned(), expected });
    }
    Ok(files)
}

/// The files of a folder that begin with `prefix` and end with `.parquet`, sorted.
fn parquet_files(folder: &Path, prefix: &str) -> Result<Vec<PathBuf>, Error> {
    let refused = |e| Error::io("cannot read", folder, e);
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(refused)? {
        let entry = entry.map_err(refused)?;
        let name = entry.file_name();
        let name = name.as_encoded_bytes();
        if name.starts_with(prefix.as_bytes()) && name.ends_with(b".parquet") {
            files.push(entry.path());
        }
    }
    files.sort();
    Ok(files)
}

/// The file, if it has the columns of a table.
fn with_schema(file: ParquetFile, table: Table) -> Result<ParquetFile, Error> {
    for column in table.columns() {
        file.expect(column, |found| *found == arrow_type(column.kind), &column.kind.to_string())?;
    }
    file.with_pages(table.columns().iter().copied())
}
