//! `hostproof noise`: what each metric of a host can be judged for, before anybody relies on it.

use anyhow::{Context, Result};

use crate::args::HistoryArgs;
use crate::commands::{look, print, print_json};
use crate::exit::Exit;
use crate::history::{History, tolerances};

pub(crate) fn noise(args: &HistoryArgs) -> Result<Exit> {
    let history = History::open(&args.view.records)?;
    let runs = history.of_one_host(args.runs.as_ref())?;
    let newest = runs.last().context("no run is selected")?;
    let tolerances = tolerances(newest, args.view.spec.as_deref())?;
    let digests = history.load(&runs, Some(&|id| tolerances.critical(id)))?;
    let noise = verdict::trend::noise(&digests.iter().collect::<Vec<_>>(), &tolerances);
    if args.view.json {
        print_json(&report::compare::noise_json(&noise))?;
    } else {
        print(&report::compare::noise(&noise, look()))?;
    }
    Ok(Exit::Done)
}
