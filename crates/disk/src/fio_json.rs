//! Results in the JSON layout of fio 3.33, so that tools made for fio read them.
//!
//! Two things differ on purpose: `fio version` names this program, and one object `hostproof` beside fio's keys holds
//! what fio has no place for (what was honoured, Little's law, what a reader should know).

use serde_json::{Map, Value, json};

use crate::counters::DeviceStat;
use crate::histogram::{Histogram, Moments};
use crate::job::Direction;
use crate::latency_recorder::{Stats, Tick};
use crate::results::{JobResult, Results, SteadyResult, least};
use crate::steady::{SteadyLimit, WatchedRate};

/// The document; `globals` are the options of the job file's `[global]` sections, if it has some.
#[must_use]
pub fn fio_json(results: &Results, globals: &[(String, String)]) -> Value {
    let seconds = i64::try_from(results.started.as_secs()).unwrap_or(i64::MAX);
    let time = jiff::Timestamp::from_second(seconds).unwrap_or_default();
    let mut document = Map::new();
    let mut put = |key: &str, value: Value| document.insert(key.to_owned(), value);
    put("fio version", json!(concat!("hostproof-", env!("CARGO_PKG_VERSION"))));
    put("timestamp", json!(seconds));
    put("timestamp_ms", json!(u64::try_from(results.started.as_millis()).unwrap_or(u64::MAX)));
    put("time", json!(time.strftime("%a %b %e %H:%M:%S %Y").to_string()));
    if !globals.is_empty() {
        put("global options", options(globals));
    }
    put("jobs", results.jobs.iter().map(|result| job(result, results)).collect());
    put("disk_util", results.devices.iter().map(|device| disk(device, results.seconds)).collect());
    put("hostproof", json!({ "jobs": results.jobs.iter().map(own).collect::<Vec<_>>() }));
    Value::Object(document)
}

fn options(pairs: &[(String, String)]) -> Value {
    pairs.iter().map(|(key, value)| (key.clone(), json!(value))).collect::<Map<_, _>>().into()
}

fn job(result: &JobResult, results: &Results) -> Value {
    let runtime = result.window.interval.seconds();
    // CPU time is of the whole run, the ramp included.
    let whole_run = (runtime + result.job.timing.ramp) * f64::from(result.workers);
    let percent = |seconds: f64| if whole_run > 0.0 { seconds / whole_run * 100.0 } else { 0.0 };
    let all: u64 = result.stats.iter().map(Stats::operations).sum();
    let mut row = json!({
        "jobname": result.job.name,
        "groupid": result.group,
        "error": 0,
        "eta": 0,
        "elapsed": whole(results.seconds.ceil()),
        "job options": options(&result.job.options),
        "read": direction(result, Direction::Read),
        "write": direction(result, Direction::Write),
        "trim": direction_totals(&Stats::default(), &[], 0.0, 0.0, &result.job.percentiles),
        "sync": sync(&result.syncs, &result.job.percentiles),
        "job_runtime": milliseconds(runtime * f64::from(result.workers)),
        "usr_cpu": percent(result.usage.user),
        "sys_cpu": percent(result.usage.system),
        "ctx": result.usage.switches,
        "majf": result.usage.major_faults,
        "minf": result.usage.minor_faults,
        "iodepth_level": shares(&["1", "2", "4", "8", "16", "32", ">=64"], &result.depths.level, all),
        "iodepth_submit": batches(&result.depths.submit),
        "iodepth_complete": batches(&result.depths.complete),
        "latency_ns": latencies(result, 1, &[2, 4, 10, 20, 50, 100, 250, 500, 750, 1000], false),
        "latency_us": latencies(result, 1000, &[2, 4, 10, 20, 50, 100, 250, 500, 750, 1000], false),
        "latency_ms": latencies(result, 1_000_000, &[2, 4, 10, 20, 50, 100, 250, 500, 750, 1000, 2000], true),
        "latency_depth": result.job.queue.depth,
        "latency_target": 0,
        "latency_percentile": 100.0,
        "latency_window": 0,
    });
    if let (Some(found), Some(row)) = (&result.steady, row.as_object_mut()) {
        row.insert("steadystate".to_owned(), steady(found, result));
    }
    row
}

