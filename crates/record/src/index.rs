//! The index of a store: the digest of every record, so that thousands are listed and compared without reading them.
//!
//! It holds nothing that the records do not, and is brought up to date whenever it is opened: a record that is new, gone
//! or of another size or time of change is read again. The file is taken into memory whole, and only where it has the
//! SHA-256 that stands at its end: one that was damaged at any byte is built again, and never gives a wrong list. It is
//! replaced whole, so nobody waits for anybody and a command that has begun goes on with what it read; of two that write at
//! once one wins, and the other's news are read again next time. Where no file can be written (a store on read-only media)
//! the index lives in memory alone.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::num::NonZero;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use measure::{Digest, FailureCount, MetricId, Series};
use rusqlite::{Connection, MAIN_DB, Transaction, params};
use sha2::{Digest as _, Sha256};

use self::rows::{MetricKeys, builds, empty, ending, fingerprints, insert, map, metrics, numbers, profile};
use crate::{Annotated, Annotations, Chain, Entry, Error, Store, read};

mod rows;
#[cfg(test)]
mod tests;

const FILE: &str = ".index.sqlite";

/// The new file until it takes the place of the old one.
const NEW: &str = ".index.sqlite.new";

/// What stands behind the database, before the SHA-256 of it. It changes with the tables (`rows.rs`): another one is built again.
const MARK: &[u8; 16] = b"hostproof-index4";
const SHA256: usize = 32;

/// How many new records are in memory in brief at once.
const AT_ONCE: usize = 128;

/// How often and for how long `rebuild` waits for another process that is writing the file; longer in tests,
/// where four threads write at once, on a host that may be busy.
const WAITS: (usize, Duration) = (if cfg!(test) { 10_000 } else { 100 }, Duration::from_millis(20));

/// An index that is up to date.
#[derive(Debug)]
pub struct Index {
    db: Connection,
    root: PathBuf,
    trouble: Option<Error>,
}

/// A run in the store, without its series until they are loaded.
#[derive(Clone, Debug, PartialEq)]
pub struct Listed {
    /// Its key in the index.
    pub(crate) key: i64,
    /// Its place in the order in which runs were sealed, where it is.
    pub(crate) sealed: Option<usize>,
    /// The run in brief.
    pub digest: Digest,
    /// The record.
    pub path: PathBuf,
    /// What people call it.
    pub tags: BTreeSet<String>,
}

/// A record as the file system tells of it.
struct Found {
    entry: Entry,
    path: String,
    size: i64,
    changed: i64,
}

impl Index {
    /// Opens the index of a store, brings it up to date and seals the records that have ended since.
    pub fn open(store: &Store) -> Result<Index, Error> {
        let saved = saved(&store.root().join(FILE));
        let (mut index, is_new) = Index::of(store, saved)?;
        if is_new {
            // Where the file cannot be written now, it is brought up to date another time.
            let _ = index.save();
        }
        Ok(index)
    }

    /// Builds the index from the records, whatever file there is, and puts it in that file's place.
    pub fn rebuild(store: &Store) -> Result<Index, Error> {
        let (mut index, _) = Index::of(store, None)?;
        let fail = |source| Error::Io { doing: "write", path: store.root().join(FILE), source };
        for _ in 0..WAITS.0 {
            match index.save() {
                Ok(true) => return Ok(index),
                Ok(false) => std::thread::sleep(WAITS.1),
                Err(_) if !store.root().exists() => return Ok(index),
                Err(source) => return Err(fail(source)),
            }
        }
        Err(fail(io::Error::other("another process has been writing it for too long")))
    }

    /// An index that is up to date, and whether it says more or less than `saved`.
    fn of(store: &Store, saved: Option<Connection>) -> Result<(Index, bool), Error> {
        let root = store.root().to_owned();
        let found = found(store)?;
        let renew = |saved: Option<Connection>| -> rusqlite::Result<(Connection, bool)> {
            let is_saved = saved.is_some();
            let mut db = saved.map_or_else(empty, Ok)?;
            let changed = refresh(&mut db, &found)?;
            Ok((db, changed || !is_saved))
        };
        // What cannot be read although it is what was written was written by a version that is not known here.
        let renewed = renew(saved).or_else(|_| renew(None));
        let (db, is_new) = renewed.map_err(|source| Error::Index { path: root.join(FILE), source })?;
        let entries: Vec<Entry> = found.into_iter().map(|found| found.entry).collect();
        // A store that cannot be written to cannot be sealed; it is still read.
        let trouble = Chain::at(&root).seal(&entries).err().filter(|error| !error.is_read_only());
        Ok((Index { db, root, trouble }, is_new))
    }

    /// Why the records that have ended could not be sealed, unless it is only that this process may not write there.
    #[must_use]
    pub fn trouble(&self) -> Option<&Error> {
        self.trouble.as_ref()
    }

