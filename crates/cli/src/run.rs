//! The run loop: a worker for each step and repetition, its events into the record.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context, Result};
use measure::{
    Attempt, AttemptLog, BootNoise, Ending, Event, Facts, Fingerprint, Labels, MetricId, NotMeasured, Profile, Run,
    Workload,
};
use record::{Annotation, Annotations, Index, Store, Writer};

use crate::build_info::build;
use crate::history::History;
use crate::locations::Specification;
use crate::output::say;
use crate::plan::{RunPlan, Step};
use crate::progress::Progress;
use crate::supervisor;

/// A run with the place of its record.
pub(crate) struct Recorded {
    pub(crate) run: Run,
    pub(crate) path: std::path::PathBuf,
}

/// Measures everything that is planned. The record is complete at every moment.
pub(crate) fn measure(plan: &RunPlan, interrupted: &AtomicBool) -> Result<Recorded> {
    let store = Store::at(&plan.results);
    let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
    let (id, folder) = store.new_run(plan.node.as_deref().unwrap_or(&host));
    let mut run = header(plan, host, id)?;
    run.noise = noise(&store, &run);
    let path = folder.join("run.jsonl");
    let mut writer = Writer::create(&path, &run).context("could not begin the record")?;
    for tag in &plan.tags {
        Annotations::at(&plan.results).add(&Annotation::Tag { run: run.id.clone(), tag: tag.clone() })?;
    }
    for step in &plan.steps {
        for repetition in 0..step.repetitions {
            if interrupted.load(Ordering::Relaxed) {
                break;
            }
            run.attempts.push(attempt(plan, step, repetition, &mut writer, interrupted)?);
        }
    }
    run.ending = if interrupted.load(Ordering::Relaxed) { Ending::Interrupted } else { Ending::Complete };
    writer.finish(run.ending)?;
    // Opening the index takes the record in, and seals it in the chain. Without it the record is there and is judged.
    let opened = Index::open(&store);
    if let Some(trouble) = opened.as_ref().ok().and_then(Index::trouble) {
        say(&format!("warning: the record is whole, but it is not sealed: {trouble}"));
    }
    if let Err(error) = opened {
        say(&format!("warning: the record is whole, but it is neither in the index of the store nor sealed: {error}"));
    }
    Ok(Recorded { run, path })
}

fn header(plan: &RunPlan, host: String, id: String) -> Result<Run> {
    let unnamed = unmeasured(plan.profile, &plan.specification, plan.facts.clone(), plan.fingerprint.clone());
    let started = jiff::Timestamp::now().round(jiff::Unit::Second)?.to_string();
    Ok(Run { id, started, host, node: plan.node.clone(), boot_id: plan.boot_id.clone(), ..unnamed })
}

/// A run of this host before anything is measured; it has no name, and is in no store.
pub(crate) fn unmeasured(
    profile: Profile,
    specification: &Specification,
    facts: Facts,
    fingerprint: Fingerprint,
) -> Run {
    Run {
        id: String::new(),
        started: String::new(),
        host: String::new(),
        node: None,
        boot_id: None,
        profile,
        build: build(),
        spec: specification.source.clone(),
        facts,
        fingerprint,
        noise: BTreeMap::new(),
        attempts: Vec::new(),
        ending: Ending::Cut,
    }
}

/// How noisy this host is from boot to boot, as its earlier runs tell. A store whose index cannot be opened tells nothing:
/// that is said when the record is taken into it.
fn noise(store: &Store, run: &Run) -> BTreeMap<String, BootNoise> {
    let Ok(history) = History::of(store.clone()) else { return BTreeMap::new() };
    let is_judged = |id: &MetricId| measure::definition(&id.name).is_some_and(|metric| id.is(metric));
    let past: Vec<_> = history.runs.iter().filter(|earlier| earlier.digest.host == run.name()).collect();
    verdict::boot_noise(run, history.load(&past, Some(&is_judged)).unwrap_or_default())
}

/// One workload once. What goes wrong with it is an outcome with a reason; only a record that cannot be written
/// is an error.
fn attempt(
    plan: &RunPlan,
    step: &Step,
    repetition: u32,
    writer: &mut Writer,
    interrupted: &AtomicBool,
) -> Result<Attempt> {
    let name = step.workload.name();
    let config = step.planned.as_ref().map_or(serde_json::Value::Null, |planned| planned.config.clone());
    writer.begin(step.workload, repetition, &config)?;
    let mut log = AttemptLog::begin(step.workload, repetition);
    let trouble = match &step.planned {
        Err(refusal) => Some(refusal.clone()),
        Ok(planned) => {
            let progress = Progress::begin(name, planned.needs.seconds);
            let trouble = supervisor::run(step.workload, planned, step.limit(planned), interrupted, &mut |event| {
                progress.note(&event);
                keep(&mut log, writer, placed(event, plan, step.workload))
            })?;
            progress.end(&trouble.as_ref().map_or("done".to_owned(), ToString::to_string));
            trouble
        }
    };
    if let Some(reason) = trouble {
        let id = MetricId { name: name.to_owned(), labels: Labels::new() };
        keep(&mut log, writer, Event::NotMeasured(NotMeasured { id, reason }))?;
    }
    writer.end_attempt()?;
    Ok(log.end())
}

/// With where the files lay, for a workload that measures with files; some it puts elsewhere, and says so itself.
fn placed(event: Event, plan: &RunPlan, workload: Workload) -> Event {
    match (event, workload) {
        (Event::Measured(measurement), Workload::Disk | Workload::Tabular) if measurement.place.is_none() => {
            Event::Measured(measurement.at(plan.scratch.place.clone()))
        }
        (event, _) => event,
    }
}

fn keep(log: &mut AttemptLog, writer: &mut Writer, event: Event) -> Result<()> {
    writer.event(&event).context("the record could not be written")?;
    log.take(event);
    Ok(())
}
