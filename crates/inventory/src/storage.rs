//! The two volumes that a specification speaks of: what the system boots from, and what it works on.

use std::collections::BTreeSet;

use measure::{FactValue, Facts, Unit};

use crate::boot::BootVolume;
use crate::drives::{Array, Drive};
use crate::sysfs::{Found, Unavailable, note, note_number, note_text, ok_or_absent};
use crate::zfs::{self, Pool};

/// Adds the facts `storage.*`.
///
/// The working volume is, in this order: the ZFS pool on the most drives that is not the root's, the md array on the
/// most drives that is not the root's, or else every NVMe drive that does not hold the root. The only drive of a host is
/// both what it boots from and what it works on.
pub(crate) fn probe(
    drives: &Found<Vec<Drive>>,
    arrays: &[Array],
    pools: &[Pool],
    boot: Found<BootVolume>,
    facts: &mut Facts,
) {
    let all = match drives {
        Ok(drives) => drives.as_slice(),
        Err(_) => &[],
    };
    let is_of = |drive: &Drive, names: &BTreeSet<String>| drive.names.iter().any(|name| names.contains(name));
    let of = |names: &BTreeSet<String>| all.iter().filter(|drive| is_of(drive, names)).collect::<Vec<_>>();
    let source = "/proc/self/mounts, /sys/block";
    let built_in: Vec<&Drive> = all.iter().filter(|drive| drive.is_built_in()).collect();
    let only: Option<BTreeSet<String>> =
        if let [only] = built_in[..] { Some(only.names.iter().cloned().collect()) } else { None };
    let boot_drives = match (&boot, &only) {
        (Ok(boot), _) => Ok(boot.drives.clone()),
        (Err(_), Some(only)) => Ok(only.clone()),
        (Err(why), None) => Err(why.clone()),
    };
    let found = boot_drives.clone().map(|names| of(&names));
    note(
        facts,
        "storage.boot.power_loss_protection",
        power_loss_protection(found.clone()).map(FactValue::Flag),
        "/sys/block/*/queue/write_cache",
    );
    let boot_names = boot_drives.unwrap_or_default();
    volume("storage.boot", &found, &boot_names, source, facts);
    let boot_layout = boot.as_ref().ok().map(|boot| boot.layout.clone());
    let missing = boot.clone().and_then(|boot| ok_or_absent(boot.missing.map(|missing| missing as f64)));
    note_number(facts, "storage.boot.missing", Unit::Count, missing, "/sys/block/md*/md/degraded");
    note_text(facts, "storage.boot.layout", boot.map(|boot| boot.layout), source);

    let apart = |names: &BTreeSet<String>| !names.is_empty() && names.is_disjoint(&boot_names);
    let pool = pools.iter().filter(|pool| apart(&pool.drives)).max_by_key(|pool| pool.drives.len());
    let members = |array: &Array| array.members.iter().cloned().collect::<BTreeSet<_>>();
    let array = arrays.iter().filter(|array| apart(&members(array))).max_by_key(|array| array.members.len());
    let (names, layout, source) = if let Some(pool) = pool {
        zfs::working(pool, facts);
        (pool.drives.clone(), pool.layout.clone(), format!("ZFS pool {}, /sys/block", pool.name))
    } else if let Some(array) = array {
        let source = format!("md array {}, /sys/block", array.name);
        note_number(facts, "storage.scratch.usable", Unit::Byte, Ok(array.bytes as f64), &source);
        (members(array), Some(array.level.clone()), source)
    } else if let Some(only) = only {
        (only, boot_layout, "/sys/block (the only drive)".to_owned())
    } else {
        let free = all.iter().filter(|drive| drive.media == "nvme" && !is_of(drive, &boot_names));
        let names = free.flat_map(|drive| drive.names.iter().cloned());
        (names.collect(), None, "/sys/block (NVMe drives without the root)".to_owned())
    };
    let found = ok_or_absent(Some(of(&names)).filter(|drives| !drives.is_empty()));
    let count = drives.as_ref().map(|_| of(&names).len() as f64).map_err(Clone::clone);
    note_text(facts, "storage.scratch.layout", ok_or_absent(layout), &source);
    let models = found.clone().and_then(|drives| each(&drives, |drive| drive.model.clone()));
    note_text(facts, "storage.scratch.model", models, &source);
    let errors = found.clone().and_then(|drives| health(&drives, |health| health.media_errors));
    let errors = errors.map(|errors| errors.into_iter().sum());
    note_number(facts, "storage.scratch.media_errors", Unit::Count, errors, "SMART");
    volume("storage.scratch", &found, &names, &source, facts);
    // A host whose drives are known and that has no such volume has none of its drives: that is told, not unknown.
    note_number(facts, "storage.scratch.drives", Unit::Count, count, &source);
}

