//! Where a file lies: its file system, and the devices below it.

use std::fs;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::process::Command;

/// What holds a file, or a device itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Volume {
    /// `ext4`, `zfs`, `tmpfs`; `block device` for a device that is used as it is.
    pub file_system: String,
    /// The mount's source: a device, a dataset.
    pub source: String,
    /// Where it is mounted.
    pub mount_point: PathBuf,
    /// Kernel names of the devices whose statistics are read: `nvme0n1`.
    pub devices: Vec<String>,
    /// Linux RAID arrays that the devices are parts of, in words.
    pub arrays: Vec<String>,
    /// NUMA node of the devices, where all have the same one.
    pub node: Option<u32>,
    /// The ZFS dataset, where it is one.
    pub zfs: Option<Zfs>,
}

/// Facts of a ZFS dataset.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Zfs {
    /// Version of the module: from 2.3 on, `O_DIRECT` is honoured.
    pub version: Option<String>,
    /// Properties as `zfs get` says them: `recordsize`, `compression`, `primarycache`, `sync`, `direct`, `dedup`.
    pub properties: Vec<(String, String)>,
}

impl Zfs {
    /// Bytes of a record.
    #[must_use]
    pub fn record_size(&self) -> Option<u64> {
        self.properties.iter().find(|(name, _)| name == "recordsize").and_then(|(_, value)| value.parse().ok())
    }
}

/// A line of `/proc/self/mountinfo`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mount {
    pub(crate) device: String,
    pub(crate) point: PathBuf,
    pub(crate) file_system: String,
    pub(crate) source: String,
    /// Whether neither the mount nor its file system is read-only.
    pub(crate) is_writable: bool,
}

/// The mounts of this process, in the order in which they were made.
pub(crate) fn mounts(root: &Path) -> Vec<Mount> {
    let text = fs::read_to_string(root.join("proc/self/mountinfo")).unwrap_or_default();
    text.lines().filter_map(parse_mount).collect()
}

/// The mount that holds a path: the longest one, and of several on one point the last.
pub(crate) fn mount_of(full: &Path, root: &Path) -> Option<Mount> {
    let holds = |mount: &Mount| full.starts_with(&mount.point);
    mounts(root).into_iter().filter(holds).max_by_key(|mount| mount.point.as_os_str().len())
}

/// `36 35 98:0 /root /point rw,noatime shared:1 - ext3 /dev/root rw`
fn parse_mount(line: &str) -> Option<Mount> {
    let (head, tail) = line.split_once(" - ")?;
    let mut head = head.split(' ');
    let mut tail = tail.split(' ');
    let device = head.nth(2)?.to_owned();
    let point = PathBuf::from(unescape(head.nth(1)?));
    let of_mount = head.next()?;
    let (file_system, source) = (tail.next()?.to_owned(), unescape(tail.next()?));
    let is_read_only = |options: &str| options.split(',').any(|option| option == "ro");
    let is_writable = !is_read_only(of_mount) && !tail.next().is_some_and(is_read_only);
    Some(Mount { device, point, file_system, source, is_writable })
}

/// Blanks of names are written in octal: `\040`.
fn unescape(text: &str) -> String {
    let mut plain = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('\\') {
        plain.push_str(before);
        if let Some(byte) = after.get(..3).and_then(|digits| u8::from_str_radix(digits, 8).ok()) {
            plain.push(char::from(byte));
            rest = &after[3..];
        } else {
            plain.push('\\');
            rest = after;
        }
    }
    plain.push_str(rest);
    plain
}

impl Volume {
    /// What holds `path`, which exists; `root` is where `/proc` and `/sys` are found.
    #[must_use]
    pub fn of(path: &Path, root: &Path) -> Volume {
        let Ok(about) = fs::metadata(path) else { return Volume::default() };
        let mut volume = Volume::default();
        let full = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        if about.file_type().is_block_device() {
            "block device".clone_into(&mut volume.file_system);
            volume.source = full.display().to_string();
            volume.devices.extend(device_name(&number(about.rdev()), root));
        } else if let Some(mount) = mount_of(&full, root) {
            volume.devices = devices_of(&mount, root);
            volume.file_system = mount.file_system;
            volume.source = mount.source;
            volume.mount_point = mount.point;
        }
        volume.arrays = volume.devices.iter().filter_map(|device| array(device, root)).collect();
        volume.devices = volume.devices.iter().flat_map(|device| leaves(device, root)).collect();
        volume.node = common_node(&volume.devices, root);
        if volume.file_system == "zfs" {
            volume.zfs = Some(zfs(&volume.source, root));
        }
        volume
    }

