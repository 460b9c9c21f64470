//! fio's JSON, with whatever fio printed before it.

use std::collections::BTreeMap;

use measure::{Definition, Unit, metrics};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::json::{Number, Reader, document, unquoted};
use crate::text::{Printed, fits, positive, rounding};
use crate::{Error, Figure, Format, Import, Setting, Statistic, Told};

type Options<'a> = BTreeMap<String, &'a RawValue>;

#[derive(Deserialize)]
struct Output<'a> {
    #[serde(borrow, rename = "fio version")]
    version: &'a RawValue,
    #[serde(borrow, default)]
    time: Option<&'a RawValue>,
    #[serde(borrow, default, rename = "global options")]
    global: Options<'a>,
    #[serde(borrow)]
    jobs: Vec<Job<'a>>,
}

#[derive(Deserialize)]
struct Job<'a> {
    #[serde(borrow)]
    jobname: &'a RawValue,
    #[serde(borrow, default)]
    groupid: Option<&'a RawValue>,
    #[serde(borrow, default)]
    error: Option<&'a RawValue>,
    #[serde(borrow, default, rename = "job_runtime")]
    runtime: Option<&'a RawValue>,
    #[serde(borrow, default, rename = "job options")]
    options: Options<'a>,
    #[serde(borrow, default)]
    read: Option<Direction<'a>>,
    #[serde(borrow, default)]
    write: Option<Direction<'a>>,
    #[serde(borrow, default)]
    trim: Option<Direction<'a>>,
}

#[derive(Deserialize)]
struct Direction<'a> {
    #[serde(borrow)]
    io_bytes: &'a RawValue,
    #[serde(borrow, default)]
    bw_bytes: Option<&'a RawValue>,
    #[serde(borrow)]
    iops: &'a RawValue,
    #[serde(borrow)]
    runtime: &'a RawValue,
    #[serde(borrow)]
    total_ios: &'a RawValue,
    #[serde(borrow, default)]
    slat_ns: Option<Latency<'a>>,
    #[serde(borrow, default)]
    clat_ns: Option<Latency<'a>>,
    #[serde(borrow, default)]
    lat_ns: Option<Latency<'a>>,
}

#[derive(Deserialize)]
struct Latency<'a> {
    #[serde(borrow)]
    mean: &'a RawValue,
    #[serde(borrow)]
    max: &'a RawValue,
    #[serde(borrow, default)]
    percentile: BTreeMap<String, &'a RawValue>,
}

pub(crate) fn read(text: &str) -> Result<Import, Error> {
    let output: Output<'_> = document(text, "fio")?;
    let reader = Reader::of(text);
    let mut import = Import::of(Format::Fio);
    import.version = Some(Told::text(reader.line_of(output.version), unquoted(output.version)));
    import.date = output.time.map(|time| Told::text(reader.line_of(time), unquoted(time)));
    for job in &output.jobs {
        let mut settings = settings(&reader, job, &output.global);
        shares(&reader, job, &output.jobs, &mut settings);
        joined(&reader, job, &mut settings)?;
        failure(&reader, job, &mut settings)?;
        for (name, direction) in [("read", &job.read), ("write", &job.write)] {
            let Some(direction) = direction else { continue };
            let requests = reader.number("total_ios", direction.total_ios)?;
            if requests.value > 0.0 {
                figures(
                    &reader,
                    &Named { job: unquoted(job.jobname), direction: name },
                    direction,
                    &settings,
                    &mut import,
                )?;
            }
        }
    }
    if import.figures.is_empty() {
        return Err(Error::at(text.lines().count().max(1), "no job of fio's has read or written anything"));
    }
    import.untold(&[
        "host",
        "what was written before",
        "which drives are below the target",
        "whether the drives' own caches were on",
        "switches that were given without a value (norandommap, time_based): fio leaves them out",
    ]);
    Ok(import)
}

/// Entries of jobs of one group are what each of them did while all worked: none is the host's figure.
fn shares(reader: &Reader, job: &Job<'_>, jobs: &[Job<'_>], settings: &mut Settings) {
    let Some(group) = job.groupid.map(RawValue::get) else { return };
    let entries = jobs.iter().filter(|other| other.groupid.map(RawValue::get) == Some(group)).count();
    if entries > 1 {
        let line = reader.line_of(job.jobname);
        let told = |text: &str, value| Told::number(line, text, value);
        settings.insert(Setting::Processes, told(&format!("{entries} entries of group {group}"), entries as f64));
        settings.insert(Setting::Jobs, told("1 (an entry of its own)", 1.0));
    }
}

