//! `hostproof show` and `hostproof diff`: recorded runs with all their figures, in tables.

use anyhow::{Result, bail};
use report::{json, terminal};

use crate::args::{DiffArgs, ShowArgs};
use crate::case;
use crate::commands::{judgement, look, print, print_json};
use crate::exit::Exit;
use crate::history::History;

pub(crate) fn show(args: &ShowArgs) -> Result<Exit> {
    let run = case::find(&args.run, args.out.as_deref())?;
    if let Some(wanted) = &args.metric {
        let Some(text) = terminal::metric(&run, wanted, look()) else {
            bail!(
                "run {} has no series of `{wanted}`; the nearest metric is `{}`",
                run.id,
                spec::nearest_metric(wanted)
            );
        };
        print(&text)?;
        return Ok(Exit::Done);
    }
    let judgement = judgement(&run, &[], &case::specification(&run, None)?);
    if args.json {
        print_json(&json::judgement(&run, &judgement))?;
    } else {
        print(&terminal::shown_run(&run, &judgement, args.how, look()))?;
    }
    Ok(Exit::Done)
}

pub(crate) fn diff(args: &DiffArgs) -> Result<Exit> {
    let before = case::find(&args.before, args.out.as_deref())?;
    let after = case::find(&args.after, args.out.as_deref())?;
    let specification = case::specification(&after, args.spec.as_deref())?;
    let named = [before.id.as_str(), after.id.as_str()].into();
    let past = History::at(args.out.as_deref())?.past(&after.host, &named)?;
    let change = case::compared_runs(&before, &after, &specification, past);
    if args.json {
        print_json(&json::diff(&change))?;
    } else {
        let judged = [&before, &after].map(|run| judgement(run, &[], &specification));
        let sides = [
            terminal::JudgedRun { run: &before, judgement: &judged[0] },
            terminal::JudgedRun { run: &after, judgement: &judged[1] },
        ];
        print(&terminal::diff(&sides, &change, args.all, look()))?;
    }
    Ok(Exit::Done)
}
