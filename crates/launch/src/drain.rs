//! Which nodes may be drained and taken back. An administrator's own word is never touched: what is not ours stays.

use crate::NodeLine;

/// What is done with a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DrainStep {
    /// It is drained, or taken back.
    Do,
    /// It is left alone, and why.
    Leave(String),
}

/// How many criteria a reason names.
const NAMED: usize = 3;

/// The reason by which a fleet drains a node: fleet, run, and what the node missed.
#[must_use]
pub fn reason(fleet: &str, run: &str, criteria: &[String]) -> String {
    let mut text = format!("{}{run}", prefix(fleet));
    for criterion in criteria.iter().take(NAMED) {
        text += &format!(" {criterion}");
    }
    if criteria.len() > NAMED {
        text += &format!(" and {} more", criteria.len() - NAMED);
    }
    text
}

fn prefix(fleet: &str) -> String {
    format!("hostproof {fleet}/")
}

/// The run by which a fleet drained a node; `None` where the reason is not the fleet's.
#[must_use]
pub fn run_of<'a>(reason: &'a str, fleet: &str) -> Option<&'a str> {
    let run = reason.strip_prefix(&prefix(fleet))?.split_whitespace().next()?;
    Some(run)
}

/// Whether a node may be drained, as Slurm knows it.
#[must_use]
pub fn drain_step(line: Option<&NodeLine>, fleet: &str) -> DrainStep {
    let Some(line) = line else { return DrainStep::Leave("Slurm knows no node of this name".to_owned()) };
    match (line.reason.as_str(), line.is_drained()) {
        (reason, true) if run_of(reason, fleet).is_some() => DrainStep::Leave("this fleet has drained it".to_owned()),
        ("", true) => DrainStep::Leave(format!("it is {} by somebody who gave no reason", line.state)),
        ("", false) => DrainStep::Do,
        // Left over from a time when this fleet had drained it.
        (reason, false) if run_of(reason, fleet).is_some() => DrainStep::Do,
        (reason, _) => DrainStep::Leave(format!("it is {}, and the reason is not this fleet's: {reason}", line.state)),
    }
}

/// Whether a node may be taken back, as Slurm knows it; whether it was accepted anew is another question.
#[must_use]
pub fn resume_step(line: Option<&NodeLine>, fleet: &str) -> DrainStep {
    match line {
        None => DrainStep::Leave("Slurm knows no node of this name".to_owned()),
        Some(line) if !line.is_drained() => DrainStep::Leave(format!("it is not drained but {}", line.state)),
        Some(line) if run_of(&line.reason, fleet).is_none() => {
            DrainStep::Leave(format!("the reason is not this fleet's: {}", line.reason))
        }
        Some(_) => DrainStep::Do,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(state: &str, reason: &str) -> NodeLine {
        NodeLine { name: "n1".into(), state: state.into(), reason: reason.into() }
    }

    #[test]
    fn a_reason_names_fleet_run_and_criteria() {
        let criteria = ["memory.stream", "dense.hpl", "a", "b"].map(str::to_owned);
        let check = |count: usize, expect: &str| {
            let text = reason("f1", "20260701T1-ab", &criteria[..count]);
            assert_eq!(text, expect);
            assert_eq!(run_of(&text, "f1"), Some("20260701T1-ab"));
            assert_eq!(run_of(&text, "f"), None);
        };
        check(1, "hostproof f1/20260701T1-ab memory.stream");
        check(3, "hostproof f1/20260701T1-ab memory.stream dense.hpl a");
        check(4, "hostproof f1/20260701T1-ab memory.stream dense.hpl a and 1 more");
        check(0, "hostproof f1/20260701T1-ab");
        assert_eq!(run_of("bad DIMM (hostproof f1/x)", "f1"), None);
        assert_eq!(run_of("hostproof f1/", "f1"), None);
    }

    #[test]
    fn what_is_not_ours_is_left_alone() {
        let check = |state: &str, reason: &str, drain: Result<(), &str>, resume: Result<(), &str>| {
            let line = line(state, reason);
            for (step, expect) in [(drain_step(Some(&line), "f1"), drain), (resume_step(Some(&line), "f1"), resume)] {
                match (step, expect) {
                    (DrainStep::Do, Ok(())) => {}
                    (DrainStep::Leave(why), Err(words)) => assert!(why.contains(words), "{why}"),
                    other => panic!("{state} {reason}: {other:?}"),
                }
            }
        };
        check("idle", "", Ok(()), Err("not drained but idle"));
        check("allocated", "", Ok(()), Err("not drained"));
        check("drained", "hostproof f1/r x", Err("has drained it"), Ok(()));
        check("draining*", "hostproof f1/r x", Err("has drained it"), Ok(()));
        check("idle", "hostproof f1/r x", Ok(()), Err("not drained"));
        check("drained", "hostproof f2/r x", Err("not this fleet's"), Err("not this fleet's: hostproof f2/r x"));
        check("drained", "bad DIMM", Err("bad DIMM"), Err("bad DIMM"));
        check("drained", "", Err("no reason"), Err("not this fleet's"));
        check("down*", "Not responding", Err("Not responding"), Err("not drained but down*"));
        assert!(matches!(drain_step(None, "f1"), DrainStep::Leave(_)));
        assert!(matches!(resume_step(None, "f1"), DrainStep::Leave(_)));
    }
}
