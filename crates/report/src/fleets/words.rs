//! What is said of a fleet and its nodes, the same in every view.

use fleet::{Among, FleetJudgement, FleetNode, NodeAnswer, TargetAnswer};
use measure::fold;
use verdict::{Acceptance, Verdict};

use crate::compare::signed;
use crate::gate;
use crate::terminal::grid::Paint;
use crate::text::share;

/// What the letters say.
pub(super) const KEY: &str = ". met, F missed, I implausible, ? not decided, T disturbed, - not measured, x impossible by the \
    document, n another machine or build.";

/// More names than these are cut.
const NAMES: usize = 160;

/// A letter for a verdict: it says the same without colour.
fn letter(verdict: Verdict) -> char {
    match verdict {
        Verdict::Pass => '.',
        Verdict::Fail => 'F',
        Verdict::Inconclusive => '?',
        Verdict::Infeasible => 'x',
        Verdict::Implausible => 'I',
        Verdict::NotComparable => 'n',
        Verdict::NotMeasured => '-',
        Verdict::Tainted => 'T',
    }
}

/// The targets that a table has: those that are demanded, or all where none is.
pub(crate) fn targets(judged: &FleetJudgement) -> Vec<&fleet::FleetCriterion> {
    let all = || judged.criteria.iter().filter(|one| !one.is_part);
    let demanded: Vec<_> = all().filter(|one| one.required).collect();
    if demanded.is_empty() { all().collect() } else { demanded }
}

/// The letters of a node, one for each target.
pub(super) fn letters(node: &FleetNode, targets: &[&fleet::FleetCriterion]) -> String {
    let Some(account) = node.account() else { return String::new() };
    let of = |id: &str| account.targets.iter().find(|one| one.id == id).map_or(' ', |one| letter(one.verdict));
    targets.iter().map(|one| of(&one.id)).collect()
}

/// `5 of 6`: demanded parts that are as documented.
pub(super) fn parts(node: &FleetNode) -> String {
    let demanded = || node.account().into_iter().flat_map(|account| &account.parts).filter(|part| part.required);
    let met = demanded().filter(|part| part.verdict == Verdict::Pass).count();
    match demanded().count() {
        0 => String::new(),
        all => format!("{met} of {all}"),
    }
}

/// The word of a node.
pub(crate) fn node_word(node: &FleetNode) -> &'static str {
    node.account().map_or("NO-ANSWER", |account| gate::word(account.acceptance))
}

pub(crate) fn paint_of_node(node: &FleetNode) -> Paint {
    match node.account().map(|account| account.acceptance) {
        Some(Acceptance::Accepted) => Paint::Good,
        Some(Acceptance::Rejected) => Paint::Bad,
        Some(Acceptance::Inconclusive | Acceptance::NotComparable) | None => Paint::Doubtful,
    }
}

/// Whether a node is anything but accepted and like its siblings.
pub(super) fn is_remarkable(judged: &FleetJudgement, place: usize) -> bool {
    let is_accepted = judged.nodes[place].account().is_some_and(|account| account.acceptance == Acceptance::Accepted);
    !is_accepted || judged.states[place].outliers > 0
}

/// Nodes by their names, as far as those have room.
pub(super) fn names(judged: &FleetJudgement, places: &[usize]) -> String {
    let names = fold(places.iter().map(|place| judged.nodes[*place].name.as_str()));
    if names.chars().count() <= NAMES {
        return names;
    }
    let cut: String = names.chars().take(NAMES).collect();
    let whole = cut.rfind([',', '[']).map_or(cut.as_str(), |at| &cut[..at]);
    format!("{whole}… ({} nodes)", places.len())
}

