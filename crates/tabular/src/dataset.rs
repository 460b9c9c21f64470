//! A folder with the Parquet files of `events`, `users` and `items`, whoever wrote them.

use std::path::{Path, PathBuf};

use crate::cells::Cells;
use crate::error::Error;
use crate::parquet_file::{ParquetFile, arrow_type};
use crate::schema::{Column, Table};

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
        let table = |table: Table| -> Result<Vec<ParquetFile>, Error> {
            let files = files_of(folder, table.name())?;
            files.into_iter().map(|path| with_schema(ParquetFile::open(path)?, table)).collect()
        };
        Ok(Self {
            folder: folder.to_owned(),
            events: table(Table::Events)?,
            users: table(Table::Users)?,
            items: table(Table::Items)?,
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
        self.files(table).iter().map(ParquetFile::rows).sum()
    }

    /// Decodes some columns of a table, file by file and batch by batch, and hands each batch on with the columns in the
    /// order of `names`.
    ///
    /// # Errors
    /// A file that is damaged, a null or NaN where there must be none, and whatever `each` returns.
    pub(crate) fn read(
        &self,
        table: Table,
        names: &[&'static str],
        mut each: impl FnMut(&[Cells]) -> Result<(), Error>,
    ) -> Result<(), Error> {
        for file in self.files(table) {
            file.read(names, |batch| {
                for (name, cells) in names.iter().zip(batch) {
                    if let Some(column) = table.columns().iter().find(|c| c.name == *name) {
                        check_content(file, column, cells)?;
                    }
                }
                each(batch)
            })?;
        }
        Ok(())
    }

    /// The size on disk of a table.
    #[must_use]
    pub fn bytes(&self, table: Table) -> u64 {
        self.files(table).iter().map(ParquetFile::bytes).sum()
    }
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
        let name = name.to_string_lossy();
        if name.starts_with(prefix) && name.ends_with(".parquet") {
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
    Ok(file)
}

/// Sees that a column holds neither nulls nor NaN where the schema rules them out.
fn check_content(file: &ParquetFile, column: &Column, cells: &Cells) -> Result<(), Error> {
    let content =
        |why: &str| Err(Error::Content { path: file.path().to_owned(), column: column.name, why: why.to_owned() });
    match cells {
        Cells::F64(values) if values.iter().flatten().any(|v| v.is_nan()) => {
            content("it holds NaN; an unknown number must be null")
        }
        _ if !column.nullable && cells.nulls() > 0 => content("it holds nulls, and must not"),
        _ => Ok(()),
    }
}
