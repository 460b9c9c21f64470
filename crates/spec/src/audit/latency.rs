//! Memory latency: the DRAM's own, and that of published servers.

use measure::metrics::STREAM_LATENCY;
use measure::{Quantity, Unit};

use super::constants::{DRAM_ACCESS, LINE_TRANSFERS, SERVER_IDLE_LATENCY};
use super::document::{Document, at_most, ids, show};
use super::{Finding, Grade, Notes};

/// The time that the DRAM itself takes for a cache line at a data rate.
pub(super) fn floor(rate: f64) -> f64 {
    DRAM_ACCESS.value + LINE_TRANSFERS.value / rate
}

/// Latency: no access is faster than the DRAM, and no published server as fast as its DRAM.
pub(super) fn audit(document: &Document<'_>, notes: &mut Notes) {
    let kind = document.text("memory.type");
    for target in document.judged_by(&STREAM_LATENCY) {
        let (Some((kind, row)), Some(rate)) = (kind, document.number("memory.data_rate")) else {
            notes.grade(&target.id, Grade::Unknown, None, "missing: memory type and data rate".to_owned());
            continue;
        };
        let burst = LINE_TRANSFERS.value / rate.value;
        let floor = floor(rate.value);
        let value = target.value.value;
        let server =
            kind.to_uppercase().contains("RDIMM") || document.number("cpu.sockets").is_some_and(|n| n.value > 1.0);
        let grade = match at_most(target) {
            most if most < floor => Grade::Impossible,
            most if server && most < SERVER_IDLE_LATENCY.value => Grade::Aggressive,
            _ => Grade::Plausible,
        };
        let arithmetic = format!(
            "row and column {} + burst {} = {} at the least; published servers {} and more; promised {}",
            show(DRAM_ACCESS.value, Unit::Second),
            show(burst, Unit::Second),
            show(floor, Unit::Second),
            show(SERVER_IDLE_LATENCY.value, Unit::Second),
            target.value
        );
        notes.grade(&target.id, grade, Some(Quantity::new(floor, Unit::Second)), arithmetic.clone());
        if grade == Grade::Plausible {
            continue;
        }
        let against = if grade == Grade::Impossible { floor } else { SERVER_IDLE_LATENCY.value };
        notes.find(Finding {
            rule: "memory.latency",
            grade,
            factor: against / value,
            targets: vec![target.id.clone()],
            concerns: ids(&[row]),
            says: format!(
                "{} to the first data is {}: the DRAM alone takes {}, and no two-socket server of this memory is published \
                 below {}.",
                target.value,
                if grade == Grade::Impossible { "less than the DRAM needs" } else { "faster than such servers are" },
                show(floor, Unit::Second),
                show(SERVER_IDLE_LATENCY.value, Unit::Second)
            ),
            arithmetic,
            rows: vec![row.place.clone(), target.place.clone()],
            consistent_if: format!("the figure is {} or more, or says how it was measured", show(against, Unit::Second)),
            constants: vec![DRAM_ACCESS, LINE_TRANSFERS, SERVER_IDLE_LATENCY],
        });
    }
}
