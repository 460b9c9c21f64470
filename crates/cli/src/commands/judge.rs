//! `hostproof judge`: a recorded run against its own or another specification, offline.

use std::path::Path;

use anyhow::Result;
use launch::shell::quoted;
use measure::Run;
use report::terminal::Extent;
use verdict::Judgement;

use crate::args::{JudgeArgs, JudgedView};
use crate::case;
use crate::commands::{import, judgement, look, print, print_as_is, print_json};
use crate::exit::Exit;

pub(crate) fn judge(args: &JudgeArgs) -> Result<Exit> {
    let run = case::find(&args.run, args.out.as_deref())?;
    let specification = case::specification(&run, args.spec.as_deref())?;
    let judgement = judgement(&run, &[], &specification);
    let sent = import::sent(&args.with, args.out.as_deref(), &[run.name()])?;
    let vendor = import::beside(&sent, &run, &judgement);
    if args.letter {
        print_as_is(&report::vendor::letter(&run, &vendor))?;
        return Ok(Exit::Done);
    }
    if args.view.json && !vendor.is_empty() {
        let mut json = report::json::judgement(&run, &judgement);
        json["vendor"] = report::vendor::json(&vendor);
        print_json(&json)?;
        return Ok(Exit::Done);
    }
    // The answer stays the last line: what was sent does not change it.
    for file in vendor.iter().filter(|_| !args.view.brief) {
        print(&report::terminal::vendor_file(file, args.view.all, look()))?;
    }
    show(&run, &judgement, args.view, args.out.as_deref())?;
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
