//! What devices count themselves, and the ARC of ZFS; what of it is due to which worker.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use measure::Interval;

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
    /// The mean time of a request in seconds.
    pub(crate) fn latency(self) -> Option<f64> {
        const MILLISECOND: f64 = 1e-3;
        (self.ios > 0).then(|| self.ticks as f64 * MILLISECOND / self.ios as f64)
    }

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

    /// Adds what was counted in another phase, or of another device of the drive.
    pub(crate) fn add(&mut self, other: &DeviceStat) {
        self.read.add(other.read);
        self.write.add(other.write);
        self.busy += other.busy;
        self.queued += other.queued;
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

/// What workers and devices had counted at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Snapshot {
    /// When, in nanoseconds of [`Clock::now`](machine::Clock::now).
    pub(crate) at: u64,
    pub(crate) devices: Vec<DeviceStat>,
    /// Bytes that each worker of the phase had moved, by direction.
    pub(crate) moved: Vec<[u64; 2]>,
    pub(crate) arc: Option<ArcStat>,
}

/// What was moved between two moments: by workers, and by the devices below them.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct DeviceTraffic {
    /// Bytes of the workers, by direction.
    pub workers: [u64; 2],
    /// Bytes of the devices that are due to them, by direction.
    pub devices: [f64; 2],
    /// Bytes at most that the devices may have moved before counting began of requests that were completed after it.
    pub under_way: u64,
}

/// What the drives below a job moved in its window, by their own counters and for whomever.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DriveCounts {
    /// From the first look at the counters to the second.
    pub interval: Interval,
    /// What each drive did between them, by the drive's serial number, or its kernel name where that is not told.
    pub drives: BTreeMap<String, DeviceStat>,
}

/// What each drive counted between two moments; devices of one serial number (namespaces, partitions) are one drive.
pub(crate) fn by_drive(before: &Snapshot, after: &Snapshot, root: &Path) -> DriveCounts {
    let mut drives: BTreeMap<String, DeviceStat> = BTreeMap::new();
    for device in &after.devices {
        let Some(earlier) = before.devices.iter().find(|earlier| earlier.name == device.name) else { continue };
        let since = device.since(earlier);
        drives.entry(drive_of(&device.name, root)).and_modify(|drive| drive.add(&since)).or_insert(since);
    }
    DriveCounts { interval: Interval::new(before.at, after.at), drives }
}

/// The serial number of the drive that a device or partition is of: names change from boot to boot, so that two boots would
/// compare two drives. NVMe tells it for the controller, virtio for the device; SCSI and SATA tell their world-wide name. Where none does, it is the kernel's name.
fn drive_of(device: &str, root: &Path) -> String {
    let Ok(mut folder) = fs::canonicalize(root.join("sys/class/block").join(device)) else { return device.to_owned() };
    if folder.join("partition").exists() {
        folder.pop();
    }
    let serial =
        ["device/serial", "serial", "device/wwid"].iter().find_map(|file| fs::read_to_string(folder.join(file)).ok());
    let serial = serial.map(|text| text.trim().to_owned()).filter(|serial| !serial.is_empty());
    serial.or_else(|| Some(folder.file_name()?.to_string_lossy().into_owned())).unwrap_or_else(|| device.to_owned())
}

/// Devices that move a smaller share of the bytes did not do all of the work.
const ALL: f64 = 0.98;

impl DeviceTraffic {
    /// Bytes of the devices over bytes of the workers, by direction; `None` where these moved nothing.
    #[must_use]
    pub fn amplification(&self) -> [Option<f64>; 2] {
        let ratio = |index: usize| (self.workers[index] > 0).then(|| self.devices[index] / self.workers[index] as f64);
        [ratio(0), ratio(1)]
    }

    /// The same where it shows that a cache answered, or has not written back yet.
    #[must_use]
    pub fn answered_by_cache(&self) -> [Option<f64>; 2] {
        let is_short = |index: usize| self.devices[index] + (self.under_way as f64) < ALL * self.workers[index] as f64;
        let [read, written] = self.amplification();
        [read.filter(|_| is_short(0)), written.filter(|_| is_short(1))]
    }

    /// Adds what another worker moved.
    pub(crate) fn add(&mut self, other: &DeviceTraffic) {
        for index in 0..2 {
            self.workers[index] += other.workers[index];
            self.devices[index] += other.devices[index];
        }
        self.under_way += other.under_way;
    }
}

