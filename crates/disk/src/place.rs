//! Where files lie: their file system and the drives below it, or why these cannot be told.

use std::fs;
use std::path::Path;

use measure::{DrivesBelow, StoragePlace, what_is_no_drive};

use crate::mounts::{drives_below, layers};
use crate::volume::{Mount, devices_of, mount_of};

/// Where files in the folder `path` lie; `root` is where `/proc` and `/sys` are found.
#[must_use]
pub fn place_of(path: &Path, root: &Path) -> StoragePlace {
    let full = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let about = rustix::fs::statvfs(path).ok();
    let free = about.map(|about| about.f_bavail.saturating_mul(about.f_frsize));
    let path = full.display().to_string();
    let Some(mount) = mount_of(&full, root) else {
        let drives = DrivesBelow::Unknown("the kernel does not say what is mounted there".to_owned());
        let file_system = "an unknown file system".to_owned();
        return StoragePlace { mount_point: path.clone(), path, file_system, source: String::new(), drives, free };
    };
    let drives = below(&mount, root);
    let Mount { point, file_system, source, .. } = mount;
    StoragePlace { path, mount_point: point.display().to_string(), file_system, source, drives, free }
}

fn below(mount: &Mount, root: &Path) -> DrivesBelow {
    if let Some(why) = without_drives(&mount.file_system) {
        return DrivesBelow::Unknown(why);
    }
    let drives = drives_below(mount, root);
    if drives.is_empty() {
        return DrivesBelow::Unknown(format!("the system does not say on which devices {} lies", mount.source));
    }
    if let Some(why) = drives.iter().find_map(|drive| no_drive(drive, root)) {
        return DrivesBelow::Unknown(why);
    }
    // A cache answers instead of what is below it.
    let mut layers = devices_of(mount, root).into_iter().flat_map(|device| layers(&device, root));
    if let Some(cache) = layers.find(|layer| layer.starts_with("bcache")) {
        return DrivesBelow::Unknown(no_drive(&cache, root).unwrap_or_default());
    }
    let is_virtual = drives.iter().any(|drive| is_of_hypervisor(drive, root));
    let names = drives.into_iter().collect();
    if is_virtual { DrivesBelow::Virtual(names) } else { DrivesBelow::Known(names) }
}

/// Why files of this kind of file system lie on no drive that this host could name.
fn without_drives(file_system: &str) -> Option<String> {
    match file_system {
        "tmpfs" | "ramfs" | "devtmpfs" | "hugetlbfs" => Some(format!("{file_system} keeps its files in memory")),
        "overlay" | "aufs" | "unionfs" => {
            Some(format!("{file_system} lies on other file systems, and does not say here on which"))
        }
        "nfs" | "nfs4" | "cifs" | "smb3" | "smbfs" | "9p" | "virtiofs" | "ceph" | "glusterfs" | "lustre" | "gpfs"
        | "beegfs" | "afs" | "orangefs" | "pvfs2" | "ncpfs" | "coda" => {
            Some(format!("{file_system} keeps its files on another host"))
        }
        "fuse" => Some("a program answers for its files".to_owned()),
        other if other.starts_with("fuse.") => Some(format!("a program answers for the files of {other}")),
        _ => None,
    }
}

/// Why a device below everything that the kernel tells is no drive.
fn no_drive(name: &str, root: &Path) -> Option<String> {
    if !root.join("sys/class/block").join(name).exists() {
        return Some(format!("the kernel does not say what {name} is"));
    }
    what_is_no_drive(name).map(|what| format!("{name} is {what}"))
}