/// Whether none of the drives keeps written data in a cache that a loss of power empties.
fn power_loss_protection(drives: Found<Vec<&Drive>>) -> Found<bool> {
    let caches = drives?.iter().map(|drive| drive.volatile_cache).collect::<Option<Vec<bool>>>();
    ok_or_absent(caches.filter(|caches| !caches.is_empty()).map(|caches| !caches.contains(&true)))
}

/// The facts that both volumes have, of its drives and of their names in it. Of several drives the worst speaks: smallest,
/// slowest, most worn.
fn volume(prefix: &str, drives: &Found<Vec<&Drive>>, names: &BTreeSet<String>, source: &str, facts: &mut Facts) {
    let id = |name: &str| format!("{prefix}.{name}");
    let drives = drives.clone();
    let least = |of: fn(&Drive) -> Option<u8>| -> Found<f64> {
        let values = drives.clone()?.iter().map(|drive| of(drive)).collect::<Option<Vec<u8>>>();
        ok_or_absent(values.and_then(|values| values.into_iter().min()).map(f64::from))
    };
    note_number(facts, &id("pcie_gen"), Unit::Count, least(|drive| drive.link.generation), source);
    note_number(facts, &id("pcie_lanes"), Unit::Count, least(|drive| drive.link.lanes), source);
    note_number(facts, &id("drives"), Unit::Count, drives.clone().map(|drives| drives.len() as f64), source);
    let devices = drives.clone().and_then(|drives| {
        let is_known = |name: &&String| drives.iter().any(|drive| drive.names.contains(name));
        let devices = names.iter().filter(is_known).cloned().collect::<Vec<_>>().join(", ");
        ok_or_absent(Some(devices).filter(|devices| !devices.is_empty()))
    });
    note_text(facts, &id("devices"), devices, source);
    let capacity = drives.clone().and_then(|drives| ok_or_absent(drives.iter().map(|drive| drive.bytes).min()));
    note_number(facts, &id("drive_capacity"), Unit::Byte, capacity.map(|bytes| bytes as f64), source);
    let text = |of: fn(&Drive) -> Option<String>| drives.clone().and_then(|drives| each(&drives, of));
    note_text(facts, &id("form_factor"), text(|drive| drive.form_factor.map(str::to_owned)), source);
    note_text(facts, &id("media"), text(|drive| Some(drive.media.to_owned())), source);
    note_text(facts, &id("firmware"), text(|drive| drive.firmware.clone()), source);
    let written = drives.clone().and_then(|drives| health(&drives, |health| health.written));
    let most = written.map(|written| written.into_iter().fold(0.0, f64::max));
    note_number(facts, &id("written"), Unit::Byte, most, "SMART");
    let wear = drives.and_then(|drives| health(&drives, |health| health.used));
    let worst = wear.map(|wear| wear.into_iter().fold(0.0, f64::max));
    note_number(facts, &id("wear"), Unit::Ratio, worst, "SMART");
}

/// What all drives say, each different answer once; absent where one does not tell.
fn each(drives: &[&Drive], of: impl Fn(&Drive) -> Option<String>) -> Found<String> {
    let answers = drives.iter().map(|drive| of(drive)).collect::<Option<BTreeSet<String>>>();
    ok_or_absent(
        answers.map(|answers| answers.into_iter().collect::<Vec<_>>().join(", ")).filter(|all| !all.is_empty()),
    )
}

/// A figure of every drive's SMART; the first that could not be read says why there is none.
fn health(drives: &[&Drive], of: impl Fn(&crate::nvme::Health) -> f64) -> Found<Vec<f64>> {
    if drives.is_empty() {
        return Err(Unavailable::Absent);
    }
    drives.iter().map(|drive| drive.health.as_ref().map(&of).map_err(Clone::clone)).collect()
}