fn direction(result: &JobResult, way: Direction) -> Value {
    let stats = &result.stats[way as usize];
    let read_back = &result.read_back;
    if way == Direction::Read && read_back.stats.operations() > 0 {
        // As in fio, what is read to check what was written is read.
        let mut all = stats.clone();
        all.merge(&read_back.stats);
        let seconds = read_back.seconds + if stats.operations() > 0 { result.window.interval.seconds() } else { 0.0 };
        let written = result.stats[Direction::Write as usize].bytes;
        let share = all.bytes as f64 / (all.bytes + written).max(1) as f64 * 100.0;
        return direction_totals(&all, &[], seconds, share, &result.job.percentiles);
    }
    let per_second = |tick: &Tick| (tick.operations[way as usize], tick.bytes[way as usize]);
    let series: Vec<(u64, u64)> =
        if stats.operations() == 0 { Vec::new() } else { result.seconds.iter().map(per_second).collect() };
    let both: u64 = result.stats.iter().map(|stats| stats.bytes).sum();
    let share = if both == 0 { 0.0 } else { stats.bytes as f64 / both as f64 * 100.0 };
    direction_totals(stats, &series, result.window.interval.seconds(), share, &result.job.percentiles)
}

/// One direction: `series` are operations and bytes of each second, `share` its percentage of all bytes.
fn direction_totals(stats: &Stats, series: &[(u64, u64)], seconds: f64, share: f64, percentiles: &[f64]) -> Value {
    let seconds = if stats.operations() == 0 { 0.0 } else { seconds };
    let per = |amount: u64| if seconds > 0.0 { amount as f64 / seconds } else { 0.0 };
    let iops = spread(series.iter().map(|second| second.0 as f64));
    let bandwidth = spread(series.iter().map(|second| second.1 as f64 / 1024.0));
    json!({
        "io_bytes": stats.bytes,
        "io_kbytes": stats.bytes / 1024,
        "bw_bytes": whole(per(stats.bytes)),
        "bw": whole(per(stats.bytes) / 1024.0),
        "iops": per(stats.operations()),
        "runtime": milliseconds(seconds),
        "total_ios": stats.operations(),
        "short_ios": 0,
        "drop_ios": 0,
        "slat_ns": times(&stats.slat),
        "clat_ns": distribution(&stats.clat, percentiles),
        "lat_ns": times(&stats.response),
        "bw_min": whole(bandwidth.min),
        "bw_max": whole(bandwidth.max),
        "bw_agg": share,
        "bw_mean": bandwidth.mean,
        "bw_dev": bandwidth.deviation,
        "bw_samples": series.len(),
        "iops_min": whole(iops.min),
        "iops_max": whole(iops.max),
        "iops_mean": iops.mean,
        "iops_stddev": iops.deviation,
        "iops_samples": series.len(),
    })
}

fn times(moments: &Moments) -> Value {
    json!({
        "min": least(moments),
        "max": moments.max,
        "mean": moments.mean(),
        "stddev": moments.deviation(),
        "N": moments.count,
    })
}

fn distribution(histogram: &Histogram, percentiles: &[f64]) -> Value {
    let mut value = times(histogram.moments());
    let each = percentiles
        .iter()
        .filter_map(|&percent| Some((format!("{percent:.6}"), json!(histogram.percentile(percent)?))));
    let each: Map<String, Value> = each.collect();
    if let (Some(object), false) = (value.as_object_mut(), each.is_empty()) {
        object.insert("percentile".to_owned(), Value::Object(each));
    }
    value
}

fn sync(syncs: &Histogram, percentiles: &[f64]) -> Value {
    json!({ "total_ios": syncs.moments().count, "lat_ns": distribution(syncs, percentiles) })
}

/// Classes of batch sizes.
fn batches(counts: &[u64; 7]) -> Value {
    shares(&["0", "4", "8", "16", "32", "64", ">=64"], counts, counts.iter().sum())
}

fn shares(names: &[&str], counts: &[u64], whole: u64) -> Value {
    let share = |count: u64| if whole == 0 { 0.0 } else { count as f64 / whole as f64 * 100.0 };
    names
        .iter()
        .zip(counts)
        .map(|(name, &count)| ((*name).to_owned(), json!(share(count))))
        .collect::<Map<_, _>>()
        .into()
}

/// Shares of completion latencies by class; each class ends at its name, and starts where the one before ended.
fn latencies(result: &JobResult, unit: u64, classes: &[u64], open: bool) -> Value {
    let whole: u64 = result.stats.iter().map(Stats::operations).sum();
    let between = |from: u64, to: u64| result.stats.iter().map(|stats| stats.clat.between(from, to)).sum::<u64>();
    // The first class of microseconds starts where the nanoseconds ended.
    let mut from = if unit == 1 { 0 } else { unit };
    let mut names: Vec<String> = Vec::new();
    let mut counts = Vec::new();
    for class in classes {
        names.push(class.to_string());
        counts.push(between(from, class * unit));
        from = class * unit;
    }
    if open {
        names.push(format!(">={}", from / unit));
        counts.push(between(from, u64::MAX));
    }
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    shares(&names, &counts, whole)
}