/// Whether a hypervisor keeps the data, who does not say on what.
fn is_of_hypervisor(name: &str, root: &Path) -> bool {
    if ["vd", "xvd"].iter().any(|prefix| name.starts_with(prefix)) {
        return true;
    }
    let folder = fs::canonicalize(root.join("sys/class/block").join(name));
    // A disk of virtio-scsi is called as any other one; its controller is not.
    folder
        .is_ok_and(|folder| folder.components().any(|part| part.as_os_str().as_encoded_bytes().starts_with(b"virtio")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mounts::fixture::{DEVICES, ROOT, tree};

    /// Beside those of a machine: a disk of each kind that a hypervisor gives, and devices that are no drives.
    const OTHERS: &[(&str, &str, &[&str])] = &[
        ("vda", "254:0", &[]),
        ("vda/vda1", "254:1", &[]),
        ("virtio2/host0/sdb", "8:16", &[]),
        ("loop0", "7:0", &[]),
        ("zram0", "252:0", &[]),
        ("bcache0", "251:0", &["sda1"]),
        ("dm-4", "253:4", &["bcache0"]),
        ("dm-1", "253:1", &[]),
        ("dm-2", "253:2", &["loop0", "nvme2n1"]),
        ("dm-3", "253:3", &["nvme2n1", "vda1"]),
        ("pmem0", "259:9", &[]),
    ];

    /// What is found of a folder on this kind of file system, whose device has this number.
    fn check(file_system: &str, number: &str, expect: &DrivesBelow) {
        let scratch = tempfile::tempdir().unwrap();
        let here = scratch.path().canonicalize().unwrap();
        let mounts = format!("{ROOT}3 1 {number} / {} rw - {file_system} a-source rw\n", here.display());
        let dir = tree(&[DEVICES, OTHERS].concat(), &mounts, &[]);
        let place = place_of(&here, dir.path());
        assert_eq!(&place.drives, expect, "{file_system} {number}");
        let told = (place.path.as_str(), place.mount_point.as_str(), place.file_system.as_str(), place.source.as_str());
        assert_eq!(told, (here.to_str().unwrap(), here.to_str().unwrap(), file_system, "a-source"));
        assert!(place.free.is_some_and(|free| free > 0));
    }

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|&name| name.to_owned()).collect()
    }

    #[test]
    fn drives_are_known_through_partitions_arrays_and_maps() {
        let check = |number: &str, drives: &[&str]| check("xfs", number, &DrivesBelow::Known(names(drives)));
        check("8:1", &["sda"]);
        check("259:3", &["nvme2n1"]);
        check("9:1", &["nvme0n1", "nvme1n1"]);
        check("253:0", &["nvme0n1", "nvme1n1"]);
    }

    #[test]
    fn a_hypervisor_does_not_say_what_is_behind_its_disks() {
        let check = |number: &str, drives: &[&str]| check("ext4", number, &DrivesBelow::Virtual(names(drives)));
        check("254:0", &["vda"]);
        check("254:1", &["vda"]);
        check("8:16", &["sdb"]);
        check("253:3", &["nvme2n1", "vda"]);
    }

    #[test]
    fn what_cannot_be_told_says_why() {
        let check = |file_system: &str, number: &str, why: &str| {
            check(file_system, number, &DrivesBelow::Unknown(why.to_owned()));
        };
        check("tmpfs", "0:30", "tmpfs keeps its files in memory");
        check("overlay", "0:31", "overlay lies on other file systems, and does not say here on which");
        check("nfs4", "0:32", "nfs4 keeps its files on another host");
        check("fuse.sshfs", "0:33", "a program answers for the files of fuse.sshfs");
        check("btrfs", "0:34", "the system does not say on which devices a-source lies");
        check("ext4", "7:0", "loop0 is a file on another file system");
        check("ext4", "252:0", "zram0 is compressed memory");
        check("ext4", "251:0", "bcache0 is a cache before another device");
        check("ext4", "253:4", "bcache0 is a cache before another device");
        check("ext4", "253:1", "dm-1 is a map of other devices");
        check("ext4", "253:2", "loop0 is a file on another file system");
        check("ext4", "259:9", "pmem0 is persistent memory");
        // Its number is of no device that the kernel lists.
        check("ext4", "8:77", "the system does not say on which devices a-source lies");
    }

    #[test]
    fn a_host_without_mounts_says_so() {
        let dir = tempfile::tempdir().unwrap();
        let place = place_of(dir.path(), dir.path());
        assert_eq!(place.drives, DrivesBelow::Unknown("the kernel does not say what is mounted there".to_owned()));
        assert!(place.to_string().starts_with("unknown drives (an unknown file system on /"), "{place}");
    }
}
