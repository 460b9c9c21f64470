//! Rules of tools that measure memory, arithmetic and links.

use import::{Format, Setting, Statistic};
use measure::{Quantity, Unit, binary_bytes, metrics};

use super::{Case, Remark, Worth};
use crate::ceiling::lane_rate;

/// HPL's own threshold of the scaled residual.
const RESIDUAL: f64 = 16.0;

fn note(rule: &'static str, says: String) -> Remark {
    Remark { rule, worth: Worth::Comparable, says }
}

/// The tool's own check of what it computed.
pub(super) fn not_verified(case: &Case<'_>) -> Option<Remark> {
    let told = case.import.told(case.figure, Setting::Verified);
    let failed = told.filter(|told| told.value == Some(0.0) && case.import.format != Format::PassMark);
    if let Some(told) = failed {
        let says = format!(
            "The tool's own check failed (line {}: {}): what failed or was computed wrongly has no rate.",
            told.line,
            told.text.trim()
        );
        return Some(Remark { rule: "own check failed", worth: Worth::Implausible, says });
    }
    (case.import.format == Format::Stream && told.is_none()).then(|| Remark {
        rule: "own check missing",
        worth: Worth::Inconclusive,
        says: "STREAM ends with the check of its arrays, and the file has none: whether the loops did their work is not told.".to_owned(),
    })
}

/// Without a residual a rate of HPL may be of anything.
pub(super) fn residual(case: &Case<'_>) -> Option<Remark> {
    if case.metric != Some(&metrics::DENSE_HPL) {
        return None;
    }
    match case.number(Setting::Residual) {
        None => Some(Remark {
            rule: "residual missing",
            worth: Worth::Inconclusive,
            says: "HPL counts where its scaled residual is below 16, and the file has none for this rate: whether the system was \
                   solved is not told."
                .to_owned(),
        }),
        Some(residual) if residual >= RESIDUAL => Some(Remark {
            rule: "residual too large",
            worth: Worth::Implausible,
            says: format!("The scaled residual is {residual}, and HPL's threshold is {RESIDUAL}: the system was not solved."),
        }),
        Some(_) => None,
    }
}

/// Bytes of a matrix of HPL's.
fn matrix(case: &Case<'_>) -> Option<(f64, f64)> {
    let order = case.number(Setting::Order)?;
    Some((order, order * order * 8.0))
}

pub(super) fn does_not_fit(case: &Case<'_>) -> Option<Remark> {
    let ((order, matrix), memory) = (matrix(case)?, case.fact("memory.total")?);
    (matrix > memory).then(|| Remark {
        rule: "larger than memory",
        worth: Worth::Implausible,
        says: format!(
            "A matrix of N = {order} takes {}, and this host has {}: it is of another host or of several.",
            binary_bytes(matrix),
            binary_bytes(memory)
        ),
    })
}

/// HPL is meant to fill the memory; where it does not, a higher rate may be possible.
pub(super) fn order_and_memory(case: &Case<'_>) -> Option<Remark> {
    let ((order, matrix), memory) = (matrix(case)?, case.fact("memory.total")?);
    let share = matrix / memory;
    (share < 0.5).then(|| {
        note(
            "order of the system",
            format!(
                "N = {order} takes {} of {} ({:.1} %): HPL is run to fill memory, and what fills it may have another rate.",
                binary_bytes(matrix),
                binary_bytes(memory),
                share * 100.0
            ),
        )
    })
}

/// likwid-bench's triad is not STREAM's.
pub(super) fn three_loads(case: &Case<'_>) -> Option<Remark> {
    let kernel = case.import.told(case.figure, Setting::Kernel)?;
    (kernel.text.split('_').next() == Some("triad")).then(|| Remark {
        rule: "another triad",
        worth: Worth::NotComparable,
        says: format!(
            "The test {} of likwid-bench is Schönauer's triad, a = b + c · d with three loads of an update; STREAM's, with two, is its \
             test `stream`.",
            kernel.text
        ),
    })
}

pub(super) fn another_megabyte(case: &Case<'_>) -> Option<Remark> {
    (case.import.format == Format::StressNg).then(|| Remark {
        rule: "not STREAM",
        worth: Worth::NotComparable,
        says: "stress-ng's stream is a load and not STREAM, as it says itself: reads and writes of four loops in one, of one process; \
               its MB are of 2²⁰ B."
            .to_owned(),
    })
}

/// The best of several is not what is usual.
pub(super) fn best_of(case: &Case<'_>) -> Option<Remark> {
    let is_best = case.figure.statistic == Statistic::Best && case.metric.is_some();
    is_best.then(|| {
        let times = case.number(Setting::Repetitions);
        let times = times.map_or_else(String::new, |times| format!(" of {times}"));
        note(
            "best, not median",
            format!("It is the best{times} and no median: it stands beside our best, and may lie above what is usual."),
        )
    })
}

/// What ordinary stores read before they write is not in the rate.
pub(super) fn write_allocate(case: &Case<'_>) -> Option<Remark> {
    if case.number(Setting::WithoutWriteAllocate) != Some(1.0) || case.metric.is_none() {
        return None;
    }
    let (loads, stores) = (case.number(Setting::Loads)?, case.number(Setting::Stores)?);
    let counted = loads + stores;
    (counted > 0.0).then(|| {
        note(
            "without write-allocate",
            format!(
                "Its stores are ordinary ones: {counted} transfers of an update are counted, and with the lines that stores read first the \
                 bus moves {}, {:.2} times as many.",
                counted + stores,
                (counted + stores) / counted
            ),
        )
    })
}

pub(super) fn reads_alone(case: &Case<'_>) -> Option<Remark> {
    (case.import.format == Format::Mlc && case.metric == Some(&metrics::STREAM_READ)).then(|| {
        note(
            "reads alone",
            "It counts reads alone: it stands beside our read, and not beside STREAM's triad, which writes a third of its bytes.".to_owned(),
        )
    })
}

pub(super) fn one_process(case: &Case<'_>) -> Option<Remark> {
    (case.import.format == Format::Hpcc && case.figure.name.starts_with("Single")).then(|| Remark {
        rule: "one process alone",
        worth: Worth::NotComparable,
        says: "One process worked while the others waited: it is what a core can do, and not the host.".to_owned(),
    })
}

/// What a link of a GPU carries at most in one direction.
pub(super) fn links_of_gpu(case: &Case<'_>) -> Option<Remark> {
    let name = case.figure.name.as_str();
    let one_way = !name.contains("bidirectional")
        && ["host_to_device", "device_to_host", "Host to GPU", "GPU to Host"].iter().any(|way| name.contains(way));
    if !one_way || case.value.unit != Unit::BytePerSecond {
        return None;
    }
    let pairs = case.number(Setting::Pattern).filter(|pairs| *pairs >= 1.0).unwrap_or(1.0);
    let (generation, lanes) = (case.fact("gpu.pcie_gen")?, case.fact("gpu.pcie_lanes")?);
    let (each, most) = (case.value.value / pairs, lane_rate(generation)? * lanes);
    (each > most).then(|| Remark {
        rule: "beyond the link",
        worth: Worth::Implausible,
        says: format!(
            "{} of a GPU, and {lanes} lanes of PCIe {generation} carry {} in one direction.",
            Quantity::new(each, Unit::BytePerSecond),
            Quantity::new(most, Unit::BytePerSecond)
        ),
    })
}
