//! `hostproof fleet judge`: all nodes together, and the answer by the exit code.

use anyhow::Result;
use fleet::FleetJudgement;
use report::fleets::{self, FleetExtent, JudgedFleet};
use verdict::Acceptance;
use verdict::compare::Tolerances;

use super::nodes::{self, ReadFleet};
use crate::args::{FleetJudgeArgs, FleetRunsArgs};
use crate::commands::{look, print, print_json};
use crate::exit::Exit;
use launch::shell::quoted;

pub(super) fn judge(args: &FleetJudgeArgs) -> Result<Exit> {
    let (read, judged) = judged(&args.of)?;
    let fleet = JudgedFleet { name: &read.name, system: &read.specification.system, judgement: &judged };
    if args.json {
        print_json(&fleets::judgement_json(&fleet))?;
    } else if args.brief {
        print(&fleets::brief(&judged))?;
    } else {
        let (again, store) = (again(&args.of), store(&args.of));
        let extent = FleetExtent { all: args.all, again: &again, store: &store };
        print(&fleets::judgement(&fleet, extent, look()))?;
    }
    Ok(match judged.acceptance() {
        Acceptance::Accepted => Exit::Done,
        Acceptance::Rejected => Exit::Rejected,
        Acceptance::Inconclusive => Exit::Inconclusive,
        Acceptance::NotComparable => Exit::NotComparable,
    })
}

/// A fleet that was read, and what it was judged.
pub(super) fn judged(args: &FleetRunsArgs) -> Result<(ReadFleet, FleetJudgement)> {
    let mut read = nodes::read(&args.runs, &args.by)?;
    let tolerances = Tolerances::of(&read.specification.system);
    let judged = fleet::judge(std::mem::take(&mut read.nodes), &tolerances);
    Ok((read, judged))
}

/// What another command needs to find the same nodes: many records are not typed again.
fn again(args: &FleetRunsArgs) -> String {
    const FEW: usize = 3;
    let mut text = String::new();
    if args.runs.len() > FEW {
        text += " RUN…";
    } else {
        args.runs.iter().for_each(|run| text += &format!(" {}", quoted(run)));
    }
    if let Some(spec) = &args.by.spec {
        text += &format!(" --spec {}", quoted(spec));
    }
    text + &store(args)
}

fn store(args: &FleetRunsArgs) -> String {
    let folder = args.by.records.out.as_deref();
    folder.map(|folder| format!(" --out {}", quoted(&folder.to_string_lossy()))).unwrap_or_default()
}
