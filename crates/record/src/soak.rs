//! A soak: hours under load that are kept over crashes and power cuts.
//!
//! Its state is a journal in the store. Every minute under load is an entry of its own, on the disk when the next one begins, and
//! every hour is sealed: a seal is the SHA-256 of all that stands before it, so that each one proves those before.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use measure::{Incident, LoadFailure, SoakLog, SoakPlan, Stretch, Watched, WrongResult};
use pipe::from_line;
use serde::{Deserialize, Serialize};

use crate::chain::sha256;
use crate::journal::Journal;
use crate::{Error, Store};

const FOLDER: &str = "soaks";
const LOCK: &str = "lock";

/// An entry of the journal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SoakEntry {
    /// The soak is to do this.
    Planned(SoakPlan),
    /// It began, or goes on.
    Begun {
        /// When, in seconds since 1970.
        at: f64,
        /// The kernel's id of the boot.
        boot: String,
    },
    /// About a minute under load.
    Stretch(Stretch),
    /// A result was wrong.
    Wrong {
        /// When it was found.
        at: f64,
        /// What.
        result: WrongResult,
    },
    /// A limit broke.
    Incident(Incident),
    /// A load ended early.
    Failed(LoadFailure),
    /// What the watch knows, and what nothing tells it of.
    Watched {
        /// When, in seconds since 1970.
        at: f64,
        /// Counters, and what must stay.
        values: Vec<Watched>,
        /// What is not watched.
        missing: Vec<String>,
    },
    /// Figures were taken by this run.
    Run(String),
    /// Figures could not be taken.
    NoFigures {
        /// When.
        at: f64,
        /// Why.
        why: String,
    },
    /// All that stands before has this SHA-256.
    Sealed(String),
    /// It was stopped in order, to go on later.
    Stopped {
        /// When.
        at: f64,
    },
    /// It is over.
    Ended {
        /// When.
        at: f64,
    },
}

/// A soak with all that happened in it.
#[derive(Clone, Debug)]
pub struct Soak {
    id: String,
    journal: Journal,
    entries: Vec<SoakEntry>,
}

/// What the seals of a soak say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seals {
    /// So many are right; whether entries stand behind the last one.
    Right {
        /// How many.
        count: usize,
        /// Whether some entries are not sealed yet.
        open: bool,
    },
    /// What stands in this line, a seal or the end, does not fit what stands before it: that was changed, or a seal was taken out.
    Broken {
        /// The line, from 1.
        line: usize,
    },
}

impl Soak {
    /// Refuses a store with a soak that is not over: it has one at a time.
    pub fn may_start(store: &Store) -> Result<(), Error> {
        let open = Soak::all(store)?.into_iter().find(|soak| !soak.is_over());
        open.map_or(Ok(()), |Soak { id, .. }| {
            let what =
                format!("soak {id} is not over: `hostproof soak --continue` goes on, `hostproof soak --end` ends it");
            Err(Error::Campaign(what))
        })
    }

    /// Begins a soak with this id.
    pub fn start(store: &Store, id: &str, plan: SoakPlan) -> Result<Soak, Error> {
        Soak::may_start(store)?;
        let path = store.root().join(FOLDER).join(format!("{id}.jsonl"));
        if path.exists() {
            return Err(Error::Exists(path));
        }
        let mut soak = Soak { id: id.to_owned(), journal: Journal::at(&path), entries: Vec::new() };
        soak.note(SoakEntry::Planned(plan))?;
        Ok(soak)
    }

    /// All soaks of a store, the oldest first.
    pub fn all(store: &Store) -> Result<Vec<Soak>, Error> {
        let folder = store.root().join(FOLDER);
        let mut paths: Vec<PathBuf> = Vec::new();
        if folder.is_dir() {
            let fail = |source| Error::Io { doing: "list", path: folder.clone(), source };
            for entry in fs::read_dir(&folder).map_err(fail)? {
                paths.push(entry.map_err(fail)?.path());
            }
        }
        paths.retain(|path| path.extension().is_some_and(|extension| extension == "jsonl"));
        paths.sort();
        let open = |path: &PathBuf| -> Result<Option<Soak>, Error> {
            let journal = Journal::at(path);
            let entries: Vec<SoakEntry> = journal.read()?;
            let id = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            // One whose first entry was never written whole has done nothing.
            Ok(matches!(entries.first(), Some(SoakEntry::Planned(_))).then_some(Soak { id, journal, entries }))
        };
        Ok(paths.iter().map(open).collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect())
    }

