//! What devices count themselves, and and the ARC of ZFS.

use std::fs;
use std::path::Path;

/// Bytes of a sector in the kernel's statistics, whatever the device's own sectors are.
const STAT_SECTOR: u64 = 512;

/// Lookups in the ARC, the cache of ZFS.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ArcStat {
    /// Answered by it.
    pub hits: u64,
    /// Answered by the devices.
    pub misses: u64,
}

impl ArcStat {
    /// What was counted since `before`.
    pub(crate) fn since(self, before: ArcStat) -> ArcStat {
        ArcStat { hits: self.hits.saturating_sub(before.hits), misses: self.misses.saturating_sub(before.misses) }
    }
}

/// The counters of the ARC since the module was loaded; `None` where there is no ZFS.
pub(crate) fn arc_counters(root: &Path) -> Option<ArcStat> {
    let text = fs::read_to_string(root.join("proc/spl/kstat/zfs/arcstats")).ok()?;
    let value = |name: &str| {
        let line = text.lines().find(|line| line.split_whitespace().next() == Some(name))?;
        line.split_whitespace().nth(2)?.parse().ok()
    };
    Some(ArcStat { hits: value("hits")?, misses: value("misses")? })
}

/// Counters of one direction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct IoCounters {
    /// Requests that the device completed.
    pub ios: u64,
    /// Requests that were merged into others.
    pub merges: u64,
    /// Bytes.
    pub bytes: u64,
    /// Milliseconds of all requests together.
    pub ticks: u64,
}

impl IoCounters {
    fn since(self, before: IoCounters) -> IoCounters {
        IoCounters {
            ios: self.ios.saturating_sub(before.ios),
            merges: self.merges.saturating_sub(before.merges),
            bytes: self.bytes.saturating_sub(before.bytes),
            ticks: self.ticks.saturating_sub(before.ticks),
        }
    }

    /// Adds what another device or phase counted.
    pub(crate) fn add(&mut self, other: IoCounters) {
        self.ios += other.ios;
        self.merges += other.merges;
        self.bytes += other.bytes;
        self.ticks += other.ticks;
    }
}

/// A device's own counters, as `/sys/block/NAME/stat` has them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeviceStat {
    /// Kernel name.
    pub name: String,
    /// What was read.
    pub read: IoCounters,
    /// What was written.
    pub write: IoCounters,
    /// Milliseconds in which it was busy.
    pub busy: u64,
    /// Milliseconds of all requests together.
    pub queued: u64,
}

impl DeviceStat {
    pub(crate) fn read(name: &str, root: &Path) -> Option<DeviceStat> {
        let text = fs::read_to_string(root.join("sys/class/block").join(name).join("stat")).ok()?;
        DeviceStat::parse(name, &text)
    }

    fn parse(name: &str, text: &str) -> Option<DeviceStat> {
        let fields: Vec<u64> = text.split_whitespace().map_while(|field| field.parse().ok()).collect();
        let direction = |first: usize| -> Option<IoCounters> {
            let &[ios, merges, sectors, ticks] = fields.get(first..first + 4)? else { return None };
            Some(IoCounters { ios, merges, bytes: sectors * STAT_SECTOR, ticks })
        };
        Some(DeviceStat {
            name: name.to_owned(),
            read: direction(0)?,
            write: direction(4)?,
            busy: *fields.get(9)?,
            queued: *fields.get(10)?,
        })
    }

    /// What was counted since `before`.
    #[must_use]
    pub fn since(&self, before: &DeviceStat) -> DeviceStat {
        DeviceStat {
            name: self.name.clone(),
            read: self.read.since(before.read),
            write: self.write.since(before.write),
            busy: self.busy.saturating_sub(before.busy),
            queued: self.queued.saturating_sub(before.queued),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(ios: u64, merges: u64, bytes: u64, ticks: u64) -> IoCounters {
        IoCounters { ios, merges, bytes, ticks }
    }

    #[test]
    fn the_arc_counts_where_there_is_zfs() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(arc_counters(dir.path()), None);
        let folder = dir.path().join("proc/spl/kstat/zfs");
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("arcstats"), "9 1 0x01 123 33456 1 2\nname type data\nhits 4 100\nmisses 4 20\n")
            .unwrap();
        assert_eq!(arc_counters(dir.path()), Some(ArcStat { hits: 100, misses: 20 }));
    }

    #[test]
    fn counters_are_subtracted() {
        let before = DeviceStat::parse("a", "1 0 8 1 1 0 8 1 0 1 2").unwrap();
        let after = DeviceStat::parse("a", "3 1 24 2 1 0 8 1 0 4 6").unwrap();
        let delta = after.since(&before);
        assert_eq!((delta.read, delta.write, delta.busy), (counted(2, 1, 8192, 1), IoCounters::default(), 3));
        assert_eq!(DeviceStat::parse("a", "1 2"), None);
    }
}
