//! Which mounted file systems lie on which drives.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use crate::volume::{Mount, devices_of, leaves, mounts};

/// A file system that files can be made on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mounted {
    /// Where it is mounted; of several places, the one where it was mounted first.
    pub point: PathBuf,
    /// `xfs`, `zfs`.
    pub file_system: String,
    /// Kernel names of the whole drives below it.
    pub drives: BTreeSet<String>,
}

/// The file systems under `root` that lie on nothing but some of these drives, and on which this process can make files. A
/// file system that is mounted several times (a bind mount) is one.
#[must_use]
pub fn on_drives(drives: &BTreeSet<String>, root: &Path) -> Vec<Mounted> {
    let mut found: BTreeMap<String, Mounted> = BTreeMap::new();
    let all = mounts(root);
    for (number, mount) in all.iter().enumerate() {
        let is_hidden = all[number + 1..].iter().any(|later| later.point == mount.point);
        if is_hidden || !mount.is_writable || found.contains_key(&mount.device) || !takes_files(&mount.point, root) {
            continue;
        }
        let below = drives_below(mount, root);
        if !below.is_empty() && below.is_subset(drives) {
            let Mount { device, point, file_system, .. } = mount.clone();
            found.insert(device, Mounted { point, file_system, drives: below });
        }
    }
    found.into_values().collect()
}

/// Whether it is a folder that this process may write to. Mount points of containers are files at times.
fn takes_files(point: &Path, root: &Path) -> bool {
    let folder = root.join(point.strip_prefix("/").unwrap_or(point));
    folder.is_dir() && rustix::fs::access(&folder, rustix::fs::Access::WRITE_OK).is_ok()
}

/// The whole drives below a file system; none where they cannot be told.
pub(crate) fn drives_below(mount: &Mount, root: &Path) -> BTreeSet<String> {
    devices_of(mount, root).iter().flat_map(|device| drives(device, root)).collect()
}

/// The whole drives below a device: through partitions, RAID, LVM and encryption.
fn drives(device: &str, root: &Path) -> BTreeSet<String> {
    let below = leaves(device, root).into_iter().flat_map(|leaf| match holder(&leaf, root) {
        // What a partition is part of may itself be made of others: partitions of an array.
        Some(holder) => drives(&holder, root),
        None => BTreeSet::from([leaf]),
    });
    below.collect()
}

/// All devices that a device is made of, itself among them.
pub(crate) fn layers(device: &str, root: &Path) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut open = vec![device.to_owned()];
    while let Some(device) = open.pop() {
        let folder = root.join("sys/class/block").join(&device).join("slaves");
        let parts = fs::read_dir(folder).into_iter().flatten().flatten();
        open.extend(parts.map(|part| part.file_name().to_string_lossy().into_owned()));
        open.extend(holder(&device, root));
        found.insert(device);
        open.retain(|device| !found.contains(device));
    }
    found
}

/// The device that a partition is part of; `None` where it is no partition.
fn holder(device: &str, root: &Path) -> Option<String> {
    let folder = fs::canonicalize(root.join("sys/class/block").join(device)).ok()?;
    let name = folder.join("partition").exists().then(|| folder.parent()?.file_name())??;
    Some(name.to_string_lossy().into_owned())
}

/// A machine in a folder, for the tests of what lies where.
#[cfg(test)]
pub(crate) mod fixture {
    use std::ffi::OsStr;
    use std::fs;
    use std::path::Path;

    /// A `/sys` and a `/proc` in which `devices` are paths below `/sys/devices` with their numbers and what they are made of.
    pub(crate) fn tree(devices: &[(&str, &str, &[&str])], mounts: &str, folders: &[&str]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        let sys = dir.path().join("sys");
        let folder = |path: &Path| fs::create_dir_all(path).unwrap();
        for path in ["dev/block", "class/block"] {
            folder(&sys.join(path));
        }
        for (path, number, parts) in devices {
            let device = sys.join("devices").join(path);
            folder(&device);
            let name = device.file_name().unwrap();
            std::os::unix::fs::symlink(&device, sys.join("dev/block").join(number)).unwrap();
            std::os::unix::fs::symlink(&device, sys.join("class/block").join(name)).unwrap();
            parts.iter().for_each(|part| folder(&device.join("slaves").join(part)));
            let holder = Path::new(path).parent().and_then(Path::file_name);
            let is_partition = |holder: &OsStr| name.as_encoded_bytes().starts_with(holder.as_encoded_bytes());
            if holder.is_some_and(is_partition) {
                fs::write(device.join("partition"), "1\n").unwrap();
            }
        }
        for path in folders {
            folder(&dir.path().join(path));
        }
        folder(&dir.path().join("proc/self"));
        fs::write(dir.path().join("proc/self/mountinfo"), mounts).unwrap();
        dir
    }

