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
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use measure::{Better, Build, Digest, Ending, FailureCount, Fingerprint, Metric, MetricId, Profile, Series, Unit};
use rusqlite::{Connection, MAIN_DB, OptionalExtension, Transaction, params};
use sha2::{Digest as _, Sha256};

use crate::{Annotated, Annotations, Chain, Entry, Error, Store, read};

const FILE: &str = ".index.sqlite";

/// The new file until it takes the place of the old one.
const NEW: &str = ".index.sqlite.new";

/// What stands behind the database, before the SHA-256 of it. It changes with the tables: another one is built again.
const MARK: &[u8; 16] = b"hostproof-index4";
const SHA256: usize = 32;

/// How often and for how long `rebuild` waits for another process that is writing the file.
const WAITS: (usize, Duration) = (100, Duration::from_millis(20));

const TABLES: &str = "
    CREATE TABLE fingerprint (key INTEGER PRIMARY KEY, platform_id TEXT, config_id TEXT, platform TEXT, config TEXT,
        UNIQUE (platform_id, config_id, platform, config));
    CREATE TABLE build (key INTEGER PRIMARY KEY, version TEXT, revision TEXT, compiler TEXT, profile TEXT, features TEXT,
        UNIQUE (version, revision, compiler, profile, features));
    CREATE TABLE run (key INTEGER PRIMARY KEY, path TEXT UNIQUE, size INTEGER, changed INTEGER, id TEXT, host TEXT,
        started TEXT, boot_id TEXT, profile TEXT, ending TEXT, build INTEGER, fingerprint INTEGER);
    CREATE TABLE metric (key INTEGER PRIMARY KEY, name TEXT, labels TEXT, unit TEXT, higher INTEGER,
        UNIQUE (name, labels, unit, higher));
    CREATE TABLE series (run INTEGER, metric INTEGER, valid INTEGER, tainted INTEGER, medians BLOB,
        PRIMARY KEY (run, metric)) WITHOUT ROWID;
    CREATE TABLE failure (run INTEGER, name TEXT, labels TEXT, wrong INTEGER, no_value INTEGER, lost INTEGER,
        PRIMARY KEY (run, name, labels)) WITHOUT ROWID;
    CREATE TABLE unreadable (path TEXT PRIMARY KEY, size INTEGER, changed INTEGER, why TEXT);
";

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

fn empty() -> rusqlite::Result<Connection> {
    let db = Connection::open_in_memory()?;
    db.execute_batch(TABLES)?;
    Ok(db)
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
    for record in fresh {
        match read(&record.entry.path) {
            Ok(run) => insert(&transaction, record, &Digest::of(&run))?,
            Err(error) => {
                transaction.execute(
                    "INSERT INTO unreadable VALUES (?1, ?2, ?3, ?4)",
                    params![record.path, record.size, record.changed, error.to_string()],
                )?;
            }
        }
    }
    transaction.commit()?;
    Ok(true)
}

fn insert(db: &Transaction<'_>, record: &Found, digest: &Digest) -> rusqlite::Result<()> {
    let (build, print) = (&digest.build, &digest.fingerprint);
    let build = key(
        db,
        "build (version, revision, compiler, profile, features)",
        &[&build.version, &build.revision, &build.compiler, &build.profile, &build.target_features],
    )?;
    let fingerprint = key(
        db,
        "fingerprint (platform_id, config_id, platform, config)",
        &[&print.platform_id, &print.config_id, &json(&print.platform), &json(&print.config)],
    )?;
    let ending = match digest.ending {
        Ending::Complete => "complete",
        Ending::Interrupted => "interrupted",
        Ending::Cut => "cut",
    };
    db.prepare_cached("INSERT INTO run VALUES (NULL, ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)")?.execute(
        params![
            record.path,
            record.size,
            record.changed,
            record.entry.id,
            record.entry.host,
            digest.started,
            digest.boot_id,
            digest.profile.name(),
            ending,
            build,
            fingerprint
        ],
    )?;
    let run = db.last_insert_rowid();
    for (id, series) in &digest.series {
        let higher = if series.metric.better == Better::Higher { "1" } else { "0" };
        let metric = key(
            db,
            "metric (name, labels, unit, higher)",
            &[&id.name, &json(&id.labels), series.metric.unit.symbol(), higher],
        )?;
        let medians: Vec<u8> = series.medians.iter().flat_map(|median| median.to_le_bytes()).collect();
        db.prepare_cached("INSERT INTO series VALUES (?1, ?2, ?3, ?4, ?5)")?.execute(params![
            run,
            metric,
            series.valid,
            series.tainted,
            medians
        ])?;
    }
    for (id, count) in &digest.failures {
        let values = params![run, id.name, json(&id.labels), count.wrong, count.no_value, count.lost];
        db.prepare_cached("INSERT INTO failure VALUES (?1, ?2, ?3, ?4, ?5, ?6)")?.execute(values)?;
    }
    Ok(())
}

