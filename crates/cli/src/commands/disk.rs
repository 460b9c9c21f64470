//! `hostproof disk JOB.fio`: fio's job files on our own engine.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use disk::histogram::Histogram;
use disk::job::Direction;
use disk::{JobResult, Results, Rights, Settings, fio_json, jobfile, run_jobs};
use measure::{Quantity, Unit};

use crate::args::{DiskArgs, OutputFormat};
use crate::commands::{print, print_json};
use crate::exit::Exit;

pub(crate) fn disk(args: &DiskArgs) -> Result<Exit> {
    let name = args.job.display();
    let text = fs::read_to_string(&args.job).with_context(|| format!("could not read the job file {name}"))?;
    let folder = args.job.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let jobs = jobfile::parse(&text, folder).with_context(|| name.to_string())?;
    let globals = jobfile::global_options(&text, folder).with_context(|| name.to_string())?;
    let rights = Rights { write: args.allow_write.clone(), destroy: args.allow_destroy.clone() };
    let settings = Settings { rights, ..Settings::default() };
    let results = run_jobs(&jobs, &settings, &mut |live| {
        let rate = Quantity::new(live.bandwidth, Unit::BytePerSecond);
        eprintln!("{:6.1} s  {:>14}  {rate}", live.seconds, Quantity::new(live.iops, Unit::IoPerSecond));
    })?;
    match args.output_format {
        OutputFormat::Json => print_json(&fio_json(&results, &globals))?,
        OutputFormat::Normal => print(&summary(&results))?,
    }
    Ok(Exit::Done)
}

/// A paragraph for each job.
fn summary(results: &Results) -> String {
    results.jobs.iter().map(paragraph).collect::<Vec<_>>().join("\n")
}

fn paragraph(result: &JobResult) -> String {
    let mut text = format!("{} ({} worker{})\n", result.job.name, result.workers, plural(result.workers));
    for (name, direction) in [("read", Direction::Read), ("write", Direction::Write)] {
        text += &direction_line(result, name, direction);
    }
    let granted = &result.granted;
    let mut flags = vec![if granted.setup.is_empty() { "plain ring" } else { &granted.setup }];
    let honoured = [
        (result.direct, "O_DIRECT"),
        (granted.fixed_files, "registered files"),
        (granted.fixed_buffers, "registered buffers"),
        (granted.iopoll, "IOPOLL"),
        (granted.sqpoll, "SQPOLL"),
        (granted.uses_io_wq, "requests punted to io-wq"),
        (result.io_wq_threads > 0, "io-wq workers seen"),
    ];
    flags.extend(honoured.iter().filter(|(so, _)| *so).map(|(_, name)| name));
    text += &format!("  honoured: {}\n", flags.join(", "));
    if let Some(law) = result.worst_littles_law() {
        text += &format!("  Little's law: off by {:.2} %\n", law.error() * 100.0);
    }
    for note in &result.notes {
        text += &format!("  note: {note}\n");
    }
    text
}

fn direction_line(result: &JobResult, name: &str, direction: Direction) -> String {
    let stats = &result.stats[direction as usize];
    if stats.operations() == 0 {
        return String::new();
    }
    let iops = Quantity::new(result.window.iops(direction), Unit::IoPerSecond);
    let rate = Quantity::new(result.window.bandwidth(direction), Unit::BytePerSecond);
    let mut text = format!("  {name:5} {iops}, {rate}; latency {}\n", latencies(result, &stats.latency));
    if let Some(delayed) = &stats.delayed {
        text += &format!("        from the scheduled arrival: {}\n", latencies(result, delayed));
    }
    text
}

fn latencies(result: &JobResult, histogram: &Histogram) -> String {
    let percentile = |&percent: &f64| {
        let nanos = histogram.percentile(percent)?;
        Some(format!("p{percent} {}", Quantity::new(nanos as f64 / 1e9, Unit::Second)))
    };
    result.job.percentiles.iter().filter_map(percentile).collect::<Vec<_>>().join(", ")
}

fn plural(count: u32) -> &'static str {
    if count == 1 { "" } else { "s" }
}