/// Of jobs of several sections `group_reporting` makes one entry: the name is the first's, the options are the last's, and those of
/// the others are nowhere. What then stands in the entry cannot all be of the options that stand beside it.
fn joined(reader: &Reader, job: &Job<'_>, settings: &mut Settings) -> Result<(), Error> {
    let directions = [&job.read, &job.write, &job.trim];
    let sum = |value: &dyn Fn(&Direction<'_>) -> Result<f64, Error>| {
        directions.iter().filter_map(|direction| direction.as_ref()).map(value).sum::<Result<f64, Error>>()
    };
    let runtime = sum(&|direction| Ok(reader.number("runtime", direction.runtime)?.value))?;
    let jobs = settings.get(&Setting::Jobs).and_then(|jobs| jobs.value).unwrap_or(1.0);
    let longer = match job.runtime.map(|value| reader.number("job_runtime", value)).transpose()? {
        // Of all jobs together, in milliseconds; one of them takes no longer than all its directions.
        Some(all) => all.value > jobs * (runtime * 1.05 + 50.0),
        None => false,
    };
    let requests = |direction: &Option<Direction<'_>>| {
        direction.as_ref().map_or(Ok(0.0), |one| Ok(reader.number("total_ios", one.total_ios)?.value))
    };
    let pattern = settings.get(&Setting::Pattern).map(|told| told.text.split(':').next().unwrap_or_default());
    let others = match pattern.unwrap_or("read") {
        // Verifying reads.
        "write" | "randwrite" | "trimwrite" | "randtrimwrite" if !job.options.contains_key("verify") => {
            requests(&job.read)? > 0.0
        }
        "read" | "randread" => requests(&job.write)? > 0.0,
        _ => false,
    };
    if longer || others {
        settings.clear();
        let told = Told::text(reader.line_of(job.jobname), "jobs of several sections");
        settings.insert(Setting::Joined, told);
    }
    Ok(())
}

fn failure(reader: &Reader, job: &Job<'_>, settings: &mut Settings) -> Result<(), Error> {
    let error = job.error.map(|error| reader.number("error", error)).transpose()?;
    if let Some(error) = error.filter(|error| error.value != 0.0) {
        let says = format!("the job {} ended with error {}", unquoted(job.jobname), error.text);
        settings.insert(Setting::Verified, Told::number(error.line, &says, 0.0));
    }
    Ok(())
}

/// What `k`, `m`, `g` mean is fio's `kb_base`: of 1024 they are powers of it, and with `ib` behind of 1000, so that job files of
/// earlier times mean what they did; of 1000 it is the other way round.
fn size(text: &str, kb_base: Option<&str>) -> Option<f64> {
    let lower = text.trim().to_ascii_lowercase();
    let digits = lower.find(|c: char| !c.is_ascii_digit()).unwrap_or(lower.len());
    let (number, suffix) = lower.split_at(digits);
    let number: f64 = number.parse().ok()?;
    let (plain, other): (f64, f64) = if kb_base == Some("1000") { (1000.0, 1024.0) } else { (1024.0, 1000.0) };
    let (prefix, unit) = match suffix.strip_suffix("ib") {
        Some(prefix) => (prefix, other),
        None => (suffix.strip_suffix(['b', 'i']).unwrap_or(suffix), plain),
    };
    let power = match prefix {
        "" if suffix.is_empty() || suffix == "b" => 0,
        "k" => 1,
        "m" => 2,
        "g" => 3,
        "t" => 4,
        "p" => 5,
        _ => return None,
    };
    Some(number * unit.powi(power))
}

type Settings = BTreeMap<Setting, Told>;

/// Engines that wait for each request; fio's default on Linux is one of them.
const SYNCHRONOUS: [&str; 6] = ["sync", "psync", "vsync", "pvsync", "pvsync2", "mmap"];

