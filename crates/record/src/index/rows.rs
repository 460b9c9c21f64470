//! The tables of the index, and their rows as the types of `measure`.

use std::collections::{BTreeMap, HashMap};

use measure::{Better, Build, Digest, Ending, Fingerprint, Metric, MetricId, Profile, Unit};
use rusqlite::{Connection, OptionalExtension, Transaction, params};

use super::Found;

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

/// A database with the tables, and nothing in them.
pub(super) fn empty() -> rusqlite::Result<Connection> {
    let db = Connection::open_in_memory()?;
    db.execute_batch(TABLES)?;
    Ok(db)
}

/// Keys of metrics that were put in or looked up already: records of one store have the same ones again and again.
#[derive(Debug, Default)]
pub(super) struct MetricKeys(HashMap<MetricId, Vec<(Metric, i64)>>);

impl MetricKeys {
    fn of(&mut self, db: &Transaction<'_>, id: &MetricId, metric: &Metric) -> rusqlite::Result<i64> {
        let known = self.0.get(id).and_then(|all| all.iter().find(|(known, _)| known == metric));
        if let Some((_, key)) = known {
            return Ok(*key);
        }
        let higher = if metric.better == Better::Higher { "1" } else { "0" };
        let texts = [&id.name, &json(&id.labels), metric.unit.symbol(), higher];
        let key = key(db, "metric (name, labels, unit, higher)", &texts)?;
        self.0.entry(id.clone()).or_default().push((metric.clone(), key));
        Ok(key)
    }
}

/// Puts a record's digest in.
pub(super) fn insert(
    db: &Transaction<'_>,
    record: &Found,
    digest: &Digest,
    keys: &mut MetricKeys,
) -> rusqlite::Result<()> {
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
        let metric = keys.of(db, id, &series.metric)?;
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

/// Of the JSON in a column.
pub(super) fn map(text: &str) -> BTreeMap<String, String> {
    serde_json::from_str(text).unwrap_or_default()
}

/// Of the little-endian doubles in a column.
pub(super) fn numbers(bytes: &[u8]) -> Vec<f64> {
    bytes.as_chunks().0.iter().map(|bytes| f64::from_le_bytes(*bytes)).collect()
}

/// Of the name in a column.
pub(super) fn profile(column: usize, text: &str) -> rusqlite::Result<Profile> {
    Profile::from_name(text)
        .ok_or_else(|| rusqlite::Error::InvalidColumnType(column, text.to_owned(), rusqlite::types::Type::Text))
}

/// Of the word in a column.
pub(super) fn ending(text: &str) -> Ending {
    match text {
        "complete" => Ending::Complete,
        "interrupted" => Ending::Interrupted,
        _ => Ending::Cut,
    }
}

/// All builds by their keys.
pub(super) fn builds(db: &Connection) -> rusqlite::Result<HashMap<i64, Build>> {
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

/// All fingerprints by their keys.
pub(super) fn fingerprints(db: &Connection) -> rusqlite::Result<HashMap<i64, Fingerprint>> {
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
pub(super) fn metrics(
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