    /// Puts the index in the place of its file; `false` where another process is writing it.
    fn save(&mut self) -> io::Result<bool> {
        let new = self.root.join(NEW);
        // One name, so that kills leave one file at most; a link that somebody laid there is not followed.
        let mut file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .custom_flags(rustix::fs::OFlags::NOFOLLOW.bits().cast_signed())
            .open(&new)?;
        if file.try_lock().is_err() {
            return Ok(false);
        }
        let is_ours = fs::symlink_metadata(&new).is_ok_and(|named| named.ino() == inode(&file));
        if !is_ours {
            // It has taken its place between our opening and our locking.
            return Ok(false);
        }
        let data = self.db.serialize(MAIN_DB).map_err(io::Error::other)?;
        let written = file.set_len(0).and_then(|()| {
            file.write_all(&data)?;
            file.write_all(MARK)?;
            file.write_all(&Sha256::digest(&*data))?;
            fs::rename(&new, self.root.join(FILE))
        });
        written.inspect_err(|_| {
            // A full disk; the first error is the one to tell.
            let _ = fs::remove_file(&new);
        })?;
        Ok(true)
    }

    /// Every run, the oldest first, without series.
    pub fn runs(&self) -> Result<Vec<Listed>, Error> {
        let annotated = self.annotations()?;
        let order = Chain::at(&self.root).order();
        let (builds, fingerprints) = self.at(builds(&self.db).and_then(|b| Ok((b, fingerprints(&self.db)?))))?;
        let listed = || -> rusqlite::Result<Vec<Listed>> {
            let mut statement = self.db.prepare(
                "SELECT key, path, id, host, started, boot_id, profile, ending, build, fingerprint FROM run
                 ORDER BY started, id",
            )?;
            let rows = statement.query_map([], |row| {
                let (id, host): (String, String) = (row.get(2)?, row.get(3)?);
                Ok(Listed {
                    key: row.get(0)?,
                    sealed: order.get(&(host.clone(), id.clone())).copied(),
                    path: PathBuf::from(row.get::<_, String>(1)?),
                    tags: annotated.tags.get(&id).cloned().unwrap_or_default(),
                    digest: Digest {
                        id,
                        host,
                        started: row.get(4)?,
                        boot_id: row.get(5)?,
                        profile: profile(6, &row.get::<_, String>(6)?)?,
                        ending: ending(&row.get::<_, String>(7)?),
                        build: builds.get(&row.get(8)?).cloned().unwrap_or_default(),
                        fingerprint: fingerprints.get(&row.get(9)?).cloned().unwrap_or_default(),
                        series: BTreeMap::new(),
                        failures: BTreeMap::new(),
                    },
                })
            })?;
            rows.collect()
        };
        self.at(listed())
    }

    /// The digests of some runs, with their series; of `names` only those metrics, where given.
    pub fn load(&self, runs: &[&Listed], names: Option<&dyn Fn(&MetricId) -> bool>) -> Result<Vec<Digest>, Error> {
        let mut digests = Vec::with_capacity(runs.len());
        self.each(runs, names, |digest| digests.push(digest))?;
        Ok(digests)
    }

    /// The same one after the other, so that thousands never lie in memory at once.
    pub fn each(
        &self,
        runs: &[&Listed],
        names: Option<&dyn Fn(&MetricId) -> bool>,
        mut take: impl FnMut(Digest),
    ) -> Result<(), Error> {
        let mut load = || -> rusqlite::Result<()> {
            let metrics = metrics(&self.db, names)?;
            let mut series = self.db.prepare("SELECT metric, valid, tainted, medians FROM series WHERE run = ?1")?;
            let mut failures =
                self.db.prepare("SELECT name, labels, wrong, no_value, lost FROM failure WHERE run = ?1")?;
            for run in runs {
                let mut digest = run.digest.clone();
                let mut rows = series.query([run.key])?;
                while let Some(row) = rows.next()? {
                    if let Some((id, metric)) = metrics.get(&row.get::<_, i64>(0)?) {
                        let series = Series {
                            metric: metric.clone(),
                            valid: row.get(1)?,
                            tainted: row.get(2)?,
                            medians: numbers(row.get_ref(3)?.as_blob()?),
                        };
                        digest.series.insert(id.clone(), series);
                    }
                }
                let mut rows = failures.query([run.key])?;
                while let Some(row) = rows.next()? {
                    let id = MetricId { name: row.get(0)?, labels: map(&row.get::<_, String>(1)?) };
                    let count = FailureCount { wrong: row.get(2)?, no_value: row.get(3)?, lost: row.get(4)? };
                    digest.failures.insert(id, count);
                }
                take(digest);
            }
            Ok(())
        };
        self.at(load())
    }

    /// Records that cannot be read, and why.
    pub fn unreadable(&self) -> Result<Vec<(PathBuf, String)>, Error> {
        let list = || -> rusqlite::Result<Vec<(PathBuf, String)>> {
            let mut statement = self.db.prepare("SELECT path, why FROM unreadable ORDER BY path")?;
            let rows = statement.query_map([], |row| Ok((PathBuf::from(row.get::<_, String>(0)?), row.get(1)?)))?;
            rows.collect()
        };
        self.at(list())
    }

    /// What people say about the runs.
    pub fn annotations(&self) -> Result<Annotated, Error> {
        Annotations::at(&self.root).read()
    }

