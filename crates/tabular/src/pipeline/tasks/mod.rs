//! `bucketed` as tasks: each reads named files of a work folder, writes named files there, and may be done by any process on
//! any host that sees the folder, in any order that follows the plan, and more than once: it writes the same bytes again.
//!
//! `scan` reads a group of pieces: statistics, values with their counts, and records by user, by item, and by country and
//! day. `merge` makes statistics of all rows of those, and codes of the values, told to each group for its own values.
//! `quantiles` reads three columns again, `limits` sorts what it found. `t08`, `t09` and `t10` solve a bucket each. `rows` reads a
//! group again, adds what follows from a row, fetches the results of its places, and saves. A task holds some pieces or a
//! bucket; only `merge` holds all values of a column.

mod figures;
mod files;
mod id_sums;
mod merge;
mod named;
mod parts;
mod plan;
mod quantiles;
mod rows;
mod scan;
mod solve;

use std::collections::BTreeSet;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, OnceLock};

use polars_core::runtime::RAYON;
use rayon::prelude::*;

use super::global_stats::Dimensions;
use super::input::Piece;
use crate::schema::Table;
use crate::{Dataset, Error, ParquetFile, dataset};

pub use figures::Figures;
pub use plan::{Kind, PLAN, Plan, Task};

pub(crate) use plan::Grain;

use files::{Holds, Named, TASKS};
use parts::{Reader, Writer};

/// The work of a plan in its folder.
pub struct Work {
    folder: PathBuf,
    plan: Plan,
    key: u64,
    /// The folder of the input, as errors name it.
    input: PathBuf,
    /// The files of the events, and those of them that were opened.
    events: Vec<(PathBuf, OnceLock<ParquetFile>)>,
    dimensions: OnceLock<Arc<Dimensions>>,
    /// Whether what a task writes is on the disk when it ends.
    durable: bool,
    read: AtomicU64,
    written: AtomicU64,
}

impl Work {
    /// The work of the plan in a folder, for one process of many.
    ///
    /// # Errors
    ///
    /// If there is no plan of this build, or the input is no longer what was planned for.
    pub fn open(folder: &Path) -> Result<Work, Error> {
        let plan = Plan::read(folder)?;
        plan.check_input()?;
        let (input, events) = (plan.input.clone(), dataset::table_paths(&plan.input, Table::Events)?);
        Ok(Self::new(plan, folder, input, events, true))
    }

    /// The same, where a task does not wait until its files are on the disk: what reads them sees whether they are whole.
    #[must_use]
    pub fn not_durable(self) -> Work {
        Work { durable: false, ..self }
    }

    /// The work of a plan on a data set that is open, for a process that does all of it.
    pub(crate) fn of(plan: Plan, folder: &Path, data: &Dataset) -> Work {
        let files = data.files(Table::Events);
        let paths = files.iter().map(|file| file.path().to_owned()).collect();
        let work = Self::new(plan, folder, data.folder.clone(), paths, false);
        for (file, (_, opened)) in files.iter().zip(&work.events) {
            opened.get_or_init(|| file.clone());
        }
        work
    }

    fn new(plan: Plan, folder: &Path, input: PathBuf, events: Vec<PathBuf>, durable: bool) -> Work {
        let events = events.into_iter().map(|path| (path, OnceLock::new())).collect();
        let (key, folder) = (plan.key(), folder.to_owned());
        let (dimensions, read, written) = (OnceLock::new(), AtomicU64::new(0), AtomicU64::new(0));
        Work { folder, plan, key, input, events, dimensions, durable, read, written }
    }

    /// What is planned.
    #[must_use]
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Where it is done.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The tasks that are left to do for the result, in the order of the plan. One whose files nobody needs any more is not
    /// among them.
    #[must_use]
    pub fn missing(&self) -> Vec<&Task> {
        let mut wanted: BTreeSet<Named> = BTreeSet::new();
        let mut missing = Vec::new();
        for task in self.plan.tasks.iter().rev() {
            let outputs = files::outputs(task.kind, task.part);
            let is_wanted = |file: &Named| task.kind == Kind::Rows || wanted.contains(file);
            if outputs.iter().any(|file| is_wanted(file) && !self.is_whole(*file)) {
                wanted.extend(files::inputs(&self.plan, task));
                missing.push(task);
            }
        }
        missing.reverse();
        missing
    }

    /// Whether all that a task writes is there.
    #[must_use]
    pub fn is_done(&self, task: &Task) -> bool {
        files::outputs(task.kind, task.part).iter().all(|file| self.is_whole(*file))
    }