/// The key of a row of texts, which is put in where it is new. `table` names its columns.
fn key(db: &Transaction<'_>, table: &str, texts: &[&str]) -> rusqlite::Result<i64> {
    let (name, columns) = table.split_once(' ').unwrap_or((table, ""));
    let columns = columns.trim_matches(['(', ')']);
    let wanted: Vec<String> =
        columns.split(", ").enumerate().map(|(index, column)| format!("{column} = ?{}", index + 1)).collect();
    let parameters = rusqlite::params_from_iter(texts);
    let known = db
        .prepare_cached(&format!("SELECT key FROM {name} WHERE {}", wanted.join(" AND ")))?
        .query_row(parameters, |row| row.get(0))
        .optional()?;
    if let Some(key) = known {
        return Ok(key);
    }
    let places: Vec<String> = (1..=texts.len()).map(|index| format!("?{index}")).collect();
    db.prepare_cached(&format!("INSERT INTO {table} VALUES ({})", places.join(", ")))?
        .execute(rusqlite::params_from_iter(texts))?;
    Ok(db.last_insert_rowid())
}

fn json(map: &BTreeMap<String, String>) -> String {
    // A map of texts always becomes JSON.
    serde_json::to_string(map).unwrap_or_default()
}

fn map(text: &str) -> BTreeMap<String, String> {
    serde_json::from_str(text).unwrap_or_default()
}

fn numbers(bytes: &[u8]) -> Vec<f64> {
    bytes.as_chunks().0.iter().map(|bytes| f64::from_le_bytes(*bytes)).collect()
}

fn profile(column: usize, text: &str) -> rusqlite::Result<Profile> {
    Profile::from_name(text)
        .ok_or_else(|| rusqlite::Error::InvalidColumnType(column, text.to_owned(), rusqlite::types::Type::Text))
}

fn ending(text: &str) -> Ending {
    match text {
        "complete" => Ending::Complete,
        "interrupted" => Ending::Interrupted,
        _ => Ending::Cut,
    }
}

fn builds(db: &Connection) -> rusqlite::Result<HashMap<i64, Build>> {
    let mut statement = db.prepare("SELECT key, version, revision, compiler, profile, features FROM build")?;
    let rows = statement.query_map([], |row| {
        let build = Build {
            version: row.get(1)?,
            revision: row.get(2)?,
            compiler: row.get(3)?,
            profile: row.get(4)?,
            target_features: row.get(5)?,
        };
        Ok((row.get(0)?, build))
    })?;
    rows.collect()
}

fn fingerprints(db: &Connection) -> rusqlite::Result<HashMap<i64, Fingerprint>> {
    let mut statement = db.prepare("SELECT key, platform_id, config_id, platform, config FROM fingerprint")?;
    let rows = statement.query_map([], |row| {
        let fingerprint = Fingerprint {
            platform_id: row.get(1)?,
            config_id: row.get(2)?,
            platform: map(&row.get::<_, String>(3)?),
            config: map(&row.get::<_, String>(4)?),
        };
        Ok((row.get(0)?, fingerprint))
    })?;
    rows.collect()
}

