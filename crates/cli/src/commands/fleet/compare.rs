//! `hostproof fleet compare`: a fleet before an update and after it.

use anyhow::{Result, ensure};
use report::fleets;
use verdict::compare::{Overall, Tolerances};

use super::nodes;
use crate::args::FleetCompareArgs;
use crate::commands::{look, print, print_json};
use crate::exit::Exit;

pub(super) fn compare(args: &FleetCompareArgs) -> Result<Exit> {
    let after = nodes::read(&args.after, &args.by)?;
    let before = nodes::read(&args.before, &args.by)?;
    let tolerances = Tolerances::of(&after.specification.system);
    let change = fleet::compare(&before.nodes, &after.nodes, &tolerances);
    ensure!(
        !change.pairs.is_empty(),
        "no node has an answer before and after: {} nodes before, {} after; nodes are known by their names",
        before.nodes.len(),
        after.nodes.len()
    );
    if args.json {
        print_json(&fleets::change_json(&change))?;
    } else {
        print(&fleets::change(&change, args.all, look()))?;
    }
    Ok(match change.overall() {
        Overall::Regression => Exit::Rejected,
        _ if !change.worse().is_empty() => Exit::Rejected,
        Overall::NotWorse => Exit::Done,
        Overall::Inconclusive | Overall::Tainted => Exit::Inconclusive,
    })
}
