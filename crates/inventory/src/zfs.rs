//! ZFS pools: names from `/proc/spl`, members from udev's database, layout and sizes from the tools.

use std::collections::BTreeSet;

use measure::{Facts, Unit};

use crate::drives;
use crate::out_of_band::Outside;
use crate::sysfs::{Found, Tree, Unavailable, note_text, ok_or_absent};

const KSTAT: &str = "/proc/spl/kstat/zfs";
const VERSION: &str = "/sys/module/zfs/version";
const UDEV: &str = "/run/udev/data";

/// A ZFS pool.
#[derive(Clone, Debug, PartialEq)]
pub struct Pool {
    /// Name.
    pub name: String,
    /// Health as ZFS says it: `ONLINE`, `DEGRADED`.
    pub health: Option<String>,
    /// How its drives are joined: `zfs-stripe`, `zfs-mirror`, `zfs-raidz1`; several where they are mixed.
    pub layout: Option<String>,
    /// The drives that hold it.
    pub drives: BTreeSet<String>,
    /// Usable bytes of its root dataset: used and available.
    pub usable: Option<f64>,
    /// Largest record of its root dataset in bytes.
    pub record: Option<f64>,
    /// Compression of its root dataset.
    pub compression: Option<String>,
}

/// Adds the version of the module, and returns the pools.
pub(crate) fn probe(tree: &Tree, outside: &dyn Outside, facts: &mut Facts) -> Found<Vec<Pool>> {
    note_text(facts, "os.zfs", tree.word(VERSION), VERSION);
    if !tree.has(KSTAT) {
        return Err(Unavailable::Absent);
    }
    let names = tree.names(KSTAT).into_iter().filter(|name| tree.has(&format!("{KSTAT}/{name}/state")));
    let marked = marked_members(tree);
    Ok(names.map(|name| pool(tree, outside, &marked, name)).collect())
}

fn pool(tree: &Tree, outside: &dyn Outside, marked: &[(String, String)], name: String) -> Pool {
    let status = outside.tool("zpool", &["status", "-P", &name]).ok().map(|text| parse_status(&text, &name));
    let (layout, devices) = status.unwrap_or_default();
    let mut drives: BTreeSet<String> = devices
        .iter()
        .filter_map(|device| device.rsplit('/').next())
        .flat_map(|device| drives::disks(tree, device))
        .collect();
    if drives.is_empty() {
        drives = marked.iter().filter(|(_, pool)| *pool == name).map(|(drive, _)| drive.clone()).collect();
    }
    let health = tree.word(&format!("{KSTAT}/{name}/state")).ok();
    let properties = outside
        .tool("zfs", &["get", "-Hp", "-o", "property,value", "used,available,recordsize,compression", &name])
        .unwrap_or_default();
    let property = |key: &str| {
        properties.lines().find_map(|line| {
            let (name, value) = line.split_once('\t')?;
            (name == key).then(|| value.trim().to_owned())
        })
    };
    let number = |key: &str| property(key)?.parse::<u64>().ok().map(|value| value as f64);
    Pool {
        usable: number("used").zip(number("available")).map(|(used, available)| used + available),
        record: number("recordsize"),
        compression: property("compression"),
        health,
        layout,
        drives,
        name,
    }
}

/// Drives with a partition that udev knows as a member of a pool, with the pool's name.
fn marked_members(tree: &Tree) -> Vec<(String, String)> {
    let mut members = Vec::new();
    for disk in tree.names("/sys/block") {
        let folder = format!("/sys/block/{disk}");
        let parts = tree.names(&folder).into_iter().filter(|name| name.starts_with(&disk));
        for part in parts.map(|part| format!("{folder}/{part}/dev")).chain([format!("{folder}/dev")]) {
            let Ok(number) = tree.word(&part) else { continue };
            if number.contains('/') {
                continue;
            }
            let Ok(record) = tree.text(&format!("{UDEV}/b{number}")) else { continue };
            let of = |key: &str| {
                record.lines().find_map(|line| line.strip_prefix("E:")?.strip_prefix(key)?.strip_prefix('='))
            };
            if let (Some("zfs_member"), Some(pool)) = (of("ID_FS_TYPE"), of("ID_FS_LABEL")) {
                members.push((disk.clone(), pool.to_owned()));
            }
        }
    }
    members
}

