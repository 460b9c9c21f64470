//! `hostproof judge`: a recorded run against its own or another specification, offline.

use anyhow::Result;
use measure::Run;
use verdict::Judgement;

use crate::args::JudgeArgs;
use crate::case;
use crate::commands::{judgement, look, print, print_json};
use crate::exit::Exit;

pub(crate) fn judge(args: &JudgeArgs) -> Result<Exit> {
    let run = case::find(&args.run, args.out.as_deref())?;
    let specification = case::specification(&run, args.spec.as_deref())?;
    show(&run, &judgement(&run, &[], &specification), args.json)?;
    Ok(Exit::Done)
}

/// Shows a judged run: the same for a run that just ended and for one from the store.
pub(crate) fn show(run: &Run, judgement: &Judgement, json: bool) -> Result<()> {
    if json {
        print_json(&report::json::judgement(run, judgement))
    } else {
        print(&report::terminal::judged_run(run, judgement, look()))
    }
}