fn settings(reader: &Reader, job: &Job<'_>, global: &Options<'_>) -> Settings {
    let option = |names: &[&str]| {
        let found = names
            .iter()
            .find_map(|name| job.options.get(*name))
            .or_else(|| names.iter().find_map(|name| global.get(*name)));
        found.map(|value| (reader.line_of(value), unquoted(value)))
    };
    let kb_base = option(&["kb_base"]).map(|(_, text)| text);
    let size = |text: &str| size(text, kb_base);
    let is_mixed = option(&["bssplit", "bsrange", "blocksize_range"]).is_some();
    let mut settings = Settings::new();
    let mut put = |setting, told: Option<(usize, &str)>, number: &dyn Fn(&str) -> Option<f64>| {
        if let Some((line, text)) = told {
            settings.insert(setting, Told { text: text.to_owned(), value: number(text), line });
        }
    };
    let plain = |text: &str| text.parse().ok().filter(|value: &f64| value.is_finite());
    put(Setting::Pattern, option(&["rw", "readwrite"]), &|_| None);
    put(Setting::Engine, option(&["ioengine"]), &|_| None);
    put(Setting::Target, option(&["filename", "directory"]), &|_| None);
    // Of blocks of several sizes none is the size.
    put(Setting::BlockSize, option(&["bs", "blocksize"]).filter(|_| !is_mixed), &size);
    put(Setting::FileSize, option(&["size", "filesize"]), &size);
    // Who waits for each request has one in flight, whatever depth was asked for.
    let waits = option(&["ioengine"]).is_none_or(|(_, engine)| SYNCHRONOUS.contains(&engine));
    put(Setting::Depth, option(&["iodepth"]).filter(|_| !waits), &plain);
    put(Setting::Jobs, option(&["numjobs"]), &plain);
    put(Setting::RampTime, option(&["ramp_time"]), &plain);
    // A switch without a value is on.
    put(Setting::NoRandomMap, option(&["norandommap"]), &|text| Some(f64::from(u8::from(text != "0"))));
    let line = reader.line_of(job.jobname);
    let direct = match (option(&["direct"]), option(&["buffered"])) {
        (Some((line, text)), _) => Told::number(line, text, f64::from(u8::from(text != "0"))),
        (None, Some((line, text))) => Told::number(line, &format!("buffered={text}"), f64::from(u8::from(text == "0"))),
        (None, None) => Told::number(line, "not given: fio's default is buffered", 0.0),
    };
    settings.insert(Setting::Direct, direct);
    let default = |text: &str, value| Told::number(line, &format!("{text} (fio's default)"), value);
    let one = if waits { Told::number(line, "1 (a synchronous engine)", 1.0) } else { default("1", 1.0) };
    settings.entry(Setting::Depth).or_insert(one);
    settings.entry(Setting::Jobs).or_insert_with(|| default("1", 1.0));
    if !is_mixed {
        settings.entry(Setting::BlockSize).or_insert_with(|| default("4k", 4096.0));
    }
    settings
}

/// Whose figures they are.
struct Named<'a> {
    job: &'a str,
    direction: &'a str,
}

/// What the catalogue has of a pattern and a block: bandwidth or rate, and p99.
fn metrics_of(
    direction: &str,
    settings: &Settings,
) -> (Option<&'static Definition>, Option<&'static Definition>, Option<&'static Definition>) {
    let pattern = settings.get(&Setting::Pattern).map(|told| told.text.split(':').next().unwrap_or_default());
    let block = settings.get(&Setting::BlockSize).and_then(|told| told.value);
    let is = |bytes: u32| block == Some(f64::from(bytes));
    match (direction, pattern) {
        ("read", Some("read")) if is(1 << 20) => {
            (Some(&metrics::DISK_SEQREAD_BANDWIDTH), None, Some(&metrics::DISK_SEQREAD_P99))
        }
        ("write", Some("write")) if is(1 << 20) => {
            (Some(&metrics::DISK_SEQWRITE_BANDWIDTH), None, Some(&metrics::DISK_SEQWRITE_P99))
        }
        ("read", Some("randread")) if is(4096) => {
            (None, Some(&metrics::DISK_RANDREAD_IOPS), Some(&metrics::DISK_RANDREAD_P99))
        }
        _ => (None, None, None),
    }
}

