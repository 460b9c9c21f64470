//! Our figures as the texts of the tools that others read: STREAM's, HPL's, and fio's JSON. What was not measured is left out;
//! each says that it is of this suite and no output of the tool.

use measure::{Definition, Run, Unit, metrics};
use serde_json::{Map, Value, json};

use super::{Error, last};
use crate::judged::Judged;
use crate::series::RunSeries;

const RULE: &str = "-------------------------------------------------------------\n";

fn series<'a>(all: &'a [RunSeries], metric: &Definition) -> Option<&'a RunSeries> {
    all.iter().find(|one| one.id.is(metric) && one.summary.is_some())
}

fn context(series: &RunSeries, key: &str) -> Option<f64> {
    series.last.context.get(key)?.parse().ok()
}

fn whose(run: &Run) -> String {
    format!("hostproof {}, run {} on {}", run.build.version, run.id, run.name())
}

/// The table that readers of STREAM look for: rates of the samples that count, times of one pass.
pub fn stream(judged: &Judged<'_>) -> Result<String, Error> {
    const KERNELS: [(&str, f64, &Definition); 4] = [
        ("Copy:", 2.0, &metrics::STREAM_COPY),
        ("Scale:", 2.0, &metrics::STREAM_SCALE),
        ("Add:", 3.0, &metrics::STREAM_ADD),
        ("Triad:", 3.0, &metrics::STREAM_TRIAD),
    ];
    let (run, all) = last(judged)?;
    let rows: Option<Vec<_>> =
        KERNELS.iter().map(|(name, arrays, metric)| Some((name, arrays, series(&all, metric)?))).collect();
    let rows = rows.ok_or_else(|| Error::NotMeasured("STREAM's four loops".to_owned()))?;
    let (_, _, triad) = rows[3];
    let bytes = context(triad, "array_bytes").ok_or_else(|| Error::NotMeasured("the size of the arrays".to_owned()))?;
    let samples = triad.summary.map_or(0, |summary| summary.n);
    let mut text = RULE.to_owned();
    text += &format!("{}: based on a variant of the STREAM benchmark code\n{RULE}", whose(run));
    text += "This system uses 8 bytes per array element.\n";
    text += &format!("{RULE}Array size = {:.0} (elements), Offset = 0 (elements)\n", bytes / 8.0);
    text += &format!("Memory per array = {:.1} MiB\n", bytes / f64::from(1 << 20));
    text += &format!("Each kernel will be executed {samples} times.\n{RULE}");
    if let Some(threads) = context(triad, "threads") {
        text += &format!("Number of Threads counted = {threads}\n{RULE}");
    }
    text += "Function    Best Rate MB/s  Avg time     Min time     Max time\n";
    for (name, arrays, series) in rows {
        let Some(summary) = series.summary else { continue };
        let time = |rate: f64| arrays * bytes / rate;
        let mean = series.last.samples.iter().filter(|sample| sample.taint.is_none()).map(|sample| time(sample.value));
        let mean = mean.sum::<f64>() / summary.n.max(1) as f64;
        text += &format!(
            "{name:<12}{:>11.1}  {mean:>11.6}  {:>11.6}  {:>11.6}\n",
            summary.max / 1e6,
            time(summary.max),
            time(summary.min)
        );
    }
    Ok(text + RULE + "Solution Validates: every element was compared\n" + RULE)
}

/// HPL's table of results, each order with its residual.
pub fn hpl(judged: &Judged<'_>) -> Result<String, Error> {
    let (run, all) = last(judged)?;
    let solved = series(&all, &metrics::DENSE_HPL).ok_or_else(|| Error::NotMeasured("HPL".to_owned()))?;
    let order = context(solved, "n").ok_or_else(|| Error::NotMeasured("the order of HPL's system".to_owned()))?;
    let rate = solved.summary.map_or(0.0, |summary| summary.median);
    let seconds = (2.0 / 3.0 * order.powi(3) + 1.5 * order.powi(2)) / rate;
    let of_order = |one: &&RunSeries| {
        one.id.name == metrics::DENSE_HPL_RESIDUAL.id
            && one.id.labels.get("n").and_then(|n| n.parse().ok()) == Some(order)
    };
    let residual = all.iter().find(of_order).and_then(|one| Some(one.summary?.median));
    let wide = "=".repeat(80);
    let mut text = format!("{wide}\n{}: a proxy of HPL, not HPL\n{wide}\n", whose(run));
    text += "T/V                N    NB     P     Q               Time                 Gflops\n";
    text += &format!("{}\n", "-".repeat(80));
    let block = context(solved, "nb").unwrap_or(0.0);
    text += &format!("WR00L2L2{order:>12}{block:>6}{:>6}{:>6}{seconds:>19.2}{:>24}\n", 1, 1, scientific(rate / 1e9));
    if let Some(residual) = residual {
        let word = if residual < 16.0 { "PASSED" } else { "FAILED" };
        text += &format!("||Ax-b||_oo/(eps*(||A||_oo*||x||_oo+||b||_oo)*N)= {residual:>17.7} ...... {word}\n");
    }
    Ok(text + &wide + "\n\nEnd of Tests.\n" + &wide + "\n")
}

