//! `generate`, `run`, `verify`: what a person starts.

use std::io;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use measure::{Quantity, Unit};
use serde::Serialize;
use tabular::Error;
use tabular::cluster::transfer;
use tabular::generate::{self, Config, Progress};
use tabular::pipeline::tasks::{PLAN, Plan, Work};
use tabular::pipeline::{self, Mode, Phase, Report};
use tabular::verify::{self, Options, Verified};
use tabular::workload::placed;

use crate::args::{Engine, GenerateArgs, PlanArgs, RunArgs, ServeArgs, TaskArgs, TasksArgs, VerifyArgs};
use crate::print::{bar, note, say};
use crate::{peer, scheduled};

/// A result that was refused, as README.md lists the exit codes.
const REJECTED: u8 = 1;

pub(crate) fn generate(args: GenerateArgs) -> Result<ExitCode> {
    let rows = Config::rows_of(args.size);
    let config = Config {
        seed: args.seed,
        layout: args.layout.into(),
        codec: args.codec.into(),
        threads: args.threads.unwrap_or(0),
        left_out: args.left_out,
        ..Config::new(rows, args.out)
    };
    let bar = bar("rows");
    generate::generate(&config, &|progress: Progress| {
        bar.set_length(progress.rows);
        bar.set_position(progress.done);
    })?;
    bar.finish_and_clear();
    say(&format!("{rows} events are in {}", config.out.display()))?;
    Ok(ExitCode::SUCCESS)
}

pub(crate) fn run(args: &RunArgs) -> Result<ExitCode> {
    placed::ensure(args.threads, args.cpus.as_deref(), args.parent)?;
    if args.resume && (args.mode != Mode::Bucketed || args.engine != Engine::Polars) {
        bail!("--resume goes with --mode bucketed alone: nothing else leaves what could be gone on with");
    }
    if let Some(cluster) = &args.cluster {
        return scheduled::run(args, cluster);
    }
    if let Some(script) = args.engine.script() {
        return peer::run(args, script);
    }
    let mut trouble = Ok(());
    let report = pipeline::run(&args.job(), &mut |phase: &Phase| {
        let line = if args.json { json_line(phase) } else { text_line(phase) };
        if trouble.is_ok() {
            trouble = say(&line);
        }
    })?;
    trouble?;
    say(&if args.json { serde_json::json!({ "report": report }).to_string() } else { summary(&report) })?;
    Ok(ExitCode::SUCCESS)
}

pub(crate) fn plan(args: &PlanArgs) -> Result<ExitCode> {
    let plan = Plan::of(&args.input)?;
    plan.write(&args.work)?;
    say(&format!("{} tasks are in {}", plan.tasks.len(), args.work.join(PLAN).display()))?;
    Ok(ExitCode::SUCCESS)
}

pub(crate) fn task(args: &TaskArgs) -> Result<ExitCode> {
    placed::ensure(args.threads, None, None)?;
    let figures = Work::open(&args.work)?.run_for_figures(&args.id)?;
    say(&serde_json::json!({ "task": figures }).to_string())?;
    Ok(ExitCode::SUCCESS)
}

pub(crate) fn tasks(args: &TasksArgs) -> Result<ExitCode> {
    let TasksArgs { serve: ServeArgs { work, threads, parent }, durable } = args;
    placed::ensure(Some(*threads), None, Some(*parent))?;
    let work = Work::open(work)?;
    let work = if *durable { work } else { work.not_durable() };
    serve(|id| work.run_for_figures(id))
}

pub(crate) fn storage(args: &ServeArgs) -> Result<ExitCode> {
    placed::ensure(Some(args.threads), None, Some(args.parent))?;
    serve(|id| transfer::run(&args.work, id))
}

/// Does what each line of stdin names until there are no more, and answers each with what it took, or why it was refused.
fn serve<T: Serialize>(run: impl Fn(&str) -> Result<T, Error>) -> Result<ExitCode> {
    for id in io::stdin().lines() {
        let answer = match run(&id.context("could not read the next task")?) {
            Ok(took) => serde_json::json!({ "task": took }),
            Err(error) => serde_json::json!({ "error": format!("{:#}", anyhow::Error::from(error)) }),
        };
        say(&answer.to_string())?;
    }
    Ok(ExitCode::SUCCESS)
}

pub(crate) fn verify(args: &VerifyArgs) -> Result<ExitCode> {
    match verify::verify(&args.output, &args.input, &Options::default(), &|checked| note(&format!("{checked} checked")))
    {
        Ok(verified) => {
            say(&accepted(&verified))?;
            Ok(ExitCode::SUCCESS)
        }
        Err(error @ Error::Rejected(_)) => {
            say(&error.to_string())?;
            Ok(ExitCode::from(REJECTED))
        }
        Err(error) => Err(error.into()),
    }
}

fn accepted(verified: &Verified) -> String {
    let how = if verified.is_full() {
        "every value of every row".to_owned()
    } else {
        let counts: Vec<_> = verified.checked.iter().map(|(id, rows)| format!("{id} {rows}")).collect();
        format!("samples of rows ({}), and counts, nulls and ids of all", counts.join(", "))
    };
    format!("accepted: {} rows, compared with the reference: {how}", verified.rows)
}

fn json_line(phase: &Phase) -> String {
    serde_json::json!(phase).to_string()
}

fn text_line(phase: &Phase) -> String {
    format!(
        "{:12} {:>9}  CPU {:>9}  peak {:>9}  {:>12}/s  {:>9}",
        phase.phase,
        quantity(phase.seconds, Unit::Second),
        quantity(phase.cpu_seconds, Unit::Second),
        phase.peak_bytes.map_or_else(|| "unknown".to_owned(), |bytes| quantity(bytes as f64, Unit::Byte)),
        format!("{:.3e} rows", phase.rows_per_second()),
        quantity(phase.bytes as f64, Unit::Byte),
    )
}

fn summary(report: &Report) -> String {
    let before = report.tasks_before.map(|tasks| format!(", after {tasks} tasks of an earlier start"));
    format!(
        "{} rows in {} ({}, {} threads, cache {:?}{})",
        report.rows,
        quantity(report.seconds(), Unit::Second),
        report.mode.name(),
        report.threads,
        report.cache,
        before.unwrap_or_default()
    )
}

fn quantity(value: f64, unit: Unit) -> String {
    Quantity::new(value, unit).to_string()
}
