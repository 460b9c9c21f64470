//! Rules of fio.

use import::{Format, Setting, Statistic};
use measure::{Unit, binary_bytes, metrics};

use super::{Case, Remark, Worth};

/// Shorter reads than this tell little; so much of it may be the beginning.
const SHORTEST_READ: f64 = 10.0;
/// Rounds of SNIA's Performance Test Specification take a minute: a drive's cache takes writes for as long.
const SHORTEST_WRITE: f64 = 60.0;

fn is_fio(case: &Case<'_>) -> bool {
    case.import.format == Format::Fio
}

/// Bytes of all files of a job's, and of those that worked at once.
fn files(case: &Case<'_>) -> Option<f64> {
    let times = |setting| case.number(setting).unwrap_or(1.0);
    Some(case.number(Setting::FileSize)? * times(Setting::Jobs) * times(Setting::Processes))
}

/// An entry of several is what one job did while others worked.
pub(super) fn a_share(case: &Case<'_>) -> Option<Remark> {
    let entries = case.import.told(case.figure, Setting::Processes).filter(|_| is_fio(case))?;
    let number = entries.value.filter(|number| *number > 1.0)?;
    Some(Remark {
        rule: "a share",
        worth: Worth::NotComparable,
        says: format!(
            "It is one of {number} entries of fio that worked at once (line {}): neither it nor their sum is the host's; fio tells that of \
             all jobs with group_reporting=1.",
            entries.line
        ),
    })
}

/// Of what several sections did nothing is known that their options would say.
pub(super) fn joined(case: &Case<'_>) -> Option<Remark> {
    case.import.told(case.figure, Setting::Joined).map(|entry| Remark {
        rule: "joined",
        worth: Worth::NotComparable,
        says: format!(
            "fio joined jobs of several sections into this entry (line {}, group_reporting), under the name of the first and with the \
             options of the last: blocks, depth and directness of the others are not told. Give each section its own group \
             (new_group), or run each alone.",
            entry.line
        ),
    })
}

/// A deeper queue has a higher rate and longer requests.
pub(super) fn another_depth(case: &Case<'_>) -> Option<Remark> {
    let ours: f64 = case.ours?.context.get("depth")?.parse().ok()?;
    let (depth, jobs) = (case.number(Setting::Depth)?, case.number(Setting::Jobs)?);
    let is_time = case.value.unit == Unit::Second;
    (is_fio(case) && (depth * jobs - ours).abs() > 0.5).then(|| Remark {
        rule: "another depth",
        worth: if is_time { Worth::NotComparable } else { Worth::Comparable },
        says: format!(
            "It is of {depth} × {jobs} requests in flight, and ours of {ours}: a deeper queue has a higher rate and longer requests."
        ),
    })
}

pub(super) fn buffered(case: &Case<'_>) -> Option<Remark> {
    let direct =
        case.import.told(case.figure, Setting::Direct).filter(|direct| is_fio(case) && direct.value == Some(0.0))?;
    let why = format!("Buffered I/O (line {}: {})", direct.line, direct.text);
    Some(match files(case).zip(case.fact("memory.total")) {
        Some((size, memory)) if size < memory => Remark {
            rule: "buffered",
            worth: Worth::Implausible,
            says: format!(
                "{why} of {} on a host with {} of memory: the page cache holds all of it, and the drives need not have moved a byte.",
                binary_bytes(size),
                binary_bytes(memory)
            ),
        },
        _ => Remark {
            rule: "buffered",
            worth: Worth::NotComparable,
            says: format!("{why}: the page cache answers as far as memory reaches, and it is not the drives' figure."),
        },
    })
}

pub(super) fn no_random_map(case: &Case<'_>) -> Option<Remark> {
    let is_random =
        case.import.told(case.figure, Setting::Pattern).is_some_and(|pattern| pattern.text.starts_with("rand"));
    (is_fio(case) && is_random && case.number(Setting::NoRandomMap) == Some(1.0)).then(|| Remark {
        rule: "norandommap",
        worth: Worth::NotComparable,
        says: "With norandommap blocks are read again before others were read once: a cache answers some of them."
            .to_owned(),
    })
}

pub(super) fn mean_for_p99(case: &Case<'_>) -> Option<Remark> {
    let of_p99 = [&metrics::DISK_SEQREAD_P99, &metrics::DISK_SEQWRITE_P99, &metrics::DISK_RANDREAD_P99];
    let is_mean =
        case.figure.statistic == Statistic::Mean && case.metric.is_some_and(|metric| of_p99.contains(&metric));
    is_mean.then(|| Remark {
        rule: "a mean for p99",
        worth: Worth::NotComparable,
        says: "It is a mean, and the file has no percentiles: one request of a hundred may have taken any time."
            .to_owned(),
    })
}

pub(super) fn completion_for_all(case: &Case<'_>) -> Option<Remark> {
    let kind = case.import.told(case.figure, Setting::LatencyKind)?;
    (kind.text == "clat" && case.figure.statistic == Statistic::P99).then(|| Remark {
        rule: "clat for lat",
        worth: Worth::Inconclusive,
        says: "It is of clat, which begins when a request was handed over: the time to submit it is left out; fio tells all of it with \
               lat_percentiles=1."
            .to_owned(),
    })
}

pub(super) fn short(case: &Case<'_>) -> Option<Remark> {
    let seconds = case.number(Setting::Runtime).filter(|_| is_fio(case))?;
    let is_write = case.figure.name.contains(": write ");
    let wanted = if is_write { SHORTEST_WRITE } else { SHORTEST_READ };
    (seconds < wanted).then(|| Remark {
        rule: "short",
        worth: Worth::Inconclusive,
        says: if is_write {
            format!("{seconds} s of writes: a drive's own cache takes them for so long, and {wanted} s are the least before a steady state.")
        } else {
            format!("{seconds} s of reads: {wanted} s are the least that tells a rate from its beginning.")
        },
    })
}

/// A small file, read past the page cache, may still be in what is behind it.
pub(super) fn small_file(case: &Case<'_>) -> Option<Remark> {
    let (size, memory) = (files(case)?, case.fact("memory.total")?);
    let is_direct = is_fio(case) && case.number(Setting::Direct) == Some(1.0) && case.value.unit != Unit::Count;
    (is_direct && size < memory).then(|| Remark {
        rule: "a small file",
        worth: Worth::Comparable,
        says: format!(
            "{} are less than the {} of memory: direct I/O leaves the page cache out, and not the caches of drives, controllers and \
             hypervisors.",
            binary_bytes(size),
            binary_bytes(memory)
        ),
    })
}