/// A number as C's `%.4e` prints it: the exponent has a sign and two digits.
fn scientific(value: f64) -> String {
    let text = format!("{value:.4e}");
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    format!("{mantissa}e{exponent:+03}")
}

/// fio's JSON of the jobs that it would have: rates and the latencies by percentile.
pub fn fio(judged: &Judged<'_>) -> Result<String, Error> {
    const JOBS: [(&str, &str, &str, &Definition, &Definition); 3] = [
        ("seqread", "read", "1M", &metrics::DISK_SEQREAD_BANDWIDTH, &metrics::DISK_SEQREAD_LATENCY),
        ("seqwrite", "write", "1M", &metrics::DISK_SEQWRITE_BANDWIDTH, &metrics::DISK_SEQWRITE_LATENCY),
        ("randread", "randread", "4k", &metrics::DISK_RANDREAD_IOPS, &metrics::DISK_RANDREAD_LATENCY),
    ];
    let (run, all) = last(judged)?;
    let jobs: Vec<Value> = JOBS
        .iter()
        .filter_map(|(name, rw, block, rate, latency)| job(&all, name, (*rw, *block), rate, latency))
        .collect();
    if jobs.is_empty() {
        return Err(Error::NotMeasured("a drive".to_owned()));
    }
    let whole = json!({
        "fio version": format!("hostproof-{}", run.build.version), "time": run.started, "hostproof": whose(run), "jobs": jobs,
    });
    Ok(crate::json::pretty(&whole) + "\n")
}

fn job(
    all: &[RunSeries],
    name: &str,
    (rw, block): (&str, &str),
    rate: &Definition,
    latency: &Definition,
) -> Option<Value> {
    let series = series(all, rate)?;
    let median = series.summary?.median;
    let bytes = if block == "1M" { f64::from(1 << 20) } else { 4096.0 };
    let (bandwidth, iops) =
        if rate.unit == Unit::BytePerSecond { (median, median / bytes) } else { (median * bytes, median) };
    let percentiles: Map<String, Value> = all
        .iter()
        .filter(|one| one.id.name == latency.id && one.id.labels.len() == 1)
        .filter_map(|one| {
            let at: f64 = one.id.labels.get("percentile")?.parse().ok()?;
            Some((format!("{at:.6}"), json!((one.summary?.median * 1e9).round())))
        })
        .collect();
    let direction = if rw == "write" { "write" } else { "read" };
    let mut options = Map::from_iter(
        [("rw", rw), ("bs", block), ("ioengine", "io_uring")].map(|(key, value)| (key.to_owned(), json!(value))),
    );
    for (key, option) in [("depth_per_worker", "iodepth"), ("workers", "numjobs"), ("file_bytes", "size")] {
        if let Some(value) = series.last.context.get(key) {
            options.insert(option.to_owned(), json!(value));
        }
    }
    if let Some(direct) = series.last.context.get("direct") {
        options.insert("direct".to_owned(), json!(if direct == "true" { "1" } else { "0" }));
    }
    Some(json!({
        "jobname": name, "error": 0, "job options": options,
        direction: {"bw_bytes": bandwidth.round(), "bw": (bandwidth / 1024.0).round(), "iops": iops, "lat_ns": {"percentile": percentiles}},
    }))
}

#[cfg(test)]
mod tests {
    use super::scientific;

    #[test]
    fn rates_are_printed_as_hpl_prints_them() {
        let check = |value: f64, expect: &str| assert_eq!(scientific(value), expect);
        check(18.71, "1.8710e+01");
        check(0.5, "5.0000e-01");
        check(2.5e103, "2.5000e+103");
    }
}