fn figures(
    reader: &Reader,
    named: &Named<'_>,
    direction: &Direction<'_>,
    settings: &Settings,
    import: &mut Import,
) -> Result<(), Error> {
    let name = |what: &str| format!("{}: {} {what}", named.job, named.direction);
    let Some(bandwidth) = direction.bw_bytes else {
        let line = reader.line_of(direction.io_bytes);
        return Err(Error::at(
            line,
            format!("the job {} has no bw_bytes: output of fio before 3.0 is not read", named.job),
        ));
    };
    let (bandwidth, iops) = (reader.number("bw_bytes", bandwidth)?, reader.number("iops", direction.iops)?);
    let mut settings = settings.clone();
    let runtime = reader.number("runtime", direction.runtime)?;
    settings.insert(Setting::Runtime, Told::number(runtime.line, &format!("{} ms", runtime.text), runtime.value / 1e3));
    let (by_bytes, by_requests, by_latency) = metrics_of(named.direction, &settings);
    let mut push = |number: Number<'_>,
                    what: &str,
                    unit: (&str, f64, Unit),
                    statistic,
                    metric: Option<&Definition>,
                    extra: Option<&str>| {
        positive(number.line, what, number.text)?;
        let printed = Printed { line: number.line, text: number.text, unit: unit.0 };
        let mut figure: Figure = printed.figure(&name(what), number.value * unit.1, unit.2, statistic);
        figure.metric = metric.map(|metric| metric.id.to_owned());
        figure.settings.clone_from(&settings);
        if let Some(kind) = extra {
            figure.settings.insert(Setting::LatencyKind, Told::text(number.line, kind));
        }
        import.figures.push(figure);
        Ok::<(), Error>(())
    };
    push(bandwidth, "bandwidth", ("B/s", 1.0, Unit::BytePerSecond), Statistic::Whole, by_bytes, None)?;
    push(iops, "IOPS", ("IOPS", 1.0, Unit::IoPerSecond), Statistic::Whole, by_requests, None)?;
    let nanoseconds = ("ns", 1e-9, Unit::Second);
    // Latencies that were not taken (disable_lat, gtod_reduce) are 0.
    let taken = |number: &Number<'_>| number.value != 0.0;
    let p99 = percentiles(direction).map(|(kind, value)| reader.number("p99", value).map(|number| (kind, number)));
    let p99 = p99.transpose()?;
    let p99 = p99.filter(|(_, number)| taken(number));
    if let Some((kind, number)) = p99 {
        push(number, "p99", nanoseconds, Statistic::P99, by_latency, Some(kind))?;
    }
    let mean = direction.lat_ns.as_ref().map(|latency| reader.number("mean latency", latency.mean)).transpose()?;
    if let Some(mean) = mean.filter(taken) {
        // A mean stands for the percentile only where that is not told.
        let metric = by_latency.filter(|_| p99.is_none());
        push(mean, "mean latency", nanoseconds, Statistic::Mean, metric, Some("lat"))?;
    }
    own_checks(reader, named, direction, &settings, import)
}

/// The 99th percentile, and of which latency: fio tells that of `clat` unless it is asked for `lat`.
fn percentiles<'a>(direction: &Direction<'a>) -> Option<(&'static str, &'a RawValue)> {
    let of = |latency: &Option<Latency<'a>>| {
        let latency = latency.as_ref()?;
        let found = latency.percentile.iter().find(|(at, _)| at.parse().is_ok_and(|at: f64| (at - 99.0).abs() < 1e-9));
        found.map(|(_, value)| *value)
    };
    of(&direction.lat_ns).map(|value| ("lat", value)).or_else(|| of(&direction.clat_ns).map(|value| ("clat", value)))
}

