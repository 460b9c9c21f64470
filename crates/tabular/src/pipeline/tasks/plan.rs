//! The plan of `bucketed`: the input as it is, how it is cut, and the tasks, each behind those that it needs.
//!
//! A plan follows from the input and the cut alone, so whoever makes it on any host makes the same; it lies in the work
//! folder as JSON, for schedulers as well.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, ErrorKind};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use measure::Build;
use serde::{Deserialize, Serialize};
use twox_hash::XxHash64;

use super::named;
use crate::build_info::build;
use crate::claim::{Identity, Temporary};
use crate::pipeline::input::{Cut, pieces};
use crate::schema::Table;
use crate::{Dataset, Error, dataset, regular_file};

/// The name of the plan in its work folder.
pub const PLAN: &str = "plan.json";
/// The form of plans and of what tasks write; another one is refused.
const FORMAT: u32 = 2;

/// What a task does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Reads a group of pieces of the input: its statistics, its values, and its records by user, item, and country and day
    Scan,
    /// Merges the statistics of all scans (part 0), or the values of one text column
    Merge,
    /// Reads a group again for the values around the quantiles
    Quantiles,
    /// Finds the quantiles
    Limits,
    /// Solves a bucket of users
    T08,
    /// Solves a bucket of items
    T09,
    /// Solves a bucket of countries and days
    T10,
    /// Makes and saves the rows of a group
    Rows,
}

impl Kind {
    /// All of them, in the order of their work.
    pub const ALL: [Kind; 8] =
        [Kind::Scan, Kind::Merge, Kind::Quantiles, Kind::Limits, Kind::T08, Kind::T09, Kind::T10, Kind::Rows];

    /// Its name in ids and in JSON.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Kind::Scan => "scan",
            Kind::Merge => "merge",
            Kind::Quantiles => "quantiles",
            Kind::Limits => "limits",
            Kind::T08 => "t08",
            Kind::T09 => "t09",
            Kind::T10 => "t10",
            Kind::Rows => "rows",
        }
    }

    /// The id of the task of this kind with a number.
    #[must_use]
    pub fn id(self, part: usize) -> String {
        format!("{}-{part:05}", self.name())
    }
}

/// A piece of work that one process does, as often as anybody likes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Task {
    /// The kind and the number, as in `scan-00003`.
    pub id: String,
    /// What it does.
    pub kind: Kind,
    /// Which of its kind.
    pub part: usize,
    /// The ids of the tasks that must have ended; what those need is not listed again.
    pub after: Vec<String>,
}

/// Pieces that follow one another.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Group {
    pub(crate) cuts: Vec<Cut>,
    /// The place of its first row among all.
    pub(crate) start: usize,
    pub(crate) rows: usize,
}

/// How finely the work is cut.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Grain {
    /// Records that a bucket is wanted to hold.
    pub(crate) records_a_bucket: usize,
    /// Pieces that are scanned, fetched and saved together.
    pub(crate) pieces_a_group: usize,
}

/// Most buckets of an exchange: each is a task, and a part of every scan's files.
const MOST_BUCKETS: usize = 256;
/// Most groups: each is a part of every bucket's file.
const MOST_GROUPS: usize = 512;

impl Grain {
    /// For any number of processes, whose tasks take seconds.
    pub(crate) const COARSE: Grain = Grain { records_a_bucket: 500_000, pieces_a_group: 4 };

    /// The same, but no coarser than so many threads have work of.
    pub(crate) fn of_threads(threads: usize, pieces: usize) -> Grain {
        let pieces_a_group = (pieces / (2 * threads.max(1))).clamp(1, Self::COARSE.pieces_a_group);
        Grain { pieces_a_group, ..Self::COARSE }
    }
}

/// The work of `bucketed` as a list of tasks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    format: u32,
    /// The build that made it, and that alone may do it.
    pub build: Build,
    /// The folder of the input, by a path without links.
    #[serde(with = "any_path")]
    pub input: PathBuf,
    /// What tells the input from another one.
    identity: Identity,
    /// When each file of the input was changed, in nanoseconds since 1970, in the order of `identity`.
    changed_ns: Vec<i64>,
    /// Rows of `events`.
    pub rows: u64,
    /// Parts of an exchange.
    pub buckets: usize,
    pub(crate) groups: Vec<Group>,
    /// Each behind those that it needs.
    pub tasks: Vec<Task>,
}

/// A path as JSON: text, or its bytes where it is none.
mod any_path {
    use std::ffi::OsString;
    use std::os::unix::ffi::{OsStrExt, OsStringExt};
    use std::path::{Path, PathBuf};

    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[derive(Serialize, Deserialize)]
    #[serde(untagged)]
    enum Written {
        Text(String),
        Bytes(Vec<u8>),
    }

