//! `run --cluster`: the tasks of `bucketed` on workers of Dask, and what a person sees of them.

use std::num::NonZeroUsize;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Result, bail};
use tabular::cluster::{self, Cluster, Options, Told};
use tabular::pipeline::Mode;

use crate::args::{Engine, RunArgs};
use crate::print::{bar, note, say};

pub(crate) fn run(args: &RunArgs, cluster: &Cluster) -> Result<ExitCode> {
    if args.mode != Mode::Bucketed || args.engine != Engine::Polars {
        bail!("--cluster goes with --mode bucketed alone: the other modes and engines are no tasks");
    }
    let options = Options {
        cluster: cluster.clone(),
        python: args.python.clone(),
        program: args.program.clone(),
        workers: args.workers.map(NonZeroUsize::get),
        stall: Duration::from_secs(args.stall),
    };
    let bar = bar("tasks");
    let ran = cluster::run(&options, &args.job(), &mut |told| match told {
        Told::Note(text) => bar.suspend(|| note(&text)),
        Told::Progress { done, tasks } => {
            bar.set_length(tasks as u64);
            bar.set_position(done as u64);
        }
    });
    bar.finish_and_clear();
    let report = ran?;
    if args.json {
        say(&serde_json::json!({ "report": report }).to_string())?;
    } else {
        report.lines().iter().try_for_each(|line| say(line))?;
    }
    Ok(ExitCode::SUCCESS)
}
