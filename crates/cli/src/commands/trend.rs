//! `hostproof trend`: the history of a host by boot.

use anyhow::{Context, Result};
use verdict::compare::ChangeFinding;

use crate::args::HistoryArgs;
use crate::commands::{look, print, print_json};
use crate::exit::Exit;
use crate::history::{History, tolerances};

pub(crate) fn trend(args: &HistoryArgs) -> Result<Exit> {
    let history = History::open(&args.view.records)?;
    let runs = history.of_one_host(args.runs.as_ref())?;
    let newest = runs.last().context("no run is selected")?;
    let tolerances = tolerances(newest, args.view.spec.as_deref())?;
    let loaded = history.load(&runs, Some(&|id| tolerances.critical(id)))?;
    let sealed = history.sealed(&newest.digest.host)?;
    let baseline = history.annotated.baselines.get(&newest.digest.host).map(|(runs, _)| runs.as_slice());
    let trend = verdict::trend::trend(loaded, &tolerances, baseline, &sealed)
        .context("no run of this host has its metrics in the units of the catalogue")?;
    if args.view.json {
        print_json(&report::compare::trend_json(&trend))?;
    } else {
        print(&report::compare::trend(&trend, look()))?;
    }
    let worse = trend.against_baseline.iter().flatten().any(|row| row.finding == ChangeFinding::Regression);
    Ok(if worse { Exit::Rejected } else { Exit::Done })
}
