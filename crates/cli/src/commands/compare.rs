//! `hostproof compare`: runs before an update against runs after it.

use anyhow::{Context, Result, bail};
use measure::MetricId;
use record::Listed;
use serde_json::json;
use verdict::compare::{Comparison, Order, Overall, Refusal, Tolerances};

use crate::args::CompareArgs;
use crate::commands::{look, print, print_json};
use crate::exit::Exit;
use crate::history::{History, tolerances};

pub(crate) fn compare(args: &CompareArgs) -> Result<Exit> {
    let history = History::open(&args.view.records)?;
    let (before, after) = (history.select(&args.before), history.select(&args.after));
    for (side, runs, selector) in [("--before", &before, &args.before), ("--after", &after, &args.after)] {
        if runs.is_empty() {
            return Err(history.nothing_selected(Some(selector)).context(side));
        }
    }
    if args.within_boot {
        let newest = after.last().with_context(|| Refusal::Empty("after").to_string())?;
        let tolerances = tolerances(newest, args.view.spec.as_deref())?;
        return within_boot(&history, (&before, &after), &tolerances, args.view.json);
    }
    let order = if args.paired { Order::Paired } else { Order::Separate };
    let answer = history.compare((&before, &after), order, args.view.spec.as_deref())?;
    show(&answer, args.all, args.view.json)
}

/// Compares runs of one boot. It never says that the host is rejected: boots decide.
pub(crate) fn within_boot(
    history: &History,
    (before, after): (&[&Listed], &[&Listed]),
    tolerances: &Tolerances,
    json: bool,
) -> Result<Exit> {
    let critical: &dyn Fn(&MetricId) -> bool = &|id| tolerances.critical(id);
    let (before, after) = (history.load(before, Some(critical))?, history.load(after, Some(critical))?);
    let answer = match verdict::compare::within_boot(before, after, tolerances) {
        Ok(answer) => answer,
        Err(refusal) => return refused(&refusal, json),
    };
    if json {
        print_json(&report::compare::within_json(&answer))?;
    } else {
        print(&report::compare::within(&answer, look()))?;
    }
    Ok(if answer.overall().holds() { Exit::Done } else { Exit::Inconclusive })
}

/// Says why nothing is compared. A selection that means nothing is wrong use; two states that cannot be compared are an
/// answer.
fn refused(refusal: &Refusal, json: bool) -> Result<Exit> {
    if matches!(refusal, Refusal::Empty(_) | Refusal::SharedBoot(_) | Refusal::NotPairs(..) | Refusal::Within(_)) {
        bail!("{refusal}");
    }
    let reason = refusal.to_string();
    if json {
        print_json(&json!({"overall": "NOT-COMPARABLE", "reason": reason}))?;
    } else {
        print(&format!("NOT-COMPARABLE\n  {}", report::terminal::clean(&reason)))?;
    }
    Ok(Exit::NotComparable)
}

/// Shows a comparison, or why there is none; the exit code is the answer.
pub(crate) fn show(answer: &Result<Comparison, Refusal>, all: bool, json: bool) -> Result<Exit> {
    let comparison = match answer {
        Ok(comparison) => comparison,
        Err(refusal) => return refused(refusal, json),
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
