//! `hostproof judge`: a recorded run against its own or another specification, offline.

use std::path::Path;

use anyhow::Result;
use launch::shell::quoted;
use measure::Run;
use report::terminal::Extent;
use verdict::Judgement;

use crate::args::{JudgeArgs, JudgedView};
use crate::case;
use crate::commands::{judgement, look, print, print_json};
use crate::exit::Exit;

pub(crate) fn judge(args: &JudgeArgs) -> Result<Exit> {
    let run = case::find(&args.run, args.out.as_deref())?;
    let specification = case::specification(&run, args.spec.as_deref())?;
    show(&run, &judgement(&run, &[], &specification), args.view, args.out.as_deref())?;
    Ok(Exit::Done)
}

/// Shows a judged run: the same for a run that just ended and for one from the store.
pub(crate) fn show(run: &Run, judgement: &Judgement, view: JudgedView, store: Option<&Path>) -> Result<()> {
    if view.json {
        return print_json(&report::json::judgement(run, judgement));
    }
    if view.brief {
        return print(&report::gate::brief_answer(judgement));
    }
    let store = store.map(|folder| format!(" --out {}", quoted(&folder.to_string_lossy()))).unwrap_or_default();
    let extent = Extent { all: view.all, store: &store };
    print(&report::terminal::judged_run(run, judgement, extent, look()))
}