/// What stands out on a node, the gravest first: what it misses, where it is worse than its siblings, what is open.
pub(crate) fn standing_out(judged: &FleetJudgement, place: usize) -> Vec<String> {
    let node = &judged.nodes[place];
    let tries = if node.attempts > 1 { format!(" ({} attempts)", node.attempts) } else { String::new() };
    let account = match &node.answer {
        NodeAnswer::Missing(why) => return vec![format!("no answer{tries}: {why}")],
        NodeAnswer::Judged(account) => account,
    };
    let mut said: Vec<String> = Vec::new();
    let missed = |verdict: Verdict, required: bool| required && verdict == Verdict::Fail;
    said.extend(account.targets.iter().filter(|one| missed(one.verdict, one.required)).map(target));
    said.extend(account.parts.iter().filter(|one| missed(one.verdict, one.required)).map(|one| {
        let found = one.found.as_deref().unwrap_or("unknown");
        format!("{} {found} (documented {})", one.id, one.documented)
    }));
    for (series, place) in judged.odd_figures(place).filter(|(_, place)| place.among == Among::Outlier) {
        let z = place.z.unwrap_or_default();
        said.push(format!("{} {} against its siblings (z {z:.1})", series.id, signed(place.off)));
    }
    let open = |verdict: Verdict| !matches!(verdict, Verdict::Pass | Verdict::Fail | Verdict::Infeasible);
    let targets = account.targets.iter().map(|one| (&one.id, one.verdict, one.required));
    let parts = account.parts.iter().map(|one| (&one.id, one.verdict, one.required));
    let mut left: Vec<(Verdict, Vec<&str>)> = Vec::new();
    for (id, verdict, _) in targets.chain(parts).filter(|(_, verdict, required)| *required && open(*verdict)) {
        match left.iter_mut().find(|(known, _)| *known == verdict) {
            Some((_, ids)) => ids.push(id),
            None => left.push((verdict, vec![id])),
        }
    }
    said.extend(left.into_iter().map(|(verdict, ids)| match ids.as_slice() {
        [one] => format!("{one} {verdict}"),
        several => format!("{verdict}: {}", several.join(", ")),
    }));
    if !tries.is_empty() && !said.is_empty() {
        said.push(tries.trim_start().trim_matches(['(', ')']).to_owned());
    }
    said
}

fn target(one: &TargetAnswer) -> String {
    match (one.value, one.share) {
        (Some(value), Some(reached)) => {
            format!("{} {value} ({} of the documented {})", one.id, share(reached), one.documented)
        }
        _ => format!("{} (documented {})", one.id, one.documented),
    }
}

/// `400 nodes: 380 accepted, 12 rejected…`.
pub(super) fn counts(judged: &FleetJudgement) -> String {
    let counts = judged.counts();
    let mut said = vec![format!("{} accepted", counts.accepted)];
    let others =
        [(counts.rejected, "rejected"), (counts.not_decided, "not decided"), (counts.no_answer, "without an answer")];
    said.extend(others.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}")));
    let nodes = if counts.nodes == 1 { "1 node".to_owned() } else { format!("{} nodes", counts.nodes) };
    format!("{nodes}, {}", said.join(", "))
}

/// The answer: the word, the counts, and who is worse than its siblings.
pub(super) fn answer(judged: &FleetJudgement) -> String {
    let of = |wanted: fn(&FleetJudgement, usize) -> bool| -> Vec<usize> {
        (0..judged.nodes.len()).filter(|place| wanted(judged, *place)).collect()
    };
    let rejected = of(|judged, place| {
        judged.nodes[place].account().is_some_and(|account| account.acceptance == Acceptance::Rejected)
    });
    let missing = of(|judged, place| judged.nodes[place].account().is_none());
    let outliers = of(|judged, place| judged.states[place].outliers > 0);
    let mut text = format!("{}: {}", gate::word(judged.acceptance()), counts(judged));
    for (places, what) in [(&rejected, "rejected"), (&missing, "no answer"), (&outliers, "worse than their siblings")] {
        if !places.is_empty() {
            text += &format!("; {what}: {}", names(judged, places));
        }
    }
    text + "."
}

/// How an outlier is told from chance.
pub(crate) fn level(judged: &FleetJudgement) -> String {
    format!(
        "An outlier is worse than the median of its cohort by more than the margin and more than the limit (robust standard \
         deviations): {} figures are held against limits, and a fleet of sound nodes has an outlier in {} of all cases at most.",
        judged.tests,
        share(fleet::LEVEL)
    )
}

/// What it means to be off and not blamed.
pub(super) fn off(among: Among) -> &'static str {
    match among {
        Among::Unusual => "better than its siblings, which is unusual and nobody's fault",
        Among::OwnNoise => {
            "not decided, because its own noise is larger than the spread of its cohort and reaches as far"
        }
        Among::Outlier => "an outlier",
        Among::Alike => "as the others",
        Among::TooFew => "too few to compare",
    }
}
