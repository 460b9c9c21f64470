//! Storage: rates against the PCIe links, records against blocks, latency against the NAND.

use measure::{Ceiling, Quantity, Unit, Workload};

use super::constants::{Constant, LINK_BEST_SHARE, LOOSE_SHARE, NVME_LANES, TLC_READ, ZFS_RECORD, pcie_lane};
use super::document::{Document, Input, at_least, at_most, condition, count, percent, show, sizes, times};
use super::{Finding, Grade, Notes};
use crate::{Place, Target};

/// The working volume: its drives and what their links carry.
pub(super) struct Volume<'a> {
    pub(super) drives: Input<'a>,
    /// B/s of one drive's link.
    pub(super) link: f64,
    rows: Input<'a>,
    lane: Constant,
    lanes: f64,
}

impl<'a> Volume<'a> {
    pub(super) fn of(document: &Document<'a>) -> Option<Self> {
        let drives = document.number("storage.scratch.drives")?;
        let generation = document.number("storage.scratch.pcie_gen")?;
        let lane = pcie_lane(generation.value)?;
        let stated = document.number("storage.scratch.pcie_lanes");
        let (media, _) = document.text("storage.scratch.media")?;
        let lanes = match &stated {
            Some(lanes) => lanes.value,
            None if media.eq_ignore_ascii_case("nvme") => NVME_LANES.value,
            None => return None,
        };
        let mut rows = times(&drives, &generation);
        rows.rows.extend(stated.iter().flat_map(|lanes| lanes.rows.clone()));
        Some(Volume { drives, link: lane.value * lanes, rows, lane, lanes })
    }

    pub(super) fn ceiling(&self) -> f64 {
        self.drives.value * self.link
    }

    fn text(&self) -> String {
        format!(
            "{} drives × {} lanes × {} = {}",
            count(self.drives.value),
            count(self.lanes),
            show(self.lane.value, Unit::BytePerSecond),
            show(self.ceiling(), Unit::BytePerSecond)
        )
    }

    pub(super) fn places(&self, target: &Target) -> Vec<Place> {
        let mut places = self.rows.places();
        places.push(target.place.clone());
        places
    }
}

pub(super) fn audit(document: &Document<'_>, notes: &mut Notes) {
    let volume = Volume::of(document);
    for target in document.targets(|metric| matches!(metric.ceiling, Some(Ceiling::DriveLinks { .. }))) {
        let Some(bytes) = bytes_per_second(target) else { continue };
        if let Some(volume) = &volume {
            rate(volume, target, bytes, notes);
            records(document, volume, target, notes);
        } else {
            let missing = "missing: drives of the working volume, their PCIe generation or their kind".to_owned();
            notes.grade(&target.id, Grade::Unknown, None, missing);
        }
    }
    nand(document, volume.as_ref(), notes);
}

/// What a target asks of the drives, in B/s.
pub(super) fn bytes_per_second(target: &Target) -> Option<f64> {
    match target.value.unit {
        Unit::BytePerSecond => Some(at_least(target)),
        Unit::IoPerSecond => Some(at_least(target) * condition(target, "block")?.value),
        _ => None,
    }
}

/// Rate against the links of all drives.
fn rate(volume: &Volume<'_>, target: &Target, bytes: f64, notes: &mut Notes) {
    let ceiling = volume.ceiling();
    let share = bytes / ceiling;
    let grade = match share {
        share if share > 1.0 + 1e-9 => Grade::Impossible,
        share if share > LINK_BEST_SHARE.value => Grade::Aggressive,
        share if share < LOOSE_SHARE.value && target.value.unit == Unit::BytePerSecond => Grade::Loose,
        _ => Grade::Plausible,
    };
    let each = show(bytes / volume.drives.value, Unit::BytePerSecond);
    let arithmetic = format!("{}; promised {}, {each} a drive, {} of it", volume.text(), target.value, percent(share));
    let limit = match condition(target, "block") {
        Some(block) if target.value.unit == Unit::IoPerSecond => {
            Quantity::new(ceiling / block.value, Unit::IoPerSecond)
        }
        _ => Quantity::new(ceiling, Unit::BytePerSecond),
    };
    notes.grade(&target.id, grade, Some(limit), arithmetic.clone());
    if grade == Grade::Plausible {
        return;
    }
    let link = show(volume.link, Unit::BytePerSecond);
    notes.find(Finding {
        rule: "storage.link",
        grade,
        factor: share.max(1.0 / share),
        targets: vec![target.id.clone()],
        concerns: volume.rows.ids(),
        says: format!("{} asks {each} of each drive, whose link carries {link}.", target.value),
        arithmetic,
        rows: volume.places(target),
        consistent_if: format!(
            "{} drives share the work, or the figure is at most {limit}",
            count((bytes / (volume.link * LINK_BEST_SHARE.value)).ceil())
        ),
        constants: vec![volume.lane, NVME_LANES, LINK_BEST_SHARE],
    });
}