    pub(super) fn serialize<S: Serializer>(path: &Path, serializer: S) -> Result<S::Ok, S::Error> {
        let bytes = || Written::Bytes(path.as_os_str().as_bytes().to_vec());
        path.to_str().map_or_else(bytes, |text| Written::Text(text.to_owned())).serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<PathBuf, D::Error> {
        Ok(match Written::deserialize(deserializer)? {
            Written::Text(text) => text.into(),
            Written::Bytes(bytes) => OsString::from_vec(bytes).into(),
        })
    }
}

/// Of any format.
#[derive(Deserialize)]
struct Head {
    format: u32,
    build: Build,
}

impl Plan {
    /// Plans the work on an input, for the processes of many hosts.
    ///
    /// # Errors
    ///
    /// If the input cannot be read, or has no rows.
    pub fn of(input: &Path) -> Result<Plan, Error> {
        Self::cut(&Dataset::open(input)?, |_| Grain::COARSE)
    }

    /// Plans the work on an input; `grain` hears how many pieces there are.
    pub(crate) fn cut(data: &Dataset, grain: impl FnOnce(usize) -> Grain) -> Result<Plan, Error> {
        data.require_rows()?;
        let input = fs::canonicalize(&data.folder).map_err(|error| Error::io("cannot find", &data.folder, error))?;
        let (identity, changed_ns) = identity(&input)?;
        let files = data.files(Table::Events);
        let cuts: Vec<Cut> = pieces(data)?.iter().map(|piece| piece.cut(files)).collect();
        let grain = grain(cuts.len());
        let rows: usize = cuts.iter().map(|cut| cut.rows).sum();
        let buckets = (rows / grain.records_a_bucket).next_power_of_two().min(MOST_BUCKETS);
        let size = cuts.len().div_ceil(MOST_GROUPS).max(grain.pieces_a_group);
        let group = |cuts: &[Cut]| {
            let (start, rows) = (cuts[0].start, cuts.iter().map(|cut| cut.rows).sum());
            Group { cuts: cuts.to_vec(), start, rows }
        };
        let groups: Vec<Group> = cuts.chunks(size).map(group).collect();
        Ok(Plan {
            format: FORMAT,
            build: build(),
            input,
            identity,
            changed_ns,
            rows: rows as u64,
            buckets,
            tasks: tasks(groups.len(), buckets),
            groups,
        })
    }

    /// Puts the plan into a work folder, which is made where it is not there. Nothing is changed where this plan is there already.
    ///
    /// # Errors
    ///
    /// If the folder holds another plan or anything else, or cannot be written.
    pub fn write(&self, folder: &Path) -> Result<(), Error> {
        fs::create_dir_all(folder).map_err(|error| Error::io("cannot create", folder, error))?;
        if folder.join(PLAN).exists() {
            if Plan::read(folder)? == *self {
                return Ok(());
            }
            return Err(unfit(folder, "it holds the plan of other work: name another folder, or remove this one"));
        }
        let look = || fs::read_dir(folder)?.map(|entry| Ok(entry?.file_name())).collect::<io::Result<Vec<_>>>();
        let names = look().map_err(|error| Error::io("cannot look into", folder, error))?;
        if let Some(name) = names.iter().find(|name| !Temporary::is_own(name)) {
            let why = format!("it holds `{}` and no plan: name an empty folder, or a new one", name.display());
            return Err(unfit(folder, why));
        }
        let text = serde_json::to_vec(self).map_err(|error| unfit(folder, error.to_string()))?;
        named::put(&folder.join(PLAN), &text)
    }

    /// The plan in a work folder.
    ///
    /// # Errors
    ///
    /// If there is none, or another build made it.
    pub fn read(folder: &Path) -> Result<Plan, Error> {
        let path = folder.join(PLAN);
        let text = regular_file::read(&path).map_err(|error| match error.kind() {
            ErrorKind::NotFound => unfit(folder, format!("it has no `{PLAN}`: `hostproof features plan` makes one")),
            _ => Error::io("cannot read", &path, error),
        })?;
        let damaged = |error: serde_json::Error| {
            unfit(folder, format!("its `{PLAN}` is damaged ({error}): plan the work again, in another folder"))
        };
        let head: Head = serde_json::from_slice(&text).map_err(damaged)?;
        let own = build();
        if head.format != FORMAT || head.build != own {
            let (theirs, ours) = (shown(&head.build), shown(&own));
            let why =
                format!("build {theirs} planned it, and this is build {ours}: use that one, or plan the work again");
            return Err(unfit(folder, why));
        }
        serde_json::from_slice(&text).map_err(damaged)
    }

    /// Sees that the input is what was planned for.
    ///
    /// # Errors
    ///
    /// If it is another one, or cannot be read.
    pub fn check_input(&self) -> Result<(), Error> {
        let (identity, changed_ns) = identity(&self.input)?;
        if identity == self.identity && changed_ns == self.changed_ns {
            return Ok(());
        }
        Err(unfit(&self.input, "it was changed since the work on it was planned: plan the work again".to_owned()))
    }