    /// What holds several files together: all their devices.
    pub(crate) fn of_all(paths: impl Iterator<Item = PathBuf>, root: &Path) -> Volume {
        let add = |list: &mut Vec<String>, more: Vec<String>| {
            let new: Vec<String> = more.into_iter().filter(|one| !list.contains(one)).collect();
            list.extend(new);
        };
        let join = |text: &mut String, more: &str| {
            if !text.split(", ").any(|known| known == more) {
                *text = format!("{text}, {more}");
            }
        };
        let volumes = paths.map(|path| Volume::of(&path, root));
        let joined = volumes.reduce(|mut all, one| {
            join(&mut all.file_system, &one.file_system);
            join(&mut all.source, &one.source);
            add(&mut all.devices, one.devices);
            add(&mut all.arrays, one.arrays);
            all.node = all.node.filter(|_| all.node == one.node);
            all.zfs = all.zfs.or(one.zfs);
            all
        });
        joined.unwrap_or_default()
    }

    /// Whether it keeps its files in memory, so that no device is measured.
    #[must_use]
    pub fn in_memory(&self) -> bool {
        matches!(self.file_system.as_str(), "tmpfs" | "ramfs")
    }
}

/// `major:minor` of a device number.
pub(crate) fn number(device: u64) -> String {
    format!("{}:{}", rustix::fs::major(device), rustix::fs::minor(device))
}

/// The kernel's name of a device number.
pub(crate) fn device_name(number: &str, root: &Path) -> Option<String> {
    let link = fs::canonicalize(root.join("sys/dev/block").join(number)).ok()?;
    link.file_name().map(|name| name.to_string_lossy().into_owned())
}

pub(crate) fn devices_of(mount: &Mount, root: &Path) -> Vec<String> {
    if mount.file_system == "zfs" {
        let pool = mount.source.split('/').next().unwrap_or_default();
        return stdout_of("zpool", &["list", "-vHPL", pool]).map(|text| pool_devices(&text)).unwrap_or_default();
    }
    if let Some(name) = device_name(&mount.device, root) {
        return vec![name];
    }
    // Btrfs and others have a number of their own and name one of their devices as the source.
    let about = Path::new(&mount.source).starts_with("/dev").then(|| fs::metadata(&mount.source).ok()).flatten();
    let source = about.and_then(|about| device_name(&number(about.rdev()), root));
    let all =
        source.as_deref().filter(|_| mount.file_system == "btrfs").and_then(|source| devices_of_btrfs(source, root));
    all.unwrap_or_else(|| source.into_iter().collect())
}

/// All devices of the btrfs that one of its devices names.
fn devices_of_btrfs(one: &str, root: &Path) -> Option<Vec<String>> {
    let devices = |folder: PathBuf| -> Vec<String> {
        let entries = fs::read_dir(folder.join("devices")).into_iter().flatten().flatten();
        let mut names: Vec<String> = entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    };
    let all = fs::read_dir(root.join("sys/fs/btrfs")).ok()?.flatten();
    all.map(|entry| devices(entry.path())).find(|names| names.iter().any(|name| name == one))
}

/// The devices that a device is made of (RAID, LVM, encryption), down to those that are made of none: their counters
/// show what the layers between add.
pub(crate) fn leaves(device: &str, root: &Path) -> Vec<String> {
    let below = fs::read_dir(root.join("sys/class/block").join(device).join("slaves"));
    let below = below.into_iter().flatten().flatten().map(|entry| entry.file_name().to_string_lossy().into_owned());
    let mut names: Vec<String> = below.flat_map(|name| leaves(&name, root)).collect();
    names.sort();
    names.dedup();
    if names.is_empty() { vec![device.to_owned()] } else { names }
}

/// What Linux RAID says of an array: `md0 is raid5 of 6 devices, chunks of 524288 B`; `None` where it is none.
fn array(device: &str, root: &Path) -> Option<String> {
    let folder = root.join("sys/class/block").join(device).join("md");
    let fact = |name: &str| fs::read_to_string(folder.join(name)).ok().map(|text| text.trim().to_owned());
    let mut text = format!("{device} is {} of {} devices", fact("level")?, fact("raid_disks")?);
    if let Some(bytes) = fact("chunk_size").filter(|bytes| bytes != "0") {
        text += &format!(", chunks of {bytes} B");
    }
    if let Some(missing) = fact("degraded").filter(|missing| missing != "0") {
        text += &format!(", {missing} of them missing");
    }
    if let Some(action) = fact("sync_action").filter(|action| action != "idle") {
        text += &format!(", and its {action} takes part of their time");
    }
    Some(text)
}

