//! `hostproof run` and `hostproof accept`: measure, judge, show.

use std::path::Path;
use std::sync::atomic::Ordering;

use anyhow::{Result, bail};
use measure::{Profile, Quantity, Run, Unit};
use record::Store;
use verdict::Acceptance;

use crate::args::RunArgs;
use crate::commands::inspect::{advice_as_json, advice_as_text};
use crate::commands::{judge, judgement, print, print_json};
use crate::exit::Exit;
use crate::plan::RunPlan;
use crate::{interrupt, run};

/// What the exit code answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Whether the work was done.
    Measure,
    /// Whether the host is accepted.
    Gate,
}

pub(crate) fn run(args: &RunArgs, purpose: Purpose) -> Result<Exit> {
    let plan = RunPlan::resolve(args, Path::new("/"))?;
    for note in &plan.notes {
        eprintln!("{note}");
    }
    if purpose == Purpose::Gate && plan.specification.system.demands().is_empty() {
        bail!(
            "{} demands nothing that this suite measures, so it could accept any host: mark facts and targets in it as \
             `required = true` (`hostproof spec check` says what a file demands), or give another with --spec",
            plan.specification.system.id
        );
    }
    if args.dry_run {
        return show_plan(&plan, args.view.json);
    }
    if args.strict && !plan.advice.is_empty() {
        return refuse(&plan, args.view.json);
    }
    if !plan.advice.is_empty() {
        eprintln!("{} findings of `hostproof doctor` may disturb what is measured here", plan.advice.len());
    }
    let earlier = args.with.as_ref().map(|typed| earlier(&plan, typed)).transpose()?;
    let interrupted = interrupt::flag()?;
    eprintln!("{} profile, about {}", plan.profile.name(), Quantity::new(plan.seconds(), Unit::Second));
    let recorded = run::measure(&plan, &interrupted)?;
    let judgement = judgement(&recorded.run, earlier.as_slice(), &plan.specification);
    eprintln!("record: {}", recorded.path.display());
    if purpose == Purpose::Gate && plan.profile == Profile::Smoke {
        eprintln!("profile smoke is a look whether all works, and no acceptance: measure by `--profile full` for one");
    }
    judge::show(&recorded.run, &judgement, args.view, args.out.as_deref())?;
    if interrupted.load(Ordering::Relaxed) {
        eprintln!("stopped by the user: the record holds what was measured until then");
        return Ok(Exit::Unusable);
    }
    Ok(match (purpose, judgement.acceptance()) {
        (Purpose::Measure, _) | (Purpose::Gate, Acceptance::Accepted) => Exit::Done,
        (Purpose::Gate, Acceptance::Rejected) => Exit::Rejected,
        (Purpose::Gate, Acceptance::Inconclusive) => Exit::Inconclusive,
        (Purpose::Gate, Acceptance::NotComparable) => Exit::NotComparable,
    })
}

/// Says what is to be mended before this host is measured.
fn refuse(plan: &RunPlan, json: bool) -> Result<Exit> {
    if json {
        print_json(&serde_json::json!({"refused": advice_as_json(&plan.advice)}))?;
    } else {
        print(&format!("nothing was measured: mend this first\n\n{}", advice_as_text(&plan.advice)))?;
    }
    Ok(Exit::NotComparable)
}

/// The run that is judged together with the one to come: found before anything is measured.
fn earlier(plan: &RunPlan, typed: &str) -> Result<Run> {
    let path = Store::at(&plan.results).find(typed)?;
    Ok(record::read(&path)?)
}

fn show_plan(plan: &RunPlan, json: bool) -> Result<Exit> {
    if json {
        let steps: Vec<_> = plan.steps.iter().map(step_json).collect();
        let system = &plan.specification.system.id;
        let scratch = plan.scratch.json();
        print_json(&serde_json::json!({"profile": plan.profile, "spec": system, "scratch": scratch, "steps": steps}))?;
        return Ok(Exit::Done);
    }
    let mut text = format!("profile {}, judged by {}\n", plan.profile.name(), plan.specification.system.id);
    for step in &plan.steps {
        let name = step.workload.name();
        text += &match &step.planned {
            Err(refusal) => format!("{name:8} cannot run here: {refusal}\n"),
            Ok(planned) => format!(
                "{name:8} {} time{}, {} in all, memory {}, disk {}\n",
                step.repetitions,
                if step.repetitions == 1 { "" } else { "s" },
                Quantity::new(step.seconds(), Unit::Second),
                Quantity::new(planned.needs.memory as f64, Unit::Byte),
                Quantity::new(planned.needs.disk as f64, Unit::Byte),
            ),
        };
    }
    text += &format!("together about {}\n", Quantity::new(plan.seconds(), Unit::Second));
    text += &format!("test files would go to {}\n", plan.scratch.place.in_full());
    text += &format!("records would go to {}\n", plan.results.display());
    print(&text)?;
    Ok(Exit::Done)
}

fn step_json(step: &crate::plan::Step) -> serde_json::Value {
    let workload = step.workload.name();
    match &step.planned {
        Err(refusal) => serde_json::json!({"workload": workload, "refused": refusal.to_string()}),
        Ok(planned) => {
            serde_json::json!({"workload": workload, "repetitions": step.repetitions, "planned": planned})
        }
    }
}
