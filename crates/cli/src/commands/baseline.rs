//! `hostproof baseline`: the runs of a host that others are held against. It moves only here, by hand.

use anyhow::{Result, ensure};
use record::{Annotation, Annotations, Selector};
use serde_json::{Value, json};

use crate::args::{BaselineCommand, Records};
use crate::commands::{look, print, print_json};
use crate::exit::Exit;
use crate::history::History;

pub(crate) fn baseline(command: &BaselineCommand) -> Result<Exit> {
    match command {
        BaselineCommand::Set { runs, records } => set(runs, records),
        BaselineCommand::Show { json, records } => show(*json, records),
    }
}

fn set(selector: &Selector, records: &Records) -> Result<Exit> {
    let history = History::open(records)?;
    let runs = history.select(selector);
    let first = runs.first().ok_or_else(|| history.nothing_selected(Some(selector)))?;
    let host = first.digest.host.clone();
    let other = runs.iter().find(|run| run.digest.host != host);
    ensure!(
        other.is_none(),
        "the runs are of different hosts ({host} and {}): add host=NAME to the selection",
        other.map_or("", |run| run.digest.host.as_str())
    );
    let ids: Vec<String> = runs.iter().map(|run| run.digest.id.clone()).collect();
    let count = ids.len();
    let at = jiff::Timestamp::now().round(jiff::Unit::Second)?.to_string();
    Annotations::at(history.store.root()).add(&Annotation::Baseline { host: host.clone(), runs: ids, at })?;
    print(&format!("{count} runs are the baseline of {}", report::terminal::clean(&host)))?;
    Ok(Exit::Done)
}

fn show(json: bool, records: &Records) -> Result<Exit> {
    let history = History::open(records)?;
    let baselines = &history.annotated.baselines;
    if json {
        let entry =
            |(host, (runs, at)): (&String, &(Vec<String>, String))| json!({"host": host, "at": at, "runs": runs});
        print_json(&Value::Array(baselines.iter().map(entry).collect()))?;
        return Ok(Exit::Done);
    }
    if baselines.is_empty() {
        print("no host has a baseline: `hostproof baseline set SEL` sets one")?;
    }
    for (host, (ids, at)) in baselines {
        let runs: Vec<_> = history.runs.iter().filter(|run| ids.contains(&run.digest.id)).collect();
        print(&format!(
            "{}: set {at}, {} runs, {} of them in the store",
            report::terminal::clean(host),
            ids.len(),
            runs.len()
        ))?;
        let rows: Vec<_> = runs.iter().map(|run| (&run.digest, &run.tags)).collect();
        print(&report::compare::runs(&rows, look()))?;
    }
    Ok(Exit::Done)
}