    fn at<T>(&self, result: rusqlite::Result<T>) -> Result<T, Error> {
        result.map_err(|source| Error::Index { path: self.root.join(FILE), source })
    }
}

fn found(store: &Store) -> Result<Vec<Found>, Error> {
    let stat = |entry: Entry| {
        let fail = |source| Error::Io { doing: "look at", path: entry.path.clone(), source };
        let metadata = fs::metadata(&entry.path).map_err(fail)?;
        let changed = metadata.mtime() * 1_000_000_000 + metadata.mtime_nsec();
        let path = entry.path.to_string_lossy().into_owned();
        let size = i64::try_from(metadata.len()).unwrap_or(i64::MAX);
        Ok(Found { entry, path, size, changed })
    };
    store.list()?.into_iter().map(stat).collect()
}

fn inode(file: &File) -> u64 {
    file.metadata().map_or(0, |metadata| metadata.ino())
}

/// What is in the file, where it is what was written there.
fn saved(file: &Path) -> Option<Connection> {
    let bytes = crate::input::read(file).ok()?;
    let (data, end) = bytes.split_at_checked(bytes.len().checked_sub(MARK.len() + SHA256)?)?;
    if end[..MARK.len()] != MARK[..] || Sha256::digest(data)[..] != end[MARK.len()..] {
        return None;
    }
    let mut db = Connection::open_in_memory().ok()?;
    db.deserialize_read_exact(MAIN_DB, data, data.len(), false).ok()?;
    Some(db)
}

/// Takes in what is new or changed, and drops what is gone; gives whether there was any.
fn refresh(db: &mut Connection, found: &[Found]) -> rusqlite::Result<bool> {
    let mut known: HashMap<String, (i64, i64)> = HashMap::new();
    {
        let mut statement =
            db.prepare("SELECT path, size, changed FROM run UNION ALL SELECT path, size, changed FROM unreadable")?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            known.insert(row.get(0)?, (row.get(1)?, row.get(2)?));
        }
    }
    let mut fresh = Vec::new();
    for record in found {
        if known.remove(&record.path) != Some((record.size, record.changed)) {
            fresh.push(record);
        }
    }
    if fresh.is_empty() && known.is_empty() {
        return Ok(false);
    }
    let transaction = db.transaction()?;
    for path in known.keys().chain(fresh.iter().map(|record| &record.path)) {
        for table in ["series", "failure"] {
            let rows = format!("DELETE FROM {table} WHERE run IN (SELECT key FROM run WHERE path = ?1)");
            transaction.prepare_cached(&rows)?.execute([path])?;
        }
        transaction.execute("DELETE FROM run WHERE path = ?1", [path])?;
        transaction.execute("DELETE FROM unreadable WHERE path = ?1", [path])?;
    }
    put_in(&transaction, &fresh)?;
    transaction.commit()?;
    Ok(true)
}

/// Puts records in, while the next ones are read.
fn put_in(transaction: &Transaction<'_>, records: &[&Found]) -> rusqlite::Result<()> {
    let mut keys = MetricKeys::default();
    thread::scope(|scope| {
        let (sender, read) = mpsc::sync_channel(1);
        scope.spawn(move || {
            // Nobody listens any more where the database has failed.
            let _ = records.chunks(AT_ONCE).try_for_each(|records| sender.send((records, digests(records))));
        });
        for (records, digests) in read {
            for (record, digest) in records.iter().zip(digests) {
                match digest {
                    Ok(digest) => insert(transaction, record, &digest, &mut keys)?,
                    Err(error) => {
                        transaction.execute(
                            "INSERT INTO unreadable VALUES (?1, ?2, ?3, ?4)",
                            params![record.path, record.size, record.changed, error.to_string()],
                        )?;
                    }
                }
            }
        }
        Ok(())
    })
}

/// The records in brief, in their order, read by as many threads as there are CPUs.
fn digests(records: &[&Found]) -> Vec<Result<Digest, Error>> {
    let of = |record: &&Found| read(&record.entry.path).map(|run| Digest::of(&run));
    let threads = thread::available_parallelism().map_or(1, NonZero::get);
    let part = records.len().div_ceil(threads).max(1);
    thread::scope(|scope| {
        let workers: Vec<_> = records
            .chunks(part)
            .map(|part| scope.spawn(move || part.iter().map(of).collect::<Vec<Result<Digest, Error>>>()))
            .collect();
        let join = |worker: thread::ScopedJoinHandle<'_, Vec<Result<Digest, Error>>>| {
            worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        };
        workers.into_iter().flat_map(join).collect()
    })
}

/// Removes a run from the store by choice, and notes it in the chain first.
pub fn prune(store: &Store, run: &Listed, why: &str) -> Result<(), Error> {
    let (id, host) = (run.digest.id.clone(), run.digest.host.clone());
    let entry = Entry { id, host, path: run.path.clone() };
    Chain::at(store.root()).removed(&entry, why)?;
    let folder = run.path.parent().unwrap_or(Path::new("."));
    fs::remove_dir_all(folder).map_err(|source| Error::Io { doing: "remove", path: folder.to_owned(), source })
}
