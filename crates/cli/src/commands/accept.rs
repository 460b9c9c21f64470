//! `hostproof accept`: measure and judge as `run` does, and answer by the exit code.

use std::path::Path;

use anyhow::{Result, bail};
use inventory::Inventory;
use measure::Profile;
use record::{Soak, Store};
use report::gate;
use spec::System;
use verdict::{Acceptance, Judgement};

use crate::args::{AcceptArgs, RunArgs, SoakArgs};
use crate::commands;
use crate::commands::run::{self, Finish};
use crate::commands::{judgement_of_parts, look, print, print_json};
use crate::exit::Exit;
use crate::locations::{self, Specification};
use crate::output::say;
use crate::plan::RunPlan;
use crate::run::unmeasured;

pub(crate) fn accept(args: &AcceptArgs) -> Result<Exit> {
    let specification = Specification::load(&args.run.spec)?;
    demands_something(&specification.system)?;
    if args.soak.is_some() {
        // What could not follow is said before hours are measured.
        Soak::may_start(&Store::at(&locations::results(args.run.out.as_deref())?))?;
    }
    let root = Path::new("/");
    let inventory = inventory::take(root);
    if args.facts_first
        && let Some(exit) = by_parts(&args.run, &specification, &inventory)?
    {
        return Ok(exit);
    }
    let plan = RunPlan::resolve(&args.run, specification, inventory, root)?;
    if plan.profile == Profile::Smoke && !args.run.dry_run {
        say("profile smoke is a look whether all works, and no acceptance: measure by `--profile full` for one");
    }
    let answer = match run::measured(&args.run, &plan)? {
        Finish::Judged(judgement) => exit(&judgement),
        Finish::Ended(exit) => return Ok(exit),
    };
    match args.soak {
        Some(seconds) => with_soak(&args.run, seconds, answer),
        None => Ok(answer),
    }
}

/// The answer with that of a soak: the worse of both.
fn with_soak(run: &RunArgs, seconds: f64, answer: Exit) -> Result<Exit> {
    if answer == Exit::Rejected {
        say("no soak follows: the host is rejected already");
        return Ok(answer);
    }
    let soaked = commands::soak::soak(&SoakArgs::after(run, seconds)?)?;
    Ok(worse(answer, soaked))
}

/// Of two answers the one that accepts less.
fn worse(one: Exit, other: Exit) -> Exit {
    let order =
        [Exit::Interrupted, Exit::Unusable, Exit::Rejected, Exit::NotComparable, Exit::Inconclusive, Exit::Done];
    order.into_iter().find(|exit| *exit == one || *exit == other).unwrap_or(one)
}

/// Refuses a specification by which any host could be accepted.
fn demands_something(system: &System) -> Result<()> {
    if system.demands().is_empty() {
        bail!(
            "{} demands nothing that this suite measures, so it could accept any host: mark facts and targets in it as \
             `required = true` (`hostproof spec check` says what a file demands), or give another with --spec",
            system.id
        );
    }
    Ok(())
}

/// The answer of the parts alone, where no measurement could change it.
fn by_parts(args: &RunArgs, specification: &Specification, inventory: &Inventory) -> Result<Option<Exit>> {
    let unmeasured = unmeasured(args.profile, specification, inventory.facts.clone(), inventory.fingerprint());
    let judgement = judgement_of_parts(&unmeasured, specification);
    if !judgement.is_settled() {
        say("the parts leave it open: it is measured");
        return Ok(None);
    }
    if args.view.json {
        print_json(&report::json::parts(&judgement))?;
    } else if args.view.brief {
        print(&gate::brief_answer(&judgement))?;
    } else {
        print(&report::terminal::judged_parts(&judgement, look()))?;
    }
    say("nothing was measured, because the parts decide (--facts-first)");
    Ok(Some(exit(&judgement)))
}

fn exit(judgement: &Judgement) -> Exit {
    match judgement.acceptance() {
        Acceptance::Accepted => Exit::Done,
        Acceptance::Rejected => Exit::Rejected,
        Acceptance::Inconclusive => Exit::Inconclusive,
        Acceptance::NotComparable => Exit::NotComparable,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_soak_can_only_take_away() {
        let check = |one: Exit, other: Exit, expect: Exit| {
            assert_eq!((worse(one, other), worse(other, one)), (expect, expect));
        };
        check(Exit::Done, Exit::Done, Exit::Done);
        check(Exit::Done, Exit::Inconclusive, Exit::Inconclusive);
        check(Exit::NotComparable, Exit::Done, Exit::NotComparable);
        check(Exit::Inconclusive, Exit::Rejected, Exit::Rejected);
        check(Exit::Rejected, Exit::Interrupted, Exit::Interrupted);
    }

    #[test]
    fn a_soak_takes_what_was_typed_for_the_acceptance() {
        use clap::Parser;
        let typed = ["hostproof", "accept", "--soak", "24h", "--spec", "mine.toml", "--out", "o", "--scratch", "s"];
        let crate::args::Command::Accept(args) = crate::args::Arguments::try_parse_from(typed).unwrap().command else {
            panic!("this is accept");
        };
        let soak = SoakArgs::after(&args.run, args.soak.unwrap()).unwrap();
        assert_eq!(
            (soak.hours, soak.spec.as_str(), soak.no_figures, soak.go_on),
            (Some(24.0), "mine.toml", true, false)
        );
        assert_eq!((soak.records.out, soak.scratch), (Some("o".into()), Some("s".into())));
    }
}