/// Layout and devices of `zpool status -P`: the pool's own line, then its top-level devices two columns further in.
fn parse_status(text: &str, pool: &str) -> (Option<String>, Vec<String>) {
    /// Classes beside the data, which decide no layout.
    const ASIDE: [&str; 5] = ["logs", "cache", "spares", "special", "dedup"];
    let mut kinds = BTreeSet::new();
    let mut devices = Vec::new();
    let lines = text.lines().skip_while(|line| !line.trim_start().starts_with("NAME")).skip(1);
    let mut top = None;
    for line in lines.take_while(|line| !line.trim().is_empty()) {
        let line = line.trim_start_matches('\t');
        let depth = line.len() - line.trim_start().len();
        let Some(name) = line.split_whitespace().next() else { break };
        if ASIDE.contains(&name) && depth == 0 {
            break;
        }
        if name == pool && depth == 0 {
            top = Some(depth + 2);
        } else if let Some(top) = top {
            if name.starts_with('/') {
                devices.push(name.to_owned());
            }
            if depth == top {
                let kind = name.trim_end_matches(|c: char| c.is_ascii_digit()).trim_end_matches('-');
                let is_join = kind.starts_with("mirror") || kind.starts_with("raidz") || kind.starts_with("draid");
                kinds.insert(if is_join { format!("zfs-{kind}") } else { "zfs-stripe".to_owned() });
            }
        }
    }
    (ok_or_absent(Some(kinds.into_iter().collect::<Vec<_>>().join(", ")).filter(|all| !all.is_empty())).ok(), devices)
}

/// The facts of the working volume that only a pool tells.
pub(crate) fn working(pool: &Pool, facts: &mut Facts) {
    let source = format!("zfs get, pool {}", pool.name);
    let number = |value: Option<f64>| ok_or_absent(value);
    crate::sysfs::note_number(facts, "storage.scratch.usable", Unit::Byte, number(pool.usable), &source);
    crate::sysfs::note_number(facts, "storage.scratch.record_size", Unit::Byte, number(pool.record), &source);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const STRIPE: &str = "  pool: tank\n state: ONLINE\nconfig:\n\n\tNAME                STATE     READ WRITE CKSUM\n\
        \ttank                ONLINE       0     0     0\n\t  /dev/nvme2n1p1    ONLINE       0     0     0\n\
        \t  /dev/nvme3n1p1    ONLINE       0     0     0\n\nerrors: No known data errors\n";
    const RAIDZ: &str = "config:\n\n\tNAME  STATE READ WRITE CKSUM\n\ttank  ONLINE 0 0 0\n\t  raidz2-0  ONLINE 0 0 0\n\
        \t    /dev/sda1  ONLINE 0 0 0\n\t    /dev/sdb1  ONLINE 0 0 0\n\tlogs\n\t  mirror-1 ONLINE 0 0 0\n\
        \t    /dev/sdc1 ONLINE 0 0 0\n";

    #[test]
    fn status_tells_layout_and_devices() {
        let check = |text: &str, layout: Option<&str>, devices: &[&str]| {
            let (found, names) = parse_status(text, "tank");
            assert_eq!(
                (found.as_deref(), names.iter().map(String::as_str).collect::<Vec<_>>()),
                (layout, devices.to_vec())
            );
        };
        check(STRIPE, Some("zfs-stripe"), &["/dev/nvme2n1p1", "/dev/nvme3n1p1"]);
        check(RAIDZ, Some("zfs-raidz2"), &["/dev/sda1", "/dev/sdb1"]);
        check(&STRIPE.replace("tank", "other"), None, &[]);
        check("", None, &[]);
    }

    proptest! {
        #[test]
        fn any_status_is_read(text in "(NAME|[ \t\na-z/0-9-]){0,200}") {
            let _ = parse_status(&text, "tank");
        }
    }
}
