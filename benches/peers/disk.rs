//! Jobs on a file or a block device in memory, so that the engine is measured and not a drive.

use std::path::Path;

use anyhow::Context;
use clap::Args;
use disk::histogram::Histogram;
use disk::{Settings, jobfile, run_jobs};

/// Where "memory" is.
const FOLDER: &str = "/dev/shm";

/// The same job as `scripts/peers.d/fio` gives to fio.
#[derive(Args)]
pub(crate) struct Job {
    /// A block device, or "memory" for a test file in memory.
    place: String,
    /// As `rw` of a job file.
    rw: String,
    /// As `bs` of a job file.
    bs: String,
    /// Requests in flight of each worker.
    depth: u32,
    /// Workers.
    workers: u32,
}

impl Job {
    fn text(&self) -> String {
        let Job { place, rw, bs, depth, workers } = self;
        let place = if place == "memory" { "size=64m".to_owned() } else { format!("filename={place}") };
        // A single request is done by whichever CPU the kernel's scheduler favours, unless there is one.
        let cpus = if *depth == 1 { "cpus_allowed=0\n" } else { "" };
        format!(
            "[peer]\n{place}\nrw={rw}\nbs={bs}\niodepth={depth}\nnumjobs={workers}\ndirect=1\nioengine=io_uring\n\
             registerfiles\nfixedbufs\nnorandommap\nruntime=2\ntime_based\ngroup_reporting\n{cpus}"
        )
    }
}

/// Prints all figures of a run at once, in the words of `scripts/peers.d/fio`.
pub(crate) fn disk(job: &Job) -> anyhow::Result<()> {
    let jobs = jobfile::parse(&job.text(), Path::new(FOLDER))?;
    let results = run_jobs(&jobs, &Settings::default(), &mut |_| {})?;
    let result = results.jobs.first().context("a result")?;
    let stats = result.stats.iter().max_by_key(|stats| stats.bytes).context("both directions")?;
    let done = stats.operations() as f64;
    let percentile = |times: &Histogram, percent: f64| times.percentile(percent).context("no request was completed");
    println!(
        "iops {} user {} p50 {} p99 {} clat-p50 {} clat-p99 {} bandwidth {}",
        done / result.window.interval.seconds(),
        result.usage.user * 1e9 / done,
        percentile(&stats.latency, 50.0)?,
        percentile(&stats.latency, 99.0)?,
        percentile(&stats.clat, 50.0)?,
        percentile(&stats.clat, 99.0)?,
        stats.bytes as f64 / result.window.interval.seconds()
    );
    Ok(())
}
