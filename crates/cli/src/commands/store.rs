//! `hostproof store`: the records themselves.

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use record::{Annotation, Annotations, Chain, Entry, Index, Listed, Selector, Store, bundle};

use crate::args::{Records, StoreCommand};
use crate::commands::{look, print, print_as_is, print_json};
use crate::exit::Exit;
use crate::history::History;
use crate::locations;

pub(crate) fn store(command: &StoreCommand) -> Result<Exit> {
    match command {
        StoreCommand::List { runs, json, records } => list(runs.as_ref(), *json, records),
        StoreCommand::Show { run, json, records } => show(run, *json, records),
        StoreCommand::Verify { records } => verify(records),
        StoreCommand::Prune { runs, why, yes, records } => prune(runs, why, *yes, records),
        StoreCommand::Tag { runs, tag, remove, records } => annotate(runs, tag, *remove, records),
        StoreCommand::Export { run, file, records } => export(run, file, records),
        StoreCommand::Import { files, records } => import(files, records),
        StoreCommand::Reindex { records } => reindex(records),
    }
}

fn at(records: &Records) -> Result<Store> {
    Ok(Store::at(&locations::results(records.out.as_deref())?))
}

fn list(selector: Option<&Selector>, json: bool, records: &Records) -> Result<Exit> {
    let history = History::open(records)?;
    let runs = selector.map_or_else(|| history.runs.iter().collect(), |selector| history.select(selector));
    print_runs(&runs, json)?;
    Ok(Exit::Done)
}

fn print_runs(runs: &[&Listed], json: bool) -> Result<()> {
    let rows: Vec<_> = runs.iter().map(|run| (&run.digest, &run.tags)).collect();
    if json { print_json(&report::compare::runs_json(&rows)) } else { print(&report::compare::runs(&rows, look())) }
}

/// The one run that `text` means.
fn one<'a>(history: &'a History, text: &str) -> Result<&'a Listed> {
    let path = history.store.find(text)?;
    let run = history.runs.iter().find(|run| run.path == path);
    run.with_context(|| format!("{} is no record of the store {}", path.display(), history.store.root().display()))
}

fn show(text: &str, json: bool, records: &Records) -> Result<Exit> {
    let history = History::open(records)?;
    let run = one(&history, text)?;
    let digest = history.digest(run)?;
    if json {
        print_json(&report::compare::run_json(&digest, &run.tags))?;
    } else {
        print(&report::compare::run(&digest, &run.tags, look()))?;
    }
    Ok(Exit::Done)
}

fn verify(records: &Records) -> Result<Exit> {
    // Opening the index seals what has ended since.
    let history = History::open(records)?;
    let verified = Chain::at(history.store.root()).verify(&history.store.list()?)?;
    let mut text = format!("{} records are as they were sealed\n", verified.sound);
    for open in &verified.open {
        text += &format!("not sealed, incomplete record: {open}\n");
    }
    for fault in &verified.faults {
        text += &format!("FAULT: {fault}\n");
    }
    if let Some(head) = &verified.head {
        text += &format!(
            "the chain ends with {head}; noted elsewhere, it proves later that nothing before it was changed\n"
        );
    }
    let text: String = text.lines().flat_map(|line| [report::terminal::clean(line), "\n".to_owned()]).collect();
    print(&text)?;
    Ok(if verified.faults.is_empty() { Exit::Done } else { Exit::Rejected })
}

fn prune(selector: &Selector, why: &str, yes: bool, records: &Records) -> Result<Exit> {
    let history = History::open(records)?;
    let runs = history.select(selector);
    print_runs(&runs, false)?;
    if !yes {
        print(&format!("{} runs would be removed; --yes removes them", runs.len()))?;
        return Ok(Exit::Done);
    }
    for run in &runs {
        record::prune(&history.store, run, why)?;
    }
    Index::open(&history.store)?;
    print(&format!("removed {} runs; the removal is recorded in the chain", runs.len()))?;
    Ok(Exit::Done)
}

fn annotate(selector: &Selector, tag: &str, remove: bool, records: &Records) -> Result<Exit> {
    let history = History::open(records)?;
    let runs = history.select(selector);
    if runs.is_empty() {
        return Err(history.nothing_selected(Some(selector)));
    }
    let annotations = Annotations::at(history.store.root());
    for run in &runs {
        let (run, tag) = (run.digest.id.clone(), tag.to_owned());
        annotations.add(&if remove { Annotation::Untag { run, tag } } else { Annotation::Tag { run, tag } })?;
    }
    let did = if remove { "lost" } else { "got" };
    print(&format!("{} runs {did} the tag {tag}", runs.len()))?;
    Ok(Exit::Done)
}

fn export(text: &str, file: &Path, records: &Records) -> Result<Exit> {
    let history = History::open(records)?;
    let run = one(&history, text)?;
    let entry = Entry { id: run.digest.id.clone(), host: run.digest.host.clone(), path: run.path.clone() };
    if file == Path::new("-") {
        let bytes = bundle::pack(&entry)?;
        return std::io::stdout().write_all(&bytes).context("could not write the bundle").map(|()| Exit::Done);
    }
    bundle::export(&entry, file)?;
    print(&format!("{} is in {}", entry.id, file.display()))?;
    Ok(Exit::Done)
}

fn import(files: &[PathBuf], records: &Records) -> Result<Exit> {
    let store = at(records)?;
    for file in files {
        let path = bundle::import(&store, file)?;
        print_as_is(&path.display().to_string())?;
    }
    Index::open(&store)?;
    Ok(Exit::Done)
}

fn reindex(records: &Records) -> Result<Exit> {
    let store = at(records)?;
    let index = Index::rebuild(&store)?;
    print(&format!(
        "{} runs are in the index, {} records cannot be read",
        index.runs()?.len(),
        index.unreadable()?.len()
    ))?;
    for (path, why) in index.unreadable()? {
        print(&format!("{}: {}", path.display(), report::terminal::clean(&why)))?;
    }
    Ok(Exit::Done)
}
