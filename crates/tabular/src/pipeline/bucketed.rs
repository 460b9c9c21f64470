//! Bounded memory: the tasks of a plan, all in this process, as many at a time as there are threads, each by one of them.
//!
//! What is needed of all rows of a key together goes to disk by key and comes back by place; [`tasks`](super::tasks) tells how.
//! Memory holds some pieces or a bucket for each thread, and while they are merged the values of the text columns.

use std::fs;

use polars_core::runtime::RAYON;
use rayon::prelude::*;

use super::Job;
use super::output::Output;
use super::phases::Phases;
use super::tasks::{Grain, Kind, PLAN, Plan, Task, Work};
use crate::{Dataset, Error};

/// Plans the work in the folder of an output; or goes on with what an earlier start left there, if that is the same work.
pub(super) fn begin(
    job: &Job,
    data: &Dataset,
    output: &mut Output,
    grain: impl FnOnce(usize) -> Grain,
) -> Result<Work, Error> {
    let folder = &output.folder().to_owned();
    if !folder.join(PLAN).exists() {
        let plan = Plan::cut(data, grain)?;
        plan.write(folder)?;
        if job.resume {
            output.keep();
        }
        return Ok(Work::of(plan, folder, data));
    }
    let plan = Plan::read(folder)?;
    let input = fs::canonicalize(&data.folder).map_err(|error| Error::io("cannot find", &data.folder, error))?;
    if plan.input != input {
        let why = format!("it is work on {}: start without --resume to begin anew", plan.input.display());
        return Err(Error::Unfit { path: folder.to_owned(), why });
    }
    plan.check_input()?;
    Ok(Work::of(plan, folder, data))
}

/// Does all tasks that are left; how many were done before.
pub(super) fn run(job: &Job, data: &Dataset, mut output: Output, phases: &mut Phases) -> Result<usize, Error> {
    let threads = RAYON.current_num_threads();
    let work = begin(job, data, &mut output, |pieces| Grain::of_threads(threads, pieces))?;
    let missing = work.missing();
    let before = work.plan().tasks.len() - missing.len();
    phases.time("scan", || stage(&work, &missing, &[Kind::Scan]))?;
    phases.time("merge", || stage(&work, &missing, &[Kind::Merge]))?;
    phases.time("quantiles", || stage(&work, &missing, &[Kind::Quantiles, Kind::Limits]))?;
    for kind in [Kind::T08, Kind::T09, Kind::T10] {
        phases.time(kind.name(), || stage(&work, &missing, &[kind]))?;
        // The disk has room for what comes back.
        work.forget_records(kind)?;
    }
    phases.time("rows", || {
        // Once for all threads.
        work.dimensions()?;
        stage(&work, &missing, &[Kind::Rows])
    })?;
    let finished = phases.time("save.sync", || {
        work.clear()?;
        output.finish()
    })?;
    finished.remove_older()?;
    Ok(before)
}

/// Does the tasks of some kinds, one kind after the other; the bytes that were moved. One that is alone has all threads.
fn stage(work: &Work, missing: &[&Task], kinds: &[Kind]) -> Result<((), u64), Error> {
    let moved = || {
        let (read, written) = work.moved();
        read + written
    };
    let before = moved();
    for kind in kinds {
        let tasks: Vec<&Task> = missing.iter().copied().filter(|task| task.kind == *kind).collect();
        match tasks[..] {
            [task] => work.run(task).map(drop)?,
            _ => RAYON.install(|| tasks.par_iter().with_max_len(1).try_for_each(|task| work.run(task).map(drop)))?,
        }
    }
    Ok(((), moved() - before))
}