    /// The task of an id.
    ///
    /// # Errors
    ///
    /// If there is none.
    pub fn task(&self, id: &str) -> Result<&Task, Error> {
        self.tasks.iter().find(|task| task.id == id).ok_or_else(|| {
            let counts = Kind::ALL.map(|kind| {
                let count = self.tasks.iter().filter(|task| task.kind == kind).count();
                kind.id(count.saturating_sub(1))
            });
            Error::UnknownTask { id: id.to_owned(), known: counts.join(", ") }
        })
    }

    /// Which group a place is in.
    pub(crate) fn group_of(&self, place: usize) -> usize {
        self.groups.partition_point(|group| group.start <= place).saturating_sub(1)
    }

    /// What tells the files of this plan from those of others.
    pub(crate) fn key(&self) -> u64 {
        // What was read from JSON gives the same JSON.
        XxHash64::oneshot(u64::from(FORMAT), &serde_json::to_vec(self).unwrap_or_default())
    }
}

/// What tells an input from others, and when its files were changed.
fn identity(input: &Path) -> Result<(Identity, Vec<i64>), Error> {
    let files = dataset::paths(input)?;
    let changed = |path: &PathBuf| {
        let metadata = fs::metadata(path).map_err(|error| Error::io("cannot read", path, error))?;
        Ok(metadata.mtime().saturating_mul(1_000_000_000).saturating_add(metadata.mtime_nsec()))
    };
    let changed = files.iter().map(changed).collect::<Result<_, Error>>()?;
    Ok((Identity::of(input, &files)?, changed))
}

fn shown(build: &Build) -> String {
    format!("{} ({}, {})", build.version, build.revision, build.profile)
}

pub(super) fn unfit(path: &Path, why: impl Into<String>) -> Error {
    Error::Unfit { path: path.to_owned(), why: why.into() }
}

/// How many text columns have their values merged, each by a task.
pub(crate) const VOCABULARIES: usize = 6;

/// All tasks, each behind those that it needs.
fn tasks(groups: usize, buckets: usize) -> Vec<Task> {
    let ids = |kind: Kind, count: usize| (0..count).map(|part| kind.id(part)).collect::<Vec<String>>();
    let scans = ids(Kind::Scan, groups);
    // What is merged stands behind all scans, and so does whatever stands behind it.
    let merged = vec![Kind::Merge.id(0)];
    let countries = vec![Kind::Merge.id(0), Kind::Merge.id(VOCABULARIES)];
    let solved = [Kind::T08, Kind::T09, Kind::T10].map(|kind| ids(kind, buckets)).concat();
    let all = [ids(Kind::Merge, 1 + VOCABULARIES), ids(Kind::Limits, 1), solved].concat();
    let each = |kind: Kind, count: usize, after: &[String]| {
        let task = |part| Task { id: kind.id(part), kind, part, after: after.to_vec() };
        (0..count).map(task).collect::<Vec<Task>>()
    };
    let tasks = [
        each(Kind::Scan, groups, &[]),
        each(Kind::Merge, 1 + VOCABULARIES, &scans),
        each(Kind::Quantiles, groups, &merged),
        each(Kind::Limits, 1, &ids(Kind::Quantiles, groups)),
        each(Kind::T08, buckets, &merged),
        each(Kind::T09, buckets, &merged),
        each(Kind::T10, buckets, &countries),
        each(Kind::Rows, groups, &all),
    ]
    .concat();
    debug_assert!(is_ordered(&tasks), "each task is behind those that it needs");
    tasks
}

/// Whether each task stands behind those that it needs.
fn is_ordered(tasks: &[Task]) -> bool {
    let mut before = BTreeSet::new();
    tasks.iter().all(|task| {
        let has_all = task.after.iter().all(|id| before.contains(id.as_str()));
        before.insert(task.id.as_str());
        has_all
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tasks_stand_behind_what_they_need_and_have_ids_of_their_own() {
        for (groups, buckets) in [(1, 1), (3, 1), (7, 4)] {
            let tasks = tasks(groups, buckets);
            assert!(is_ordered(&tasks), "{groups} {buckets}");
            let ids: BTreeSet<&str> = tasks.iter().map(|task| task.id.as_str()).collect();
            assert_eq!(ids.len(), tasks.len());
            assert_eq!(tasks.len(), 3 * groups + 3 * buckets + VOCABULARIES + 2);
        }
        let mut wrong = tasks(2, 2);
        wrong.reverse();
        assert!(!is_ordered(&wrong));
    }

    #[test]
    fn small_work_is_cut_so_that_all_threads_have_some() {
        let check = |threads, pieces, expect| {
            assert_eq!(Grain::of_threads(threads, pieces).pieces_a_group, expect, "{threads} {pieces}");
        };
        check(2, 31, 4);
        check(16, 31, 1);
        check(4, 24, 3);
        check(1, 1, 1);
    }
}