    /// Does a task, whatever it has written before; the rows that it worked on.
    ///
    /// # Errors
    ///
    /// If the input or what another task wrote cannot be read, is refused or is damaged, or its own files cannot be written.
    pub fn run(&self, task: &Task) -> Result<u64, Error> {
        match task.kind {
            Kind::Scan => scan::run(self, task.part),
            Kind::Merge => merge::run(self, task.part),
            Kind::Quantiles => quantiles::run(self, task.part),
            Kind::Limits => quantiles::limits(self),
            Kind::T08 => solve::users(self, task.part),
            Kind::T09 => solve::items(self, task.part),
            Kind::T10 => solve::days(self, task.part),
            Kind::Rows => rows::run(self, task.part),
        }
    }

    /// Bytes that were read and written until now, of the input's columns and of files.
    pub(crate) fn moved(&self) -> (u64, u64) {
        (self.read.load(Relaxed), self.written.load(Relaxed))
    }

    /// Bytes of the input; those of other files are counted where they are read.
    fn has_read(&self, bytes: u64) {
        self.read.fetch_add(bytes, Relaxed);
    }

    fn has_written(&self, bytes: u64) {
        self.written.fetch_add(bytes, Relaxed);
    }

    /// Removes the records that the tasks of a kind have read, when all of them ended.
    pub(crate) fn forget_records(&self, kind: Kind) -> Result<(), Error> {
        for group in 0..self.plan.groups.len() {
            if let Some(file) = files::records(group, kind) {
                remove(&self.path(file))?;
            }
        }
        Ok(())
    }

    /// Removes all that tasks handed on to one another, what killed ones left, and the plan; the files of the result stay.
    ///
    /// # Errors
    ///
    /// If something cannot be removed.
    pub fn clear(&self) -> Result<(), Error> {
        named::remove_unfinished(&self.folder)?;
        let tasks = self.folder.join(TASKS);
        match fs::remove_dir_all(&tasks) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(Error::io("cannot remove", &tasks, error)),
            _ => remove(&self.folder.join(PLAN)),
        }
    }

    fn path(&self, file: Named) -> PathBuf {
        self.folder.join(file.name())
    }

    fn place(&self, file: Named) -> parts::Place {
        parts::place(&self.folder, self.key, &file.name(), file.kind.id(file.part))
    }

    fn is_whole(&self, file: Named) -> bool {
        match file.holds {
            Holds::Result => {
                let saved = ParquetFile::open(self.path(file));
                saved.is_ok_and(|saved| saved.rows() == self.plan.groups[file.part].rows as u64)
            }
            _ => self.place(file).is_whole(),
        }
    }

    fn reader(&self, file: Named) -> Result<Reader<'_>, Error> {
        Reader::open(&self.place(file), &self.read)
    }

    fn writer(&self, file: Named, sections: usize) -> Result<Writer, Error> {
        let tasks = self.folder.join(TASKS);
        // Alone: a work folder that was removed when the run ended does not come again.
        match fs::create_dir(&tasks) {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => {
                return Err(Error::io("cannot create", &tasks, error));
            }
            _ => {}
        }
        Writer::create(&self.place(file), sections)
    }

    fn finish(&self, writer: Writer) -> Result<(), Error> {
        self.has_written(writer.finish(self.durable)?);
        Ok(())
    }

    /// The pieces of a group.
    fn pieces(&self, group: usize) -> Result<Vec<Piece<'_>>, Error> {
        let piece = |cut: &super::input::Cut| Ok(Piece::of(self.event_file(cut.file)?, *cut));
        self.plan.groups[group].cuts.iter().map(piece).collect()
    }

    fn event_file(&self, index: usize) -> Result<&ParquetFile, Error> {
        let (path, opened) = &self.events[index];
        if let Some(file) = opened.get() {
            return Ok(file);
        }
        let file = dataset::file(path.clone(), Table::Events)?;
        Ok(opened.get_or_init(|| file))
    }

    /// The dimension tables, read once in a process.
    pub(crate) fn dimensions(&self) -> Result<Arc<Dimensions>, Error> {
        if let Some(known) = self.dimensions.get() {
            return Ok(Arc::clone(known));
        }
        // No lock is held while the pool works: a thread that waits for it may begin another task.
        let [users, items] = [Table::Users, Table::Items].map(|table| dataset::table(&self.input, table));
        let read = Arc::new(Dimensions::of(&users?, &items?)?);
        Ok(Arc::clone(self.dimensions.get_or_init(|| read)))
    }
}

fn remove(path: &Path) -> Result<(), Error> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(Error::io("cannot remove", path, error)),
        _ => Ok(()),
    }
}

/// How many pieces a task works on at once: one that is itself a part of a pool's work leaves the other threads to others.
fn at_once() -> usize {
    if rayon::current_thread_index().is_some() { 1 } else { RAYON.current_num_threads() }
}

/// What comes of each, by all threads where they are free.
fn map<T: Sync, R: Send>(items: &[T], work: impl Fn(&T) -> Result<R, Error> + Send + Sync) -> Result<Vec<R>, Error> {
    if at_once() == 1 {
        return items.iter().map(work).collect();
    }
    RAYON.install(|| items.par_iter().with_max_len(1).map(work).collect())
}

#[cfg(test)]
mod tests;