    /// Its id.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The journal that is its state.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.journal.path()
    }

    /// Whether it has ended.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.entries.iter().any(|entry| matches!(entry, SoakEntry::Ended { .. }))
    }

    /// Notes what happened. It is on the disk when this returns.
    pub fn note(&mut self, entry: SoakEntry) -> Result<(), Error> {
        self.journal.append(&entry)?;
        self.entries.push(entry);
        Ok(())
    }

    /// Seals all entries that are not sealed yet.
    pub fn seal(&mut self) -> Result<(), Error> {
        if matches!(self.entries.last(), Some(SoakEntry::Sealed(_))) {
            return Ok(());
        }
        let bytes = self.bytes()?;
        let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        self.note(SoakEntry::Sealed(sha256(&bytes[..whole])))
    }

    /// Ends it for good. A seal comes first, so that an end without one says that something was taken out.
    pub fn end(&mut self, at: f64) -> Result<(), Error> {
        self.seal()?;
        self.note(SoakEntry::Ended { at })?;
        self.seal()
    }

    /// Holds the journal against its seals. They are hashes, no signature: whoever can write can also seal anew.
    pub fn seals(&self) -> Result<Seals, Error> {
        let bytes = self.bytes()?;
        let (mut before, mut count, mut open) = (0, 0, false);
        for (number, line) in bytes.split_inclusive(|byte| *byte == b'\n').enumerate() {
            match from_line(line) {
                Ok(SoakEntry::Sealed(seal)) if sha256(&bytes[..before]) == seal => (count, open) = (count + 1, false),
                Ok(SoakEntry::Sealed(_)) => return Ok(Seals::Broken { line: number + 1 }),
                Ok(SoakEntry::Ended { .. }) if open => return Ok(Seals::Broken { line: number + 1 }),
                _ => open = true,
            }
            before += line.len();
        }
        Ok(Seals::Right { count, open })
    }

    /// All that is known of it.
    ///
    /// # Panics
    ///
    /// Never: a soak begins with its plan.
    #[must_use]
    pub fn log(&self) -> SoakLog {
        let Some(SoakEntry::Planned(plan)) = self.entries.first() else { unreachable!("a soak begins with its plan") };
        let mut log = SoakLog {
            id: self.id.clone(),
            plan: plan.clone(),
            begun: Vec::new(),
            stopped: Vec::new(),
            stretches: Vec::new(),
            wrong: Vec::new(),
            incidents: Vec::new(),
            failures: Vec::new(),
            runs: Vec::new(),
            no_figures: Vec::new(),
            watched: Vec::new(),
            not_watched: Vec::new(),
        };
        for entry in self.entries.iter().cloned() {
            match entry {
                SoakEntry::Planned(_) | SoakEntry::Sealed(_) => {}
                SoakEntry::Begun { at, boot } => log.begun.push((at, boot)),
                SoakEntry::Stopped { at } | SoakEntry::Ended { at } => log.stopped.push(at),
                SoakEntry::Stretch(stretch) => log.stretches.push(stretch),
                SoakEntry::Wrong { at, result } => log.wrong.push((at, result)),
                SoakEntry::Incident(incident) => {
                    // By so much a counter has grown since it was noted.
                    let is_it = |one: &&mut Watched| one.part == incident.part && one.vital == incident.vital;
                    if let Some(counter) = log.watched.iter_mut().find(is_it) {
                        counter.last += incident.value;
                    }
                    log.incidents.push(incident);
                }
                SoakEntry::Failed(failure) => log.failures.push(failure),
                SoakEntry::Run(id) => log.runs.push((log.seconds(), id)),
                SoakEntry::NoFigures { why, .. } => log.no_figures.push(why),
                SoakEntry::Watched { values, missing, .. } => {
                    log.watched = values;
                    log.not_watched.extend(missing);
                    log.not_watched.sort();
                    log.not_watched.dedup();
                }
            }
        }
        log
    }

    /// Takes the right to go on with a soak; `None` while another process has it.
    pub fn lock(store: &Store) -> Result<Option<File>, Error> {
        let folder = store.root().join(FOLDER);
        let path = folder.join(LOCK);
        let fail = |doing| {
            let path = path.clone();
            move |source| Error::Io { doing, path, source }
        };
        fs::create_dir_all(&folder).map_err(fail("create the folder of"))?;
        let file = File::options().create(true).append(true).open(&path).map_err(fail("open"))?;
        match file.try_lock() {
            Ok(()) => Ok(Some(file)),
            Err(fs::TryLockError::WouldBlock) => Ok(None),
            Err(fs::TryLockError::Error(source)) => Err(fail("lock")(source)),
        }
    }

    fn bytes(&self) -> Result<Vec<u8>, Error> {
        let path = self.journal.path();
        fs::read(path).map_err(|source| Error::Io { doing: "read", path: path.to_owned(), source })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use measure::Load;

    fn plan() -> SoakPlan {
        SoakPlan {
            host: "h".into(),
            seconds: 3600.0,
            loads: vec![Load::Memory],
            workloads: vec![],
            memory: 1,
            files: 0,
            folder: ".".into(),
            spec: "s".into(),
            prom: None,
            on_event: None,
            unit_dir: None,
            started: "2026-07-01T00:00:00Z".into(),
        }
    }

    fn stretch(at: f64) -> SoakEntry {
        SoakEntry::Stretch(Stretch { at, seconds: 60.0, ..Stretch::default() })
    }

    #[test]
    fn hours_are_kept_when_the_journal_is_cut_anywhere() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::at(folder.path());
        let mut soak = Soak::start(&store, "s1", plan()).unwrap();
        soak.note(SoakEntry::Begun { at: 0.0, boot: "b1".into() }).unwrap();
        for minute in 1..=3 {
            soak.note(stretch(60.0 * f64::from(minute))).unwrap();
            soak.seal().unwrap();
        }
        assert_eq!(soak.seals().unwrap(), Seals::Right { count: 3, open: false });
        let bytes = fs::read(soak.path()).unwrap();
        let lines: Vec<&[u8]> = bytes.split_inclusive(|byte| *byte == b'\n').collect();
        for cut in 0..bytes.len() {
            fs::write(soak.path(), &bytes[..cut]).unwrap();
            let mut length = 0;
            let whole = lines
                .iter()
                .take_while(|line| {
                    length += line.len();
                    length <= cut
                })
                .count();
            let Some(mut again) = Soak::all(&store).unwrap().pop() else {
                assert_eq!(whole, 0);
                continue;
            };
            assert!((again.log().seconds() - 60.0 * (whole.saturating_sub(1) / 2) as f64).abs() < 1e-9, "{cut}");
            // It goes on: what was cut is cut off, and all that stands is sealed.
            again.seal().unwrap();
            again.note(SoakEntry::Begun { at: 999.0, boot: "b2".into() }).unwrap();
            again.seal().unwrap();
            assert!(matches!(again.seals().unwrap(), Seals::Right { open: false, .. }), "{cut}");
            assert_eq!(again.log().begun.last().unwrap().1, "b2");
        }
    }

    #[test]
    fn what_is_changed_breaks_its_seal() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::at(folder.path());
        let mut soak = Soak::start(&store, "s1", plan()).unwrap();
        soak.note(stretch(60.0)).unwrap();
        soak.seal().unwrap();
        soak.note(stretch(120.0)).unwrap();
        assert_eq!(soak.seals().unwrap(), Seals::Right { count: 1, open: true });
        let text = fs::read_to_string(soak.path()).unwrap();
        fs::write(soak.path(), text.replace("\"seconds\":60.0", "\"seconds\":61.0")).unwrap();
        assert_eq!(soak.seals().unwrap(), Seals::Broken { line: 3 });
    }

    #[test]
    fn an_end_without_a_seal_before_it_is_broken() {
        let folder = tempfile::tempdir().unwrap();
        let mut soak = Soak::start(&Store::at(folder.path()), "s1", plan()).unwrap();
        soak.note(stretch(60.0)).unwrap();
        soak.note(SoakEntry::Run("r1".into())).unwrap();
        assert_eq!(soak.log().runs, [(60.0, "r1".to_owned())]);
        soak.end(61.0).unwrap();
        assert_eq!(soak.seals().unwrap(), Seals::Right { count: 2, open: false });
        let text = fs::read_to_string(soak.path()).unwrap();
        let without: Vec<&str> = text.lines().filter(|line| !line.contains("\"sealed\"")).collect();
        fs::write(soak.path(), without.join("\n") + "\n").unwrap();
        assert_eq!(soak.seals().unwrap(), Seals::Broken { line: 4 });
    }

    #[test]
    fn a_store_has_one_soak_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::at(folder.path());
        assert!(Soak::all(&store).unwrap().is_empty());
        let mut first = Soak::start(&store, "s1", plan()).unwrap();
        assert!(Soak::start(&store, "s2", plan()).unwrap_err().to_string().contains("soak s1 is not over"));
        first.note(SoakEntry::Ended { at: 1.0 }).unwrap();
        Soak::start(&store, "s2", plan()).unwrap();
        let lock = Soak::lock(&store).unwrap();
        assert!(lock.is_some() && Soak::lock(&store).unwrap().is_none());
    }
}