/// The node that all devices are on.
fn common_node(devices: &[String], root: &Path) -> Option<u32> {
    let mut nodes = devices.iter().map(|device| node(device, root));
    let first = nodes.next()??;
    nodes.all(|node| node == Some(first)).then_some(first)
}

/// The node in the device's own folder or in one above it.
fn node(device: &str, root: &Path) -> Option<u32> {
    let folder = fs::canonicalize(root.join("sys/class/block").join(device)).ok()?;
    let text = folder.ancestors().find_map(|folder| fs::read_to_string(folder.join("numa_node")).ok())?;
    text.trim().parse().ok()
}

fn zfs(dataset: &str, root: &Path) -> Zfs {
    let asked = "recordsize,compression,primarycache,sync,direct,dedup";
    let text = stdout_of("zfs", &["get", "-Hp", "-o", "property,value", asked, dataset]).unwrap_or_default();
    Zfs {
        version: fs::read_to_string(root.join("sys/module/zfs/version")).ok().map(|text| text.trim().to_owned()),
        properties: properties(&text),
    }
}

fn stdout_of(program: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program).args(arguments).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Lines `property<TAB>value`.
fn properties(text: &str) -> Vec<(String, String)> {
    text.lines().filter_map(|line| line.split_once('\t')).map(|(key, value)| (key.into(), value.into())).collect()
}

