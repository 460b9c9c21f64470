//! How drives wear: a line a day for each drive, beside the records of a store.

use serde::{Deserialize, Serialize};

use crate::journal::Journal;
use crate::{Error, Store};

const FILE: &str = "wear.jsonl";

/// What a drive said of its wear on a day.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WearEntry {
    /// The day, `2026-07-01`, in UTC.
    pub day: String,
    /// The host.
    pub host: String,
    /// The drive, by model and serial number.
    pub drive: String,
    /// Endurance used, as a share.
    pub used: f64,
    /// Bytes that were written to it.
    pub written: f64,
}

/// The journal of wear of a store.
#[derive(Clone, Debug)]
pub struct WearLog(Journal);

impl WearLog {
    /// That of a store.
    #[must_use]
    pub fn of(store: &Store) -> WearLog {
        WearLog(Journal::at(&store.root().join(FILE)))
    }

    /// All entries, in the order in which they came.
    ///
    /// # Errors
    ///
    /// If the journal cannot be read.
    pub fn read(&self) -> Result<Vec<WearEntry>, Error> {
        self.0.read()
    }

    /// Adds those that are the first of their drive on their day; gives how many.
    ///
    /// # Errors
    ///
    /// If the journal cannot be written.
    pub fn add(&self, entries: &[WearEntry]) -> Result<usize, Error> {
        let is_there = |known: &[WearEntry], new: &WearEntry| {
            known.iter().any(|known| known.day == new.day && known.host == new.host && known.drive == new.drive)
        };
        self.0.update(|known: Vec<WearEntry>| {
            Ok(entries.iter().filter(|&new| !is_there(&known, new)).cloned().collect::<Vec<_>>())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_drive_has_one_entry_a_day() {
        let folder = tempfile::tempdir().unwrap();
        let log = WearLog::of(&Store::at(folder.path()));
        let entry = |day: &str, drive: &str| WearEntry {
            day: day.into(),
            host: "h".into(),
            drive: drive.into(),
            used: 0.1,
            written: 1.0,
        };
        assert_eq!(log.read().unwrap(), []);
        assert_eq!(log.add(&[entry("2026-07-01", "a"), entry("2026-07-01", "b")]).unwrap(), 2);
        assert_eq!(log.add(&[entry("2026-07-01", "a"), entry("2026-07-02", "a")]).unwrap(), 1);
        assert_eq!(log.read().unwrap().len(), 3);
    }
}