/// Random reads smaller than the record of the file system read whole records.
fn records(document: &Document<'_>, volume: &Volume<'_>, target: &Target, notes: &mut Notes) {
    let Some((layout, row)) = document.text("storage.scratch.layout") else { return };
    let Some(block) = condition(target, "block") else { return };
    let random_read = is(target, "pattern", "random") && is(target, "operation", "read");
    if !layout.to_lowercase().contains("zfs") || !random_read || target.value.unit != Unit::IoPerSecond {
        return;
    }
    let stated = condition(target, "record").map(|record| record.value);
    let record = stated.unwrap_or(ZFS_RECORD.value).max(block.value);
    let asked = at_least(target) * record;
    if asked <= volume.ceiling() {
        return;
    }
    let largest = 2.0_f64.powf((volume.ceiling() / at_least(target)).log2().floor());
    let arithmetic = format!(
        "{} × {} = {}; {}",
        target.value,
        sizes(record, Unit::Byte),
        show(asked, Unit::BytePerSecond),
        volume.text()
    );
    let mut rows = volume.places(target);
    rows.push(row.place.clone());
    notes.find(Finding {
        rule: "storage.records",
        grade: if stated.is_some() { Grade::Impossible } else { Grade::Aggressive },
        factor: asked / volume.ceiling(),
        targets: vec![target.id.clone()],
        concerns: vec![row.id.clone()],
        says: format!(
            "ZFS reads whole records: at {} {} random reads of {} would read {} from the drives, more than their links carry.",
            if stated.is_some() { sizes(record, Unit::Byte) } else { format!("its default of {}", sizes(record, Unit::Byte)) },
            target.value,
            sizes(block.value, Unit::Byte),
            show(asked, Unit::BytePerSecond)
        ),
        arithmetic,
        rows,
        consistent_if: format!("the record size is stated, and is at most {}", sizes(largest, Unit::Byte)),
        constants: vec![ZFS_RECORD, volume.lane],
    });
}

fn is(target: &Target, condition: &str, value: &str) -> bool {
    target.conditions.get(condition).is_some_and(|stated| stated == value)
}

/// The p99 of reads against the array read time of NAND.
fn nand(document: &Document<'_>, volume: Option<&Volume<'_>>, notes: &mut Notes) {
    let Some((media, row)) = document.text("storage.scratch.media") else { return };
    let flash = media.eq_ignore_ascii_case("nvme") || media.eq_ignore_ascii_case("sata");
    let latencies = document.measured_by(Workload::Disk).filter(|target| target.value.unit == Unit::Second);
    for target in latencies.filter(|target| flash && is(target, "operation", "read")) {
        let link = volume.zip(condition(target, "block"));
        // The blocks of a sequential read may be spread over all drives.
        let transfer = link.map_or(0.0, |(volume, block)| block.value / volume.ceiling());
        let floor = TLC_READ.value + transfer;
        if at_most(target) >= floor {
            continue;
        }
        let arithmetic = format!(
            "array read {} + transfer {} = {} at the least on TLC NAND; promised {}",
            show(TLC_READ.value, Unit::Second),
            show(transfer, Unit::Second),
            show(floor, Unit::Second),
            target.value
        );
        notes.find(Finding {
            rule: "storage.nand",
            grade: Grade::Aggressive,
            factor: floor / target.value.value,
            targets: vec![target.id.clone()],
            concerns: vec![row.id.clone()],
            says: format!(
                "A p99 of {} is below the {} that the fastest published TLC NAND needs to read a page (a datasheet figure, not a \
                 law): hardly any read may touch TLC NAND.",
                target.value,
                show(TLC_READ.value, Unit::Second)
            ),
            arithmetic,
            rows: vec![row.place.clone(), target.place.clone()],
            consistent_if: format!(
                "the drives hold SLC-class media, or a cache answers and that is said, or the p99 is {} or more",
                show(floor, Unit::Second)
            ),
            constants: vec![TLC_READ],
        });
    }
}

/// What the links of all drives carry, in bytes a second.
pub(super) fn sure_ceiling(document: &Document<'_>) -> Option<(f64, String)> {
    let volume = Volume::of(document)?;
    Some((volume.ceiling(), volume.text()))
}

/// The same in operations of `block` bytes.
pub(super) fn sure_operations(document: &Document<'_>, block: f64) -> Option<(f64, String)> {
    let (bytes, text) = sure_ceiling(document)?;
    Some((bytes / block, format!("{text} / {} B", count(block))))
}