/// The device paths in what `zpool list -vHPL` says.
fn pool_devices(text: &str) -> Vec<String> {
    let names = text.lines().filter_map(|line| line.trim_start().split('\t').next()?.strip_prefix("/dev/"));
    names.map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::counters::{DeviceStat, IoCounters};

    fn counted(ios: u64, merges: u64, bytes: u64, ticks: u64) -> IoCounters {
        IoCounters { ios, merges, bytes, ticks }
    }

    #[test]
    fn mounts_with_blanks() {
        let line = r"36 35 98:0 /sub /mnt\040two rw,noatime shared:1 - ext4 /dev/disk\040one rw,errors=continue";
        let mount = parse_mount(line).unwrap();
        assert_eq!((mount.device.as_str(), mount.file_system.as_str()), ("98:0", "ext4"));
        assert_eq!((mount.point.as_path(), mount.source.as_str()), (Path::new("/mnt two"), "/dev/disk one"));
        assert!(mount.is_writable);
        assert_eq!(parse_mount("nonsense"), None);
        for line in ["1 0 8:1 / /a ro,noatime - ext4 /dev/sda1 rw", "1 0 8:1 / /a rw - ext4 /dev/sda1 noacl,ro"] {
            assert!(!parse_mount(line).unwrap().is_writable, "{line}");
        }
    }

    #[test]
    fn the_longest_mount_point_holds_a_file() {
        let dir = tempfile::tempdir().unwrap();
        let (root, scratch) = (dir.path().join("root"), dir.path().join("scratch"));
        fs::create_dir_all(root.join("proc/self")).unwrap();
        fs::create_dir_all(root.join("sys/dev/block")).unwrap();
        fs::create_dir_all(root.join("sys/class/block")).unwrap();
        fs::create_dir_all(root.join("sys/devices/pci/nvme0/nvme0n1")).unwrap();
        fs::create_dir_all(&scratch).unwrap();
        let here = scratch.canonicalize().unwrap();
        let mounts = format!(
            "1 0 254:0 / / rw - ext4 /dev/vda rw\n2 1 259:0 / {} rw - xfs /dev/nvme0n1 rw\n3 1 0:9 / /dev/shm rw - tmpfs shm rw\n",
            here.display()
        );
        fs::write(root.join("proc/self/mountinfo"), mounts).unwrap();
        std::os::unix::fs::symlink("../../devices/pci/nvme0/nvme0n1", root.join("sys/dev/block/259:0")).unwrap();
        std::os::unix::fs::symlink("../../devices/pci/nvme0/nvme0n1", root.join("sys/class/block/nvme0n1")).unwrap();
        fs::write(root.join("sys/devices/pci/nvme0/numa_node"), "1\n").unwrap();
        fs::write(root.join("sys/devices/pci/nvme0/nvme0n1/stat"), "10 1 80 5 20 2 160 7 0 9 12 0 0 0 0\n").unwrap();
        let volume = Volume::of(&scratch, &root);
        assert_eq!((volume.file_system.as_str(), volume.source.as_str()), ("xfs", "/dev/nvme0n1"));
        assert_eq!((volume.devices.as_slice(), volume.node), (&["nvme0n1".to_owned()][..], Some(1)));
        let counters = DeviceStat::read(&volume.devices[0], &root).unwrap();
        assert_eq!((counters.read, counters.write), (counted(10, 1, 80 * 512, 5), counted(20, 2, 160 * 512, 7)));
        assert_eq!((counters.busy, counters.queued), (9, 12));
        assert_eq!(Volume::of(Path::new("/no/such/file"), &root), Volume::default());
    }

    /// An array's name, its parts, and what Linux RAID says of it.
    type Array<'a> = (&'a str, &'a [&'a str], &'a [(&'a str, &'a str)]);

    /// A `/sys` with devices on nodes, and with arrays of them.
    fn sys(root: &Path, disks: &[(&str, &str)], arrays: &[Array<'_>]) {
        let class = root.join("sys/class/block");
        fs::create_dir_all(&class).unwrap();
        let add = |folder: &str, name: &str| {
            let folder = root.join("sys/devices").join(folder).join(name);
            fs::create_dir_all(&folder).unwrap();
            std::os::unix::fs::symlink(&folder, class.join(name)).unwrap();
            folder
        };
        for (disk, node) in disks {
            fs::write(add(&format!("pci-{disk}"), disk).parent().unwrap().join("numa_node"), node).unwrap();
        }
        for (array, parts, facts) in arrays {
            let folder = add("virtual", array);
            parts.iter().for_each(|part| fs::create_dir_all(folder.join("slaves").join(part)).unwrap());
            fs::create_dir_all(folder.join("md")).unwrap();
            facts.iter().for_each(|(name, value)| fs::write(folder.join("md").join(name), value).unwrap());
        }
    }

    #[test]
    fn arrays_are_looked_through() {
        let dir = tempfile::tempdir().unwrap();
        let disks = [("a", "0"), ("b", "0"), ("c", "1"), ("d", "-1")];
        let raid = [("level", "raid5\n"), ("raid_disks", "3\n"), ("chunk_size", "524288\n"), ("degraded", "1\n")];
        let stripe = [("level", "raid0"), ("raid_disks", "2"), ("chunk_size", "0"), ("sync_action", "idle")];
        let mirror = [("level", "raid1"), ("raid_disks", "2"), ("degraded", "0"), ("sync_action", "resync")];
        let arrays: [Array<'_>; 4] = [
            ("md0", &["a", "b", "c"], &raid),
            ("md1", &["a", "b"], &stripe),
            ("md2", &["md1", "d"], &mirror),
            ("dm-0", &["md1"], &[]),
        ];
        sys(dir.path(), &disks, &arrays);
        let check = |device: &str, parts: &[&str], node: Option<u32>, expect: Option<&str>| {
            let found = leaves(device, dir.path());
            assert_eq!(found, parts, "{device}");
            assert_eq!(common_node(&found, dir.path()), node, "{device}");
            assert_eq!(array(device, dir.path()).as_deref(), expect, "{device}");
        };
        check("a", &["a"], Some(0), None);
        check("d", &["d"], None, None);
        let raid5 = "md0 is raid5 of 3 devices, chunks of 524288 B, 1 of them missing";
        check("md0", &["a", "b", "c"], None, Some(raid5));
        check("md1", &["a", "b"], Some(0), Some("md1 is raid0 of 2 devices"));
        let resync = "md2 is raid1 of 2 devices, and its resync takes part of their time";
        check("md2", &["a", "b", "d"], None, Some(resync));
        check("dm-0", &["a", "b"], Some(0), None);
    }

    #[test]
    fn a_btrfs_names_all_its_devices() {
        let dir = tempfile::tempdir().unwrap();
        for device in ["u-1/devices/sda", "u-2/devices/sdc", "u-2/devices/sdb1", "features"] {
            fs::create_dir_all(dir.path().join("sys/fs/btrfs").join(device)).unwrap();
        }
        let check = |one: &str, expect: Option<&[&str]>| {
            let expect = expect.map(|names| names.iter().map(|&name| name.to_owned()).collect());
            assert_eq!(devices_of_btrfs(one, dir.path()), expect, "{one}");
        };
        check("sda", Some(&["sda"]));
        check("sdc", Some(&["sdb1", "sdc"]));
        check("sdd", None);
    }

    #[test]
    fn what_zfs_says() {
        let zfs = Zfs { version: None, properties: properties("recordsize\t131072\ncompression\tlz4\n") };
        assert_eq!(zfs.record_size(), Some(131_072));
        let list = "tank\t46T\t1G\n\t/dev/nvme0n1p1\t7T\t0\n\t/dev/nvme1n1p1\t7T\t0\n";
        assert_eq!(pool_devices(list), ["nvme0n1p1", "nvme1n1p1"]);
    }
}
