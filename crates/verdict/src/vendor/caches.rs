//! Whether what was worked on is in memory or in the caches.

use import::{Format, Setting};
use measure::binary_bytes;

use super::{Case, Remark, Worth};

/// How many times the caches an array is to be larger, by STREAM's own rule of running it.
const TIMES: f64 = 4.0;
/// The elements of STREAM's arrays where nobody chose another number (5.10), of 8 B.
const DEFAULT_ARRAY: f64 = 10_000_000.0 * 8.0;

/// All last-level and second-level caches, with the arithmetic: where L3 is no copy of L2 they hold so much.
fn caches(case: &Case<'_>) -> Option<(f64, String)> {
    let l3 = case.fact("cpu.l3")?;
    match case.fact("cpu.l2").zip(case.fact("cpu.cores")) {
        Some((l2, cores)) => {
            Some((l3 + l2 * cores, format!("L3 of {} and L2 of {cores} × {}", binary_bytes(l3), binary_bytes(l2))))
        }
        None => Some((l3, format!("L3 of {}", binary_bytes(l3)))),
    }
}

/// What has to be larger than the caches, and what it is.
fn worked_on(case: &Case<'_>) -> Option<(f64, String)> {
    if !case.is_of_memory() {
        return None;
    }
    match case.import.format {
        Format::Stream => {
            case.number(Setting::ArrayBytes).map(|array| (array, format!("arrays of {}", binary_bytes(array))))
        }
        Format::Hpcc => {
            let (array, processes) = (case.number(Setting::ArrayBytes)?, case.number(Setting::Processes)?);
            let what = format!("arrays of {} in each of {processes} processes", binary_bytes(array));
            Some((array * processes, what))
        }
        Format::LikwidBench => {
            case.number(Setting::WorkingSet).map(|set| (set, format!("a working set of {}", binary_bytes(set))))
        }
        _ => None,
    }
}

pub(super) fn resident(case: &Case<'_>) -> Option<Remark> {
    let ((worked_on, what), (caches, which), last) = (worked_on(case)?, caches(case)?, case.fact("cpu.l3")?);
    let (worth, says) = if worked_on < TIMES * last {
        let says = format!(
            "{what}, and {TIMES} × the caches of this host ({which}) are {}: the caches answer a part of it, so that it is not what \
             memory delivers.",
            binary_bytes(TIMES * caches)
        );
        (Worth::Implausible, says)
    } else if worked_on < TIMES * caches {
        let says = format!(
            "{what}: as STREAM's own rule asks they are {TIMES} × the last-level caches, {}, and with L2 ({which}) that are {}: the \
             caches may answer a part of it.",
            binary_bytes(TIMES * last),
            binary_bytes(TIMES * caches)
        );
        (Worth::Inconclusive, says)
    } else {
        return None;
    };
    Some(Remark { rule: "in the caches", worth, says })
}

/// STREAM at its default, where the caches are not known; and where it does not say how large its arrays were.
pub(super) fn default_array(case: &Case<'_>) -> Option<Remark> {
    if case.import.format != Format::Stream || !case.is_of_memory() {
        return None;
    }
    let says = match case.number(Setting::ArrayBytes) {
        None => {
            "The file does not say how large the arrays were: whether they lay in the caches cannot be told.".to_owned()
        }
        Some(array) if caches(case).is_none() && array <= DEFAULT_ARRAY => format!(
            "Arrays of {} are STREAM's default: its own rule asks for {TIMES} × the caches, so for caches of {} at most, and what \
             this host has is not known.",
            binary_bytes(array),
            binary_bytes(array / TIMES)
        ),
        Some(_) => return None,
    };
    Some(Remark { rule: "size of the arrays", worth: Worth::Inconclusive, says })
}

/// stress-ng sizes its arrays by what it takes the caches to be: each of its processes by one L3.
pub(super) fn taken_too_small(case: &Case<'_>) -> Option<Remark> {
    let (each, (caches, which)) = (case.number(Setting::CacheBytes)?, caches(case)?);
    let l3 = case.fact("cpu.l3")?;
    let processes = case.number(Setting::Processes).unwrap_or(1.0);
    (each * processes < l3).then(|| Remark {
        rule: "in the caches",
        worth: Worth::Implausible,
        says: format!(
            "stress-ng sized the arrays of each of its {processes} processes by caches of {}, and this host has {} ({which}): they lay in \
             the caches.",
            binary_bytes(each),
            binary_bytes(caches)
        ),
    })
}
