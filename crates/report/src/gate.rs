//! What a judgement adds up to, in words: the answer of `accept`.

use verdict::{AS_DOCUMENTED, Acceptance, FactRow, Judgement, Row, Verdict};

/// The word: ACCEPTED, REJECTED or NOT DECIDED.
#[must_use]
pub fn word(acceptance: Acceptance) -> &'static str {
    match acceptance {
        Acceptance::Accepted => "ACCEPTED",
        Acceptance::Rejected => "REJECTED",
        Acceptance::Inconclusive | Acceptance::NotComparable => "NOT DECIDED",
    }
}

/// The word, how many of the required criteria are met, and the figures of those that are not.
#[must_use]
pub fn answer(judgement: &Judgement) -> String {
    answer_naming(judgement, usize::MAX)
}

/// The same in a few lines, with no more names than these of each kind.
#[must_use]
pub fn brief_answer(judgement: &Judgement) -> String {
    const NAMES: usize = 4;
    answer_naming(judgement, NAMES)
}

fn answer_naming(judgement: &Judgement, names: usize) -> String {
    let tally = judgement.tally();
    let mut text = word(judgement.acceptance()).to_owned();
    if tally.required == 0 {
        text += ": no required criterion can be judged, and nothing is accepted where nothing was demanded";
    } else {
        text += &format!(": {} of {} required criteria are met", tally.passed, tally.required);
    }
    if tally.infeasible > 0 {
        text += &format!(", beside {} that no machine could meet (INFEASIBLE)", tally.infeasible);
    }
    let failed = failed(judgement);
    if !failed.is_empty() {
        text += &format!("; failed: {}", first(&failed, names, "; "));
    }
    if !tally.open.is_empty() {
        text += &format!("; not decided: {}", first(&tally.open, names, ", "));
    }
    if tally.required > 0 && !tally.performance {
        text += "; no performance was demanded";
    }
    text + "."
}

fn first(names: &[String], most: usize, between: &str) -> String {
    // One more name is no longer than a count of one.
    let shown = if names.len() > most.saturating_add(1) { &names[..most] } else { names };
    let more = names.len() - shown.len();
    let rest = if more > 0 { format!("{between}and {more} more") } else { String::new() };
    shown.join(between) + &rest
}

fn failed(judgement: &Judgement) -> Vec<String> {
    let is_failed = |required: bool, verdict: Verdict| required && verdict == Verdict::Fail;
    let targets = judgement.rows.iter().filter(|row| is_failed(row.required, row.verdict)).map(target);
    let parts = judgement.facts.iter().filter(|row| is_failed(row.required, row.verdict)).map(part);
    targets.chain(parts).collect()
}

fn target(row: &Row) -> String {
    match &row.measured {
        Some(measured) => format!("{} {} (documented {})", row.id, measured.value, row.documented),
        None => format!("{} (documented {})", row.id, row.documented),
    }
}

fn part(row: &FactRow) -> String {
    match &row.found {
        Some(found) => format!("{} {found} (documented {})", row.id, row.documented),
        None => format!("{} (documented {})", row.id, row.documented),
    }
}

/// The rows of parts in the order in which people ask for them: what acceptance demands first, and what fails before what is
/// open.
pub(crate) fn parts(judgement: &Judgement) -> Vec<&FactRow> {
    let weight = |row: &&FactRow| match row.verdict {
        Verdict::Fail => 0,
        Verdict::Pass => 2,
        _ => 1,
    };
    let mut rows: Vec<&FactRow> = judgement.facts.iter().collect();
    rows.sort_by_key(|row| (!row.required, weight(row)));
    rows
}

/// Whether a part concerns acceptance: one that it demands, or another that speaks against the host.
pub(crate) fn concerns(row: &FactRow) -> bool {
    row.required || row.verdict == Verdict::Fail
}

/// The rows of parts that concern acceptance, in this order.
pub(crate) fn concerning(judgement: &Judgement) -> impl Iterator<Item = &FactRow> {
    parts(judgement).into_iter().filter(|row| concerns(row))
}

/// What is to be said of a part beside its verdict.
pub(crate) fn why(row: &FactRow) -> &str {
    if row.reason == AS_DOCUMENTED { "" } else { &row.reason }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testdata::judged;

    fn check(change: impl FnOnce(&mut Judgement), expect: &str) {
        let mut judgement = judged();
        judgement.rows.truncate(1);
        judgement.facts.clear();
        judgement.rows[0].required = true;
        judgement.rows[0].verdict = Verdict::Pass;
        change(&mut judgement);
        assert_eq!(answer(&judgement), expect);
    }

    fn fact(verdict: Verdict) -> FactRow {
        FactRow {
            id: "cpu.model".into(),
            title: "model".into(),
            documented: "X 2".into(),
            found: Some("X 1".into()),
            required: true,
            place: "§1".into(),
            verdict,
            reason: String::new(),
        }
    }

    #[test]
    fn parts_come_in_the_order_of_their_weight() {
        let mut judgement = judged();
        let row = |id: &str, required: bool, verdict: Verdict| FactRow { id: id.into(), required, ..fact(verdict) };
        judgement.facts = vec![
            row("a", false, Verdict::Pass),
            row("b", true, Verdict::Pass),
            row("c", false, Verdict::Fail),
            row("d", true, Verdict::NotMeasured),
            row("e", true, Verdict::Fail),
            row("f", true, Verdict::Pass),
        ];
        let all: Vec<&str> = parts(&judgement).iter().map(|row| row.id.as_str()).collect();
        assert_eq!(all, ["e", "d", "b", "f", "c", "a"]);
        let concerned = concerning(&judgement).count();
        assert_eq!(concerned, 5);
    }

    #[test]
    fn a_brief_answer_names_the_first_and_counts_the_rest() {
        let check = |failed: usize, expect: &str| {
            let mut judgement = judged();
            judgement.rows.clear();
            judgement.facts =
                (0..failed).map(|n| FactRow { id: format!("f{n}"), found: None, ..fact(Verdict::Fail) }).collect();
            let brief = brief_answer(&judgement);
            assert!(brief.contains(expect), "{brief}");
            assert_eq!(answer(&judgement).matches("documented").count(), failed);
        };
        check(5, "; f4 (documented X 2);");
        check(6, "f3 (documented X 2); and 2 more;");
    }

    #[test]
    fn the_answer_is_a_word_with_its_counts_and_figures() {
        check(|_| {}, "ACCEPTED: 1 of 1 required criteria are met.");
        check(
            |judgement| judgement.facts.push(fact(Verdict::Fail)),
            "REJECTED: 1 of 2 required criteria are met; failed: cpu.model X 1 (documented X 2).",
        );
        check(
            |judgement| judgement.facts.push(fact(Verdict::NotMeasured)),
            "NOT DECIDED: 1 of 2 required criteria are met; not decided: cpu.model.",
        );
        check(
            |judgement| {
                judgement.rows[0].required = false;
                judgement.facts.push(fact(Verdict::Pass));
            },
            "ACCEPTED: 1 of 1 required criteria are met; no performance was demanded.",
        );
        check(
            |judgement| judgement.rows[0].required = false,
            "NOT DECIDED: no required criterion can be judged, and nothing is accepted where nothing was demanded.",
        );
        check(
            |judgement| {
                judgement.rows[0].verdict = Verdict::Infeasible;
                judgement.facts.push(fact(Verdict::Pass));
            },
            "ACCEPTED: 1 of 1 required criteria are met, beside 1 that no machine could meet (INFEASIBLE); no performance \
             was demanded.",
        );
    }
}
