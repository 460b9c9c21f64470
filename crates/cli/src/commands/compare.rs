//! `hostproof compare`: runs before an update against runs after it.

use anyhow::{Result, bail};
use serde_json::json;
use verdict::compare::{Comparison, Order, Overall, Refusal};

use crate::args::CompareArgs;
use crate::commands::{look, print, print_json};
use crate::exit::Exit;
use crate::history::History;

pub(crate) fn compare(args: &CompareArgs) -> Result<Exit> {
    let history = History::open(&args.view.records)?;
    let (before, after) = (history.select(&args.before), history.select(&args.after));
    let order = if args.paired { Order::Paired } else { Order::Separate };
    let answer = history.compare((&before, &after), order, args.view.spec.as_deref())?;
    show(&answer, args.all, args.view.json)
}

/// Shows a comparison, or why there is none; the exit code is the answer.
pub(crate) fn show(answer: &Result<Comparison, Refusal>, all: bool, json: bool) -> Result<Exit> {
    let comparison = match answer {
        Ok(comparison) => comparison,
        // A selection that means nothing is wrong use; two states that cannot be compared are an answer.
        Err(refusal @ (Refusal::Empty(_) | Refusal::SharedBoot(_))) => bail!("{refusal}"),
        Err(refusal) => {
            let reason = refusal.to_string();
            if json {
                print_json(&json!({"overall": "NOT-COMPARABLE", "reason": reason}))?;
            } else {
                print(&format!("NOT-COMPARABLE\n  {}", report::terminal::clean(&reason)))?;
            }
            return Ok(Exit::NotComparable);
        }
    };
    if json {
        print_json(&report::compare::comparison_json(comparison))?;
    } else {
        print(&report::compare::comparison(comparison, all, look()))?;
    }
    Ok(match comparison.overall() {
        Overall::NotWorse => Exit::Done,
        Overall::Regression => Exit::Rejected,
        Overall::Inconclusive => Exit::Inconclusive,
        Overall::Tainted => Exit::NotComparable,
    })
}
