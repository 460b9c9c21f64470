//! `hostproof run`: measure, judge, show; `accept` does the same, and its exit code answers.

use std::path::Path;
use std::sync::atomic::Ordering;

use anyhow::Result;
use measure::{Quantity, Run, Unit};
use pipe::worker::die_with_parent;
use record::Store;
use verdict::Judgement;

use crate::args::RunArgs;
use crate::commands::inspect::{advice_as_json, advice_as_text};
use crate::commands::{judge, judgement, print, print_json};
use crate::exit::Exit;
use crate::locations::Specification;
use crate::output::say;
use crate::plan::RunPlan;
use crate::{alone, interrupt, run};

/// What came of measuring.
pub(crate) enum Finish {
    /// It was judged, and shown.
    Judged(Judgement),
    /// It ended before that: nothing was to be measured, or the user stopped it.
    Ended(Exit),
}

pub(crate) fn run(args: &RunArgs) -> Result<Exit> {
    let root = Path::new("/");
    let plan = RunPlan::resolve(args, Specification::load(&args.spec)?, inventory::take(root), root)?;
    Ok(match measured(args, &plan)? {
        Finish::Judged(_) => Exit::Done,
        Finish::Ended(exit) => exit,
    })
}

/// Measures what is planned, judges it and shows it.
pub(crate) fn measured(args: &RunArgs, plan: &RunPlan) -> Result<Finish> {
    args.parent.map_or(Ok(()), die_with_parent)?;
    for note in &plan.notes {
        say(note);
    }
    if args.dry_run {
        return show_plan(plan, args.view.json).map(Finish::Ended);
    }
    if args.strict && !plan.advice.is_empty() {
        return refuse(plan, args.view.json).map(Finish::Ended);
    }
    if !plan.advice.is_empty() {
        say(&format!("{} findings of `hostproof doctor` may disturb what is measured here", plan.advice.len()));
    }
    let earlier = args.with.as_ref().map(|typed| earlier(plan, typed)).transpose()?;
    let _alone = alone::measure(args.beside)?;
    let interrupted = interrupt::flag()?;
    say(&format!("{} profile, about {}", plan.profile.name(), Quantity::new(plan.seconds(), Unit::Second)));
    let recorded = run::measure(plan, &interrupted)?;
    if interrupted.load(Ordering::Relaxed) {
        say("stopped by the user: the record holds what was measured until then");
        say(&format!("record: {}", recorded.path.display()));
        return Ok(Finish::Ended(Exit::Interrupted));
    }
    let judgement = judgement(&recorded.run, earlier.as_slice(), &plan.specification);
    say(&format!("record: {}", recorded.path.display()));
    judge::show(&recorded.run, &judgement, args.view, args.out.as_deref())?;
    Ok(Finish::Judged(judgement))
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
        if let Some(room) = step.planned.as_ref().ok().and_then(|planned| planned.shared.as_ref()) {
            let bytes = Quantity::new(room.bytes as f64, Unit::Byte);
            text += &format!("{:8} and {bytes} in {}, which its workers share\n", "", room.folder.display());
        }
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
