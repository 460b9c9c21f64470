//! Random reads of 4 KiB from a file in memory, so that the engine is measured and not a disk.

use std::path::Path;

use anyhow::Context;
use clap::ValueEnum;
use disk::{Settings, jobfile, run_jobs};

use super::answer;

/// The same job as `scripts/peers.d/fio` gives to fio.
const FOLDER: &str = "/dev/shm";

/// Which figure of the run.
#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum Figure {
    /// Requests a second.
    Iops,
    /// Nanoseconds of user CPU time for each request.
    User,
}

pub(super) fn randread(figure: Figure, depth: u32, workers: u32, batch: u32) -> anyhow::Result<()> {
    let job = format!(
        "[peer]\nrw=randread\nbs=4k\nsize=64m\niodepth={depth}\niodepth_batch={batch}\nnumjobs={workers}\ndirect=1\n\
         ioengine=io_uring\nregisterfiles\nfixedbufs\nnorandommap\nruntime=2\ntime_based\ngroup_reporting\n"
    );
    let jobs = jobfile::parse(&job, Path::new(FOLDER))?;
    let name = match figure {
        Figure::Iops => "iops",
        Figure::User => "user",
    };
    answer("a file in memory", name, || {
        let results = run_jobs(&jobs, &Settings::default(), &mut |_| {})?;
        let result = results.jobs.first().context("a result")?;
        let done = result.stats[0].operations() as f64;
        Ok(match figure {
            Figure::Iops => done / result.window.span,
            Figure::User => result.usage.user * 1e9 / done,
        })
    })
}
