//! `hostproof judge`: a recorded run against its own or another specification, offline.

use anyhow::{Context, Result};
use measure::Run;
use record::Store;
use verdict::Judgement;

use crate::args::JudgeArgs;
use crate::commands::{judgement, look, print, print_json};
use crate::exit::Exit;
use crate::locations::{self, Specification};

pub(crate) fn judge(args: &JudgeArgs) -> Result<Exit> {
    let store = Store::at(&locations::results(args.out.as_deref())?);
    let path = store.find(&args.run)?;
    let run = record::read(&path)?;
    let specification = match &args.spec {
        Some(typed) => Specification::load(typed)?,
        None => Specification::parse(&run.spec.text, "the record", Some(&run.spec.id))
            .with_context(|| format!("the specification in {} cannot be used; give one with --spec", path.display()))?,
    };
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
