//! `hostproof show` and `hostproof diff`: recorded runs in the tables that `run` ends with.

use anyhow::Result;
use report::{json, terminal};

use crate::args::{DiffArgs, JudgeArgs, ShowArgs};
use crate::case;
use crate::commands::{judge, judgement, look, print, print_json};
use crate::exit::Exit;

pub(crate) fn show(args: &ShowArgs) -> Result<Exit> {
    judge::judge(&JudgeArgs { run: args.run.clone(), spec: None, out: args.out.clone(), json: args.json })
}

pub(crate) fn diff(args: &DiffArgs) -> Result<Exit> {
    let before = case::find(&args.before, args.out.as_deref())?;
    let after = case::find(&args.after, args.out.as_deref())?;
    let specification = case::specification(&after, args.spec.as_deref())?;
    let change = case::compared(&[&before], &[&after], &specification);
    if args.json {
        print_json(&json::diff(&change))?;
    } else {
        let judged = [&before, &after].map(|run| judgement(run, &[], &specification));
        let sides = [
            terminal::Side { run: &before, judgement: &judged[0] },
            terminal::Side { run: &after, judgement: &judged[1] },
        ];
        print(&terminal::diff(&sides, &change, look()))?;
    }
    Ok(Exit::Done)
}
