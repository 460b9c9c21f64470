//! Where the root file system lies.

use std::collections::BTreeSet;

use crate::drives::{Array, disks};
use crate::sysfs::{Found, Tree, Unavailable};
use crate::zfs::Pool;

const BLOCK: &str = "/sys/block";
const MOUNTS: &str = "/proc/self/mounts";

/// What the system boots from.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct BootVolume {
    /// The drives that hold the root file system.
    pub(crate) drives: BTreeSet<String>,
    /// How they are joined: `raid1`, `single`.
    pub(crate) layout: String,
    /// How many drives the join lacks, where it is one of md.
    pub(crate) missing: Option<u64>,
}

/// Which drives hold the root file system, and how they are joined.
pub(crate) fn boot(tree: &Tree, arrays: &[Array], pools: &[Pool]) -> Found<BootVolume> {
    let mounts = tree.text(MOUNTS)?;
    let root = mounts.lines().rfind(|line| line.split_whitespace().nth(1) == Some("/")).ok_or(Unavailable::Absent)?;
    let mut words = root.split_whitespace();
    let (device, kind) = (words.next().unwrap_or_default(), words.nth(1).unwrap_or_default());
    if kind == "zfs" {
        let pool = device.split('/').next().unwrap_or_default();
        let pool = pools.iter().find(|other| other.name == pool).ok_or(Unavailable::Absent)?;
        let layout = pool.layout.clone().unwrap_or_else(|| "zfs".to_owned());
        return Ok(BootVolume { drives: pool.drives.clone(), layout, missing: None });
    }
    let name = block_name(tree, device).ok_or(Unavailable::Absent)?;
    let drives = disks(tree, &name);
    if drives.is_empty() {
        return Err(Unavailable::Absent);
    }
    let array = arrays.iter().find(|array| array.members.iter().cloned().collect::<BTreeSet<_>>() == drives);
    let layout = match array {
        Some(array) => array.level.clone(),
        None if drives.len() == 1 => "single".to_owned(),
        None => "unknown".to_owned(),
    };
    Ok(BootVolume { drives, layout, missing: array.map(|array| array.degraded) })
}

/// The kernel's name of a device path; device-mapper names are looked up.
fn block_name(tree: &Tree, device: &str) -> Option<String> {
    if let Some(mapped) = device.strip_prefix("/dev/mapper/") {
        let names = tree.numbered(BLOCK, "dm-");
        return names.into_iter().find(|name| tree.word(&format!("{BLOCK}/{name}/dm/name")).as_deref() == Ok(mapped));
    }
    let name = device.strip_prefix("/dev/")?;
    // `/dev/md/root` is a link; the fixture and the host both have it only where udev made it.
    if name.contains('/') {
        return tree.link(device);
    }
    Some(name.to_owned())
}