    /// A boot drive, two drives in an array with a partition of its own, a partition under encryption, and a drive by itself.
    pub(crate) const DEVICES: &[(&str, &str, &[&str])] = &[
        ("sda", "8:0", &[]),
        ("sda/sda1", "8:1", &[]),
        ("nvme0n1", "259:0", &[]),
        ("nvme0n1/nvme0n1p1", "259:1", &[]),
        ("nvme1n1", "259:2", &[]),
        ("md0", "9:0", &["nvme0n1p1", "nvme1n1"]),
        ("md0/md0p1", "9:1", &[]),
        ("dm-0", "253:0", &["md0p1"]),
        ("nvme2n1", "259:3", &[]),
    ];
    pub(crate) const ROOT: &str = "1 0 8:1 / / rw - ext4 /dev/sda1 rw\n2 1 0:5 / /proc rw - proc proc rw\n";
}

#[cfg(test)]
mod tests {
    use super::fixture::{DEVICES, ROOT, tree};
    use super::*;

    fn set(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(|&name| name.to_owned()).collect()
    }

    #[test]
    fn file_systems_are_found_on_their_drives() {
        let check = |mounts: &str, drives: &[&str], expect: &[(&str, &str)]| {
            let folders = ["mnt/a", "mnt/b", "mnt/c", "proc"];
            let dir = tree(DEVICES, &format!("{ROOT}{mounts}"), &folders);
            fs::write(dir.path().join("mnt/file"), "").unwrap();
            let found = on_drives(&set(drives), dir.path());
            let found: Vec<_> =
                found.iter().map(|one| (one.point.to_str().unwrap(), one.file_system.as_str())).collect();
            assert_eq!(found, expect, "{mounts}");
        };
        let volume = ["nvme0n1", "nvme1n1", "nvme2n1"];
        check("", &volume, &[]);
        check("", &["sda"], &[("/", "ext4")]);
        let array = "3 1 253:0 / /mnt/a rw - xfs /dev/mapper/data rw\n";
        check(array, &volume, &[("/mnt/a", "xfs")]);
        check(array, &[], &[]);
        // A part of it lies on a drive that is none of the volume.
        check(array, &["nvme0n1", "nvme2n1"], &[]);
        let single = "4 1 259:3 / /mnt/b rw - ext4 /dev/nvme2n1 rw\n";
        check(&format!("{array}{single}"), &volume, &[("/mnt/a", "xfs"), ("/mnt/b", "ext4")]);
        // A bind mount is no second file system, and its mount point may be a file.
        check(&format!("{single}5 1 259:3 /x /mnt/c rw - ext4 /dev/nvme2n1 rw\n"), &volume, &[("/mnt/b", "ext4")]);
        check("5 1 259:3 /x /mnt/file rw - ext4 /dev/nvme2n1 rw\n", &volume, &[]);
        check("5 1 259:3 / /mnt/gone rw - ext4 /dev/nvme2n1 rw\n", &volume, &[]);
        // Read-only, and hidden below another one.
        check("4 1 259:3 / /mnt/b ro - ext4 /dev/nvme2n1 rw\n", &volume, &[]);
        check(&format!("{single}5 1 0:9 / /mnt/b rw - tmpfs tmpfs rw\n"), &volume, &[]);
    }

    #[test]
    fn drives_are_looked_for_below_partitions_and_arrays() {
        let dir = tree(DEVICES, "", &[]);
        let check = |device: &str, expect: &[&str]| assert_eq!(drives(device, dir.path()), set(expect), "{device}");
        check("sda1", &["sda"]);
        check("nvme2n1", &["nvme2n1"]);
        check("md0", &["nvme0n1", "nvme1n1"]);
        check("dm-0", &["nvme0n1", "nvme1n1"]);
        check("unknown", &["unknown"]);
    }
}