/// What each worker moved between two moments. What a device moved is shared by what those moved that use it: a device does
/// not say for whom it works. `None` for a worker without a device that counts.
pub(crate) fn traffic(before: &Snapshot, after: &Snapshot, devices: &[&[String]]) -> Vec<Option<DeviceTraffic>> {
    let moved = |worker: usize, index: usize| {
        let at = |snapshot: &Snapshot| snapshot.moved.get(worker).map_or(0, |moved| moved[index]);
        at(after).saturating_sub(at(before))
    };
    let mut all: Vec<Option<DeviceTraffic>> = vec![None; devices.len()];
    for device in &after.devices {
        let Some(earlier) = before.devices.iter().find(|earlier| earlier.name == device.name) else { continue };
        let since = device.since(earlier);
        let users: Vec<usize> = (0..devices.len()).filter(|&worker| devices[worker].contains(&device.name)).collect();
        for (index, bytes) in [since.read.bytes, since.write.bytes].into_iter().enumerate() {
            let together: u64 = users.iter().map(|&worker| moved(worker, index)).sum();
            for &worker in &users {
                let workers = [moved(worker, 0), moved(worker, 1)];
                let own = all[worker].get_or_insert(DeviceTraffic { workers, ..DeviceTraffic::default() });
                if together > 0 {
                    own.devices[index] += bytes as f64 * moved(worker, index) as f64 / together as f64;
                }
            }
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two moments at which devices (name, bytes read, bytes written) and workers had moved this much.
    fn snapshot(devices: &[(&str, u64, u64)], moved: &[[u64; 2]]) -> Snapshot {
        let of = |bytes: u64| IoCounters { bytes, ..IoCounters::default() };
        let device = |&(name, read, written): &(&str, u64, u64)| DeviceStat {
            name: name.to_owned(),
            read: of(read),
            write: of(written),
            ..DeviceStat::default()
        };
        Snapshot { devices: devices.iter().map(device).collect(), moved: moved.to_vec(), ..Snapshot::default() }
    }

    #[test]
    fn a_device_is_shared_by_what_its_users_moved() {
        let before = snapshot(&[("a", 1000, 50), ("b", 7, 0)], &[[500, 0], [500, 0], [0, 0]]);
        let after = snapshot(&[("a", 1400, 350), ("b", 7, 0)], &[[800, 0], [600, 0], [0, 100]]);
        let check = |devices: &[&[&str]], expect: &[Option<([u64; 2], [f64; 2])>]| {
            let names: Vec<Vec<String>> =
                devices.iter().map(|names| names.iter().map(|&name| name.to_owned()).collect()).collect();
            let names: Vec<&[String]> = names.iter().map(Vec::as_slice).collect();
            let found = traffic(&before, &after, &names);
            let found: Vec<_> = found.iter().map(|one| one.map(|one| (one.workers, one.devices))).collect();
            assert_eq!(found, expect, "{devices:?}");
        };
        // 400 B were read of 300 and 100, and 300 B written of 100.
        let one = Some(([300, 0], [300.0, 0.0]));
        let two = Some(([100, 0], [100.0, 0.0]));
        check(&[&["a"], &["a"], &["a"]], &[one, two, Some(([0, 100], [0.0, 300.0]))]);
        // Alone on the device, all of it is due to it; other devices are not.
        check(&[&["a"], &["b"], &[]], &[Some(([300, 0], [400.0, 0.0])), Some(([100, 0], [0.0, 0.0])), None]);
        // A volume of two devices, of which one moved nothing.
        check(&[&["a", "b"], &["b", "a"], &["gone"]], &[one, two, None]);
    }

    #[test]
    fn a_cache_answered_where_the_devices_moved_less_than_can_have_been_under_way() {
        let check = |devices: f64, under_way: u64, expect: Option<f64>| {
            let traffic = DeviceTraffic { workers: [1000, 0], devices: [devices, 0.0], under_way };
            assert_eq!(traffic.answered_by_cache(), [expect, None], "{devices} {under_way}");
        };
        check(1000.0, 0, None);
        check(980.0, 0, None);
        check(979.0, 0, Some(0.979));
        check(979.0, 1, None);
        check(0.0, 900, Some(0.0));
        let mut both = DeviceTraffic { workers: [100, 0], devices: [90.0, 1.0], under_way: 4 };
        both.add(&DeviceTraffic { workers: [100, 0], devices: [100.0, 0.0], under_way: 4 });
        assert_eq!((both.amplification(), both.under_way), ([Some(0.95), None], 8));
    }

    fn counted(ios: u64, merges: u64, bytes: u64, ticks: u64) -> IoCounters {
        IoCounters { ios, merges, bytes, ticks }
    }

    #[test]
    fn a_drive_is_known_by_its_serial_number() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path();
        let file = |path: &str, text: &str| {
            let path = root.join("sys/class/block").join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        file("nvme0n1/device/serial", "S1   \n");
        file("nvme0n2/device/serial", "S1\n");
        file("nvme0n2/nvme0n2p1/partition", "1\n");
        file("vda/serial", "V1");
        file("sda/size", "1");
        std::os::unix::fs::symlink("nvme0n2/nvme0n2p1", root.join("sys/class/block/nvme0n2p1")).unwrap();
        let at = |at: u64, read: u64| {
            let devices =
                [("nvme0n1", read, 0), ("nvme0n2p1", 2 * read, 1), ("vda", 5, 0), ("sda", 7, read), ("gone", 1, 1)];
            Snapshot { at, ..snapshot(&devices, &[]) }
        };
        let found = by_drive(&at(10, 100), &at(30, 400), root);
        let bytes: Vec<_> =
            found.drives.iter().map(|(name, of)| (name.as_str(), of.read.bytes, of.write.bytes)).collect();
        assert_eq!(bytes, [("S1", 900, 0), ("V1", 0, 0), ("gone", 0, 0), ("sda", 0, 300)]);
        assert_eq!(found.interval, Interval::new(10, 30));
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
    fn a_request_took_its_share_of_the_time() {
        assert_eq!(counted(1000, 0, 0, 250).latency(), Some(250e-6));
        assert_eq!(counted(0, 0, 0, 3).latency(), None);
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
