//! `hostproof noise`: what each metric of a host can be judged for, before anybody relies on it.

use anyhow::{Context, Result};
use record::Listed;
use verdict::power::{self, Design};

use crate::args::HistoryArgs;
use crate::commands::{look, print, print_json};
use crate::exit::Exit;
use crate::history::{History, tolerances};

/// How many boots show that nothing got worse, by the noise of a host's runs so far; `None` where they do not tell.
pub(crate) fn proposal(history: &History, host: &str, boots: u32, design: fn(u32) -> Design) -> Option<String> {
    let runs: Vec<&Listed> = history.runs.iter().filter(|run| run.digest.host == host).collect();
    let tolerances = tolerances(runs.last()?, None).ok()?;
    let loaded = history.load(&runs, Some(&|id| tolerances.critical(id))).ok()?;
    let family = verdict::trend::family(&verdict::trend::noise(loaded, &tolerances));
    if family.is_empty() {
        return None;
    }
    let ends = |boots: u32| format!("{:.0} %", 100.0 * power::of_family(design(boots), &family));
    let proposed = match power::boots_for_family(&family, design) {
        Some(enough) if enough <= boots => "that is enough".to_owned(),
        Some(enough) => format!("with --boots {enough} it would in {}", ends(enough)),
        None => "no number of boots would in 80 %: look at `hostproof noise`".to_owned(),
    };
    Some(format!(
        "By the noise of this host so far, {boots} boots on each side show all of {} critical metrics to be not worse in {} of the \
         campaigns in which nothing changed; {proposed}",
        family.len(),
        ends(boots)
    ))
}

pub(crate) fn noise(args: &HistoryArgs) -> Result<Exit> {
    let history = History::open(&args.view.records)?;
    let runs = history.of_one_host(args.runs.as_ref())?;
    let newest = runs.last().context("no run is selected")?;
    let tolerances = tolerances(newest, args.view.spec.as_deref())?;
    let noise = verdict::trend::noise(history.load(&runs, Some(&|id| tolerances.critical(id)))?, &tolerances);
    if args.view.json {
        print_json(&report::compare::noise_json(&noise))?;
    } else {
        print(&report::compare::noise(&noise, look()))?;
    }
    Ok(Exit::Done)
}