fn steady(found: &SteadyResult, result: &JobResult) -> Value {
    let criterion = &found.criterion;
    let limit = match criterion.limit {
        SteadyLimit::Relative(share) => format!("{:.6}%", share * 100.0),
        SteadyLimit::Absolute(value) => format!("{value:.6}"),
    };
    let name = match (criterion.rate, criterion.slope) {
        (WatchedRate::Iops, false) => "iops",
        (WatchedRate::Iops, true) => "iops_slope",
        (WatchedRate::Bandwidth, false) => "bw",
        (WatchedRate::Bandwidth, true) => "bw_slope",
    };
    let off = found.off.unwrap_or(0.0);
    let off = match criterion.limit {
        SteadyLimit::Relative(_) => format!("{:.6}%", off * 100.0),
        SteadyLimit::Absolute(_) => format!("{off:.6}"),
    };
    let sum = |pair: [u64; 2]| pair[0] + pair[1];
    let iops: Vec<u64> = result.seconds.iter().map(|tick| sum(tick.operations)).collect();
    let bytes: Vec<u64> = result.seconds.iter().map(|tick| sum(tick.bytes)).collect();
    let mean = |values: &[u64]| spread(values.iter().map(|&value| value as f64)).mean;
    let watched = spread(found.values.iter().copied());
    json!({
        "ss": format!("{name}:{limit}"),
        "duration": whole(criterion.duration),
        "attained": u8::from(found.attained),
        "criterion": off,
        "max_deviation": (watched.max - watched.mean).max(watched.mean - watched.min),
        "slope": crate::steady::trend(&found.values).map_or(0.0, |line| line.slope),
        "data": { "bw_mean": whole(mean(&bytes)), "iops_mean": whole(mean(&iops)), "iops": iops, "bw": bytes },
    })
}

fn disk(device: &DeviceStat, seconds: f64) -> Value {
    json!({
        "name": device.name,
        "read_ios": device.read.ios,
        "write_ios": device.write.ios,
        "read_merges": device.read.merges,
        "write_merges": device.write.merges,
        "read_ticks": device.read.ticks,
        "write_ticks": device.write.ticks,
        "in_queue": device.queued,
        "util": (device.busy as f64 / (seconds * 1000.0).max(1.0) * 100.0).min(100.0),
    })
}

/// What fio has no place for.
fn own(result: &JobResult) -> Value {
    let law = result.worst_littles_law().map(
        |law| json!({ "in_flight": law.in_flight, "rate": law.rate, "latency_s": law.latency, "error": law.error() }),
    );
    let percentiles = |histogram: &Histogram| distribution(histogram, &result.job.percentiles);
    let latency = result.stats.iter().map(|stats| percentiles(&stats.latency));
    let response = result.stats.iter().map(|stats| stats.delayed.as_ref().map(percentiles));
    json!({
        "jobname": result.job.name,
        "also": result.also,
        "workers": result.workers,
        "ring": result.granted.setup,
        "direct": result.direct,
        "registerfiles": result.granted.fixed_files,
        "fixedbufs": result.granted.fixed_buffers,
        "hipri": result.granted.iopoll,
        "sqthread_poll": result.granted.sqpoll,
        "punted": result.granted.uses_io_wq,
        "file_system": result.volume.file_system,
        "devices": result.volume.devices,
        "cpus": result.cpus,
        "io_wq_threads": result.io_wq_threads,
        "amplification": result.amplification(),
        "open_loop": result.job.rate.iter().any(Option::is_some),
        "latency_ns": latency.collect::<Vec<_>>(),
        "response_ns": response.collect::<Vec<_>>(),
        "window": { "seconds": result.window.seconds, "straggle_s": result.window.finish_skew },
        "little": law,
        "verified_blocks": result.verified,
        "notes": result.notes.iter().map(ToString::to_string).collect::<Vec<_>>(),
    })
}

struct Spread {
    min: f64,
    max: f64,
    mean: f64,
    deviation: f64,
}

fn spread(values: impl Iterator<Item = f64> + Clone) -> Spread {
    let count = values.clone().count() as f64;
    if count == 0.0 {
        return Spread { min: 0.0, max: 0.0, mean: 0.0, deviation: 0.0 };
    }
    let mean = values.clone().sum::<f64>() / count;
    let squares: f64 = values.clone().map(|value| (value - mean).powi(2)).sum();
    Spread {
        min: values.clone().fold(f64::INFINITY, f64::min),
        max: values.fold(f64::NEG_INFINITY, f64::max),
        mean,
        deviation: (squares / (count - 1.0).max(1.0)).sqrt(),
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "fio prints whole numbers here")]
fn whole(value: f64) -> u64 {
    value.max(0.0) as u64
}

fn milliseconds(seconds: f64) -> u64 {
    whole((seconds * 1000.0).round())
}