fn own_checks(
    reader: &Reader,
    named: &Named<'_>,
    direction: &Direction<'_>,
    settings: &Settings,
    import: &mut Import,
) -> Result<(), Error> {
    let who = format!("{}, {}", named.job, named.direction);
    let bytes = reader.number("io_bytes", direction.io_bytes)?;
    let requests = reader.number("total_ios", direction.total_ios)?;
    let runtime = reader.number("runtime", direction.runtime)?;
    let iops = reader.number("iops", direction.iops)?;
    let seconds = runtime.value / 1e3;
    if let Some(bandwidth) = direction.bw_bytes.map(|value| reader.number("bw_bytes", value)).transpose()?
        && !fits(bandwidth.value * seconds, bytes.value, rounding(bandwidth.text) + rounding(runtime.text))
    {
        let says = format!(
            "{who}: {} B/s × {seconds} s are {:.0} B, and io_bytes is {}",
            bandwidth.text,
            bandwidth.value * seconds,
            bytes.text
        );
        import.misfit(bandwidth.line, says);
    }
    // Requests of a ramp or short ones shift this by some of them.
    let some = (64.0 + short(settings)) / requests.value.max(1.0);
    if !fits(iops.value * seconds, requests.value, rounding(runtime.text) + some) {
        let says = format!(
            "{who}: {} IOPS × {seconds} s are {:.0} requests, and total_ios is {}",
            iops.text,
            iops.value * seconds,
            requests.text
        );
        import.misfit(iops.line, says);
    }
    if let Some(latency) = &direction.lat_ns {
        let (mean, most) =
            (reader.number("the mean latency", latency.mean)?, reader.number("the longest latency", latency.max)?);
        little(&who, iops, mean, settings, import);
        if let Some(p99) = latency.percentile.get("99.000000").map(|value| reader.number("p99", value)).transpose()?
            // A percentile is the upper end of one of fio's buckets.
            && p99.value > most.value * 1.02
        {
            import.misfit(
                p99.line,
                format!("{who}: p99 is {} ns, and the longest request took {} ns", p99.text, most.text),
            );
        }
        parts(reader, &who, direction, mean, import)?;
    }
    Ok(())
}

/// Requests that may be in flight at the beginning and at the end of what is counted.
fn short(settings: &Settings) -> f64 {
    let number = |setting| settings.get(&setting).and_then(|told| told.value).unwrap_or(1.0);
    2.0 * number(Setting::Depth) * number(Setting::Jobs)
}

/// Little's law: rate × mean latency is what was in flight, and no more than was asked for.
fn little(who: &str, iops: Number<'_>, mean: Number<'_>, settings: &Settings, import: &mut Import) {
    let number = |setting| settings.get(&setting).and_then(|told| told.value);
    if let (Some(depth), Some(jobs)) = (number(Setting::Depth), number(Setting::Jobs)) {
        let flying = iops.value * mean.value / 1e9;
        if flying > depth * jobs * 1.05 {
            let says = format!(
                "{who}: {} IOPS × {} ns are {flying:.1} requests in flight, and {depth} × {jobs} were asked for",
                iops.text, mean.text
            );
            import.misfit(iops.line, says);
        }
    }
}

/// The time to submit and the time to complete make the latency.
fn parts(
    reader: &Reader,
    who: &str,
    direction: &Direction<'_>,
    mean: Number<'_>,
    import: &mut Import,
) -> Result<(), Error> {
    let (Some(submit), Some(complete)) = (&direction.slat_ns, &direction.clat_ns) else { return Ok(()) };
    let (submit, complete) = (reader.number("slat", submit.mean)?, reader.number("clat", complete.mean)?);
    if mean.value <= 0.0 || complete.value <= 0.0 {
        return Ok(());
    }
    // Each is a mean of its own requests. Synchronous engines tell no time to submit, and it is missing in the sum.
    let share = (submit.value + complete.value) / mean.value;
    if share > 1.02 || (submit.value > 0.0 && share < 0.98) {
        let says = format!(
            "{who}: the mean latency is {} ns, and {} to submit and {} to complete are {:.0} ns",
            mean.text,
            submit.text,
            complete.text,
            submit.value + complete.value
        );
        import.misfit(mean.line, says);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_as_fio_takes_them() {
        let check = |text: &str, kb_base: Option<&str>, expect: Option<f64>| {
            assert_eq!(size(text, kb_base), expect, "{text}, {kb_base:?}");
        };
        check("4k", None, Some(4096.0));
        check("4ki", None, Some(4096.0));
        check("4kb", None, Some(4096.0));
        check("4kib", None, Some(4000.0));
        check("1M", Some("1024"), Some(1_048_576.0));
        check("256MiB", None, Some(256e6));
        check("4k", Some("1000"), Some(4000.0));
        check("4KiB", Some("1000"), Some(4096.0));
        check("512", None, Some(512.0));
        check("512b", None, Some(512.0));
        check("100%", None, None);
        check("12ib", None, None);
        check("", None, None);
        check("4k,8k", None, None);
    }
}