/// The metrics by their key; of `names` only those, where given.
fn metrics(
    db: &Connection,
    names: Option<&dyn Fn(&MetricId) -> bool>,
) -> rusqlite::Result<HashMap<i64, (MetricId, Metric)>> {
    let mut statement = db.prepare("SELECT key, name, labels, unit, higher FROM metric")?;
    let mut rows = statement.query([])?;
    let mut metrics = HashMap::new();
    while let Some(row) = rows.next()? {
        let id = MetricId { name: row.get(1)?, labels: map(&row.get::<_, String>(2)?) };
        // A unit that is not known was written by a later version, whose index this is not.
        let Some(unit) = Unit::from_symbol(&row.get::<_, String>(3)?) else { continue };
        let better = if row.get::<_, i64>(4)? == 1 { Better::Higher } else { Better::Lower };
        if names.is_none_or(|wanted| wanted(&id)) {
            let metric = Metric { name: id.name.clone(), unit, better };
            metrics.insert(row.get(0)?, (id, metric));
        }
    }
    Ok(metrics)
}

/// Removes a run from the store by choice, and notes it in the chain first.
pub fn prune(store: &Store, run: &Listed, why: &str) -> Result<(), Error> {
    let (id, host) = (run.digest.id.clone(), run.digest.host.clone());
    let entry = Entry { id, host, path: run.path.clone() };
    Chain::at(store.root()).removed(&entry, why)?;
    let folder = run.path.parent().unwrap_or(Path::new("."));
    fs::remove_dir_all(folder).map_err(|source| Error::Io { doing: "remove", path: folder.to_owned(), source })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testdata::{run, write_all};

    fn ids(index: &Index) -> Vec<String> {
        index.runs().unwrap().into_iter().map(|run| run.digest.id).collect()
    }

    #[test]
    fn an_index_says_what_the_records_say() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::at(dir.path());
        let mut original = run();
        write_all(&store.place("node-1", &original.id), &original);
        let index = Index::open(&store).unwrap();
        let runs = index.runs().unwrap();
        let loaded = index.load(&runs.iter().collect::<Vec<_>>(), None).unwrap();
        let expect = Digest::of(&original);
        assert_eq!(format!("{:?}", loaded[0]), format!("{expect:?}"));
        assert!(index.load(&[&runs[0]], Some(&|_| false)).unwrap()[0].series.is_empty());
        // One more, one gone, one damaged.
        original.id = "20260702T120000Z-0002".into();
        write_all(&store.place("node-1", &original.id), &original);
        assert_eq!(ids(&Index::open(&store).unwrap()).len(), 2);
        fs::remove_file(&runs[0].path).unwrap();
        assert_eq!(ids(&Index::open(&store).unwrap()), ["20260702T120000Z-0002"]);
        fs::write(store.place("node-1", &original.id), "damaged\n").unwrap();
        let index = Index::open(&store).unwrap();
        assert!(ids(&index).is_empty());
        assert!(index.unreadable().unwrap()[0].1.contains("line 1"));
    }

    #[test]
    fn a_damaged_index_is_built_again() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::at(dir.path());
        write_all(&store.place("h", "20260701T120000Z-0001"), &run());
        drop(Index::open(&store).unwrap());
        let file = dir.path().join(FILE);
        let sound = fs::read(&file).unwrap();
        for damage in [&b"no database"[..], b"", b"SQLite format 3\0 and nothing else"] {
            fs::write(&file, damage).unwrap();
            assert_eq!(ids(&Index::open(&store).unwrap()).len(), 1);
            assert_eq!(fs::read(&file).unwrap().len(), sound.len(), "it was not written again");
        }
        // A flipped bit anywhere, and a cut anywhere, is found; nothing of it is used.
        for at in (0..sound.len()).step_by(997).chain(sound.len() - 60..sound.len()) {
            let mut damaged = sound.clone();
            damaged[at] ^= 1;
            fs::write(&file, &damaged).unwrap();
            assert!(saved(&file).is_none(), "bit at {at}");
            fs::write(&file, &sound[..at]).unwrap();
            assert!(saved(&file).is_none(), "cut at {at}");
        }
        // Tables that are not ours, as they were written.
        let other = Connection::open_in_memory().unwrap();
        other.execute_batch("CREATE TABLE run (key INTEGER)").unwrap();
        Index { db: other, root: dir.path().to_owned(), trouble: None }.save().unwrap();
        assert!(saved(&file).is_some());
        assert_eq!(ids(&Index::open(&store).unwrap()).len(), 1);
        // A record that was changed behind the file system's back, with the same size and time.
        let path = store.list().unwrap().remove(0).path;
        let before = fs::metadata(&path).unwrap();
        let text = fs::read_to_string(&path).unwrap().replace("\"quick\"", "\"smoke\"");
        fs::write(&path, text).unwrap();
        fs::File::options().append(true).open(&path).unwrap().set_modified(before.modified().unwrap()).unwrap();
        let profile = |index: &Index| index.runs().unwrap()[0].digest.profile;
        assert_eq!(profile(&Index::open(&store).unwrap()), Profile::Quick);
        assert_eq!(profile(&Index::rebuild(&store).unwrap()), Profile::Smoke);
        fs::remove_file(dir.path().join(FILE)).unwrap();
        assert_eq!(profile(&Index::rebuild(&store).unwrap()), Profile::Smoke);
    }

    #[test]
    fn commands_beside_each_other_go_on() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::at(dir.path());
        write_all(&store.place("h", "20260701T120000Z-0000"), &run());
        std::thread::scope(|scope| {
            for thread in 1..=4 {
                let store = &store;
                scope.spawn(move || {
                    for number in 0..10 {
                        let id = format!("2026070{thread}T12000{number}Z-0001");
                        write_all(&store.place("h", &id), &run());
                        let index = if thread == 1 { Index::rebuild(store) } else { Index::open(store) };
                        assert!(ids(&index.unwrap()).contains(&id), "{id}");
                    }
                });
            }
        });
        assert_eq!(ids(&Index::open(&store).unwrap()).len(), 41);
        assert!(!dir.path().join(NEW).exists());
        assert_eq!(Chain::at(dir.path()).verify(&store.list().unwrap()).unwrap().sound, 41);
    }

    #[test]
    fn what_cannot_be_sealed_or_written_is_told() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::at(dir.path());
        write_all(&store.place("h", "20260701T120000Z-0001"), &run());
        fs::create_dir(dir.path().join("chain.jsonl")).unwrap();
        fs::create_dir(dir.path().join(FILE)).unwrap();
        let index = Index::open(&store).unwrap();
        assert!(index.trouble().unwrap().to_string().contains("chain.jsonl: Is a directory"));
        assert_eq!(ids(&index).len(), 1);
        assert!(Index::rebuild(&store).unwrap_err().to_string().contains(FILE));
        // A link in the way of the new file is not followed.
        fs::remove_dir(dir.path().join(FILE)).unwrap();
        std::os::unix::fs::symlink(dir.path().join("aim"), dir.path().join(NEW)).unwrap();
        assert!(Index::rebuild(&store).is_err());
        assert!(!dir.path().join("aim").exists());
        let read_only = Error::Io { doing: "open", path: "".into(), source: io::ErrorKind::ReadOnlyFilesystem.into() };
        assert!(read_only.is_read_only() && !index.trouble().unwrap().is_read_only());
    }

    #[test]
    fn a_store_that_is_not_there_is_empty() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::at(&dir.path().join("none"));
        assert!(ids(&Index::open(&store).unwrap()).is_empty());
        assert!(!dir.path().join("none").exists());
    }

    #[test]
    fn pruning_removes_a_run_and_the_chain_knows() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::at(dir.path());
        for id in ["20260701T120000Z-0001", "20260702T120000Z-0002"] {
            let run = measure::Run { id: id.into(), host: "h".into(), ..run() };
            write_all(&store.place("h", id), &run);
        }
        let runs = Index::open(&store).unwrap().runs().unwrap();
        prune(&store, &runs[0], "a test").unwrap();
        assert_eq!(ids(&Index::open(&store).unwrap()), ["20260702T120000Z-0002"]);
        let verified = Chain::at(dir.path()).verify(&store.list().unwrap()).unwrap();
        assert_eq!((verified.sound, verified.faults.len()), (1, 0));
    }
}
